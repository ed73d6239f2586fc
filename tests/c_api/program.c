/* The smallest program that uses the library: linked in every way that a packager may. */
#include <autoscale.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    const char *text = "[HEROKU_INFOS]\napp_name: shop\n";
    autoscale_config *config = NULL;
    if (autoscale_config_from_ini(text, strlen(text), &config) != AUTOSCALE_OK)
        return 1;
    autoscale_config_free(config);
    printf("%s %u\n", autoscale_version(), (unsigned)autoscale_abi_version());
    return autoscale_abi_version() != AUTOSCALE_ABI_VERSION;
}

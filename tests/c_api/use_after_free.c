/* A program with a fault that the address sanitizer must find: so that it is known to look. */
#include <autoscale.h>
#include <string.h>

int main(void)
{
    const char *text = "[HEROKU_INFOS]\napp_name: shop\n";
    autoscale_config *config = NULL;
    if (autoscale_config_from_ini(text, strlen(text), &config) != AUTOSCALE_OK)
        return 2;
    autoscale_config_free(config);
    return autoscale_config_warnings(config, NULL, 0) != 0;
}

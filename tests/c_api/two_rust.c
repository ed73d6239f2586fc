/* Two static libraries made with Rust in one program. */
#include <autoscale.h>
#include <stdint.h>
#include <string.h>

uint32_t other_sum(uint32_t n);

int main(void)
{
    autoscale_config *config = NULL;
    if (autoscale_config_from_ini("x", 1, &config) != AUTOSCALE_CONFIG || config != NULL)
        return 1;
    return other_sum(5) != 10;
}

/* The header alone, as every dialect reads it. */
#include <autoscale.h>

int header_is_read(void);
int header_is_read(void)
{
    autoscale_observation seen;
    autoscale_decision decision;
    seen.struct_size = sizeof seen;
    decision.struct_size = sizeof decision;
    return autoscale_decide((const autoscale_config *)0, &seen, &decision) == AUTOSCALE_OK && seen.struct_size != 0;
}

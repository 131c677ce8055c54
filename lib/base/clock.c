/*
 * The monotonic clock. One read costs some 30 ns in user space (vDSO).
 */

#include "base/clock.h"

#include "weft/base.h"

weft_time weft_clock_now(void)
{
    return wf_clock_now();
}

const char *weft_version(void)
{
    return WEFT_VERSION;
}

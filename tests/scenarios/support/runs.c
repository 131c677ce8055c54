/*
 * weft_run on a virtual clock.
 */

#include "loops.h"

int run_virtual_at(const weft_origin *origin, weft_coro_fn *main, weft_value *out_value)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.virtual_clock = 1;
    return weft_run_at(origin, main, NULL, &options, out_value);
}

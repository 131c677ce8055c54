/*
 * Loops that run scenarios, and callbacks that many of them need.
 */

#include "loops.h"

#include "tasks.h"
#include "trace.h"

#include <stdio.h>

int run_scenario(const weft_origin *origin, weft_coro_fn *main, int virtual_clock)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.virtual_clock = virtual_clock;
    int r = weft_run_at(origin, main, NULL, &options, NULL);
    if (r < 0) {
        fprintf(stderr, "main: %s: %s\n", weft_error_name(r), weft_current_message(r));
    }
    return r < 0 ? 1 : 0;
}

int run_virtual_at(const weft_origin *origin, weft_coro_fn *main, weft_value *out_value)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;

    options.virtual_clock = 1;
    return weft_run_at(origin, main, NULL, &options, out_value);
}

static weft_loop *make_loop_with(int virtual_clock)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop = NULL;

    options.virtual_clock = virtual_clock;
    MUST(weft_new_event_loop(&options, &loop));
    return loop;
}

weft_loop *make_loop(void)
{
    return make_loop_with(1);
}

weft_loop *make_real_loop(void)
{
    return make_loop_with(0);
}

void end_loop(weft_loop *loop)
{
    MUST(weft_loop_close(loop));
    weft_loop_unref(loop);
}

void run_one_turn(weft_loop *loop)
{
    MUST(weft_loop_stop(loop));
    MUST(weft_loop_run_forever(loop));
}

int say(void *text)
{
    trace("%s", (const char *)text);
    return 0;
}

int stop_loop(void *unused)
{
    (void)unused;
    return weft_loop_stop(NULL);
}

int stop_loop_next_turn(void *unused)
{
    (void)unused;
    return weft_loop_call_soon(NULL, stop_loop, NULL, NULL);
}

int cancel_it(void *data)
{
    return weft_future_cancel(data, NULL);
}

int open_gate(void *data)
{
    return weft_future_set_result(data, weft_value_none());
}

int set_event(void *data)
{
    return weft_event_set(data);
}

/*
 * 275-debug-never-retrieved-through-handler: The report goes through the loop's exception
 * handler, if one is set; in debug mode it knows where the task was created.
 */
#include "support/scenario.h"

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "not consumed");
}

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    (void)data;
    trace("handler: %s task %s", err(context->code), weft_task_get_name(context->source));
    if (weft_loop_get_debug(loop) == WEFT_DEBUG_FULL) {
        trace("place of creation known=%d", context->origin != NULL);
    }
    return 0;
}

static void try_level(enum weft_debug_level level, const char *name)
{
    weft_loop *loop = make_loop();

    MUST(weft_loop_set_slow_callback_duration(loop, WEFT_S(10)));
    MUST(weft_loop_set_debug(loop, level));
    MUST(weft_loop_set_exception_handler(loop, handler, NULL));
    weft_task *task = spawn_on(loop, bug, NULL, name);
    run_one_turn(loop);
    weft_future_unref(task);
    end_loop(loop);
}

int main(void)
{
    watch_logs();
    try_level(WEFT_DEBUG_OFF, "bug-0");
    try_level(WEFT_DEBUG_FULL, "bug-1");
    return 0;
}

/*
 * 273-debug-what-counts-as-retrieved: result(), exception() and awaiting count as retrieved; a
 * done callback that does not look does not.
 */
#include "support/scenario.h"

static int bug(void *arg)
{
    (void)arg;
    return weft_fail(VALUE_ERROR, "x");
}

static int look_away(weft_future *task, void *data)
{
    (void)task;
    (void)data;
    return 0;
}

static void try_way(const char *way)
{
    weft_task *task = spawn_named(bug, NULL, way);

    if (way[0] == 'c') {
        MUST(weft_future_add_done_callback(task, look_away, NULL));
    }
    if (way[0] == 'a') {
        (void)weft_await(task, NULL); /* it fails, and that is all */
    }
    wait_one(task);
    if (way[0] == 'r') {
        (void)weft_future_result(task, NULL);
    } else if (way[0] == 'e') {
        (void)weft_future_exception(task, NULL);
    }
    trace("releasing %s", way);
    weft_future_unref(task);
}

static int story(void *arg)
{
    (void)arg;
    try_way("result");
    try_way("exception");
    try_way("await");
    try_way("callback");
    return 0;
}

int main(void)
{
    watch_logs();
    return scenario_main(story);
}

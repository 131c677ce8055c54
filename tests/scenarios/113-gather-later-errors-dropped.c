/*
 * 113-gather-later-errors-dropped: Errors of children after the first one are dropped silently.
 */
#include "support/scenario.h"

struct bad {
    const char *name;
    int turns;
};

static int bad(void *arg)
{
    const struct bad *me = arg;

    for (int i = 0; i < me->turns; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    trace("%s fails", me->name);
    return weft_fail(VALUE_ERROR, "%s", me->name);
}

static int story(void *arg)
{
    (void)arg;
    struct bad first = { "first", 1 };
    struct bad second = { "second", 6 };
    weft_awaitable *both[] = { weft_coro_create(bad, &first), weft_coro_create(bad, &second) };
    weft_future *group;

    MUST(weft_gather(both, 2, 0, &group));
    int r = join(group, NULL);
    if (r < 0) {
        trace("main %s %s", err(r), message(r));
    }
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    trace("no log");
    return 0;
}

int main(void)
{
    watch_logs();
    return scenario_main(story);
}

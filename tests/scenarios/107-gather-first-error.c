/*
 * 107-gather-first-error: The first error is raised at once; the other children go on
 * undisturbed.
 */
#include "support/scenario.h"

static int bad(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(0));
    return weft_fail(VALUE_ERROR, "bad");
}

static int slow(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    trace("slow ends");
    return return_text("slow result");
}

static int story(void *arg)
{
    (void)arg;
    weft_task *task = spawn(slow, NULL);
    weft_awaitable *both[] = { weft_coro_create(bad, NULL), task };
    weft_future *group;
    weft_value value;

    MUST(weft_gather(both, 2, 0, &group));
    int r = join(group, NULL);
    if (r < 0) {
        trace("main %s slow done=%d", err(r), weft_future_done(task));
    }
    WEFT_TRY(join(task, &value));
    trace("%s", text_of(value));
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

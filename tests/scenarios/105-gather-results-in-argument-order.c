/*
 * 105-gather-results-in-argument-order: gather returns results in argument order, whatever the
 * order of completion.
 */
#include "support/scenario.h"

struct work {
    const char *name;
    int delay_ms;
};

static int work(void *arg)
{
    const struct work *me = arg;

    WEFT_TRY(weft_sleep(WEFT_MS(me->delay_ms)));
    trace("%s done", me->name);
    return return_text(me->name);
}

static int story(void *arg)
{
    (void)arg;
    struct work works[] = { { "a", 90 }, { "b", 30 }, { "c", 60 } };
    weft_awaitable *coros[3];
    weft_future *group;
    weft_value value;

    for (int i = 0; i < 3; i++) {
        coros[i] = weft_coro_create(work, &works[i]);
    }
    MUST(weft_gather(coros, 3, 0, &group));
    WEFT_TRY(join(group, &value));
    const weft_outcomes *results = value.as.ptr;
    trace("%s %s %s", text_of(results->items[0].value), text_of(results->items[1].value),
          text_of(results->items[2].value));
    weft_value_clear(&value);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

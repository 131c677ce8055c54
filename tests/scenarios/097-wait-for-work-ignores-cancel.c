/*
 * 097-wait-for-work-ignores-cancel: Work that swallows the timeout's cancellation and returns:
 * its result wins over the timeout.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    if (weft_sleep(WEFT_S(60)) == WEFT_ECANCELED) {
        trace("work swallows");
        return return_text("late result");
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_value value;
    int r = weft_wait_for(weft_coro_create(work, NULL), WEFT_MS(20), &value);

    if (r == 0) {
        trace("got %s", text_of(value));
    } else {
        trace("%s", err(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

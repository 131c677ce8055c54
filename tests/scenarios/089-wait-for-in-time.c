/*
 * 089-wait-for-in-time: wait_for hands back the result when the work finishes in time.
 */
#include "support/scenario.h"

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("work done");
    return weft_return_int(11);
}

static int story(void *arg)
{
    (void)arg;
    weft_value value;

    WEFT_TRY(weft_wait_for(weft_coro_create(work, NULL), WEFT_S(10), &value));
    trace("result %d", (int)value.as.num);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

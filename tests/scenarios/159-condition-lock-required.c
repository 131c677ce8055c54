/*
 * 159-condition-lock-required: wait and notify without the lock are RuntimeErrors.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_condition *cond = make_condition(NULL);
    int r = weft_condition_wait(cond);

    if (r < 0) {
        trace("wait %s", err(r));
    }
    r = weft_condition_notify(cond, 1);
    if (r < 0) {
        trace("notify %s", err(r));
    }
    r = weft_condition_notify_all(cond);
    if (r < 0) {
        trace("notify_all %s", err(r));
    }
    return weft_condition_destroy(cond);
}

int main(void)
{
    return scenario_main(story);
}

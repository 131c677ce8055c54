/*
 * 093-wait-for-zero-timeout-done: A zero or negative timeout still hands back a result that is
 * already there.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    weft_value value;

    set_text(future, "ready");
    WEFT_TRY(weft_wait_for(future, 0, &value));
    trace("%s", text_of(value));
    WEFT_TRY(weft_wait_for(future, -WEFT_S(1), &value));
    trace("%s", text_of(value));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

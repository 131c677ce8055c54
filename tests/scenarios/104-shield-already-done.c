/*
 * 104-shield-already-done: A shield around finished work is that work: no further pass is
 * needed.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    weft_future *shield;
    weft_value value;

    set_text(future, "ready");
    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    MUST(weft_shield(future, &shield));
    WEFT_TRY(join(shield, &value));
    trace("got %s", text_of(value));
    weft_future_unref(future);
    return weft_sleep(0);
}

int main(void)
{
    return scenario_main(story);
}

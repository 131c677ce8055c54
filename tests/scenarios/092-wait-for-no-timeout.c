/*
 * 092-wait-for-no-timeout: Without a timeout wait_for waits as long as it takes.
 */
#include "support/scenario.h"

static int set_patience(void *future)
{
    set_text(future, "patience");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    weft_value value;

    MUST(weft_loop_call_later(NULL, WEFT_MS(30), set_patience, future, NULL));
    WEFT_TRY(weft_wait_for(future, WEFT_FOREVER, &value));
    trace("%s", text_of(value));
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

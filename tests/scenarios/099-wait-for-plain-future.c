/*
 * 099-wait-for-plain-future: A plain future that times out is cancelled; setting it later fails.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_future *future = make_future();
    int r = weft_wait_for(future, WEFT_MS(20), NULL);

    if (r < 0) {
        trace("%s future cancelled=%d", err(r), weft_future_cancelled(future));
    }
    r = weft_future_set_result(future, weft_value_int(1));
    if (r < 0) {
        trace("%s", err(r));
    }
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

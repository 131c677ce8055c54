/*
 * 291-pattern-periodic-until-stopped: A periodic job that sleeps by waiting for its stop event
 * with a time limit.
 */
#include "support/scenario.h"

static int wait_for_event(void *event)
{
    return weft_event_wait(event);
}

static int periodic(weft_event *stop)
{
    for (int n = 1; n < 100; n++) {
        trace("tick %d", n);
        if (n == 3) {
            MUST(weft_loop_call_soon(NULL, set_event, stop, NULL));
        }
        int r = weft_wait_for(weft_coro_create(wait_for_event, stop),
                              n < 3 ? WEFT_MS(30) : WEFT_S(10), NULL);
        if (r != WEFT_ETIMEDOUT) {
            WEFT_TRY(r);
            break;
        }
    }
    trace("stopped by the event");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *stop = make_event();

    WEFT_TRY(periodic(stop));
    return weft_event_destroy(stop);
}

int main(void)
{
    return scenario_main(story);
}

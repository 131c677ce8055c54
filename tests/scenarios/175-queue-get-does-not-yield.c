/*
 * 175-queue-get-does-not-yield: put and get that need not wait give nobody else a turn.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);
    weft_value item;

    MUST(weft_loop_call_soon(NULL, say, "callback", NULL));
    WEFT_TRY(weft_queue_put(q, weft_value_ptr("x", NULL)));
    WEFT_TRY(weft_queue_get(q, &item));
    trace("got %s", text_of(item));
    WEFT_TRY(weft_sleep(0));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

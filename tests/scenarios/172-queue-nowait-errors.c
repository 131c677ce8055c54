/*
 * 172-queue-nowait-errors: The non-waiting calls raise QueueEmpty and QueueFull.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(1);
    int r = weft_queue_get_nowait(q, NULL);

    if (r < 0) {
        trace("%s", err(r));
    }
    put_text(q, "x");
    r = weft_queue_put_nowait(q, weft_value_ptr("y", NULL));
    if (r < 0) {
        trace("%s", err(r));
    }
    trace("got %s", get_text(q));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

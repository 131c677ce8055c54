/*
 * 171-queue-fifo: Items come out in the order they went in; size, empty and full follow.
 */
#include "support/scenario.h"

static void show_queue(weft_queue *q)
{
    trace("empty=%d full=%d size=%zu", weft_queue_empty(q), weft_queue_full(q),
          weft_queue_qsize(q));
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(3);
    int item;

    show_queue(q);
    for (int i = 1; i <= 3; i++) {
        WEFT_TRY(wait_put(q, i));
    }
    show_queue(q);
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(wait_get(q, &item));
        trace("got %d", item);
    }
    show_queue(q);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

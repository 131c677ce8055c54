/*
 * 173-queue-blocking-put: A producer waits while the queue is full and goes on when there is
 * room.
 */
#include "support/scenario.h"

static int producer(void *arg)
{
    weft_queue *q = arg;

    for (int i = 0; i < 4; i++) {
        WEFT_TRY(wait_put(q, i));
        trace("put %d size %zu", i, weft_queue_qsize(q));
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(2);
    weft_task *task = spawn(producer, q);

    WEFT_TRY(turns(2));
    for (int i = 0; i < 4; i++) {
        int item;
        WEFT_TRY(wait_get(q, &item));
        trace("got %d", item);
        WEFT_TRY(turns(2));
    }
    WEFT_TRY(join(task, NULL));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 176-queue-join-and-task-done: join waits until every item put was reported done.
 */
#include "support/scenario.h"

static int worker(void *arg)
{
    weft_queue *q = arg;

    for (;;) {
        int item;
        WEFT_TRY(wait_get(q, &item));
        WEFT_TRY(weft_sleep(0));
        trace("processed %d", item);
        MUST(weft_queue_task_done(q));
    }
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);

    WEFT_TRY(weft_queue_join(q));
    trace("joined the empty queue");
    for (int i = 0; i < 3; i++) {
        put_number(q, i);
    }
    weft_task *task = spawn(worker, q);
    WEFT_TRY(weft_queue_join(q));
    trace("joined, size %zu", weft_queue_qsize(q));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    weft_future_unref(task);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 177-queue-join-waits-for-unfinished: An empty queue is not enough for join: an item taken but
 * not reported done holds it.
 */
#include "support/scenario.h"

static int joiner(void *arg)
{
    WEFT_TRY(weft_queue_join(arg));
    trace("joined");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);

    put_text(q, "item");
    const char *item = get_text(q);
    trace("got %s empty=%d", item, weft_queue_empty(q));
    weft_task *task = spawn(joiner, q);
    WEFT_TRY(turns(3));
    trace("join done=%d", weft_future_done(task));
    MUST(weft_queue_task_done(q));
    WEFT_TRY(join(task, NULL));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

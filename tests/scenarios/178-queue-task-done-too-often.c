/*
 * 178-queue-task-done-too-often: task_done beyond the number of items is a ValueError.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);

    put_number(q, 1);
    (void)get_number(q);
    MUST(weft_queue_task_done(q));
    int r = weft_queue_task_done(q);
    if (r < 0) {
        trace("%s", err(r));
    }
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 181-queue-priority: A priority queue hands out the smallest item first.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    static const int items[] = { 5, 1, 4, 2, 3 };
    weft_queue *q = NULL;
    int out[5];

    MUST(weft_priority_queue_create(0, NULL, NULL, &q));
    for (int i = 0; i < 5; i++) {
        WEFT_TRY(wait_put(q, items[i]));
    }
    for (int i = 0; i < 5; i++) {
        WEFT_TRY(wait_get(q, &out[i]));
    }
    trace("%d %d %d %d %d", out[0], out[1], out[2], out[3], out[4]);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 182-queue-lifo: A LIFO queue hands out the newest item first.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = NULL;

    MUST(weft_lifo_queue_create(4, &q));
    for (int i = 1; i <= 3; i++) {
        put_number(q, i);
    }
    trace("got %d", get_number(q));
    put_number(q, 4);
    int first = get_number(q);
    int second = get_number(q);
    trace("got %d %d %d", first, second, get_number(q));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

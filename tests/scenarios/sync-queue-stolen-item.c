/*
 * sync-queue-stolen-item: A woken consumer whose item was taken meanwhile goes back to the end of
 * the line.
 */
#include "support/scenario.h"

struct party {
    const char *name;
    weft_queue *q;
};

static int consumer(void *arg)
{
    const struct party *me = arg;
    int item = 0;
    int r = wait_get(me->q, &item);

    if (r < 0) {
        trace("%s %s", me->name, err(r));
        return r;
    }
    trace("%s got %d", me->name, item);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);
    struct party parties[] = { { "a", q }, { "b", q }, { "c", q } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(consumer, &parties[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(6);
    put_number(q, 1);
    trace("stolen %d", get_number(q));
    WEFT_TRY(weft_sleep(0));
    put_number(q, 2);
    put_number(q, 3);
    trace("stolen %d", get_number(q));
    WEFT_TRY(turns(2));
    put_number(q, 4);
    WEFT_TRY(weft_sleep(0));
    put_number(q, 5);
    wait_all(tasks, 3);
    trace("size %zu", weft_queue_qsize(q));
    drop_all(tasks, 3);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

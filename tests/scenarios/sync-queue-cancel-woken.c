/*
 * sync-queue-cancel-woken: A woken consumer or producer that is cancelled wakes the next; the
 * item and the room stay.
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

static int producer(void *arg)
{
    const struct party *me = arg;
    int item = me->name[0] - '0';
    int r = wait_put(me->q, item);

    trace("%d %s", item, r < 0 ? err(r) : "put");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(1);
    struct party consumers[] = { { "a", q }, { "b", q }, { "c", q } };
    struct party producers[] = { { "1", q }, { "2", q }, { "3", q } };
    weft_task *tasks[6];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(consumer, &consumers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(9);
    put_number(q, 7);
    MUST(weft_task_cancel(tasks[0], NULL));
    MUST(weft_task_cancel(tasks[1], NULL));
    trace("size %zu", weft_queue_qsize(q));
    wait_all(tasks, 3);
    trace("size %zu", weft_queue_qsize(q));
    put_number(q, 0);
    for (int i = 0; i < 3; i++) {
        tasks[3 + i] = spawn(producer, &producers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    trace("got %d", get_number(q));
    MUST(weft_task_cancel(tasks[3], NULL));
    WEFT_TRY(turns(2));
    trace("got %d", get_number(q));
    wait_all(tasks + 3, 3);
    int last = get_number(q);
    trace("got %d size %zu", last, weft_queue_qsize(q));
    drop_all(tasks, 6);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 174-queue-blocking-get-fifo: Waiting consumers are served in the order they began to wait.
 */
#include "support/scenario.h"

struct consumer {
    const char *name;
    weft_queue *q;
};

static int consumer(void *arg)
{
    const struct consumer *me = arg;
    int item;

    WEFT_TRY(wait_get(me->q, &item));
    trace("%s got %d", me->name, item);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);
    struct consumer consumers[] = { { "c1", q }, { "c2", q }, { "c3", q } };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(consumer, &consumers[i]);
    }
    WEFT_TRY(weft_sleep(0));
    for (int i = 0; i < 3; i++) {
        put_number(q, i);
    }
    trace("items put");
    wait_all(tasks, 3);
    drop_all(tasks, 3);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

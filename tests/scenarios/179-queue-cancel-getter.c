/*
 * 179-queue-cancel-getter: A cancelled consumer takes no item with it.
 */
#include "support/scenario.h"

struct consumer {
    const char *name;
    weft_queue *q;
};

static int consumer(void *arg)
{
    const struct consumer *me = arg;
    weft_value item;
    int r = weft_queue_get(me->q, &item);

    if (r < 0) {
        trace("%s %s", me->name, err(r));
        return r;
    }
    trace("%s got %s", me->name, text_of(item));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);
    struct consumer consumers[] = { { "a", q }, { "b", q } };
    weft_task *tasks[] = { spawn(consumer, &consumers[0]), spawn(consumer, &consumers[1]) };

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    WEFT_TRY(weft_sleep(0));
    put_text(q, "item");
    wait_all(tasks, 2);
    trace("size %zu", weft_queue_qsize(q));
    drop_all(tasks, 2);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 180-queue-cancel-putter: A cancelled producer leaves no item behind.
 */
#include "support/scenario.h"

struct producer {
    const char *name;
    weft_queue *q;
};

static int producer(void *arg)
{
    const struct producer *me = arg;
    int r = weft_queue_put(me->q, weft_value_ptr((void *)me->name, NULL));

    trace("%s %s", me->name, r < 0 ? err(r) : "put");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(1);
    struct producer producers[] = { { "a", q }, { "b", q } };

    put_text(q, "first");
    weft_task *tasks[] = { spawn(producer, &producers[0]), spawn(producer, &producers[1]) };
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[0], NULL));
    WEFT_TRY(weft_sleep(0));
    trace("got %s", get_text(q));
    wait_all(tasks, 2);
    const char *item = get_text(q);
    trace("got %s size %zu", item, weft_queue_qsize(q));
    drop_all(tasks, 2);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

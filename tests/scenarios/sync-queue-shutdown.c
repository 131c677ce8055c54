/*
 * sync-queue-shutdown: From CPython 3.13 on: a shutdown ends those who put, then those who get,
 * and, at once, those who join.
 */
#include "support/scenario.h"

struct consumer {
    const char *name;
    weft_queue *q;
};

struct producer {
    const char *name;
    const char *items[2];
    weft_queue *q;
};

static int say_shut_down(const char *name, int r)
{
    if (r != WEFT_EQUEUESHUTDOWN) {
        return r;
    }
    trace("%s %s", name, err(r));
    return 0;
}

static int consume_all(const struct consumer *me)
{
    weft_value item;

    for (;;) {
        WEFT_TRY(weft_queue_get(me->q, &item));
        trace("%s got %s", me->name, text_of(item));
        WEFT_TRY(weft_sleep(0));
        MUST(weft_queue_task_done(me->q));
    }
}

static int consumer(void *arg)
{
    const struct consumer *me = arg;

    return say_shut_down(me->name, consume_all(me));
}

static int produce_all(const struct producer *me)
{
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_queue_put(me->q, weft_value_ptr((void *)me->items[i], NULL)));
        trace("put %s", me->items[i]);
    }
    return 0;
}

static int producer(void *arg)
{
    const struct producer *me = arg;

    return say_shut_down(me->name, produce_all(me));
}

static int joiner(void *q)
{
    WEFT_TRY(weft_queue_join(q));
    trace("joined");
    return 0;
}

static int drain(weft_queue *q, int immediate)
{
    struct producer producers[] = { { "p", { "p0", "p1" }, q }, { "q", { "q0", "q1" }, q } };
    struct consumer consumers[] = { { "c", q }, { "d", q } };
    weft_task *tasks[5] = { spawn(producer, &producers[0]), spawn(producer, &producers[1]),
                            spawn(joiner, q) };

    WEFT_TRY(weft_sleep(0));
    start_ticks(6);
    MUST(weft_queue_shutdown(q, immediate));
    WEFT_TRY(weft_sleep(0));
    trace("size %zu", weft_queue_qsize(q));
    tasks[3] = spawn(consumer, &consumers[0]);
    tasks[4] = spawn(consumer, &consumers[1]);
    wait_all(tasks, 5);
    drop_all(tasks, 5);
    return 0;
}

static int run(int immediate)
{
    weft_queue *q = make_queue(2);
    weft_queue *waiting = make_queue(0);
    struct consumer last = { "e", waiting };

    trace("immediate=%d", immediate);
    WEFT_TRY(drain(q, immediate));
    WEFT_TRY(say_shut_down("put", weft_queue_put_nowait(q, weft_value_ptr("x", NULL))));
    WEFT_TRY(say_shut_down("get", weft_queue_get_nowait(q, NULL)));
    WEFT_TRY(weft_queue_join(q));
    weft_task *task = spawn(consumer, &last);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_queue_shutdown(waiting, 0));
    WEFT_TRY(join(task, NULL));
    MUST(weft_queue_destroy(q));
    return weft_queue_destroy(waiting);
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(run(/* immediate = */ 0));
    return run(/* immediate = */ 1);
}

int main(void)
{
    return scenario_main(story);
}

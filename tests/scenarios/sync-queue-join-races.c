/*
 * sync-queue-join-races: Who joins comes through when the count was zero once, also when items
 * came since.
 */
#include "support/scenario.h"

struct joiner {
    const char *name;
    weft_queue *q;
};

static int joiner(void *arg)
{
    const struct joiner *me = arg;

    WEFT_TRY(weft_queue_join(me->q));
    trace("%s joined, size %zu", me->name, weft_queue_qsize(me->q));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(0);
    struct joiner joiners[] = { { "a", q }, { "b", q }, { "c", q } };
    weft_task *tasks[3];

    put_number(q, 0);
    put_number(q, 1);
    tasks[0] = spawn(joiner, &joiners[0]);
    tasks[1] = spawn(joiner, &joiners[1]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(5);
    (void)get_number(q);
    (void)get_number(q);
    MUST(weft_queue_task_done(q));
    WEFT_TRY(weft_sleep(0));
    trace("a done=%d", weft_future_done(tasks[0]));
    MUST(weft_queue_task_done(q));
    put_number(q, 3);
    tasks[2] = spawn(joiner, &joiners[2]);
    WEFT_TRY(turns(2));
    trace("done %d %d %d", weft_future_done(tasks[0]), weft_future_done(tasks[1]),
          weft_future_done(tasks[2]));
    trace("got %d", get_number(q));
    MUST(weft_task_cancel(tasks[2], NULL));
    MUST(weft_queue_task_done(q));
    wait_all(tasks, 3);
    trace("cancelled %d %d %d", weft_future_cancelled(tasks[0]), weft_future_cancelled(tasks[1]),
          weft_future_cancelled(tasks[2]));
    drop_all(tasks, 3);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * sync-barrier-cancelled-party: A party that is cancelled does not count any more; the next one
 * takes its index.
 */
#include "support/scenario.h"

struct party {
    const char *name;
    weft_barrier *barrier;
};

static int party(void *arg)
{
    const struct party *me = arg;
    int index;
    int r = weft_barrier_wait(me->barrier, &index);

    if (r == 0) {
        trace("%s passes with %d", me->name, index);
    } else if (r == WEFT_EBROKENBARRIER) {
        trace("%s BrokenBarrierError %s", me->name, message(r));
        r = 0;
    } else {
        trace("%s %s", me->name, err(r));
    }
    return r;
}

static void show_barrier(const weft_barrier *barrier)
{
    trace("waiting %d broken=%d", weft_barrier_n_waiting(barrier), weft_barrier_broken(barrier));
}

static int story(void *arg)
{
    (void)arg;
    weft_barrier *barrier = make_barrier(3);
    struct party parties[] = {
        { "a", barrier }, { "b", barrier }, { "c", barrier }, { "d", barrier }, { "e", barrier }
    };
    weft_task *tasks[5];

    tasks[0] = spawn(party, &parties[0]);
    tasks[1] = spawn(party, &parties[1]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(8);
    show_barrier(barrier);
    MUST(weft_task_cancel(tasks[0], NULL));
    WEFT_TRY(turns(2));
    show_barrier(barrier);
    tasks[2] = spawn(party, &parties[2]);
    tasks[3] = spawn(party, &parties[3]);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(tasks[2], NULL));
    MUST(weft_wait(tasks, 4, WEFT_S(10), WEFT_ALL_COMPLETED));
    show_barrier(barrier);
    tasks[4] = spawn(party, &parties[4]);
    WEFT_TRY(weft_sleep(0));
    show_barrier(barrier);
    MUST(weft_task_cancel(tasks[4], NULL));
    MUST(weft_wait(tasks, 5, WEFT_S(10), WEFT_ALL_COMPLETED));
    show_barrier(barrier);
    trace("%d %d %d %d %d", weft_future_done(tasks[0]), weft_future_done(tasks[1]),
          weft_future_done(tasks[2]), weft_future_done(tasks[3]), weft_future_done(tasks[4]));
    drop_all(tasks, 5);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

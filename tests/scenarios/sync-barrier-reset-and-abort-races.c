/*
 * sync-barrier-reset-and-abort-races: A reset while others come and go, an abort in the middle of
 * a round, a wait on the broken barrier.
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

static int reset_barrier(void *barrier)
{
    return weft_barrier_reset(barrier);
}

static int story(void *arg)
{
    (void)arg;
    weft_barrier *barrier = make_barrier(3);
    struct party parties[] = { { "a", barrier }, { "b", barrier }, { "c", barrier },
                               { "d", barrier }, { "e", barrier }, { "x", barrier },
                               { "y", barrier }, { "z", barrier } };
    weft_task *tasks[8];

    tasks[0] = spawn(party, &parties[0]);
    tasks[1] = spawn(party, &parties[1]);
    WEFT_TRY(weft_sleep(0));
    start_ticks(14);
    weft_task *reset = spawn(reset_barrier, barrier);
    tasks[2] = spawn(party, &parties[2]);
    tasks[3] = spawn(party, &parties[3]);
    WEFT_TRY(join(reset, NULL));
    show_barrier(barrier);
    WEFT_TRY(turns(5));
    show_barrier(barrier);
    WEFT_TRY(weft_barrier_abort(barrier));
    show_barrier(barrier);
    tasks[4] = spawn(party, &parties[4]);
    wait_all(tasks, 5);
    show_barrier(barrier);
    WEFT_TRY(weft_barrier_reset(barrier));
    show_barrier(barrier);
    for (int i = 5; i < 8; i++) {
        tasks[i] = spawn(party, &parties[i]);
    }
    wait_all(tasks + 5, 3);
    drop_all(tasks, 8);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

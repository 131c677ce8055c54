/*
 * 169-barrier-reset: reset() throws those waiting out with BrokenBarrierError; the barrier is
 * usable afterwards.
 */
#include "support/scenario.h"

struct party {
    const char *name;
    weft_barrier *barrier;
};

static int party(void *arg)
{
    const struct party *me = arg;
    int r = weft_barrier_wait(me->barrier, NULL);

    if (r == 0) {
        trace("%s passes", me->name);
    } else if (r == WEFT_EBROKENBARRIER) {
        trace("%s %s", me->name, err(r));
        r = 0;
    }
    return r;
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
    WEFT_TRY(weft_barrier_reset(barrier));
    wait_all(tasks, 2);
    trace("broken=%d waiting %d", weft_barrier_broken(barrier), weft_barrier_n_waiting(barrier));
    for (int i = 2; i < 5; i++) {
        tasks[i] = spawn(party, &parties[i]);
    }
    wait_all(tasks + 2, 3);
    drop_all(tasks, 5);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

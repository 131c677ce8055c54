/*
 * sync-barrier-next-round-at-the-door: More tasks than parties: the next round waits before the
 * door until the last one has left.
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
    weft_barrier *barrier = make_barrier(2);
    struct party parties[] = { { "a", barrier }, { "b", barrier }, { "c", barrier },
                               { "d", barrier }, { "e", barrier }, { "f", barrier },
                               { "g", barrier } };
    weft_task *tasks[7];

    start_ticks(14);
    for (int i = 0; i < 7; i++) {
        tasks[i] = spawn(party, &parties[i]);
    }
    WEFT_TRY(turns(16));
    show_barrier(barrier);
    MUST(weft_task_cancel(tasks[6], NULL));
    wait_all(tasks, 7);
    show_barrier(barrier);
    drop_all(tasks, 7);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * 167-barrier-releases-together: The last arrival releases all; each gets its own arrival index.
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

    trace("%s arrives, waiting %d", me->name, weft_barrier_n_waiting(me->barrier));
    WEFT_TRY(weft_barrier_wait(me->barrier, &index));
    trace("%s passes with index %d", me->name, index);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_barrier *barrier = make_barrier(3);
    struct party parties[] = { { "a", barrier }, { "b", barrier }, { "c", barrier } };
    weft_task *tasks[3];

    trace("parties %d", weft_barrier_parties(barrier));
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(party, &parties[i]);
    }
    wait_all(tasks, 3);
    trace("waiting %d broken=%d", weft_barrier_n_waiting(barrier), weft_barrier_broken(barrier));
    drop_all(tasks, 3);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

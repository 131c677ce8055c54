/*
 * 168-barrier-reusable: A barrier can be used again right after it has let everybody through.
 */
#include "support/scenario.h"

enum {
    N_PHASES = 3,
    N_PARTIES = 2
};

struct meeting {
    weft_barrier *barrier;
    int log[N_PARTIES * N_PHASES];
    int n_log;
};

static int party(void *arg)
{
    struct meeting *meeting = arg;

    for (int phase = 0; phase < N_PHASES; phase++) {
        WEFT_TRY(weft_barrier_wait(meeting->barrier, NULL));
        meeting->log[meeting->n_log++] = phase;
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct meeting meeting = { .barrier = make_barrier(N_PARTIES) };
    const int *log = meeting.log;
    weft_awaitable *both[] = { weft_coro_create(party, &meeting),
                               weft_coro_create(party, &meeting) };
    weft_future *all = NULL;

    MUST(weft_gather(both, N_PARTIES, 0, &all));
    WEFT_TRY(join(all, NULL));
    trace("%d %d %d %d %d %d", log[0], log[1], log[2], log[3], log[4], log[5]);
    trace("waiting %d", weft_barrier_n_waiting(meeting.barrier));
    return weft_barrier_destroy(meeting.barrier);
}

int main(void)
{
    return scenario_main(story);
}

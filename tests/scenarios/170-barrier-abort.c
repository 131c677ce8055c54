/*
 * 170-barrier-abort: abort() breaks the barrier for those waiting and for all who come later.
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
    weft_barrier *barrier = make_barrier(2);
    struct party first = { "a", barrier };
    struct party late = { "late", barrier };
    weft_task *task = spawn(party, &first);

    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_barrier_abort(barrier));
    wait_one(task);
    trace("broken=%d", weft_barrier_broken(barrier));
    WEFT_TRY(party(&late));
    WEFT_TRY(weft_barrier_reset(barrier));
    trace("broken after reset=%d", weft_barrier_broken(barrier));
    weft_future_unref(task);
    return weft_barrier_destroy(barrier);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * Barrier: a number of tasks meet, and go on together.
 *
 *               the last party arrives              the last one has left
 *     filling ------------------------> draining ------------------------> filling
 *        |  `-------- reset ---------> resetting ---------------------------^
 *        `----------- abort ---------> broken ------- reset, nobody inside -^
 *
 * A condition guards it, as in asyncio, which is why leaving costs each party a
 * turn with the lock. Whoever comes while it drains or resets waits before the
 * door; whoever is cancelled inside is simply not counted any more.
 *
 * Thread: the home's of its condition (sync.h).
 */

#include "base/alloc.h"
#include "base/log.h"
#include "task/sync.h"

#define MAGIC 0x77664252u

enum state {
    FILLING,
    DRAINING,
    RESETTING,
    BROKEN
};

struct weft_barrier {
    uint32_t magic;
    enum state state;
    int parties;
    int n_inside;
    weft_condition condition; /* all changes of the state are notified */
};

int weft_barrier_create_at(const weft_origin *origin, int parties, weft_barrier **out_barrier)
{
    if (out_barrier == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the barrier");
    }
    if (parties < 1) {
        return weft_fail_at(origin, WEFT_EINVAL, "parties must be > 0");
    }
    weft_barrier *barrier = wf_new(weft_barrier);
    if (barrier == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a barrier");
    }
    barrier->magic = MAGIC;
    barrier->parties = parties;
    wf_condition_init(&barrier->condition, NULL, origin);
    barrier->condition.line.kind = "barrier"; /* for descriptions: nobody sees the condition */
    *out_barrier = barrier;
    return 0;
}

static int check(const weft_barrier *barrier)
{
    if (barrier == NULL || barrier->magic != MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a barrier is needed",
                         barrier == NULL ? "NULL" : "an object of another kind, or one destroyed,");
    }
    const weft_loop *loop = barrier->condition.own_lock.line.loop;
    return loop != NULL ? wf_loop_check(loop) : 0;
}

int weft_barrier_destroy(weft_barrier *barrier)
{
    if (barrier == NULL) {
        return 0;
    }
    int r = check(barrier);
    if (r == 0) {
        r = wf_condition_fini(&barrier->condition);
    }
    if (r == 0) {
        barrier->magic = WF_DEAD_MAGIC;
        wf_free(barrier);
    }
    return r;
}

/* ---- inside, with the lock ----------------------------------------------- */

static void set_state(weft_barrier *barrier, enum state state)
{
    barrier->state = state;
    (void)weft_condition_notify_all(&barrier->condition); /* its lock is held */
}

static int is_open(void *data)
{
    const weft_barrier *barrier = data;

    return barrier->state != DRAINING && barrier->state != RESETTING;
}

static int has_filled(void *data)
{
    const weft_barrier *barrier = data;

    return barrier->state != FILLING;
}

/* Until the last round is out of the door. */
static int wait_at_the_door(weft_barrier *barrier)
{
    int r = weft_condition_wait_for(&barrier->condition, is_open, barrier);

    if (r == 0 && barrier->state == BROKEN) {
        r = weft_fail(WEFT_EBROKENBARRIER, "Barrier aborted");
    }
    return r;
}

static int wait_for_the_others(weft_barrier *barrier)
{
    int r = weft_condition_wait_for(&barrier->condition, has_filled, barrier);

    if (r == 0 && (barrier->state == BROKEN || barrier->state == RESETTING)) {
        r = weft_fail(WEFT_EBROKENBARRIER, "Abort or reset of barrier");
    }
    return r;
}

static void leave(weft_barrier *barrier)
{
    if (--barrier->n_inside == 0) {
        set_state(barrier, barrier->state == BROKEN ? BROKEN : FILLING);
    }
}

static int pass(weft_barrier *barrier, int *out_index)
{
    int r = wait_at_the_door(barrier);

    if (r < 0) {
        return r;
    }
    *out_index = barrier->n_inside++;
    if (barrier->n_inside == barrier->parties) {
        set_state(barrier, DRAINING);
    } else {
        r = wait_for_the_others(barrier);
    }
    leave(barrier);
    return r;
}

/* ---- entry points --------------------------------------------------------- */

int weft_barrier_wait(weft_barrier *barrier, int *out_index)
{
    int index;
    int r = check(barrier);

    if (r == 0) {
        r = weft_condition_acquire(&barrier->condition);
    }
    if (r < 0) {
        return r;
    }
    r = pass(barrier, &index);
    (void)weft_condition_release(&barrier->condition); /* every wait comes back with it */
    if (r == 0 && out_index != NULL) {
        *out_index = index;
    }
    return r;
}

int weft_barrier_reset(weft_barrier *barrier)
{
    int r = check(barrier);

    if (r == 0) {
        r = weft_condition_acquire(&barrier->condition);
    }
    if (r < 0) {
        return r;
    }
    set_state(barrier, barrier->n_inside > 0 ? RESETTING : FILLING);
    return weft_condition_release(&barrier->condition);
}

int weft_barrier_abort(weft_barrier *barrier)
{
    int r = check(barrier);

    if (r == 0) {
        r = weft_condition_acquire(&barrier->condition);
    }
    if (r < 0) {
        return r;
    }
    set_state(barrier, BROKEN);
    return weft_condition_release(&barrier->condition);
}

int weft_barrier_parties(const weft_barrier *barrier)
{
    return check(barrier) == 0 ? barrier->parties : 0;
}

int weft_barrier_n_waiting(const weft_barrier *barrier)
{
    return check(barrier) == 0 && barrier->state == FILLING ? barrier->n_inside : 0;
}

int weft_barrier_broken(const weft_barrier *barrier)
{
    return check(barrier) == 0 && barrier->state == BROKEN;
}

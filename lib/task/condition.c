/*
 * Condition: wait until notified, with a lock in hand before and after.
 *
 * A wait gives the lock away, stands in line, and comes back only with the lock:
 * a cancel meanwhile is remembered and returned once the lock is held again, the
 * last one if there were several. Who was notified and is cancelled all the same
 * hands the notification on, so that none is lost (CPython 3.13).
 *
 * Thread: the home's (sync.h).
 */

#include "base/alloc.h"
#include "base/mutant.h"
#include "task/sync.h"

#define MAGIC 0x77664344u

void wf_condition_init(weft_condition *condition, weft_lock *lock, const weft_origin *origin)
{
    wf_line_init(&condition->line, MAGIC, "condition", origin);
    wf_lock_init(&condition->own_lock, origin);
    condition->lock = lock != NULL ? lock : &condition->own_lock;
    condition->lock->n_users++;
}

int weft_condition_create_at(const weft_origin *origin, weft_lock *lock,
                             weft_condition **out_condition)
{
    if (out_condition == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the condition");
    }
    if (lock != NULL) {
        int r = wf_lock_check(lock);
        if (r < 0) {
            return r;
        }
    }
    weft_condition *condition = wf_new(weft_condition);
    if (condition == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a condition");
    }
    wf_condition_init(condition, lock, origin);
    *out_condition = condition;
    return 0;
}

static int check(const weft_condition *condition)
{
    return wf_line_check(condition, MAGIC, "condition");
}

static int enter(weft_condition *condition)
{
    int r = check(condition);

    if (r == 0) {
        wf_line_settle(&condition->line, /* is_free = */ true);
    }
    return r;
}

static bool is_own_lock_in_use(const weft_condition *condition)
{
    const weft_lock *lock = condition->lock;

    return lock == &condition->own_lock && (lock->is_locked || lock->line.n_inside > 0);
}

int wf_condition_fini(weft_condition *condition)
{
    if (is_own_lock_in_use(condition)) {
        return weft_fail(WEFT_EINVALIDSTATE, "the condition's lock is held");
    }
    int r = wf_line_fini(&condition->line);
    if (r < 0) {
        return r;
    }
    condition->lock->n_users--;
    return wf_line_fini(&condition->own_lock.line); /* nobody waits there */
}

int weft_condition_destroy(weft_condition *condition)
{
    if (condition == NULL) {
        return 0;
    }
    int r = check(condition);
    if (r == 0) {
        r = wf_condition_fini(condition);
    }
    if (r == 0) {
        wf_free(condition);
    }
    return r;
}

int weft_condition_acquire(weft_condition *condition)
{
    int r = check(condition);

    return r < 0 ? r : weft_lock_acquire(condition->lock);
}

int weft_condition_release(weft_condition *condition)
{
    int r = check(condition);

    return r < 0 ? r : weft_lock_release(condition->lock);
}

int weft_condition_locked(const weft_condition *condition)
{
    return check(condition) == 0 && weft_lock_locked(condition->lock);
}

static void notify(weft_condition *condition, int64_t n)
{
    struct wf_list *waiters = &condition->line.waiters;

    for (struct wf_list *link = waiters->next; link != waiters && n > 0; link = link->next) {
        n -= wf_line_wake(link);
    }
}

/* The lock again, whatever comes meanwhile: 0, or the last cancel once it is held. */
static int reacquire(weft_lock *lock)
{
    int result = 0;
    int r;

    while ((r = weft_lock_acquire(lock)) == WEFT_ECANCELED) {
        result = r;
    }
    return r < 0 ? r : result;
}

int weft_condition_wait(weft_condition *condition)
{
    struct wf_task *task;
    bool is_notified;
    int r = enter(condition);

    if (r == 0) {
        r = wf_task_require("weft_condition_wait", &task);
    }
    if (r < 0) {
        return r;
    }
    if (!condition->lock->is_locked) {
        return weft_fail(WEFT_ERUNTIME, "cannot wait on un-acquired lock");
    }
    r = wf_line_check_home(&condition->line);
    if (r == 0) {
        r = weft_lock_release(condition->lock);
    }
    if (r < 0) {
        return r;
    }
    r = wf_line_wait(&condition->line, &condition->line.waiters, condition->line.kind,
                     &is_notified);
    if (r < 0 && WF_MUTANT("condition-leaves-without-lock")) {
        return r;
    }
    int again = reacquire(condition->lock);
    r = again < 0 ? again : r;
    if (r < 0 && is_notified && !WF_MUTANT("lost-notify")) {
        notify(condition, 1); /* it was ours, and somebody else's now */
    }
    return r;
}

int weft_condition_wait_for(weft_condition *condition, weft_predicate_fn *predicate, void *data)
{
    int r = check(condition);

    if (r < 0) {
        return r;
    }
    if (predicate == NULL) {
        return weft_fail(WEFT_EINVAL, "no predicate to wait for");
    }
    int result;
    while ((result = predicate(data)) == 0) {
        WEFT_TRY(weft_condition_wait(condition));
    }
    return result < 0 ? result : 0;
}

static int check_notify(weft_condition *condition)
{
    int r = enter(condition);

    if (r == 0 && !condition->lock->is_locked) {
        r = weft_fail(WEFT_ERUNTIME, "cannot notify on un-acquired lock");
    }
    return r;
}

int weft_condition_notify(weft_condition *condition, int64_t n)
{
    int r = check_notify(condition);

    if (r == 0) {
        notify(condition, n);
    }
    return r;
}

int weft_condition_notify_all(weft_condition *condition)
{
    return weft_condition_notify(condition, INT64_MAX);
}

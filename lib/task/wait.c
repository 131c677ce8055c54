/*
 * wait: until some of several futures are done.
 *
 * It consumes nothing and cancels nothing. Each future gets a callback, the
 * counter falls with each of them, and the one that makes the condition true
 * wakes the waiting task. So it always costs turns, also when all were done
 * before, exactly as asyncio's does.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "task/waits.h"
#include "weft/group.h"

static void wake(struct wf_several_wait *wait, int code)
{
    if (!wait->wait.is_woken) {
        wf_timer_stop(wait->loop, &wait->timer);
        wf_wait_wake(&wait->wait, code);
    }
}

static void on_member_done(struct wf_future_callback *callback)
{
    struct wf_several_member *member =
        WF_CONTAINER_OF(callback, struct wf_several_member, callback);
    struct wf_several_wait *wait = member->wait;
    weft_future *future = member->future;
    bool has_failed = false;

    wait->n_left--;
    if (wait->mode == WEFT_FIRST_EXCEPTION && future->state == WF_FUTURE_FINISHED) {
        has_failed = future->code < 0;
        wf_future_set_retrieved(future);
    }
    if (wait->n_left == 0 || wait->mode == WEFT_FIRST_COMPLETED || has_failed) {
        wake(wait, 0);
    }
}

static void on_limit(struct wf_work *work)
{
    wake(WF_CONTAINER_OF(work, struct wf_several_wait, timer.work), 0);
}

static void withdraw(struct wf_several_wait *wait)
{
    for (size_t i = 0; i < wait->n; i++) {
        wf_future_withdraw_callback(&wait->members[i].callback);
    }
    wf_free(wait->members);
    wait->members = NULL;
    wait->n = 0;
}

static void abandon_wait(struct wf_wait *base)
{
    struct wf_several_wait *wait = WF_CONTAINER_OF(base, struct wf_several_wait, wait);

    withdraw(wait);
    wf_timer_stop(wait->loop, &wait->timer);
}

/* The task is cancelled: the members go on without us. */
static bool cancel_wait(struct wf_wait *base, const char *message)
{
    struct wf_several_wait *wait = WF_CONTAINER_OF(base, struct wf_several_wait, wait);

    (void)message; /* the task keeps it */
    withdraw(wait);
    wake(wait, WEFT_ECANCELED);
    return true;
}

/* Each future once, however often it was given: a set has no duplicates. */
static int count_done(weft_future *const *futures, size_t n)
{
    int n_done = 0;

    for (size_t i = 0; i < n; i++) {
        n_done += wf_future_is_done(futures[i]) && !futures[i]->is_marked;
        futures[i]->is_marked = true;
    }
    for (size_t i = 0; i < n; i++) {
        futures[i]->is_marked = false;
    }
    return n_done;
}

static int wait_for_members(struct wf_several_wait *wait, weft_future *const *futures, size_t n,
                            weft_duration limit)
{
    wf_timer_init(&wait->timer, on_limit);
    int r = wf_timer_start(wait->loop, &wait->timer, wf_loop_deadline(wait->loop, limit));
    if (r < 0) {
        return r;
    }
    for (; wait->n < n; wait->n++) {
        struct wf_several_member *member = &wait->members[wait->n];
        member->wait = wait;
        member->future = futures[wait->n];
        member->callback.run = on_member_done;
        member->callback.drop = NULL;
        wf_future_add_callback(member->future, &member->callback);
    }
    return wf_task_wait(&wait->wait);
}

static int check(weft_future *const *futures, size_t n, enum weft_wait_mode mode,
                 const struct wf_task *task)
{
    if (n == 0) {
        return weft_fail(WEFT_EINVAL, "Set of Tasks/Futures is empty.");
    }
    if (futures == NULL) {
        return weft_fail(WEFT_EINVAL, "no futures to wait for");
    }
    if (mode != WEFT_ALL_COMPLETED && mode != WEFT_FIRST_COMPLETED &&
        mode != WEFT_FIRST_EXCEPTION) {
        return weft_fail(WEFT_EINVAL, "Invalid return_when value: %d", (int)mode);
    }
    for (size_t i = 0; i < n; i++) {
        int r = wf_future_check(futures[i]);
        if (r < 0) {
            return r;
        }
        if (futures[i]->loop != task->future.loop) {
            return weft_fail(WEFT_ERUNTIME, "future %zu is attached to a different loop", i);
        }
    }
    return 0;
}

int weft_wait(weft_future *const *futures, size_t n, weft_duration limit, enum weft_wait_mode mode)
{
    struct wf_task *task;
    int r = wf_task_require("weft_wait", &task);

    if (r == 0) {
        r = check(futures, n, mode, task);
    }
    if (r < 0) {
        return r;
    }
    struct wf_several_wait wait = {
        .wait = WF_WAIT_INIT_FOR(cancel_wait, abandon_wait, "wait", WF_WAIT_SEVERAL, &wait),
        .loop = task->future.loop,
        .mode = mode,
        .n_left = n,
        .members = wf_new_array(struct wf_several_member, n),
    };
    if (wait.members == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory to wait for %zu futures", n);
    }
    r = wait_for_members(&wait, futures, n, limit);
    withdraw(&wait);
    return r < 0 ? r : count_done(futures, n);
}

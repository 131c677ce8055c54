/*
 * Waiting for futures, for a while, and for a whole run of the loop.
 *
 * An await stands on the waiting task's stack: one node in the future's list of
 * waiters, one wait of the task. Cancelling the task cancels the future, and the
 * future's end wakes the task; the wait itself is never cut short.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "base/assert.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mutant.h"
#include "task/coro.h"
#include "task/task.h"

#include <stdio.h>

/* ---- a future ----------------------------------------------------------- */

struct await {
    struct wf_wait wait;
    struct wf_waiter waiter;
};

/* A reference, which the wait holds. */
static weft_future *future_of(const struct wf_wait *wait)
{
    return (weft_future *)wait->object;
}

static void wake_awaiter(struct wf_waiter *waiter, weft_future *future)
{
    struct await *await = WF_CONTAINER_OF(waiter, struct await, waiter);

    (void)future;
    wf_wait_wake(&await->wait, 0);
}

/* The waiting task is cancelled: so is what it waits for, whose end then wakes it. */
static bool cancel_awaited(struct wf_wait *wait, const char *message)
{
    struct await *await = WF_CONTAINER_OF(wait, struct await, wait);

    if (WF_MUTANT("await-leaves-early")) {
        wf_future_remove_waiter(&await->waiter);
        wf_wait_wake(wait, WEFT_ECANCELED);
    }
    return wf_future_request_cancel(future_of(wait), message) == 0;
}

const weft_future *wf_wait_get_future(const struct wf_wait *wait)
{
    return wait->kind == WF_WAIT_FUTURE ? wait->object : NULL;
}

static void abandon_awaited(struct wf_wait *wait)
{
    struct await *await = WF_CONTAINER_OF(wait, struct await, wait);

    wf_future_remove_waiter(&await->waiter);
    wf_future_release(future_of(wait));
}

static int refuse_await(const weft_origin *origin, const struct wf_task *task,
                        const weft_future *future)
{
    char mine[256];
    char other[256];

    weft_future_describe(&task->future, mine, sizeof mine);
    if (future == &task->future) {
        return weft_fail_at(origin, WEFT_ERUNTIME, "Task cannot await on itself: %s", mine);
    }
    weft_future_describe(future, other, sizeof other);
    return weft_fail_at(origin, WEFT_ERUNTIME, "Task %s got Future %s attached to a different loop",
                        mine, other);
}

__attribute__((noinline)) static int await_pending(weft_future *future)
{
    struct await await = {
        .wait = WF_WAIT_INIT_FOR(cancel_awaited, abandon_awaited, "future", WF_WAIT_FUTURE, future),
        .waiter = { .wake = wake_awaiter },
    };

    future->n_refs++; /* whoever finishes it may drop the last other reference */
    wf_future_add_waiter(future, &await.waiter);
    int code = wf_task_wait(&await.wait);
    if (code < 0) {
        wf_future_set_retrieved(future); /* done, but the cancel came first and wins */
    }
    return code;
}

/* All of weft_await but for a task that is done, or is waited for in vain. */
__attribute__((noinline)) static int await_slowly(const weft_origin *origin,
                                                  weft_awaitable *awaitable, weft_value *out_value)
{
    struct wf_task *task = NULL;

    if (awaitable == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "nothing to await: it was not made");
    }
    if (wf_coro_is(awaitable)) {
        return wf_task_run_here(awaitable, out_value);
    }
    int r = wf_future_check(awaitable);
    if (r == 0) {
        r = wf_task_require("weft_await", &task);
    }
    if (r < 0) {
        return r;
    }

    WF_ASSERT(task != NULL);
    weft_future *future = awaitable;
    if (wf_future_is_done(future)) {
        return wf_future_take(future, out_value);
    }
    if (future == &task->future || future->loop != task->future.loop) {
        return refuse_await(origin, task, future);
    }
    r = await_pending(future);
    /* A second cancel may have come meanwhile: the message is the first one's, with the future. */
    if (r == 0 || future->state == WF_FUTURE_CANCELLED) {
        r = wf_future_take(future, out_value);
    }
    wf_future_release(future); /* that of await_pending */
    return r;
}

int weft_await_at(const weft_origin *origin, weft_awaitable *awaitable, weft_value *out_value)
{
    weft_future *future = awaitable;

    if (future != NULL && future->magic == WF_FUTURE_MAGIC && wf_loop_is_owned(future->loop) &&
        wf_future_is_done(future) && wf_task_current != NULL) {
        return wf_future_take(future, out_value);
    }
    return await_slowly(origin, awaitable, out_value);
}

/* ---- a coroutine object, in the running task ----------------------------- */

int wf_task_run_here(weft_coro *coro, weft_value *out_value)
{
    struct wf_task *task;
    int r = wf_task_require("awaiting a coroutine object", &task);

    wf_coro_take(coro);
    if (r < 0) {
        wf_coro_drop(coro);
        return r;
    }
    weft_coro_fn *fn = coro->fn;
    void *arg = coro->arg;
    wf_coro_free(coro);
    return weft_call(fn, arg, out_value);
}

int weft_call(weft_coro_fn *fn, void *arg, weft_value *out_value)
{
    if (fn == NULL) {
        return weft_fail(WEFT_EINVAL, "no function to call");
    }
    /* What the caller returned so far waits aside. */
    struct wf_frame *frame = wf_frame_current();
    bool had_value = frame->has_value;
    weft_value before = wf_frame_take_value(frame);

    int code = fn(arg);

    weft_value value = wf_frame_take_value(frame);
    frame->has_value = had_value;
    frame->value = before;
    if (code == 0 && out_value != NULL) {
        *out_value = value;
    } else {
        weft_value_clear(&value);
    }
    return code;
}

/* ---- sleep -------------------------------------------------------------- */

struct sleep {
    struct wf_wait wait;
    struct wf_timer timer;
    weft_loop *loop;
};

/* The timer is due: the sleeper goes on in the next turn, as asyncio's does. */
static void on_sleep_over(struct wf_work *work)
{
    struct sleep *sleep = WF_CONTAINER_OF(work, struct sleep, timer.work);

    wf_wait_wake(&sleep->wait, 0);
}

static bool cancel_sleep(struct wf_wait *wait, const char *message)
{
    struct sleep *sleep = WF_CONTAINER_OF(wait, struct sleep, wait);

    (void)message; /* the task keeps it */
    wf_timer_stop(sleep->loop, &sleep->timer);
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

int weft_sleep(weft_duration duration)
{
    struct wf_task *task;
    int r = wf_task_require("weft_sleep", &task);

    if (r < 0) {
        return r;
    }
    if (duration <= 0) {
        return WF_MUTANT("sleep-zero-keeps-its-turn") ? 0 : wf_task_yield();
    }
    struct sleep sleep = {
        .wait = WF_WAIT_INIT_FOR(cancel_sleep, NULL, "sleep", WF_WAIT_SLEEP, &sleep.timer),
        .loop = task->future.loop,
    };
    wf_timer_init(&sleep.timer, on_sleep_over);
    r = wf_timer_start(sleep.loop, &sleep.timer, wf_loop_deadline(sleep.loop, duration));
    return r < 0 ? r : wf_task_wait(&sleep.wait);
}

/* ---- a run of the loop --------------------------------------------------- */

struct completion {
    struct wf_future_callback callback;
    weft_loop *loop;
};

static void on_complete(struct wf_future_callback *callback)
{
    struct completion *completion = WF_CONTAINER_OF(callback, struct completion, callback);

    completion->loop->is_stopping = true;
}

static int run_until_done(weft_loop *loop, weft_future *future)
{
    struct completion completion = { .callback = { .run = on_complete }, .loop = loop };

    wf_future_add_callback(future, &completion.callback);
    int r = wf_loop_run(loop);
    wf_future_withdraw_callback(&completion.callback);
    if (r < 0) {
        return r;
    }
    return wf_future_is_done(future)
               ? 0
               : weft_fail(WEFT_ERUNTIME, "Event loop stopped before Future completed.");
}

int weft_loop_run_until_complete_at(const weft_origin *origin, weft_loop *loop,
                                    weft_awaitable *awaitable, weft_value *out_value)
{
    weft_future *future = NULL;
    int r = wf_loop_check_run(loop);

    if (awaitable == NULL || wf_coro_is(awaitable)) {
        if (r < 0) {
            wf_awaitable_drop(awaitable);
        }
        r = r < 0 ? r : weft_loop_create_task_at(origin, loop, awaitable, NULL, &future);
    } else if (r == 0) {
        r = wf_future_check(awaitable);
        future = r == 0 ? weft_future_ref(awaitable) : NULL;
    }
    if (r == 0 && future->loop != loop) {
        r = weft_fail(WEFT_EINVAL, "The future belongs to a different loop than the one specified "
                                   "as the loop argument");
    }
    if (r == 0) {
        r = run_until_done(loop, future);
        r = r < 0 ? r : wf_future_take(future, out_value);
    }
    (void)weft_future_unref(future); /* always NULL */
    return r;
}

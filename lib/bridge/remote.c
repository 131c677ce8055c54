/*
 * A coroutine that another thread gives to a loop, and the concurrent future
 * with which that thread waits for it.
 *
 *     any thread                         the loop's thread
 *     ----------                         -----------------
 *     submitted -- post start ---------> task made, followed
 *     cancel ----- post cancel --------> task cancelled
 *     result  <--- finish or cancel ---- task done
 *
 * The future stays PENDING until the task is done, so it can be cancelled all the
 * time, as asyncio's. Its lock orders a cancel against the task's end: after that
 * nobody posts.
 *
 * References to the object: the user's; the loop's, from the post of the start to
 * the task's end; one for a posted cancel.
 *
 * Thread: as said at each function.
 */

#include "base/alloc.h"
#include "base/context.h"
#include "base/frame.h"
#include "base/log.h"
#include "bridge/bridge.h"
#include "task/coro.h"
#include "task/task.h"
#include "thread/concurrent_future.h"

static struct wf_remote *remote_of(weft_concurrent_future *future)
{
    return WF_CONTAINER_OF(future, struct wf_remote, future);
}

/* ---- the loop's thread --------------------------------------------------- */

/* The loop has done its part. */
static void let_go(struct wf_remote *remote)
{
    (void)weft_future_unref(remote->task); /* always NULL */
    remote->task = NULL;
    weft_loop *loop = remote->loop;
    (void)weft_concurrent_future_unref(&remote->future); /* always NULL */
    (void)weft_loop_unref(loop);                         /* always NULL */
}

/* The failure of the task goes to whoever has the future; else the task reports it itself. */
static void hand_on_failure(struct wf_remote *remote)
{
    weft_future *task = remote->task;
    weft_error *error = task->error != NULL ? wf_error_copy(task->error) : NULL;
    int r = wf_concurrent_future_finish(&remote->future, task->code, weft_value_none(), error);

    if (r == 0 && remote->is_asked) {
        wf_future_set_retrieved(task);
    }
}

/* A turn of the loop after the task is done. */
static void on_task_done(struct wf_future_callback *callback)
{
    struct wf_remote *remote = WF_CONTAINER_OF(callback, struct wf_remote, task_done);
    weft_future *task = remote->task;
    weft_value value = weft_value_none();

    if (task->state == WF_FUTURE_CANCELLED) {
        (void)wf_concurrent_future_cancel_quietly(&remote->future); /* or it is already */
    } else if (task->code < 0) {
        hand_on_failure(remote);
    } else {
        (void)wf_future_take(task, &value); /* nobody else knows the task */
        /* It may have been cancelled: then the value is destroyed. */
        (void)wf_concurrent_future_finish(&remote->future, 0, value, NULL);
    }
    let_go(remote);
}

/* The loop closes, and the task or its start with it. */
static void on_loop_closed(struct wf_remote *remote)
{
    weft_error *error = wf_error_create(WEFT_ECLOSED, remote->future.origin,
                                        "the event loop was closed before the task was done");

    /* It may have been cancelled: then the error is released. */
    (void)wf_concurrent_future_finish(&remote->future, WEFT_ECLOSED, weft_value_none(), error);
    let_go(remote);
}

static void drop_task_done(struct wf_future_callback *callback)
{
    on_loop_closed(WF_CONTAINER_OF(callback, struct wf_remote, task_done));
}

static weft_coro *take_coro(struct wf_remote *remote)
{
    weft_coro *coro = remote->coro;

    remote->coro = NULL;
    return coro;
}

static void drop_vars(struct wf_remote *remote)
{
    struct wf_vars *vars = remote->vars;

    remote->vars = NULL;
    wf_vars_drop(vars);
}

static int make_task(struct wf_remote *remote)
{
    struct wf_vars *before = wf_vars_swap(remote->vars);
    int r =
        wf_task_create(remote->future.origin, remote->loop, take_coro(remote), NULL, &remote->task);

    remote->vars = wf_vars_swap(before);
    drop_vars(remote);
    return r;
}

/* A turn of the loop: make the task. */
static void on_start(struct wf_crossing *crossing)
{
    struct wf_remote *remote = WF_CONTAINER_OF(crossing, struct wf_remote, start);
    struct wf_frame *frame = wf_frame_current();

    remote->started_in = remote->loop->n_turns;
    int r = make_task(remote);
    if (r < 0) {
        (void)wf_concurrent_future_finish(&remote->future, r, weft_value_none(),
                                          wf_frame_take_error(frame, r)); /* as above */
        let_go(remote);
        return;
    }
    remote->task_done.run = on_task_done;
    remote->task_done.drop = drop_task_done;
    wf_future_add_callback(remote->task, &remote->task_done);
}

static void drop_start(struct wf_crossing *crossing)
{
    struct wf_remote *remote = WF_CONTAINER_OF(crossing, struct wf_remote, start);

    wf_coro_drop(take_coro(remote));
    drop_vars(remote);
    on_loop_closed(remote);
}

/*
 * A turn of the loop after the user's cancel. One that came before the task was made
 * reaches it after its first step, as asyncio's: the body runs up to its first wait.
 */
static void on_cancel_asked(struct wf_crossing *crossing)
{
    struct wf_remote *remote = WF_CONTAINER_OF(crossing, struct wf_remote, cancel);

    if (remote->task != NULL && remote->started_in == remote->loop->n_turns) {
        wf_loop_run_soon(remote->loop, &crossing->work);
        return;
    }
    if (remote->task != NULL) {
        (void)wf_future_request_cancel(remote->task, NULL); /* done: nothing to cancel */
    }
    (void)weft_concurrent_future_unref(&remote->future); /* the post's; always NULL */
}

static void drop_cancel_asked(struct wf_crossing *crossing)
{
    struct wf_remote *remote = WF_CONTAINER_OF(crossing, struct wf_remote, cancel);

    (void)weft_concurrent_future_unref(&remote->future); /* the post's; always NULL */
}

/* ---- any thread ---------------------------------------------------------- */

/* Under the future's lock, on the thread that cancels; the loop has not let go. */
static void on_cancel(weft_concurrent_future *future)
{
    struct wf_remote *remote = remote_of(future);

    (void)weft_concurrent_future_ref(future); /* returns its argument */
    if (wf_bridge_post(remote->loop, &remote->cancel.post) < 0) {
        (void)weft_concurrent_future_unref(future); /* not the last; always NULL */
    }
}

static const struct wf_cf_ops ops = { .tag = WF_CF_REMOTE, .on_cancel = on_cancel };

static int check_arguments(const weft_origin *origin, const weft_coro *coro, const weft_loop *loop)
{
    if (coro == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no coroutine object");
    }
    if (!wf_coro_is(coro)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "A coroutine object is required");
    }
    if (loop == NULL || loop->magic != WF_LOOP_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                         "weft_run_coroutine_threadsafe needs an event loop");
    }
    if (loop->forks != wf_fork_generation) {
        return wf_loop_refuse(loop);
    }
    return 0;
}

static struct wf_remote *make_remote(const weft_origin *origin, weft_coro *coro, weft_loop *loop)
{
    struct wf_remote *remote = wf_new(struct wf_remote);

    if (remote == NULL) {
        return NULL;
    }
    wf_concurrent_future_init(&remote->future, &ops, origin);
    remote->loop = loop;
    remote->coro = coro;
    remote->vars = wf_vars_copy_current();
    wf_crossing_init(&remote->start, loop, on_start, drop_start);
    wf_crossing_init(&remote->cancel, loop, on_cancel_asked, drop_cancel_asked);
    return remote;
}

int weft_run_coroutine_threadsafe_at(const weft_origin *origin, weft_coro *coro, weft_loop *loop,
                                     weft_concurrent_future **out_future)
{
    int r = check_arguments(origin, coro, loop);

    if (r < 0) {
        if (wf_coro_is(coro)) {
            wf_coro_take(coro);
            wf_coro_drop(coro);
        }
        return r;
    }
    wf_coro_take(coro);
    struct wf_remote *remote = make_remote(origin, coro, loop);
    if (remote == NULL) {
        wf_coro_drop(coro);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a concurrent future");
    }
    remote->is_asked = out_future != NULL;
    if (out_future != NULL) {
        (void)weft_concurrent_future_ref(&remote->future); /* the user's; returns its argument */
    }
    (void)weft_loop_ref(loop); /* returns its argument */
    r = wf_bridge_post(loop, &remote->start.post);
    if (r < 0) {
        (void)weft_loop_unref(loop); /* always NULL */
        wf_coro_drop(coro);
        drop_vars(remote);
        wf_free(remote);
        return weft_fail_at(origin, r, "Event loop is closed");
    }
    if (out_future != NULL) {
        *out_future = &remote->future;
    }
    return 0;
}

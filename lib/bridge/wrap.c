/*
 * A future of a loop that follows a concurrent one.
 *
 *     source done -- post --> append phase -- queue --> turn: outcome moves over
 *
 * Cancelling the loop's future cancels it at once, and in the next turn the source:
 * a job that waits leaves its queue, one that runs is abandoned and ends in its own
 * time. Invariant: the object has one reference of its own while its callback
 * stands with the source, in the mailbox or in the queue.
 *
 * While a job of an executor is followed, the loop is owed a completion: a virtual
 * clock does not run away from threads. A source of another kind may be finished
 * by this very loop, so it is not counted.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "base/frame.h"
#include "bridge/bridge.h"
#include "future/future.h"
#include "thread/concurrent_future.h"

static struct wf_wrapped *wrapped_of(struct wf_follower *follower)
{
    return WF_CONTAINER_OF(follower, struct wf_wrapped, follower);
}

static bool is_job(const weft_concurrent_future *source)
{
    return source->executor != NULL;
}

/* Nothing comes from the source any more. The caller touches <wrapped> no more. */
static void let_go(struct wf_follower *follower)
{
    struct wf_wrapped *wrapped = wrapped_of(follower);

    if (wrapped->is_owed) {
        wf_loop_owe(wrapped->future.loop, -1);
    }
    if (is_job(follower->source) && !weft_concurrent_future_done(follower->source)) {
        wf_executor_abandon(follower->source);
    }
    follower->source = weft_concurrent_future_unref(follower->source); /* NULL */
    (void)weft_future_unref(&wrapped->future);                         /* our own; always NULL */
}

static void move_outcome(weft_future *future, weft_concurrent_future *source)
{
    weft_value value = weft_value_none();
    weft_error *error;

    if (weft_concurrent_future_cancelled(source)) {
        wf_future_set_cancelled(future, NULL);
        return;
    }
    int code = wf_concurrent_future_take(source, &value, &error);
    if (code < 0) {
        wf_future_fail(future, code, error);
    } else {
        wf_future_finish(future, value);
    }
}

/* A turn of the loop after the source is done. */
static void on_source_done(struct wf_crossing *crossing)
{
    struct wf_follower *follower = WF_CONTAINER_OF(crossing, struct wf_follower, crossing);
    struct wf_wrapped *wrapped = wrapped_of(follower);

    wf_list_remove(&follower->link);
    if (!wf_future_is_done(&wrapped->future)) {
        move_outcome(&wrapped->future, follower->source);
    }
    let_go(follower);
}

/* The loop closes. */
static void drop_source_done(struct wf_crossing *crossing)
{
    struct wf_follower *follower = WF_CONTAINER_OF(crossing, struct wf_follower, crossing);

    wf_list_remove(&follower->link);
    let_go(follower);
}

/* The append phase: the callback's node is the crossing's. */
static void deliver_callback(struct wf_post *post)
{
    struct wf_cf_callback *callback = WF_CONTAINER_OF(post, struct wf_cf_callback, post);
    struct wf_wrapped *wrapped = WF_CONTAINER_OF(callback, struct wf_wrapped, callback);
    struct wf_post *crossing = &wrapped->follower.crossing.post;

    crossing->deliver(crossing);
}

/* A turn of the loop after the future was cancelled, before its callbacks. */
static void cancel_source(struct wf_work *work)
{
    struct wf_wrapped *wrapped = WF_CONTAINER_OF(work, struct wf_wrapped, cancel);
    struct wf_follower *follower = &wrapped->follower;

    if (follower->source != NULL) {
        bool is_out = wf_concurrent_future_remove_callback(follower->source, &wrapped->callback);
        (void)weft_concurrent_future_cancel(follower->source); /* it may run: then it goes on */
        if (is_out) {
            wf_list_remove(&follower->link);
            let_go(follower);
        }
    }
    (void)weft_future_unref(&wrapped->future); /* the work's; always NULL */
}

/* The loop closes: the source goes its own way. */
static void drop_cancel(struct wf_work *work)
{
    struct wf_wrapped *wrapped = WF_CONTAINER_OF(work, struct wf_wrapped, cancel);

    (void)weft_future_unref(&wrapped->future); /* the work's; always NULL */
}

static const struct wf_work_kind cancel_kind = { cancel_source, drop_cancel, NULL,
                                                 "cancel of a wrapped future", 0 };

/* weft_future_cancel of a pending one. */
static int cancel_wrapped(weft_future *future, const char *message)
{
    struct wf_wrapped *wrapped = (struct wf_wrapped *)(void *)future;

    weft_concurrent_future *source = wrapped->follower.source;

    if (source != NULL) { /* else the loop has closed */
        if (is_job(source) && !weft_concurrent_future_done(source)) {
            wf_executor_abandon(source); /* now: what it comes to is nobody's from here on */
        }
        wf_future_hold(future);
        wf_loop_know_work(future->loop, &cancel_kind);
        wf_loop_run_soon(future->loop, &wrapped->cancel);
    }
    wf_future_set_cancelled(future, message);
    return 0;
}

static void describe(const weft_future *future, struct wf_text *text, bool is_nested)
{
    const struct wf_wrapped *wrapped = (const struct wf_wrapped *)(const void *)future;
    const weft_origin *origin = future->origin;

    (void)is_nested;
    if (wrapped->is_owed && origin != NULL && origin->what != NULL) {
        wf_text_add(text, " job=%s()", origin->what);
    }
}

static const struct wf_future_ops ops = {
    .kind = "Future",
    .tag = WF_FUTURE_WRAPPED,
    .cancel = cancel_wrapped,
    .describe = describe,
};

struct wf_wrapped *wf_wrapped_create(const weft_origin *origin, weft_loop *loop)
{
    struct wf_bridge *bridge = wf_bridge_get(loop);
    /* Not cleared: every field is set here. */
    struct wf_wrapped *wrapped = bridge != NULL ? wf_alloc(sizeof *wrapped) : NULL;

    if (wrapped == NULL) {
        return NULL;
    }
    wf_future_init(&wrapped->future, loop, &ops, origin);
    wrapped->future.n_refs = 2; /* the caller's and our own */
    struct wf_follower *follower = &wrapped->follower;
    wf_crossing_init(&follower->crossing, loop, on_source_done, drop_source_done);
    follower->callback = &wrapped->callback;
    follower->source = NULL;
    follower->let_go = let_go;
    wf_list_append(&bridge->followers, &follower->link);
    wf_list_init(&wrapped->callback.link);
    wrapped->callback.post.deliver = deliver_callback;
    wrapped->callback.mailbox = &loop->mailbox;
    wf_work_init(&wrapped->cancel, cancel_source);
    wrapped->is_owed = false;
    return wrapped;
}

void wf_wrapped_give_up(struct wf_wrapped *wrapped)
{
    wf_list_remove(&wrapped->follower.link);
    (void)weft_future_unref(&wrapped->future); /* our own; always NULL */
    (void)weft_future_unref(&wrapped->future); /* the caller's; always NULL */
}

struct wf_cf_callback *wf_wrapped_get_callback(struct wf_wrapped *wrapped)
{
    return &wrapped->callback;
}

weft_future *wf_wrapped_follow(struct wf_wrapped *wrapped, weft_concurrent_future *source)
{
    wrapped->follower.source = source;
    wrapped->is_owed = is_job(source);
    if (wrapped->is_owed) {
        wf_loop_owe(wrapped->future.loop, 1);
    }
    return &wrapped->future;
}

int weft_wrap_future_at(const weft_origin *origin, weft_concurrent_future *source, weft_loop *loop,
                        weft_future **out_future)
{
    if (out_future == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the future");
    }
    int r = wf_loop_resolve(&loop);
    if (r == 0) {
        r = wf_concurrent_future_check(source, "weft_wrap_future");
    }
    if (r != 0) {
        return r;
    }
    struct wf_wrapped *wrapped = wf_wrapped_create(origin, loop);
    if (wrapped == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a future");
    }
    *out_future = wf_wrapped_follow(wrapped, weft_concurrent_future_ref(source));
    (void)wf_concurrent_future_add_callback(source, &wrapped->callback); /* our mailbox is open */
    return 0;
}

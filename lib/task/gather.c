/*
 * gather: one future for several awaitables.
 *
 *     callbacks of the children --the first error, or the last child--> outer is done
 *     outer.cancel() --> the children, in argument order; outer ends with the last of them
 *
 * The children's callbacks stand in the gather itself, which lives until the outer
 * future is released and the last child has called back.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "base/assert.h"
#include "base/mutant.h"
#include "task/coro.h"
#include "task/task.h"
#include "weft/group.h"

#define GATHER_KIND "_GatheringFuture"

struct child {
    struct wf_future_callback callback;
    struct gather *gather;
    weft_future *future; /* ref */
    bool is_duplicate;   /* stood earlier in the arguments: no callback of its own */
};

struct gather {
    weft_future outer; /* first: it is a future */
    unsigned flags;
    bool is_cancel_requested;
    size_t n;
    size_t n_different; /* children with a callback */
    size_t n_finished;
    struct child children[];
};

static void destroy_outcomes(void *data)
{
    weft_outcomes *outcomes = data;

    for (size_t i = 0; i < outcomes->n; i++) {
        weft_value_clear(&outcomes->items[i].value);
        (void)weft_error_unref(outcomes->items[i].error); /* always NULL */
    }
    wf_free(outcomes);
}

static weft_outcomes *make_outcomes(size_t n)
{
    weft_outcomes *outcomes = wf_alloc_zeroed(1, sizeof *outcomes + n * sizeof(weft_outcome));

    if (outcomes != NULL) {
        outcomes->n = n;
        outcomes->items = (weft_outcome *)(void *)(outcomes + 1);
    }
    return outcomes;
}

static void collect(weft_outcome *outcome, weft_future *future)
{
    weft_value value;

    if (future->code < 0) {
        outcome->code = future->code;
        outcome->error = future->error != NULL ? wf_error_ref(future->error) : NULL;
        wf_future_set_retrieved(future);
    } else if (wf_future_take(future, &value) == 0) {
        outcome->value = value;
    }
}

static void finish(struct gather *gather)
{
    if (gather->is_cancel_requested) {
        /* Not "cancelled": as in asyncio, an error that happens to be a cancel. */
        wf_future_fail(&gather->outer, WEFT_ECANCELED, NULL);
        return;
    }
    weft_outcomes *outcomes = make_outcomes(gather->n);
    if (outcomes == NULL) {
        wf_future_fail(&gather->outer, WEFT_ENOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < gather->n; i++) {
        collect(&outcomes->items[i], gather->children[i].future);
    }
    wf_future_finish(&gather->outer, weft_value_ptr(outcomes, destroy_outcomes));
}

static int cancel_gather(weft_future *future, const char *message)
{
    struct gather *gather = (struct gather *)(void *)future;
    int r = WEFT_EINVALIDSTATE;

    for (size_t i = 0; i < gather->n; i++) {
        if (wf_future_request_cancel(gather->children[i].future, message) == 0) {
            r = 0;
        }
    }
    if (r == 0) {
        gather->is_cancel_requested = true;
    }
    return r;
}

static void fail(struct gather *gather, weft_future *child)
{
    weft_error *error = child->error;

    wf_future_set_retrieved(child);
    if (error == NULL && child->cancel_message != NULL) {
        error = wf_error_create(child->code, NULL, child->cancel_message);
    } else if (error != NULL) {
        (void)wf_error_ref(error); /* its argument */
    }
    if (WF_MUTANT("gather-cancels-siblings")) {
        (void)cancel_gather(&gather->outer, NULL); /* as a group would do */
    }
    wf_future_fail(&gather->outer, child->code, error);
}

/* A child is done: a turn of the loop. */
static void on_child_done(struct wf_future_callback *callback)
{
    struct child *child = WF_CONTAINER_OF(callback, struct child, callback);
    struct gather *gather = child->gather;
    weft_future *future = child->future;

    gather->n_finished++;
    if (wf_future_is_done(&gather->outer)) {
        wf_future_set_retrieved(future); /* later errors are nobody's */
    } else if (future->code < 0 && (gather->flags & WEFT_GATHER_RETURN_EXCEPTIONS) == 0) {
        fail(gather, future);
    } else if (gather->n_finished == gather->n_different) {
        finish(gather);
    }
    (void)weft_future_unref(&gather->outer); /* the callback's; always NULL */
}

/* The loop closes. */
static void drop_child(struct wf_future_callback *callback)
{
    struct child *child = WF_CONTAINER_OF(callback, struct child, callback);

    (void)weft_future_unref(&child->gather->outer); /* the callback's; always NULL */
}

static void destroy_gather(weft_future *future)
{
    struct gather *gather = (struct gather *)(void *)future;

    for (size_t i = 0; i < gather->n; i++) {
        (void)weft_future_unref(gather->children[i].future); /* always NULL */
    }
    wf_free(gather);
}

static const struct wf_future_ops gather_ops = {
    .kind = GATHER_KIND,
    .cancel = cancel_gather,
    .destroy = destroy_gather,
    .is_sealed = true,
};

static bool is_duplicate(const struct gather *gather, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (gather->children[k].future == gather->children[i].future) {
            return true;
        }
    }
    return false;
}

static void drop_coros(weft_awaitable *const *awaitables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (wf_coro_is(awaitables[i])) {
            wf_coro_take(awaitables[i]);
            wf_coro_drop(awaitables[i]);
        }
    }
}

/* The same coroutine object may stand there twice: one task for both. */
static weft_future *find_earlier(const struct gather *gather, weft_awaitable *const *awaitables,
                                 size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (awaitables[k] == awaitables[i]) {
            return gather->children[k].future;
        }
    }
    return NULL;
}

static int make_children(const weft_origin *origin, weft_loop *loop, struct gather *gather,
                         weft_awaitable *const *awaitables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct child *child = &gather->children[i];
        weft_future *earlier = find_earlier(gather, awaitables, i);
        int r = 0;

        if (earlier != NULL) {
            child->future = weft_future_ref(earlier);
        } else if (awaitables[i] == NULL || wf_coro_is(awaitables[i])) {
            r = weft_loop_create_task_at(origin, loop, awaitables[i], NULL, &child->future);
        } else {
            r = weft_ensure_future_at(origin, awaitables[i], &child->future);
        }
        if (r == 0 && child->future->loop != loop) {
            (void)weft_future_unref(child->future); /* always NULL */
            r = weft_fail_at(origin, WEFT_EINVAL,
                             "All futures must share the same event loop: argument %zu does not",
                             i);
        }
        if (r < 0) {
            drop_coros(awaitables + i + 1, n - i - 1);
            return r;
        }
        child->gather = gather;
        gather->n = i + 1;
        child->is_duplicate = is_duplicate(gather, i);
    }
    return 0;
}

static int start(struct gather *gather, weft_future **out_future)
{
    for (size_t i = 0; i < gather->n; i++) {
        struct child *child = &gather->children[i];
        if (child->is_duplicate) {
            continue;
        }
        child->callback.run = on_child_done;
        child->callback.drop = drop_child;
        gather->n_different++;
        gather->outer.n_refs++; /* until the callback has run */
        wf_future_add_callback(child->future, &child->callback);
    }
    if (gather->n == 0) {
        finish(gather);
    }
    *out_future = &gather->outer;
    return 0;
}

/* The loop of the first future among the arguments, else the running one. */
static int find_loop(weft_awaitable *const *awaitables, size_t n, weft_loop **out_loop)
{
    weft_loop *loop = NULL;

    for (size_t i = 0; i < n && loop == NULL; i++) {
        if (awaitables[i] != NULL && !wf_coro_is(awaitables[i])) {
            int r = wf_future_check(awaitables[i]);
            if (r < 0) {
                return r;
            }
            loop = ((weft_future *)awaitables[i])->loop;
        }
    }
    int r = wf_loop_resolve(&loop);
    if (r == 0) {
        *out_loop = loop;
    }
    return r;
}

int weft_gather_at(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                   unsigned flags, weft_future **out_future)
{
    weft_loop *loop = NULL;
    int r = find_loop(awaitables, n, &loop);

    if (r < 0) {
        drop_coros(awaitables, n);
        return r;
    }
    struct gather *gather = wf_alloc_zeroed(1, sizeof *gather + n * sizeof gather->children[0]);
    if (gather == NULL) {
        drop_coros(awaitables, n);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a gather of %zu", n);
    }
    wf_future_init(&gather->outer, loop, &gather_ops, origin);
    gather->flags = flags;
    r = make_children(origin, loop, gather, awaitables, n);
    if (r < 0) {
        (void)weft_future_unref(&gather->outer); /* always NULL */
        return r;
    }
    return start(gather, out_future);
}

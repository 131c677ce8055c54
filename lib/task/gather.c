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
#include "task/waits.h"
#include "weft/group.h"

#define GATHER_KIND "_GatheringFuture"

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
        /* The message of a task's cancel went to whoever awaited it, or is not told. */
        outcome->error = future->has_fleeting_message ? NULL : wf_future_get_error(future);
        wf_future_set_retrieved(future);
    } else if (wf_future_take(future, &value) == 0) {
        outcome->value = value;
    }
}

static void finish(struct wf_gather *gather)
{
    if (gather->is_cancel_requested) {
        /* Not "cancelled": as in asyncio, an error that is a cancel, with the last child's message.
         */
        weft_future *last = gather->children[gather->n - 1].future;
        wf_future_fail(&gather->outer, WEFT_ECANCELED,
                       last->state == WF_FUTURE_CANCELLED ? wf_future_get_error(last) : NULL);
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
    struct wf_gather *gather = (struct wf_gather *)(void *)future;
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

static void fail(struct wf_gather *gather, weft_future *child)
{
    wf_future_set_retrieved(child);
    if (WF_MUTANT("gather-cancels-siblings")) {
        (void)cancel_gather(&gather->outer, NULL); /* as a group would do */
    }
    wf_future_fail(&gather->outer, child->code, wf_future_get_error(child));
}

/* A child is done: a turn of the loop. */
static void on_child_done(struct wf_future_callback *callback)
{
    struct wf_gather_child *child = WF_CONTAINER_OF(callback, struct wf_gather_child, callback);
    struct wf_gather *gather = child->gather;
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
    struct wf_gather_child *child = WF_CONTAINER_OF(callback, struct wf_gather_child, callback);

    (void)weft_future_unref(&child->gather->outer); /* the callback's; always NULL */
}

static void destroy_gather(weft_future *future)
{
    struct wf_gather *gather = (struct wf_gather *)(void *)future;

    for (size_t i = 0; i < gather->n; i++) {
        (void)weft_future_unref(gather->children[i].future); /* always NULL */
    }
    wf_free(gather);
}

static const struct wf_future_ops gather_ops = {
    .kind = GATHER_KIND,
    .tag = WF_FUTURE_GATHER,
    .cancel = cancel_gather,
    .destroy = destroy_gather,
    .is_sealed = true,
};

/* The same awaitable stood there before: one task, and one callback, for both. */
static weft_future *find_earlier(const struct wf_gather *gather, weft_awaitable *const *awaitables,
                                 size_t i)
{
    size_t k = 0;

    while (awaitables[k] != awaitables[i]) {
        k++;
    }
    return gather->children[k].future;
}

/* Nothing comes of it: what was started for it must not go on by itself. */
static void cancel_made(struct wf_gather *gather)
{
    for (size_t i = 0; i < gather->n; i++) {
        if (gather->children[i].is_made) {
            (void)wf_future_request_cancel(gather->children[i].future, NULL); /* or it has ended */
        }
    }
}

static int make_children(const weft_origin *origin, struct wf_gather *gather,
                         weft_awaitable *const *awaitables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct wf_gather_child *child = &gather->children[i];
        int r = 0;

        if (child->is_duplicate) {
            child->future = weft_future_ref(find_earlier(gather, awaitables, i));
        } else {
            child->is_made = wf_coro_is(awaitables[i]);
            r = wf_awaitable_to_future(origin, gather->outer.loop, awaitables[i], &child->future);
        }
        if (r < 0) {
            wf_awaitables_drop(awaitables, i + 1, n);
            cancel_made(gather);
            return r;
        }
        child->gather = gather;
        gather->n = i + 1;
    }
    return 0;
}

static void find_duplicates(struct wf_gather *gather, weft_awaitable *const *awaitables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gather->children[i].is_duplicate = wf_awaitable_mark(awaitables[i]);
    }
    for (size_t i = 0; i < n; i++) {
        wf_awaitable_unmark(awaitables[i]);
    }
}

/* A task that was started eagerly and has ended in that counts at once, as from CPython 3.12 on. */
static void start(struct wf_gather *gather)
{
    for (size_t i = 0; i < gather->n; i++) {
        struct wf_gather_child *child = &gather->children[i];
        if (child->is_duplicate) {
            continue;
        }
        child->callback.run = on_child_done;
        child->callback.drop = drop_child;
        gather->n_different++;
        gather->outer.n_refs++; /* until the callback has run */
        if (!child->is_made || !wf_future_is_done(child->future)) {
            wf_future_add_callback(child->future, &child->callback);
        }
    }
    for (size_t i = 0; i < gather->n; i++) {
        struct wf_gather_child *child = &gather->children[i];
        if (child->is_made && wf_future_is_done(child->future)) {
            on_child_done(&child->callback);
        }
    }
    if (gather->n == 0) {
        finish(gather);
    }
}

int weft_gather_at(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                   unsigned flags, weft_future **out_future)
{
    weft_loop *loop = NULL;
    struct wf_gather *gather = NULL;
    int r = wf_awaitables_check(origin, awaitables, n, out_future, &loop);

    if (r == 0) {
        bool is_too_much = n > (SIZE_MAX - sizeof *gather) / sizeof gather->children[0];
        gather = is_too_much ? NULL
                             : wf_alloc_zeroed(1, sizeof *gather + n * sizeof gather->children[0]);
        r = gather != NULL ? 0
                           : weft_fail_at(origin, WEFT_ENOMEM, "no memory for a gather of %zu", n);
    }
    if (r < 0 || gather == NULL) { /* the second says the first again, to the analyzer */
        wf_awaitables_drop(awaitables, 0, n);
        return r;
    }
    wf_future_init(&gather->outer, loop, &gather_ops, origin);
    gather->flags = flags;
    find_duplicates(gather, awaitables, n);
    r = make_children(origin, gather, awaitables, n);
    if (r < 0) {
        (void)weft_future_unref(&gather->outer); /* always NULL */
        return r;
    }
    start(gather);
    *out_future = &gather->outer;
    return 0;
}

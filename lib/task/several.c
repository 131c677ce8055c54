/*
 * What calls with several awaitables have in common: gather and as_completed.
 *
 * All arguments are looked at before the first coroutine object is consumed, so
 * that a refused call has started nothing. The same object may stand there more
 * than once; duplicates are found by a mark in the object, not by comparing all
 * with all.
 *
 * Thread: the loop's.
 */

#include "future/future.h"
#include "task/coro.h"
#include "weft/task.h"

static int check_one(const weft_origin *origin, weft_future *future, size_t i, weft_loop **loop)
{
    int r = wf_future_check(future);

    if (r == 0 && *loop != NULL && future->loop != *loop) {
        r = weft_fail_at(origin, WEFT_EINVAL,
                         "All futures must share the same event loop: argument %zu does not", i);
    }
    if (r == 0) {
        *loop = future->loop;
    }
    return r;
}

int wf_awaitables_check(const weft_origin *origin, weft_awaitable *const *awaitables, size_t n,
                        const void *out, weft_loop **out_loop)
{
    weft_loop *loop = NULL;

    if (out == NULL || (awaitables == NULL && n > 0)) {
        return weft_fail_at(origin, WEFT_EINVAL,
                            out == NULL ? "no place for the result" : "no awaitables");
    }
    for (size_t i = 0; i < n; i++) {
        if (awaitables[i] == NULL) {
            return weft_fail_at(origin, WEFT_ENOMEM, "argument %zu was not made", i);
        }
        int r = wf_coro_is(awaitables[i]) ? 0 : check_one(origin, awaitables[i], i, &loop);
        if (r < 0) {
            return r;
        }
    }
    int r = wf_loop_resolve(&loop);
    if (r == 0) {
        *out_loop = loop;
    }
    return r;
}

/* Linear for each of them: only failures come here. It must not look into what was dropped. */
static bool stood_before(weft_awaitable *const *awaitables, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (awaitables[k] == awaitables[i]) {
            return true;
        }
    }
    return false;
}

void wf_awaitables_drop(weft_awaitable *const *awaitables, size_t first, size_t n)
{
    for (size_t i = first; awaitables != NULL && i < n; i++) {
        if (!stood_before(awaitables, i)) {
            wf_awaitable_drop(awaitables[i]);
        }
    }
}

bool wf_awaitable_mark(weft_awaitable *awaitable)
{
    bool was_marked;

    if (wf_coro_is(awaitable)) {
        weft_coro *coro = awaitable;
        was_marked = coro->is_marked;
        coro->is_marked = true;
    } else {
        weft_future *future = awaitable;
        was_marked = future->is_marked;
        future->is_marked = true;
    }
    return was_marked;
}

void wf_awaitable_unmark(weft_awaitable *awaitable)
{
    if (wf_coro_is(awaitable)) {
        ((weft_coro *)awaitable)->is_marked = false;
    } else {
        ((weft_future *)awaitable)->is_marked = false;
    }
}

int wf_awaitable_to_future(const weft_origin *origin, weft_loop *loop, weft_awaitable *awaitable,
                           weft_future **out_future)
{
    if (wf_coro_is(awaitable)) {
        return weft_loop_create_task_at(origin, loop, awaitable, NULL, out_future);
    }
    *out_future = weft_future_ref(awaitable);
    return 0;
}

/*
 * The concurrent future: one word, in which everything is decided.
 *
 *     bits 0-1  the state: PENDING, RUNNING, CANCELLED, FINISHED
 *     LOCKED    somebody writes the outcome, the callbacks or the ops
 *     QUEUED    somebody sleeps until LOCKED is gone
 *     AWAITED   somebody sleeps until it is done
 *     TAKEN     the value has found its owner
 *     NOTIFIED  whoever was to do the work knows that it was cancelled
 *
 *     PENDING --> RUNNING --> FINISHED        from PENDING also straight to
 *        `--> CANCELLED                       FINISHED
 *
 * A done state is set under the lock, when the outcome is written and before any
 * callback is posted: a loop may look as soon as it has the post. unlock() then
 * forgets the sleepers that it wakes. A sleeper sets its bit and sleeps only while
 * the word is as it saw it, so that no wake-up falls in between; the models in
 * tests/models show it.
 *
 * Invariant: a state that is done never changes, nor do code, value and error
 * with it. AWAITED is clear when it is done.
 *
 * The lock is held for a few instructions, or while nodes are posted, and never
 * while user code runs. It ranks above an executor's mutex: on_cancel takes that
 * one inside, so nobody who holds it may touch a future's lock.
 *
 * Thread: any.
 */

#include "thread/concurrent_future.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/frame.h"
#include "base/log.h"
#include "thread/futex.h"
#include "thread/role.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

enum state {
    PENDING = 0,
    RUNNING = 1,
    CANCELLED = 2,
    FINISHED = 3
};

enum {
    STATE = 3,
    LOCKED = 4,
    QUEUED = 8,
    AWAITED = 16,
    TAKEN = 32,
    NOTIFIED = 64,
    MESSAGE_SIZE = 256
};

#define MAGIC 0x77664346u
#define DEAD  0x77664344u

/* ---- the word ----------------------------------------------------------- */

static enum state state_of(uint32_t word)
{
    return (enum state)(word & STATE);
}

static bool is_done(uint32_t word)
{
    return state_of(word) >= CANCELLED;
}

/* Pairs with the release in settle: whoever sees the state sees the outcome. */
static uint32_t look(const weft_concurrent_future *future)
{
    return wf_u32_load_acquire(&future->word);
}

/* Returns the state in which it was found. */
static enum state lock(weft_concurrent_future *future)
{
    uint32_t word = wf_u32_load_relaxed(&future->word);

    for (;;) {
        if ((word & LOCKED) == 0) {
            if (wf_u32_cas_acq_rel(&future->word, &word, word | LOCKED)) {
                return state_of(word);
            }
        } else if ((word & QUEUED) != 0 ||
                   wf_u32_cas_acq_rel(&future->word, &word, word | QUEUED)) {
            (void)wf_futex_wait(&future->word, word | QUEUED, WF_FUTEX_LOCK, WEFT_FOREVER);
            word = wf_u32_load_relaxed(&future->word);
        }
    }
}

/* After it the caller touches the future only by a reference of its own. */
static void unlock(weft_concurrent_future *future, enum state state)
{
    uint32_t word = wf_u32_load_relaxed(&future->word);
    uint32_t gone = STATE | LOCKED | QUEUED | (is_done(state) ? AWAITED : 0u);

    WF_ASSERT((word & LOCKED) != 0);
    WF_ASSERT(!is_done(word) || state == state_of(word));
    WF_ASSERT(!is_done(state) || is_done(word));
    /* Pairs with the acquire in lock. */
    while (!wf_u32_cas_acq_rel(&future->word, &word, (word & ~gone) | state)) {
    }
    if ((word & QUEUED) != 0) {
        wf_futex_wake(&future->word, INT_MAX, WF_FUTEX_LOCK);
    }
    if ((word & AWAITED) != 0 && is_done(state)) {
        wf_futex_wake(&future->word, INT_MAX, WF_FUTEX_OUTCOME);
    }
}

/* ---- callbacks ---------------------------------------------------------- */

/*
 * Under the lock. A posted node may be gone at once, so its mailbox is forgotten
 * first; it comes back when the mailbox is closed and the node stayed here. On the
 * thread of its own loop it is delivered at once, which only queues work: it keeps
 * its place among what that thread queues itself, as asyncio's does.
 */
static int post_callback(struct wf_cf_callback *callback)
{
    struct wf_mailbox *mailbox = callback->mailbox;

    callback->mailbox = NULL;
    if (mailbox == wf_thread_mailbox) {
        callback->post.deliver(&callback->post);
        return 0;
    }
    int r = wf_mailbox_post(mailbox, &callback->post);
    if (r < 0) {
        callback->mailbox = mailbox;
    }
    return r;
}

/*
 * Under the lock: the outcome is written. Refused nodes are simply out: their
 * owner closed its mailbox.
 */
static void settle(weft_concurrent_future *future, enum state state)
{
    struct wf_list *node;

    /* Publishes the outcome; pairs with the acquire in look. PENDING is 0 and RUNNING a bit of
     * FINISHED, so setting bits is enough. */
    (void)wf_u32_or_acq_rel(&future->word, state);
    while ((node = wf_list_take_first(&future->callbacks)) != NULL) {
        (void)post_callback(WF_CONTAINER_OF(node, struct wf_cf_callback, link));
    }
}

int wf_concurrent_future_add_callback(weft_concurrent_future *future,
                                      struct wf_cf_callback *callback)
{
    int r = 0;
    enum state state = lock(future);

    wf_list_init(&callback->link);
    if (is_done(state)) {
        r = post_callback(callback);
    } else {
        wf_list_append(&future->callbacks, &callback->link);
    }
    unlock(future, state);
    return r;
}

bool wf_concurrent_future_remove_callback(weft_concurrent_future *future,
                                          struct wf_cf_callback *callback)
{
    enum state state = lock(future);
    bool is_out = callback->mailbox != NULL;

    wf_list_remove(&callback->link);
    unlock(future, state);
    return is_out;
}

/* ---- life --------------------------------------------------------------- */

void wf_concurrent_future_init(weft_concurrent_future *future, const struct wf_cf_ops *ops,
                               const weft_origin *origin)
{
    *future = (weft_concurrent_future){
        .magic = MAGIC,
        .n_refs = { 1 },
        .ops = ops,
        .origin = origin,
    };
    wf_list_init(&future->callbacks);
}

int wf_concurrent_future_check(const weft_concurrent_future *future, const char *function)
{
    if (__builtin_expect(future != NULL && future->magic == MAGIC, 1)) {
        return 0;
    }
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: %s", function,
                     future == NULL ? "the concurrent future is NULL"
                                    : "this is no concurrent future, or one that is gone");
}

int weft_concurrent_future_create_at(const weft_origin *origin, weft_concurrent_future **out_future)
{
    if (out_future == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: out_future is NULL", __func__);
    }
    weft_concurrent_future *future = wf_new(weft_concurrent_future);
    if (future == NULL) {
        return WEFT_ENOMEM;
    }
    wf_concurrent_future_init(future, NULL, origin);
    *out_future = future;
    return 0;
}

weft_concurrent_future *weft_concurrent_future_ref(weft_concurrent_future *future)
{
    if (future != NULL && wf_concurrent_future_check(future, __func__) == 0) {
        (void)wf_u32_add_relaxed(&future->n_refs, 1); /* only the last unref needs the count */
    }
    return future;
}

static void destroy(weft_concurrent_future *future)
{
    const struct wf_cf_ops *ops = future->ops;

    WF_ASSERT(wf_list_is_empty(&future->callbacks));
    if ((wf_u32_load_relaxed(&future->word) & TAKEN) == 0) {
        weft_value_clear(&future->value);
    }
    if (future->error != NULL) {
        wf_error_unref(future->error);
    }
    future->magic = DEAD;
    if (ops != NULL && ops->on_last_unref != NULL) {
        ops->on_last_unref(future);
    } else {
        wf_free(future);
    }
}

weft_concurrent_future *weft_concurrent_future_unref(weft_concurrent_future *future)
{
    if (future == NULL || wf_concurrent_future_check(future, __func__) < 0) {
        return NULL;
    }
    /* The release of all others pairs with the acquire of the last one. */
    if (wf_u32_sub_acq_rel(&future->n_refs, 1) == 1) {
        destroy(future);
    }
    return NULL;
}

void wf_concurrent_future_set_ops(weft_concurrent_future *future, const struct wf_cf_ops *ops)
{
    enum state state = lock(future);

    future->ops = ops;
    unlock(future, state);
}

/* ---- the side of the work ----------------------------------------------- */

int weft_concurrent_future_set_running_or_notify_cancel(weft_concurrent_future *future)
{
    int r = wf_concurrent_future_check(future, __func__);

    if (r < 0) {
        return r;
    }
    enum state state = lock(future);
    unlock(future, state == PENDING ? RUNNING : state);
    switch (state) {
    case PENDING:
        return 0;
    case CANCELLED:
        if ((wf_u32_or_acq_rel(&future->word, NOTIFIED) & NOTIFIED) == 0) {
            return WEFT_ECANCELED;
        }
        break; /* it was told already */
    case RUNNING:
    case FINISHED:
        break;
    }
    return weft_fail(WEFT_EINVALIDSTATE, "Future in unexpected state");
}

int wf_concurrent_future_finish(weft_concurrent_future *future, int code, weft_value value,
                                weft_error *error)
{
    enum state state = lock(future);

    if (is_done(state)) {
        unlock(future, state);
        weft_value_clear(&value);
        if (error != NULL) {
            wf_error_unref(error);
        }
        return WEFT_EINVALIDSTATE; /* the library's own losers of this race need no text */
    }
    future->code = code;
    future->value = value;
    future->error = error;
    settle(future, FINISHED);
    unlock(future, FINISHED);
    return 0;
}

/* Why a result was refused, for the caller of the public function. */
static int explain(int r, const weft_concurrent_future *future)
{
    return r == 0 ? 0
                  : weft_fail(r, "invalid state: the concurrent future is %s already",
                              state_of(look(future)) == CANCELLED ? "cancelled" : "finished");
}

int weft_concurrent_future_set_result(weft_concurrent_future *future, weft_value value)
{
    int r = wf_concurrent_future_check(future, __func__);

    if (r < 0) {
        weft_value_clear(&value);
        return r;
    }
    return explain(wf_concurrent_future_finish(future, 0, value, NULL), future);
}

int weft_concurrent_future_set_exception_at(const weft_origin *origin,
                                            weft_concurrent_future *future, int code,
                                            const char *format, ...)
{
    int r = wf_concurrent_future_check(future, __func__);

    if (r < 0) {
        return r;
    }
    if (code >= 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: %d is not an error's code", __func__,
                         code);
    }
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format != NULL ? format : "(null)", arguments);
    va_end(arguments);
    weft_error *error = wf_error_create(code, origin, message);
    return explain(wf_concurrent_future_finish(future, code, weft_value_none(), error), future);
}

/* ---- cancelling --------------------------------------------------------- */

/* With or without the ops. *out_ops is set when this call did it. */
static int cancel(weft_concurrent_future *future, bool is_quiet, const struct wf_cf_ops **out_ops)
{
    enum state state = lock(future);

    if (state != PENDING) {
        unlock(future, state);
        return state == CANCELLED ? 0 : WEFT_EINVALIDSTATE;
    }
    const struct wf_cf_ops *ops = is_quiet ? NULL : future->ops;
    if (ops != NULL && ops->on_cancel != NULL) {
        ops->on_cancel(future);
    }
    settle(future, CANCELLED);
    unlock(future, CANCELLED);
    *out_ops = ops;
    return 0;
}

int weft_concurrent_future_cancel(weft_concurrent_future *future)
{
    const struct wf_cf_ops *ops = NULL;
    int r = wf_concurrent_future_check(future, __func__);

    if (r == 0) {
        r = cancel(future, /* is_quiet = */ false, &ops);
    }
    if (ops != NULL && ops->after_cancel != NULL) {
        ops->after_cancel(future);
    }
    return r;
}

int wf_concurrent_future_cancel_quietly(weft_concurrent_future *future)
{
    const struct wf_cf_ops *ops;

    return cancel(future, /* is_quiet = */ true, &ops);
}

/* ---- the side of those who wait ------------------------------------------ */

bool weft_concurrent_future_cancelled(const weft_concurrent_future *future)
{
    return future != NULL && wf_concurrent_future_check(future, __func__) == 0 &&
           state_of(look(future)) == CANCELLED;
}

bool weft_concurrent_future_running(const weft_concurrent_future *future)
{
    return future != NULL && wf_concurrent_future_check(future, __func__) == 0 &&
           state_of(look(future)) == RUNNING;
}

bool weft_concurrent_future_done(const weft_concurrent_future *future)
{
    return future != NULL && wf_concurrent_future_check(future, __func__) == 0 &&
           is_done(look(future));
}

/* A wait that could not end is refused. */
static int check_wait(const weft_concurrent_future *future, uint32_t word)
{
    if (wf_thread_runs_loop) {
        return weft_fail(WEFT_EDEADLOCK, "a thread that runs a loop must not block on a "
                                         "concurrent future: await weft_wrap_future");
    }
    if (wf_thread_executor != NULL && wf_thread_executor == future->executor &&
        state_of(word) == PENDING) {
        return weft_fail(WEFT_EDEADLOCK, "a job must not block on one that waits in the queue "
                                         "of the same executor");
    }
    return 0;
}

/* Until it is done: 0, WEFT_ETIMEDOUT or WEFT_EDEADLOCK. */
static int wait_until_done(weft_concurrent_future *future, weft_duration timeout)
{
    uint32_t word = look(future);
    weft_time deadline = 0;
    bool in_time = timeout > 0;

    while (!is_done(word)) {
        if (!in_time) {
            wf_frame_set_error(wf_frame_current(), NULL); /* an older one must not explain this */
            return WEFT_ETIMEDOUT;
        }
        int r = check_wait(future, word);
        if (r < 0) {
            return r;
        }
        if ((word & AWAITED) == 0 && !wf_u32_cas_acq_rel(&future->word, &word, word | AWAITED)) {
            word = look(future);
            continue;
        }
        if (deadline == 0) {
            deadline = wf_futex_deadline(timeout);
        }
        in_time = wf_futex_wait(&future->word, word | AWAITED, WF_FUTEX_OUTCOME, deadline);
        word = look(future);
    }
    return 0;
}

/* Of a future that is done: what went wrong, as a copy for the caller, or NULL. */
static int copy_failure(const weft_concurrent_future *future, weft_error **out_error)
{
    *out_error = future->error != NULL ? wf_error_copy(future->error) : NULL;
    return future->code;
}

/* Of a future that is done. */
static int take(weft_concurrent_future *future, weft_value *out_value, weft_error **out_error)
{
    *out_error = NULL;
    if (state_of(look(future)) == CANCELLED) {
        return WEFT_ECANCELED;
    }
    if (future->code < 0) {
        return copy_failure(future, out_error);
    }
    if (out_value == NULL) {
        return 0;
    }
    /* Whoever sets the bit owns it; the rest of the future stays as it is. */
    if (future->value.destroy != NULL && (wf_u32_or_acq_rel(&future->word, TAKEN) & TAKEN) != 0) {
        return WEFT_EINVALIDSTATE;
    }
    *out_value = future->value;
    return 0;
}

int wf_concurrent_future_take(weft_concurrent_future *future, weft_value *out_value,
                              weft_error **out_error)
{
    if (!is_done(look(future))) {
        *out_error = NULL;
        return WEFT_EINVALIDSTATE;
    }
    return take(future, out_value, out_error);
}

/* Let <error>, which is consumed and may be NULL, be the caller's current one. */
static void raise_error(weft_error *error)
{
    wf_frame_set_error(wf_frame_current(), error);
    if (error != NULL) {
        wf_error_unref(error);
    }
}

int weft_concurrent_future_result(weft_concurrent_future *future, weft_duration timeout,
                                  weft_value *out_value)
{
    weft_error *error = NULL;
    int r = wf_concurrent_future_check(future, __func__);

    if (r == 0) {
        r = wait_until_done(future, timeout);
    }
    if (r < 0) {
        return r;
    }
    r = take(future, out_value, &error);
    if (r == WEFT_EINVALIDSTATE && future->code == 0) {
        return weft_fail(r, "the value has a destructor and went to an earlier caller");
    }
    if (r < 0) {
        raise_error(error);
    }
    return r;
}

int weft_concurrent_future_exception(weft_concurrent_future *future, weft_duration timeout,
                                     int *out_code)
{
    if (out_code == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: out_code is NULL", __func__);
    }
    int r = wf_concurrent_future_check(future, __func__);
    if (r == 0) {
        r = wait_until_done(future, timeout);
    }
    if (r < 0) {
        return r;
    }
    if (state_of(look(future)) == CANCELLED) {
        raise_error(NULL);
        return WEFT_ECANCELED;
    }
    weft_error *error;
    int code = copy_failure(future, &error);
    if (code < 0) {
        raise_error(error);
    }
    *out_code = code;
    return 0;
}

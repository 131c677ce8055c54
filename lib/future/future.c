/*
 * Futures: a result, and who waits for it.
 *
 *               set_result / set_exception
 *     pending ------------------------------> finished
 *        `----------- cancel ---------------> cancelled
 *
 * Invariant: a done future has no waiters, and a pending one has no outcome. The
 * one transition out of pending is `settle`, which hands every waiter its wake in
 * the order of coming; a wake only queues work.
 *
 * Other threads may only ask: their cancels and unrefs are counted in one atomic
 * word, and whoever makes it non-zero posts the future's own node, so that asking
 * never allocates. After the loop has closed they do it themselves (loop/afterlife.c).
 *
 * Thread: the loop's, but for what is said above.
 */

#include "future/future.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/context.h"
#include "base/creation.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mutant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    REMOTE_CANCEL = 1,
    REMOTE_UNREF = 2
};

static const struct wf_future_ops plain_ops = { .kind = "Future" };

/* A public done callback. */
struct done_callback {
    struct wf_future_callback base;
    weft_done_fn *fn;
    void *data;
    const weft_origin *origin;
    struct wf_creation *creation; /* owned, or NULL: as in a future */
    struct wf_vars *vars;         /* ref: what it is to see */
};

static void queue_callback(struct wf_waiter *waiter, weft_future *future);
static void run_done_callback(struct wf_future_callback *base);
static void drop_done_callback(struct wf_future_callback *base);
static void know_work(weft_loop *loop);

const char *wf_future_state_name(enum wf_future_state state)
{
    static const char *const names[] = {
#define NAME(name, text) [WF_FUTURE_##name] = (text),
        WF_FUTURE_STATE_MAP(NAME)
#undef NAME
    };
    return names[state];
}

/* ---- life --------------------------------------------------------------- */

void wf_future_init(weft_future *future, weft_loop *loop, const struct wf_future_ops *ops,
                    const weft_origin *origin)
{
    /* Each field by itself: as one literal it is a string instruction, slower than all of them. */
    future->magic = WF_FUTURE_MAGIC;
    future->n_refs = 1;
    future->state = WF_FUTURE_PENDING;
    future->is_task = false;
    future->has_fleeting_message = false;
    future->is_message_taken = false;
    future->is_marked = false;
    future->is_value_taken = false;
    future->is_unretrieved = false;
    future->code = 0;
    future->loop = loop;
    future->ops = ops;
    wf_list_init(&future->waiters);
    future->value = weft_value_none();
    future->error = NULL;
    future->cancel_message = NULL;
    future->origin = origin;
    future->creation = wf_loop_capture_creation(loop);
    future->remote = (wf_atomic_u32){ 0 };
    if (loop->n_objects == 0) {
        know_work(loop);
    }
    wf_loop_hold(loop);
}

weft_future *weft_loop_create_future_at(const weft_origin *origin, weft_loop *loop)
{
    if (wf_loop_resolve(&loop) < 0) {
        return NULL;
    }
    weft_future *future = wf_alloc(sizeof *future);
    if (future == NULL) {
        (void)weft_fail_at(origin, WEFT_ENOMEM, "no memory for a future"); /* NULL says it */
        return NULL;
    }
    wf_future_init(future, loop, &plain_ops, origin);
    return future;
}

int wf_future_refuse(const weft_future *future)
{
    if (future == NULL || future->magic != WF_FUTURE_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a future or task is needed",
                         future == NULL ? "NULL" : "an object of another kind, or one released,");
    }
    return wf_loop_check_owner(future->loop);
}

/* The public callback behind a waiter; NULL when somebody else stands there. */
static struct done_callback *done_callback_of(struct wf_list *link)
{
    struct wf_waiter *waiter = WF_CONTAINER_OF(link, struct wf_waiter, link);

    if (waiter->wake != queue_callback) {
        return NULL;
    }
    struct wf_future_callback *base = WF_CONTAINER_OF(waiter, struct wf_future_callback, waiter);
    return base->run == run_done_callback ? WF_CONTAINER_OF(base, struct done_callback, base)
                                          : NULL;
}

/* Take back the public callbacks with this function and data. */
static int drop_done_callbacks(weft_future *future, weft_done_fn *fn, void *data)
{
    int n_dropped = 0;

    for (struct wf_list *link = future->waiters.next; link != &future->waiters;) {
        struct done_callback *callback = done_callback_of(link);
        link = link->next;
        if (callback != NULL && callback->fn == fn && callback->data == data) {
            wf_future_remove_waiter(&callback->base.waiter);
            drop_done_callback(&callback->base);
            n_dropped++;
        }
    }
    return n_dropped;
}

void wf_future_abandon(weft_future *future)
{
    for (struct wf_list *link = future->waiters.next; link != &future->waiters;) {
        struct wf_waiter *waiter = WF_CONTAINER_OF(link, struct wf_waiter, link);
        link = link->next;
        if (waiter->wake != queue_callback) {
            continue;
        }
        struct wf_future_callback *callback =
            WF_CONTAINER_OF(waiter, struct wf_future_callback, waiter);
        wf_future_remove_waiter(waiter);
        if (callback->drop != NULL) {
            callback->drop(callback);
        }
    }
}

void wf_future_destroy(weft_future *future)
{
    weft_loop *loop = future->loop;

    if (__builtin_expect(future->is_unretrieved, 0)) {
        wf_future_set_retrieved(future);
        future->n_refs = 1; /* a handler may look at it, and even share it */
        wf_unread_report(future);
        if (--future->n_refs > 0) {
            return;
        }
    }
    if (__builtin_expect(!wf_list_is_empty(&future->waiters), 0)) {
        wf_future_abandon(future); /* it is pending */
    }
    WF_ASSERT(wf_list_is_empty(&future->waiters));
    if (future->value.destroy != NULL) {
        weft_value_clear(&future->value);
    }
    if (future->error != NULL) {
        wf_error_unref(future->error);
    }
    if (future->cancel_message != NULL) {
        wf_free(future->cancel_message);
    }
    if (__builtin_expect(future->creation != NULL, 0)) {
        wf_creation_free(future->creation);
    }
    future->magic = WF_DEAD_MAGIC;
    if (future->ops->destroy != NULL) {
        future->ops->destroy(future);
    } else {
        wf_free(future);
    }
    wf_loop_let_go(loop);
}

weft_future *weft_future_ref(weft_future *future)
{
    if (future != NULL && wf_future_check(future) == 0) {
        wf_future_hold(future);
    }
    return future;
}

/* ---- what other threads ask for ----------------------------------------- */

static void release_many(weft_future *future, uint32_t n)
{
    for (; n > 0; n--) {
        wf_future_release(future);
    }
}

/* A turn of the loop: do what was asked for since the post. */
static void on_remote_work(struct wf_work *work)
{
    weft_future *future = WF_CONTAINER_OF(work, weft_future, remote_node.work);
    uint32_t asked = wf_u32_exchange_acq_rel(&future->remote, 0);

    if ((asked & REMOTE_CANCEL) != 0) {
        (void)wf_future_request_cancel(future, NULL); /* done already: nothing to cancel */
    }
    release_many(future, asked / REMOTE_UNREF);
}

/* The append phase, on the loop's thread; or the end of its close, when nothing is queued. */
static void on_remote_post(struct wf_post *post)
{
    weft_future *future = WF_CONTAINER_OF(post, weft_future, remote_node.post);

    if (future->loop->is_closed) {
        release_many(future, wf_u32_exchange_acq_rel(&future->remote, 0) / REMOTE_UNREF);
        return;
    }
    wf_work_init(&future->remote_node.work, on_remote_work);
    wf_loop_run_soon(future->loop, &future->remote_node.work);
}

/*
 * Whoever made the word non-zero posts; the others' wishes travel along. When the loop
 * takes no more posts the references among them are given back here.
 */
static int post_remotely(weft_future *future)
{
    future->remote_node.post.deliver = on_remote_post;
    int r = wf_loop_post_release(future->loop, &future->remote_node.post);
    if (r < 0) {
        release_many(future, wf_u32_exchange_acq_rel(&future->remote, 0) / REMOTE_UNREF);
    }
    return r;
}

void wf_future_release_late(weft_future *future)
{
    if (__atomic_sub_fetch(&future->n_refs, 1, __ATOMIC_ACQ_REL) == 0) {
        wf_future_destroy(future);
    }
}

int weft_future_cancel_threadsafe(weft_future *future)
{
    if (future == NULL || future->magic != WF_FUTURE_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a future or task");
    }
    if (future->loop->forks != wf_fork_generation) {
        return wf_loop_refuse(future->loop);
    }
    /* The bit is set by an addition, so a second cancel before the first ran must not add. */
    uint32_t before = wf_u32_or_acq_rel(&future->remote, REMOTE_CANCEL);
    return before != 0 ? 0 : post_remotely(future);
}

/* Not one of this thread's loop. */
WF_COLD static void unref_elsewhere(weft_future *future)
{
    if (future->magic != WF_FUTURE_MAGIC) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "released an object that is no future");
    } else if (future->loop->forks == wf_fork_generation && /* a child leaves its parent's alone */
               wf_u32_add_acq_rel(&future->remote, REMOTE_UNREF) == 0) {
        (void)post_remotely(future); /* closed: given back there */
    }
}

weft_future *weft_future_unref(weft_future *future)
{
    if (future == NULL) {
        return NULL;
    }
    if (__builtin_expect(future->magic == WF_FUTURE_MAGIC && wf_loop_is_owned(future->loop), 1)) {
        wf_future_release(future);
    } else {
        unref_elsewhere(future);
    }
    return NULL;
}

/* ---- getters ------------------------------------------------------------ */

int weft_future_done(const weft_future *future)
{
    return wf_future_check(future) == 0 && wf_future_is_done(future);
}

int weft_future_cancelled(const weft_future *future)
{
    return wf_future_check(future) == 0 && future->state == WF_FUTURE_CANCELLED;
}

weft_loop *weft_future_get_loop(const weft_future *future)
{
    return future != NULL && future->magic == WF_FUTURE_MAGIC ? future->loop : NULL;
}

const char *weft_future_get_cancel_message(const weft_future *future)
{
    return wf_future_check(future) == 0 ? future->cancel_message : NULL;
}

/* ---- settling ----------------------------------------------------------- */

static void settle(weft_future *future, enum wf_future_state state)
{
    WF_ASSERT(future->state == WF_FUTURE_PENDING);
    future->state = (uint8_t)state;
    for (;;) {
        struct wf_list *link = wf_list_take_first(&future->waiters);
        if (link == NULL) {
            return;
        }
        struct wf_waiter *waiter = WF_CONTAINER_OF(link, struct wf_waiter, link);
        waiter->wake(waiter, future);
    }
}

void wf_future_finish(weft_future *future, weft_value value)
{
    future->value = value;
    settle(future, WF_FUTURE_FINISHED);
}

void wf_future_fail(weft_future *future, int code, weft_error *error)
{
    WF_ASSERT(code < 0);
    future->code = code;
    future->error = error;
    wf_unread_add(future);
    settle(future, WF_FUTURE_FINISHED);
}

void wf_future_set_cancelled(weft_future *future, const char *message)
{
    wf_free(future->cancel_message);
    future->cancel_message = wf_strdup(message); /* without memory the message is lost */
    future->code = WEFT_ECANCELED;
    settle(future, WF_FUTURE_CANCELLED);
}

static int refuse_settling(const weft_future *future)
{
    if (future->ops->is_sealed) {
        return weft_fail_at(NULL, WEFT_ERUNTIME, "a %s gets its result from its own work",
                            future->ops->kind);
    }
    if (wf_future_is_done(future)) {
        return weft_fail_at(NULL, WEFT_EINVALIDSTATE, "invalid state: the future is %s already",
                            wf_future_state_name((enum wf_future_state)future->state));
    }
    return 0;
}

int weft_future_set_result(weft_future *future, weft_value value)
{
    int r = wf_future_check(future);

    if (r == 0) {
        r = refuse_settling(future);
    }
    if (r < 0) {
        return r;
    }
    wf_future_finish(future, value);
    return 0;
}

int weft_future_set_exception_at(const weft_origin *origin, weft_future *future, int code,
                                 const char *format, ...)
{
    int r = wf_future_check(future);

    if (r == 0 && code >= 0) {
        r = weft_fail_at(origin, WEFT_EINVAL, "%d is no error code: those are negative", code);
    }
    if (r == 0) {
        r = refuse_settling(future);
    }
    if (r < 0) {
        return r;
    }

    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format != NULL ? format : "(null)", arguments);
    va_end(arguments);
    wf_future_fail(future, code, wf_error_create(code, origin, message));
    return 0;
}

int wf_future_request_cancel(weft_future *future, const char *message)
{
    wf_future_set_retrieved(future); /* whoever cancels, even in vain, has looked at it */
    if (wf_future_is_done(future)) {
        return WEFT_EINVALIDSTATE;
    }
    if (future->ops->cancel != NULL) {
        return future->ops->cancel(future, message);
    }
    wf_future_set_cancelled(future, message);
    return 0;
}

int weft_future_cancel(weft_future *future, const char *message)
{
    int r = wf_future_check(future);

    return r < 0 ? r : wf_future_request_cancel(future, message);
}

/* ---- asking for the outcome --------------------------------------------- */

WF_COLD static int refuse_value(void)
{
    return weft_fail(WEFT_EINVALIDSTATE, "the value was taken already");
}

static inline int take_value(weft_future *future, weft_value *out_value)
{
    if (out_value == NULL) {
        return 0;
    }
    if (future->value.destroy == NULL) {
        if (future->is_value_taken) {
            return refuse_value();
        }
        *out_value = future->value;
        return 0;
    }
    *out_value = future->value;
    future->value = weft_value_none();
    future->is_value_taken = true;
    return 0;
}

/* What a task was cancelled with is its own exception in asyncio, which is raised once. */
static const char *take_cancel_message(weft_future *future)
{
    const char *message = future->is_message_taken ? NULL : future->cancel_message;

    future->is_message_taken = future->has_fleeting_message;
    return message;
}

weft_error *wf_future_get_error(weft_future *future)
{
    if (future->state != WF_FUTURE_CANCELLED) {
        return future->error != NULL ? wf_error_ref(future->error) : NULL;
    }
    const char *message = take_cancel_message(future);
    return message != NULL ? wf_error_create(future->code, NULL, message) : NULL;
}

/* It was cancelled, or failed. */
WF_COLD static int take_failure(weft_future *future)
{
    wf_future_set_retrieved(future);
    if (future->state == WF_FUTURE_CANCELLED) {
        const char *message = take_cancel_message(future);
        wf_frame_set_error(wf_frame_current(), NULL);
        return message != NULL ? weft_fail_at(NULL, WEFT_ECANCELED, "%s", message) : WEFT_ECANCELED;
    }
    wf_frame_set_error(wf_frame_current(), future->error);
    return future->code;
}

int wf_future_take(weft_future *future, weft_value *out_value)
{
    if (__builtin_expect(future->code < 0, 0)) { /* WEFT_ECANCELED of a cancelled one */
        return take_failure(future);
    }
    return take_value(future, out_value);
}

int weft_future_result(weft_future *future, weft_value *out_value)
{
    int r = wf_future_check(future);

    if (r < 0) {
        return r;
    }
    if (!wf_future_is_done(future)) {
        return weft_fail(WEFT_EINVALIDSTATE, "Result is not set.");
    }
    return wf_future_take(future, out_value);
}

int weft_future_exception(weft_future *future, const weft_error **out_error)
{
    int r = wf_future_check(future);

    if (r < 0) {
        return r;
    }
    if (!wf_future_is_done(future)) {
        return weft_fail(WEFT_EINVALIDSTATE, "Exception is not set.");
    }
    if (future->state == WF_FUTURE_CANCELLED) {
        return wf_future_take(future, NULL);
    }
    wf_future_set_retrieved(future);
    if (out_error != NULL) {
        *out_error = future->error;
    }
    return future->code;
}

/* ---- callbacks ---------------------------------------------------------- */

static void on_callback_work(struct wf_work *work)
{
    struct wf_future_callback *callback = WF_CONTAINER_OF(work, struct wf_future_callback, work);
    weft_future *future = callback->future;

    callback->run(callback); /* its memory may be gone now */
    wf_future_release(future);
}

/* The loop closes; the callback was queued. */
static void drop_callback_work(struct wf_work *work)
{
    struct wf_future_callback *callback = WF_CONTAINER_OF(work, struct wf_future_callback, work);
    weft_future *future = callback->future;

    if (callback->drop != NULL) {
        callback->drop(callback);
    }
    wf_future_release(future);
}

static void describe_callback_work(const struct wf_work *work, struct wf_work_info *info)
{
    const struct wf_future_callback *callback =
        WF_CONTAINER_OF(work, const struct wf_future_callback, work);
    const struct done_callback *public =
        WF_CONTAINER_OF(callback, const struct done_callback, base);

    wf_work_info_set(info, "Handle",
                     callback->run == run_done_callback ? public->origin
                                                        : callback->future->origin);
}

static const struct wf_work_kind callback_kind = { on_callback_work, drop_callback_work,
                                                   describe_callback_work, "callback of a future",
                                                   0 };
static const struct wf_work_kind remote_kind = { on_remote_work, on_remote_work, NULL,
                                                 "cancel or release from another thread", 0 };

static void know_work(weft_loop *loop)
{
    wf_loop_know_work(loop, &callback_kind);
    wf_loop_know_work(loop, &remote_kind);
    wf_unread_prepare(loop);
}

static void queue_callback(struct wf_waiter *waiter, weft_future *future)
{
    struct wf_future_callback *callback =
        WF_CONTAINER_OF(waiter, struct wf_future_callback, waiter);

    if (WF_MUTANT("callback-retrieves-error")) {
        wf_future_set_retrieved(future);
    }
    if (__builtin_expect(future->loop->is_closed, 0)) { /* there will be no turn */
        if (callback->drop != NULL) {
            callback->drop(callback);
        }
        return;
    }
    wf_future_hold(future);
    wf_loop_run_soon(future->loop, &callback->work);
}

void wf_future_add_callback(weft_future *future, struct wf_future_callback *callback)
{
    callback->future = future;
    callback->waiter.wake = queue_callback;
    wf_list_init(&callback->waiter.link);
    wf_work_init(&callback->work, on_callback_work);
    if (wf_future_is_done(future)) {
        queue_callback(&callback->waiter, future);
    } else {
        wf_future_add_waiter(future, &callback->waiter);
    }
}

bool wf_future_remove_callback(struct wf_future_callback *callback)
{
    if (!wf_list_is_linked(&callback->waiter.link)) {
        return false;
    }
    wf_future_remove_waiter(&callback->waiter);
    return true;
}

void wf_future_withdraw_callback(struct wf_future_callback *callback)
{
    if (!wf_future_remove_callback(callback) && wf_work_is_queued(&callback->work)) {
        wf_loop_take_back(&callback->work);
        wf_future_release(callback->future);
    }
}

static void drop_done_callback(struct wf_future_callback *base)
{
    struct done_callback *callback = WF_CONTAINER_OF(base, struct done_callback, base);
    struct wf_vars *vars = callback->vars;

    wf_creation_free(callback->creation);
    wf_free(callback);
    wf_vars_drop(vars);
}

static void run_done_callback(struct wf_future_callback *base)
{
    struct done_callback *callback = WF_CONTAINER_OF(base, struct done_callback, base);
    struct done_callback copy = *callback;

    wf_free(callback);
    struct wf_vars *before = wf_vars_swap(copy.vars);
    copy.base.future->loop->running_creation = copy.creation;
    int code = copy.fn(copy.base.future, copy.data);
    if (code < 0) {
        wf_loop_report_callback(copy.base.future->loop, copy.origin, code);
    }
    copy.base.future->loop->running_creation = NULL;
    wf_creation_free(copy.creation);
    wf_frame_clear(wf_frame_current()); /* not to be taken for the next callback's */
    wf_vars_drop(wf_vars_swap(before));
}

int weft_future_add_done_callback_at(const weft_origin *origin, weft_future *future,
                                     weft_done_fn *fn, void *data)
{
    return weft_future_add_done_callback_with_at(origin, future, NULL, fn, data);
}

int weft_future_add_done_callback_with_at(const weft_origin *origin, weft_future *future,
                                          weft_context *context, weft_done_fn *fn, void *data)
{
    int r = wf_future_check(future);

    if (r == 0) {
        r = wf_context_check(context);
    }

    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no callback function");
    }
    if (weft_loop_is_closed(future->loop)) {
        return weft_fail_at(origin, WEFT_ECLOSED, "Event loop is closed");
    }
    struct done_callback *callback = wf_alloc(sizeof *callback);
    if (callback == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a callback");
    }
    callback->base.run = run_done_callback;
    callback->base.drop = drop_done_callback;
    callback->fn = fn;
    callback->data = data;
    callback->origin = origin;
    callback->creation = wf_loop_capture_creation(future->loop);
    callback->vars = wf_vars_for(context);
    wf_future_add_callback(future, &callback->base);
    return 0;
}

int weft_future_remove_done_callback(weft_future *future, weft_done_fn *fn, void *data)
{
    int r = wf_future_check(future);

    if (r == 0 && fn == NULL) {
        r = weft_fail(WEFT_EINVAL, "no callback function");
    }
    return r < 0 ? r : drop_done_callbacks(future, fn, data);
}

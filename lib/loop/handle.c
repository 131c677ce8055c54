/*
 * Handles: callbacks that were scheduled (asyncio's Handle and TimerHandle).
 *
 * A handle is alive while it is scheduled (in the mailbox, the queue or the heap
 * of timers) and while the user holds its one reference. Cancelling takes it out
 * of the queue at once, so a handle that is due never runs after its cancel.
 *
 *     call_soon: queued ----------------.
 *     call_later: in the heap -- due --> queued -- run --> spent
 *     threadsafe: in the mailbox -------'   `-- cancel --> cancelled
 *
 * Spent handles go to a small cache of the loop's, so that scheduling in a
 * steady state allocates nothing. A thread that posts for a handle allocates it and
 * nothing else: the nodes for mailbox, queue and heap stand in it.
 *
 * Thread: the loop's, but for weft_loop_call_soon_threadsafe.
 */

#include "loop/loop.h"

#include "base/alloc.h"
#include "base/context.h"
#include "base/log.h"

#define HANDLE_MAGIC 0x77664861u
#define DEAD_MAGIC   0x77664864u

enum {
    MAX_CACHED = 256
};

struct weft_handle {
    uint32_t magic;
    bool is_scheduled; /* the loop will run or drop it */
    bool is_held;      /* the user has the reference; then the loop's memory stays too */
    bool is_cancelled;
    bool is_posted;  /* in the mailbox */
    bool is_foreign; /* held since another thread made it: by a reference of its own */
    weft_loop *loop;
    weft_callback_fn *fn;
    void *data;
    const weft_origin *origin;    /* static, or NULL */
    struct wf_creation *creation; /* owned, or NULL: as in a future; while it is scheduled */
    struct wf_vars *vars;         /* ref, while it is scheduled: what the callback is to see */
    union {
        struct wf_timer timer; /* its work is the handle's, timer or not */
        struct wf_post post;   /* instead, while it is posted */
    };
    weft_time when;              /* 0: no timer */
    struct wf_post release_post; /* gives the reference back from another thread */
};

/* ---- memory ------------------------------------------------------------- */

static void free_handle(weft_handle *handle)
{
    weft_loop *loop = handle->loop;

    handle->magic = DEAD_MAGIC;
    if (loop->n_handles_free < MAX_CACHED && !loop->is_closed) {
        loop->n_handles_free++;
        wf_list_prepend(&loop->handles_free, &handle->timer.work.link);
    } else {
        wf_free(handle);
    }
}

/* Returns the context of the callback, whose reference is now the caller's. */
static struct wf_vars *unschedule(weft_handle *handle)
{
    struct wf_vars *vars = handle->vars;

    handle->vars = NULL;
    handle->is_scheduled = false;
    if (!handle->is_held) {
        free_handle(handle);
    }
    return vars;
}

/* It will not run. */
static void give_up(weft_handle *handle)
{
    wf_creation_free(handle->creation);
    wf_vars_drop(unschedule(handle));
}

static weft_handle *allocate(weft_loop *loop)
{
    struct wf_list *node = wf_list_take_first(&loop->handles_free);

    if (node == NULL) {
        return wf_alloc(sizeof(weft_handle));
    }
    loop->n_handles_free--;
    return WF_CONTAINER_OF(node, weft_handle, timer.work.link);
}

static void run_handle(struct wf_work *work);

static void init_handle(weft_handle *handle, const weft_origin *origin, weft_loop *loop,
                        weft_callback_fn *fn, void *data, struct wf_vars *vars)
{
    handle->magic = HANDLE_MAGIC;
    handle->is_scheduled = true;
    handle->is_held = false;
    handle->is_cancelled = false;
    handle->is_posted = false;
    handle->is_foreign = false;
    handle->loop = loop;
    handle->fn = fn;
    handle->data = data;
    handle->origin = origin;
    handle->creation = wf_loop_capture_creation(loop);
    handle->vars = vars;
    handle->when = 0;
    wf_timer_init(&handle->timer, run_handle);
}

/* The user's reference keeps the loop's memory too; on the loop's thread. */
static void hold(weft_handle *handle, weft_handle **out_handle)
{
    if (out_handle != NULL) {
        handle->is_held = true;
        wf_loop_hold(handle->loop);
        *out_handle = handle;
    }
}

/* ---- running and dropping ----------------------------------------------- */

static weft_handle *handle_of(const struct wf_work *work)
{
    return WF_CONTAINER_OF(work, weft_handle, timer.work);
}

static void run_handle(struct wf_work *work)
{
    weft_handle *handle = handle_of(work);
    weft_loop *loop = handle->loop;
    const weft_origin *origin = handle->origin;

    /* Spent before it runs: the callback may give the handle back. */
    weft_callback_fn *fn = handle->fn;
    void *data = handle->data;
    struct wf_creation *creation = handle->creation;
    struct wf_vars *vars = unschedule(handle);
    if (__builtin_expect(creation != NULL, 0)) {
        wf_loop_run_callback_made(loop, origin, fn, data, vars, creation);
    } else {
        wf_loop_run_callback_in(loop, origin, fn, data, vars);
    }
}

static void drop_handle(struct wf_work *work)
{
    give_up(handle_of(work));
}

static void describe_handle(const struct wf_work *work, struct wf_work_info *info)
{
    const weft_handle *handle = handle_of(work);

    wf_work_info_set(info, handle->when != 0 ? "TimerHandle" : "Handle", handle->origin);
}

static const struct wf_work_kind handle_kind = { run_handle, drop_handle, describe_handle, "Handle",
                                                 WF_WORK_ORIGIN_AT(weft_handle, timer.work,
                                                                   origin) };

void wf_loop_handles_init(weft_loop *loop)
{
    wf_list_init(&loop->handles_free);
    wf_loop_know_work(loop, &handle_kind);
    wf_remote_calls_init(loop);
}

void wf_loop_handles_fini(weft_loop *loop)
{
    struct wf_list *node;

    while ((node = wf_list_take_first(&loop->handles_free)) != NULL) {
        wf_free(WF_CONTAINER_OF(node, weft_handle, timer.work.link));
    }
    loop->n_handles_free = 0;
    wf_remote_calls_free(loop);
}

/* ---- scheduling --------------------------------------------------------- */

static int refuse_callback(void)
{
    return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a callback is required");
}

int weft_loop_call_soon_with_at(const weft_origin *origin, weft_loop *loop, weft_context *context,
                                weft_callback_fn *fn, void *data, weft_handle **out_handle)
{
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        r = wf_context_check(context);
    }
    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return refuse_callback();
    }
    weft_handle *handle = allocate(loop);
    if (handle == NULL) {
        return WEFT_ENOMEM;
    }
    init_handle(handle, origin, loop, fn, data, wf_vars_for(context));
    wf_loop_run_soon(loop, &handle->timer.work);
    hold(handle, out_handle);
    return 0;
}

int weft_loop_call_soon_at(const weft_origin *origin, weft_loop *loop, weft_callback_fn *fn,
                           void *data, weft_handle **out_handle)
{
    return weft_loop_call_soon_with_at(origin, loop, NULL, fn, data, out_handle);
}

/* <when> stays what was asked for, also where no timer is needed: forever. */
static int call_at(const weft_origin *origin, weft_loop *loop, weft_time when,
                   weft_context *context, weft_callback_fn *fn, void *data,
                   weft_handle **out_handle)
{
    int r = wf_context_check(context);

    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return refuse_callback();
    }
    weft_handle *handle = allocate(loop);
    if (handle == NULL) {
        return WEFT_ENOMEM;
    }
    init_handle(handle, origin, loop, fn, data, wf_vars_for(context));
    handle->when = when;
    r = wf_timer_start(loop, &handle->timer, when);
    if (r < 0) {
        give_up(handle);
        return r;
    }
    hold(handle, out_handle);
    if (when == WEFT_FOREVER) {
        give_up(handle);
    }
    return 0;
}

int weft_loop_call_later_with_at(const weft_origin *origin, weft_loop *loop, weft_duration delay,
                                 weft_context *context, weft_callback_fn *fn, void *data,
                                 weft_handle **out_handle)
{
    int r = wf_loop_resolve(&loop);

    return r < 0 ? r
                 : call_at(origin, loop, wf_loop_deadline(loop, delay), context, fn, data,
                           out_handle);
}

int weft_loop_call_later_at(const weft_origin *origin, weft_loop *loop, weft_duration delay,
                            weft_callback_fn *fn, void *data, weft_handle **out_handle)
{
    return weft_loop_call_later_with_at(origin, loop, delay, NULL, fn, data, out_handle);
}

int weft_loop_call_at_with_at(const weft_origin *origin, weft_loop *loop, weft_time when,
                              weft_context *context, weft_callback_fn *fn, void *data,
                              weft_handle **out_handle)
{
    int r = wf_loop_resolve(&loop);

    return r < 0 ? r : call_at(origin, loop, when, context, fn, data, out_handle);
}

int weft_loop_call_at_at(const weft_origin *origin, weft_loop *loop, weft_time when,
                         weft_callback_fn *fn, void *data, weft_handle **out_handle)
{
    return weft_loop_call_at_with_at(origin, loop, when, NULL, fn, data, out_handle);
}

/* ---- from other threads ------------------------------------------------- */

static void deliver_handle(struct wf_post *post)
{
    weft_handle *handle = WF_CONTAINER_OF(post, weft_handle, post);

    handle->is_posted = false;
    wf_timer_init(&handle->timer, run_handle);
    if (handle->is_cancelled) {
        give_up(handle);
    } else {
        wf_loop_run_soon(handle->loop, &handle->timer.work);
    }
}

/* With a handle for the user; without one see remote_call.c. */
static int post_handle(const weft_origin *origin, weft_loop *loop, weft_context *context,
                       weft_callback_fn *fn, void *data, weft_handle **out_handle)
{
    weft_handle *handle = wf_alloc(sizeof *handle);

    if (handle == NULL) {
        return WEFT_ENOMEM;
    }
    init_handle(handle, origin, loop, fn, data, wf_vars_for(context));
    handle->is_posted = true;
    handle->post.deliver = deliver_handle;
    handle->is_held = true;
    handle->is_foreign = true;
    (void)weft_loop_ref(loop); /* the plain counter is the loop thread's */
    int r = wf_loop_post(loop, &handle->post);
    if (r < 0) {
        (void)weft_loop_unref(loop); /* the caller has one too */
        wf_creation_free(handle->creation);
        wf_vars_drop(handle->vars);
        wf_free(handle);
        return r;
    }
    *out_handle = handle; /* the loop may have run it: it is held */
    return 0;
}

int weft_loop_call_soon_threadsafe_with_at(const weft_origin *origin, weft_loop *loop,
                                           weft_context *context, weft_callback_fn *fn, void *data,
                                           weft_handle **out_handle)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    /*
     * From inside the loop it keeps its place among the calls of call_soon. An owner
     * outside the run posts like everybody: it may just be handing the loop over.
     */
    if (loop != NULL && loop == wf_loop_running) {
        return weft_loop_call_soon_with_at(origin, loop, context, fn, data, out_handle);
    }
    if (loop == NULL || loop->magic != WF_LOOP_MAGIC || loop->forks != wf_fork_generation) {
        return wf_loop_refuse(loop);
    }
    if (fn == NULL) {
        return refuse_callback();
    }
    int r = wf_context_check(context);
    if (r < 0) {
        return r;
    }
    r = out_handle == NULL ? wf_remote_call(origin, loop, context, fn, data)
                           : post_handle(origin, loop, context, fn, data, out_handle);
    return r == WEFT_ECLOSED ? weft_fail_at(origin, r, "Event loop is closed") : r;
}

int weft_loop_call_soon_threadsafe_at(const weft_origin *origin, weft_loop *loop,
                                      weft_callback_fn *fn, void *data, weft_handle **out_handle)
{
    return weft_loop_call_soon_threadsafe_with_at(origin, loop, NULL, fn, data, out_handle);
}

/* ---- the user's end ----------------------------------------------------- */

/* 0 when <handle> is one and this is its loop's thread. */
static int check_handle(const weft_handle *handle)
{
    if (handle == NULL || handle->magic != HANDLE_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "this is not a handle");
    }
    return wf_loop_check_owner(handle->loop);
}

int weft_handle_cancel(weft_handle *handle)
{
    int r = check_handle(handle);

    if (r < 0) {
        return r;
    }
    if (handle->is_cancelled) {
        return 0;
    }
    handle->is_cancelled = true;
    /* One that is still in the mailbox is let go of when it arrives. */
    if (handle->is_scheduled && !handle->is_posted) {
        wf_timer_stop(handle->loop, &handle->timer);
        give_up(handle);
    }
    return 0;
}

int weft_handle_cancelled(const weft_handle *handle)
{
    return check_handle(handle) == 0 && handle->is_cancelled;
}

weft_time weft_handle_when(const weft_handle *handle)
{
    return check_handle(handle) == 0 ? handle->when : 0;
}

weft_context *weft_handle_get_context(weft_handle *handle)
{
    if (check_handle(handle) < 0 || !handle->is_scheduled) {
        return NULL;
    }
    return wf_vars_share(&handle->vars);
}

static void release(weft_handle *handle)
{
    weft_loop *loop = handle->loop;
    bool is_foreign = handle->is_foreign;

    handle->is_held = false;
    if (!handle->is_scheduled) {
        free_handle(handle);
    }
    if (is_foreign) {
        (void)weft_loop_unref(loop); /* always NULL */
    } else {
        wf_loop_let_go(loop);
    }
}

static void deliver_release(struct wf_post *post)
{
    release(WF_CONTAINER_OF(post, weft_handle, release_post));
}

weft_handle *weft_handle_unref(weft_handle *handle)
{
    if (handle == NULL) {
        return NULL;
    }
    if (handle->magic != HANDLE_MAGIC) {
        (void)check_handle(handle); /* reported */
        return NULL;
    }
    if (__builtin_expect(!wf_loop_is_owned(handle->loop), 0)) {
        if (handle->loop->forks != wf_fork_generation) {
            return NULL; /* a child leaves its parent's alone */
        }
        handle->release_post.deliver = deliver_release;
        if (wf_loop_post_release(handle->loop, &handle->release_post) == 0) {
            return NULL;
        }
    }
    release(handle);
    return NULL;
}

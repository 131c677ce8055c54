/*
 * Signals as callbacks of a loop, on libuv's uv_signal_t.
 *
 * libuv catches the signal on whatever thread it hits and tells every loop that
 * asked, through a pipe; so any loop on any thread may have handlers. Here stands
 * what libuv does not do: a handler is work of the loop, replaced and removed as
 * asyncio does it, and the disposition that was there before comes back when the
 * last handler of the process for that signal goes (libuv leaves SIG_DFL).
 *
 * A record is freed by libuv's close callback, which may come turns after its
 * removal, and at the latest when the loop closes.
 *
 * Thread: the loop's; the table of dispositions is shared and has a lock.
 */

#include "weft/signal.h"

#include "base/alloc.h"
#include "base/context.h"
#include "base/log.h"
#include "loop/loop.h"

#include <pthread.h>
#include <signal.h>
#include <uv.h>

struct handler {
    uv_signal_t signal;
    struct wf_work work;
    struct wf_list link; /* among the loop's handlers */
    weft_loop *loop;     /* borrowed: closes its handlers */
    weft_callback_fn *fn;
    void *data;
    const weft_origin *origin; /* static, or NULL */
    struct wf_vars *vars;      /* ref: what the callback is to see */
    int signum;
};

struct signal_slot {
    struct wf_list handlers;
};

/* ---- dispositions ------------------------------------------------------- */

struct disposition {
    unsigned n_handlers;
    struct sigaction former;
};

static pthread_mutex_t dispositions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct disposition dispositions[NSIG]; /* guarded by dispositions_lock */

static int catch_signal(struct handler *handler, uv_signal_cb on_signal)
{
    struct disposition *disposition = &dispositions[handler->signum];

    pthread_mutex_lock(&dispositions_lock);
    if (disposition->n_handlers == 0) {
        (void)sigaction(handler->signum, NULL, &disposition->former); /* libuv checks the number */
    }
    int r = uv_signal_start(&handler->signal, on_signal, handler->signum);
    if (r == 0) {
        disposition->n_handlers++;
    }
    pthread_mutex_unlock(&dispositions_lock);
    return r;
}

static void let_signal_be(struct handler *handler)
{
    struct disposition *disposition = &dispositions[handler->signum];
    struct sigaction now;

    pthread_mutex_lock(&dispositions_lock);
    (void)uv_signal_stop(&handler->signal); /* fails for closing handles only */
    /* Not the default: the program has a libuv loop of its own that wants the signal too. */
    if (--disposition->n_handlers == 0 && sigaction(handler->signum, NULL, &now) == 0 &&
        now.sa_handler == SIG_DFL) {
        (void)sigaction(handler->signum, &disposition->former, NULL); /* it was there before */
    }
    pthread_mutex_unlock(&dispositions_lock);
}

/* ---- a handler ---------------------------------------------------------- */

static void run_handler(struct wf_work *work)
{
    struct handler *handler = WF_CONTAINER_OF(work, struct handler, work);

    wf_loop_run_callback_in(handler->loop, handler->origin, handler->fn, handler->data,
                            wf_vars_ref(handler->vars));
}

static void describe_handler(const struct wf_work *work, struct wf_work_info *info)
{
    wf_work_info_set(info, "Handle", WF_CONTAINER_OF(work, struct handler, work)->origin);
}

/* Nothing to drop: the slot owns the handlers. */
static const struct wf_work_kind handler_kind = { run_handler, NULL, describe_handler, "Handle",
                                                  WF_WORK_ORIGIN_AT(struct handler, work, origin) };

/* The signal came. Append phase. */
static void on_signal(uv_signal_t *signal, int signum)
{
    struct handler *handler = WF_CONTAINER_OF(signal, struct handler, signal);

    (void)signum;
    if (!wf_work_is_queued(&handler->work)) {
        wf_loop_run_soon(handler->loop, &handler->work);
    }
}

/* libuv has let go. Append phase, or the loop's close. */
static void on_closed(uv_handle_t *handle)
{
    struct handler *handler = WF_CONTAINER_OF(handle, struct handler, signal);
    struct wf_vars *vars = handler->vars;

    wf_free(handler);
    wf_vars_drop(vars);
}

static void remove_handler(struct handler *handler)
{
    let_signal_be(handler);
    wf_loop_take_back(&handler->work);
    wf_list_remove(&handler->link);
    uv_close((uv_handle_t *)&handler->signal, on_closed);
    wf_loop_touch_uv(handler->loop);
}

/* ---- the loop's slot ---------------------------------------------------- */

static void close_slot(weft_loop *loop, void *data)
{
    struct signal_slot *slot = data;

    (void)loop;
    while (!wf_list_is_empty(&slot->handlers)) {
        remove_handler(WF_CONTAINER_OF(slot->handlers.next, struct handler, link));
    }
}

static const struct wf_loop_slot_ops slot_ops = { close_slot, wf_free };

static int get_slot(weft_loop *loop, struct signal_slot **out_slot)
{
    struct wf_loop_slot *place = &loop->slots[WF_LOOP_SLOT_SIGNAL];

    if (place->data == NULL) {
        struct signal_slot *slot = wf_new(struct signal_slot);
        if (slot == NULL) {
            return WEFT_ENOMEM;
        }
        wf_list_init(&slot->handlers);
        wf_loop_know_work(loop, &handler_kind);
        *place = (struct wf_loop_slot){ slot, &slot_ops };
    }
    *out_slot = place->data;
    return 0;
}

static struct handler *find(const weft_loop *loop, int signum)
{
    const struct signal_slot *slot = loop->slots[WF_LOOP_SLOT_SIGNAL].data;

    if (slot == NULL) {
        return NULL;
    }
    for (struct wf_list *node = slot->handlers.next; node != &slot->handlers; node = node->next) {
        struct handler *handler = WF_CONTAINER_OF(node, struct handler, link);
        if (handler->signum == signum) {
            return handler;
        }
    }
    return NULL;
}

/* ---- adding ------------------------------------------------------------- */

static int make_handler(weft_loop *loop, int signum, struct handler **out_handler)
{
    struct uv_loop_s *uv;
    int r = wf_loop_get_uv(loop, &uv);

    if (r < 0) {
        return r;
    }
    struct handler *handler = wf_new(struct handler);
    if (handler == NULL) {
        return WEFT_ENOMEM;
    }
    wf_work_init(&handler->work, run_handler);
    wf_list_init(&handler->link);
    handler->loop = loop;
    handler->signum = signum;
    r = uv_signal_init(uv, &handler->signal);
    if (r < 0) {
        wf_free(handler);
        return r;
    }
    r = catch_signal(handler, on_signal);
    wf_loop_touch_uv(loop);
    if (r < 0) {
        uv_close((uv_handle_t *)&handler->signal, on_closed);
        return r == UV_EINVAL ? WEFT_EINVAL : r;
    }
    *out_handler = handler;
    return 0;
}

static int get_or_make(weft_loop *loop, int signum, struct handler **out_handler)
{
    struct signal_slot *slot;
    int r = get_slot(loop, &slot);

    if (r < 0) {
        return r;
    }
    *out_handler = find(loop, signum);
    if (*out_handler != NULL) {
        return 0;
    }
    r = make_handler(loop, signum, out_handler);
    if (r == 0) {
        wf_list_append(&slot->handlers, &(*out_handler)->link);
    }
    return r;
}

/* Those between the classic and the real-time signals belong to the C library. */
static int check_number(const weft_origin *origin, int signum)
{
    if (signum > 0 && signum < NSIG && (signum < 32 || signum >= SIGRTMIN)) {
        return 0;
    }
    return weft_fail_at(origin, WEFT_EINVAL, "invalid signal number %d", signum);
}

/* A fault of the program's own would meet its handler again and again. */
static bool can_be_handled(int signum)
{
    return signum != SIGKILL && signum != SIGSTOP && signum != SIGSEGV && signum != SIGBUS &&
           signum != SIGFPE && signum != SIGILL;
}

static int check_signal(const weft_origin *origin, int signum, weft_callback_fn *fn)
{
    int r = check_number(origin, signum);

    if (r < 0) {
        return r;
    }
    if (fn == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "signal %d needs a callback", signum);
    }
    if (!can_be_handled(signum)) {
        return weft_fail_at(origin, WEFT_ERUNTIME, "signal %d cannot be caught", signum);
    }
    return 0;
}

int weft_loop_add_signal_handler_at(const weft_origin *origin, weft_loop *loop, int signum,
                                    weft_callback_fn *fn, void *data)
{
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        r = check_signal(origin, signum, fn);
    }
    if (r < 0) {
        return r;
    }
    struct handler *handler;
    r = get_or_make(loop, signum, &handler);
    if (r < 0) {
        return r;
    }
    wf_loop_take_back(&handler->work); /* what the replaced callback was queued for */
    handler->fn = fn;
    handler->data = data;
    handler->origin = origin;
    struct wf_vars *before = handler->vars;
    handler->vars = wf_vars_copy_current();
    wf_vars_drop(before);
    return 0;
}

int weft_loop_remove_signal_handler(weft_loop *loop, int signum)
{
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        r = check_number(NULL, signum);
    }
    if (r < 0) {
        return r;
    }
    struct handler *handler = find(loop, signum);
    if (handler == NULL) {
        return 0;
    }
    remove_handler(handler);
    return 1;
}

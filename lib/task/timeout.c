/*
 * Time limits: asyncio's Timeout, and wait_for on top of it.
 *
 *     created --enter--> entered --the moment comes--> expiring
 *                           `--exit--> exited             `--exit--> expired
 *
 * The scope cancels its task and remembers that it did. Leaving takes that one
 * request back, and turns a cancel into a time-out only when no other request is
 * left than there were at the enter.
 *
 * Thread: the loop's.
 */

#include "weft/timeout.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/mutant.h"
#include "task/coro.h"
#include "task/task.h"
#include "weft/group.h"

#define STATE_MAP(X)        \
    X(CREATED, "created")   \
    X(ENTERED, "active")    \
    X(EXPIRING, "expiring") \
    X(EXPIRED, "expired")   \
    X(EXITED, "finished")

enum state {
#define STATE_ENUM(name, text) STATE_##name,
    STATE_MAP(STATE_ENUM)
#undef STATE_ENUM
};

#define TIMEOUT_MAGIC 0x7766544fu

struct weft_timeout {
    uint32_t magic;
    enum state state;
    bool is_delay;         /* `when` counts from the enter */
    weft_time when;        /* WEFT_FOREVER: none */
    struct wf_timer timer; /* its work may also be queued by itself, for a moment that has passed */
    struct wf_task *task;  /* from enter to exit; ref for a public scope, else borrowed */
    uint32_t n_cancels;    /* requests that the task had at the enter */
};

static const char *state_name(enum state state)
{
    static const char *const names[] = {
#define NAME(name, text) [STATE_##name] = (text),
        STATE_MAP(NAME)
#undef NAME
    };
    return names[state];
}

/* The moment came. */
static void on_timeout(struct wf_work *work)
{
    weft_timeout *scope = WF_CONTAINER_OF(work, weft_timeout, timer.work);

    scope->state = STATE_EXPIRING;
    (void)wf_future_request_cancel(&scope->task->future, NULL); /* it is pending: it is inside */
}

static void init(weft_timeout *scope, weft_time when, bool is_delay)
{
    *scope = (weft_timeout){
        .magic = TIMEOUT_MAGIC, .state = STATE_CREATED, .is_delay = is_delay, .when = when
    };
    wf_timer_init(&scope->timer, on_timeout);
}

static weft_timeout *create(weft_time when, bool is_delay)
{
    weft_timeout *scope = wf_alloc(sizeof *scope);

    if (scope == NULL) {
        (void)weft_fail(WEFT_ENOMEM, "no memory for a time limit"); /* NULL says it */
        return NULL;
    }
    init(scope, when, is_delay);
    return scope;
}

/* As in asyncio it counts from here; where no loop runs there is no clock yet. */
weft_timeout *weft_timeout_create(weft_duration delay)
{
    if (wf_loop_running != NULL) {
        return create(wf_loop_deadline(wf_loop_running, delay), /* is_delay = */ false);
    }
    return create(delay, /* is_delay = */ true);
}

weft_timeout *weft_timeout_create_at(weft_time when)
{
    return create(when, /* is_delay = */ false);
}

static int check(const weft_timeout *scope)
{
    if (scope == NULL) {
        return weft_fail(WEFT_ENOMEM, "no time limit: it was not made");
    }
    if (scope->magic != TIMEOUT_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a time limit, or one destroyed");
    }
    return scope->task != NULL ? wf_loop_check(scope->task->future.loop) : 0;
}

void weft_timeout_destroy(weft_timeout *scope)
{
    if (scope == NULL || check(scope) < 0) {
        return;
    }
    if (scope->state == STATE_ENTERED || scope->state == STATE_EXPIRING) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME,
                        "a time limit was destroyed inside its scope; exit it first");
        return; /* it leaks, but nothing dangles */
    }
    scope->magic = WF_DEAD_MAGIC;
    wf_free(scope);
}

/* Let the timer act at `when`; one that has passed acts in the next turn. */
static int arm(weft_timeout *scope)
{
    weft_loop *loop = scope->task->future.loop;

    wf_timer_stop(loop, &scope->timer);
    if (scope->when == WEFT_FOREVER) {
        return 0;
    }
    if (scope->when <= wf_loop_now(loop)) {
        wf_loop_run_soon(loop, &scope->timer.work);
        return 0;
    }
    return wf_timer_start(loop, &scope->timer, scope->when);
}

static int enter(weft_timeout *scope, struct wf_task *task)
{
    if (scope->is_delay) {
        scope->when = wf_loop_deadline(task->future.loop, scope->when);
    }
    scope->task = task;
    scope->n_cancels = task->n_cancels;
    int r = arm(scope);
    if (r < 0) {
        scope->task = NULL;
        return r;
    }
    scope->state = STATE_ENTERED;
    return 0;
}

int weft_timeout_enter(weft_timeout *scope)
{
    struct wf_task *task = NULL;
    int r = check(scope);

    if (r == 0 && scope->state != STATE_CREATED) {
        r = weft_fail(WEFT_ERUNTIME, "Timeout has already been entered");
    }
    if (r == 0 && wf_task_current == NULL) {
        r = weft_fail(WEFT_ERUNTIME, "Timeout should be used inside a task");
    }
    if (r == 0) {
        r = wf_task_require("weft_timeout_enter", &task);
    }
    if (r == 0) {
        r = enter(scope, task);
    }
    if (r == 0) {
        (void)weft_future_ref(&task->future); /* it might end without leaving */
    }
    return r;
}

static int leave(weft_timeout *scope, int result)
{
    struct wf_task *task = scope->task;
    bool has_expired = scope->state == STATE_EXPIRING;

    WF_ASSERT(task != NULL);
    if (WF_MUTANT("timeout-claims-every-cancel") && result == WEFT_ECANCELED) {
        has_expired = true;
    }
    wf_timer_stop(task->future.loop, &scope->timer);
    scope->state = has_expired ? STATE_EXPIRED : STATE_EXITED;
    scope->task = NULL;
    if (has_expired) {
        uint32_t left = (uint32_t)weft_task_uncancel(&task->future);
        if (left <= scope->n_cancels && result == WEFT_ECANCELED) {
            result = weft_fail(WEFT_ETIMEDOUT, "the time limit passed");
        }
    }
    return result;
}

int weft_timeout_exit(weft_timeout *scope, int result)
{
    int r = check(scope);

    if (r < 0) {
        return r;
    }
    if (scope->task == NULL) {
        return weft_fail(WEFT_ERUNTIME, "Timeout has not been entered");
    }
    if (scope->task != wf_task_current) {
        return weft_fail(WEFT_ERUNTIME, "Timeout is left by another task than entered it");
    }
    struct wf_task *task = scope->task;
    result = leave(scope, result);
    (void)weft_future_unref(&task->future); /* that of the enter; always NULL */
    return result;
}

int weft_timeout_reschedule(weft_timeout *scope, weft_time when)
{
    int r = check(scope);

    if (r < 0) {
        return r;
    }
    if (scope->state != STATE_ENTERED) {
        return scope->state == STATE_CREATED
                   ? weft_fail(WEFT_ERUNTIME, "Timeout has not been entered")
                   : weft_fail(WEFT_ERUNTIME, "Cannot change state of %s Timeout",
                               state_name(scope->state));
    }
    scope->when = when;
    return arm(scope);
}

weft_time weft_timeout_when(const weft_timeout *scope)
{
    return check(scope) == 0 ? scope->when : WEFT_FOREVER;
}

int weft_timeout_expired(const weft_timeout *scope)
{
    return check(scope) == 0 && (scope->state == STATE_EXPIRING || scope->state == STATE_EXPIRED);
}

/* ---- wait_for ----------------------------------------------------------- */

/* No time at all: only what is done already; the rest is cancelled, and gone before this ends. */
static int wait_for_nothing(const weft_origin *origin, weft_awaitable *awaitable,
                            weft_value *out_value)
{
    weft_future *future;
    int r = weft_ensure_future_at(origin, awaitable, &future);

    if (r < 0) {
        return r;
    }
    bool is_early = wf_future_is_done(future); /* then a cancel is its own, not the limit's */
    if (!is_early) {
        (void)wf_future_request_cancel(future, NULL); /* refused: it is ending anyway */
        weft_future *one[] = { future };
        r = weft_wait(one, 1, WEFT_FOREVER, WEFT_ALL_COMPLETED);
    }
    if (r >= 0) {
        r = wf_future_take(future, out_value);
        if (r == WEFT_ECANCELED && !is_early) {
            r = weft_fail_at(origin, WEFT_ETIMEDOUT, "the time limit passed");
        }
    }
    (void)weft_future_unref(future); /* always NULL */
    return r;
}

int weft_wait_for_at(const weft_origin *origin, weft_awaitable *awaitable, weft_duration limit,
                     weft_value *out_value)
{
    struct wf_task *task;
    weft_timeout scope;
    int r = awaitable == NULL || wf_coro_is(awaitable) ? 0 : wf_future_check(awaitable);

    if (r == 0) {
        r = wf_task_require("weft_wait_for", &task);
    }
    if (r == 0 && awaitable != NULL && limit <= 0) {
        return wait_for_nothing(origin, awaitable, out_value);
    }
    init(&scope, limit, /* is_delay = */ true);
    if (r == 0) {
        r = enter(&scope, task);
    }
    if (r < 0) {
        wf_awaitable_drop(awaitable);
        return r;
    }
    return leave(&scope, weft_await_at(origin, awaitable, out_value));
}

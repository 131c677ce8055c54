/*
 * Tasks: coroutines that run.
 *
 * A task's step is work of its loop like any other. A step switches to the task's
 * fiber, which runs until it waits or ends. When the next work is the step of
 * another task, it switches straight to that one; else back to the thread's own
 * fiber, where the loop runs. A task settles its future on its own stack; whoever
 * runs next gives the stack back.
 *
 *     created --step--> running <--wake, step / wait--> waiting
 *                          `--body returns--> ended (finished or cancelled)
 *
 * Invariant: a pending task that does not run either waits (`wait` is set and not
 * woken) or its step is queued; never both, never neither.
 *
 * Cancel, as CPython does it: a request reaches what the task waits for; what
 * cannot be cancelled there is remembered (must_cancel) and delivered when the
 * task resumes, or at its next wait.
 *
 * An eager task takes its first step inside the call that makes it: that call
 * switches to it, and its first wait, or its end, switches back to the caller.
 *
 * Thread: the loop's.
 */

#include "task/task.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/context.h"
#include "base/log.h"
#include "base/mutant.h"
#include "base/probe.h"
#include "task/coro.h"
#include "task/state.h"
#include "task/sync.h"

#include <stdio.h>
#include <string.h>

enum {
    BUDGET = 256,
    NUMBERS_AT_ONCE = 4096
};

__thread struct wf_task *wf_task_current __attribute__((tls_model("initial-exec")));

static __thread struct wf_fiber thread_fiber; /* this thread's own stack */
static __thread struct wf_task
    *just_ended;           /* has left its stack, which is still to be given back */
static uint64_t n_numbers; /* atomic: given to loops, in blocks, for default names */

static void on_step(struct wf_work *work);
static void task_main(void *arg);

static struct wf_task_state *state_of(const struct wf_task *task)
{
    return task->future.loop->slots[WF_LOOP_SLOT_TASK].data;
}

#ifndef WF_SANITIZED
/* The next size of jemalloc's is 384: what more a sleeping task should not cost. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct wf_task) <= 320, "a task takes 320 bytes");
#endif

/* ---- running ------------------------------------------------------------ */

static inline void set_current(struct wf_task *task)
{
    wf_task_current = task;
    wf_frame_running = &task->frame;
    task->budget = BUDGET;
}

/* Back on the thread's own stack, where callbacks run. */
static inline void set_no_current(weft_loop *loop)
{
    wf_task_current = NULL;
    wf_frame_running = &loop->frame;
}

__attribute__((noinline)) static void reap_now(struct wf_task *task)
{
    just_ended = NULL;
    wf_fiber_fini(&task->fiber, state_of(task)->stacks);
    wf_task_mind_stacks(state_of(task));
    wf_future_release(&task->future); /* the runtime's own reference */
}

/* First thing on any stack that was switched to. */
static inline void reap(void)
{
    struct wf_task *task = just_ended;

    if (__builtin_expect(task != NULL, 0)) {
        reap_now(task);
    }
}

/* How a body that returned ends its future. */
static void settle(struct wf_task *task)
{
    weft_future *future = &task->future;
    struct wf_loop_meter *meter = &future->loop->meter;
    struct wf_frame *frame = &task->frame;
    int code = task->code;

    if (code > 0) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                        "coroutine '%s' returned %d; it must be 0 or negative",
                        wf_coro_name(task->coro_origin), code);
        code = WEFT_EINVAL;
    }
    if (code == 0 && !task->must_cancel) {
        wf_meter_count(&meter->n_tasks_finished);
        wf_future_finish(future, wf_frame_take_value(frame));
    } else if (code == 0) { /* a request that was never delivered: the value is discarded */
        wf_meter_count(&meter->n_tasks_cancelled);
        wf_future_set_cancelled(future, task->pending_message);
    } else if (code == WEFT_ECANCELED) {
        weft_error *error = wf_frame_take_error(frame, code);
        wf_meter_count(&meter->n_tasks_cancelled);
        future->has_fleeting_message = true;
        wf_future_set_cancelled(future, error != NULL ? weft_error_get_message(error) : NULL);
        if (error != NULL) {
            wf_error_unref(error);
        }
    } else {
        wf_meter_count(&meter->n_tasks_failed);
        wf_future_fail(future, code, wf_frame_take_error(frame, code));
    }
}

/* The body has returned; still on the task's own stack, which is not a task's any more. */
static void end(struct wf_task *task)
{
    struct wf_task_state *state = state_of(task);

    WF_PROBE4(task_end, task, task->number, task->name, task->code);
    set_no_current(state->loop);
    wf_list_remove(&task->link);
    if (__builtin_expect(!wf_list_is_empty(&task->coros), 0)) {
        wf_coro_report_all(&task->coros);
    }
    settle(task);
    wf_frame_fini(&task->frame);
    if (task->starter == NULL) {
        wf_frame_clear(&state->loop->frame); /* what reports on the way may have left */
    }
    just_ended = task;
}

/* The fiber of a task that is to run; its first step gives it a stack. */
static inline struct wf_fiber *fiber_of(struct wf_task *task)
{
    if (task->fiber.stack == NULL) {
        wf_fiber_init_reserved(&task->fiber, state_of(task)->stacks, task->stack_class, task_main,
                               task);
    }
    return &task->fiber;
}

/* The eager first step of <task> is over: whoever made it goes on. */
__attribute__((noinline)) static struct wf_fiber *go_back(struct wf_task *task)
{
    struct wf_starter *starter = task->starter;

    task->starter = NULL;
    wf_task_current = starter->task;
    wf_frame_running = starter->frame;
    return starter->fiber;
}

/* Whom to go on with after <task>: the next one whose step is at hand, or the loop. */
static struct wf_fiber *next_fiber(struct wf_task *task)
{
    weft_loop *loop = task->future.loop;

    if (__builtin_expect(task->starter != NULL, 0)) {
        return go_back(task);
    }
    struct wf_work *next = wf_loop_take_next(loop, on_step);
    if (next == NULL) {
        set_no_current(loop);
        return &thread_fiber;
    }
    struct wf_task *other = WF_CONTAINER_OF(next, struct wf_task, step);
    set_current(other);
    return fiber_of(other);
}

/* The bottom of a task's stack. */
static void task_main(void *arg)
{
    struct wf_task *task = arg;
    weft_coro *coro = task->coro;

    reap();
    WF_PROBE5(task_start, task, task->number, task->name, coro->fn, task->coro_origin);
    task->coro = NULL;
    if (task->must_cancel) { /* cancelled before the first step: the body never runs */
        task->code = wf_task_deliver_cancel(task);
        wf_coro_drop(coro);
    } else {
        weft_coro_fn *fn = coro->fn;
        void *fn_arg = coro->arg;
        wf_coro_free(coro);
        task->code = fn(fn_arg);
    }
    end(task);
    wf_fiber_leave(&task->fiber, next_fiber(task));
}

static inline void suspend(struct wf_task *task)
{
    struct wf_fiber *next = next_fiber(task);

    if (next != &task->fiber) { /* it may be the next itself: it yielded, and no other is ready */
        wf_fiber_switch(&task->fiber, next);
        reap();
    }
}

static void adopt_thread(void)
{
    wf_fiber_adopt_thread(&thread_fiber);
    wf_task_watch_overflow();
}

/* A turn of the loop, on the thread's own stack. */
static void on_step(struct wf_work *work)
{
    struct wf_task *task = WF_CONTAINER_OF(work, struct wf_task, step);

    if (__builtin_expect(wf_fiber_running == NULL, 0)) {
        adopt_thread();
    }
    set_current(task);
    wf_fiber_switch(&thread_fiber, fiber_of(task));
    reap();
}

/* In a running task or callback: let <task> take its first step now. It may be gone afterwards. */
static void start_eagerly(struct wf_task *task)
{
    if (wf_fiber_running == NULL) {
        adopt_thread();
    }
    struct wf_starter starter = { wf_fiber_running, wf_task_current, wf_frame_running };
    task->starter = &starter;
    set_current(task);
    wf_fiber_switch(starter.fiber, fiber_of(task));
    reap();
}

static void describe_step(const struct wf_work *work, struct wf_work_info *info)
{
    const struct wf_task *task = WF_CONTAINER_OF(work, const struct wf_task, step);
    struct wf_text text;

    wf_text_init(&text, info->object, sizeof info->object);
    wf_future_describe(&task->future, &text, /* is_nested = */ true);
    wf_text_init(&text, info->subject, sizeof info->subject);
    task->future.ops->add_name(&task->future, &text);
    info->origin = task->future.origin;
}

/* At the close there is nothing to drop: the tasks went before, each with its step. */
const struct wf_work_kind wf_task_step_kind = { on_step, NULL, describe_step, WF_TASK_STEP, 0 };

static void hold_for_step(struct wf_work *work)
{
    wf_future_hold(&WF_CONTAINER_OF(work, struct wf_task, step)->future);
}

static void let_go_after_step(struct wf_work *work)
{
    wf_future_release(&WF_CONTAINER_OF(work, struct wf_task, step)->future);
}

const struct wf_work_holder wf_task_step_holder = { on_step, hold_for_step, let_go_after_step };

/* ---- waiting ------------------------------------------------------------ */

int wf_task_deliver_cancel(struct wf_task *task)
{
    char *message = task->pending_message;

    task->must_cancel = false;
    task->pending_message = NULL;
    wf_frame_set_error(&task->frame, NULL);
    if (message != NULL) {
        (void)weft_fail_at(NULL, WEFT_ECANCELED, "%s", message); /* returned below */
        wf_free(message);
    }
    return WEFT_ECANCELED;
}

int wf_task_wait(struct wf_wait *wait)
{
    struct wf_task *task = wf_task_current;

    WF_ASSERT(task != NULL && !wait->is_woken);
    wait->task = task;
    task->wait = wait;
    wait->since = task->future.loop->polled_at;
    if (task->must_cancel && wait->cancel(wait, task->pending_message)) {
        task->must_cancel = false;
    }
    WF_PROBE4(await_begin, task, task->number, wait, wait->what);
    suspend(task);
    WF_PROBE5(await_end, task, task->number, wait, wait->what, wait->code);
    task->wait = NULL;
    if (WF_MUTANT("value-beats-cancel") && wait->code == 0) {
        task->must_cancel = false;
    }
    if (task->must_cancel || wait->code == WEFT_ECANCELED) {
        return wf_task_deliver_cancel(task);
    }
    if (task->pending_message != NULL) { /* it went to what was awaited */
        wf_free(task->pending_message);
        task->pending_message = NULL;
    }
    return wait->code;
}

void wf_wait_wake(struct wf_wait *wait, int code)
{
    WF_ASSERT(!wait->is_woken);
    wait->is_woken = true;
    wait->code = code;
    wf_loop_run_soon(wait->task->future.loop, &wait->task->step);
}

static void abandon_nothing(struct wf_wait *wait)
{
    (void)wait;
}

void wf_wait_disown(struct wf_wait *wait)
{
    wait->abandon = abandon_nothing;
}

int wf_task_yield(void)
{
    struct wf_task *task = wf_task_current;

    wf_loop_run_soon(task->future.loop, &task->step);
    suspend(task);
    return task->must_cancel ? wf_task_deliver_cancel(task) : 0;
}

int wf_task_spend(void)
{
    if (__builtin_expect(--wf_task_current->budget > 0, 1)) {
        return 0;
    }
    return wf_task_yield();
}

int wf_task_require(const char *what, struct wf_task **out_task)
{
    if (__builtin_expect(wf_task_current == NULL, 0)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME, "%s was called outside a task", what);
    }
    *out_task = wf_task_current;
    return 0;
}

/* ---- cancelling --------------------------------------------------------- */

/* Keep the message until the request is delivered; without memory it is lost, the request not. */
static void keep_message(struct wf_task *task, const char *message)
{
    wf_free(task->pending_message);
    task->pending_message = wf_strdup(message);
}

/* weft_future_cancel of a pending task. */
static int request_cancel(weft_future *future, const char *message)
{
    struct wf_task *task = wf_task_of(future);
    struct wf_wait *wait = task->wait;

    if (!WF_MUTANT("lost-cancel-count")) {
        task->n_cancels++;
    }
    if (wait == NULL || !wait->is_woken || wait->code != WEFT_ECANCELED) {
        keep_message(task, message); /* else the first one's is on its way */
    }
    if (wait != NULL && !wait->is_woken && wait->cancel(wait, message)) {
        return 0;
    }
    task->must_cancel = true;
    return 0;
}

/* ---- life --------------------------------------------------------------- */

static void add_name(const weft_future *future, struct wf_text *text)
{
    const struct wf_task *task = (const struct wf_task *)(const void *)future;

    if (task->name != NULL) {
        wf_text_add(text, "%s", task->name);
    } else {
        wf_text_add(text, "Task-%llu", (unsigned long long)task->number);
    }
}

static void describe(const weft_future *future, struct wf_text *text, bool is_nested)
{
    const struct wf_task *task = (const struct wf_task *)(const void *)future;
    const weft_origin *origin = task->coro_origin;

    wf_text_add(text, " name='");
    add_name(future, text);
    wf_text_add(text, "' coro=%s()", wf_coro_name(origin));
    if (origin != NULL) {
        wf_text_add(text, " at %s:%d", wf_text_file_name(origin->file), origin->line);
    }
    if (is_nested || task->wait == NULL) {
        return;
    }
    const weft_future *awaited = wf_wait_get_future(task->wait);
    if (awaited != NULL) {
        wf_text_add(text, " wait_for=");
        wf_future_describe(awaited, text, /* is_nested = */ true);
    } else if (task->wait->kind == WF_WAIT_LINE) {
        wf_line_describe(task->wait->object, task->wait->what, text);
    } else if (task->wait->what != NULL) {
        wf_text_add(text, " wait_for=%s", task->wait->what);
    }
}

static void destroy(weft_future *future)
{
    struct wf_task *task = wf_task_of(future);

    wf_free(task->name);
    wf_free(task->pending_message);
    wf_task_give_back(task);
}

static const struct wf_future_ops task_ops = {
    .kind = "Task",
    .tag = WF_FUTURE_TASK,
    .cancel = request_cancel,
    .describe = describe,
    .add_name = add_name,
    .destroy = destroy,
    .is_sealed = true,
};

/* Process-wide unique, growing within a loop, and an atomic operation only once a block. */
static uint64_t take_number(struct wf_task_state *state)
{
    if (state->next_number == state->end_number) {
        state->next_number = __atomic_fetch_add(&n_numbers, NUMBERS_AT_ONCE, __ATOMIC_RELAXED);
        state->end_number = state->next_number + NUMBERS_AT_ONCE;
    }
    return ++state->next_number;
}

/* What <given> says, or defaults; a caller of another version knows fewer or more fields. */
static weft_task_options read_options(const weft_task_options *given)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;

    if (given != NULL) {
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    }
    return options;
}

/* Apart, since most tasks are made without options. */
__attribute__((noinline)) static int apply_options(struct wf_task *task,
                                                   const weft_task_options *options)
{
    int r = wf_context_check(options->context);

    if (r == 0 && options->name != NULL) {
        task->name = wf_strdup(options->name);
        r = task->name != NULL ? 0 : WEFT_ENOMEM;
    }
    return r;
}

/* <options> may be NULL. */
static int prepare(struct wf_task *task, struct wf_task_state *state,
                   const weft_task_options *options)
{
    size_t stack_size = 0;

    task->name = NULL;
    task->fiber.stack = NULL;
    if (options != NULL) {
        int r = apply_options(task, options);
        if (r < 0) {
            return r;
        }
        stack_size = options->stack_size;
    }
    return wf_stack_pool_reserve(state->stacks, stack_size, &task->stack_class);
}

static int check_product(weft_loop *loop, weft_future *task)
{
    int r = wf_future_check(task);

    if (r == 0 && task->loop != loop) {
        r = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                      "a task factory made a task of another loop");
        (void)weft_future_unref(task); /* ours by now; always NULL */
    }
    return r;
}

__attribute__((noinline)) static int create_by_factory(const weft_origin *origin,
                                                       struct wf_task_state *state, weft_coro *coro,
                                                       const weft_task_options *given,
                                                       weft_task **out_task)
{
    weft_task_options options = read_options(given);
    weft_task *task = NULL;

    wf_coro_put_back(coro);
    int r = state->factory(origin, state->loop, coro, &options, &task, state->factory_data);
    if (r == 0) {
        r = check_product(state->loop, task);
    } else if (r > 0) {
        r = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a task factory returned %d", r);
    }
    if (r < 0) {
        return weft_trace_at(origin, r);
    }
    if (out_task != NULL) {
        *out_task = task;
    } else {
        wf_future_release(task);
    }
    return 0;
}

/* For a caller of an earlier version, which knows fewer fields. */
__attribute__((noinline)) static int create_with_fewer(const weft_origin *origin, weft_loop *loop,
                                                       weft_coro *coro,
                                                       const weft_task_options *given,
                                                       bool by_factory, weft_task **out_task)
{
    weft_task_options options = read_options(given);

    options.size = sizeof options;
    return wf_task_create_by(origin, loop, coro, &options, by_factory, out_task);
}

int wf_task_create_by(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                      const weft_task_options *options, bool by_factory, weft_task **out_task)
{
    if (options != NULL && options->size < sizeof *options) {
        return create_with_fewer(origin, loop, coro, options, by_factory, out_task);
    }
    struct wf_task_state *state = wf_task_state_get(loop);

    if (__builtin_expect(state != NULL && state->factory != NULL, 0) && by_factory) {
        return create_by_factory(origin, state, coro, options, out_task);
    }
    struct wf_task *task = state != NULL ? wf_task_get_memory(state) : NULL;

    WF_ASSERT(coro != NULL);
    if (task == NULL) {
        wf_coro_drop(coro);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a task");
    }
    int r = prepare(task, state, options);
    if (r < 0) {
        wf_free(task->name);
        wf_free(task);
        wf_coro_drop(coro);
        return weft_trace_at(origin, r);
    }

    wf_future_init(&task->future, loop, &task_ops, origin);
    task->future.is_task = true;
    task->future.n_refs = out_task != NULL ? 2 : 1; /* one is the runtime's own */
    wf_work_init(&task->step, on_step);
    task->frame = (struct wf_frame){ .vars = options == NULL ? wf_vars_copy_current()
                                                             : wf_vars_for(options->context) };
    task->wait = NULL;
    task->starter = NULL;
    task->coro = coro;
    task->coro_origin = coro->origin;
    task->pending_message = NULL;
    wf_list_init(&task->coros);
    task->number = take_number(state);
    task->n_cancels = 0;
    task->must_cancel = false;
    wf_list_append(&state->tasks, &task->link);
    wf_meter_count(&loop->meter.n_tasks_made);
    WF_PROBE5(task_create, task, task->number, task->name, origin, task->coro_origin);
    if (options != NULL && options->eager_start > 0 && wf_loop_running == loop) {
        start_eagerly(task);
    } else {
        wf_loop_run_soon(loop, &task->step);
    }
    if (out_task != NULL) {
        *out_task = &task->future;
    }
    return 0;
}

/* ---- factories ---------------------------------------------------------- */

int weft_loop_set_task_factory(weft_loop *loop, weft_task_factory_fn *factory, void *data)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    struct wf_task_state *state = wf_task_state_get(loop);
    if (state == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for the tasks of a loop");
    }
    state->factory = factory;
    state->factory_data = data;
    return 0;
}

weft_task_factory_fn *weft_loop_get_task_factory(weft_loop *loop)
{
    if (wf_loop_resolve(&loop) < 0) {
        return NULL;
    }
    const struct wf_task_state *state = loop->slots[WF_LOOP_SLOT_TASK].data;
    return state != NULL ? state->factory : NULL;
}

int weft_eager_task_factory(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                            const weft_task_options *given, weft_task **out_task, void *data)
{
    weft_task_options options = read_options(given);

    (void)data;
    if (options.eager_start == 0) {
        options.eager_start = 1;
    }
    return weft_task_create_at(origin, loop, coro, &options, out_task);
}

/* ---- the public calls ---------------------------------------------------- */

/* The check of whatever takes a coroutine object: NULL says that there was no memory for it. */
static inline __attribute__((always_inline)) int take_coro(const weft_origin *origin,
                                                           weft_coro *coro)
{
    if (coro == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no coroutine object");
    }
    if (!wf_coro_is(coro)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a coroutine object is needed");
    }
    wf_coro_take(coro);
    return 0;
}

/* Take <coro> for a task of <loop>; on failure it is dropped. */
static inline __attribute__((always_inline)) int begin_creating(const weft_origin *origin,
                                                                weft_loop **loop, weft_coro *coro)
{
    int r = take_coro(origin, coro);

    if (r < 0) {
        return r;
    }
    r = wf_loop_resolve(loop);
    if (r < 0) {
        wf_coro_drop(coro);
    }
    return r;
}

int weft_task_create_at(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                        const weft_task_options *options, weft_task **out_task)
{
    int r = begin_creating(origin, &loop, coro);

    return r < 0
               ? r
               : wf_task_create_by(origin, loop, coro, options, /* by_factory = */ false, out_task);
}

int weft_loop_create_task_at(const weft_origin *origin, weft_loop *loop, weft_coro *coro,
                             const weft_task_options *options, weft_task **out_task)
{
    int r = begin_creating(origin, &loop, coro);

    return r < 0 ? r : wf_task_create(origin, loop, coro, options, out_task);
}

int weft_ensure_future_at(const weft_origin *origin, weft_awaitable *awaitable,
                          weft_future **out_future)
{
    if (out_future == NULL) {
        wf_awaitable_drop(awaitable);
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the future");
    }
    if (awaitable == NULL || wf_coro_is(awaitable)) {
        return weft_loop_create_task_at(origin, NULL, awaitable, NULL, out_future);
    }
    int r = wf_future_check(awaitable);
    if (r < 0) {
        return r;
    }
    weft_future *future = awaitable;
    wf_future_hold(future);
    *out_future = future;
    return 0;
}

/* ---- about tasks -------------------------------------------------------- */

static int check_task(const weft_future *task)
{
    int r = wf_future_check(task);

    if (r == 0 && !task->is_task) {
        r = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a task is needed, this is a %s",
                      task->ops->kind);
    }
    return r;
}

weft_task *weft_current_task(void)
{
    return wf_task_current != NULL ? &wf_task_current->future : NULL;
}

int weft_all_tasks(weft_loop *loop, weft_task **tasks, size_t capacity)
{
    int r = wf_loop_resolve(&loop);
    size_t n = 0;

    if (r == 0 && tasks == NULL && capacity > 0) {
        r = weft_fail(WEFT_EINVAL, "no array for the tasks");
    }
    if (r < 0) {
        return r;
    }
    struct wf_task_state *state = loop->slots[WF_LOOP_SLOT_TASK].data;
    if (state == NULL) {
        return 0;
    }
    for (struct wf_list *link = state->tasks.next; link != &state->tasks; link = link->next) {
        if (n < capacity) {
            tasks[n] = &WF_CONTAINER_OF(link, struct wf_task, link)->future;
        }
        n++;
    }
    return (int)n;
}

int weft_task_cancel(weft_task *task, const char *message)
{
    int r = check_task(task);

    return r < 0 ? r : wf_future_request_cancel(task, message);
}

int weft_task_cancelling(const weft_task *task)
{
    int r = check_task(task);

    return r < 0 ? 0 : (int)wf_task_of((weft_future *)task)->n_cancels;
}

int weft_task_uncancel(weft_task *future)
{
    int r = check_task(future);

    if (r < 0) {
        return 0;
    }
    struct wf_task *task = wf_task_of(future);
    if (task->n_cancels > 0) {
        task->n_cancels--;
    }
    if (task->n_cancels == 0) {
        task->must_cancel = false; /* as from CPython 3.13 on: nothing comes any more */
    }
    return (int)task->n_cancels;
}

const char *weft_task_get_name(weft_task *future)
{
    if (check_task(future) < 0) {
        return "";
    }
    struct wf_task *task = wf_task_of(future);
    if (task->name == NULL) {
        char name[32];
        snprintf(name, sizeof name, "Task-%llu", (unsigned long long)task->number);
        task->name = wf_strdup(name);
    }
    return task->name != NULL ? task->name : "";
}

int weft_task_set_name(weft_task *future, const char *name)
{
    int r = check_task(future);

    if (r == 0 && name == NULL) {
        r = weft_fail(WEFT_EINVAL, "a task needs a name");
    }
    if (r < 0) {
        return r;
    }
    char *copy = wf_strdup(name);
    if (copy == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for a name");
    }
    wf_free(wf_task_of(future)->name);
    wf_task_of(future)->name = copy;
    return 0;
}

weft_context *weft_task_get_context(weft_task *future)
{
    return check_task(future) < 0 ? NULL : wf_vars_share(&wf_task_of(future)->frame.vars);
}

const char *weft_task_get_coro_name(const weft_task *future)
{
    if (check_task(future) < 0) {
        return "";
    }
    return wf_coro_name(wf_task_of((weft_future *)future)->coro_origin);
}

/*
 * The runner: one loop for several runs of a main coroutine, and its end. weft_run
 * is one run of it.
 *
 *     created --first run, get_loop--> has a loop --close--> closed
 *        `------------- close: nothing to do, and it can still be used
 *
 * The end: tasks that are left are cancelled and waited for -> the default executor
 * is ended -> the loop is closed. Tasks are waited for without a limit, as asyncio
 * does; the executor for five minutes, as asyncio does since 3.12. A program that
 * wants one deadline for all uses weft_runtime_run.
 *
 * All runs share one context, a copy of what was set when the loop was made.
 *
 * Thread: the one that makes the loop.
 */

#include "base/alloc.h"
#include "base/context.h"
#include "base/frame.h"
#include "base/log.h"
#include "future/future.h"
#include "runtime/runtime.h"
#include "task/coro.h"
#include "thread/start.h"

#include <string.h>

#define RUNNER_MAGIC   0x7766524eu
#define EXECUTOR_LIMIT WEFT_S(300)

struct weft_runner {
    uint32_t magic;
    bool is_closed;
    bool is_running;
    weft_runner_options options;
    weft_loop *loop;       /* ref; NULL before the first use and after the close */
    weft_context *context; /* ref; of all runs without one of their own */
};

/* ---- a run --------------------------------------------------------------- */

/*
 * A cancel asked for by a signal may still stand in the mailbox, with the task's
 * node: one turn takes it in.
 */
static void take_in_cancel(weft_loop *loop)
{
    if (!weft_loop_is_closed(loop)) {
        (void)weft_loop_run_once(loop, 0); /* what it ran is of no interest */
    }
}

static int watch_and_run(const weft_origin *origin, weft_loop *loop, weft_task *task,
                         bool handle_sigint, weft_value *out_value)
{
    bool is_watched = handle_sigint && wf_interrupt_watch(task);
    int r = weft_loop_run_until_complete_at(origin, loop, task, out_value);

    if (is_watched && wf_interrupt_unwatch()) {
        take_in_cancel(loop);
        if (r == WEFT_ECANCELED && weft_task_uncancel(task) == 0) {
            r = weft_fail_at(NULL, WEFT_EINTERRUPTED, "interrupted by SIGINT");
        }
    }
    return r;
}

int wf_run_main(const weft_origin *origin, weft_loop *loop, weft_coro *coro, weft_context *context,
                bool handle_sigint, weft_value *out_value)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    weft_task *task;

    options.context = context;
    int r = weft_loop_create_task_at(origin, loop, coro, &options, &task);
    if (r < 0) {
        return r;
    }
    r = watch_and_run(origin, loop, task, handle_sigint, out_value);
    (void)weft_future_unref(task); /* always NULL */
    return r;
}

/* ---- life ---------------------------------------------------------------- */

static int check(const weft_runner *runner)
{
    if (runner == NULL) {
        return weft_fail(WEFT_ENOMEM, "no runner: it was not made");
    }
    if (runner->magic != RUNNER_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a runner, or one destroyed");
    }
    return runner->loop != NULL ? wf_loop_check(runner->loop) : 0;
}

weft_runner *weft_runner_create(const weft_runner_options *given)
{
    weft_runner_options options = WEFT_RUNNER_OPTIONS_INIT;
    weft_runner *runner = wf_new(weft_runner);

    if (runner == NULL) {
        (void)weft_fail(WEFT_ENOMEM, "no memory for a runner"); /* NULL says it */
        return NULL;
    }
    if (given != NULL) { /* a caller of another version knows fewer or more fields */
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    }
    runner->magic = RUNNER_MAGIC;
    runner->options = options;
    return runner;
}

static int make_loop(const weft_origin *origin, const weft_runner_options *options,
                     weft_loop **out_loop)
{
    weft_loop *loop = NULL;
    int r;

    if (options->loop_factory == NULL) {
        r = weft_new_event_loop_at(origin, options->loop, &loop);
    } else {
        r = options->loop_factory(options->loop_factory_data, &loop);
        if (r == 0) {
            r = wf_loop_resolve(&loop);
        }
    }
    if (r == 0 && options->debug != 0) {
        r = weft_loop_set_debug(loop, options->debug > 0 ? WEFT_DEBUG_FULL : WEFT_DEBUG_OFF);
    }
    if (r == 0) {
        *out_loop = loop;
    }
    return r;
}

/* The loop is made when it is first needed. */
static int begin(const weft_origin *origin, weft_runner *runner)
{
    if (runner->is_closed) {
        return weft_fail(WEFT_ECLOSED, "Runner is closed");
    }
    if (runner->loop != NULL) {
        return 0;
    }
    if (runner->context == NULL) {
        runner->context = weft_copy_context();
    }
    return runner->context == NULL ? WEFT_ENOMEM
                                   : make_loop(origin, &runner->options, &runner->loop);
}

weft_loop *weft_runner_get_loop(weft_runner *runner)
{
    return check(runner) == 0 && begin(NULL, runner) == 0 ? runner->loop : NULL;
}

/* A loop that was running when the process forked is not one that runs here. */
static bool a_loop_runs(void)
{
    return wf_loop_running != NULL && wf_loop_running->forks == wf_fork_generation;
}

static int check_run(const weft_origin *origin, weft_runner *runner, const weft_coro *coro,
                     const weft_context *context)
{
    int r = check(runner);

    if (r == 0 && coro == NULL) {
        r = weft_fail_at(origin, WEFT_ENOMEM, "no coroutine object");
    }
    if (r == 0 && !wf_coro_is(coro)) {
        r = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a coroutine object is needed");
    }
    if (r == 0 && a_loop_runs()) {
        r = weft_fail_at(origin, WEFT_ERUNTIME,
                         "weft_runner_run() cannot be called from a running event loop");
    }
    if (r == 0) {
        r = wf_context_check(context);
    }
    return r < 0 ? r : begin(origin, runner);
}

int weft_runner_run_at(const weft_origin *origin, weft_runner *runner, weft_coro *coro,
                       weft_context *context, weft_value *out_value)
{
    int r = check_run(origin, runner, coro, context);

    if (r < 0) {
        wf_awaitable_drop(coro);
        return r;
    }
    unsigned long slack = wf_thread_be_punctual();
    runner->is_running = true;
    r = wf_run_main(origin, runner->loop, coro, context != NULL ? context : runner->context,
                    /* handle_sigint = */ true, out_value);
    runner->is_running = false;
    wf_thread_set_slack(slack);
    return r;
}

/* What the end brings must not take the place of the run's own error. */
static void end_loop(weft_loop *loop)
{
    const weft_error *error = weft_error_ref(weft_current_error());
    unsigned long slack = wf_thread_be_punctual();

    (void)wf_shutdown_tasks(loop, WEFT_FOREVER, NULL, NULL); /* none is left behind */
    (void)wf_shutdown_executor(loop, EXECUTOR_LIMIT);        /* who is left is in the log */
    (void)weft_loop_close(loop);                             /* it is ours and does not run */
    wf_thread_set_slack(slack);
    (void)weft_loop_unref(loop);   /* always NULL */
    (void)weft_raise(error);       /* nobody's code */
    (void)weft_error_unref(error); /* always NULL */
}

int weft_runner_close(weft_runner *runner)
{
    int r = check(runner);

    if (r < 0) {
        return r;
    }
    if (runner->is_running || (runner->loop != NULL && a_loop_runs())) {
        return weft_fail(WEFT_ERUNTIME, "the runner's loop cannot be closed while a loop runs");
    }
    if (runner->loop == NULL) {
        return 0;
    }
    weft_loop *loop = runner->loop;
    runner->loop = NULL;
    runner->is_closed = true;
    end_loop(loop);
    runner->context = weft_context_unref(runner->context); /* NULL */
    return 0;
}

void weft_runner_destroy(weft_runner *runner)
{
    if (runner == NULL || weft_runner_close(runner) < 0) {
        return; /* inside its own run it leaks, but nothing dangles */
    }
    (void)weft_context_unref(runner->context); /* always NULL */
    runner->magic = WF_DEAD_MAGIC;
    wf_free(runner);
}

/*
 * The main task of a run, and weft_run itself: asyncio.run.
 *
 *     loop made -> main runs to its end -> tasks that are left are cancelled and
 *     waited for -> the default executor is ended -> loop closed
 *
 * Tasks that are left are waited for without a limit, as asyncio does; the
 * executor for five minutes, as asyncio does since 3.12. A program that wants one
 * deadline for all uses weft_runtime_run.
 *
 * Thread: the one that calls.
 */

#include "base/alloc.h"
#include "base/frame.h"
#include "base/log.h"
#include "future/future.h"
#include "runtime/runtime.h"
#include "thread/start.h"

#define EXECUTOR_LIMIT WEFT_S(300)

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

int wf_run_main(const weft_origin *origin, weft_loop *loop, weft_coro_fn *fn, void *arg,
                bool handle_sigint, weft_value *out_value)
{
    weft_task *task;
    weft_coro *coro = weft_coro_create_at(origin, fn, arg, NULL);
    int r = weft_loop_create_task_at(origin, loop, coro, NULL, &task);

    if (r < 0) {
        return r;
    }
    r = watch_and_run(origin, loop, task, handle_sigint, out_value);
    (void)weft_future_unref(task); /* always NULL */
    return r;
}

static void end_loop(weft_loop *loop)
{
    (void)wf_shutdown_tasks(loop, WEFT_FOREVER, NULL, NULL); /* none is left behind */
    (void)wf_shutdown_executor(loop, EXECUTOR_LIMIT);        /* who is left is in the log */
    (void)weft_loop_close(loop);                             /* it is ours and does not run */
}

static int check_arguments(const weft_origin *origin, weft_coro_fn *fn)
{
    if (fn == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "weft_run needs a coroutine function");
    }
    if (wf_loop_running != NULL && wf_loop_running->forks == wf_fork_generation) {
        return weft_fail_at(origin, WEFT_ERUNTIME,
                            "weft_run() cannot be called from a running event loop");
    }
    return 0;
}

int weft_run_at(const weft_origin *origin, weft_coro_fn *main, void *arg,
                const weft_loop_options *options, weft_value *out_value)
{
    weft_loop *loop;
    int r = check_arguments(origin, main);

    if (r == 0) {
        r = weft_new_event_loop(options, &loop);
    }
    if (r != 0) {
        return r;
    }
    unsigned long slack = wf_thread_be_punctual();
    r = wf_run_main(origin, loop, main, arg, /* handle_sigint = */ true, out_value);
    /* What the end brings must not take the place of main's own error. */
    const weft_error *error = r < 0 ? weft_error_ref(weft_current_error()) : NULL;
    end_loop(loop);
    wf_thread_set_slack(slack);
    (void)weft_loop_unref(loop);   /* always NULL */
    (void)weft_raise(error);       /* its code is returned */
    (void)weft_error_unref(error); /* always NULL */
    return r;
}

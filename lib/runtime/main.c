/*
 * weft_run: asyncio.run, which is a runner with one run (runner.c).
 *
 * Thread: the one that calls.
 */

#include "loop/loop.h"
#include "runtime/runtime.h"

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
    weft_runner_options runner_options = WEFT_RUNNER_OPTIONS_INIT;
    int r = check_arguments(origin, main);

    if (r < 0) {
        return r;
    }
    runner_options.loop = options;
    weft_runner *runner = weft_runner_create(&runner_options);
    weft_coro *coro = weft_coro_create_at(origin, main, arg, NULL);
    r = weft_runner_run_at(origin, runner, coro, NULL, out_value);
    weft_runner_destroy(runner); /* leaves the error of the run */
    return r;
}

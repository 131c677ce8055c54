#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

/*
 * runtime.h: run a program.
 *
 * weft_run is asyncio.run: one loop on the calling thread. A runner is one loop for
 * several runs. weft_runtime_run is the same as weft_run over N named threads with a
 * loop each and one shared executor.
 *
 *     int main(void)
 *     {
 *         return weft_run(serve, NULL) == 0 ? 0 : 1;
 *     }
 *
 * The end of a run, under one deadline: the main task is done; tasks that are
 * left are cancelled and waited for, their errors reported; the executor is
 * shut down; the loops are closed. Who is still there at the deadline is named
 * in the log.
 *
 * From: docs.python.org/3.11/library/asyncio-runner.html.
 */

#include "weft/base.h"
#include "weft/context.h"
#include "weft/coro.h"
#include "weft/error.h"
#include "weft/executor.h"
#include "weft/loop.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/**
 * Run main(arg) on a new loop of this thread until it returns, then clean up.
 * The first SIGINT cancels main when no handler was set by the program; a
 * second one ends the process.
 *
 * Thread: any on which no loop runs.
 * Runs:   everything on the calling thread.
 * Owns:   <arg> must live until it returns.
 * Errors: what <main> returns; WEFT_EINTERRUPTED when SIGINT ended it; WEFT_ERUNTIME when a loop
 *         runs here already; as weft_new_event_loop.
 * See:    weft_run_with, weft_runtime_run.
 */
#define weft_run(main, arg) weft_run_at(WEFT_ORIGIN(#main), (main), (arg), NULL, NULL)
/** The same with loop options, and main's value moved to *out_value (either may be NULL). Thread:
 * as weft_run. Owns: as weft_run. */
#define weft_run_with(main, arg, options, out_value) \
    weft_run_at(WEFT_ORIGIN(#main), (main), (arg), (options), (out_value))
/** The function under both. Thread: as weft_run. Owns: as above. */
WEFT_API int weft_run_at(const weft_origin *origin, weft_coro_fn *main, void *arg,
                         const weft_loop_options *options, weft_value *out_value);

/* ---- several runs on one loop ------------------------------------------- */

/**
 * One loop for several runs: asyncio.Runner. The loop is made when it is first needed; tasks that a
 * run leaves behind go on in the next one, and are cancelled at the close.
 *
 *     weft_runner *runner = weft_runner_create(NULL);
 *     int r = weft_runner_run(runner, weft_coro_create(load, NULL), NULL);
 *     r = r < 0 ? r : weft_runner_run(runner, weft_coro_create(serve, NULL), NULL);
 *     weft_runner_destroy(runner);
 */
typedef struct weft_runner weft_runner;

/** Makes a runner's loop, which belongs to the calling thread; its reference goes to the runner. */
typedef int weft_loop_factory_fn(void *data, weft_loop **out_loop);

/** Options; all zero is the default. Start from WEFT_RUNNER_OPTIONS_INIT. */
typedef struct weft_runner_options {
    size_t size;
    int debug; /* 1: full debug; -1: off; 0: what WEFT_DEBUG says */
    /* Of the loop; must live until it is made. NULL: defaults. Not read with a factory. */
    const weft_loop_options *loop;
    weft_loop_factory_fn *loop_factory; /* NULL: weft_new_event_loop */
    void *loop_factory_data;            /* must live until the loop is made */
} weft_runner_options;

#define WEFT_RUNNER_OPTIONS_INIT                         \
    {                                                    \
        sizeof(weft_runner_options), 0, NULL, NULL, NULL \
    }

/**
 * Make a runner; its loop comes later.
 *
 * Thread: any; then the one that uses it first.
 * Owns:   the caller destroys it; <options> is read and may be NULL.
 * Errors: NULL without memory; running NULL gives WEFT_ENOMEM.
 */
WEFT_API WEFT_NODISCARD weft_runner *weft_runner_create(const weft_runner_options *options);

/**
 * Run <coro> as the main task until it ends. The first SIGINT cancels it when the program has set
 * no handler; a second one ends the process. Context variables that a run sets are there in the
 * next one.
 *
 * Thread: the runner's, while no loop runs on it.
 * Runs:   everything that is scheduled, on this thread.
 * Owns:   consumes <coro>, also on failure; the value moves to *out_value (may be NULL).
 * Errors: the coroutine's; WEFT_EINTERRUPTED when SIGINT ended it; WEFT_ECLOSED after the close;
 *         WEFT_ERUNTIME when a loop runs here already; WEFT_ENOMEM, also for a NULL <coro>;
 *         WEFT_EINVAL; as weft_new_event_loop.
 */
#define weft_runner_run(runner, coro, out_value) \
    weft_runner_run_at(WEFT_ORIGIN(#coro), (runner), (coro), NULL, (out_value))
/** The same in a context of one's choice. Thread: as above. Owns: as above. */
#define weft_runner_run_with(runner, coro, context, out_value) \
    weft_runner_run_at(WEFT_ORIGIN(#coro), (runner), (coro), (context), (out_value))
/** The function under both. Thread: as above. Owns: as above. */
WEFT_API int weft_runner_run_at(const weft_origin *origin, weft_runner *runner, weft_coro *coro,
                                weft_context *context, weft_value *out_value);

/** The loop, made if there is none yet; NULL after the close, and when it cannot be made. Thread:
 * the runner's. Owns: borrowed until the close. */
WEFT_API weft_loop *weft_runner_get_loop(weft_runner *runner);

/**
 * Cancel the tasks that are left and wait for them, their errors reported; end the default
 * executor; close the loop. A runner without a loop, or closed, is left as it is.
 *
 * Thread: the runner's, while no loop runs on it.
 * Owns:   gives the loop back.
 * Errors: WEFT_ERUNTIME while a loop runs here.
 */
WEFT_API int weft_runner_close(weft_runner *runner);
/** Close it, and release its memory. Thread: as above. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_runner_destroy(weft_runner *runner);

/* ---- several loops ------------------------------------------------------ */

/** N loops on N threads as one thing. */
typedef struct weft_runtime weft_runtime;

/** Options; all zero is the default. Start from WEFT_RUNTIME_OPTIONS_INIT. */
typedef struct weft_runtime_options {
    size_t size;
    int n_loops;                    /* 0: auto, the smaller of CPU affinity and cgroup quota */
    int pin;                        /* not 0: one CPU per loop thread */
    size_t stack_size;              /* of tasks; 0: 64 KiB */
    weft_duration shutdown_limit;   /* for the end of the run; 0: 10 s */
    weft_executor_options executor; /* the shared default executor */
    const char *name;               /* prefix of the threads' names; NULL: "weft" */
    int handle_sigint;              /* not 0: SIGINT cancels main */
} weft_runtime_options;

#define WEFT_RUNTIME_OPTIONS_INIT                                                     \
    {                                                                                 \
        sizeof(weft_runtime_options), 0, 0, 0, 0, WEFT_EXECUTOR_OPTIONS_INIT, NULL, 0 \
    }

/** The main coroutine of a runtime. */
typedef int weft_runtime_main_fn(weft_runtime *runtime, void *arg);

/**
 * Run main(runtime, arg) on loop 0 until it returns, then shut all loops down
 * under one deadline.
 *
 * Thread: any on which no loop runs; it blocks until the end.
 * Runs:   loop 0 on the calling thread, the others on threads of their own.
 * Owns:   <arg> must live until it returns.
 * Errors: what <main> returns; WEFT_ETIMEDOUT when survivors had to be left behind (named in the
 *         log); WEFT_ENOMEM; system codes of thread creation (-EAGAIN).
 */
#define weft_runtime_run(options, main, arg) \
    weft_runtime_run_at(WEFT_ORIGIN(#main), (options), (main), (arg))
/** The function under it. Thread: as above. Owns: as above. */
WEFT_API int weft_runtime_run_at(const weft_origin *origin, const weft_runtime_options *options,
                                 weft_runtime_main_fn *main, void *arg);

/** How many loops there are. Thread: any. Owns: nothing. */
WEFT_API int weft_runtime_get_n_loops(const weft_runtime *runtime);
/** Loop <index>; NULL when there is none. Thread: any. Owns: borrowed, lives as long as the run. */
WEFT_API weft_loop *weft_runtime_get_loop(weft_runtime *runtime, int index);
/** The shared executor. Thread: any. Owns: borrowed. */
WEFT_API weft_executor *weft_runtime_get_executor(weft_runtime *runtime);
/** The runtime of the running loop, or NULL. Thread: any. Owns: borrowed. */
WEFT_API weft_runtime *weft_get_running_runtime(void);
/** The index of the running loop in its runtime; -1 without. Thread: any. Owns: nothing. */
WEFT_API int weft_get_running_loop_index(void);

/** Which loop to place work on. */
enum weft_pick_policy {
    WEFT_PICK_ROUND_ROBIN = 0,
    WEFT_PICK_LEAST_TASKS = 1
};
/** A loop to place work on. Thread: any. Owns: borrowed, lives as long as the run. */
WEFT_API weft_loop *weft_runtime_pick_loop(weft_runtime *runtime, enum weft_pick_policy policy);

/** How many loops "auto" would make here: min(CPU affinity, cgroup quota), at least 1. Thread: any.
 * Owns: nothing. */
WEFT_API int weft_available_parallelism(void);

WEFT_END_DECLS

#endif

#ifndef WEFT_PROCESS_EXECUTOR_H
#define WEFT_PROCESS_EXECUTOR_H

/*
 * process_executor.h: processes for work that blocks, and may crash.
 *
 * What an executor (executor.h) is for threads: jobs are queued, workers are
 * started when they are needed and used again, and the outcome arrives in a
 * concurrent future or a loop's. But a job here runs in a process of its own: it
 * shares no memory, and when it crashes or is killed, only this job fails, with
 * WEFT_EBROKENPROCESS, and the next one finds a new worker.
 *
 *     submit -> queued -> runs in a worker -> done
 *                  |              `-- the worker dies: WEFT_EBROKENPROCESS
 *                  `-- cancelled: leaves the queue at once and never runs
 *
 * No function can be sent to another process, so jobs have names. A worker is this
 * program once more, started by exec, and its main begins by asking whether it is one:
 *
 *     static int shout(const void *input, size_t size, weft_bytes **out_output)
 *     {
 *         *out_output = weft_bytes_create(input, size);
 *         ...
 *         return 0;
 *     }
 *
 *     static const weft_process_job jobs[] = { WEFT_PROCESS_JOB(shout) };
 *
 *     int main(int argc, char **argv)
 *     {
 *         if (weft_process_executor_worker_main(argc, argv, jobs, 1) != 0) {
 *             return 0;
 *         }
 *         weft_process_executor *ex;
 *         ...
 *         r = weft_process_executor_submit(ex, "shout", "hello", 5, &future);
 *
 * A worker talks to us over a descriptor of its own: what a job prints goes where our
 * output goes, and its input is /dev/null. It ends when we do, however that comes.
 *
 * Read executor.h first, and process.h for programs that are no workers.
 *
 * From: docs.python.org/3.11/library/concurrent.futures.html, ProcessPoolExecutor.
 */

#include "weft/base.h"
#include "weft/bytes.h"
#include "weft/concurrent_future.h"
#include "weft/executor.h"
#include "weft/future.h"
#include "weft/loop.h"
#include "weft/time.h"

#include <stdbool.h>

WEFT_BEGIN_DECLS

/** Worker processes, and the queue of their jobs. */
typedef struct weft_process_executor weft_process_executor;

/* ---- in the worker ------------------------------------------------------ */

/**
 * A job: bytes in, bytes out. It returns 0 or a negative code, and explains a failure with
 * weft_fail. <input> is borrowed for the call, with a zero byte behind it; *out_output is handed
 * over, and NULL is no bytes.
 */
typedef int weft_process_job_fn(const void *input, size_t size, weft_bytes **out_output);

/** A job and its name. */
typedef struct weft_process_job {
    const char *name;
    weft_process_job_fn *fn;
} weft_process_job;

/** A job under its function's name. */
#define WEFT_PROCESS_JOB(fn) \
    {                        \
#fn, (fn)            \
    }

/**
 * Be a worker, if this process was started as one: run jobs until the executor says that it is
 * enough, or is gone. To be called first in main, before there are threads.
 *
 * Thread: the first one of the process.
 * Runs:   the jobs, inside this call.
 * Owns:   borrows everything.
 * Errors: 0: this is no worker, go on; 1: it was one, let main return 0. WEFT_EINVAL without
 *         <jobs>; a system code when the channel to the executor is none: let main return 1.
 */
WEFT_API int weft_process_executor_worker_main(int argc, char **argv, const weft_process_job *jobs,
                                               size_t n_jobs);

/* ---- making ------------------------------------------------------------- */

/** What a process executor is like. All zero means the defaults. */
typedef struct weft_process_executor_options {
    size_t size;                            /* set by WEFT_PROCESS_EXECUTOR_OPTIONS_INIT */
    const char *name;                       /* NULL: "processes" */
    unsigned min_workers;                   /* started at once and kept; 0: none */
    unsigned max_workers;                   /* 0: the CPUs that we may use */
    size_t queue_limit;                     /* jobs that may wait; 0: no limit */
    enum weft_executor_when_full when_full; /* has no meaning without a limit */
    weft_duration idle_exit;                /* 0: 30 s; WEFT_FOREVER: workers stay */
    unsigned max_tasks_per_child;           /* then a worker is replaced; 0: never */
    bool kill_on_cancel;                    /* a job that nobody wants any more is killed */
    size_t message_limit;                   /* of an input or output, bytes; 0: 1 GiB */
    const char *const *argv;                /* the worker program, ended by NULL; NULL: this one */
} weft_process_executor_options;

#define WEFT_PROCESS_EXECUTOR_OPTIONS_INIT                                                      \
    {                                                                                           \
        sizeof(weft_process_executor_options), NULL, 0, 0, 0, WEFT_EXECUTOR_REJECT, 0, 0, 0, 0, \
            NULL                                                                                \
    }

/**
 * Make a process executor. NULL options are the defaults.
 *
 * Thread: any.
 * Owns:   the caller owns one reference; options and their texts are copied.
 * Errors: WEFT_EINVAL: min above max, bad size or time, an empty argv; WEFT_ENOMEM; -EAGAIN
 *         when min_workers is not 0 and no thread can be made. On failure *out_executor is
 *         untouched.
 * See:    weft_process_executor_shutdown.
 */
#define weft_process_executor_create(options, out_executor) \
    weft_process_executor_create_at(WEFT_ORIGIN(NULL), (options), (out_executor))
/** The function under it. Thread: any. Owns: <origin> is static or NULL; as above. */
WEFT_API int weft_process_executor_create_at(const weft_origin *origin,
                                             const weft_process_executor_options *options,
                                             weft_process_executor **out_executor);

/** Share <executor>; returns it, NULL too. Thread: any. Owns: the caller owns one more. */
WEFT_API weft_process_executor *weft_process_executor_ref(weft_process_executor *executor);

/**
 * Give a reference back; NULL is allowed. With the last one the executor is shut down without
 * waiting: what is queued still runs, then its workers end.
 *
 * Thread: any; never blocks.
 * Owns:   consumes one reference.
 * Errors: always returns NULL.
 */
WEFT_API weft_process_executor *weft_process_executor_unref(weft_process_executor *executor);

/* ---- jobs --------------------------------------------------------------- */

/**
 * Have the job named <job> run on <size> bytes at <input> in a worker. The future's value is a
 * weft_bytes.
 *
 * With a full queue it waits or is refused as weft_executor_submit. A cancel of the future takes
 * a job out of the queue; one that runs goes on.
 *
 * Thread: any.
 * Owns:   name and input are copied. The caller owns one reference to *out_future.
 * Errors: WEFT_EINVAL: no job, input above message_limit; as weft_executor_submit.
 *         The job's own: what it returned, with its message; WEFT_EBROKENPROCESS when its worker
 *         died, with the job, the process and the signal or exit status; WEFT_EINVAL for a job
 *         that the worker does not know; a system code when no worker can be started (-ENOENT);
 *         WEFT_ETIMEDOUT when one starts and never says that it is a worker.
 * See:    weft_loop_run_in_process_executor.
 */
#define weft_process_executor_submit(executor, job, input, size, out_future)               \
    weft_process_executor_submit_at(WEFT_ORIGIN(#job), (executor), (job), (input), (size), \
                                    (out_future))
/** The function under it. Thread: any. Owns: <origin> is static or NULL; as above. */
WEFT_API int weft_process_executor_submit_at(const weft_origin *origin,
                                             weft_process_executor *executor, const char *job,
                                             const void *input, size_t size,
                                             weft_concurrent_future **out_future);

/**
 * The same with a future of <loop>, as weft_loop_run_in_executor: with a full queue of kind
 * WEFT_EXECUTOR_WAIT a task waits here. A cancel takes a queued job out; one that runs is
 * abandoned, and with kill_on_cancel its worker is killed.
 *
 * Thread: loop thread.
 * Runs:   the future is done on the loop's thread.
 * Owns:   as weft_process_executor_submit; the caller owns one reference to *out_future.
 * Errors: as weft_process_executor_submit; WEFT_ECANCELED while waiting for room.
 * See:    weft_await.
 */
#define weft_loop_run_in_process_executor(loop, executor, job, input, size, out_future)         \
    weft_loop_run_in_process_executor_at(WEFT_ORIGIN(#job), (loop), (executor), (job), (input), \
                                         (size), (out_future))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_loop_run_in_process_executor_at(const weft_origin *origin, weft_loop *loop,
                                                  weft_process_executor *executor, const char *job,
                                                  const void *input, size_t size,
                                                  weft_future **out_future);

/* ---- the end ------------------------------------------------------------ */

/** How to shut down. WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT waits without a limit. */
typedef struct weft_process_executor_shutdown_options {
    size_t size;           /* set by WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT */
    bool wait;             /* until every job is done and every worker has ended */
    bool cancel_queued;    /* else what is queued still runs */
    bool kill_running;     /* what still runs at the limit is killed, and its job fails */
    weft_duration timeout; /* of the wait; 0 and WEFT_FOREVER: no limit */
} weft_process_executor_shutdown_options;

#define WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT                                      \
    {                                                                                    \
        sizeof(weft_process_executor_shutdown_options), true, false, false, WEFT_FOREVER \
    }

/**
 * Take no more jobs, let the workers end when the queue is empty, and wait for that. NULL options
 * are WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT. It may be called again.
 *
 * Thread: any; with `wait` it blocks, so a plain thread or a job of an executor.
 * Owns:   the reference stays the caller's.
 * Errors: WEFT_ETIMEDOUT: jobs still run, the message names the oldest with its process, and
 *         weft_process_executor_get_running lists them all; with kill_running they were killed, and
 *         it is 0. WEFT_EDEADLOCK on a thread that runs a loop; WEFT_EINVAL.
 */
WEFT_API int weft_process_executor_shutdown(weft_process_executor *executor,
                                            const weft_process_executor_shutdown_options *options);

/* ---- looking inside ----------------------------------------------------- */

/** What a process executor has done and does. Set <size> by WEFT_PROCESS_EXECUTOR_STATS_INIT. */
typedef struct weft_process_executor_stats {
    size_t size;
    size_t n_workers;       /* processes alive */
    size_t n_queued;        /* jobs within the limit that wait for a worker */
    size_t n_waiting;       /* jobs that wait for room in the queue */
    size_t n_running;       /* jobs that run */
    uint64_t n_started;     /* workers started, since the start */
    uint64_t n_broken;      /* of those, died in a job */
    uint64_t n_done;        /* jobs that a worker answered, with 0 or a code */
    uint64_t n_cancelled;   /* jobs that were cancelled or dropped before they ran */
    uint64_t n_rejected;    /* submits refused because the queue was full */
    weft_duration head_age; /* how long the oldest queued job has waited; 0: none */
} weft_process_executor_stats;

#define WEFT_PROCESS_EXECUTOR_STATS_INIT                                  \
    {                                                                     \
        sizeof(weft_process_executor_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/**
 * One moment of <executor>.
 *
 * Thread: any.
 * Owns:   nothing.
 * Units:  head_age in nanoseconds, exact to about 4 ms.
 * Errors: WEFT_EINVAL, *out_stats untouched.
 */
WEFT_API int weft_process_executor_get_stats(weft_process_executor *executor,
                                             weft_process_executor_stats *out_stats);

/** A job that runs. */
typedef struct weft_process_executor_job {
    char job[64];              /* its name, cut */
    int64_t pid;               /* of its worker */
    weft_duration age;         /* since it was sent there */
    const weft_origin *origin; /* where it was submitted, or NULL */
    bool is_abandoned;         /* nobody waits for it any more; known with kill_on_cancel only */
} weft_process_executor_job;

/**
 * The jobs that run now: up to <n> of them are written to <jobs>.
 *
 * Thread: any.
 * Owns:   origins are static; <jobs> may be NULL when <n> is 0.
 * Errors: returns how many run, which may be more than <n>; 0 for NULL.
 */
WEFT_API size_t weft_process_executor_get_running(weft_process_executor *executor,
                                                  weft_process_executor_job *jobs, size_t n);

/** The name of <executor>, "" for NULL. Thread: any. Owns: borrowed, lives as long as it. */
WEFT_API const char *weft_process_executor_get_name(const weft_process_executor *executor);

WEFT_END_DECLS

#endif

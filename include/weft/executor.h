#ifndef WEFT_EXECUTOR_H
#define WEFT_EXECUTOR_H

/*
 * executor.h: threads for work that blocks.
 *
 * An executor is an object of your own making: a name, a least and a greatest
 * number of threads, a queue with or without a limit. There is no global pool;
 * work that may take long belongs in an executor of its own, where it holds up
 * only its like.
 *
 * A job is a plain function. It returns 0 or a negative code, hands back a
 * value with weft_return, explains a failure with weft_fail, and may block as
 * it likes. Its outcome arrives in a concurrent future:
 *
 *     static int shrink(void *image) { ... return weft_return_int(size); }
 *
 *     weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
 *     options.name = "images";
 *     weft_executor *ex;
 *     WEFT_TRY(weft_executor_create(&options, &ex));
 *     WEFT_TRY(weft_executor_submit(ex, shrink, image, &future));
 *
 * The life of a job:
 *
 *     submit -> queued -> runs -> done
 *                  |
 *                  `-- cancelled: leaves the queue at once and never runs
 *
 * A job that runs cannot be stopped, but it can be asked to: weft_job_should_stop
 * becomes true when nobody waits for the job any more or when a shutdown has run
 * out of time. Jobs of one priority start in the order of submit, with one
 * exception: those of a function that was seen to run long (2 ms and more) let the
 * others pass, so that short jobs do not starve behind long ones. A function of
 * which nothing is known counts as short. Every eighth time the job that has waited
 * longest is next, of whatever priority and function, so that nobody starves.
 * Threads are named NAME-0, NAME-1, ...; they are made when a job finds none free,
 * and end when they found no work for `idle_exit`. All signals are blocked in them
 * but those that report a fault of the thread itself.
 *
 * An executor that is not shut down does not hold up the end of the process: when
 * main returns, jobs that run are cut off and those that wait never run. (Python
 * waits for them.) Who wants them done calls weft_executor_shutdown; weft_run does
 * so for the loop's default executor.
 *
 * Read concurrent_future.h next, for the outcome; bridge.h has
 * weft_loop_run_in_executor, which awaits it.
 */

#include "weft/base.h"
#include "weft/concurrent_future.h"
#include "weft/histogram.h"
#include "weft/result.h"
#include "weft/time.h"

#include <stdbool.h>

WEFT_BEGIN_DECLS

/** Threads, and the queue of their jobs. */
typedef struct weft_executor weft_executor;

/** A job: 0 or a negative code; a value by weft_return. */
typedef int weft_job_fn(void *arg);

/** What submit does when the queue is full. */
enum weft_executor_when_full {
    WEFT_EXECUTOR_REJECT = 0, /* refuse with WEFT_EQUEUEFULL */
    WEFT_EXECUTOR_WAIT = 1    /* wait for room, in the order of coming */
};

/** What an executor is like. All zero means the defaults. */
typedef struct weft_executor_options {
    size_t size;                            /* set by WEFT_EXECUTOR_OPTIONS_INIT */
    const char *name;                       /* NULL: "executor"; cut so that NAME-0 has 15 bytes */
    unsigned min_threads;                   /* made at once and kept; 0: none */
    unsigned max_threads;                   /* 0: the CPUs we may use + 4, at most 32 */
    size_t queue_limit;                     /* jobs that may wait; 0: no limit */
    enum weft_executor_when_full when_full; /* has no meaning without a limit */
    weft_duration idle_exit;                /* 0: 30 s; WEFT_FOREVER: threads stay */
    weft_duration long_job;                 /* the log names jobs that run longer; 0: none */
    bool exact_times; /* measure with the exact clock, not one that ticks every 1 to 4 ms;
                         costs some 60 ns a job */
    weft_duration abandoned_job; /* the log names jobs that still run so long after the wait for
                                    them was cancelled; 0: 5 s; WEFT_FOREVER: none */
} weft_executor_options;

#define WEFT_EXECUTOR_OPTIONS_INIT                                                         \
    {                                                                                      \
        sizeof(weft_executor_options), NULL, 0, 0, 0, WEFT_EXECUTOR_REJECT, 0, 0, false, 0 \
    }

/** Which of the jobs that wait is next. Within one priority, the order of submit. */
enum weft_job_priority {
    WEFT_JOB_LOW = -1,
    WEFT_JOB_NORMAL = 0,
    WEFT_JOB_HIGH = 1
};

/** What a job is like. All zero means the defaults. */
typedef struct weft_job_options {
    size_t size;              /* set by WEFT_JOB_OPTIONS_INIT */
    weft_destroy_fn *destroy; /* as in weft_executor_submit_with; NULL: the argument is yours */
    enum weft_job_priority priority;
} weft_job_options;

#define WEFT_JOB_OPTIONS_INIT                           \
    {                                                   \
        sizeof(weft_job_options), NULL, WEFT_JOB_NORMAL \
    }

/**
 * Make an executor. NULL options are the defaults.
 *
 * Thread: any.
 * Owns:   the caller owns one reference; options and name are copied.
 * Units:  at most 4096 threads.
 * Errors: WEFT_EINVAL: min above max, too many threads, bad size or time;
 *         WEFT_ENOMEM; -EAGAIN when min_threads is not 0 and not one can be made.
 *         On failure *out_executor is untouched.
 * See:    weft_executor_shutdown.
 */
#define weft_executor_create(options, out_executor) \
    weft_executor_create_at(WEFT_ORIGIN(NULL), (options), (out_executor))

/**
 * The function under weft_executor_create.
 *
 * Thread: any.
 * Owns:   <origin> is static or NULL; the caller owns one reference.
 * Errors: as weft_executor_create.
 */
WEFT_API int weft_executor_create_at(const weft_origin *origin,
                                     const weft_executor_options *options,
                                     weft_executor **out_executor);

/** Share <executor>; returns it, NULL too. Thread: any. Owns: the caller owns one more. */
WEFT_API weft_executor *weft_executor_ref(weft_executor *executor);

/**
 * Give a reference back; NULL is allowed. With the last one the executor is shut
 * down without waiting: what is queued still runs, then its threads end.
 *
 * Thread: any; never blocks.
 * Owns:   consumes one reference.
 * Errors: always returns NULL.
 */
WEFT_API weft_executor *weft_executor_unref(weft_executor *executor);

/**
 * Have <fn>(<arg>) run on a thread of <executor>.
 *
 * When the queue is full and the executor waits, this blocks a plain thread
 * until there is room. On a thread that runs a loop it never blocks: there the
 * answer is WEFT_EQUEUEFULL, and weft_loop_run_in_executor suspends instead.
 *
 * Thread: any.
 * Runs:   <fn> on a thread of the executor, never inside this call.
 * Owns:   <arg> is the caller's and must live until the job is done. The caller
 *         owns one reference to *out_future; NULL means that nobody asks, and a
 *         failure of the job is then reported.
 * Errors: WEFT_EINVAL; WEFT_ENOMEM; WEFT_ESHUTDOWN; WEFT_EQUEUEFULL;
 *         WEFT_EDEADLOCK when a job of this executor would wait for room in its
 *         own queue; -EAGAIN when there is no thread and none can be made.
 *         On failure *out_future is untouched.
 * See:    weft_executor_submit_with, weft_loop_run_in_executor.
 */
#define weft_executor_submit(executor, fn, arg, out_future) \
    weft_executor_submit_at(WEFT_ORIGIN(#fn), (executor), (fn), (arg), NULL, (out_future))

/**
 * weft_executor_submit with an argument that the job owns: <destroy>(<arg>) runs
 * exactly once if <fn> never does, whether the job was refused here, cancelled in
 * the queue or dropped by a shutdown. If <fn> runs, the argument is its own.
 *
 * Thread: any.
 * Runs:   <fn> as weft_executor_submit; <destroy> on the thread that refused,
 *         cancelled or dropped the job.
 * Owns:   takes <arg>, also on failure.
 * Errors: as weft_executor_submit.
 */
#define weft_executor_submit_with(executor, fn, arg, destroy, out_future) \
    weft_executor_submit_at(WEFT_ORIGIN(#fn), (executor), (fn), (arg), (destroy), (out_future))

/**
 * The function under both.
 *
 * Thread: any.
 * Owns:   <origin> is static or NULL; the rest as weft_executor_submit_with.
 * Errors: as weft_executor_submit.
 */
WEFT_API int weft_executor_submit_at(const weft_origin *origin, weft_executor *executor,
                                     weft_job_fn *fn, void *arg, weft_destroy_fn *destroy,
                                     weft_concurrent_future **out_future);

/**
 * weft_executor_submit with a priority. NULL options are the defaults.
 *
 * A job of higher priority passes those that wait, not those that run. Jobs that
 * wait for room in a full queue come in in the order of submit.
 *
 * Thread: any.
 * Owns:   takes <arg> when the options have a destructor, also on failure.
 * Errors: as weft_executor_submit; WEFT_EINVAL: bad size or priority.
 */
#define weft_executor_submit_as(executor, fn, arg, options, out_future) \
    weft_executor_submit_as_at(WEFT_ORIGIN(#fn), (executor), (fn), (arg), (options), (out_future))

/**
 * The function under weft_executor_submit_as.
 *
 * Thread: any.
 * Owns:   <origin> is static or NULL; the rest as weft_executor_submit_as.
 * Errors: as weft_executor_submit_as.
 */
WEFT_API int weft_executor_submit_as_at(const weft_origin *origin, weft_executor *executor,
                                        weft_job_fn *fn, void *arg, const weft_job_options *options,
                                        weft_concurrent_future **out_future);

/* ---- inside a job -------------------------------------------------------- */

/**
 * Should the calling job end by itself? True once nobody waits for it any more (the
 * task that did was cancelled), or once a shutdown of its executor ran out of time
 * or asked for it. It never becomes false again. One atomic load: cheap enough for
 * every round of a loop.
 *
 * Thread: any; false where no job runs.
 * Owns:   nothing.
 */
WEFT_API bool weft_job_should_stop(void);

/**
 * Sleep in a job for <limit>, or until it should stop: a sleep that ends in time.
 *
 * Thread: a job's.
 * Owns:   nothing.
 * Units:  nanoseconds; 0 or less only looks, WEFT_FOREVER has no limit.
 * Errors: 0: the job should stop; WEFT_ETIMEDOUT: <limit> has passed; WEFT_ERUNTIME:
 *         no job runs on this thread.
 */
WEFT_API int weft_job_wait_stop(weft_duration limit);

/* ---- the end ------------------------------------------------------------- */

/** How to shut down. WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT waits without a limit. */
typedef struct weft_executor_shutdown_options {
    size_t size;           /* set by WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT */
    bool wait;             /* until every job is done and every thread has ended */
    bool cancel_queued;    /* else what is queued still runs */
    weft_duration timeout; /* of the wait; 0 and WEFT_FOREVER: no limit */
    bool stop_running;     /* weft_job_should_stop is true at once in those that run */
} weft_executor_shutdown_options;

#define WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT                                      \
    {                                                                            \
        sizeof(weft_executor_shutdown_options), true, false, WEFT_FOREVER, false \
    }

/**
 * Take no more jobs, let the threads end when the queue is empty, and wait for
 * that. NULL options are WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT. It may be called
 * again, to wait again or to cancel what is queued after all.
 *
 * Thread: any; with `wait` it blocks, so a plain thread.
 * Runs:   with cancel_queued the destructors of dropped arguments, inside this call.
 * Owns:   the reference stays the caller's.
 * Errors: WEFT_ETIMEDOUT: jobs still run. They are asked to stop, each is a report
 *         WEFT_REPORT_SHUTDOWN_SURVIVOR in the log, the message names those for which
 *         it has room, and weft_executor_get_running lists them all. WEFT_EDEADLOCK:
 *         waiting on a thread that runs a loop or belongs to this executor; then
 *         nothing is changed. WEFT_EINVAL.
 * See:    weft_loop_shutdown_default_executor, which awaits.
 */
WEFT_API int weft_executor_shutdown(weft_executor *executor,
                                    const weft_executor_shutdown_options *options);

/* ---- looking inside ------------------------------------------------------ */

/** What an executor has done and does. Set <size> by WEFT_EXECUTOR_STATS_INIT. */
typedef struct weft_executor_stats {
    size_t size;
    size_t n_threads;               /* alive */
    size_t n_idle;                  /* of those, asleep */
    size_t n_queued;                /* jobs within the limit that wait for a thread */
    size_t n_waiting;               /* jobs that wait for room in the queue */
    size_t n_running;               /* jobs that run */
    size_t n_abandoned;             /* of those, with nobody who waits for them any more */
    uint64_t n_done;                /* jobs that ran, since the start */
    uint64_t n_cancelled;           /* jobs that were cancelled or dropped before they ran */
    uint64_t n_rejected;            /* submits refused because the queue was full */
    weft_duration head_age;         /* how long the oldest queued job has waited; 0: none */
    const weft_origin *head_origin; /* where it was submitted, or NULL */
    uint64_t n_threads_made;        /* since the start */
    uint64_t n_long;                /* jobs that ran longer than `long_job` */
    weft_histogram wait;            /* from submit to start */
    weft_histogram run;             /* from start to end */
    uint64_t n_ended_abandoned;     /* jobs that ran to their end for nobody, since the start */
} weft_executor_stats;

#define WEFT_EXECUTOR_STATS_INIT                                               \
    {                                                                          \
        sizeof(weft_executor_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, \
            WEFT_HISTOGRAM_INIT, WEFT_HISTOGRAM_INIT, 0                        \
    }

/**
 * One moment of <executor>.
 *
 * Thread: any.
 * Owns:   nothing; origins are static.
 * Units:  times in nanoseconds, exact to about 4 ms unless the executor was made with
 *         `exact_times`.
 * Errors: WEFT_EINVAL, *out_stats untouched.
 */
WEFT_API int weft_executor_get_stats(weft_executor *executor, weft_executor_stats *out_stats);

/** A job that runs. */
typedef struct weft_executor_job {
    const weft_origin *origin; /* where it was submitted; its `what` is the function; or NULL */
    weft_job_fn *fn;
    weft_duration age; /* since it started, exact to about 4 ms */
    bool is_abandoned; /* nobody waits for it any more */
    char thread[16];   /* the name of its thread */
} weft_executor_job;

/**
 * The jobs that run now: up to <n> of them are written to <jobs>.
 *
 * Thread: any.
 * Owns:   nothing; <jobs> may be NULL when <n> is 0.
 * Errors: returns how many run, which may be more than <n>; 0 for NULL.
 */
WEFT_API size_t weft_executor_get_running(weft_executor *executor, weft_executor_job *jobs,
                                          size_t n);

/** The name of <executor>, "" for NULL. Thread: any. Owns: borrowed, lives as long as it. */
WEFT_API const char *weft_executor_get_name(const weft_executor *executor);

WEFT_END_DECLS

#endif

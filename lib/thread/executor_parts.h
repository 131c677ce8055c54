#ifndef WF_THREAD_EXECUTOR_PARTS_H
#define WF_THREAD_EXECUTOR_PARTS_H

/*
 * The parts of an executor, for its own files:
 *
 *     executor.c         making, submitting, shutting down
 *     executor_stats.c   looking inside, and what the log hears
 *     executor_queue.c   jobs that wait: the queue, room in it, cancelling
 *     executor_thread.c  threads: made, woken, idle, ended
 *
 * One mutex, mu, guards everything. It is held for a few instructions, and while a
 * thread is made; never while user code runs, and never by one who then touches
 * the lock of a future (that one ranks above, concurrent_future.c).
 *
 * The intake is a shortcut past it: while every thread there may be is up and none
 * sleeps, a submit has nobody to call and nothing to decide, so it only leaves its
 * job there, under a mutex of the intake's own that ranks below mu. Whoever holds
 * mu and wants to know what is queued takes the intake in first.
 *
 * Invariant: while a job waits there is a thread, and one of them is on its way
 * to look at the queue: it runs a job, has just been made, or was woken. So no
 * job is lost, and the one that comes wakes at most one thread, which wakes the
 * next if there is more to do.
 */

#include "base/histogram.h"
#include "base/list.h"
#include "thread/atomic.h"
#include "thread/concurrent_future.h"
#include "thread/executor.h"
#include "weft/time.h"

#include <pthread.h>

enum {
    WF_THREAD_NAME_SIZE = 16,
    WF_MAX_THREADS = 4096,
    WF_N_PACES = 64
};

/* What is known of a function that was seen to run long. */
struct wf_pace {
    weft_job_fn *fn; /* NULL: the place is free */
    weft_duration average;
};

/* Where a job stands; guarded by the executor's mutex. */
enum wf_job_place {
    WF_JOB_NEW,       /* its submit decides, or it is in the intake */
    WF_JOB_QUEUED,    /* in the queue, which holds a reference */
    WF_JOB_WAITING,   /* for room in it; the same */
    WF_JOB_TAKEN,     /* by a thread, which has the queue's reference now */
    WF_JOB_CANCELLED, /* out of a list; the one who cancels has the reference */
    WF_JOB_DROPPED    /* out of a list; the one who shuts down has the reference */
};

/* What a submit that blocks waits for, on its job's futex word. */
enum wf_job_room {
    WF_ROOM_NONE,
    WF_ROOM_FOUND,
    WF_ROOM_NEVER
};

/* Why a job should stop; no data behind it. */
enum wf_job_stop {
    WF_STOP_ABANDONED = 1, /* nobody waits for it any more */
    WF_STOP_SHUTDOWN = 2   /* its executor ends */
};

struct wf_job {
    weft_concurrent_future future; /* first: a job is a future */
    weft_executor *executor;       /* borrowed: alive until the job is taken or out */
    weft_job_fn *fn;
    void *arg; /* owned when there is a destroy, until the job runs */
    weft_destroy_fn *destroy;
    struct wf_list link;            /* guarded by mu */
    enum wf_job_place place;        /* guarded by mu */
    uint64_t sequence;              /* guarded by mu: the order of submit */
    weft_time submitted_at;         /* coarse; constant */
    struct wf_space_waiter *waiter; /* guarded by mu; borrowed, or NULL */
    wf_atomic_u32 room;             /* atomic: enum wf_job_room, the futex of a blocked submit */
    wf_atomic_u32 stop;             /* atomic: WF_STOP_... bits, the futex of weft_job_wait_stop */
    int8_t priority;                /* enum weft_job_priority; constant */
    bool is_unasked;                /* submitted without out_future: a failure is reported */
};

/* Nobody waits for <job> any more. */
static inline bool wf_job_is_abandoned(const struct wf_job *job)
{
    return (wf_u32_load_acquire(&job->stop) & WF_STOP_ABANDONED) != 0;
}

struct wf_intake {
    pthread_mutex_t mu;
    struct wf_list jobs; /* guarded by mu; of wf_job.link, the oldest first */
    size_t n;            /* guarded by mu; also read without, as a hint */
    bool is_open;        /* guarded by mu; written with the executor's mu held too */
};

struct wf_worker {
    weft_executor *executor;        /* borrowed: outlives its threads */
    struct wf_list idle_link;       /* guarded by mu */
    wf_atomic_u32 is_called;        /* atomic: the futex on which it sleeps */
    struct wf_job *job;             /* guarded by mu; what it runs, or NULL */
    weft_time started_at;           /* guarded by mu; of the job, coarse */
    bool is_used;                   /* guarded by mu; a thread has this place */
    bool is_named;                  /* guarded by mu; the log has its job as a long one */
    bool is_abandoned_named;        /* guarded by mu; the same as an abandoned one */
    weft_time abandoned_at;         /* guarded by mu; seen to be abandoned then; 0: not */
    pid_t tid;                      /* guarded by mu; of the thread, once it runs */
    char name[WF_THREAD_NAME_SIZE]; /* constant */
    /* Guarded by mu: of the jobs it ran. Each thread has its own, which stay in its cache. */
    weft_histogram wait;
    weft_histogram run;
};

struct weft_executor {
    uint32_t magic;
    uint32_t forks;       /* the fork generation in which it was made */
    wf_atomic_u32 n_refs; /* atomic: the users' references */
    const weft_origin *origin;
    struct wf_list registry_link; /* in wf_executors; guarded by the registry's mutex */
    char name[WF_THREAD_NAME_SIZE - 2];
    unsigned min_threads;
    unsigned max_threads;
    size_t queue_limit; /* 0: none */
    enum weft_executor_when_full when_full;
    weft_duration idle_exit;
    weft_duration long_job; /* 0: none */
    weft_duration abandoned_job;
    bool has_exact_times;

    weft_time taken_at;     /* atomic, relaxed: when a job was last taken, coarse */
    char before_intake[64]; /* submitters and threads each have a cache line of their own */

    struct wf_intake intake;
    char after_intake[64];

    pthread_mutex_t mu;
    /* All below: guarded by mu. */
    struct wf_list queue;     /* of wf_job.link, the oldest first */
    struct wf_list slow_lane; /* the same: jobs of functions that run long */
    struct wf_list high_lane; /* the same: jobs of high priority */
    struct wf_list low_lane;  /* the same: jobs of low priority */
    struct wf_list waiting;   /* the same, for room in the queue */
    size_t n_queued; /* in all lanes; atomic, relaxed: a lingering thread looks without mu */
    uint64_t next_sequence;
    unsigned n_passes; /* takes that passed another lane, since the oldest was next */
    struct wf_pace paces[WF_N_PACES];
    size_t n_waiting;

    struct wf_worker **workers; /* owned, max_threads places; NULL until first used */
    struct wf_list idle;        /* of wf_worker.idle_link, the last to fall asleep first */
    size_t n_threads;           /* alive, or just being made */
    size_t n_running;           /* of those, with a job */
    size_t n_idle;              /* of those, in idle */
    size_t n_coming;            /* of those, made or woken and not yet at the queue */
    unsigned linger_credit;     /* how often lingering may still be in vain */
    weft_time no_thread_before; /* coarse: after a failure the next attempt waits a little */

    uint64_t n_done;
    uint64_t n_cancelled;
    uint64_t n_rejected;
    uint64_t n_threads_made;
    uint64_t n_long;
    uint64_t n_ended_abandoned;
    weft_time looked_at;           /* coarse: for saturation and long jobs */
    weft_duration next_saturation; /* head's age at which the log hears of it next */

    bool is_shut;
    bool is_orphan;             /* no user has a reference: the last thread frees it */
    bool has_ended;             /* <ended> is a thread that nobody has joined */
    bool is_joining;            /* somebody joins one now */
    pthread_t ended;            /* each thread that ends joins the one before */
    pthread_cond_t progress;    /* towards the end, for shutdown */
    struct wf_list end_waiters; /* of wf_end_waiter.link */
};

/* All executors of the process, through registry_link (thread/registry.h). */
extern struct wf_list wf_executors;

#define WF_EXECUTOR_MAGIC 0x77664558u

/* CLOCK_MONOTONIC as of the last tick: 4 ms exact, a fifth of the price. */
weft_time wf_coarse_now(void);

/* The executor's own clock: the same, or the exact one. */
static inline weft_time wf_executor_now(const weft_executor *executor)
{
    return executor->has_exact_times ? weft_clock_now() : wf_coarse_now();
}

/* ---- executor_stats.c ---------------------------------------------------- */

/* 0; WEFT_EINVAL, reported, for what is no executor; WEFT_EFORKED where its threads are not. */
int wf_executor_check(const weft_executor *executor, const char *function);

/* What the log is to hear, put together under mu and said without it. */
struct wf_executor_news {
    const weft_origin *head; /* of the queue */
    weft_duration head_age;  /* 0: nothing about it */
    const weft_origin *job;  /* one that runs long */
    weft_duration job_age;   /* 0: none */
    char thread[WF_THREAD_NAME_SIZE];
    const weft_origin *abandoned; /* one that nobody waits for any more */
    weft_duration abandoned_age;  /* since it was seen to be; 0: none */
    char abandoned_thread[WF_THREAD_NAME_SIZE];
    char executor[WF_THREAD_NAME_SIZE];
};

/* Under mu: once a tick, look for a head that waits long and a job that runs long. */
void wf_executor_find_news(weft_executor *executor, weft_time now, struct wf_executor_news *news);
/* Under mu: <worker>'s job has ended; is it one that ran long and was not named yet? */
void wf_executor_note_long(struct wf_worker *worker, weft_duration duration,
                           struct wf_executor_news *news);
/* Without mu. */
void wf_executor_log_news(const struct wf_executor_news *news);
/* Under mu: who is stuck, as a message. */
void wf_executor_describe_stuck(weft_executor *executor, char *text, size_t size);

/* ---- executor_queue.c: all under mu, but the ops ------------------------- */

/* The ops of a job's future. */
extern const struct wf_cf_ops wf_job_ops;

/* Take in what the intake holds. */
void wf_queue_take_in(weft_executor *executor);
/* Open the intake, if its time has come. */
void wf_queue_maybe_open_intake(weft_executor *executor);
/* Close it: what comes from now on comes by mu. */
void wf_queue_close_intake(weft_executor *executor);
/* Without mu: leave <job> in the intake. False: it is closed. */
bool wf_queue_leave(weft_executor *executor, struct wf_job *job);
/* Is there room for one more that does not wait? */
bool wf_queue_has_room(const weft_executor *executor);
void wf_queue_add(weft_executor *executor, struct wf_job *job);
void wf_queue_wait_for_room(weft_executor *executor, struct wf_job *job);
/* The job that has waited longest, or NULL. */
struct wf_job *wf_queue_head(const weft_executor *executor);
/* A job of <fn> took <duration>, which is coarse. */
void wf_queue_note_pace(weft_executor *executor, weft_job_fn *fn, weft_duration duration);
/* The next job, for the calling thread, which counts as running from here; or NULL. */
struct wf_job *wf_queue_take(weft_executor *executor);
/* All that waits, into <batch>; the links and the references go with it. */
void wf_queue_take_all(weft_executor *executor, struct wf_list *batch);
/* Without mu: cancel and release all of <batch>. */
void wf_queue_drop_batch(struct wf_list *batch);
/* The argument of a job that will never run. */
void wf_job_destroy_arg(struct wf_job *job);

/* ---- executor_thread.c: under mu, unless they say otherwise -------------- */

/* Make a thread. -EAGAIN, or WEFT_ENOMEM. */
int wf_worker_start(weft_executor *executor);
/* After a job came: whom to call, without mu, or NULL. */
struct wf_worker *wf_worker_pick(weft_executor *executor);
/* Without mu: end the sleep of one that was picked. NULL is a no-op. */
void wf_worker_call(struct wf_worker *worker);
/* Everybody who sleeps. */
void wf_worker_call_all(weft_executor *executor);
/* Ask all jobs that run to stop. */
void wf_worker_stop_all(weft_executor *executor);
/* Any thread that has a reference to the job: let it hear that it should stop. */
void wf_job_ask_stop(struct wf_job *job, enum wf_job_stop why);

/* ---- executor.c ---------------------------------------------------------- */

/* Without mu, once no thread and no user is left. */
void wf_executor_free(weft_executor *executor);
/* Under mu, when the last thread of an executor that is shut ends. */
void wf_executor_tell_end(weft_executor *executor);

#endif

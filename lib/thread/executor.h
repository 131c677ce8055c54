#ifndef WF_THREAD_EXECUTOR_H
#define WF_THREAD_EXECUTOR_H

/*
 * What a loop needs of an executor beyond weft/executor.h: to wait for room in
 * the queue, and for the end of a shutdown, without blocking its thread.
 */

#include "base/list.h"
#include "thread/mailbox.h"
#include "weft/executor.h"
#include "weft/log.h"

/*
 * Posted to `mailbox` once the job for which there was no room has moved up
 * into the queue, or was cancelled or dropped before (its future tells). The
 * job keeps its place among those that wait: nobody overtakes it.
 */
struct wf_space_waiter {
    struct wf_post post;            /* deliver is set by the caller */
    struct wf_mailbox *mailbox;     /* borrowed: lives until delivered or forgotten */
    weft_concurrent_future *future; /* the job that waits, NULL once posted; guarded by the
                                       executor */
};

struct wf_cf_callback;

/* wf_executor_submit took the job, but it waits for room. */
#define WF_EXECUTOR_WAITS 1

/*
 * Submit from any thread without ever blocking. As weft_executor_submit_at; in
 * addition, when the queue is full and the executor waits, WF_EXECUTOR_WAITS:
 * the job is taken, and <waiter> will be posted. Without a <waiter> it is
 * WEFT_EQUEUEFULL instead. A <callback> is registered with the job's future as by
 * wf_concurrent_future_add_callback, for less; on failure it is not.
 */
int wf_executor_submit(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn,
                       void *arg, weft_destroy_fn *destroy, struct wf_space_waiter *waiter,
                       struct wf_cf_callback *callback, weft_concurrent_future **out_future);

/*
 * Owner of the mailbox: true when <waiter> is out and will never be posted (the
 * job stays where it is); false when it was posted already and the memory must stay
 * until it is delivered.
 */
bool wf_executor_forget_space(weft_executor *executor, struct wf_space_waiter *waiter);

/* Posted to `mailbox` when the last thread of an executor that was shut down ends. */
struct wf_end_waiter {
    struct wf_post post;        /* deliver is set by the caller */
    struct wf_list link;        /* guarded by the executor */
    struct wf_mailbox *mailbox; /* borrowed: lives until delivered or forgotten */
};

/*
 * Shut down without blocking; <waiter> is posted at the end, at once if that has
 * come. 0, or WEFT_ECLOSED when it was to be posted at once and cannot.
 */
int wf_executor_shutdown_start(weft_executor *executor, bool cancel_queued,
                               struct wf_end_waiter *waiter);
/* As wf_executor_forget_space. */
bool wf_executor_forget_end(weft_executor *executor, struct wf_end_waiter *waiter);

/*
 * Nobody waits any more for the job of <future>, which wf_executor_submit made
 * and which runs: it is counted and named as abandoned until it is done. Of one that
 * waits in the queue the same is true once it runs. Again and again is harmless.
 */
void wf_executor_abandon(weft_concurrent_future *future);
/* Whether it was; for a job that lives. */
bool wf_executor_is_abandoned(const weft_concurrent_future *future);
/* The future of the job that runs on this thread, borrowed while it does; NULL elsewhere. */
weft_concurrent_future *wf_executor_get_job_here(void);

/*
 * Look at all executors of the process: a queue that stands still, jobs that run long or that
 * nobody waits for any more are named in the log. Whether any has a job. Any thread, without
 * locks; once a second is often enough.
 */
bool wf_executors_look(void);
/* Whether any has a job, or is about to. */
bool wf_executors_are_active(void);

/* The time of a shutdown is up: ask all jobs that run to stop. */
void wf_executor_stop_running(weft_executor *executor);

/* Make <report> one of a job that outlives a shutdown; its text goes to <message>. */
void wf_executor_fill_survivor(const weft_executor_job *job, char *message, size_t size,
                               weft_report *report);

#endif

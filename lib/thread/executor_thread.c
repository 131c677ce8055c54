/*
 * The threads of an executor.
 *
 *     made --> at the queue --> runs a job --.
 *                |   ^   ^-------------------'
 *         nothing|   | called, or the time is up and it is one of the least
 *                v   |
 *               idle --> ended, when the time is up or the executor is shut
 *
 * The one that fell asleep last is called first: the others may then end. One is
 * called only if one sleeps and none is on its way; who arrives calls the next if
 * there is more to do. So a burst costs its submitter one system call.
 *
 * A thread that finds nothing lingers a little before it sleeps, and gives its
 * processor away while it does: work that comes in bursts finds it awake and costs
 * nobody a system call. At most one lingers, and only where it paid of late.
 *
 * A job's outcome is published after its thread has looked for the next one, in
 * the same hold of the mutex that counts it, but before it runs that one.
 *
 * A thread that ends joins the one that ended before it; the last one is joined
 * by shutdown, or lets go of itself. Nothing is left for the process to leak.
 */

#include "thread/executor_parts.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/probe.h"
#include "thread/bell.h"
#include "thread/futex.h"
#include "thread/role.h"
#include "thread/start.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a failed attempt to make a thread keeps the next one away. */
#define RETRY_AFTER WEFT_MS(20)

enum {
    LINGER_YIELDS = 40, /* some 20 us when nobody else wants the processor */
    LINGER_CREDIT = 8
};

/* A sleep that was shorter than this would better have been lingered through. */
#define SHORT_SLEEP WEFT_US(50)

/* What a job came to. */
struct outcome {
    int code;
    weft_value value;
    weft_error *error;
    bool has_run;
};

/* ---- calling ------------------------------------------------------------- */

struct wf_worker *wf_worker_pick(weft_executor *executor)
{
    if (executor->n_idle == 0 || executor->n_coming > 0 || executor->n_queued == 0) {
        return NULL;
    }
    struct wf_list *node = wf_list_take_first(&executor->idle);
    executor->n_idle--;
    executor->n_coming++;
    return WF_CONTAINER_OF(node, struct wf_worker, idle_link);
}

void wf_worker_call(struct wf_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    wf_u32_store_release(&worker->is_called, 1); /* pairs with the acquire in sleep_idle */
    wf_futex_wake(&worker->is_called, 1, WF_FUTEX_OUTCOME);
    wf_bell_ring_if_hung();
}

void wf_worker_call_all(weft_executor *executor)
{
    struct wf_list *node;

    while ((node = wf_list_take_first(&executor->idle)) != NULL) {
        executor->n_idle--;
        executor->n_coming++;
        wf_worker_call(WF_CONTAINER_OF(node, struct wf_worker, idle_link));
    }
}

/* ---- asking a job to stop ------------------------------------------------ */

/* The job that runs on this thread, or NULL. */
static __thread struct wf_job *job_here __attribute__((tls_model("initial-exec")));

void wf_job_ask_stop(struct wf_job *job, enum wf_job_stop why)
{
    (void)wf_u32_or_acq_rel(&job->stop, why);
    wf_futex_wake(&job->stop, INT_MAX, WF_FUTEX_OUTCOME);
}

void wf_worker_stop_all(weft_executor *executor)
{
    for (unsigned i = 0; i < executor->max_threads; i++) {
        struct wf_worker *worker = executor->workers[i];
        if (worker != NULL && worker->job != NULL) {
            wf_job_ask_stop(worker->job, WF_STOP_SHUTDOWN);
        }
    }
}

bool weft_job_should_stop(void)
{
    return job_here != NULL && wf_u32_load_acquire(&job_here->stop) != 0;
}

int weft_job_wait_stop(weft_duration limit)
{
    struct wf_job *job = job_here;
    weft_time deadline = limit > 0 ? wf_futex_deadline(limit) : 0;
    bool in_time = limit > 0;

    if (job == NULL) {
        return weft_fail(WEFT_ERUNTIME, "weft_job_wait_stop outside of an executor's job");
    }
    while (wf_u32_load_acquire(&job->stop) == 0) {
        if (!in_time) {
            return WEFT_ETIMEDOUT;
        }
        in_time = wf_futex_wait(&job->stop, 0, WF_FUTEX_OUTCOME, deadline);
    }
    return 0;
}

/* ---- running a job ------------------------------------------------------- */

weft_concurrent_future *wf_executor_get_job_here(void)
{
    return job_here != NULL ? &job_here->future : NULL;
}

static struct outcome run_job(struct wf_job *job)
{
    struct outcome outcome = { 0 };
    struct wf_frame frame = { 0 };
    int r = weft_concurrent_future_set_running_or_notify_cancel(&job->future);

    if (r < 0) {
        if (r != WEFT_ECANCELED) {
            wf_job_destroy_arg(job); /* a stranger gave it an outcome while it waited */
        }
        return outcome;
    }
    wf_frame_running = &frame;
    job_here = job;
    WF_PROBE5(executor_start, job->executor, job, job->executor->name, job->fn, job->future.origin);
    outcome.code = job->fn(job->arg);
    WF_PROBE4(executor_end, job->executor, job, job->fn, outcome.code);
    job_here = NULL;
    wf_frame_running = NULL;
    outcome.has_run = true;
    if (outcome.code < 0) {
        outcome.error = wf_frame_take_error(&frame, outcome.code);
    } else {
        outcome.code = 0;
        outcome.value = wf_frame_take_value(&frame);
    }
    wf_frame_fini(&frame);
    return outcome;
}

static void report_failure(const struct wf_job *job, const struct outcome *outcome)
{
    char message[128];
    const weft_origin *origin = job->future.origin;
    const char *what = origin != NULL && origin->what != NULL ? origin->what : "?";
    weft_report report = WEFT_REPORT_INIT;

    snprintf(message, sizeof message, "job '%s' failed, and nobody asks for its outcome", what);
    report.kind = WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED;
    report.message = message;
    report.subject = what;
    report.error = outcome->error;
    report.code = outcome->code;
    report.origin = origin;
    wf_report(&report);
}

/* Without mu. Consumes the outcome and the reference of the queue. */
static void publish(struct wf_job *job, const struct outcome *outcome)
{
    if (job == NULL) {
        return;
    }
    if (outcome->has_run) {
        bool is_unheard =
            job->is_unasked || (wf_u32_load_acquire(&job->stop) & WF_STOP_ABANDONED) != 0;
        if (is_unheard && outcome->code < 0) {
            report_failure(job, outcome);
        }
        (void)wf_concurrent_future_finish(&job->future, outcome->code, outcome->value,
                                          outcome->error); /* a stranger may have been first */
    }
    weft_concurrent_future_unref(&job->future);
}

/* ---- the life of a thread ------------------------------------------------ */

/* Under mu, which it leaves meanwhile. True: a job came. */
static bool linger(weft_executor *executor)
{
    size_t n_queued = 0;

    if (executor->n_coming > 0 || executor->linger_credit == 0) {
        return false;
    }
    executor->n_coming++; /* so nobody calls another */
    pthread_mutex_unlock(&executor->mu);
    for (int i = 0; i < LINGER_YIELDS && n_queued == 0; i++) {
        sched_yield();
        n_queued = __atomic_load_n(&executor->n_queued, __ATOMIC_RELAXED) +
                   __atomic_load_n(&executor->intake.n, __ATOMIC_RELAXED); /* a hint only */
    }
    pthread_mutex_lock(&executor->mu);
    executor->n_coming--;
    wf_queue_take_in(executor);
    if (executor->n_queued > 0) {
        executor->linger_credit = LINGER_CREDIT;
        return true;
    }
    executor->linger_credit--;
    return false;
}

/* Under mu, which it leaves while it sleeps. False: the thread is to end. */
static bool sleep_idle(struct wf_worker *worker)
{
    weft_executor *executor = worker->executor;
    bool is_needed = executor->n_threads <= executor->min_threads;
    bool in_time = true;
    weft_time slept_at = weft_clock_now();
    weft_time deadline = WEFT_FOREVER;

    wf_u32_store_release(&worker->is_called, 0);
    wf_list_prepend(&executor->idle, &worker->idle_link);
    executor->n_idle++;
    pthread_mutex_unlock(&executor->mu);

    if (!is_needed && executor->idle_exit < WEFT_FOREVER - slept_at) {
        deadline = slept_at + executor->idle_exit;
    }
    while (in_time && wf_u32_load_acquire(&worker->is_called) == 0) {
        in_time = wf_futex_wait(&worker->is_called, 0, WF_FUTEX_OUTCOME, deadline);
    }

    bool was_short = in_time && weft_clock_now() - slept_at < SHORT_SLEEP;
    pthread_mutex_lock(&executor->mu);
    if (was_short) {
        executor->linger_credit = LINGER_CREDIT;
    }
    if (!wf_list_is_linked(&worker->idle_link)) {
        executor->n_coming--; /* it was called */
        return true;
    }
    wf_list_remove(&worker->idle_link);
    executor->n_idle--;
    /* In time but not called: the call of an earlier sleep came late. */
    return in_time || executor->n_queued > 0 || executor->n_threads <= executor->min_threads;
}

/* Under mu, which it leaves meanwhile. False: the thread is to end. */
static bool wait_for_job(struct wf_worker *worker)
{
    weft_executor *executor = worker->executor;

    if (linger(executor)) {
        return true;
    }
    /* From here on a submit must find somebody to call. */
    wf_queue_close_intake(executor);
    return executor->is_shut || executor->n_queued > 0 || sleep_idle(worker);
}

/* Under mu, and out of it. Nothing of the worker or the executor is touched after that. */
static void end_thread(struct wf_worker *worker)
{
    weft_executor *executor = worker->executor;
    bool has_before = executor->has_ended;
    pthread_t before = executor->ended;

    worker->is_used = false;
    worker->tid = 0;
    executor->n_threads--;
    executor->has_ended = true;
    executor->ended = pthread_self();
    bool is_last = executor->n_threads == 0 && executor->is_shut;
    bool is_mine = is_last && executor->is_orphan;
    if (is_last) {
        wf_executor_tell_end(executor);
    }
    pthread_mutex_unlock(&executor->mu);

    if (has_before) {
        pthread_join(before, NULL);
    }
    if (is_mine) {
        pthread_detach(pthread_self());
        executor->has_ended = false;
        wf_executor_free(executor);
    }
}

/* Under mu: the thread is free again. */
static void end_job(struct wf_worker *worker, struct wf_job *job, const struct outcome *outcome,
                    weft_time now, struct wf_executor_news *news)
{
    weft_executor *executor = worker->executor;
    weft_duration duration = now - worker->started_at;

    if (outcome->has_run) {
        executor->n_done++;
        executor->n_ended_abandoned += wf_job_is_abandoned(job);
        wf_queue_note_pace(executor, job->fn, duration);
        wf_histogram_add(&worker->run, duration);
        wf_executor_note_long(worker, duration, news);
    }
    worker->job = NULL;
    worker->is_named = false;
    worker->abandoned_at = 0;
    worker->is_abandoned_named = false;
    executor->n_running--;
}

/* Under mu: the job is this thread's. */
static void begin_job(struct wf_worker *worker, struct wf_job *job, weft_time now)
{
    weft_executor *executor = worker->executor;

    worker->job = job;
    worker->started_at = now;
    wf_histogram_add(&worker->wait, now - job->submitted_at);
    if (executor->taken_at != now) { /* submitters read it: not more often than needed */
        __atomic_store_n(&executor->taken_at, now, __ATOMIC_RELAXED);
    }
}

static void *run_thread(void *data)
{
    struct wf_worker *worker = data;
    weft_executor *executor = worker->executor;
    struct wf_job *done = NULL;
    struct outcome outcome = { 0 };
    struct wf_executor_news news = { 0 };
    weft_time now = wf_executor_now(executor);

    wf_thread_executor = executor;
    wf_thread_set_name(worker->name);

    pthread_mutex_lock(&executor->mu);
    worker->tid = gettid();
    executor->n_coming--;
    for (;;) {
        struct wf_job *job = wf_queue_take(executor);
        if (job == NULL && done == NULL) {
            if (executor->is_shut || !wait_for_job(worker)) {
                break;
            }
            now = wf_executor_now(executor);
            continue;
        }
        if (job != NULL) {
            begin_job(worker, job, now);
        }
        wf_queue_maybe_open_intake(executor);
        struct wf_worker *next = wf_worker_pick(executor);
        pthread_mutex_unlock(&executor->mu);

        wf_worker_call(next);
        if (news.job_age != 0) {
            wf_executor_log_news(&news);
            news.job_age = 0;
        }
        publish(done, &outcome);
        done = job;
        if (job != NULL) {
            outcome = run_job(job);
        }

        now = wf_executor_now(executor); /* the end of one and the start of the next */
        pthread_mutex_lock(&executor->mu);
        if (job != NULL) {
            end_job(worker, job, &outcome, now, &news);
        }
    }
    end_thread(worker);
    return NULL;
}

/* ---- making one ---------------------------------------------------------- */

/* NAME-7, the name cut where the number needs the room. */
static void name_worker(struct wf_worker *worker, const char *name, unsigned index)
{
    char number[16];
    size_t number_len = (size_t)snprintf(number, sizeof number, "-%u", index);
    size_t name_len = strnlen(name, sizeof worker->name - 1 - number_len);

    memcpy(worker->name, name, name_len);
    memcpy(worker->name + name_len, number, number_len + 1);
}

/* The first place that is free: NAME-0, NAME-1, ... */
static struct wf_worker *find_place(weft_executor *executor)
{
    for (unsigned i = 0; i < executor->max_threads; i++) {
        struct wf_worker *worker = executor->workers[i];
        if (worker == NULL) {
            worker = wf_new(struct wf_worker);
            if (worker == NULL) {
                return NULL;
            }
            name_worker(worker, executor->name, i);
            worker->executor = executor;
            wf_list_init(&worker->idle_link);
            executor->workers[i] = worker;
        }
        if (!worker->is_used) {
            return worker;
        }
    }
    WF_ASSERT(false); /* there are fewer threads than places */
    return NULL;
}

int wf_worker_start(weft_executor *executor)
{
    struct wf_worker *worker = find_place(executor);

    if (worker == NULL) {
        return WEFT_ENOMEM;
    }
    /* It waits for mu, so that what it finds is counted. */
    pthread_t thread; /* the handle comes back in end_thread */
    int r = wf_thread_start(&thread, run_thread, worker);
    if (r < 0) {
        executor->no_thread_before = wf_coarse_now() + RETRY_AFTER;
        return r;
    }
    worker->is_used = true;
    executor->n_threads++;
    executor->n_threads_made++;
    executor->n_coming++;
    wf_bell_ring_if_hung();
    return 0;
}

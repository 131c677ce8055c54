/*
 * The executor: made, given jobs, shut down. The queue, the threads and what can
 * be seen of it are in files of their own; executor_parts.h has the map, the mutex
 * and the invariant.
 *
 * A submit that cannot be served is refused as a whole: the job is then in no
 * list, its argument is destroyed, and no future was handed out.
 *
 * The end: `is_shut` lets the threads end when nothing is queued. The memory goes
 * with the last of them and the last user, whichever is later.
 *
 * Thread: any.
 */

#include "thread/abandon.h"
#include "thread/executor_parts.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/options.h"
#include "base/probe.h"
#include "thread/futex.h"
#include "thread/registry.h"
#include "thread/role.h"
#include "thread/start.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEAD 0x77664578u

/* So long a job may run on that nobody waits for any more, before the log names it. */
#define ABANDONED_AFTER WEFT_S(5)

enum {
    DEFAULT_EXTRA_THREADS = 4,
    DEFAULT_MOST_THREADS = 32
};

struct wf_list wf_executors = WF_REGISTRY_INIT(wf_executors);

weft_time wf_coarse_now(void)
{
    return wf_clock_coarse();
}

int wf_executor_check(const weft_executor *executor, const char *function)
{
    if (executor == NULL || executor->magic != WF_EXECUTOR_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: %s", function,
                         executor == NULL ? "the executor is NULL"
                                          : "this is no executor, or one that is gone");
    }
    if (executor->forks != wf_fork_generation) {
        return weft_fail(WEFT_EFORKED, "executor '%s' was made before the fork", executor->name);
    }
    return 0;
}

/* ---- making and freeing --------------------------------------------------- */

static unsigned default_max_threads(void)
{
    int n = wf_thread_count_cpus(NULL) + DEFAULT_EXTRA_THREADS;

    return n < DEFAULT_MOST_THREADS ? (unsigned)n : DEFAULT_MOST_THREADS;
}

/* Defaults put in; WEFT_EINVAL. */
static int read_options(const weft_executor_options *given, weft_executor_options *out_options)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    int r = wf_options_read("executor options", given, &options, sizeof options);

    if (r < 0) {
        return r;
    }
    if (options.max_threads == 0) {
        options.max_threads = default_max_threads();
        if (options.max_threads < options.min_threads && options.min_threads <= WF_MAX_THREADS) {
            options.max_threads = options.min_threads;
        }
    }
    if (options.max_threads > WF_MAX_THREADS || options.min_threads > options.max_threads) {
        return weft_fail(WEFT_EINVAL, "%u to %u threads: want min <= max <= %d",
                         options.min_threads, options.max_threads, WF_MAX_THREADS);
    }
    if (options.idle_exit < 0 || options.long_job < 0 || options.abandoned_job < 0 ||
        options.when_full > WEFT_EXECUTOR_WAIT) {
        return weft_fail(
            WEFT_EINVAL,
            "the executor's idle_exit, long_job, abandoned_job or when_full is out of range");
    }
    if (options.idle_exit == 0) {
        options.idle_exit = WEFT_S(30);
    }
    if (options.name == NULL) {
        options.name = "executor";
    }
    *out_options = options;
    return 0;
}

/* It is held so briefly that a little spinning nearly always beats going to sleep. */
static void init_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;

    /* None of these fails on Linux for these arguments. */
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
}

static void init_progress(pthread_cond_t *progress)
{
    pthread_condattr_t attributes;

    /* None of these fails on Linux for these arguments. */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(progress, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static weft_executor *allocate(const weft_origin *origin, const weft_executor_options *options)
{
    weft_executor *executor = wf_new(weft_executor);

    if (executor == NULL) {
        return NULL;
    }
    executor->workers = wf_new_array(struct wf_worker *, options->max_threads);
    if (executor->workers == NULL) {
        wf_free(executor);
        return NULL;
    }
    executor->magic = WF_EXECUTOR_MAGIC;
    executor->forks = wf_fork_generation;
    executor->n_refs.raw = 1;
    executor->origin = origin;
    snprintf(executor->name, sizeof executor->name, "%s", options->name);
    executor->min_threads = options->min_threads;
    executor->max_threads = options->max_threads;
    executor->queue_limit = options->queue_limit;
    executor->when_full = options->when_full;
    executor->idle_exit = options->idle_exit;
    executor->long_job = options->long_job;
    executor->abandoned_job =
        options->abandoned_job != 0 ? options->abandoned_job : ABANDONED_AFTER;
    executor->has_exact_times = options->exact_times;
    executor->linger_credit = 1; /* the first sleep tells more */
    init_mutex(&executor->mu);
    init_mutex(&executor->intake.mu);
    wf_list_init(&executor->intake.jobs);
    init_progress(&executor->progress);
    wf_list_init(&executor->queue);
    wf_list_init(&executor->slow_lane);
    wf_list_init(&executor->high_lane);
    wf_list_init(&executor->low_lane);
    wf_list_init(&executor->waiting);
    wf_list_init(&executor->idle);
    wf_list_init(&executor->end_waiters);
    return executor;
}

void wf_executor_free(weft_executor *executor)
{
    WF_ASSERT(executor->n_threads == 0 && executor->n_queued == 0 && executor->n_waiting == 0);
    WF_ASSERT(wf_list_is_empty(&executor->end_waiters));
    if (executor->has_ended) {
        pthread_join(executor->ended, NULL); /* it is past its last touch */
    }
    wf_registry_remove(&executor->registry_link);
    executor->magic = DEAD;
    for (unsigned i = 0; i < executor->max_threads; i++) {
        wf_free(executor->workers[i]);
    }
    wf_free(executor->workers);
    pthread_cond_destroy(&executor->progress);
    pthread_mutex_destroy(&executor->mu);
    pthread_mutex_destroy(&executor->intake.mu);
    wf_free(executor);
}

/* As many of the least number as can be made; an error when that is none. */
static int start_least_threads(weft_executor *executor)
{
    int r = 0;

    pthread_mutex_lock(&executor->mu);
    while (r == 0 && executor->n_threads < executor->min_threads) {
        r = wf_worker_start(executor);
    }
    if (executor->n_threads > 0) {
        r = 0;
    }
    pthread_mutex_unlock(&executor->mu);
    return r;
}

int weft_executor_create_at(const weft_origin *origin, const weft_executor_options *options,
                            weft_executor **out_executor)
{
    weft_executor_options chosen = WEFT_EXECUTOR_OPTIONS_INIT;

    if (out_executor == NULL) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s: out_executor is NULL", __func__);
    }
    int r = read_options(options, &chosen);
    if (r < 0) {
        return r;
    }
    wf_watch_forks();
    weft_executor *executor = allocate(origin, &chosen);
    if (executor == NULL) {
        return WEFT_ENOMEM;
    }
    r = start_least_threads(executor);
    if (r < 0) {
        wf_executor_free(executor);
        return weft_fail(r, "executor '%.15s': not one thread can be made", chosen.name);
    }
    wf_registry_add(&wf_executors, &executor->registry_link);
    *out_executor = executor;
    return 0;
}

weft_executor *weft_executor_ref(weft_executor *executor)
{
    if (executor != NULL && wf_executor_check(executor, __func__) == 0) {
        (void)wf_u32_add_relaxed(&executor->n_refs, 1); /* only the last unref needs the count */
    }
    return executor;
}

weft_executor *weft_executor_unref(weft_executor *executor)
{
    if (executor == NULL || wf_executor_check(executor, __func__) < 0) {
        return NULL;
    }
    /* The release of all others pairs with the acquire of the last one. */
    if (wf_u32_sub_acq_rel(&executor->n_refs, 1) != 1) {
        return NULL;
    }
    pthread_mutex_lock(&executor->mu);
    executor->is_shut = true;
    executor->is_orphan = true;
    wf_queue_close_intake(executor);
    bool is_mine = executor->n_threads == 0;
    wf_worker_call_all(executor);
    pthread_mutex_unlock(&executor->mu);
    if (is_mine) {
        wf_executor_free(executor);
    }
    return NULL;
}

const char *weft_executor_get_name(const weft_executor *executor)
{
    return executor != NULL && executor->magic == WF_EXECUTOR_MAGIC ? executor->name : "";
}

/* ---- submitting ----------------------------------------------------------- */

/* How a submit takes a full queue that waits. */
struct patience {
    struct wf_space_waiter *waiter; /* posted later; or NULL: */
    bool may_block;                 /* sleep here, or refuse */
};

static struct wf_job *make_job(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn,
                               void *arg, const weft_job_options *options)
{
    struct wf_job *job = wf_alloc(sizeof *job);

    if (job == NULL) {
        return NULL;
    }
    /* Field by field: a submit costs so little that clearing the whole would show. */
    wf_concurrent_future_init(&job->future, &wf_job_ops, origin);
    job->future.executor = executor;
    job->future.n_refs.raw = 2; /* the submitter's and the queue's; nobody else sees it yet */
    job->executor = executor;
    job->fn = fn;
    job->arg = arg;
    job->destroy = options->destroy;
    wf_list_init(&job->link);
    job->place = WF_JOB_NEW;
    job->sequence = 0;
    job->submitted_at = wf_executor_now(executor);
    job->waiter = NULL;
    job->room.raw = WF_ROOM_NONE;
    job->stop.raw = 0;
    job->priority = (int8_t)options->priority;
    job->is_unasked = false;
    return job;
}

/* Under mu: a thread for one more job, if that takes a new one. An error when there is none. */
static int ensure_thread(weft_executor *executor, weft_time now)
{
    size_t n_free = executor->n_threads - executor->n_running;

    if (executor->n_queued < n_free || executor->n_threads == executor->max_threads) {
        return 0;
    }
    if (executor->n_threads > 0 && now < executor->no_thread_before) {
        return 0;
    }
    int r = wf_worker_start(executor);
    return executor->n_threads > 0 ? 0 : r;
}

/* Under mu: WEFT_EQUEUEFULL or another reason not to wait for room, or 0. */
static int may_wait(weft_executor *executor, const struct patience *patience)
{
    bool has_waiter = patience->waiter != NULL;

    if (executor->when_full != WEFT_EXECUTOR_WAIT ||
        (!has_waiter && (!patience->may_block || wf_thread_runs_loop))) {
        executor->n_rejected++;
        return WEFT_EQUEUEFULL;
    }
    return !has_waiter && wf_thread_executor == executor ? WEFT_EDEADLOCK : 0;
}

/* Under mu: the job is taken (0 or WF_EXECUTOR_WAITS), or in no list (an error). */
static int admit(weft_executor *executor, struct wf_job *job, const struct patience *patience)
{
    if (executor->is_shut) {
        return WEFT_ESHUTDOWN;
    }
    int r = ensure_thread(executor, job->submitted_at);
    if (r < 0) {
        return r;
    }
    wf_queue_take_in(executor); /* they came before */
    if (wf_queue_has_room(executor)) {
        wf_queue_add(executor, job);
        return 0;
    }
    r = may_wait(executor, patience);
    if (r < 0) {
        return r;
    }
    job->waiter = patience->waiter;
    if (job->waiter != NULL) {
        job->waiter->future = &job->future;
    }
    wf_queue_wait_for_room(executor, job);
    return WF_EXECUTOR_WAITS;
}

static int explain(const weft_executor *executor, int code)
{
    switch (code) {
    case WEFT_ESHUTDOWN:
        return weft_fail(code, "cannot schedule new futures after shutdown");
    case WEFT_EQUEUEFULL:
        return weft_fail(code, "the queue of executor '%s' is full: %zu jobs wait", executor->name,
                         executor->queue_limit);
    case WEFT_EDEADLOCK:
        return weft_fail(code, "a job of executor '%s' must not wait for room in its own queue",
                         executor->name);
    default:
        return weft_fail(code, "executor '%s' has no thread and none can be made", executor->name);
    }
}

/* Without mu: until there is room for <job>, which the caller has a reference to. */
static int wait_for_room(struct wf_job *job)
{
    uint32_t room;

    while ((room = wf_u32_load_acquire(&job->room)) == WF_ROOM_NONE) {
        (void)wf_futex_wait(&job->room, WF_ROOM_NONE, WF_FUTEX_OUTCOME, WEFT_FOREVER);
    }
    return room == WF_ROOM_FOUND ? 0 : WEFT_ESHUTDOWN;
}

/* The job is in the lists, in a thread or refused when it returns. */
static int hand_over(weft_executor *executor, struct wf_job *job, const struct patience *patience)
{
    struct wf_executor_news news;

    if (wf_queue_leave(executor, job)) {
        return 0;
    }
    pthread_mutex_lock(&executor->mu);
    wf_executor_find_news(executor, job->submitted_at, &news);
    int r = admit(executor, job, patience);
    struct wf_worker *worker = wf_worker_pick(executor);
    pthread_mutex_unlock(&executor->mu);

    wf_worker_call(worker);
    wf_executor_log_news(&news);
    if (r < 0) {
        wf_job_destroy_arg(job);
        wf_free(job);
        return explain(executor, r);
    }
    if (r == WF_EXECUTOR_WAITS && patience->waiter == NULL) {
        r = wait_for_room(job);
        if (r < 0) { /* dropped by a shutdown, argument and all */
            weft_concurrent_future_unref(&job->future);
            return explain(executor, r);
        }
    }
    return r;
}

static int submit(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn, void *arg,
                  const weft_job_options *options, const struct patience *patience,
                  struct wf_cf_callback *callback, weft_concurrent_future **out_future)
{
    int r = wf_executor_check(executor, "weft_executor_submit");
    struct wf_job *job = NULL;

    if (r == 0 && fn == NULL) {
        r = wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "weft_executor_submit: fn is NULL");
    }
    if (r == 0) {
        job = make_job(origin, executor, fn, arg, options);
        r = job != NULL ? 0 : WEFT_ENOMEM;
    }
    if (job == NULL) {
        if (options->destroy != NULL) {
            options->destroy(arg);
        }
        return r;
    }
    WF_PROBE5(executor_submit, executor, job, executor->name, fn, origin);
    job->is_unasked = out_future == NULL;
    if (callback != NULL) { /* nobody else sees the job yet: no lock */
        wf_list_append(&job->future.callbacks, &callback->link);
    }
    r = hand_over(executor, job, patience);
    if (r < 0) {
        return r;
    }
    if (out_future != NULL) {
        *out_future = &job->future;
    } else {
        weft_concurrent_future_unref(&job->future);
    }
    return r;
}

int weft_executor_submit_at(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn,
                            void *arg, weft_destroy_fn *destroy,
                            weft_concurrent_future **out_future)
{
    const struct patience patience = { .may_block = true };
    const weft_job_options options = { .destroy = destroy };

    return submit(origin, executor, fn, arg, &options, &patience, NULL, out_future);
}

int weft_executor_submit_as_at(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn,
                               void *arg, const weft_job_options *options,
                               weft_concurrent_future **out_future)
{
    const struct patience patience = { .may_block = true };
    weft_job_options taken = WEFT_JOB_OPTIONS_INIT;
    int r = wf_options_read("job options", options, &taken, sizeof taken);

    if (r == 0 && (taken.priority < WEFT_JOB_LOW || taken.priority > WEFT_JOB_HIGH)) {
        r = weft_fail(WEFT_EINVAL, "%d is no priority of a job", (int)taken.priority);
    }
    if (r < 0) {
        if (taken.destroy != NULL) {
            taken.destroy(arg);
        }
        return r;
    }
    return submit(origin, executor, fn, arg, &taken, &patience, NULL, out_future);
}

int wf_executor_submit(const weft_origin *origin, weft_executor *executor, weft_job_fn *fn,
                       void *arg, weft_destroy_fn *destroy, struct wf_space_waiter *waiter,
                       struct wf_cf_callback *callback, weft_concurrent_future **out_future)
{
    const struct patience patience = { .waiter = waiter };
    const weft_job_options options = { .destroy = destroy };

    return submit(origin, executor, fn, arg, &options, &patience, callback, out_future);
}

bool wf_executor_forget_space(weft_executor *executor, struct wf_space_waiter *waiter)
{
    pthread_mutex_lock(&executor->mu);
    bool is_out = waiter->mailbox != NULL;
    if (waiter->future != NULL) {
        WF_CONTAINER_OF(waiter->future, struct wf_job, future)->waiter = NULL;
        waiter->future = NULL;
    }
    pthread_mutex_unlock(&executor->mu);
    return is_out;
}

void wf_executor_abandon(weft_concurrent_future *future)
{
    if (!wf_executor_is_abandoned(future)) {
        wf_job_ask_stop(WF_CONTAINER_OF(future, struct wf_job, future), WF_STOP_ABANDONED);
        wf_abandon_tell(future);
    }
}

bool wf_executor_is_abandoned(const weft_concurrent_future *future)
{
    const struct wf_job *job = (const struct wf_job *)(const void *)future;

    return (wf_u32_load_acquire(&job->stop) & WF_STOP_ABANDONED) != 0;
}

/* ---- shutting down -------------------------------------------------------- */

/* Under mu. As in the mailbox's other users: a posted node may be gone at once. */
static int post_end(struct wf_end_waiter *waiter)
{
    struct wf_mailbox *mailbox = waiter->mailbox;

    waiter->mailbox = NULL;
    int r = wf_mailbox_post(mailbox, &waiter->post);
    if (r < 0) {
        waiter->mailbox = mailbox;
    }
    return r;
}

void wf_executor_tell_end(weft_executor *executor)
{
    struct wf_list *node;

    while ((node = wf_list_take_first(&executor->end_waiters)) != NULL) {
        (void)post_end(WF_CONTAINER_OF(node, struct wf_end_waiter, link)); /* closed: nobody */
    }
    pthread_cond_broadcast(&executor->progress);
}

/* Under mu. */
static void start_shutdown(weft_executor *executor, bool cancel_queued, struct wf_list *batch)
{
    wf_list_init(batch);
    executor->is_shut = true;
    wf_queue_close_intake(executor);
    if (cancel_queued) {
        wf_queue_take_all(executor, batch);
    }
    wf_worker_call_all(executor);
}

int wf_executor_shutdown_start(weft_executor *executor, bool cancel_queued,
                               struct wf_end_waiter *waiter)
{
    struct wf_list batch;
    int r = 0;

    pthread_mutex_lock(&executor->mu);
    start_shutdown(executor, cancel_queued, &batch);
    wf_list_init(&waiter->link);
    if (executor->n_threads == 0) {
        r = post_end(waiter);
    } else {
        wf_list_append(&executor->end_waiters, &waiter->link);
    }
    pthread_mutex_unlock(&executor->mu);
    wf_queue_drop_batch(&batch);
    return r;
}

bool wf_executor_forget_end(weft_executor *executor, struct wf_end_waiter *waiter)
{
    pthread_mutex_lock(&executor->mu);
    bool is_out = waiter->mailbox != NULL;
    wf_list_remove(&waiter->link);
    pthread_mutex_unlock(&executor->mu);
    return is_out;
}

/* Under mu, which it leaves while it joins. */
static void join_last(weft_executor *executor)
{
    pthread_t ended = executor->ended;

    executor->has_ended = false;
    executor->is_joining = true;
    pthread_mutex_unlock(&executor->mu);
    pthread_join(ended, NULL);
    pthread_mutex_lock(&executor->mu);
    executor->is_joining = false;
    pthread_cond_broadcast(&executor->progress);
}

/* Under mu: until no thread is left. False: the moment came. */
static bool wait_for_end(weft_executor *executor, weft_time deadline)
{
    struct timespec moment = { .tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000 };
    bool in_time = true;

    for (;;) {
        if (executor->n_threads == 0 && executor->has_ended) {
            join_last(executor);
        } else if (executor->n_threads == 0 && !executor->is_joining) {
            return true;
        } else if (!in_time) {
            return false;
        } else if (deadline == WEFT_FOREVER) {
            pthread_cond_wait(&executor->progress, &executor->mu);
        } else {
            in_time = pthread_cond_timedwait(&executor->progress, &executor->mu, &moment) == 0;
        }
    }
}

static int check_shutdown(weft_executor *executor, const weft_executor_shutdown_options *options)
{
    if (options->timeout < 0) {
        return weft_fail(WEFT_EINVAL, "a negative timeout in the options of the shutdown");
    }
    if (options->wait && (wf_thread_runs_loop || wf_thread_executor == executor)) {
        return weft_fail(WEFT_EDEADLOCK, "waiting for executor '%s' on a thread that %s",
                         executor->name, wf_thread_runs_loop ? "runs a loop" : "belongs to it");
    }
    return 0;
}

/* The time is up: ask those who run to stop, and name them. */
static int give_up(weft_executor *executor)
{
    enum {
        MAX_NAMED = 32,
        TEXT_SIZE = 1024
    };
    char text[TEXT_SIZE];
    weft_executor_job jobs[MAX_NAMED];

    size_t n = weft_executor_get_running(executor, jobs, MAX_NAMED); /* before they stop */
    pthread_mutex_lock(&executor->mu);
    wf_executor_describe_stuck(executor, text, sizeof text);
    wf_worker_stop_all(executor);
    pthread_mutex_unlock(&executor->mu);
    for (size_t i = 0; i < n && i < MAX_NAMED; i++) {
        weft_report report = WEFT_REPORT_INIT;
        char message[256];
        wf_executor_fill_survivor(&jobs[i], message, sizeof message, &report);
        wf_report(&report);
    }
    weft_error *error = wf_error_create(WEFT_ETIMEDOUT, NULL, text); /* longer than weft_fail's */
    wf_frame_set_error(wf_frame_current(), error);
    wf_error_unref(error);
    return WEFT_ETIMEDOUT;
}

int weft_executor_shutdown(weft_executor *executor, const weft_executor_shutdown_options *given)
{
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    struct wf_list batch;
    bool has_ended = true;

    int r = wf_executor_check(executor, __func__);
    if (r == 0) {
        r = wf_options_read("shutdown options", given, &options, sizeof options);
    }
    if (r == 0) {
        r = check_shutdown(executor, &options);
    }
    if (r < 0) {
        return r;
    }
    weft_time deadline = options.timeout == 0 ? WEFT_FOREVER : wf_futex_deadline(options.timeout);

    pthread_mutex_lock(&executor->mu);
    start_shutdown(executor, options.cancel_queued, &batch);
    if (options.stop_running) {
        wf_worker_stop_all(executor);
    }
    pthread_mutex_unlock(&executor->mu);
    wf_queue_drop_batch(&batch);
    if (!options.wait) {
        return 0;
    }
    pthread_mutex_lock(&executor->mu);
    has_ended = wait_for_end(executor, deadline);
    pthread_mutex_unlock(&executor->mu);
    return has_ended ? 0 : give_up(executor);
}

void wf_executor_stop_running(weft_executor *executor)
{
    pthread_mutex_lock(&executor->mu);
    wf_worker_stop_all(executor);
    pthread_mutex_unlock(&executor->mu);
}

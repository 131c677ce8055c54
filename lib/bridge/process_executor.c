/*
 * A process executor: an executor of threads, each of which keeps one worker process.
 *
 * A request owns copies of all that it needs; the threads' job is to ask the worker of
 * whichever thread takes it (process_worker.c). So what is queued, has room, is cancelled or
 * dropped is known by the threads; here stands what is about processes.
 *
 * Who kills: a job that nobody wants any more (kill_on_cancel) is watched (abandon.h)
 * while it runs; a shutdown with
 * kill_running. The lock of the watches ranks above mu.
 *
 * References: the users', together one; each request; each worker. The last one frees.
 *
 * Thread: any.
 */

#include "bridge/process_executor.h"

#include "base/alloc.h"
#include "base/log.h"
#include "weft/bridge.h"
#include "weft/result.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_WORKERS = 4096
};

#define MESSAGE_LIMIT ((size_t)1 << 30)
/* How long threads may take to end once what they waited for was killed. */
#define KILLED_LIMIT WEFT_S(10)

static int check(const weft_process_executor *executor)
{
    if (executor == NULL || executor->magic != WF_PROCESS_EXECUTOR_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a process executor");
    }
    return 0;
}

/* ---- references --------------------------------------------------------- */

static void free_executor(weft_process_executor *executor)
{
    pthread_cond_destroy(&executor->warm);
    pthread_mutex_destroy(&executor->mu);
    wf_free(executor->name);
    wf_free(executor->argv);
    executor->magic = 0;
    wf_free(executor);
}

void wf_process_executor_ref(weft_process_executor *executor)
{
    __atomic_fetch_add(&executor->n_refs, 1, __ATOMIC_RELAXED);
}

void wf_process_executor_release(weft_process_executor *executor)
{
    /* Pairs with the other releases: the last one sees everything. */
    if (__atomic_sub_fetch(&executor->n_refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free_executor(executor);
    }
}

weft_process_executor *weft_process_executor_ref(weft_process_executor *executor)
{
    if (executor != NULL && check(executor) == 0) {
        __atomic_fetch_add(&executor->n_users, 1, __ATOMIC_RELAXED);
    }
    return executor;
}

weft_process_executor *weft_process_executor_unref(weft_process_executor *executor)
{
    if (executor == NULL || check(executor) < 0) {
        return NULL;
    }
    if (__atomic_sub_fetch(&executor->n_users, 1, __ATOMIC_ACQ_REL) == 0) {
        executor->threads = weft_executor_unref(executor->threads); /* NULL; never blocks */
        wf_process_executor_release(executor);
    }
    return NULL;
}

/* ---- making ------------------------------------------------------------- */

/* The CPUs that we may use. */
static unsigned count_cpus(void)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0) {
        return 1;
    }
    int n = CPU_COUNT(&cpus);
    return n > 0 ? (unsigned)n : 1;
}

static int read_options(const weft_process_executor_options *options,
                        weft_process_executor_options *out_options)
{
    weft_process_executor_options read = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;

    if (options != NULL) {
        if (options->size < sizeof options->size) {
            return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL,
                             "process executor options without a size");
        }
        memcpy(&read, options, options->size < sizeof read ? options->size : sizeof read);
    }
    read.name = read.name != NULL ? read.name : "processes";
    read.max_workers = read.max_workers != 0 ? read.max_workers : count_cpus();
    read.message_limit = read.message_limit != 0 ? read.message_limit : MESSAGE_LIMIT;
    if (read.min_workers > read.max_workers || read.max_workers > MAX_WORKERS) {
        return weft_fail(WEFT_EINVAL, "between %u and %u workers, at most %d", read.min_workers,
                         read.max_workers, MAX_WORKERS);
    }
    if (read.argv != NULL && (read.argv[0] == NULL || read.argv[0][0] == '\0')) {
        return weft_fail(WEFT_EINVAL, "no program for the workers");
    }
    *out_options = read;
    return 0;
}

/* The worker's arguments: those given, or our own name; and the one that says what it is. */
static char **make_argv(const char *const *given)
{
    const char *const self[] = { program_invocation_name, NULL };
    size_t n = 0;
    size_t size = sizeof WF_WORKER_ARGUMENT;

    given = given != NULL ? given : self;
    while (given[n] != NULL) {
        size += strlen(given[n++]) + 1;
    }
    char **argv = wf_alloc((n + 2) * sizeof *argv + size);
    if (argv == NULL) {
        return NULL;
    }
    char *at = (char *)(argv + n + 2);
    for (size_t i = 0; i <= n; i++) {
        const char *text = i < n ? given[i] : WF_WORKER_ARGUMENT;
        size_t len = strlen(text) + 1;
        argv[i] = memcpy(at, text, len);
        at += len;
    }
    argv[n + 1] = NULL;
    return argv;
}

static int make_threads(const weft_origin *origin, const weft_process_executor_options *options,
                        weft_executor **out_threads)
{
    weft_executor_options threads = WEFT_EXECUTOR_OPTIONS_INIT;

    threads.name = options->name;
    threads.min_threads = options->min_workers;
    threads.max_threads = options->max_workers;
    threads.queue_limit = options->queue_limit;
    threads.when_full = options->when_full;
    threads.idle_exit = options->idle_exit;
    return weft_executor_create_at(origin, &threads, out_threads);
}

/*
 * Start a worker on a thread that has none. All of these jobs wait for each other, so that each
 * has a thread of its own; there are as many.
 */
static int warm_up(void *data)
{
    weft_process_executor *executor = data;
    struct wf_worker_process *worker;

    (void)wf_worker_get(executor, &worker); /* a job that needs one will say what is wrong */
    pthread_mutex_lock(&executor->mu);
    executor->n_warm++;
    pthread_cond_broadcast(&executor->warm);
    while (executor->n_warm < executor->n_to_warm) {
        pthread_cond_wait(&executor->warm, &executor->mu);
    }
    pthread_mutex_unlock(&executor->mu);
    wf_process_executor_release(executor);
    return 0;
}

static void release_executor(void *data)
{
    wf_process_executor_release(data);
}

/* As many as can be had: the rest come when they are needed. */
static void start_min_workers(weft_process_executor *executor, unsigned n)
{
    weft_concurrent_future *future;

    executor->n_to_warm = n;
    for (unsigned i = 0; i < n; i++) {
        wf_process_executor_ref(executor);
        if (weft_executor_submit_with(executor->threads, warm_up, executor, release_executor,
                                      &future) < 0) {
            pthread_mutex_lock(&executor->mu);
            executor->n_to_warm = i;
            pthread_cond_broadcast(&executor->warm);
            pthread_mutex_unlock(&executor->mu);
            return;
        }
        (void)weft_concurrent_future_unref(future); /* always NULL */
    }
}

int weft_process_executor_create_at(const weft_origin *origin,
                                    const weft_process_executor_options *options,
                                    weft_process_executor **out_executor)
{
    weft_process_executor_options read = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
    int code = read_options(options, &read);

    if (code == 0 && out_executor == NULL) {
        code = weft_fail_at(origin, WEFT_EINVAL, "no place for the executor");
    }
    if (code < 0) {
        return code;
    }
    weft_process_executor *executor = wf_new(weft_process_executor);
    if (executor == NULL) {
        return WEFT_ENOMEM;
    }
    executor->magic = WF_PROCESS_EXECUTOR_MAGIC;
    executor->n_users = 1;
    executor->n_refs = 1;
    executor->max_tasks = read.max_tasks_per_child;
    executor->kill_on_cancel = read.kill_on_cancel;
    executor->message_limit = read.message_limit;
    executor->program = read.argv == NULL ? "/proc/self/exe" : NULL;
    pthread_mutex_init(&executor->mu, NULL);
    pthread_cond_init(&executor->warm, NULL);
    wf_list_init(&executor->workers);
    executor->name = wf_strdup(read.name);
    executor->argv = make_argv(read.argv);
    code = executor->name != NULL && executor->argv != NULL
               ? make_threads(origin, &read, &executor->threads)
               : WEFT_ENOMEM;
    if (code < 0) {
        free_executor(executor);
        return code;
    }
    start_min_workers(executor, read.min_workers);
    *out_executor = executor;
    return 0;
}

/* ---- requests ----------------------------------------------------------- */

static struct wf_request *make_request(const weft_origin *origin, weft_process_executor *executor,
                                       const char *job, const void *input, size_t size)
{
    struct wf_request *request = wf_alloc(sizeof *request + size);

    if (request == NULL) {
        return NULL;
    }
    *request = (struct wf_request){
        .executor = executor, .origin = origin, .size = size, .input = (char *)(request + 1)
    };
    wf_list_init(&request->watch.link);
    (void)snprintf(request->name, sizeof request->name, "%s", job);
    if (size > 0) {
        memcpy(request->input, input, size);
    }
    wf_process_executor_ref(executor);
    return request;
}

static void free_request(void *data)
{
    struct wf_request *request = data;

    wf_process_executor_release(request->executor);
    wf_free(request);
}

/* Nobody wants it any more: kill who runs it, or who will. */
static void give_up(struct wf_request *request)
{
    pthread_mutex_lock(&request->executor->mu);
    request->is_unwanted = true;
    if (request->worker != NULL) {
        wf_worker_kill(request->worker);
    }
    pthread_mutex_unlock(&request->executor->mu);
}

/* Under the lock of the watches. */
static void on_abandoned(struct wf_abandon_watch *watch)
{
    give_up(WF_CONTAINER_OF(watch, struct wf_request, watch));
}

static bool is_unwanted(struct wf_request *request)
{
    pthread_mutex_lock(&request->executor->mu);
    bool is_unwanted = request->is_unwanted;
    pthread_mutex_unlock(&request->executor->mu);
    return is_unwanted;
}

/* Ask the thread's worker; in the end, whether it was killed because nobody wants to know. */
static int ask(struct wf_request *request, weft_bytes **out_output)
{
    struct wf_worker_process *worker = NULL;
    int code = wf_worker_get(request->executor, &worker);

    return code == 0 ? wf_worker_ask(worker, request, out_output) : code;
}

/* The threads' job. */
static int serve(void *data)
{
    struct wf_request *request = data;
    weft_bytes *output = NULL;
    int code;

    if (request->executor->kill_on_cancel) {
        wf_abandon_watch_start(&request->watch, on_abandoned);
        code = is_unwanted(request) ? 0 : ask(request, &output);
        wf_abandon_watch_stop(&request->watch);
        code = code < 0 && is_unwanted(request) ? 0 : code; /* nobody is there to be told */
    } else {
        code = ask(request, &output);
    }
    free_request(request);
    return code == 0 && output != NULL ? weft_return_ptr(output, weft_bytes_destroy) : code;
}

static int check_request(const weft_process_executor *executor, const char *job, const void *input,
                         size_t size)
{
    int code = check(executor);

    if (code < 0) {
        return code;
    }
    if (job == NULL || job[0] == '\0' || strlen(job) > WF_WORKER_MAX_NAME) {
        return weft_fail(WEFT_EINVAL, "a job's name has 1 to %d bytes", WF_WORKER_MAX_NAME);
    }
    if ((input == NULL && size > 0) || size > executor->message_limit) {
        return weft_fail(WEFT_EINVAL, "an input of %zu bytes for job '%s', at most %zu", size, job,
                         executor->message_limit);
    }
    return 0;
}

/* ---- submitting --------------------------------------------------------- */

int weft_process_executor_submit_at(const weft_origin *origin, weft_process_executor *executor,
                                    const char *job, const void *input, size_t size,
                                    weft_concurrent_future **out_future)
{
    int code = check_request(executor, job, input, size);

    if (code < 0) {
        return code;
    }
    struct wf_request *request = make_request(origin, executor, job, input, size);
    if (request == NULL) {
        return WEFT_ENOMEM;
    }
    return weft_executor_submit_at(origin, executor->threads, serve, request, free_request,
                                   out_future);
}

int weft_loop_run_in_process_executor_at(const weft_origin *origin, weft_loop *loop,
                                         weft_process_executor *executor, const char *job,
                                         const void *input, size_t size, weft_future **out_future)
{
    int code = check_request(executor, job, input, size);

    if (code < 0) {
        return code;
    }
    struct wf_request *request = make_request(origin, executor, job, input, size);
    if (request == NULL) {
        return WEFT_ENOMEM;
    }
    return weft_loop_run_in_executor_at(origin, loop, executor->threads, serve, request,
                                        free_request, out_future);
}

/* ---- shutting down ------------------------------------------------------ */

static void kill_workers(weft_process_executor *executor)
{
    pthread_mutex_lock(&executor->mu);
    for (struct wf_list *link = executor->workers.next; link != &executor->workers;
         link = link->next) {
        wf_worker_kill(WF_CONTAINER_OF(link, struct wf_worker_process, link));
    }
    pthread_mutex_unlock(&executor->mu);
}

/* Name the one that runs longest. */
static int tell_stuck(weft_process_executor *executor)
{
    const struct wf_worker_process *oldest = NULL;
    char text[256] = "no job runs any more";
    size_t n = 0;

    pthread_mutex_lock(&executor->mu);
    for (struct wf_list *link = executor->workers.next; link != &executor->workers;
         link = link->next) {
        const struct wf_worker_process *worker =
            WF_CONTAINER_OF(link, struct wf_worker_process, link);
        if (worker->request == NULL) {
            continue;
        }
        n++;
        if (oldest == NULL || worker->request->started_at < oldest->request->started_at) {
            oldest = worker;
        }
    }
    if (oldest != NULL) {
        (void)snprintf(text, sizeof text, "%zu jobs still run, the oldest is '%.64s' in process %d",
                       n, oldest->request->name, (int)oldest->child.pid);
    }
    pthread_mutex_unlock(&executor->mu);
    return weft_fail(WEFT_ETIMEDOUT, "process executor '%s': %s", executor->name, text);
}

int weft_process_executor_shutdown(weft_process_executor *executor,
                                   const weft_process_executor_shutdown_options *options)
{
    weft_process_executor_shutdown_options read = WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    weft_executor_shutdown_options threads = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    int code = check(executor);

    if (code < 0) {
        return code;
    }
    if (options != NULL) {
        if (options->size < sizeof options->size) {
            return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "shutdown options without a size");
        }
        memcpy(&read, options, options->size < sizeof read ? options->size : sizeof read);
    }
    threads.wait = read.wait;
    threads.cancel_queued = read.cancel_queued;
    threads.timeout = read.timeout;
    code = weft_executor_shutdown(executor->threads, &threads);
    if (code == WEFT_ETIMEDOUT && read.kill_running) {
        kill_workers(executor);
        threads.cancel_queued = true; /* their time is up, too */
        threads.timeout = KILLED_LIMIT;
        code = weft_executor_shutdown(executor->threads, &threads);
    }
    return code == WEFT_ETIMEDOUT ? tell_stuck(executor) : code;
}

/* ---- looking inside ----------------------------------------------------- */

int weft_process_executor_get_stats(weft_process_executor *executor,
                                    weft_process_executor_stats *out_stats)
{
    weft_process_executor_stats stats = WEFT_PROCESS_EXECUTOR_STATS_INIT;
    weft_executor_stats threads = WEFT_EXECUTOR_STATS_INIT;
    int code = check(executor);

    if (code < 0) {
        return code;
    }
    if (out_stats == NULL || out_stats->size < sizeof out_stats->size) {
        return weft_fail(WEFT_EINVAL, "no place for the numbers, or one without a size");
    }
    code = weft_executor_get_stats(executor->threads, &threads);
    if (code < 0) {
        return code;
    }
    pthread_mutex_lock(&executor->mu);
    stats.n_workers = executor->n_workers;
    stats.n_started = executor->n_started;
    stats.n_broken = executor->n_broken;
    stats.n_done = executor->n_done;
    for (struct wf_list *link = executor->workers.next; link != &executor->workers;
         link = link->next) {
        stats.n_running += WF_CONTAINER_OF(link, struct wf_worker_process, link)->request != NULL;
    }
    pthread_mutex_unlock(&executor->mu);
    stats.n_queued = threads.n_queued;
    stats.n_waiting = threads.n_waiting;
    stats.n_cancelled = threads.n_cancelled;
    stats.n_rejected = threads.n_rejected;
    stats.head_age = threads.head_age;
    size_t size = out_stats->size < sizeof stats ? out_stats->size : sizeof stats;
    stats.size = size;
    memcpy(out_stats, &stats, size);
    return 0;
}

static void describe_job(const struct wf_worker_process *worker, weft_time now,
                         weft_process_executor_job *out_job)
{
    const struct wf_request *request = worker->request;

    (void)snprintf(out_job->job, sizeof out_job->job, "%.*s", (int)sizeof out_job->job - 1,
                   request->name);
    out_job->pid = worker->child.pid;
    out_job->age = now - request->started_at;
    out_job->origin = request->origin;
    out_job->is_abandoned = request->is_unwanted;
}

size_t weft_process_executor_get_running(weft_process_executor *executor,
                                         weft_process_executor_job *jobs, size_t n)
{
    weft_time now = weft_clock_now();
    size_t n_running = 0;

    if (executor == NULL || check(executor) < 0) {
        return 0;
    }
    pthread_mutex_lock(&executor->mu);
    for (struct wf_list *link = executor->workers.next; link != &executor->workers;
         link = link->next) {
        const struct wf_worker_process *worker =
            WF_CONTAINER_OF(link, struct wf_worker_process, link);
        if (worker->request == NULL) {
            continue;
        }
        if (n_running < n && jobs != NULL) {
            describe_job(worker, now, &jobs[n_running]);
        }
        n_running++;
    }
    pthread_mutex_unlock(&executor->mu);
    return n_running;
}

const char *weft_process_executor_get_name(const weft_process_executor *executor)
{
    return executor == NULL || check(executor) < 0 ? "" : executor->name;
}

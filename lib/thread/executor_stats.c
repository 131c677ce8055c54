/*
 * What can be seen of an executor: its counts, its histograms, the jobs that run;
 * and what the log hears by itself: a head that waits long, a job that runs long,
 * those who outlive a shutdown.
 *
 * Whoever submits looks once a tick, and a job's own thread when it ends; and while
 * there is a monitor (lib/inspect), it looks twice a second at all that have jobs, so
 * that one is named that nobody uses any more.
 *
 * Thread: any.
 */

#include "thread/executor_parts.h"

#include "base/log.h"
#include "base/options.h"
#include "thread/registry.h"
#include "thread/role.h"
#include "weft/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The log hears of a head that waits this long, and again whenever that has doubled. */
#define SATURATED_AFTER WEFT_S(5)

/* ---- names ---------------------------------------------------------------- */

static const char *what_of(const weft_origin *origin)
{
    return origin != NULL && origin->what != NULL ? origin->what : "?";
}

static const char *file_of(const weft_origin *origin)
{
    return origin != NULL && origin->file != NULL ? origin->file : "?";
}

static int line_of(const weft_origin *origin)
{
    return origin != NULL ? origin->line : 0;
}

static weft_duration age_at(weft_time now, weft_time since)
{
    return now > since ? now - since : 0;
}

/* ---- news for the log ------------------------------------------------------ */

static void find_saturation(weft_executor *executor, weft_time now, struct wf_executor_news *news)
{
    struct wf_job *head = wf_queue_head(executor);

    if (head == NULL) {
        return;
    }
    weft_duration age = age_at(now, head->submitted_at);
    weft_duration limit =
        executor->next_saturation != 0 ? executor->next_saturation : SATURATED_AFTER;
    if (age >= limit) {
        executor->next_saturation = age * 2;
        news->head = head->future.origin;
        news->head_age = age;
        memcpy(news->executor, executor->name, sizeof executor->name);
    }
}

/* One at a time: the next tick finds the next. */
static void find_long_job(weft_executor *executor, weft_time now, struct wf_executor_news *news)
{
    for (unsigned i = 0; executor->long_job != 0 && i < executor->max_threads; i++) {
        struct wf_worker *worker = executor->workers[i];
        if (worker != NULL && worker->job != NULL && !worker->is_named) {
            wf_executor_note_long(worker, age_at(now, worker->started_at), news);
        }
        if (news->job_age != 0) {
            return;
        }
    }
}

/* The same. How long a job is abandoned is known from the first look that finds it so. */
static void find_abandoned_job(weft_executor *executor, weft_time now,
                               struct wf_executor_news *news)
{
    for (unsigned i = 0; executor->n_running > 0 && i < executor->max_threads; i++) {
        struct wf_worker *worker = executor->workers[i];
        if (worker == NULL || worker->job == NULL || worker->is_abandoned_named ||
            !wf_job_is_abandoned(worker->job)) {
            continue;
        }
        if (worker->abandoned_at == 0) {
            worker->abandoned_at = now;
        } else if (now - worker->abandoned_at >= executor->abandoned_job) {
            worker->is_abandoned_named = true;
            news->abandoned = worker->job->future.origin;
            news->abandoned_age = age_at(now, worker->abandoned_at);
            memcpy(news->abandoned_thread, worker->name, sizeof news->abandoned_thread);
            return;
        }
    }
}

static void begin_news(struct wf_executor_news *news)
{
    news->head_age = 0;
    news->job_age = 0;
    news->abandoned_age = 0;
}

void wf_executor_find_news(weft_executor *executor, weft_time now, struct wf_executor_news *news)
{
    begin_news(news);
    if (now - executor->looked_at < WEFT_MS(1)) { /* once a tick is often enough */
        return;
    }
    executor->looked_at = now;
    find_saturation(executor, now, news);
    find_long_job(executor, now, news);
}

void wf_executor_note_long(struct wf_worker *worker, weft_duration duration,
                           struct wf_executor_news *news)
{
    weft_executor *executor = worker->executor;

    if (executor->long_job == 0 || duration <= executor->long_job || worker->is_named) {
        return;
    }
    worker->is_named = true;
    executor->n_long++;
    news->job = worker->job->future.origin;
    news->job_age = duration;
    memcpy(news->thread, worker->name, sizeof news->thread);
}

static void report_news(enum weft_report_kind kind, const char *message, const weft_origin *origin)
{
    weft_report report = WEFT_REPORT_INIT;

    report.kind = kind;
    report.message = message;
    report.subject = what_of(origin);
    report.origin = origin;
    wf_report(&report);
}

void wf_executor_log_news(const struct wf_executor_news *news)
{
    char message[384];

    if (news->head_age != 0) {
        snprintf(message, sizeof message,
                 "executor '%s' saturated for %lld s, head job %s from %s:%d", news->executor,
                 (long long)(news->head_age / WEFT_S(1)), what_of(news->head), file_of(news->head),
                 line_of(news->head));
        report_news(WEFT_REPORT_EXECUTOR_SATURATED, message, news->head);
    }
    if (news->job_age != 0) {
        snprintf(message, sizeof message, "job %s from %s:%d runs for %lld ms on %s",
                 what_of(news->job), file_of(news->job), line_of(news->job),
                 (long long)(news->job_age / WEFT_MS(1)), news->thread);
        report_news(WEFT_REPORT_LONG_JOB, message, news->job);
    }
    if (news->abandoned_age != 0) {
        snprintf(message, sizeof message,
                 "job %s from %s:%d still runs on %s, %lld ms after the wait for it was cancelled",
                 what_of(news->abandoned), file_of(news->abandoned), line_of(news->abandoned),
                 news->abandoned_thread, (long long)(news->abandoned_age / WEFT_MS(1)));
        report_news(WEFT_REPORT_ABANDONED_JOB, message, news->abandoned);
    }
}

/* ---- a look at all ------------------------------------------------------------ */

enum {
    NEWS_AT_ONCE = 8
};

static bool has_news(const struct wf_executor_news *news)
{
    return news->head_age != 0 || news->job_age != 0 || news->abandoned_age != 0;
}

/* Whether there is anything in it to look at. */
static bool look_at(weft_executor *executor, struct wf_executor_news *news)
{
    pthread_mutex_lock(&executor->mu);
    wf_queue_take_in(executor);
    bool is_active = executor->n_running + executor->n_queued + executor->n_waiting > 0;
    begin_news(news);
    if (is_active) {
        wf_executor_find_news(executor, wf_executor_now(executor), news);
        find_abandoned_job(executor, wf_executor_now(executor), news);
    }
    pthread_mutex_unlock(&executor->mu);
    return is_active;
}

bool wf_executors_look(void)
{
    struct wf_executor_news news[NEWS_AT_ONCE];
    size_t n_news = 0;
    bool are_active = false;

    wf_registry_lock();
    for (struct wf_list *link = wf_executors.next; link != &wf_executors && n_news < NEWS_AT_ONCE;
         link = link->next) {
        weft_executor *executor = WF_CONTAINER_OF(link, weft_executor, registry_link);
        if (executor->forks == wf_fork_generation && look_at(executor, &news[n_news])) {
            are_active = true;
            n_news += has_news(&news[n_news]);
        }
    }
    wf_registry_unlock();
    for (size_t i = 0; i < n_news; i++) {
        wf_executor_log_news(&news[i]);
    }
    return are_active;
}

bool wf_executors_are_active(void)
{
    bool are_active = false;

    wf_registry_lock();
    for (struct wf_list *link = wf_executors.next; link != &wf_executors && !are_active;
         link = link->next) {
        weft_executor *executor = WF_CONTAINER_OF(link, weft_executor, registry_link);
        if (executor->forks == wf_fork_generation) {
            pthread_mutex_lock(&executor->mu);
            wf_queue_take_in(executor);
            are_active = executor->n_running + executor->n_queued + executor->n_waiting +
                             executor->n_coming >
                         0;
            pthread_mutex_unlock(&executor->mu);
        }
    }
    wf_registry_unlock();
    return are_active;
}

/* ---- those who outlive a shutdown ------------------------------------------ */

/* Adds to <text>, as much as has room; returns the new length. */
static WEFT_PRINTF(4, 5) size_t
    add_text(char *text, size_t size, size_t len, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(text + len, size - len, format, arguments);
    va_end(arguments);
    size_t end = len + (size_t)(n > 0 ? n : 0);
    return end < size ? end : size - 1;
}

void wf_executor_describe_stuck(weft_executor *executor, char *text, size_t size)
{
    enum {
        PLACE = 160
    }; /* room that one more wants */
    weft_time now = wf_executor_now(executor);
    size_t n_left = executor->n_running;
    const char *divider = ": ";

    if (n_left == 0) {
        snprintf(text, size, "executor '%s': %zu threads have not ended", executor->name,
                 executor->n_threads);
        return;
    }
    size_t len = add_text(text, size, 0, "executor '%s': %zu jobs still run and %zu wait",
                          executor->name, n_left, executor->n_queued + executor->n_waiting);
    for (unsigned i = 0; i < executor->max_threads && size - len > PLACE; i++) {
        const struct wf_worker *worker = executor->workers[i];
        if (worker == NULL || worker->job == NULL) {
            continue;
        }
        const weft_origin *origin = worker->job->future.origin;
        len = add_text(text, size, len, "%s'%s' from %s:%d, on %s for %lld ms", divider,
                       what_of(origin), file_of(origin), line_of(origin), worker->name,
                       (long long)(age_at(now, worker->started_at) / WEFT_MS(1)));
        divider = "; ";
        n_left--;
    }
    if (n_left > 0) {
        (void)add_text(text, size, len, "; and %zu more", n_left);
    }
}

void wf_executor_fill_survivor(const weft_executor_job *job, char *message, size_t size,
                               weft_report *report)
{
    const char *what = what_of(job->origin);

    snprintf(message, size, "job '%s' still runs on thread '%s' after %lld ms: it is left behind",
             what, job->thread, (long long)(job->age / WEFT_MS(1)));
    report->kind = WEFT_REPORT_SHUTDOWN_SURVIVOR;
    report->message = message;
    report->subject = what;
    report->origin = job->origin;
}

/* ---- looking inside -------------------------------------------------------- */

static size_t count_abandoned(const weft_executor *executor)
{
    size_t n = 0;

    for (unsigned i = 0; i < executor->max_threads; i++) {
        const struct wf_worker *worker = executor->workers[i];
        n += worker != NULL && worker->job != NULL && wf_job_is_abandoned(worker->job);
    }
    return n;
}

static void merge(weft_histogram *into, const weft_histogram *other)
{
    into->n += other->n;
    into->sum += other->sum;
    into->max = other->max > into->max ? other->max : into->max;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += other->buckets[i];
    }
}

int weft_executor_get_stats(weft_executor *executor, weft_executor_stats *out_stats)
{
    int r = wf_executor_check(executor, __func__);

    if (r < 0) {
        return r;
    }
    weft_time now = wf_executor_now(executor);
    pthread_mutex_lock(&executor->mu);
    wf_queue_take_in(executor);
    weft_executor_stats stats = {
        .size = sizeof stats,
        .n_threads = executor->n_threads,
        .n_idle = executor->n_idle,
        .n_queued = executor->n_queued,
        .n_waiting = executor->n_waiting,
        .n_running = executor->n_running,
        .n_abandoned = count_abandoned(executor),
        .n_done = executor->n_done,
        .n_cancelled = executor->n_cancelled,
        .n_rejected = executor->n_rejected,
        .n_threads_made = executor->n_threads_made,
        .n_long = executor->n_long,
        .n_ended_abandoned = executor->n_ended_abandoned,
    };
    for (unsigned i = 0; i < executor->max_threads; i++) {
        const struct wf_worker *worker = executor->workers[i];
        if (worker != NULL) { /* also one whose thread has ended */
            merge(&stats.wait, &worker->wait);
            merge(&stats.run, &worker->run);
        }
    }
    struct wf_job *head = wf_queue_head(executor);
    if (head != NULL) {
        stats.head_age = age_at(now, head->submitted_at);
        stats.head_origin = head->future.origin;
    }
    pthread_mutex_unlock(&executor->mu);
    return wf_stats_write("executor statistics", out_stats, &stats, sizeof stats);
}

size_t weft_executor_get_running(weft_executor *executor, weft_executor_job *jobs, size_t n)
{
    size_t n_running = 0;

    if (executor == NULL || wf_executor_check(executor, __func__) < 0) {
        return 0;
    }
    weft_time now = wf_executor_now(executor);
    pthread_mutex_lock(&executor->mu);
    for (unsigned i = 0; i < executor->max_threads; i++) {
        const struct wf_worker *worker = executor->workers[i];
        if (worker == NULL || worker->job == NULL) {
            continue;
        }
        if (n_running < n) {
            weft_executor_job *job = &jobs[n_running];
            job->origin = worker->job->future.origin;
            job->fn = worker->job->fn;
            job->age = age_at(now, worker->started_at);
            job->is_abandoned = wf_job_is_abandoned(worker->job);
            memcpy(job->thread, worker->name, sizeof job->thread);
        }
        n_running++;
    }
    pthread_mutex_unlock(&executor->mu);
    return n_running;
}

/*
 * Executors and their jobs: those that run, then the queue in its order.
 *
 * In this process the executor's mutex is held while it is read, so that it is read whole; it is
 * free, since no thread is held yet. Another process's is read as it is, list by list.
 *
 * Thread: that of the snapshot.
 */

#include "inspect/reader.h"

#include "thread/executor_parts.h"

enum {
    MAX_EXECUTORS = 4096,
    MAX_JOBS = 10000 /* of one list */
};

struct seeing {
    struct wf_seen_executor *seen;
    weft_executor copy;
    uint32_t index;
    enum wf_seen_job_state state;
};

static struct wf_seen_job *add_job(struct wf_reader *reader, struct seeing *seeing,
                                   uint64_t address, const struct wf_job *job)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    uint32_t node = wf_node_get(reader, address, WF_SEEN_JOB);

    if (node == WF_SEEN_NONE || snapshot->n_jobs == reader->max_jobs) {
        reader->arena->is_full = true;
        return NULL;
    }
    struct wf_seen_job *seen = &snapshot->jobs[snapshot->n_jobs];
    *seen = (struct wf_seen_job){
        .address = address,
        .state = seeing->state,
        .made = wf_see_place(reader, WF_ADDRESS(job->future.origin)),
        .function = WF_ADDRESS(job->fn),
        .executor = seeing->index,
        .node = node,
        .is_abandoned = (job->stop.raw & WF_STOP_ABANDONED) != 0,
        .submitted_at = job->submitted_at,
    };
    snapshot->nodes[node].job = snapshot->n_jobs++;
    snapshot->nodes[node].text = "job";
    snapshot->nodes[node].made = seen->made;
    seeing->seen->n_jobs++;
    return seen;
}

static bool see_queued(struct wf_reader *reader, uint64_t link, void *data)
{
    struct seeing *seeing = data;
    uint64_t address = link - offsetof(struct wf_job, link);
    struct wf_job job;

    if (!wf_see(reader, address, &job, sizeof job) ||
        WF_ADDRESS(job.executor) != seeing->seen->address) {
        seeing->seen->is_torn = true;
        return true;
    }
    return add_job(reader, seeing, address, &job) != NULL;
}

static void see_worker(struct wf_reader *reader, struct seeing *seeing, uint64_t address)
{
    struct wf_worker worker;
    struct wf_job job;

    if (!wf_see(reader, address, &worker, sizeof worker) || !worker.is_used || worker.job == NULL ||
        !wf_see(reader, WF_ADDRESS(worker.job), &job, sizeof job)) {
        return;
    }
    struct wf_seen_job *seen = add_job(reader, seeing, WF_ADDRESS(worker.job), &job);
    if (seen != NULL) {
        worker.name[sizeof worker.name - 1] = '\0';
        seen->started_at = worker.started_at;
        seen->thread = wf_keep_text(reader, worker.name);
        seen->tid = worker.tid;
    }
}

static void see_workers(struct wf_reader *reader, struct seeing *seeing)
{
    seeing->state = WF_SEEN_JOB_RUNNING;
    for (unsigned i = 0; i < seeing->copy.max_threads && i < WF_MAX_THREADS; i++) {
        struct wf_worker *worker;
        if (wf_see(reader, WF_ADDRESS(seeing->copy.workers + i), &worker, sizeof worker)) {
            see_worker(reader, seeing, WF_ADDRESS(worker));
        }
    }
}

static void see_lists(struct wf_reader *reader, struct seeing *seeing)
{
    static const size_t queues[] = { offsetof(weft_executor, high_lane),
                                     offsetof(weft_executor, queue),
                                     offsetof(weft_executor, slow_lane),
                                     offsetof(weft_executor, low_lane),
                                     offsetof(weft_executor, intake.jobs) };
    uint64_t address = seeing->seen->address;
    bool is_whole = true;

    seeing->state = WF_SEEN_JOB_QUEUED;
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        is_whole &= wf_walk(reader, address + queues[i], MAX_JOBS, see_queued, seeing);
    }
    seeing->state = WF_SEEN_JOB_WAITING;
    is_whole &=
        wf_walk(reader, address + offsetof(weft_executor, waiting), MAX_JOBS, see_queued, seeing);
    seeing->seen->is_torn |= !is_whole;
}

static void fill(struct wf_reader *reader, struct seeing *seeing)
{
    weft_executor *copy = &seeing->copy;
    struct wf_seen_executor *seen = seeing->seen;

    copy->name[sizeof copy->name - 1] = '\0';
    seen->name = wf_keep_text(reader, copy->name);
    seen->made = wf_see_place(reader, WF_ADDRESS(copy->origin));
    seen->min_threads = copy->min_threads;
    seen->max_threads = copy->max_threads;
    seen->n_threads = copy->n_threads;
    seen->n_running = copy->n_running;
    seen->n_idle = copy->n_idle;
    seen->n_queued = copy->n_queued + copy->intake.n;
    seen->n_waiting = copy->n_waiting;
    seen->queue_limit = copy->queue_limit;
    seen->n_done = copy->n_done;
    seen->n_cancelled = copy->n_cancelled;
    seen->n_rejected = copy->n_rejected;
    seen->is_shut = copy->is_shut;
    see_workers(reader, seeing);
    see_lists(reader, seeing);
}

/* It cannot go away: the registry is locked. */
static void lock(struct wf_reader *reader, uint64_t address)
{
    if (reader->memory.is_own) {
        weft_executor *executor = (weft_executor *)(uintptr_t)address;
        pthread_mutex_lock(&executor->mu);
        pthread_mutex_lock(&executor->intake.mu);
    }
}

static void unlock(struct wf_reader *reader, uint64_t address)
{
    if (reader->memory.is_own) {
        weft_executor *executor = (weft_executor *)(uintptr_t)address;
        pthread_mutex_unlock(&executor->intake.mu);
        pthread_mutex_unlock(&executor->mu);
    }
}

static bool see_executor(struct wf_reader *reader, uint64_t link, void *data)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    uint64_t address = link - offsetof(weft_executor, registry_link);
    struct seeing seeing = { .index = snapshot->n_executors };

    (void)data;
    if (!wf_see(reader, address, &seeing.copy, sizeof seeing.copy) ||
        seeing.copy.magic != WF_EXECUTOR_MAGIC) {
        return true;
    }
    if (seeing.copy.forks != reader->fork_generation) {
        return true; /* its threads are the parent's, and its mutex may be held for ever */
    }
    if (snapshot->n_executors == reader->max_executors) {
        reader->arena->is_full = true;
        return false;
    }
    seeing.seen = &snapshot->executors[snapshot->n_executors++];
    *seeing.seen = (struct wf_seen_executor){ .address = address, .first_job = snapshot->n_jobs };
    lock(reader, address);
    if (wf_see(reader, address, &seeing.copy, sizeof seeing.copy)) {
        fill(reader, &seeing);
    }
    unlock(reader, address);
    return !reader->arena->is_full;
}

void wf_see_executors(struct wf_reader *reader)
{
    (void)wf_walk(reader, WF_ADDRESS(reader->root.executors), MAX_EXECUTORS, see_executor, NULL);
}

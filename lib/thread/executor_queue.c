/*
 * The jobs of an executor that wait: those within the limit in the queue, the others
 * in a second list, from which they move up as room comes, first come, first served.
 *
 * The queue has four lanes: high, normal, slow and low. So that short jobs do not
 * starve behind long ones, normal jobs of a function that was seen to run long stand
 * in the slow one. The first lane that is not empty is next; but after seven takes
 * that passed somebody the oldest of all is, so that every lane moves in any case.
 * Nothing has to be told: how long a function runs is learned from its jobs, with
 * the coarse clock. Threads are kept busy, so a short job still waits for one that
 * is free.
 *
 * The limit is of jobs for which there is no thread: one that a free thread is
 * about to take does not count.
 *
 * Cancelling: the future's lock is held, the mutex is taken inside. A job that is
 * found in a list leaves it at once; one that a thread has just taken finds its
 * future cancelled when it is to begin. Either way the argument is destroyed by
 * the one who cancelled.
 *
 * Thread: any, under the executor's mutex.
 */

#include "thread/executor_parts.h"

#include "base/assert.h"
#include "thread/futex.h"

#include <limits.h>

/* What counts as long. The coarse clock ticks every 1 to 4 ms: this is an average. */
#define LONG WEFT_MS(2)

enum {
    MOST_PASSES = 7,
    MOST_SORTED = 32 /* in one hold of the mutex */
};

/* ---- pace ---------------------------------------------------------------- */

static struct wf_pace *pace_of(weft_executor *executor, weft_job_fn *fn)
{
    uintptr_t bits = (uintptr_t)fn;

    return &executor->paces[(bits >> 4 ^ bits >> 10) % WF_N_PACES];
}

static bool is_slow(weft_executor *executor, weft_job_fn *fn)
{
    const struct wf_pace *pace = pace_of(executor, fn);

    return pace->fn == fn && pace->average >= LONG;
}

/*
 * The average begins at nothing: one job that was held up does not make its function slow. Of
 * functions that share a place, one that is slow keeps it.
 */
void wf_queue_note_pace(weft_executor *executor, weft_job_fn *fn, weft_duration duration)
{
    struct wf_pace *pace = pace_of(executor, fn);

    if (duration >= 4 * LONG) {
        duration = 4 * LONG - 1; /* however long it was held up */
    }
    if (pace->fn != fn) {
        if (duration < LONG || pace->average >= LONG) {
            return;
        }
        *pace = (struct wf_pace){ .fn = fn };
    }
    pace->average += (duration - pace->average) / 4;
    if (pace->average < LONG / 8) {
        *pace = (struct wf_pace){ .fn = NULL };
    }
}

/* Only under mu. */
static void count_queued(weft_executor *executor, int change)
{
    __atomic_store_n(&executor->n_queued, executor->n_queued + (size_t)change, __ATOMIC_RELAXED);
}

/* ---- room ---------------------------------------------------------------- */

static bool is_below_limit(const weft_executor *executor)
{
    size_t n_free = executor->n_threads - executor->n_running;

    return executor->queue_limit == 0 || executor->n_queued < n_free ||
           executor->n_queued - n_free < executor->queue_limit;
}

bool wf_queue_has_room(const weft_executor *executor)
{
    return executor->n_waiting == 0 && is_below_limit(executor);
}

/*
 * Whoever waits for the room of <job> is told, once. A posted waiter may be gone
 * at once, so it is written to before; its mailbox comes back when it is closed.
 */
static void tell_room(struct wf_job *job, enum wf_job_room room)
{
    struct wf_space_waiter *waiter = job->waiter;

    if (waiter == NULL) {
        wf_u32_store_release(&job->room, room); /* pairs with the acquire in wait_for_room */
        wf_futex_wake(&job->room, INT_MAX, WF_FUTEX_OUTCOME);
        return;
    }
    struct wf_mailbox *mailbox = waiter->mailbox;
    job->waiter = NULL;
    waiter->future = NULL;
    waiter->mailbox = NULL;
    if (wf_mailbox_post(mailbox, &waiter->post) < 0) {
        waiter->mailbox = mailbox;
    }
}

static void move_up(weft_executor *executor)
{
    while (executor->n_waiting > 0 && is_below_limit(executor)) {
        struct wf_list *node = wf_list_take_first(&executor->waiting);
        struct wf_job *job = WF_CONTAINER_OF(node, struct wf_job, link);
        executor->n_waiting--;
        wf_queue_add(executor, job);
        tell_room(job, WF_ROOM_FOUND);
    }
}

/* ---- in and out ---------------------------------------------------------- */

static struct wf_list *lane_of(weft_executor *executor, const struct wf_job *job)
{
    if (job->priority != WEFT_JOB_NORMAL) {
        return job->priority == WEFT_JOB_HIGH ? &executor->high_lane : &executor->low_lane;
    }
    return is_slow(executor, job->fn) ? &executor->slow_lane : &executor->queue;
}

void wf_queue_add(weft_executor *executor, struct wf_job *job)
{
    WF_ASSERT(executor->n_threads > 0);
    job->place = WF_JOB_QUEUED;
    job->sequence = executor->next_sequence++;
    wf_list_append(lane_of(executor, job), &job->link);
    count_queued(executor, 1);
}

/* ---- the intake ----------------------------------------------------------- */

void wf_queue_take_in(weft_executor *executor)
{
    struct wf_intake *intake = &executor->intake;
    struct wf_list jobs;
    struct wf_list *node;

    if (!intake->is_open) {
        return; /* and empty */
    }
    wf_list_init(&jobs);
    pthread_mutex_lock(&intake->mu);
    wf_list_splice(&jobs, &intake->jobs);
    __atomic_store_n(&intake->n, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&intake->mu);
    while ((node = wf_list_take_first(&jobs)) != NULL) {
        wf_queue_add(executor, WF_CONTAINER_OF(node, struct wf_job, link));
    }
}

void wf_queue_maybe_open_intake(weft_executor *executor)
{
    struct wf_intake *intake = &executor->intake;

    if (intake->is_open || executor->queue_limit != 0 || executor->is_shut ||
        executor->n_idle > 0 || executor->n_threads < executor->max_threads) {
        return;
    }
    pthread_mutex_lock(&intake->mu);
    intake->is_open = true;
    pthread_mutex_unlock(&intake->mu);
}

void wf_queue_close_intake(weft_executor *executor)
{
    struct wf_intake *intake = &executor->intake;

    if (!intake->is_open) {
        return;
    }
    pthread_mutex_lock(&intake->mu);
    bool is_empty = intake->n == 0;
    intake->is_open = !is_empty;
    pthread_mutex_unlock(&intake->mu);
    if (!is_empty) {
        wf_queue_take_in(executor);
        wf_queue_close_intake(executor);
    }
}

bool wf_queue_leave(weft_executor *executor, struct wf_job *job)
{
    struct wf_intake *intake = &executor->intake;

    if (job->priority == WEFT_JOB_HIGH) { /* it would be looked at too late there */
        return false;
    }
    /* A head that waits for long is a matter for the log, and so for the other way. */
    if (job->submitted_at - __atomic_load_n(&executor->taken_at, __ATOMIC_RELAXED) > WEFT_S(1)) {
        return false;
    }
    pthread_mutex_lock(&intake->mu);
    bool is_open = intake->is_open;
    if (is_open) {
        wf_list_append(&intake->jobs, &job->link);
        __atomic_store_n(&intake->n, intake->n + 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&intake->mu);
    return is_open;
}

/* ---- in and out, for those with a limit ----------------------------------- */

void wf_queue_wait_for_room(weft_executor *executor, struct wf_job *job)
{
    job->place = WF_JOB_WAITING;
    wf_list_append(&executor->waiting, &job->link);
    executor->n_waiting++;
}

static struct wf_job *first_of(const struct wf_list *lane)
{
    return wf_list_is_empty(lane) ? NULL : WF_CONTAINER_OF(lane->next, struct wf_job, link);
}

/* The first of <lane> if it is older than <other>. */
static struct wf_job *older(const struct wf_list *lane, struct wf_job *other)
{
    struct wf_job *first = first_of(lane);

    if (first == NULL || other == NULL) {
        return first != NULL ? first : other;
    }
    return first->sequence < other->sequence ? first : other;
}

struct wf_job *wf_queue_head(const weft_executor *executor)
{
    struct wf_job *head = older(&executor->slow_lane, first_of(&executor->queue));

    return older(&executor->low_lane, older(&executor->high_lane, head));
}

/* Jobs that came before their function was known for slow. */
static void sort_out_slow(weft_executor *executor)
{
    for (int i = 0; i < MOST_SORTED; i++) {
        struct wf_job *first = first_of(&executor->queue);
        if (first == NULL || !is_slow(executor, first->fn)) {
            return;
        }
        wf_list_remove(&first->link);
        wf_list_append(&executor->slow_lane, &first->link);
    }
}

/* Who is next: the first lane's, unless others were passed too often. */
static struct wf_job *choose(weft_executor *executor)
{
    sort_out_slow(executor);
    if (wf_list_is_empty(&executor->high_lane) && wf_list_is_empty(&executor->slow_lane) &&
        wf_list_is_empty(&executor->low_lane)) {
        return first_of(&executor->queue);
    }
    struct wf_job *const firsts[] = {
        first_of(&executor->high_lane),
        first_of(&executor->queue),
        first_of(&executor->slow_lane),
        first_of(&executor->low_lane),
    };
    struct wf_job *next = NULL;
    int n = 0;

    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        n += firsts[i] != NULL;
        next = next != NULL ? next : firsts[i];
    }
    if (n < 2) {
        return next; /* nobody is passed */
    }
    if (executor->n_passes >= MOST_PASSES) {
        executor->n_passes = 0;
        return wf_queue_head(executor);
    }
    executor->n_passes++;
    return next;
}

struct wf_job *wf_queue_take(weft_executor *executor)
{
    if (wf_list_is_empty(&executor->queue)) {
        wf_queue_take_in(executor);
    }
    struct wf_job *job = choose(executor);

    if (job == NULL) {
        WF_ASSERT(executor->n_waiting == 0);
        return NULL;
    }
    wf_list_remove(&job->link);
    job->place = WF_JOB_TAKEN;
    count_queued(executor, -1);
    executor->n_running++;
    move_up(executor);
    if (executor->n_queued == 0) {
        executor->next_saturation = 0;
    }
    return job;
}

void wf_queue_take_all(weft_executor *executor, struct wf_list *batch)
{
    wf_queue_take_in(executor);
    wf_list_splice(batch, &executor->queue);
    wf_list_splice(batch, &executor->slow_lane);
    wf_list_splice(batch, &executor->high_lane);
    wf_list_splice(batch, &executor->low_lane);
    wf_list_splice(batch, &executor->waiting);
    count_queued(executor, -(int)executor->n_queued);
    executor->n_waiting = 0;
    executor->next_saturation = 0;
    for (struct wf_list *node = batch->next; node != batch; node = node->next) {
        WF_CONTAINER_OF(node, struct wf_job, link)->place = WF_JOB_DROPPED;
    }
}

/* ---- cancelling ---------------------------------------------------------- */

void wf_job_destroy_arg(struct wf_job *job)
{
    if (job->destroy != NULL) {
        job->destroy(job->arg);
    }
}

static struct wf_job *job_of(weft_concurrent_future *future)
{
    return WF_CONTAINER_OF(future, struct wf_job, future);
}

/*
 * Runs under the future's lock, on the thread that cancels. The future is
 * pending, so the job waits, or a thread has taken it and not begun; both keep
 * the executor alive.
 */
static void on_cancel(weft_concurrent_future *future)
{
    struct wf_job *job = job_of(future);
    weft_executor *executor = job->executor;

    pthread_mutex_lock(&executor->mu);
    wf_queue_take_in(executor); /* it may be there */
    executor->n_cancelled++;
    if (job->place == WF_JOB_QUEUED || job->place == WF_JOB_WAITING) {
        if (job->place == WF_JOB_QUEUED) {
            count_queued(executor, -1);
        } else {
            executor->n_waiting--;
        }
        wf_list_remove(&job->link);
        tell_room(job, WF_ROOM_NEVER);
        job->place = WF_JOB_CANCELLED;
        move_up(executor);
    }
    pthread_mutex_unlock(&executor->mu);
}

/* Runs after it, without the lock. The executor may be gone. */
static void after_cancel(weft_concurrent_future *future)
{
    struct wf_job *job = job_of(future);

    wf_job_destroy_arg(job);
    if (job->place == WF_JOB_CANCELLED) {
        weft_concurrent_future_unref(future); /* not the last: the caller has one */
    }
}

const struct wf_cf_ops wf_job_ops = { .tag = WF_CF_JOB,
                                      .on_cancel = on_cancel,
                                      .after_cancel = after_cancel };

void wf_queue_drop_batch(struct wf_list *batch)
{
    struct wf_list *node;

    while ((node = wf_list_take_first(batch)) != NULL) {
        struct wf_job *job = WF_CONTAINER_OF(node, struct wf_job, link);
        weft_executor *executor = job->executor;
        if (weft_concurrent_future_cancel(&job->future) < 0) {
            wf_job_destroy_arg(job); /* somebody else gave it an outcome while it waited */
        }
        pthread_mutex_lock(&executor->mu);
        tell_room(job, WF_ROOM_NEVER);
        pthread_mutex_unlock(&executor->mu);
        weft_concurrent_future_unref(&job->future);
    }
}

/*
 * Waiting in a line that is shared by tasks of several loops and by plain threads.
 *
 * A thread sleeps on a word of its waiter; a task is suspended, and woken through
 * the mailbox of its loop, or straight if the loop is the caller's own. The post
 * stands in the waiter, on the task's stack; so from the grant on the task cannot
 * leave before the post has come, and a cancel in between is delivered when it
 * does. The result is then WEFT_ECANCELED, and the grant goes back.
 *
 * When a loop closes, its mailbox closes first: later grants see that and go to the
 * next in line. Then its tasks vanish, and one that was granted something hands it
 * on from where it stood.
 *
 * While it waits a waiter has a reference to the object.
 */

#include "bridge/threadsafe.h"

#include "base/log.h"
#include "loop/loop.h"
#include "task/task.h"
#include "thread/futex.h"
#include "thread/role.h"

struct waiter {
    struct wf_list link;      /* guarded by mu; linked while in line */
    int code;                 /* guarded by mu; why it is out of line */
    struct wf_shared *shared; /* ref */
    struct wf_list *line;
    weft_loop *loop;      /* of the task; NULL: a thread waits */
    wf_atomic_u32 is_out; /* of a thread: it was woken */
    struct wf_wait wait;  /* of a task, as all below */
    struct wf_post post;
    struct wf_timer timer;
};

/* ---- objects ------------------------------------------------------------ */

void wf_shared_init(struct wf_shared *shared, const struct wf_shared_ops *ops,
                    const weft_origin *origin)
{
    wf_watch_forks();
    shared->magic = ops->magic;
    shared->forks = wf_fork_generation;
    shared->n_refs.raw = 1;
    shared->ops = ops;
    shared->origin = origin;
    (void)pthread_mutex_init(&shared->mu, NULL); /* without attributes it cannot fail */
}

int wf_shared_check(const void *object, const struct wf_shared_ops *ops)
{
    const struct wf_shared *shared = object;

    if (shared == NULL || shared->magic != ops->magic) {
        return wf_misuse(
            WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a %s is needed",
            shared == NULL ? "NULL" : "an object of another kind, or one that is gone,", ops->kind);
    }
    if (shared->forks != wf_fork_generation) {
        return weft_fail(WEFT_EFORKED, "the %s was made before the fork", ops->kind);
    }
    return 0;
}

void *wf_shared_ref(void *object, const struct wf_shared_ops *ops)
{
    struct wf_shared *shared = object;

    if (shared != NULL && wf_shared_check(shared, ops) == 0) {
        (void)wf_u32_add_relaxed(&shared->n_refs, 1); /* only the last unref needs the count */
    }
    return object;
}

static void release(struct wf_shared *shared)
{
    /* The release of all others pairs with the acquire of the last one. */
    if (wf_u32_sub_acq_rel(&shared->n_refs, 1) == 1) {
        shared->magic = 0;
        pthread_mutex_destroy(&shared->mu);
        shared->ops->destroy(shared);
    }
}

void wf_shared_unref(void *object, const struct wf_shared_ops *ops)
{
    if (object != NULL && wf_shared_check(object, ops) == 0) {
        release(object);
    }
}

int wf_shared_enter(void *object, const struct wf_shared_ops *ops)
{
    int r = wf_shared_check(object, ops);

    if (r == 0 && wf_task_current != NULL) {
        r = wf_task_spend();
    }
    if (r == 0) {
        wf_shared_lock(object);
    }
    return r;
}

/* ---- waking ------------------------------------------------------------- */

/* The append phase of the task's loop. */
static void deliver(struct wf_post *post)
{
    struct waiter *waiter = WF_CONTAINER_OF(post, struct waiter, post);

    wf_wait_wake(&waiter->wait, 0);
}

static bool wake_task(struct waiter *waiter)
{
    if (!wf_loop_is_mine(waiter->loop)) {
        return wf_loop_post(waiter->loop, &waiter->post) == 0;
    }
    if (waiter->loop->is_closed) {
        return false;
    }
    wf_wait_wake(&waiter->wait, 0);
    return true;
}

static void wake_thread(struct waiter *waiter)
{
    /* Pairs with the acquire in block. The waiter needs the mutex before it may go. */
    wf_u32_store_release(&waiter->is_out, 1);
    wf_futex_wake(&waiter->is_out, 1, WF_FUTEX_OUTCOME);
}

bool wf_shared_wake(struct wf_list *line, int code)
{
    struct waiter *waiter = WF_CONTAINER_OF(wf_list_take_first(line), struct waiter, link);

    waiter->code = code;
    if (waiter->loop == NULL) {
        wake_thread(waiter);
        return true;
    }
    if (wake_task(waiter)) {
        return true;
    }
    waiter->code = WEFT_ECLOSED; /* its loop goes, and the task with it */
    return false;
}

/* Whoever waits leaves the line by itself; false when it was taken out already. */
static bool leave(struct waiter *waiter, int code)
{
    if (!wf_list_is_linked(&waiter->link)) {
        return false;
    }
    wf_list_remove(&waiter->link);
    waiter->code = code;
    return true;
}

/* ---- a task ------------------------------------------------------------- */

static bool leave_in_time(struct waiter *waiter, int code)
{
    wf_shared_lock(waiter->shared);
    bool is_out = leave(waiter, code);
    wf_shared_unlock(waiter->shared);
    if (is_out) {
        wf_wait_wake(&waiter->wait, code);
    }
    return is_out;
}

/* False: the wake-up is on its way, and the cancel meets the task there. */
static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    return leave_in_time(WF_CONTAINER_OF(wait, struct waiter, wait), WEFT_ECANCELED);
}

/* The limit, in a turn. */
static void on_limit(struct wf_work *work)
{
    /* Too late: the wake-up is on its way. */
    (void)leave_in_time(WF_CONTAINER_OF(work, struct waiter, timer.work), WEFT_ETIMEDOUT);
}

/* The loop closes, and the task never resumes. */
static void abandon_wait(struct wf_wait *wait)
{
    struct waiter *waiter = WF_CONTAINER_OF(wait, struct waiter, wait);
    struct wf_shared *shared = waiter->shared;

    wf_timer_stop(waiter->loop, &waiter->timer);
    wf_shared_lock(shared);
    if (!leave(waiter, WEFT_ECLOSED) && waiter->code == 0) {
        shared->ops->hand_on(shared, waiter->line);
    }
    wf_shared_unlock(shared);
    release(shared);
}

/* The mutex is held at the begin and at the end. */
static int await(struct waiter *waiter, weft_duration limit)
{
    waiter->loop = wf_task_current->future.loop;
    waiter->wait = WF_WAIT_INIT_FOR(cancel_wait, abandon_wait, waiter->shared->ops->kind,
                                    WF_WAIT_THREADSAFE, waiter->shared);
    waiter->post.deliver = deliver;
    wf_timer_init(&waiter->timer, on_limit);
    int r = wf_timer_start(waiter->loop, &waiter->timer, wf_loop_deadline(waiter->loop, limit));
    if (r < 0) {
        waiter->code = r;
        return r;
    }
    wf_list_append(waiter->line, &waiter->link);
    wf_shared_unlock(waiter->shared);
    r = wf_task_wait(&waiter->wait);
    wf_timer_stop(waiter->loop, &waiter->timer);
    wf_shared_lock(waiter->shared);
    return r == WEFT_ECANCELED ? r : waiter->code;
}

/* ---- a thread ----------------------------------------------------------- */

/* The mutex is held at the begin and at the end. */
static int block(struct waiter *waiter, weft_duration limit)
{
    weft_time deadline = wf_futex_deadline(limit);
    bool in_time = true;

    waiter->loop = NULL;
    waiter->is_out.raw = 0;
    wf_list_append(waiter->line, &waiter->link);
    wf_shared_unlock(waiter->shared);
    while (in_time && wf_u32_load_acquire(&waiter->is_out) == 0) {
        in_time = wf_futex_wait(&waiter->is_out, 0, WF_FUTEX_OUTCOME, deadline);
    }
    wf_shared_lock(waiter->shared);
    (void)leave(waiter, WEFT_ETIMEDOUT); /* or it was taken out just now */
    return waiter->code;
}

/* ---- both --------------------------------------------------------------- */

void wf_shared_keep(struct wf_shared *shared, struct wf_stay *stay)
{
    (void)wf_u32_add_relaxed(&shared->n_refs, 1); /* as in wf_shared_ref */
    stay->has_ref = true;
}

int wf_shared_wait(struct wf_shared *shared, struct wf_list *line, weft_duration limit,
                   struct wf_stay *stay)
{
    struct waiter waiter;

    if (limit <= 0) {
        return WEFT_ETIMEDOUT;
    }
    if (wf_task_current == NULL && wf_thread_runs_loop) {
        return WEFT_EDEADLOCK;
    }
    wf_list_init(&waiter.link);
    waiter.shared = shared;
    waiter.line = line;
    wf_shared_keep(shared, stay); /* until wf_shared_leave, or abandon_wait */
    int r = wf_task_current != NULL ? await(&waiter, limit) : block(&waiter, limit);
    stay->is_granted = waiter.code == 0;
    return r;
}

static int say_why(const char *kind, int code)
{
    switch (code) {
    case WEFT_ETIMEDOUT:
        return weft_fail(code, "the time limit passed in the line of a %s", kind);
    case WEFT_EDEADLOCK:
        return weft_fail(code, "a callback must not wait for a %s: its loop would stand still",
                         kind);
    case WEFT_ENOMEM:
        return weft_fail(code, "no memory for the time limit of a wait");
    case WEFT_EQUEUESHUTDOWN:
    case WEFT_EQUEUEFULL:
    case WEFT_EQUEUEEMPTY:
        return weft_fail(code, "%s", weft_strerror(code));
    default:
        return code; /* 0, or a cancel, which has its message */
    }
}

int wf_shared_leave(struct wf_shared *shared, const struct wf_stay *stay, int r)
{
    const char *kind = shared->ops->kind;

    wf_shared_unlock(shared);
    if (stay->has_ref) {
        release(shared);
    }
    return r < 0 ? say_why(kind, r) : 0;
}

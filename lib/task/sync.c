/*
 * Lock and event: between the tasks of one loop.
 *
 * Waiters stand in line on their own stacks, and stay in it until they have
 * resumed, woken or not. So a lock that is being handed over is free and yet
 * taken: a newcomer sees somebody in line and queues behind. A woken waiter that
 * is cancelled wakes the next.
 *
 * Thread: the loop's of the first waiter.
 */

#include "weft/sync.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/mutant.h"
#include "task/task.h"

#define LOCK_MAGIC  0x77664c4bu
#define EVENT_MAGIC 0x77664556u

/* What a lock and an event have in common. */
struct line {
    uint32_t magic;
    const char *kind;
    weft_loop *loop;        /* held, from the first waiter on */
    struct wf_list waiters; /* of struct waiter.link */
    const weft_origin *origin;
};

struct waiter {
    struct wf_wait wait;
    struct wf_list link;
};

static void init_line(struct line *line, uint32_t magic, const char *kind,
                      const weft_origin *origin)
{
    line->magic = magic;
    line->kind = kind;
    line->origin = origin;
    wf_list_init(&line->waiters);
}

static int check(const void *object, uint32_t magic)
{
    const struct line *line = object; /* first in a lock and in an event */

    if (line == NULL || line->magic != magic) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s where a lock or event is needed",
                         line == NULL ? "NULL" : "an object of another kind, or one destroyed,");
    }
    return line->loop != NULL ? wf_loop_check(line->loop) : 0;
}

/* The running task may wait here: it belongs to the loop of the first who did. */
static int bind(struct line *line, const char *what)
{
    struct wf_task *task;
    int r = wf_task_require(what, &task);

    if (r < 0) {
        return r;
    }
    if (line->loop == NULL) {
        line->loop = task->future.loop;
        wf_loop_hold(line->loop);
    }
    if (line->loop != task->future.loop) {
        return weft_fail(WEFT_ERUNTIME, "the %s is bound to a different event loop", line->kind);
    }
    return 0;
}

/* It stays in line until the task resumes. */
static bool cancel_in_line(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

static void abandon_line(struct wf_wait *wait)
{
    wf_list_remove(&WF_CONTAINER_OF(wait, struct waiter, wait)->link);
}

static int wait_in_line(struct line *line, const char *what)
{
    struct waiter waiter = { .wait = WF_WAIT_INIT_WITH(cancel_in_line, abandon_line, what) };

    wf_list_append(&line->waiters, &waiter.link);
    int r = wf_task_wait(&waiter.wait);
    wf_list_remove(&waiter.link);
    return r;
}

static int destroy_line(void *object, uint32_t magic)
{
    struct line *line = object;
    int r = check(line, magic);

    if (r < 0) {
        return r;
    }
    if (!wf_list_is_empty(&line->waiters)) {
        return weft_fail(WEFT_EINVALIDSTATE, "tasks wait for the %s", line->kind);
    }
    line->magic = WF_DEAD_MAGIC;
    if (line->loop != NULL) {
        wf_loop_let_go(line->loop);
    }
    return 0;
}

/* ---- lock --------------------------------------------------------------- */

struct weft_lock {
    struct line line; /* first */
    bool is_locked;
};

weft_lock *weft_lock_create_at(const weft_origin *origin)
{
    weft_lock *lock = wf_new(weft_lock);

    if (lock == NULL) {
        (void)weft_fail_at(origin, WEFT_ENOMEM, "no memory for a lock"); /* NULL says it */
        return NULL;
    }
    init_line(&lock->line, LOCK_MAGIC, "lock", origin);
    return lock;
}

int weft_lock_destroy(weft_lock *lock)
{
    if (lock == NULL) {
        return 0;
    }
    if (lock->line.magic == LOCK_MAGIC && lock->is_locked) {
        return weft_fail(WEFT_EINVALIDSTATE, "the lock is held");
    }
    int r = destroy_line(lock, LOCK_MAGIC);
    if (r == 0) {
        wf_free(lock);
    }
    return r;
}

/* Nobody in line who is not cancelled: a newcomer may take a free lock. */
static bool is_line_clear(const struct line *line)
{
    for (const struct wf_list *link = line->waiters.next; link != &line->waiters;
         link = link->next) {
        const struct waiter *waiter = WF_CONTAINER_OF(link, struct waiter, link);
        if (!waiter->wait.is_woken || waiter->wait.code != WEFT_ECANCELED) {
            return false;
        }
    }
    return true;
}

static void wake_first(struct line *line)
{
    if (wf_list_is_empty(&line->waiters)) {
        return;
    }
    struct waiter *first = WF_CONTAINER_OF(line->waiters.next, struct waiter, link);
    if (!first->wait.is_woken) {
        wf_wait_wake(&first->wait, 0);
    }
}

int weft_lock_acquire(weft_lock *lock)
{
    int r = check(lock, LOCK_MAGIC);

    if (r == 0) {
        r = bind(&lock->line, "weft_lock_acquire");
    }
    if (r < 0) {
        return r;
    }
    if (lock->is_locked || !(is_line_clear(&lock->line) || WF_MUTANT("barging-lock"))) {
        r = wait_in_line(&lock->line, "lock");
        if (r < 0) {
            if (!lock->is_locked) {
                wake_first(&lock->line); /* it may have been our turn: pass it on */
            }
            return r;
        }
    }
    lock->is_locked = true;
    return 0;
}

int weft_lock_release(weft_lock *lock)
{
    int r = check(lock, LOCK_MAGIC);

    if (r < 0) {
        return r;
    }
    if (!lock->is_locked) {
        return weft_fail(WEFT_ERUNTIME, "Lock is not acquired.");
    }
    lock->is_locked = false;
    wake_first(&lock->line);
    return 0;
}

int weft_lock_locked(const weft_lock *lock)
{
    return check(lock, LOCK_MAGIC) == 0 && lock->is_locked;
}

/* ---- event -------------------------------------------------------------- */

struct weft_event {
    struct line line; /* first */
    bool is_set;
};

weft_event *weft_event_create_at(const weft_origin *origin)
{
    weft_event *event = wf_new(weft_event);

    if (event == NULL) {
        (void)weft_fail_at(origin, WEFT_ENOMEM, "no memory for an event"); /* NULL says it */
        return NULL;
    }
    init_line(&event->line, EVENT_MAGIC, "event", origin);
    return event;
}

int weft_event_destroy(weft_event *event)
{
    if (event == NULL) {
        return 0;
    }
    int r = destroy_line(event, EVENT_MAGIC);
    if (r == 0) {
        wf_free(event);
    }
    return r;
}

int weft_event_set(weft_event *event)
{
    int r = check(event, EVENT_MAGIC);

    if (r < 0) {
        return r;
    }
    event->is_set = true;
    for (struct wf_list *link = event->line.waiters.next; link != &event->line.waiters;
         link = link->next) {
        struct waiter *waiter = WF_CONTAINER_OF(link, struct waiter, link);
        if (!waiter->wait.is_woken) {
            wf_wait_wake(&waiter->wait, 0);
        }
    }
    return 0;
}

int weft_event_clear(weft_event *event)
{
    int r = check(event, EVENT_MAGIC);

    if (r == 0) {
        event->is_set = false;
    }
    return r;
}

int weft_event_is_set(const weft_event *event)
{
    return check(event, EVENT_MAGIC) == 0 && event->is_set;
}

int weft_event_wait(weft_event *event)
{
    int r = check(event, EVENT_MAGIC);

    if (r < 0 || event->is_set) {
        return r;
    }
    r = bind(&event->line, "weft_event_wait");
    return r < 0 ? r : wait_in_line(&event->line, "event");
}

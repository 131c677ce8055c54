/*
 * Lock and event: between the tasks of one loop.
 *
 * Waiters stay in line until they have resumed, woken or not. So a lock that is
 * being handed over is free and yet taken: a newcomer sees somebody in line and
 * queues behind. A woken waiter that is cancelled wakes the next.
 *
 * Thread: the home's (sync.h).
 */

#include "task/sync.h"

#include "base/alloc.h"
#include "base/mutant.h"

#define LOCK_MAGIC  0x77664c4bu
#define EVENT_MAGIC 0x77664556u

/* ---- lock --------------------------------------------------------------- */

int wf_lock_check(const weft_lock *lock)
{
    return wf_line_check(lock, LOCK_MAGIC, "lock");
}

void wf_lock_init(weft_lock *lock, const weft_origin *origin)
{
    wf_line_init(&lock->line, LOCK_MAGIC, "lock", origin);
    lock->is_locked = false;
    lock->n_users = 0;
}

int weft_lock_create_at(const weft_origin *origin, weft_lock **out_lock)
{
    if (out_lock == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the lock");
    }
    weft_lock *lock = wf_new(weft_lock);
    if (lock == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a lock");
    }
    wf_lock_init(lock, origin);
    *out_lock = lock;
    return 0;
}

int weft_lock_destroy(weft_lock *lock)
{
    if (lock == NULL) {
        return 0;
    }
    int r = wf_lock_check(lock);
    if (r < 0) {
        return r;
    }
    if (lock->is_locked || lock->n_users > 0) {
        return weft_fail(WEFT_EINVALIDSTATE,
                         lock->is_locked ? "the lock is held" : "a condition uses the lock");
    }
    r = wf_line_fini(&lock->line);
    if (r == 0) {
        wf_free(lock);
    }
    return r;
}

/* The first in line is due; when it was woken already it takes the lock or wakes the next. */
static void wake_first(struct wf_line *line)
{
    if (!wf_list_is_empty(&line->waiters)) {
        (void)wf_line_wake(line->waiters.next);
    }
}

int weft_lock_acquire(weft_lock *lock)
{
    struct wf_task *task;
    bool is_woken;
    int r = wf_lock_check(lock);

    if (r == 0) {
        r = wf_task_require("weft_lock_acquire", &task);
    }
    if (r < 0) {
        return r;
    }
    wf_line_settle(&lock->line, !lock->is_locked);
    if (lock->is_locked || !(wf_line_is_clear(&lock->line) || WF_MUTANT("barging-lock"))) {
        r = wf_line_wait(&lock->line, &lock->line.waiters, "lock", &is_woken);
        if (r < 0) {
            if (!lock->is_locked) {
                wake_first(&lock->line); /* it may have been our turn: pass it on */
            }
            return r;
        }
    }
    lock->is_locked = true;
    lock->line.holder = task->number;
    return 0;
}

int weft_lock_release(weft_lock *lock)
{
    int r = wf_lock_check(lock);

    if (r < 0) {
        return r;
    }
    wf_line_settle(&lock->line, /* is_free = */ false);
    if (!lock->is_locked) {
        return weft_fail(WEFT_ERUNTIME, "Lock is not acquired.");
    }
    lock->is_locked = false;
    lock->line.holder = 0;
    wake_first(&lock->line);
    return 0;
}

int weft_lock_locked(const weft_lock *lock)
{
    return wf_lock_check(lock) == 0 && lock->is_locked;
}

/* ---- event -------------------------------------------------------------- */

static int check_event(const weft_event *event)
{
    return wf_line_check(event, EVENT_MAGIC, "event");
}

/* Before a change: any loop may go on with an event for which nobody has waited. */
static int enter_event(weft_event *event)
{
    int r = check_event(event);

    if (r == 0) {
        wf_line_settle(&event->line, /* is_free = */ true);
    }
    return r;
}

int weft_event_create_at(const weft_origin *origin, weft_event **out_event)
{
    if (out_event == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the event");
    }
    weft_event *event = wf_new(weft_event);
    if (event == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for an event");
    }
    wf_line_init(&event->line, EVENT_MAGIC, "event", origin);
    *out_event = event;
    return 0;
}

int weft_event_destroy(weft_event *event)
{
    if (event == NULL) {
        return 0;
    }
    int r = check_event(event);
    if (r == 0) {
        r = wf_line_fini(&event->line);
    }
    if (r == 0) {
        wf_free(event);
    }
    return r;
}

int weft_event_set(weft_event *event)
{
    int r = enter_event(event);

    if (r < 0) {
        return r;
    }
    event->is_set = true;
    wf_line_wake_all(&event->line);
    return 0;
}

int weft_event_clear(weft_event *event)
{
    int r = enter_event(event);

    if (r == 0) {
        event->is_set = false;
    }
    return r;
}

int weft_event_is_set(const weft_event *event)
{
    return check_event(event) == 0 && event->is_set;
}

int weft_event_wait(weft_event *event)
{
    struct wf_task *task;
    bool is_woken;
    int r = enter_event(event);

    if (r < 0 || event->is_set) {
        return r;
    }
    r = wf_task_require("weft_event_wait", &task);
    return r < 0 ? r : wf_line_wait(&event->line, &event->line.waiters, "event", &is_woken);
}

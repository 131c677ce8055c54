#ifndef WF_TASK_SYNC_H
#define WF_TASK_SYNC_H

/*
 * What locks, events, conditions, semaphores, barriers and queues have in common:
 * an object with a kind, a home and a line of waiting tasks.
 *
 * Waiters stand in line on their own stacks. Who wakes one decides whether it
 * leaves the line at once (queues) or when it resumes (all others).
 *
 * The home is the loop on whose thread the object is used. As with asyncio it is
 * final from the first wait on; until then it follows the loop that uses the
 * object, so that one object may serve one run after the other.
 *
 * Thread: the home's.
 */

#include "task/task.h"
#include "weft/sync.h"

struct wf_line {
    uint32_t magic;
    const char *kind;       /* static: "lock" */
    uint64_t holder;        /* of a lock that is held: the number of the task; else 0 */
    weft_loop *loop;        /* held (wf_loop_hold); NULL before the first use in a loop */
    bool is_bound;          /* somebody has waited: the home is final */
    size_t n_inside;        /* tasks between the begin and the end of a wait */
    struct wf_list waiters; /* of struct wf_line_waiter.link */
    const weft_origin *origin;
};

struct wf_line_waiter {
    struct wf_wait wait;
    struct wf_list link;
};

void wf_line_init(struct wf_line *line, uint32_t magic, const char *kind,
                  const weft_origin *origin);

/* The check with which every entry point begins: kind and thread. <object> begins with a line. */
int wf_line_check(const void *object, uint32_t magic, const char *kind);

/*
 * After it, before a change: let the home follow the running loop, while it may, and
 * the old one has closed or <is_free> says that nobody there can tell.
 */
void wf_line_settle(struct wf_line *line, bool is_free);

/* Whether the running task may wait here: 0, or WEFT_ERUNTIME when the home is another loop. */
int wf_line_check_home(const struct wf_line *line);

/*
 * Let the running task wait in <list>, which is line->waiters or another list of the
 * same object; <what> it waits for is told by descriptions. *out_is_woken: somebody woke it, also
 * when the result is WEFT_ECANCELED because a cancel came after that: then the turn is to be passed
 * on. WEFT_ERUNTIME as wf_line_check_home.
 */
int wf_line_wait(struct wf_line *line, struct wf_list *list, const char *what, bool *out_is_woken);

/* Wake a waiter that was not woken; false when it was. */
bool wf_line_wake(struct wf_list *link);
/* Nobody in line who is not cancelled. */
bool wf_line_is_clear(const struct wf_line *line);
/* Wake the first who can be woken; false when there is none. */
bool wf_line_wake_next(struct wf_line *line);
/* Wake all who can be woken. */
void wf_line_wake_all(struct wf_line *line);

/* " wait_for=<lock held by Task-3 created at pool.c:9>", for a task that waits for <what> in it. */
void wf_line_describe(const struct wf_line *line, const char *what, struct wf_text *text);

/* WEFT_EINVALIDSTATE while tasks wait; else the object is dead, and its memory may go. */
int wf_line_fini(struct wf_line *line);

/* ---- objects that others embed ------------------------------------------ */

struct weft_lock {
    struct wf_line line; /* first */
    bool is_locked;
    uint32_t n_users; /* conditions made over it */
};

struct weft_event {
    struct wf_line line; /* first */
    bool is_set;
};

struct weft_condition {
    struct wf_line line; /* first; of the notified */
    weft_lock *lock;     /* borrowed, counted in its n_users; or own_lock */
    weft_lock own_lock;  /* used unless a lock was given */
};

int wf_lock_check(const weft_lock *lock);
void wf_lock_init(weft_lock *lock, const weft_origin *origin);
void wf_condition_init(weft_condition *condition, weft_lock *lock, const weft_origin *origin);
/* As weft_condition_destroy, for one that is embedded. */
int wf_condition_fini(weft_condition *condition);

#endif

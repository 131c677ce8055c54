#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

/*
 * sync.h: lock, event, condition, semaphore and barrier, between the tasks of one
 * loop.
 *
 * They are not for threads (threadsafe.h has what is): their waiters are tasks, and
 * every call belongs to the thread of the loop that uses the object. As in asyncio an
 * object belongs to one loop from the first wait on, for good; until then it may
 * serve one loop after the other.
 *
 *                    waits for ...            is let through by ...
 *     weft_lock       its turn                 weft_lock_release: the first in line
 *     weft_event      the flag                 weft_event_set: all
 *     weft_condition  a notification           weft_condition_notify: the first n
 *     weft_semaphore  a place                  weft_semaphore_release: the first in line
 *     weft_barrier    the other parties        the last party that comes: all
 *
 * Waiters are served in order; a newcomer never overtakes a woken waiter; a woken
 * waiter that is cancelled passes the turn, the place or the notification on. What
 * need not wait costs no turn.
 *
 *     WEFT_TRY(weft_lock_acquire(lock));
 *     int r = write_both(db);
 *     weft_lock_release(lock);
 *     return r;
 *
 * Waiting for a state that others bring about:
 *
 *     static int has_item(void *data) { return ((struct shop *)data)->n_items > 0; }
 *
 *     WEFT_TRY(weft_condition_acquire(shop->changed));
 *     int r = weft_condition_wait_for(shop->changed, has_item, shop);
 *     shop->n_items -= r == 0;
 *     weft_condition_release(shop->changed);
 *
 * From: docs.python.org/3.11/library/asyncio-sync.html. Read queue.h next.
 */

#include "weft/base.h"
#include "weft/error.h"

WEFT_BEGIN_DECLS

/** A mutual exclusion lock for tasks. */
typedef struct weft_lock weft_lock;

/**
 * Make a free lock.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_lock.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL. On failure *out_lock is untouched.
 */
#define weft_lock_create(out_lock) weft_lock_create_at(WEFT_ORIGIN(NULL), (out_lock))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_lock_create_at(const weft_origin *origin, weft_lock **out_lock);
/** Release its memory; nobody may hold it or wait, and no condition may use it. Errors:
 * WEFT_EINVALIDSTATE, and it lives on. Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_lock_destroy(weft_lock *lock);
/**
 * Take the lock; a free one costs no turn.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller holds it until weft_lock_release.
 * Errors: WEFT_ECANCELED (then it is not held); WEFT_ERUNTIME outside a task, and when it must
 *         wait on another loop than that of the first waiter.
 */
WEFT_API int weft_lock_acquire(weft_lock *lock);
/** Free it; the first waiter takes it in a later turn. Errors: WEFT_ERUNTIME when it is free.
 * Thread: loop thread. Owns: nothing. */
WEFT_API int weft_lock_release(weft_lock *lock);
/** Whether it is held. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_lock_locked(const weft_lock *lock);

/** A flag that tasks wait for. */
typedef struct weft_event weft_event;

/**
 * Make a flag that is clear.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_event.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL. On failure *out_event is untouched.
 */
#define weft_event_create(out_event) weft_event_create_at(WEFT_ORIGIN(NULL), (out_event))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_event_create_at(const weft_origin *origin, weft_event **out_event);
/** Release its memory; nobody may wait. Errors: WEFT_EINVALIDSTATE, and it lives on. Thread: loop
 * thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_event_destroy(weft_event *event);
/** Set it and wake all who wait. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_event_set(weft_event *event);
/** Clear it. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_event_clear(weft_event *event);
/** Whether it is set. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_event_is_set(const weft_event *event);
/**
 * Wait until it is set; a set one costs no turn. Who was woken by a set comes
 * through, also when it was cleared since.
 *
 * Thread: loop thread; in a task, unless it is set: then there is nothing to wait for.
 * Owns:   nothing.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME when it must wait, outside a task or on another
 *         loop than that of the first waiter.
 */
WEFT_API int weft_event_wait(weft_event *event);

/** A lock, and a line of tasks that wait, without it, for a notification. */
typedef struct weft_condition weft_condition;

/** What weft_condition_wait_for waits for: not 0 when it is so; negative: give up with that code.
 */
typedef int weft_predicate_fn(void *data);

/**
 * Make a condition over <lock>; NULL: over a lock of its own.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_condition; <lock> stays the caller's and cannot be
 *         destroyed before it.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL for what is no lock. On failure *out_condition is untouched.
 */
#define weft_condition_create(lock, out_condition) \
    weft_condition_create_at(WEFT_ORIGIN(NULL), (lock), (out_condition))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_condition_create_at(const weft_origin *origin, weft_lock *lock,
                                      weft_condition **out_condition);
/** Release its memory; nobody may wait, nor hold its own lock. Errors: WEFT_EINVALIDSTATE, and it
 * lives on. Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_condition_destroy(weft_condition *condition);
/** Take its lock. Errors: as weft_lock_acquire. Thread: loop thread, in a task. Owns: as there. */
WEFT_API int weft_condition_acquire(weft_condition *condition);
/** Give its lock back. Errors: as weft_lock_release. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_condition_release(weft_condition *condition);
/** Whether its lock is held. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_condition_locked(const weft_condition *condition);
/**
 * Give the lock away, wait for a notification, and come back with the lock.
 *
 * The lock is held again also when this fails with WEFT_ECANCELED, however often the
 * task is cancelled while it waits for the lock. Who was notified and is cancelled
 * before it came back hands the notification on to the next.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller holds the lock, before and after.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME when nobody holds the lock, outside a task, and on
 *         another loop than that of the first waiter: then nothing has changed.
 * See:    weft_condition_wait_for.
 */
WEFT_API int weft_condition_wait(weft_condition *condition);
/**
 * Wait until predicate(data) is not 0; asked at once, and after each notification.
 *
 * Thread: loop thread, in a task.
 * Runs:   <predicate> in the calling task, with the lock held.
 * Owns:   as weft_condition_wait.
 * Errors: those of weft_condition_wait; a negative code of the predicate; WEFT_EINVAL
 *         without one.
 */
WEFT_API int weft_condition_wait_for(weft_condition *condition, weft_predicate_fn *predicate,
                                     void *data);
/**
 * Let the first <n> waiters that are not notified yet come back; fewer when there are fewer.
 *
 * Thread: loop thread; somebody holds the lock.
 * Owns:   nothing.
 * Errors: WEFT_ERUNTIME when nobody holds the lock.
 */
WEFT_API int weft_condition_notify(weft_condition *condition, int64_t n);
/** The same for all of them. Errors: as weft_condition_notify. Thread: as there. Owns: nothing. */
WEFT_API int weft_condition_notify_all(weft_condition *condition);

/** A number of places that tasks take and give back. */
typedef struct weft_semaphore weft_semaphore;

/**
 * Make a semaphore with <value> free places. It grows with every release above that.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_semaphore.
 * Errors: WEFT_EINVAL for a negative <value>; WEFT_ENOMEM. On failure *out_semaphore is untouched.
 * See:    weft_bounded_semaphore_create.
 */
#define weft_semaphore_create(value, out_semaphore) \
    weft_semaphore_create_at(WEFT_ORIGIN(NULL), (value), (out_semaphore))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_semaphore_create_at(const weft_origin *origin, int64_t value,
                                      weft_semaphore **out_semaphore);
/** The same, but a release above <value> is refused: asyncio's BoundedSemaphore. Thread: any; then
 * one loop's. Owns: as weft_semaphore_create. */
#define weft_bounded_semaphore_create(value, out_semaphore) \
    weft_bounded_semaphore_create_at(WEFT_ORIGIN(NULL), (value), (out_semaphore))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_bounded_semaphore_create_at(const weft_origin *origin, int64_t value,
                                              weft_semaphore **out_semaphore);
/** Release its memory; nobody may wait. Errors: WEFT_EINVALIDSTATE, and it lives on. Thread: loop
 * thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_semaphore_destroy(weft_semaphore *semaphore);
/**
 * Take a place; a free one costs no turn, unless others wait already.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller has a place until weft_semaphore_release.
 * Errors: WEFT_ECANCELED (then it has none); WEFT_ERUNTIME outside a task, and when it must
 *         wait on another loop than that of the first waiter.
 */
WEFT_API int weft_semaphore_acquire(weft_semaphore *semaphore);
/** Give a place back; it goes to the first who waits. Errors: WEFT_EINVAL: a bounded one released
 * too many times. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_semaphore_release(weft_semaphore *semaphore);
/** Whether an acquire would have to wait. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_semaphore_locked(const weft_semaphore *semaphore);

/**
 * A place where a number of tasks meet.
 *
 *     filling --the last one comes--> draining --the last one leaves--> filling
 *        `-- reset: all are thrown out, then filling again
 *        `-- abort: broken, until a reset
 */
typedef struct weft_barrier weft_barrier;

/**
 * Make a barrier for <parties> tasks.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_barrier.
 * Errors: WEFT_EINVAL for fewer than one; WEFT_ENOMEM. On failure *out_barrier is untouched.
 */
#define weft_barrier_create(parties, out_barrier) \
    weft_barrier_create_at(WEFT_ORIGIN(NULL), (parties), (out_barrier))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_barrier_create_at(const weft_origin *origin, int parties,
                                    weft_barrier **out_barrier);
/** Release its memory; nobody may wait. Errors: WEFT_EINVALIDSTATE, and it lives on. Thread: loop
 * thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_barrier_destroy(weft_barrier *barrier);
/**
 * Wait until as many tasks as there are parties wait here, then go on together.
 *
 * While the last round has not left, or is being thrown out, the next one waits. A
 * task that is cancelled here does not count any more; the others go on waiting.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Units:  *out_index, which may be NULL: the order of coming, from 0; unique in a round.
 * Errors: WEFT_EBROKENBARRIER after a reset or abort; WEFT_ECANCELED; WEFT_ERUNTIME outside a
 *         task and on another loop. On failure *out_index is untouched.
 */
WEFT_API int weft_barrier_wait(weft_barrier *barrier, int *out_index);
/** Throw out who waits, with WEFT_EBROKENBARRIER, and begin anew; also after an abort. Errors: as
 * weft_lock_acquire. Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_barrier_reset(weft_barrier *barrier);
/** Break it: who waits and who comes gets WEFT_EBROKENBARRIER, until a reset. Errors: as
 * weft_lock_acquire. Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_barrier_abort(weft_barrier *barrier);
/** How many it takes. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_barrier_parties(const weft_barrier *barrier);
/** How many wait for the round to fill. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_barrier_n_waiting(const weft_barrier *barrier);
/** Whether it is broken. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_barrier_broken(const weft_barrier *barrier);

WEFT_END_DECLS

#endif

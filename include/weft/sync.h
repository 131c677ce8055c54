#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

/*
 * sync.h: locks and events between the tasks of one loop.
 *
 * They are not for threads: their waiters are tasks, and every call belongs to
 * the thread of the loop that first waits. Waiters are served in order; a
 * newcomer never overtakes a woken waiter; a woken waiter that is cancelled
 * passes the turn on.
 *
 *     WEFT_TRY(weft_lock_acquire(lock));
 *     int r = write_both(db);
 *     weft_lock_release(lock);
 *     return r;
 *
 * From: docs.python.org/3.11/library/asyncio-sync.html.
 */

#include "weft/base.h"
#include "weft/error.h"

WEFT_BEGIN_DECLS

/** A mutual exclusion lock for tasks. */
typedef struct weft_lock weft_lock;

/** Make a free lock. Errors: NULL without memory. Thread: any; then one loop's. Owns: the caller
 * destroys it. */
#define weft_lock_create() weft_lock_create_at(WEFT_ORIGIN(NULL))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API WEFT_NODISCARD weft_lock *weft_lock_create_at(const weft_origin *origin);
/** Release its memory; nobody may hold it or wait. Errors: WEFT_EINVALIDSTATE, and it lives on.
 * Thread: loop thread. Owns: consumes; NULL is a no-op. */
WEFT_API int weft_lock_destroy(weft_lock *lock);
/**
 * Take the lock; a free one costs no turn.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller holds it until weft_lock_release.
 * Errors: WEFT_ECANCELED (then it is not held); WEFT_ERUNTIME outside a task and on another
 *         loop than that of the first waiter.
 */
WEFT_API int weft_lock_acquire(weft_lock *lock);
/** Free it; the first waiter takes it in a later turn. Errors: WEFT_ERUNTIME when it is free.
 * Thread: loop thread. Owns: nothing. */
WEFT_API int weft_lock_release(weft_lock *lock);
/** Whether it is held. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_lock_locked(const weft_lock *lock);

/** A flag that tasks wait for. */
typedef struct weft_event weft_event;

/** Make a flag that is clear. Errors: NULL without memory. Thread: any; then one loop's. Owns: the
 * caller destroys it. */
#define weft_event_create() weft_event_create_at(WEFT_ORIGIN(NULL))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API WEFT_NODISCARD weft_event *weft_event_create_at(const weft_origin *origin);
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
 * Thread: loop thread, in a task.
 * Owns:   nothing.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME outside a task and on another loop.
 */
WEFT_API int weft_event_wait(weft_event *event);

WEFT_END_DECLS

#endif

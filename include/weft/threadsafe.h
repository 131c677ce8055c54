#ifndef WEFT_THREADSAFE_H
#define WEFT_THREADSAFE_H

/*
 * threadsafe.h: queue, semaphore and event between threads and loops.
 *
 * What queue.h and sync.h are within one loop, these are for everybody: a producer may
 * be a plain thread, its consumers tasks of several loops. One call serves both:
 *
 *     in a task                    it awaits; the loop goes on meanwhile
 *     on a thread without a loop   it blocks the thread (an executor's job, too)
 *     in a callback of a loop      it is refused with WEFT_EDEADLOCK if it had to wait
 *
 * Who waits is served in the order of coming, tasks and threads in one line. What a
 * waiter was given is its own: nobody overtakes it. If its task is cancelled before it
 * resumes, or vanishes with its loop, what it was given goes to the next in line, so
 * that neither an item nor a place is lost.
 *
 *     static int consumer(void *arg)              static void *producer(void *arg)
 *     {                                           {
 *         weft_value item;                            int r = weft_threadsafe_queue_put(
 *         WEFT_TRY(weft_threadsafe_queue_get(             arg, weft_value_int(7),
 *             arg, WEFT_FOREVER, &item));                 WEFT_FOREVER);
 *         ...                                         ...
 *     }                                           }
 *
 * Every wait has a limit; WEFT_FOREVER is none, 0 or less does not wait at all. A task's
 * limit is a timer of its loop; a virtual clock does not wait for other threads. A task
 * that never has to wait is made to yield now and then, since others may feed it for ever.
 * All objects are counted: whoever gives one to another thread takes a reference for it
 * first.
 *
 * Errors that all waits share: WEFT_ETIMEDOUT; WEFT_ECANCELED in a task; WEFT_EDEADLOCK;
 * WEFT_ENOMEM, in a task with a limit, for its timer.
 *
 * Read sync.h and queue.h first.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/* ---- queue -------------------------------------------------------------- */

/**
 * A bounded queue, first in first out.
 *
 *     open --shutdown--> shut down: no puts; gets until it is empty
 */
typedef struct weft_threadsafe_queue weft_threadsafe_queue;

/**
 * Make one. The memory for <maxsize> items is taken here, so that no put needs any.
 *
 * Thread: any.
 * Owns:   the caller owns one reference to *out_queue.
 * Units:  <maxsize> in items, at least 1.
 * Errors: WEFT_EINVAL, WEFT_ENOMEM. On failure *out_queue is untouched.
 */
#define weft_threadsafe_queue_create(maxsize, out_queue) \
    weft_threadsafe_queue_create_at(WEFT_ORIGIN(NULL), (maxsize), (out_queue))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_threadsafe_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                             weft_threadsafe_queue **out_queue);
/** Share it; returns its argument. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_threadsafe_queue *weft_threadsafe_queue_ref(weft_threadsafe_queue *queue);
/** Give a reference back; always NULL. Thread: any; the last one runs the destructors of the items
 * that are left. Owns: consumes one reference; NULL is a no-op. */
WEFT_API weft_threadsafe_queue *weft_threadsafe_queue_unref(weft_threadsafe_queue *queue);

/**
 * Put an item in; wait up to <limit> while the queue is full.
 *
 * Thread: any.
 * Owns:   takes <item> on success; on failure it stays the caller's.
 * Units:  <limit> in nanoseconds; WEFT_FOREVER: none; 0 or less: do not wait.
 * Errors: WEFT_EQUEUESHUTDOWN; those of all waits (above).
 * See:    weft_threadsafe_queue_put_nowait.
 */
WEFT_API int weft_threadsafe_queue_put(weft_threadsafe_queue *queue, weft_value item,
                                       weft_duration limit);
/** The same without waiting. Errors: WEFT_EQUEUEFULL, WEFT_EQUEUESHUTDOWN. Thread: any. Owns: as
 * weft_threadsafe_queue_put. */
WEFT_API int weft_threadsafe_queue_put_nowait(weft_threadsafe_queue *queue, weft_value item);

/**
 * Take the next item out; wait up to <limit> while there is none for the caller.
 *
 * Thread: any.
 * Owns:   the item is the caller's; with a NULL <out_item> it is destroyed.
 * Units:  <limit> as weft_threadsafe_queue_put.
 * Errors: WEFT_EQUEUESHUTDOWN when it is shut down and empty; those of all waits (above). On
 *         failure *out_item is untouched.
 */
WEFT_API int weft_threadsafe_queue_get(weft_threadsafe_queue *queue, weft_duration limit,
                                       weft_value *out_item);
/** The same without waiting. Errors: WEFT_EQUEUEEMPTY, WEFT_EQUEUESHUTDOWN. Thread: any. Owns: as
 * weft_threadsafe_queue_get. */
WEFT_API int weft_threadsafe_queue_get_nowait(weft_threadsafe_queue *queue, weft_value *out_item);

/**
 * No more puts: they fail with WEFT_EQUEUESHUTDOWN, those that wait too. Gets take what is
 * left and fail then. With <immediate> nothing is left: the items are destroyed. Again is
 * harmless.
 *
 * Thread: any.
 * Runs:   with <immediate>, the destructors of the items, here and now.
 * Owns:   nothing.
 * Errors: none but misuse.
 */
WEFT_API int weft_threadsafe_queue_shutdown(weft_threadsafe_queue *queue, int immediate);

/** How many items are in it, those included that woken waiters are about to take. Thread: any; it
 * may have changed when it returns. Owns: nothing. */
WEFT_API size_t weft_threadsafe_queue_qsize(weft_threadsafe_queue *queue);
/** Its bound. Thread: any. Owns: nothing. */
WEFT_API int64_t weft_threadsafe_queue_maxsize(const weft_threadsafe_queue *queue);

/* ---- semaphore ---------------------------------------------------------- */

/** A number of places that threads and tasks take and give back. */
typedef struct weft_threadsafe_semaphore weft_threadsafe_semaphore;

/**
 * Make one with <value> free places.
 *
 * Thread: any.
 * Owns:   the caller owns one reference to *out_semaphore.
 * Errors: WEFT_EINVAL for a negative <value>; WEFT_ENOMEM. On failure *out_semaphore is untouched.
 */
#define weft_threadsafe_semaphore_create(value, out_semaphore) \
    weft_threadsafe_semaphore_create_at(WEFT_ORIGIN(NULL), (value), (out_semaphore))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_threadsafe_semaphore_create_at(const weft_origin *origin, int64_t value,
                                                 weft_threadsafe_semaphore **out_semaphore);
/** Share it; returns its argument. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_threadsafe_semaphore *
weft_threadsafe_semaphore_ref(weft_threadsafe_semaphore *semaphore);
/** Give a reference back; always NULL. Thread: any. Owns: consumes one reference; NULL is a no-op.
 */
WEFT_API weft_threadsafe_semaphore *
weft_threadsafe_semaphore_unref(weft_threadsafe_semaphore *semaphore);
/**
 * Take a place; wait up to <limit> while there is none.
 *
 * Thread: any.
 * Owns:   the caller has a place until weft_threadsafe_semaphore_release.
 * Units:  <limit> in nanoseconds; WEFT_FOREVER: none; 0 or less: do not wait.
 * Errors: those of all waits (above); then the caller has none.
 */
WEFT_API int weft_threadsafe_semaphore_acquire(weft_threadsafe_semaphore *semaphore,
                                               weft_duration limit);
/** Give a place back, from any thread; it goes to the first who waits. Errors: WEFT_EINVAL when the
 * value would not fit. Thread: any. Owns: nothing. */
WEFT_API int weft_threadsafe_semaphore_release(weft_threadsafe_semaphore *semaphore);
/** How many places are free. Thread: any; it may have changed when it returns. Owns: nothing. */
WEFT_API int64_t weft_threadsafe_semaphore_get_value(weft_threadsafe_semaphore *semaphore);

/* ---- event -------------------------------------------------------------- */

/** A flag that threads and tasks wait for. */
typedef struct weft_threadsafe_event weft_threadsafe_event;

/**
 * Make a flag that is clear.
 *
 * Thread: any.
 * Owns:   the caller owns one reference to *out_event.
 * Errors: WEFT_EINVAL, WEFT_ENOMEM. On failure *out_event is untouched.
 */
#define weft_threadsafe_event_create(out_event) \
    weft_threadsafe_event_create_at(WEFT_ORIGIN(NULL), (out_event))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_threadsafe_event_create_at(const weft_origin *origin,
                                             weft_threadsafe_event **out_event);
/** Share it; returns its argument. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_threadsafe_event *weft_threadsafe_event_ref(weft_threadsafe_event *event);
/** Give a reference back; always NULL. Thread: any. Owns: consumes one reference; NULL is a no-op.
 */
WEFT_API weft_threadsafe_event *weft_threadsafe_event_unref(weft_threadsafe_event *event);
/** Set it and wake all who wait. Thread: any. Owns: nothing. */
WEFT_API int weft_threadsafe_event_set(weft_threadsafe_event *event);
/** Clear it. Thread: any. Owns: nothing. */
WEFT_API int weft_threadsafe_event_clear(weft_threadsafe_event *event);
/** Whether it is set. Thread: any; it may have changed when it returns. Owns: nothing. */
WEFT_API int weft_threadsafe_event_is_set(weft_threadsafe_event *event);
/**
 * Wait up to <limit> until it is set. Who was woken by a set comes through, also when it was
 * cleared since.
 *
 * Thread: any.
 * Owns:   nothing.
 * Units:  <limit> in nanoseconds; WEFT_FOREVER: none; 0 or less: do not wait.
 * Errors: those of all waits (above).
 */
WEFT_API int weft_threadsafe_event_wait(weft_threadsafe_event *event, weft_duration limit);

WEFT_END_DECLS

#endif

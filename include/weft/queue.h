#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

/*
 * queue.h: queues between the tasks of one loop.
 *
 *     producers --put--> [ item item item ] --get--> consumers --task_done--> join
 *                 waits while it is full     waits while it is empty
 *
 * Three kinds, made by three functions and used by the same ones: first in first out,
 * last in first out, and the least first. A bounded queue holds back its producers.
 * Waiters are served in order; what need not wait costs no turn, also when it is
 * repeated for ever. Being woken is no claim: whoever comes first takes the item, and
 * the woken waiter goes back to the end of the line.
 *
 *     static int worker(void *arg)
 *     {
 *         weft_queue *queue = arg;
 *         weft_value job;
 *
 *         for (;;) {
 *             WEFT_TRY(weft_queue_get(queue, &job)); // ends by cancel or shutdown
 *             handle(job.as.ptr);
 *             weft_queue_task_done(queue);
 *         }
 *     }
 *
 * Items are values (base.h). A put that succeeds takes the item; one that fails,
 * cancelled or refused, leaves it with the caller. A get that fails takes none: the item
 * of a cancelled consumer stays in its place. What is left is destroyed with the queue.
 *
 * Not for threads: every call belongs to the thread of the loop that uses the queue;
 * threadsafe.h has one that crosses threads.
 *
 * From: docs.python.org/3.13/library/asyncio-queue.html.
 */

#include "weft/base.h"
#include "weft/error.h"

WEFT_BEGIN_DECLS

/** Items on their way from producers to consumers. */
typedef struct weft_queue weft_queue;

/**
 * Make a queue that hands its items out in the order in which they came.
 *
 * Thread: any; then one loop's.
 * Owns:   the caller destroys *out_queue.
 * Units:  <maxsize> in items; 0 or less: no bound.
 * Errors: WEFT_ENOMEM; WEFT_EINVAL without <out_queue>. On failure *out_queue is untouched.
 * See:    weft_lifo_queue_create, weft_priority_queue_create.
 */
#define weft_queue_create(maxsize, out_queue) \
    weft_queue_create_at(WEFT_ORIGIN(NULL), (maxsize), (out_queue))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                  weft_queue **out_queue);

/** One that hands out the newest item first. Thread: as weft_queue_create. Owns: as there. */
#define weft_lifo_queue_create(maxsize, out_queue) \
    weft_lifo_queue_create_at(WEFT_ORIGIN(NULL), (maxsize), (out_queue))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_lifo_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                       weft_queue **out_queue);

/** Negative when <a> is to come before <b>, 0 when it does not matter. It must not use the queue.
 */
typedef int weft_compare_fn(const weft_value *a, const weft_value *b, void *data);

/**
 * Make one that hands out the least item first; of equal ones the one that came first.
 *
 * Thread: any; then one loop's.
 * Runs:   <compare> inside put and get, log(n) times.
 * Owns:   as weft_queue_create; <data> must live as long as the queue.
 * Units:  <maxsize> as there. A NULL <compare> takes the items for numbers, the least first.
 * Errors: as weft_queue_create.
 */
#define weft_priority_queue_create(maxsize, compare, data, out_queue) \
    weft_priority_queue_create_at(WEFT_ORIGIN(#compare), (maxsize), (compare), (data), (out_queue))
/** The function under it. Thread: any. Owns: as above. */
WEFT_API int weft_priority_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                           weft_compare_fn *compare, void *data,
                                           weft_queue **out_queue);

/**
 * Release its memory, and destroy the items that are left.
 *
 * Thread: loop thread.
 * Runs:   the destructors of the items.
 * Owns:   consumes; NULL is a no-op.
 * Errors: WEFT_EINVALIDSTATE while tasks wait in it, and it lives on.
 */
WEFT_API int weft_queue_destroy(weft_queue *queue);

/**
 * Put an item in; wait while the queue is full.
 *
 * Thread: loop thread, in a task.
 * Owns:   takes <item> on success; on failure it stays the caller's.
 * Errors: WEFT_ECANCELED; WEFT_EQUEUESHUTDOWN; WEFT_ENOMEM; WEFT_ERUNTIME outside a task, and
 *         when it must wait on another loop than that of the first waiter.
 */
WEFT_API int weft_queue_put(weft_queue *queue, weft_value item);
/** The same without waiting. Errors: WEFT_EQUEUEFULL, WEFT_EQUEUESHUTDOWN, WEFT_ENOMEM. Thread:
 * loop thread. Owns: as weft_queue_put. */
WEFT_API int weft_queue_put_nowait(weft_queue *queue, weft_value item);

/**
 * Take the next item out; wait while the queue is empty.
 *
 * Thread: loop thread, in a task.
 * Owns:   the item is the caller's; with a NULL <out_item> it is destroyed.
 * Errors: WEFT_ECANCELED; WEFT_EQUEUESHUTDOWN when it is shut down and empty; WEFT_ERUNTIME as
 *         weft_queue_put. On failure *out_item is untouched.
 */
WEFT_API int weft_queue_get(weft_queue *queue, weft_value *out_item);
/** The same without waiting. Errors: WEFT_EQUEUEEMPTY, WEFT_EQUEUESHUTDOWN. Thread: loop thread.
 * Owns: as weft_queue_get. */
WEFT_API int weft_queue_get_nowait(weft_queue *queue, weft_value *out_item);

/**
 * Say that an item that was taken out is dealt with.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: WEFT_EINVAL when it is said more often than there were items.
 */
WEFT_API int weft_queue_task_done(weft_queue *queue);
/**
 * Wait until every item that was put in is dealt with. Who waits when that comes true
 * comes through, also when there are new items since.
 *
 * Thread: loop thread; in a task, unless there is nothing to wait for.
 * Owns:   nothing.
 * Errors: WEFT_ECANCELED; WEFT_ERUNTIME as weft_queue_put.
 */
WEFT_API int weft_queue_join(weft_queue *queue);

/**
 * No more puts: they fail with WEFT_EQUEUESHUTDOWN, those that wait too. Gets take what is
 * left and fail then. With <immediate> nothing is left: the items are destroyed, and count
 * as dealt with. Again is harmless.
 *
 * Thread: loop thread.
 * Runs:   with <immediate>, the destructors of the items.
 * Owns:   nothing.
 * Errors: none but misuse.
 */
WEFT_API int weft_queue_shutdown(weft_queue *queue, int immediate);

/** How many items are in it. Thread: loop thread. Owns: nothing. */
WEFT_API size_t weft_queue_qsize(const weft_queue *queue);
/** Its bound; 0 or less: none. Thread: loop thread. Owns: nothing. */
WEFT_API int64_t weft_queue_maxsize(const weft_queue *queue);
/** Whether there is no item in it. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_queue_empty(const weft_queue *queue);
/** Whether a put would have to wait. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_queue_full(const weft_queue *queue);

WEFT_END_DECLS

#endif

#ifndef WEFT_SCENARIO_SYNC_H
#define WEFT_SCENARIO_SYNC_H

/*
 * sync.h: shorthands for locks, events, conditions, semaphores, barriers and queues.
 */

#include "weft/weft.h"

/** asyncio.Lock(), asyncio.Semaphore(value), ... where they cannot fail. */
weft_lock *make_lock(void);
weft_event *make_event(void);
weft_condition *make_condition(weft_lock *lock);
weft_semaphore *make_semaphore(int64_t value);
weft_semaphore *make_bounded_semaphore(int64_t value);
weft_barrier *make_barrier(int parties);
weft_queue *make_queue(int64_t maxsize);

/** q.put_nowait(number), which has room. */
void put_number(weft_queue *queue, int number);
/** q.get_nowait(), which is there. */
int get_number(weft_queue *queue);
/** q.put_nowait(text), which has room. */
void put_text(weft_queue *queue, const char *text);
/** q.get_nowait() of a text. */
const char *get_text(weft_queue *queue);
/** await q.put(number). */
int wait_put(weft_queue *queue, int number);
/** await q.get(). */
int wait_get(weft_queue *queue, int *out_number);

/** for _ in range(n): await asyncio.sleep(0) */
int turns(int n);
/** Print "tick 1" in the next turn of the loop, and so on up to "tick <n>". */
void start_ticks(int n);

#endif

/*
 * Shorthands for locks, events, conditions, semaphores, barriers and queues.
 */

#include "sync.h"

#include "trace.h"

#include <stdint.h>

weft_lock *make_lock(void)
{
    weft_lock *lock = NULL;

    MUST(weft_lock_create(&lock));
    return lock;
}

weft_event *make_event(void)
{
    weft_event *event = NULL;

    MUST(weft_event_create(&event));
    return event;
}

weft_condition *make_condition(weft_lock *lock)
{
    weft_condition *condition = NULL;

    MUST(weft_condition_create(lock, &condition));
    return condition;
}

weft_semaphore *make_semaphore(int64_t value)
{
    weft_semaphore *semaphore = NULL;

    MUST(weft_semaphore_create(value, &semaphore));
    return semaphore;
}

weft_semaphore *make_bounded_semaphore(int64_t value)
{
    weft_semaphore *semaphore = NULL;

    MUST(weft_bounded_semaphore_create(value, &semaphore));
    return semaphore;
}

weft_barrier *make_barrier(int parties)
{
    weft_barrier *barrier = NULL;

    MUST(weft_barrier_create(parties, &barrier));
    return barrier;
}

weft_queue *make_queue(int64_t maxsize)
{
    weft_queue *queue = NULL;

    MUST(weft_queue_create(maxsize, &queue));
    return queue;
}

void put_number(weft_queue *queue, int number)
{
    MUST(weft_queue_put_nowait(queue, weft_value_int(number)));
}

int get_number(weft_queue *queue)
{
    weft_value item = weft_value_none();

    MUST(weft_queue_get_nowait(queue, &item));
    return (int)item.as.num;
}

void put_text(weft_queue *queue, const char *text)
{
    MUST(weft_queue_put_nowait(queue, weft_value_ptr((void *)text, NULL)));
}

const char *get_text(weft_queue *queue)
{
    weft_value item = weft_value_none();

    MUST(weft_queue_get_nowait(queue, &item));
    return item.as.ptr;
}

int wait_put(weft_queue *queue, int number)
{
    return weft_queue_put(queue, weft_value_int(number));
}

int wait_get(weft_queue *queue, int *out_number)
{
    weft_value item;

    WEFT_TRY(weft_queue_get(queue, &item));
    *out_number = (int)item.as.num;
    return 0;
}

int turns(int n)
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    return 0;
}

/* A turn: what is left and what was, in one number that needs no memory. */
static int tick(void *data)
{
    uintptr_t now = (uintptr_t)data >> 16;
    uintptr_t last = (uintptr_t)data & 0xffff;

    trace("tick %d", (int)now);
    if (now < last) {
        MUST(weft_loop_call_soon(NULL, tick, (void *)((now + 1) << 16 | last), NULL));
    }
    return 0;
}

void start_ticks(int n)
{
    MUST(weft_loop_call_soon(NULL, tick, (void *)((uintptr_t)1 << 16 | (uintptr_t)n), NULL));
}

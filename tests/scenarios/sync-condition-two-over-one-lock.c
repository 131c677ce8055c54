/*
 * sync-condition-two-over-one-lock: Two conditions over one lock: a bounded buffer with producers
 * and consumers.
 */
#include "support/scenario.h"

enum {
    SIZE = 2,
    N_ROUNDS = 3
};

struct buffer {
    weft_lock *lock;
    weft_condition *not_empty;
    weft_condition *not_full;
    struct {
        const char *who;
        int number;
    } items[SIZE];
    int n_items;
};

struct party {
    const char *name;
    struct buffer *b;
};

static int has_room(void *data)
{
    return ((const struct buffer *)data)->n_items < SIZE;
}

static int has_item(void *data)
{
    return ((const struct buffer *)data)->n_items > 0;
}

static int put(const struct party *me, int i)
{
    struct buffer *b = me->b;

    WEFT_TRY(weft_condition_wait_for(b->not_full, has_room, b));
    b->items[b->n_items].who = me->name;
    b->items[b->n_items].number = i;
    b->n_items++;
    trace("%s put %d size %d", me->name, i, b->n_items);
    return weft_condition_notify(b->not_empty, 1);
}

static int take(const struct party *me)
{
    struct buffer *b = me->b;

    WEFT_TRY(weft_condition_wait_for(b->not_empty, has_item, b));
    trace("%s got %s %d", me->name, b->items[0].who, b->items[0].number);
    b->items[0] = b->items[1];
    b->n_items--;
    return weft_condition_notify(b->not_full, 1);
}

static int producer(void *arg)
{
    const struct party *me = arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        WEFT_TRY(weft_lock_acquire(me->b->lock));
        int r = put(me, i);
        MUST(weft_lock_release(me->b->lock));
        WEFT_TRY(r);
    }
    return 0;
}

static int consumer(void *arg)
{
    const struct party *me = arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        WEFT_TRY(weft_condition_acquire(me->b->not_empty));
        int r = take(me);
        MUST(weft_condition_release(me->b->not_empty));
        WEFT_TRY(r);
    }
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_lock *lock = make_lock();
    struct buffer b = { lock, make_condition(lock), make_condition(lock), .n_items = 0 };
    struct party parties[] = { { "c1", &b }, { "p1", &b }, { "p2", &b }, { "c2", &b } };
    weft_future *all = NULL;

    start_ticks(7);
    weft_awaitable *four[] = {
        weft_coro_create(consumer, &parties[0]),
        weft_coro_create(producer, &parties[1]),
        weft_coro_create(producer, &parties[2]),
        weft_coro_create(consumer, &parties[3]),
    };
    MUST(weft_gather(four, 4, 0, &all));
    WEFT_TRY(join(all, NULL));
    trace("left %d locked=%d", b.n_items, weft_lock_locked(lock));
    MUST(weft_condition_destroy(b.not_empty));
    MUST(weft_condition_destroy(b.not_full));
    return weft_lock_destroy(lock);
}

int main(void)
{
    return scenario_main(story);
}

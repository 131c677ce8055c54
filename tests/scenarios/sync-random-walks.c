/*
 * sync-random-walks: Five tasks do random things with a lock, a semaphore, a condition, a queue,
 * a barrier and an event, and are cancelled at random. The seeds are those of the Python program.
 */
#include "support/scenario.h"

enum {
    N_TASKS = 5,
    N_OPERATIONS = 30,
    N_TURNS = 60
};

static const unsigned seeds[] = { 1,  2,  4,  5,  6,  7,  8,  9,  12, 13, 14, 15,
                                  16, 17, 18, 19, 20, 21, 23, 27, 28, 29, 31, 32 };

struct world {
    weft_lock *lock;
    weft_semaphore *sem;
    weft_condition *cond;
    weft_queue *q;
    weft_barrier *barrier;
    weft_event *event;
    int next_item;
    int is_over;
};

struct walker {
    struct world *world;
    int number;
    unsigned random;
    int depth;
};

static int below(unsigned *random, unsigned n)
{
    *random = (*random * 1103515245u + 12345u) & 0x7fffffffu;
    return (int)((*random >> 16) % n);
}

static int operate(struct walker *me);

static int stay(struct walker *me)
{
    int r = 0;

    for (int n = below(&me->random, 3); n > 0; n--) {
        WEFT_TRY(weft_sleep(0));
    }
    if (me->depth == 0 && below(&me->random, 3) == 0) {
        me->depth = 1;
        r = operate(me);
        me->depth = 0;
    }
    return r;
}

/* ---- operations ---- */

static int yield_once(struct walker *me)
{
    WEFT_TRY(weft_sleep(0));
    trace("%d slept", me->number);
    return 0;
}

static int hold_lock(struct walker *me)
{
    weft_lock *lock = me->world->lock;

    WEFT_TRY(weft_lock_acquire(lock));
    trace("%d lock in", me->number);
    int r = stay(me);
    MUST(weft_lock_release(lock));
    trace("%d lock out", me->number);
    return r;
}

static int hold_place(struct walker *me)
{
    weft_semaphore *sem = me->world->sem;

    WEFT_TRY(weft_semaphore_acquire(sem));
    trace("%d place in locked=%d", me->number, weft_semaphore_locked(sem));
    int r = stay(me);
    MUST(weft_semaphore_release(sem));
    trace("%d place out locked=%d", me->number, weft_semaphore_locked(sem));
    return r;
}

static int be_notified(struct walker *me)
{
    weft_condition *cond = me->world->cond;

    WEFT_TRY(weft_condition_acquire(cond));
    trace("%d waits", me->number);
    int r = weft_condition_wait(cond);
    if (r == 0) {
        trace("%d notified", me->number);
    }
    MUST(weft_condition_release(cond));
    return r;
}

static int notify(struct walker *me)
{
    weft_condition *cond = me->world->cond;

    WEFT_TRY(weft_condition_acquire(cond));
    int n = below(&me->random, 3);
    MUST(n == 0 ? weft_condition_notify_all(cond) : weft_condition_notify(cond, n));
    trace("%d notifies %d", me->number, n);
    int r = stay(me);
    MUST(weft_condition_release(cond));
    return r;
}

static int put(struct walker *me)
{
    weft_queue *q = me->world->q;
    int item = ++me->world->next_item;

    WEFT_TRY(wait_put(q, item));
    trace("%d put %d size %zu", me->number, item, weft_queue_qsize(q));
    return 0;
}

static int get(struct walker *me)
{
    weft_queue *q = me->world->q;
    int item;

    WEFT_TRY(wait_get(q, &item));
    trace("%d got %d size %zu", me->number, item, weft_queue_qsize(q));
    return below(&me->random, 2) == 1 ? weft_queue_task_done(q) : 0;
}

static int meet(struct walker *me)
{
    weft_barrier *barrier = me->world->barrier;
    int index;

    WEFT_TRY(weft_barrier_wait(barrier, &index));
    trace("%d meets as %d waiting %d", me->number, index, weft_barrier_n_waiting(barrier));
    return 0;
}

static int disturb(struct walker *me)
{
    int choice = below(&me->random, 8);

    if (choice >= 3) {
        return meet(me);
    }
    WEFT_TRY(choice == 0 ? weft_barrier_abort(me->world->barrier)
                         : weft_barrier_reset(me->world->barrier));
    trace("%d %s", me->number, choice == 0 ? "aborts" : "resets");
    return 0;
}

static int see_flag(struct walker *me)
{
    WEFT_TRY(weft_event_wait(me->world->event));
    trace("%d flag is_set=%d", me->number, weft_event_is_set(me->world->event));
    return 0;
}

static int move_flag(struct walker *me)
{
    int choice = below(&me->random, 3);

    if (choice != 1) {
        MUST(weft_event_set(me->world->event));
    }
    if (choice != 0) {
        MUST(weft_event_clear(me->world->event));
    }
    trace("%d moves flag %d", me->number, choice);
    return 0;
}

static int hurry(struct walker *me)
{
    weft_queue *q = me->world->q;
    weft_value item;

    if (below(&me->random, 2) == 1) {
        item = weft_value_int(++me->world->next_item);
        WEFT_TRY(weft_queue_put_nowait(q, item));
        trace("%d put now %d", me->number, (int)item.as.num);
    } else {
        WEFT_TRY(weft_queue_get_nowait(q, &item));
        trace("%d got now %d", me->number, (int)item.as.num);
    }
    return 0;
}

static int join_queue(struct walker *me)
{
    WEFT_TRY(weft_queue_join(me->world->q));
    trace("%d joined", me->number);
    return 0;
}

static int operate(struct walker *me)
{
    static int (*const operations[])(
        struct walker *) = { yield_once,  hold_lock, hold_lock, hold_place, hold_place, be_notified,
                             be_notified, notify,    put,       get,        meet,       disturb,
                             see_flag,    move_flag, hurry,     join_queue };

    return operations[below(&me->random, 16)](me);
}

/* ---- the walk ---- */

static int walk(void *arg)
{
    struct walker *me = arg;

    for (int i = 0; i < N_OPERATIONS && !me->world->is_over; i++) {
        int r = operate(me);
        if (r < 0) {
            trace("%d %s", me->number, err(r));
        }
    }
    trace("%d ends", me->number);
    return 0;
}

static void cancel_somebody(weft_task **tasks, unsigned *random)
{
    int victim = below(random, N_TASKS);

    if (weft_future_done(tasks[victim])) {
        return;
    }
    MUST(weft_task_cancel(tasks[victim], NULL));
    trace("main cancels %d", victim);
    if (below(random, 3) == 0) {
        MUST(weft_task_cancel(tasks[victim], NULL));
    }
}

static void interfere(struct world *world, weft_task **tasks, unsigned *random, int turn)
{
    int choice = below(random, 10);

    if (choice < 3) {
        cancel_somebody(tasks, random);
    } else if (choice == 3) {
        MUST(weft_event_set(world->event));
        trace("main sets the flag");
    } else if (choice == 4 && !weft_queue_empty(world->q)) {
        trace("main got %d", get_number(world->q));
    } else if (choice == 5 && !weft_queue_full(world->q)) {
        put_number(world->q, ++world->next_item);
        trace("main put %d", world->next_item);
    } else if (choice == 6) {
        MUST(weft_semaphore_release(world->sem));
        trace("main releases locked=%d", weft_semaphore_locked(world->sem));
    } else {
        trace("turn %d", turn);
    }
}

static int are_all_done(weft_task *const *tasks)
{
    for (int i = 0; i < N_TASKS; i++) {
        if (!weft_future_done(tasks[i])) {
            return 0;
        }
    }
    return 1;
}

static int end(struct world *world, weft_task **tasks)
{
    int n = 0;

    world->is_over = 1;
    for (; !are_all_done(tasks); n++) {
        for (int i = 0; i < N_TASKS; i++) {
            (void)weft_task_cancel(tasks[i], NULL); /* refused when it is done */
        }
        WEFT_TRY(weft_sleep(0));
    }
    trace("done after %d lock=%d cond=%d waiting=%d broken=%d size=%zu", n,
          weft_lock_locked(world->lock), weft_condition_locked(world->cond),
          weft_barrier_n_waiting(world->barrier), weft_barrier_broken(world->barrier),
          weft_queue_qsize(world->q));
    return 0;
}

static int walk_all(struct world *world, unsigned seed)
{
    struct walker walkers[N_TASKS];
    weft_task *tasks[N_TASKS];
    unsigned random = seed * 31 + 99;

    trace("seed %u", seed);
    for (int i = 0; i < N_TASKS; i++) {
        walkers[i] = (struct walker){ world, i, seed * 31 + (unsigned)i, 0 };
        tasks[i] = spawn(walk, &walkers[i]);
    }
    for (int turn = 0; turn < N_TURNS; turn++) {
        WEFT_TRY(weft_sleep(0));
        interfere(world, tasks, &random, turn);
    }
    WEFT_TRY(end(world, tasks));
    drop_all(tasks, N_TASKS);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        struct world world = {
            .lock = make_lock(),
            .sem = make_semaphore(2),
            .cond = make_condition(NULL),
            .q = make_queue(2),
            .barrier = make_barrier(2),
            .event = make_event(),
        };
        WEFT_TRY(walk_all(&world, seeds[i]));
        MUST(weft_lock_destroy(world.lock));
        MUST(weft_semaphore_destroy(world.sem));
        MUST(weft_condition_destroy(world.cond));
        MUST(weft_queue_destroy(world.q));
        MUST(weft_barrier_destroy(world.barrier));
        MUST(weft_event_destroy(world.event));
    }
    return 0;
}

int main(void)
{
    return scenario_main(story);
}

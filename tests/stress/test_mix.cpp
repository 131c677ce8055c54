/*
 * R25: a million random steps of two thousand tasks on four loops, seeded: spawn,
 * cancel, wait_for with tiny limits, locks, conditions, semaphores, events, queues,
 * groups, gather, shield, wait, time-out scopes, executor jobs, calls and cancels
 * between the loops.
 *
 * What must hold, and is looked at after each step:
 *
 *   - a cancel that was taken comes out of the task's present or next wait, and
 *     nobody is cancelled whom nobody cancelled
 *   - weft_task_cancelling counts exactly the requests
 *   - one task at a time has a lock, and no task ends with one
 *   - every wait ends (a watchdog says so otherwise)
 *
 * and at the end: every argument was used or destroyed once, every value destroyed,
 * every lock is free, no descriptor and no block of memory is left.
 *
 * Nothing is asserted on a loop's thread: the first break of a rule is kept.
 */
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "support/io_world.hpp"
#include "support/seed.hpp"
#include "weft/bridge.h"
#include "weft/queue.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/sync.h"

namespace
{

constexpr unsigned n_shards = 4;
constexpr unsigned n_actors = 500; /* on each loop */
constexpr unsigned n_locks = 24;
constexpr unsigned n_events = 8;
constexpr unsigned n_queues = 6;
constexpr unsigned n_semaphores = 4;
constexpr unsigned n_places = 3; /* of each semaphore */

/* ---- what is counted ---------------------------------------------------- */

std::atomic<long> n_parcels; /* arguments made and not yet used or destroyed */
std::atomic<long> n_values;  /* values made and not yet destroyed */
std::atomic<long> n_steps;
std::atomic<long> n_cancels;   /* taken */
std::atomic<long> n_delivered; /* seen by whom they were for */
std::atomic<long> n_turned;    /* became the error of a gather's child */
std::atomic<long> n_jobs;      /* given to the executor */

/* The first break of a rule, for the report at the end. */
std::atomic<bool> is_broken;
char first_break[200];

void broken(const char *rule, long detail = 0)
{
    if (!is_broken.exchange(true)) {
        std::snprintf(first_break, sizeof first_break, "%s (%ld)", rule, detail);
        std::fprintf(stderr, "stress: %s\n", first_break);
    }
}

/* Reports that no run of this program may cause. */
void on_record(const weft_log_record *record, void *)
{
    if (record->report != nullptr &&
        record->report->kind != WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) {
        std::fprintf(stderr, "%s\n", record->message);
        broken("report", record->report->kind);
    }
}

/* ---- the cast ----------------------------------------------------------- */

struct shard;

struct actor {
    shard *home = nullptr;
    weft_task *task = nullptr;
    bool has_started = false;
    bool is_asked = false; /* cancelled, and not yet told */
    int n_requests = 0;    /* not yet taken back */
    int n_held = 0;        /* locks */
};

struct shard {
    unsigned index = 0;
    weft_loop *loop = nullptr;
    std::minstd_rand random;
    long n_left = 0;  /* steps */
    long n_alive = 0; /* actors */
    std::vector<actor> actors;
    weft_lock *locks[n_locks] = {};
    actor *holders[n_locks] = {};
    weft_event *events[n_events] = {};
    weft_queue *queues[n_queues] = {};
    weft_semaphore *semaphores[n_semaphores] = {};
    unsigned n_inside[n_semaphores] = {};
    weft_condition *condition = nullptr; /* with a lock of its own */
    weft_event *is_over = nullptr;

    unsigned roll(unsigned n)
    {
        return static_cast<unsigned>(random()) / 7 % n;
    }
};

shard *shards;

/* ---- small work --------------------------------------------------------- */

struct parcel {
    unsigned n_naps;
    unsigned nap_us;
    int code; /* what comes of it; 0: a value */
};

void destroy_parcel(void *data)
{
    delete static_cast<parcel *>(data);
    n_parcels--;
}

void destroy_value(void *data)
{
    delete static_cast<long *>(data);
    n_values--;
}

weft_value make_value()
{
    n_values++;
    return weft_value_ptr(new long(1), destroy_value);
}

parcel *make_parcel(shard &s)
{
    n_parcels++;
    return new parcel{ s.roll(3), s.roll(4) == 0 ? s.roll(40) : 0,
                       s.roll(8) == 0 ? WEFT_EUSER(1) : 0 };
}

/* A coroutine and a job: it owns its argument once it runs. It obeys a cancel. */
int unpack(void *data, bool may_wait)
{
    parcel p = *static_cast<parcel *>(data);

    destroy_parcel(data);
    for (unsigned i = 0; may_wait && i < p.n_naps; i++) {
        WEFT_TRY(weft_sleep(WEFT_US(p.nap_us)));
    }
    return p.code != 0 ? weft_fail(p.code, "bad parcel") : weft_return(make_value());
}

int nap(void *data)
{
    return unpack(data, true);
}

int job(void *data)
{
    return unpack(data, false);
}

weft_coro *make_nap(shard &s)
{
    return weft_coro_create_with(nap, make_parcel(s), destroy_parcel);
}

/* ---- cancels ------------------------------------------------------------ */

/* Cancel somebody, and write it down when it was taken. */
void cancel(actor &victim)
{
    if (victim.task != nullptr && weft_task_cancel(victim.task, "stress") == 0) {
        victim.is_asked = true;
        victim.n_requests++;
        n_cancels++;
    }
}

int cancel_somebody(void *data)
{
    shard &s = *static_cast<shard *>(data);

    cancel(s.actors[s.roll(n_actors)]);
    return 0;
}

/* ---- steps -------------------------------------------------------------- */

/*
 * Await it, or only for a moment, or cancel it. Consumes the future. Whom we cancelled
 * ourselves is no cancel of ours.
 */
int use_future(actor &a, weft_future *future)
{
    shard &s = *a.home;
    weft_value value = weft_value_none();
    bool is_cancelled = false;
    int r;

    switch (s.roll(4)) {
    case 0:
        r = weft_wait_for(future, WEFT_US(s.roll(60)), &value);
        is_cancelled = r == WEFT_ETIMEDOUT;
        break;
    case 1:
        r = s.roll(2) == 0 ? weft_sleep(0) : 0;
        if (r == 0) {
            is_cancelled = weft_future_cancel(future, nullptr) == 0;
            r = weft_await(future, &value);
        }
        break;
    default:
        r = weft_await(future, &value);
    }
    weft_value_clear(&value);
    weft_future_unref(future);
    return r == WEFT_ECANCELED && is_cancelled && !a.is_asked ? 0 : r;
}

int step_sleep(actor &a)
{
    return weft_sleep(a.home->roll(3) == 0 ? WEFT_US(a.home->roll(50)) : 0);
}

int step_task(actor &a)
{
    weft_task *task = nullptr;

    WEFT_TRY(weft_create_task(make_nap(*a.home), &task));
    return use_future(a, task);
}

int step_wait_for(actor &a)
{
    weft_value value = weft_value_none();
    int r = weft_wait_for(make_nap(*a.home), WEFT_US(a.home->roll(60)) - WEFT_US(5), &value);

    weft_value_clear(&value);
    return r;
}

struct acquire_arg {
    weft_lock *lock;
};

int acquire(void *data)
{
    return weft_lock_acquire(static_cast<acquire_arg *>(data)->lock);
}

int step_lock(actor &a)
{
    shard &s = *a.home;
    unsigned i = s.roll(n_locks);
    acquire_arg arg = { s.locks[i] };

    WEFT_TRY(s.roll(2) == 0
                 ? weft_lock_acquire(s.locks[i])
                 : weft_wait_for(weft_coro_create(acquire, &arg), WEFT_US(s.roll(80)), nullptr));
    if (s.holders[i] != nullptr) {
        broken("a lock has two holders", i);
    }
    s.holders[i] = &a;
    a.n_held++;
    int r = weft_sleep(s.roll(2) == 0 ? 0 : WEFT_US(s.roll(5)));
    a.n_held--;
    s.holders[i] = nullptr;
    if (weft_lock_release(s.locks[i]) != 0) {
        broken("a held lock cannot be released", i);
    }
    return r;
}

int wait_event(void *data)
{
    return weft_event_wait(static_cast<weft_event *>(data));
}

int step_event(actor &a)
{
    shard &s = *a.home;
    weft_event *event = s.events[s.roll(n_events)];

    switch (s.roll(4)) {
    case 0:
        return weft_event_set(event);
    case 1:
        return weft_event_clear(event);
    default:
        return weft_wait_for(weft_coro_create(wait_event, event), WEFT_US(s.roll(100)), nullptr);
    }
}

int acquire_semaphore(void *data)
{
    return weft_semaphore_acquire(static_cast<weft_semaphore *>(data));
}

int step_semaphore(actor &a)
{
    shard &s = *a.home;
    unsigned i = s.roll(n_semaphores);
    weft_semaphore *semaphore = s.semaphores[i];

    WEFT_TRY(s.roll(2) == 0 ? weft_semaphore_acquire(semaphore)
                            : weft_wait_for(weft_coro_create(acquire_semaphore, semaphore),
                                            WEFT_US(s.roll(80)), nullptr));
    if (++s.n_inside[i] > n_places) {
        broken("a semaphore lets too many in", i);
    }
    int r = weft_sleep(s.roll(2) == 0 ? 0 : WEFT_US(s.roll(5)));
    s.n_inside[i]--;
    if (weft_semaphore_release(semaphore) != 0) {
        broken("a semaphore takes no place back", i);
    }
    return r;
}

/* An item that is never taken is destroyed with its queue. */
struct put_arg {
    weft_queue *queue;
};

int put(void *data)
{
    weft_value value = make_value();
    int r = weft_queue_put(static_cast<put_arg *>(data)->queue, value);

    if (r != 0) {
        weft_value_clear(&value); /* refused: it stayed ours */
    }
    return r;
}

int get(void *data)
{
    weft_value value = weft_value_none();
    int r = weft_queue_get(static_cast<put_arg *>(data)->queue, &value);

    if (r == 0 && value.as.ptr == nullptr) {
        broken("a queue gives nothing");
    }
    weft_value_clear(&value);
    return r;
}

int step_queue(actor &a)
{
    shard &s = *a.home;
    put_arg arg = { s.queues[s.roll(n_queues)] };

    return weft_wait_for(weft_coro_create(s.roll(2) == 0 ? put : get, &arg), WEFT_US(s.roll(100)),
                         nullptr);
}

int wait_condition(void *data)
{
    weft_condition *condition = static_cast<weft_condition *>(data);

    WEFT_TRY(weft_condition_acquire(condition));
    int r = weft_condition_wait(condition);
    if (!weft_condition_locked(condition)) {
        broken("a wait came back without the condition's lock");
    }
    if (weft_condition_release(condition) != 0) {
        broken("a condition's lock cannot be released");
    }
    return r;
}

int step_condition(actor &a)
{
    shard &s = *a.home;

    if (s.roll(3) != 0) {
        return weft_wait_for(weft_coro_create(wait_condition, s.condition), WEFT_US(s.roll(100)),
                             nullptr);
    }
    WEFT_TRY(weft_condition_acquire(s.condition));
    int r = s.roll(4) == 0 ? weft_condition_notify_all(s.condition)
                           : weft_condition_notify(s.condition, 1 + s.roll(3));
    if (r == 0) {
        r = weft_sleep(0);
    }
    if (weft_condition_release(s.condition) != 0) {
        broken("a condition's lock cannot be released");
    }
    return r;
}

int step_group(actor &a)
{
    shard &s = *a.home;
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);

    if (r == 0) {
        for (unsigned i = s.roll(4); i > 0 && r == 0; i--) {
            r = weft_task_group_create_task(group, make_nap(s), nullptr);
        }
        if (r == 0 && s.roll(2) == 0) {
            r = weft_sleep(0);
        }
        if (r == 0 && s.roll(6) == 0) {
            r = WEFT_EUSER(1);
        }
        r = weft_task_group_exit(group, r);
    }
    weft_task_group_destroy(group);
    return r;
}

int step_gather(actor &a)
{
    shard &s = *a.home;
    weft_awaitable *all[4];
    unsigned n = s.roll(5);
    weft_future *future = nullptr;

    for (unsigned i = 0; i < n; i++) {
        all[i] = make_nap(s);
    }
    WEFT_TRY(weft_gather(all, n, s.roll(2) == 0 ? WEFT_GATHER_RETURN_EXCEPTIONS : 0, &future));
    int r = use_future(a, future);
    if (r == WEFT_EUSER(1) && a.is_asked) {
        /* As in asyncio: a child that had failed just before the cancel decides. */
        a.is_asked = false;
        n_turned++;
    }
    return r;
}

int step_shield(actor &a)
{
    weft_future *shielded = nullptr;

    WEFT_TRY(weft_shield(make_nap(*a.home), &shielded));
    return use_future(a, shielded);
}

int step_wait(actor &a)
{
    shard &s = *a.home;
    static const weft_wait_mode modes[] = { WEFT_ALL_COMPLETED, WEFT_FIRST_COMPLETED,
                                            WEFT_FIRST_EXCEPTION };
    weft_future *tasks[3] = {};
    unsigned n = 0;
    int r = 0;

    while (n < 3 && r == 0) {
        r = weft_create_task(make_nap(s), &tasks[n]);
        n += r == 0;
    }
    if (r == 0) {
        weft_duration limit = s.roll(2) == 0 ? WEFT_FOREVER : WEFT_US(s.roll(50));
        weft_wait_mode mode = modes[s.roll(3)];
        r = weft_wait(tasks, n, limit, mode);
        int n_done = 0;
        for (unsigned i = 0; i < n; i++) {
            n_done += weft_future_done(tasks[i]);
        }
        if (r >= 0 && r != n_done) {
            broken("wait counts wrongly", r);
        }
        if (r >= 0 && limit == WEFT_FOREVER && (mode == WEFT_ALL_COMPLETED ? r != 3 : r == 0)) {
            broken("wait came too early", r);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (s.roll(2) == 0) {
            (void)weft_future_cancel(tasks[i], nullptr); /* done already, perhaps */
        }
        weft_future_unref(tasks[i]);
    }
    return r < 0 ? r : 0;
}

int step_scopes(actor &a)
{
    shard &s = *a.home;
    weft_timeout *outer = weft_timeout_create(WEFT_US(s.roll(60)));
    weft_timeout *inner = weft_timeout_create(s.roll(3) == 0 ? WEFT_FOREVER : WEFT_US(s.roll(60)));
    int r = weft_timeout_enter(outer);

    if (r == 0) {
        r = weft_timeout_enter(inner);
        if (r == 0) {
            r = weft_sleep(WEFT_US(s.roll(40)));
            if (r == 0 && s.roll(2) == 0) {
                r = weft_timeout_reschedule(inner, weft_loop_time(s.loop) + WEFT_US(s.roll(30)));
            }
            if (r == 0) {
                r = weft_sleep(WEFT_US(s.roll(40)));
            }
            r = weft_timeout_exit(inner, r);
        }
        r = weft_timeout_exit(outer, r);
    }
    weft_timeout_destroy(inner);
    weft_timeout_destroy(outer);
    return r;
}

/* Somebody completes a future, at about the moment at which its waiter gives up. */
struct promise {
    weft_future *future; /* one reference */
    unsigned how;
    bool is_cancelled;
    bool is_forgotten; /* its maker looks no more */
    bool is_kept;
};

int keep_promise(void *data)
{
    promise *p = static_cast<promise *>(data);

    if (p->how == 0) {
        p->is_cancelled = weft_future_cancel(p->future, nullptr) == 0;
    } else if (p->how == 1) {
        (void)weft_future_set_exception(p->future, WEFT_EUSER(2), "no"); /* or it is done */
    } else {
        weft_value value = make_value();
        if (weft_future_set_result(p->future, value) != 0) {
            weft_value_clear(&value);
        }
    }
    weft_future_unref(p->future);
    p->is_kept = true;
    if (p->is_forgotten) {
        delete p;
    }
    return 0;
}

int step_future(actor &a)
{
    shard &s = *a.home;
    weft_future *future = weft_loop_create_future(s.loop);
    promise *p = new promise{ weft_future_ref(future), s.roll(6), false, false, false };
    int r = s.roll(2) == 0
                ? weft_loop_call_soon(s.loop, keep_promise, p, nullptr)
                : weft_loop_call_later(s.loop, WEFT_US(s.roll(60)), keep_promise, p, nullptr);

    if (r != 0) {
        broken("a callback was refused", r);
    }
    r = use_future(a, future);
    bool is_theirs = p->is_cancelled;
    p->is_forgotten = true;
    if (p->is_kept) {
        delete p;
    }
    return r == WEFT_ECANCELED && is_theirs && !a.is_asked ? 0 : r;
}

int step_executor(actor &a)
{
    weft_future *future = nullptr;

    n_jobs++;
    WEFT_TRY(weft_loop_run_in_executor_with(nullptr, nullptr, job, make_parcel(*a.home),
                                            destroy_parcel, &future));
    return use_future(a, future);
}

int step_across(actor &a)
{
    shard &there = shards[a.home->roll(n_shards)];
    weft_concurrent_future *far = nullptr;
    weft_future *near = nullptr;

    WEFT_TRY(weft_run_coroutine_threadsafe(make_nap(*a.home), there.loop, &far));
    int r = weft_wrap_future(far, nullptr, &near);
    weft_concurrent_future_unref(far);
    return r < 0 ? r : use_future(a, near);
}

int step_cancel(actor &a)
{
    return cancel_somebody(a.home);
}

int step_cancel_across(actor &a)
{
    shard &there = shards[a.home->roll(n_shards)];

    return weft_loop_call_soon_threadsafe(there.loop, cancel_somebody, &there, nullptr);
}

typedef int step_fn(actor &a);

/* Ops that are wanted more often stand here more than once. */
step_fn *const steps[] = { step_sleep,  step_task,   step_task,   step_wait_for,     step_wait_for,
                           step_lock,   step_lock,   step_event,  step_semaphore,    step_condition,
                           step_queue,  step_queue,  step_group,  step_gather,       step_shield,
                           step_wait,   step_scopes, step_future, step_future,       step_executor,
                           step_across, step_cancel, step_cancel, step_cancel_across };
constexpr unsigned n_kinds = sizeof steps / sizeof steps[0];

/* ---- an actor's life ---------------------------------------------------- */

/* After a step: was every cancel delivered, and none that nobody sent? */
void judge(actor &a, unsigned kind, int code)
{
    if (weft_task_cancelling(a.task) != a.n_requests) {
        broken("cancelling() is not the number of requests", kind);
    }
    if (a.is_asked && code != WEFT_ECANCELED) {
        code = weft_sleep(0); /* the next wait, then */
        if (code != WEFT_ECANCELED) {
            broken("a cancel was lost", kind);
        }
    } else if (!a.is_asked && code == WEFT_ECANCELED) {
        broken("a cancel came from nowhere", kind);
    }
    switch (code) {
    case 0:
    case WEFT_ECANCELED:
    case WEFT_ETIMEDOUT:
    case WEFT_EGROUP:
    case WEFT_EUSER(1):
    case WEFT_EUSER(2):
        break;
    default:
        std::fprintf(stderr, "step %u: %s: %s\n", kind, weft_error_name(code),
                     weft_current_message(code));
        broken("a step failed", code);
    }
    n_delivered += a.is_asked;
    a.is_asked = false;
    while (a.n_requests > 0) {
        a.n_requests--;
        if (weft_task_uncancel(a.task) != a.n_requests) {
            broken("uncancel() counts wrongly", kind);
        }
    }
}

int act(void *data)
{
    actor &a = *static_cast<actor *>(data);
    shard &s = *a.home;

    a.has_started = true;
    for (unsigned i = 5 + s.roll(60); i > 0 && s.n_left > 0 && !is_broken; i--) {
        unsigned kind = s.roll(n_kinds);
        s.n_left--;
        n_steps++;
        judge(a, kind, steps[kind](a));
        if (a.n_held != 0) {
            broken("a step kept a lock", kind);
        }
    }
    return 0;
}

int start_actor(actor &a);

int on_actor_done(weft_future *task, void *data)
{
    actor &a = *static_cast<actor *>(data);
    shard &s = *a.home;

    if (a.has_started ? weft_future_result(task, nullptr) != 0
                      : !a.is_asked || !weft_future_cancelled(task)) {
        broken("an actor ended wrongly", a.has_started);
    }
    n_delivered += a.is_asked;
    weft_future_unref(a.task);
    a.task = nullptr;
    if (s.n_left <= 0 || is_broken || start_actor(a) != 0) {
        if (--s.n_alive == 0) {
            weft_event_set(s.is_over);
        }
    }
    return 0;
}

int start_actor(actor &a)
{
    a.has_started = false;
    a.is_asked = false;
    a.n_requests = 0;
    int r = weft_loop_create_task(a.home->loop, weft_coro_create(act, &a), nullptr, &a.task);
    if (r == 0) {
        r = weft_future_add_done_callback(a.task, on_actor_done, &a);
    }
    if (r != 0) {
        broken("an actor cannot start", r);
    }
    return r;
}

/* ---- a loop's life ------------------------------------------------------ */

void make_furniture(shard &s)
{
    int r = weft_event_create(&s.is_over);

    for (weft_lock *&lock : s.locks) {
        r = std::min(r, weft_lock_create(&lock));
    }
    for (weft_event *&event : s.events) {
        r = std::min(r, weft_event_create(&event));
    }
    if (r < 0) {
        broken("no lock or no event", r);
    }
    for (weft_queue *&queue : s.queues) {
        if (weft_queue_create(4, &queue) != 0) {
            broken("no queue");
        }
    }
    for (weft_semaphore *&semaphore : s.semaphores) {
        if (weft_bounded_semaphore_create(n_places, &semaphore) != 0) {
            broken("no semaphore");
        }
    }
    if (weft_condition_create(nullptr, &s.condition) != 0) {
        broken("no condition");
    }
}

void clear_furniture(shard &s)
{
    for (weft_lock *lock : s.locks) {
        if (weft_lock_locked(lock)) {
            broken("a lock is held at the end", s.index);
        }
        weft_lock_destroy(lock);
    }
    for (weft_event *event : s.events) {
        weft_event_destroy(event);
    }
    for (weft_queue *queue : s.queues) {
        if (weft_queue_destroy(queue) != 0) {
            broken("somebody waits at a queue at the end", s.index);
        }
    }
    for (weft_semaphore *semaphore : s.semaphores) {
        if (weft_semaphore_destroy(semaphore) != 0) {
            broken("somebody waits at a semaphore at the end", s.index);
        }
    }
    if (weft_condition_destroy(s.condition) != 0) {
        broken("a condition is in use at the end", s.index);
    }
    weft_event_destroy(s.is_over);
}

int run_shard(void *data)
{
    shard &s = *static_cast<shard *>(data);

    make_furniture(s);
    for (actor &a : s.actors) {
        a.home = &s;
        s.n_alive++;
        WEFT_TRY(start_actor(a));
    }
    WEFT_TRY(weft_event_wait(s.is_over));
    clear_furniture(s);
    return 0;
}

int run_shards(weft_runtime *runtime, void *)
{
    weft_future *ends[n_shards];

    for (unsigned i = 0; i < n_shards; i++) {
        shards[i].loop = weft_runtime_get_loop(runtime, static_cast<int>(i));
    }
    for (unsigned i = 0; i < n_shards; i++) {
        weft_concurrent_future *far = nullptr;
        WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(run_shard, &shards[i]),
                                               shards[i].loop, &far));
        WEFT_TRY(weft_wrap_future(far, nullptr, &ends[i]));
        weft_concurrent_future_unref(far);
    }
    for (weft_future *end : ends) {
        WEFT_TRY(weft_await(end, nullptr));
        weft_future_unref(end);
    }
    return 0;
}

/* ---- the watchdog ------------------------------------------------------- */

/* Ends the process, saying where it stood, when no step was made for a minute. */
class watchdog
{
  public:
    explicit watchdog(unsigned seed_) : seed(seed_), thread([this] { watch(); })
    {
    }
    ~watchdog()
    {
        {
            std::lock_guard<std::mutex> guard(mutex);
            is_over = true;
        }
        changed.notify_all();
        thread.join();
    }
    watchdog(const watchdog &) = delete;
    watchdog &operator=(const watchdog &) = delete;

  private:
    void watch()
    {
        std::unique_lock<std::mutex> guard(mutex);
        long before = -1;
        while (!changed.wait_for(guard, std::chrono::seconds(60), [this] { return is_over; })) {
            if (before == n_steps) {
                std::fprintf(stderr, "stress: hangs after %ld steps, WEFT_SEED=%u\n", before, seed);
                std::abort();
            }
            before = n_steps;
        }
    }

    unsigned seed;
    std::mutex mutex;
    std::condition_variable changed;
    bool is_over = false;
    std::thread thread;
};

} // namespace

TEST_CASE("R25: random steps of two thousand tasks on four loops", "[stress][R25]")
{
    const unsigned seed = stress_seed();
    const long n = stress_size(100000, 1000000);
    std::vector<shard> all(n_shards);

    INFO("WEFT_SEED=" << seed << ", " << n << " steps");
    n_steps = n_cancels = n_delivered = n_turned = n_jobs = n_parcels = n_values = 0;
    is_broken = false;
    first_break[0] = '\0';
    for (unsigned i = 0; i < n_shards; i++) {
        all[i].index = i;
        all[i].random.seed(seed * n_shards + i + 1);
        all[i].n_left = n / n_shards;
        all[i].actors.resize(n_actors);
    }
    shards = all.data();
    weft_log_set_sink(on_record, nullptr);
    int n_descriptors_before = n_descriptors();
    weft_testing_count_blocks(1);

    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;
    options.n_loops = n_shards;
    options.executor.max_threads = 3;
    options.shutdown_limit = WEFT_S(60);
    int r = 0;
    {
        watchdog dog(seed);
        /* A thread's own caches go with it. */
        std::thread([&] {
            r = weft_runtime_run(&options, run_shards, nullptr);
            weft_raise(nullptr);
        }).join();
    }
    long n_blocks = weft_testing_n_blocks();
    weft_testing_count_blocks(0);
    weft_log_set_sink(nullptr, nullptr);

    std::printf("R25: WEFT_SEED=%u: %ld steps, %ld cancels taken, %ld told, %ld turned, %ld jobs\n",
                seed, n_steps.load(), n_cancels.load(), n_delivered.load(), n_turned.load(),
                n_jobs.load());
    CHECK(std::string(first_break).empty());
    REQUIRE(r == 0);
    CHECK(n_steps >= n);
    CHECK(n_delivered > 0);
    CHECK(n_parcels == 0);
    CHECK(n_values == 0);
    CHECK(n_blocks == 0);
    CHECK(n_descriptors() == n_descriptors_before);
}

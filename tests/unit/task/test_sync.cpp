/* Condition, semaphore, barrier, and the line that they share with lock and event. */
#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

#include "support/io_world.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/sync_objects.hpp"
#include "weft/weft.h"

namespace
{

using trace = std::vector<std::string>;

weft_condition *make_condition(weft_lock *lock = nullptr)
{
    weft_condition *condition = nullptr;
    REQUIRE(weft_condition_create(lock, &condition) == 0);
    return condition;
}

weft_semaphore *make_semaphore(int64_t value)
{
    weft_semaphore *semaphore = nullptr;
    REQUIRE(weft_semaphore_create(value, &semaphore) == 0);
    return semaphore;
}

weft_barrier *make_barrier(int parties)
{
    weft_barrier *barrier = nullptr;
    REQUIRE(weft_barrier_create(parties, &barrier) == 0);
    return barrier;
}

/* acquire, wait, release: what the wait came to. */
int wait_once(weft_condition *condition)
{
    WEFT_TRY(weft_condition_acquire(condition));
    int r = weft_condition_wait(condition);
    int released = weft_condition_release(condition);
    return released < 0 ? released : r;
}

int notify(weft_condition *condition, int64_t n)
{
    WEFT_TRY(weft_condition_acquire(condition));
    int r = weft_condition_notify(condition, n);
    WEFT_TRY(weft_condition_release(condition));
    return r;
}

void turns(world &w, int n = 1)
{
    for (int i = 0; i < n; i++) {
        weft_loop_run_once(w.loop, 0);
    }
}

} // namespace

/* ---- condition ---------------------------------------------------------- */

TEST_CASE("condition: misuse is refused", "[task][sync]")
{
    log_recorder log;
    world w;
    weft_event *event = make_event();
    weft_condition *none = nullptr;
    weft_condition *condition = make_condition();
    auto never = [](void *) { return 0; };

    CHECK(weft_condition_create(reinterpret_cast<weft_lock *>(event), &none) == WEFT_EINVAL);
    CHECK(none == nullptr);
    CHECK(weft_condition_create(nullptr, nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_acquire(nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_release(nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_wait(nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_notify(nullptr, 1) == WEFT_EINVAL);
    CHECK(weft_condition_locked(nullptr) == 0);
    CHECK(weft_condition_wait_for(nullptr, never, nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_wait_for(condition, nullptr, nullptr) == WEFT_EINVAL);
    CHECK(weft_condition_wait(condition) == WEFT_ERUNTIME);    /* outside a task */
    CHECK(weft_condition_acquire(condition) == WEFT_ERUNTIME); /* as well */
    CHECK(weft_condition_release(condition) == WEFT_ERUNTIME);
    CHECK(weft_condition_notify_all(condition) == WEFT_ERUNTIME);
    CHECK(w.run([&] { return weft_condition_wait(condition); }) == WEFT_ERUNTIME);
    CHECK(weft_condition_destroy(condition) == 0);
    CHECK(weft_condition_destroy(nullptr) == 0);
    CHECK(weft_event_destroy(event) == 0);
}

TEST_CASE("condition: neither it nor its lock is destroyed under those who use them",
          "[task][sync]")
{
    world w;
    weft_lock *lock = make_lock();
    weft_condition *over = make_condition(lock);
    weft_condition *own = make_condition();

    CHECK(weft_lock_destroy(lock) == WEFT_EINVALIDSTATE); /* a condition uses it */
    CHECK(w.run([&] { return weft_condition_acquire(own); }) == 0);
    CHECK(weft_condition_destroy(own) == WEFT_EINVALIDSTATE); /* its lock is held */
    CHECK(weft_condition_release(own) == 0);
    weft_task *waiter = w.spawn([&] { return wait_once(over); });
    turns(w);
    CHECK(weft_condition_destroy(over) == WEFT_EINVALIDSTATE); /* somebody waits */
    CHECK(weft_lock_destroy(lock) == WEFT_EINVALIDSTATE);
    CHECK(w.run([&] {
        WEFT_TRY(notify(over, 1));
        /* It is woken and has not come yet. */
        int r = weft_condition_destroy(over);
        return r == WEFT_EINVALIDSTATE ? weft_await(waiter, nullptr) : -1;
    }) == 0);
    CHECK(weft_condition_destroy(over) == 0);
    CHECK(weft_condition_destroy(own) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
}

TEST_CASE("condition: a notification whose waiter is cancelled goes to the next", "[task][sync]")
{
    world w;
    weft_condition *condition = make_condition();
    int codes[3] = { 1, 1, 1 };
    weft_task *tasks[3];

    for (int i = 0; i < 3; i++) {
        tasks[i] = w.spawn([&, i] { return codes[i] = wait_once(condition); });
    }
    turns(w);

    SECTION("before it runs")
    {
        CHECK(w.run([&] {
            int r = notify(condition, 1);
            weft_task_cancel(tasks[0], nullptr);
            settle(6);
            return r;
        }) == 0);
        CHECK(codes[0] == WEFT_ECANCELED);
        CHECK(codes[1] == 0);
        CHECK(codes[2] == 1);
    }
    SECTION("while it queues for the lock")
    {
        CHECK(w.run([&] {
            WEFT_TRY(weft_condition_acquire(condition));
            WEFT_TRY(weft_condition_notify(condition, 1));
            settle(2); /* it stands in the lock's line now */
            weft_task_cancel(tasks[0], nullptr);
            settle(2);
            weft_task_cancel(tasks[0], nullptr);
            settle(2);
            WEFT_TRY(weft_condition_release(condition));
            settle(6);
            return 0;
        }) == 0);
        CHECK(codes[0] == WEFT_ECANCELED);
        CHECK(codes[1] == 0);
        CHECK(codes[2] == 1);
    }
    SECTION("but a cancel without one wakes nobody else")
    {
        CHECK(w.run([&] {
            weft_task_cancel(tasks[0], nullptr);
            settle(6);
            return 0;
        }) == 0);
        CHECK(codes[0] == WEFT_ECANCELED);
        CHECK(codes[1] == 1);
        CHECK(codes[2] == 1);
    }
    CHECK(w.run([&] {
        int r = notify(condition, 3);
        settle(8);
        return r;
    }) == 0);
    CHECK(codes[1] == 0);
    CHECK(codes[2] == 0);
    CHECK(weft_condition_destroy(condition) == 0);
}

TEST_CASE("condition: of several cancels the last one's message comes out", "[task][sync]")
{
    world w;
    weft_condition *condition = make_condition();
    std::string message;

    weft_task *task = w.spawn([&] {
        int r = wait_once(condition);
        message = weft_current_message(r);
        return r;
    });
    turns(w);
    CHECK(w.run([&] {
        WEFT_TRY(weft_condition_acquire(condition));
        weft_task_cancel(task, "first");
        settle(2);
        weft_task_cancel(task, "second");
        settle(2);
        WEFT_TRY(weft_condition_release(condition));
        settle(4);
        return 0;
    }) == 0);
    CHECK(message == "second");
    CHECK(weft_condition_destroy(condition) == 0);
}

/* ---- semaphore ---------------------------------------------------------- */

TEST_CASE("semaphore: misuse is refused", "[task][sync]")
{
    log_recorder log;
    world w;
    weft_semaphore *none = nullptr;
    weft_semaphore *semaphore = make_semaphore(1);
    weft_semaphore *full = make_semaphore(INT64_MAX);

    CHECK(weft_semaphore_create(-1, &none) == WEFT_EINVAL);
    CHECK(std::string(weft_current_message(WEFT_EINVAL)) == "Semaphore initial value must be >= 0");
    CHECK(weft_bounded_semaphore_create(-1, &none) == WEFT_EINVAL);
    CHECK(weft_semaphore_create(1, nullptr) == WEFT_EINVAL);
    CHECK(none == nullptr);
    CHECK(weft_semaphore_acquire(nullptr) == WEFT_EINVAL);
    CHECK(weft_semaphore_release(nullptr) == WEFT_EINVAL);
    CHECK(weft_semaphore_locked(nullptr) == 0);
    CHECK(weft_semaphore_acquire(semaphore) == WEFT_ERUNTIME); /* outside a task */
    CHECK(weft_semaphore_release(full) == WEFT_EINVAL);
    weft_task *waiter = w.spawn([&] {
        WEFT_TRY(weft_semaphore_acquire(semaphore));
        return weft_semaphore_acquire(semaphore);
    });
    turns(w);
    CHECK(weft_semaphore_destroy(semaphore) == WEFT_EINVALIDSTATE);
    CHECK(weft_semaphore_release(semaphore) == 0);
    CHECK(weft_semaphore_destroy(semaphore) == WEFT_EINVALIDSTATE); /* woken, not come yet */
    CHECK(w.run([&] { return weft_await(waiter, nullptr); }) == 0);
    CHECK(weft_semaphore_destroy(semaphore) == 0);
    CHECK(weft_semaphore_destroy(full) == 0);
    CHECK(weft_semaphore_destroy(nullptr) == 0);
}

TEST_CASE("semaphore: places that come free at once go to as many", "[task][sync]")
{
    world w;
    weft_semaphore *semaphore = make_semaphore(0);
    int n_in = 0;
    weft_task *tasks[4];

    for (auto &task : tasks) {
        task = w.spawn([&] {
            WEFT_TRY(weft_semaphore_acquire(semaphore));
            n_in++;
            return 0;
        });
    }
    turns(w);
    for (int i = 0; i < 3; i++) {
        CHECK(weft_semaphore_release(semaphore) == 0);
    }
    weft_task_cancel(tasks[0], nullptr);
    turns(w, 2);
    CHECK(n_in == 3); /* the cancelled one's place went on to the fourth */
    CHECK(weft_semaphore_locked(semaphore) == 1);
    CHECK(weft_semaphore_destroy(semaphore) == 0);
}

TEST_CASE("semaphore: however its waiters are cancelled, no place is lost", "[task][sync]")
{
    for (int cancel_at = 0; cancel_at < 12; cancel_at++) {
        world w;
        weft_semaphore *semaphore = make_semaphore(1);
        std::vector<weft_task *> tasks;

        for (int i = 0; i < 4; i++) {
            tasks.push_back(w.spawn([&] {
                WEFT_TRY(weft_semaphore_acquire(semaphore));
                int r = weft_sleep(0);
                WEFT_TRY(weft_semaphore_release(semaphore));
                return r;
            }));
        }
        for (int turn = 0; turn < 16; turn++) {
            if (turn == cancel_at) {
                weft_task_cancel(tasks[1], nullptr);
                weft_task_cancel(tasks[2], nullptr);
            }
            turns(w);
        }
        INFO("cancelled in turn " << cancel_at);
        CHECK(world::outcome(tasks[3]) == 0);
        CHECK(weft_semaphore_locked(semaphore) == 0);
        CHECK(w.run([&] { return weft_semaphore_acquire(semaphore); }) == 0);
        CHECK(weft_semaphore_locked(semaphore) == 1);
        CHECK(weft_semaphore_destroy(semaphore) == 0);
    }
}

/* ---- barrier ------------------------------------------------------------ */

TEST_CASE("barrier: misuse is refused", "[task][sync]")
{
    log_recorder log;
    world w;
    weft_barrier *none = nullptr;
    weft_barrier *barrier = make_barrier(2);
    int index = 7;

    CHECK(weft_barrier_create(0, &none) == WEFT_EINVAL);
    CHECK(weft_barrier_create(-3, &none) == WEFT_EINVAL);
    CHECK(weft_barrier_create(1, nullptr) == WEFT_EINVAL);
    CHECK(none == nullptr);
    CHECK(weft_barrier_wait(nullptr, &index) == WEFT_EINVAL);
    CHECK(weft_barrier_reset(nullptr) == WEFT_EINVAL);
    CHECK(weft_barrier_abort(nullptr) == WEFT_EINVAL);
    CHECK(weft_barrier_parties(nullptr) == 0);
    CHECK(weft_barrier_n_waiting(nullptr) == 0);
    CHECK(weft_barrier_broken(nullptr) == 0);
    CHECK(weft_barrier_wait(barrier, &index) == WEFT_ERUNTIME); /* outside a task */
    CHECK(weft_barrier_reset(barrier) == WEFT_ERUNTIME);
    CHECK(index == 7);
    CHECK(weft_barrier_n_waiting(barrier) == 0);
    weft_task *party = w.spawn([&] { return weft_barrier_wait(barrier, nullptr); });
    turns(w);
    CHECK(weft_barrier_n_waiting(barrier) == 1);
    CHECK(weft_barrier_destroy(barrier) == WEFT_EINVALIDSTATE);
    CHECK(w.run([&] {
        WEFT_TRY(weft_barrier_wait(barrier, &index));
        int r = weft_barrier_destroy(barrier); /* the other one has not left */
        return r == WEFT_EINVALIDSTATE ? weft_await(party, nullptr) : -1;
    }) == 0);
    CHECK(index == 1);
    CHECK(weft_barrier_destroy(barrier) == 0);
    CHECK(weft_barrier_destroy(nullptr) == 0);
}

TEST_CASE("barrier: however a party is cancelled, the rounds go on", "[task][sync]")
{
    for (int cancel_at = 0; cancel_at < 12; cancel_at++) {
        world w;
        weft_barrier *barrier = make_barrier(2);
        std::vector<weft_task *> tasks;
        int n_passed = 0;

        for (int i = 0; i < 5; i++) {
            tasks.push_back(w.spawn([&] {
                int r = weft_barrier_wait(barrier, nullptr);
                n_passed += r == 0;
                return r;
            }));
        }
        for (int turn = 0; turn < 30; turn++) {
            if (turn == cancel_at) {
                weft_task_cancel(tasks[1], nullptr);
            }
            turns(w);
        }
        INFO("cancelled in turn " << cancel_at);
        int left = weft_barrier_n_waiting(barrier);
        int n_cancelled = weft_future_cancelled(tasks[1]);
        CHECK(n_passed + n_cancelled + left == 5);
        CHECK(left <= 1);
        CHECK(w.run([&] {
            return left == 1 ? weft_barrier_wait(barrier, nullptr) : weft_barrier_reset(barrier);
        }) == 0);
        turns(w, 8);
        CHECK(weft_barrier_n_waiting(barrier) == 0);
        CHECK(weft_barrier_destroy(barrier) == 0);
    }
}

/* ---- the line ----------------------------------------------------------- */

TEST_CASE("event: a set one can be asked outside a task, a clear one cannot be waited for",
          "[task][sync][regress]")
{
    log_recorder log;
    weft_event *event = make_event();

    CHECK(weft_event_wait(event) == WEFT_ERUNTIME);
    CHECK(weft_event_set(event) == 0);
    CHECK(weft_event_wait(event) == 0);
    CHECK(weft_event_destroy(event) == 0);
}

TEST_CASE("sync: an object serves one loop after the other, until somebody has waited",
          "[task][sync]")
{
    weft_lock *lock = make_lock();
    weft_semaphore *semaphore = make_semaphore(1);
    auto uses = [&] {
        WEFT_TRY(weft_lock_acquire(lock));
        WEFT_TRY(weft_lock_release(lock));
        WEFT_TRY(weft_semaphore_acquire(semaphore));
        return weft_semaphore_release(semaphore);
    };

    for (int i = 0; i < 2; i++) {
        world w;
        CHECK(w.run(uses) == 0);
    }
    {
        world w;
        weft_lock *held = lock;
        CHECK(w.run([&] {
            WEFT_TRY(weft_lock_acquire(held));
            int r = weft_wait_for(
                weft_coro_create(
                    [](void *l) -> int { return weft_lock_acquire(static_cast<weft_lock *>(l)); },
                    held),
                WEFT_MS(1), nullptr);
            WEFT_TRY(weft_lock_release(held));
            return r;
        }) == WEFT_ETIMEDOUT);
    }
    world w; /* now it is bound: a free lock can be taken, but not waited for */
    CHECK(w.run(uses) == 0);
    CHECK(w.run([&] {
        WEFT_TRY(weft_lock_acquire(lock));
        return weft_lock_acquire(lock);
    }) == WEFT_ERUNTIME);
    CHECK(weft_lock_release(lock) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
    CHECK(weft_semaphore_destroy(semaphore) == 0);
}

TEST_CASE("sync: another thread than the loop's is refused", "[task][sync]")
{
    log_recorder log;
    world w;
    weft_lock *lock = make_lock();
    weft_event *event = make_event();
    weft_condition *condition = make_condition();
    weft_semaphore *semaphore = make_semaphore(1);
    weft_barrier *barrier = make_barrier(1);
    weft_queue *queue = nullptr;
    std::vector<int> codes;

    REQUIRE(weft_queue_create(0, &queue) == 0);
    CHECK(w.run([&] {
        WEFT_TRY(weft_lock_acquire(lock));
        WEFT_TRY(weft_event_clear(event));
        WEFT_TRY(weft_semaphore_acquire(semaphore));
        WEFT_TRY(weft_barrier_wait(barrier, nullptr));
        WEFT_TRY(weft_queue_put(queue, weft_value_int(1)));
        return weft_condition_acquire(condition);
    }) == 0);
    std::thread([&] {
        codes = { weft_lock_release(lock),
                  weft_event_set(event),
                  weft_condition_release(condition),
                  weft_semaphore_release(semaphore),
                  weft_barrier_wait(barrier, nullptr),
                  weft_queue_put_nowait(queue, weft_value_int(2)),
                  weft_queue_get_nowait(queue, nullptr),
                  weft_queue_task_done(queue),
                  weft_queue_shutdown(queue, 1),
                  weft_queue_destroy(queue) };
    }).join();
    CHECK(codes == std::vector<int>(10, WEFT_EWRONGTHREAD));
    CHECK(weft_queue_qsize(queue) == 1);
    CHECK(weft_lock_release(lock) == 0);
    CHECK(weft_condition_release(condition) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
    CHECK(weft_event_destroy(event) == 0);
    CHECK(weft_condition_destroy(condition) == 0);
    CHECK(weft_semaphore_destroy(semaphore) == 0);
    CHECK(weft_barrier_destroy(barrier) == 0);
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("sync: a loop that closes takes waiting and woken tasks out of every line",
          "[task][sync][close]")
{
    log_recorder log;
    weft_lock *lock = make_lock();
    weft_condition *condition = make_condition(lock);
    weft_semaphore *semaphore = make_semaphore(0);
    weft_barrier *barrier = make_barrier(3);
    weft_queue *full = nullptr;
    weft_queue *empty = nullptr;

    REQUIRE(weft_queue_create(1, &full) == 0);
    REQUIRE(weft_queue_create(1, &empty) == 0);
    REQUIRE(weft_queue_put_nowait(full, weft_value_int(1)) == 0);
    {
        world w;
        for (int i = 0; i < 2; i++) { /* one of each pair is woken below, the other waits */
            w.spawn([&] { return wait_once(condition); });
            w.spawn([&] { return weft_semaphore_acquire(semaphore); });
            w.spawn([&] { return weft_barrier_wait(barrier, nullptr); });
            w.spawn([&] { return weft_queue_put(full, weft_value_int(2)); });
            w.spawn([&] { return weft_queue_get(empty, nullptr); });
            w.spawn([&] { return weft_queue_join(full); });
        }
        turns(w);
        w.spawn([&] { return notify(condition, 1); });
        turns(w);
        CHECK(weft_semaphore_release(semaphore) == 0);
        CHECK(weft_queue_get_nowait(full, nullptr) == 0);
        CHECK(weft_queue_put_nowait(empty, weft_value_int(3)) == 0);
    }
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 12);
    CHECK(weft_condition_destroy(condition) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
    CHECK(weft_semaphore_destroy(semaphore) == 0);
    CHECK(weft_barrier_destroy(barrier) == 0);
    CHECK(weft_queue_destroy(full) == 0);
    CHECK(weft_queue_destroy(empty) == 0);
}

TEST_CASE("sync: without memory nothing is made", "[task][sync][oom]")
{
    int n = sweep_out_of_memory([] {
        weft_lock *lock = nullptr;
        weft_event *event = nullptr;
        weft_condition *condition = nullptr;
        weft_semaphore *semaphore = nullptr;
        weft_semaphore *bounded = nullptr;
        weft_barrier *barrier = nullptr;
        int r = weft_lock_create(&lock);
        r = r < 0 ? r : weft_event_create(&event);
        r = r < 0 ? r : weft_condition_create(nullptr, &condition);
        r = r < 0 ? r : weft_semaphore_create(1, &semaphore);
        r = r < 0 ? r : weft_bounded_semaphore_create(1, &bounded);
        r = r < 0 ? r : weft_barrier_create(1, &barrier);
        weft_lock_destroy(lock);
        weft_event_destroy(event);
        weft_condition_destroy(condition);
        weft_semaphore_destroy(semaphore);
        weft_semaphore_destroy(bounded);
        weft_barrier_destroy(barrier);
        return r;
    });
    CHECK(n == 6);
}

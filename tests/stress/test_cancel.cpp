/*
 * R14 for locks, events and the executor: a cancel at the moment of completion,
 * seeded. No lock is lost, no value is lost, no accepted cancel is without effect.
 */
#include "support/io_world.hpp"

#include <atomic>
#include <random>
#include <thread>

#include "support/quick_task.hpp"
#include "support/seed.hpp"
#include "weft/bridge.h"
#include "weft/result.h"
#include "weft/sync.h"

namespace
{

constexpr int many_turns = 1000000000;

using dice = std::minstd_rand;

/* How often each end came, and what must never be. */
struct tally {
    long n_done = 0;
    long n_cancelled = 0;
    long n_wrong = 0;

    /* A task that was cancelled in time says so; one that was not has done its work. */
    void judge(const quick_task &task, bool is_taken)
    {
        n_cancelled += is_taken;
        n_done += !is_taken;
        n_wrong += task.code != (is_taken ? WEFT_ECANCELED : 0);
    }
};

} // namespace

TEST_CASE("R14: acquires cancelled at the moment of completion lose no lock", "[stress][R14]")
{
    const unsigned seed = stress_seed();
    const long n_rounds = stress_size(is_slow_build() ? 50000 : 100000, 1000000);
    world w;
    tally all;

    INFO("seed " << seed);
    int code = w.run(
        [&] {
            dice random(seed);
            weft_lock *lock = nullptr;
            weft_event *event = nullptr;
            WEFT_TRY(weft_lock_create(&lock));
            WEFT_TRY(weft_event_create(&event));
            int n_inside = 0;
            body enter = [&] {
                WEFT_TRY(weft_lock_acquire(lock));
                all.n_wrong += ++n_inside != 1;
                n_inside--;
                return weft_lock_release(lock);
            };
            for (long i = 0; i < n_rounds; i++) {
                WEFT_TRY(weft_lock_acquire(lock));
                weft_event_clear(event);
                quick_task first(enter);
                quick_task second(enter);
                quick_task waiter([&] { return weft_event_wait(event); });
                settle(static_cast<int>(random() % 3));
                weft_lock_release(lock);
                weft_event_set(event);
                /* Whoever was woken and then cancelled passes the lock on. */
                all.judge(first, first.cancel_after(random() % 3));
                all.judge(waiter, waiter.cancel_after(0));
                all.judge(second, second.cancel_after(random() % 3));
                settle(3);
                all.n_wrong += weft_lock_locked(lock);
            }
            weft_event_destroy(event);
            weft_lock_destroy(lock);
            return 0;
        },
        many_turns);
    CHECK(code == 0);
    CHECK(all.n_wrong == 0);
    CHECK(all.n_cancelled > n_rounds / 10);
    CHECK(all.n_done > n_rounds / 10);
}

namespace
{

std::atomic<long> n_values; /* made minus destroyed */
std::atomic<long> n_args;   /* made minus used or destroyed */

void destroy_value(void *)
{
    n_values--;
}

void destroy_arg(void *)
{
    n_args--;
}

int make_value(void *data)
{
    n_args--;
    n_values++;
    return weft_return_ptr(data, destroy_value);
}

/* One job, awaited; the value is taken and destroyed. */
int await_job()
{
    static int anything;
    weft_future *future = nullptr;
    weft_value value = weft_value_none();

    n_args++;
    WEFT_TRY(weft_loop_run_in_executor_with(nullptr, nullptr, make_value, &anything, destroy_arg,
                                            &future));
    int r = weft_await(future, &value);
    weft_value_clear(&value);
    weft_future_unref(future);
    return r;
}

} // namespace

TEST_CASE("R14: jobs cancelled at the moment of their result lose no value", "[stress][R14]")
{
    const unsigned seed = stress_seed();
    const long n_rounds = stress_size(is_slow_build() ? 30000 : 100000, 1000000);
    tally all;

    INFO("seed " << seed);
    n_values = n_args = 0;
    {
        world w(/* is_virtual = */ false);
        int code = w.run(
            [&] {
                dice random(seed);
                for (long i = 0; i < n_rounds; i++) {
                    quick_task job(await_job);
                    bool is_taken = job.cancel_after(random() % 12);
                    all.judge(job, is_taken);
                }
                return weft_loop_shutdown_default_executor(nullptr, WEFT_FOREVER);
            },
            many_turns);
        CHECK(code == 0);
    }
    CHECK(all.n_wrong == 0);
    CHECK(n_args == 0);
    CHECK(n_values == 0);
    CHECK(all.n_cancelled > n_rounds / 10);
}

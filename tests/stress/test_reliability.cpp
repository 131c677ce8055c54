/*
 * Faults by their numbers: R11 a saturated executor, R12 threads that cannot be made,
 * R27 wake-ups that get lost, R28 a clock that jumps, R29 signals everywhere.
 */
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <pthread.h>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/door.hpp"
#include "support/log_recorder.hpp"
#include "support/seed.hpp"
#include "weft/bridge.h"
#include "weft/executor.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/signal.h"
#include "weft/task.h"
#include "weft/testing.h"

namespace
{

int count_one(void *data)
{
    ++*static_cast<std::atomic<long> *>(data);
    return 0;
}

int pass_door(void *data)
{
    static_cast<door *>(data)->pass();
    return 0;
}

/* ---- R11 ----------------------------------------------------------------- */

constexpr int n_hung = 4;
constexpr int n_submits = 10000;
constexpr size_t queue_limit = 1000;

struct saturated {
    weft_executor *ex = nullptr;
    door gate;
    std::atomic<long> n_ran{ 0 };
    long n_taken = 0;
    long n_rejected = 0;
    long n_named = 0;
    long n_beats = 0;
    size_t most_queued = 0;
    bool is_over = false;
    std::vector<weft_duration> late;
    std::vector<weft_duration> reject_times;
    std::vector<weft_future *> futures;
};

int beat(void *data)
{
    auto *s = static_cast<saturated *>(data);
    while (!s->is_over) {
        weft_time due = weft_clock_now() + WEFT_MS(1);
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
        s->late.push_back(weft_clock_now() - due);
    }
    return 0;
}

void submit_one(saturated *s)
{
    weft_future *f = nullptr;
    weft_time before = weft_clock_now();
    int r = weft_loop_run_in_executor(nullptr, s->ex, count_one, &s->n_ran, &f);
    if (r == 0) {
        s->n_taken++;
        s->futures.push_back(f);
    } else if (r == WEFT_EQUEUEFULL) {
        s->reject_times.push_back(weft_clock_now() - before);
        s->n_rejected++;
        s->n_named += std::string(weft_current_message(r)).find("'hung'") != std::string::npos;
    }
}

int saturate(void *data)
{
    auto *s = static_cast<saturated *>(data);
    weft_task *heart = nullptr;
    WEFT_TRY(weft_create_task(weft_coro_create(beat, s), &heart));
    std::vector<weft_future *> hung(n_hung);
    for (weft_future *&f : hung) {
        WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, pass_door, &s->gate, &f));
    }
    s->gate.wait_for(n_hung);
    for (int i = 0; i < n_submits; i++) {
        submit_one(s);
        if (i % 20 == 0) {
            weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;
            WEFT_TRY(weft_executor_get_stats(s->ex, &stats));
            s->most_queued = std::max(s->most_queued, stats.n_queued);
            WEFT_TRY(weft_sleep(0));
        }
    }
    WEFT_TRY(weft_sleep(WEFT_MS(50))); /* the heart beats on while all is stuck */
    s->gate.open();
    hung.insert(hung.end(), s->futures.begin(), s->futures.end());
    for (weft_future *f : hung) {
        WEFT_TRY(weft_await(f, nullptr));
        weft_future_unref(f);
    }
    s->is_over = true;
    WEFT_TRY(weft_await(heart, nullptr));
    weft_future_unref(heart);
    return 0;
}

weft_duration quantile(std::vector<weft_duration> &values, double share)
{
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[static_cast<size_t>(share * double(values.size() - 1))];
}

} // namespace

TEST_CASE("R11: a saturated executor refuses at once, and its loop lives on", "[stress][R11]")
{
    saturated s;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.name = "hung";
    options.max_threads = n_hung;
    options.queue_limit = queue_limit;
    REQUIRE(weft_executor_create(&options, &s.ex) == 0);
    CHECK(weft_run(saturate, &s) == 0);
    CHECK(s.n_taken == long(queue_limit));
    CHECK(s.n_rejected == n_submits - long(queue_limit));
    CHECK(s.n_named == s.n_rejected);
    CHECK(s.most_queued == queue_limit);
    CHECK(s.n_ran == s.n_taken);
    CHECK(s.late.size() > 10);
    /* The figures are 10 ms and 1 ms; a busy machine gets more, a stuck loop needs far more. */
    CHECK(quantile(s.late, 0.99) < WEFT_MS(200));
    CHECK(quantile(s.reject_times, 0.99) < WEFT_MS(20));
    INFO("heartbeat late p99 " << quantile(s.late, 0.99) << " ns, reject p99 "
                               << quantile(s.reject_times, 0.99) << " ns");
    CHECK(weft_executor_shutdown(s.ex, nullptr) == 0);
    weft_executor_unref(s.ex);
}

namespace
{

struct nested {
    weft_executor *ex;
    std::atomic<long> n_ran{ 0 };
    int code = 0;
};

int submit_and_wait(void *data)
{
    auto *n = static_cast<nested *>(data);
    weft_concurrent_future *f = nullptr;
    WEFT_TRY(weft_executor_submit(n->ex, count_one, &n->n_ran, &f));
    n->code = weft_concurrent_future_result(f, WEFT_FOREVER, nullptr);
    weft_concurrent_future_unref(f);
    return 0;
}

} // namespace

TEST_CASE("R11: submit and wait inside the only thread is refused, not a deadlock", "[stress][R11]")
{
    nested n;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.max_threads = 1;
    REQUIRE(weft_executor_create(&options, &n.ex) == 0);
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_executor_submit(n.ex, submit_and_wait, &n, &f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == 0);
    weft_concurrent_future_unref(f);
    CHECK(weft_executor_shutdown(n.ex, nullptr) == 0);
    CHECK(n.code == WEFT_EDEADLOCK);
    CHECK(n.n_ran == 1); /* it ran after the one that would not wait for it */
    weft_executor_unref(n.ex);
}

/* ---- R12 ----------------------------------------------------------------- */

TEST_CASE("R12: ten thousand jobs while threads cannot be made, none orphaned", "[stress][R12]")
{
    std::atomic<long> n_ran{ 0 };
    long n_taken = 0;
    long n_refused = 0;
    long n_strange = 0;
    std::mt19937 random(stress_seed());
    weft_executor *ex = nullptr;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.max_threads = 4;
    options.idle_exit = 1; /* threads end at once, so that new ones are wanted all the time */
    REQUIRE(weft_executor_create(&options, &ex) == 0);
    for (int i = 0; i < 10000; i++) {
        /* The job is the first allocation, a place for a thread or the thread the next. */
        weft_testing_fail_allocation_after(long(random() % 4));
        int r = weft_executor_submit(ex, count_one, &n_ran, nullptr);
        weft_testing_fail_allocation_after(-1);
        n_taken += r == 0;
        n_refused += r == WEFT_ENOMEM || r == -EAGAIN;
        n_strange += r != 0 && r != WEFT_ENOMEM && r != -EAGAIN;
        if (i % 64 == 0) {
            std::this_thread::yield();
        }
    }
    CHECK(weft_executor_shutdown(ex, nullptr) == 0);
    CHECK(n_strange == 0);
    CHECK(n_taken > 0);
    CHECK(n_refused > 0);
    CHECK(n_ran == n_taken);
    weft_executor_unref(ex);
    weft_raise(nullptr);
}

/* ---- R27 ----------------------------------------------------------------- */

namespace
{

/* One thread waits for what another sets, in the same order and as fast as both can. */
struct set_wait_pair {
    static constexpr long size = 512;
    std::atomic<weft_concurrent_future *> slots[size] = {};
    long n = 0;
    std::atomic<long> n_late{ 0 };
    std::atomic<long> n_wrong{ 0 };

    void wait()
    {
        for (long i = 0; i < n; i++) {
            weft_concurrent_future *f = nullptr;
            if (weft_concurrent_future_create(&f) < 0) {
                n_wrong++;
                return;
            }
            weft_concurrent_future_ref(f);
            weft_concurrent_future *free_slot = nullptr;
            while (!slots[i % size].compare_exchange_weak(free_slot, f)) {
                free_slot = nullptr;
                std::this_thread::yield();
            }
            weft_value value = weft_value_none();
            weft_time before = weft_clock_now();
            n_wrong += weft_concurrent_future_result(f, WEFT_S(60), &value) != 0;
            n_wrong += value.as.num != i;
            n_late += weft_clock_now() - before > WEFT_S(1);
            weft_concurrent_future_unref(f);
        }
    }
    void set()
    {
        for (long i = 0; i < n; i++) {
            weft_concurrent_future *f;
            while ((f = slots[i % size].exchange(nullptr)) == nullptr) {
                std::this_thread::yield();
            }
            n_wrong += weft_concurrent_future_set_result(f, weft_value_int(i)) != 0;
            weft_concurrent_future_unref(f);
        }
    }
};

} // namespace

TEST_CASE("R27: no wake-up is lost between those who set and those who wait", "[stress][R27]")
{
    long all = stress_size(is_slow_build() ? 100000 : 1000000, 10000000);
    auto pairs = std::make_unique<set_wait_pair[]>(2);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++) {
        pairs[i].n = all / 2;
        threads.emplace_back([&pairs, i] { pairs[i].wait(); });
        threads.emplace_back([&pairs, i] { pairs[i].set(); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (int i = 0; i < 2; i++) {
        CHECK(pairs[i].n_wrong == 0);
        CHECK(pairs[i].n_late == 0);
    }
}

/* ---- R28 ----------------------------------------------------------------- */

namespace
{

struct clockwork {
    weft_loop *loop = nullptr;
    long n_fired = 0;
    long n_early = 0;
    long n_unordered = 0;
    weft_time last = 0;
};

struct ringer {
    clockwork *all;
    weft_time due;
};

int ring(void *data)
{
    auto *a = static_cast<ringer *>(data);
    clockwork *all = a->all;
    all->n_fired++;
    all->n_early += weft_loop_time(all->loop) < a->due;
    all->n_unordered += a->due < all->last;
    all->last = a->due;
    return 0;
}

} // namespace

TEST_CASE("R28: a million timers under a clock that leaps fire once, in order, none early",
          "[stress][R28]")
{
    long n = is_slow_build() ? 100000 : 1000000;
    clockwork all;
    std::mt19937_64 random(stress_seed());
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    options.virtual_clock = 1;
    REQUIRE(weft_new_event_loop(&options, &all.loop) == 0);
    std::vector<ringer> alarms(size_t(n), ringer{ &all, 0 });
    weft_time start = weft_loop_time(all.loop);
    constexpr weft_duration two_years = WEFT_S(2L * 365 * 86400);
    int n_refused = 0;
    for (long i = 0; i < n; i++) {
        /* Most within an hour, some years away. */
        alarms[size_t(i)].due = start + weft_duration(random() % uint64_t(WEFT_S(3600))) +
                                (i % 100 == 0 ? two_years : 0);
        n_refused += weft_loop_call_at(all.loop, alarms[size_t(i)].due, ring, &alarms[size_t(i)],
                                       nullptr) != 0;
    }
    REQUIRE(n_refused == 0);
    /* At its own pace, twenty times as fast, back by an hour (refused), on by two years. */
    for (int i = 0; i < 1000; i++) {
        REQUIRE(weft_testing_advance(all.loop, WEFT_MS(i % 2 == 0 ? 100 : 2000)) == 0);
        REQUIRE(weft_loop_run_once(all.loop, 0) >= 0);
    }
    CHECK(all.n_fired > 0);
    CHECK(weft_testing_advance(all.loop, -WEFT_S(3600)) == WEFT_EINVAL);
    CHECK(weft_testing_advance(all.loop, two_years) == 0);
    while (all.n_fired < n && weft_loop_run_once(all.loop, WEFT_FOREVER) >= 0) {
    }
    CHECK(all.n_fired == n);
    CHECK(all.n_early == 0);
    CHECK(all.n_unordered == 0);
    weft_loop_close(all.loop);
    weft_loop_unref(all.loop);
    weft_raise(nullptr);
}

/* ---- R29 ----------------------------------------------------------------- */

namespace
{

/* TSan hands a signal over at the thread's next call that blocks: some never come. */
#if defined(__SANITIZE_THREAD__)
constexpr bool holds_signals_back = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool holds_signals_back = true;
#else
constexpr bool holds_signals_back = false;
#endif
#else
constexpr bool holds_signals_back = false;
#endif

constexpr int signals[] = { SIGHUP, SIGTERM, SIGCHLD, SIGUSR1, SIGPIPE, SIGALRM };
constexpr int n_kinds = sizeof signals / sizeof signals[0];

struct shelled {
    std::atomic<bool> is_over{ false };
    std::atomic<long> n_calls{ 0 };
    long n_came[n_kinds] = {};
    int ended = 0;
};

int on_signal(void *data)
{
    ++*static_cast<long *>(data);
    return 0;
}

/* Allocates, locks and posts, so that a signal finds it in the midst of that. */
void load(shelled *s, weft_loop *loop, weft_executor *ex)
{
    while (!s->is_over) {
        std::string text(100, 'x');
        if (text.size() == 100) {
            (void)weft_loop_call_soon_threadsafe(loop, count_one, &s->n_calls, nullptr);
            (void)weft_executor_submit(ex, count_one, &s->n_calls, nullptr);
        }
        std::this_thread::yield();
    }
}

bool has_all(const shelled &s)
{
    return std::all_of(s.n_came, s.n_came + n_kinds, [](long n) { return n > 0; });
}

struct barrage {
    shelled *s;
    weft_executor *ex;
};

int take_fire(void *data)
{
    auto *b = static_cast<barrage *>(data);
    shelled *s = b->s;
    weft_loop *loop = weft_get_running_loop();
    std::vector<std::thread> targets;
    std::mt19937 random(stress_seed());

    for (int i = 0; i < n_kinds; i++) {
        WEFT_TRY(weft_loop_add_signal_handler(loop, signals[i], on_signal, &s->n_came[i]));
    }
    for (int i = 0; i < 3; i++) {
        targets.emplace_back(load, s, loop, b->ex);
    }
    pthread_t own = pthread_self();
    for (int i = 0; i < 10000; i++) {
        size_t k = random() % 4;
        (void)pthread_kill(k < 3 ? targets[k].native_handle() : own, signals[random() % n_kinds]);
        if (i % 100 == 0) {
            WEFT_TRY(weft_sleep(0));
        }
    }
    for (int i = 0; i < n_kinds; i++) {
        s->n_came[i] = 0; /* one more of each must still come through */
    }
    while (!has_all(*s)) {
        for (int signum : signals) {
            (void)kill(getpid(), signum);
        }
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    s->is_over = true;
    for (std::thread &target : targets) {
        target.join();
    }
    for (int signum : signals) {
        WEFT_TRY(weft_loop_remove_signal_handler(loop, signum) < 0 ? WEFT_ERUNTIME : 0);
    }
    s->ended = 1;
    return 0;
}

} // namespace

TEST_CASE("R29: ten thousand signals at random threads under load", "[stress][R29]")
{
    if (holds_signals_back) {
        return;
    }
    shelled s;
    barrage b = { &s, nullptr };
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.max_threads = 2;
    options.queue_limit = 1000;
    REQUIRE(weft_executor_create(&options, &b.ex) == 0);
    CHECK(weft_run(take_fire, &b) == 0);
    CHECK(s.ended == 1);
    CHECK(s.n_calls > 0);
    CHECK(weft_executor_shutdown(b.ex, nullptr) == 0);
    weft_executor_unref(b.ex);
    weft_raise(nullptr);
}

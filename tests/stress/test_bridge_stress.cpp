/*
 * Seeded stress of the crossings: tasks of three loops run jobs in a small
 * executor, await coroutines of each other's loops, give up and cancel; and
 * threads throw coroutines and callbacks at a loop that closes. Every argument is
 * used exactly once, every wait ends.
 */
#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/seed.hpp"
#include "weft/bridge.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/task.h"
#include "weft/timeout.h"

namespace
{

struct tally {
    std::atomic<long> n_made{ 0 };
    std::atomic<long> n_used{ 0 }; /* arguments: by the function or by the destructor */
    std::atomic<long> n_bad{ 0 };
    std::atomic<long> n_values{ 0 }; /* made minus destroyed */
    weft_runtime *runtime = nullptr;
};

void destroy_arg(void *data)
{
    static_cast<tally *>(data)->n_used++;
}

void destroy_value(void *data)
{
    static_cast<tally *>(data)->n_values--;
}

/* A job, or a coroutine. */
int make_value(void *data)
{
    tally *all = static_cast<tally *>(data);
    all->n_used++;
    all->n_values++;
    return weft_return_ptr(all, destroy_value);
}

int sleep_a_little(void *data)
{
    static_cast<tally *>(data)->n_used++;
    return weft_sleep(WEFT_US(20));
}

void judge(tally &all, int code)
{
    switch (code) {
    case 0:
    case WEFT_ECANCELED:
    case WEFT_ETIMEDOUT:
    case WEFT_ECLOSED:
    case WEFT_EQUEUEFULL:
        break;
    default:
        all.n_bad++;
    }
}

/* Await it, give up after a moment, cancel it or forget it. Consumes the future. */
void use_future(tally &all, weft_future *future, unsigned random)
{
    weft_value value = weft_value_none();

    switch (random % 4) {
    case 0:
        judge(all, weft_await(future, &value));
        break;
    case 1:
        judge(all, weft_wait_for(future, WEFT_US(random % 97), &value));
        break;
    case 2:
        (void)weft_future_cancel(future, nullptr);
        judge(all, weft_await(future, &value));
        break;
    default:
        break;
    }
    weft_value_clear(&value);
    weft_future_unref(future);
}

void cross_to_executor(tally &all, unsigned random)
{
    weft_future *future = nullptr;

    all.n_made++;
    int r =
        weft_loop_run_in_executor_with(nullptr, nullptr, make_value, &all, destroy_arg, &future);
    judge(all, r);
    if (r == 0) {
        use_future(all, future, random);
    }
}

void cross_to_loop(tally &all, weft_loop *loop, unsigned random)
{
    weft_concurrent_future *there = nullptr;
    weft_future *here = nullptr;

    all.n_made++;
    int r = weft_run_coroutine_threadsafe(
        weft_coro_create_with(random % 2 ? make_value : sleep_a_little, &all, destroy_arg), loop,
        &there);
    judge(all, r);
    if (r < 0) {
        return;
    }
    r = weft_wrap_future(there, nullptr, &here);
    all.n_bad += r != 0;
    weft_concurrent_future_unref(there);
    if (r == 0) {
        use_future(all, here, random / 2);
    }
}

struct traveller {
    tally *all;
    unsigned seed;
};

int travel(void *data)
{
    traveller *t = static_cast<traveller *>(data);
    tally &all = *t->all;
    std::mt19937 random(t->seed);

    for (int i = 0; i < 150; i++) {
        unsigned number = static_cast<unsigned>(random());
        if (number % 2 == 0) {
            cross_to_executor(all, number / 2);
        } else {
            weft_loop *loop = weft_runtime_pick_loop(
                all.runtime, number % 4 == 1 ? WEFT_PICK_ROUND_ROBIN : WEFT_PICK_LEAST_TASKS);
            cross_to_loop(all, loop, number / 4);
        }
    }
    return 0;
}

constexpr int n_travellers = 12;

struct journey {
    tally all;
    traveller travellers[n_travellers];
};

int travel_all(weft_runtime *runtime, void *data)
{
    journey *j = static_cast<journey *>(data);
    std::vector<weft_future *> ends;

    j->all.runtime = runtime;
    for (int i = 0; i < n_travellers; i++) {
        weft_concurrent_future *there = nullptr;
        weft_future *here = nullptr;
        WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(travel, &j->travellers[i]),
                                               weft_runtime_get_loop(runtime, i % 3), &there));
        WEFT_TRY(weft_wrap_future(there, nullptr, &here));
        weft_concurrent_future_unref(there);
        ends.push_back(here);
    }
    for (weft_future *end : ends) {
        j->all.n_bad += weft_await(end, nullptr) != 0;
        weft_future_unref(end);
    }
    return 0;
}

} // namespace

TEST_CASE("stress bridge: three loops, one small executor", "[stress][bridge]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    for (unsigned round = 0; round < 30; round++) {
        journey j;
        for (int i = 0; i < n_travellers; i++) {
            j.travellers[i] = { &j.all, seed * 1000 + round * 100 + static_cast<unsigned>(i) };
        }
        weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;
        options.n_loops = 3;
        options.executor.max_threads = 2;
        options.executor.queue_limit = round % 3;
        options.executor.when_full = WEFT_EXECUTOR_WAIT;
        REQUIRE(weft_runtime_run(&options, travel_all, &j) == 0);
        REQUIRE(j.all.n_bad == 0);
        REQUIRE(j.all.n_used == j.all.n_made);
        REQUIRE(j.all.n_values == 0);
    }
}

namespace
{

std::atomic<long> n_called; /* a callback may come late */

int note_done(weft_concurrent_future *, void *data)
{
    ++*static_cast<std::atomic<long> *>(data);
    return 0;
}

/* Coroutines and callbacks for a loop, until it refuses. */
void bombard(tally &all, weft_loop *loop, unsigned seed)
{
    std::mt19937 random(seed);

    for (int i = 0; i < 20000; i++) {
        weft_concurrent_future *f = nullptr;
        all.n_made++;
        int r = weft_run_coroutine_threadsafe(
            weft_coro_create_with(random() % 2 ? make_value : sleep_a_little, &all, destroy_arg),
            loop, &f);
        if (r < 0) {
            all.n_bad += r != WEFT_ECLOSED;
            break;
        }
        r = weft_concurrent_future_add_done_callback(f, loop, note_done, &n_called);
        all.n_bad += r != 0 && r != WEFT_ECLOSED;
        switch (random() % 3) {
        case 0:
            (void)weft_concurrent_future_cancel(f);
            break;
        case 1: {
            weft_value value = weft_value_none();
            judge(all, weft_concurrent_future_result(f, WEFT_FOREVER, &value));
            weft_value_clear(&value);
            break;
        }
        default:
            break;
        }
        weft_concurrent_future_unref(f);
    }
    weft_raise(nullptr);
}

} // namespace

TEST_CASE("stress bridge: a loop that closes under fire", "[stress][bridge]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    std::mt19937 random(seed);
    n_called = 0;
    log_recorder log; /* tasks that are pending at the close are reported */

    for (int round = 0; round < 300; round++) {
        tally all;
        weft_loop *loop = nullptr;
        REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
        std::vector<std::thread> gunners;
        for (unsigned i = 0; i < 3; i++) {
            gunners.emplace_back(bombard, std::ref(all), loop, static_cast<unsigned>(random()));
        }
        long n_before_close = static_cast<long>(random() % 300);
        while (all.n_made < n_before_close) {
            all.n_bad += weft_loop_run_once(loop, WEFT_US(100)) < 0;
        }
        all.n_bad += weft_loop_close(loop) != 0;
        for (std::thread &gunner : gunners) {
            gunner.join();
        }
        weft_loop_unref(loop);
        REQUIRE(all.n_bad == 0);
        REQUIRE(all.n_used == all.n_made);
        REQUIRE(all.n_values == 0);
    }
    CHECK(n_called > 0);
}

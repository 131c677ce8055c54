/* What a loop says about itself: stats.c, and what the poll and the tasks count for it. */
#include <catch2/catch.hpp>

#include <atomic>
#include <cstddef>
#include <thread>

#include "recorder.h"

static weft_loop_stats stats_of(weft_loop *loop)
{
    weft_loop_stats stats = WEFT_LOOP_STATS_INIT;
    REQUIRE(weft_loop_get_stats(loop, &stats) == 0);
    return stats;
}

static int noop(void *)
{
    return 0;
}

static int queue_step(void *data)
{
    return weft_loop_call_soon(nullptr, record, data, nullptr);
}

/* Keeps the processor for so long. */
static int spin_for(void *data)
{
    weft_time end = weft_clock_now() + *static_cast<weft_duration *>(data);

    while (weft_clock_now() < end) {
    }
    return 0;
}

TEST_CASE("stats: turns and pieces of work are counted at every level", "[loop][stats]")
{
    for (auto level : { WEFT_DEBUG_OFF, WEFT_DEBUG_CHEAP, WEFT_DEBUG_FULL }) {
        Loop loop;
        weft_loop_set_debug(loop, level);
        weft_loop_stats before = stats_of(loop);
        for (int i = 0; i < 3; i++) {
            weft_loop_call_soon(loop, noop, nullptr, nullptr);
        }
        loop.turns(2);
        weft_loop_stats after = stats_of(loop);
        CHECK(after.n_turns - before.n_turns == 2);
        CHECK(after.n_run - before.n_run == 3);
        CHECK(after.size == sizeof after);
    }
}

TEST_CASE("stats: sleeps with a limit are counted, asked and actual", "[loop][stats]")
{
    Loop loop(/* is_virtual = */ false);

    /* Where others take the processor, the limit may have passed before the sleep. */
    for (int i = 0; i < 1000 && stats_of(loop).poll_asked.n == 0; i++) {
        weft_loop_run_once(loop, WEFT_US(100));
    }
    weft_loop_stats stats = stats_of(loop);
    CHECK(stats.poll_asked.n == 1);
    CHECK(stats.poll_asked.max <= WEFT_US(100));
    CHECK(stats.poll_actual.n == 1);
    CHECK(stats.poll_actual.sum >= stats.poll_asked.sum); /* not early */
    loop.turns(2);                                        /* no sleep, nothing to count */
    weft_loop_set_debug(loop, WEFT_DEBUG_OFF);
    weft_loop_run_once(loop, WEFT_US(100));
    CHECK(stats_of(loop).poll_asked.n == 1);
}

TEST_CASE("stats: the time between two looks at the kernel is a turn's", "[loop][stats]")
{
    Loop loop(/* is_virtual = */ false);
    weft_duration work = WEFT_MS(2);
    Trace trace;
    Step stop{ &trace, "stop", stop_loop };
    Step queue{ &trace, "queue", queue_step, &stop };

    REQUIRE(weft_loop_fd(loop) >= 0); /* with a host it looks in each turn */
    weft_loop_call_later(loop, WEFT_S(3600), noop, nullptr, nullptr);
    weft_loop_call_later(loop, 0, noop, nullptr, nullptr);
    weft_loop_call_soon(loop, spin_for, &work, nullptr);
    weft_loop_call_soon(loop, spin_for, &work, nullptr);
    weft_loop_call_soon(loop, record, &queue, nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    weft_loop_stats stats = stats_of(loop);
    CHECK(stats.turn.n == 1);
    CHECK(stats.turn.max >= 2 * work); /* both ran between two looks */
    CHECK(stats.lag.n == 1);
    CHECK(stats.n_ready == 4);
    CHECK(stats.n_timers == 1);
    CHECK(stats.busy_for == 0); /* it does not run */
}

TEST_CASE("stats: level off measures no times", "[loop][stats]")
{
    Loop loop(/* is_virtual = */ false);
    Trace trace;
    Step stop{ &trace, "stop", stop_loop };

    weft_loop_set_debug(loop, WEFT_DEBUG_OFF);
    weft_loop_call_later(loop, WEFT_MS(1), noop, nullptr, nullptr);
    weft_loop_call_later(loop, WEFT_MS(2), record, &stop, nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    weft_loop_stats stats = stats_of(loop);
    CHECK(stats.n_turns > 0);
    CHECK(stats.turn.n == 0);
    CHECK(stats.lag.n == 0);
    CHECK(stats.poll_asked.n == 0);
    CHECK(stats.poll_actual.n == 0);
}

static int end_with(void *data)
{
    return *static_cast<int *>(data);
}

static int make_outcomes(void *)
{
    static int ok = 0, failed = WEFT_EUSER(1), cancelled = WEFT_ECANCELED;
    weft_task *tasks[4];

    WEFT_TRY(weft_create_task(weft_coro_create(end_with, &ok), &tasks[0]));
    WEFT_TRY(weft_create_task(weft_coro_create(end_with, &failed), &tasks[1]));
    WEFT_TRY(weft_create_task(weft_coro_create(end_with, &cancelled), &tasks[2]));
    WEFT_TRY(weft_create_task(weft_coro_create(end_with, &ok), &tasks[3]));
    weft_task_cancel(tasks[3], nullptr);
    for (weft_task *task : tasks) {
        (void)weft_await(task, nullptr);
        weft_future_unref(task);
    }
    return 0;
}

TEST_CASE("stats: tasks are counted by how they ended", "[loop][stats]")
{
    Loop loop;

    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(make_outcomes, nullptr), nullptr) ==
            0);
    weft_loop_stats stats = stats_of(loop);
    CHECK(stats.n_tasks_made == 5);
    CHECK(stats.n_tasks_finished == 2);
    CHECK(stats.n_tasks_failed == 1);
    CHECK(stats.n_tasks_cancelled == 2);
    CHECK(stats.n_tasks == 0);
}

struct Stuck {
    weft_loop *loop;
    std::atomic<bool> is_in{ false }, may_go{ false };
};

static int be_stuck(void *data)
{
    auto *stuck = static_cast<Stuck *>(data);

    stuck->is_in = true;
    while (!stuck->may_go) {
        std::this_thread::yield();
    }
    return weft_loop_stop(nullptr);
}

TEST_CASE("stats: another thread reads those of a stuck loop", "[loop][stats]")
{
    Loop loop(/* is_virtual = */ false);
    Stuck stuck{ loop };
    weft_duration first = 0, second = 0;
    uint64_t n_run = 0;

    REQUIRE(weft_loop_fd(loop) >= 0); /* with a host it looks in each turn */
    weft_loop_call_soon(loop, be_stuck, &stuck, nullptr);
    std::thread reader([&] {
        while (!stuck.is_in) {
            std::this_thread::yield();
        }
        weft_loop_stats stats = WEFT_LOOP_STATS_INIT;
        if (weft_loop_get_stats(stuck.loop, &stats) == 0) {
            first = stats.busy_for;
            n_run = stats.n_run;
        }
        weft_time until = weft_clock_now() + WEFT_MS(1);
        while (weft_clock_now() < until) {
        }
        if (weft_loop_get_stats(stuck.loop, &stats) == 0) {
            second = stats.busy_for;
        }
        stuck.may_go = true;
    });
    REQUIRE(weft_loop_run_forever(loop) == 0);
    reader.join();
    CHECK(n_run >= 1);
    CHECK(first > 0);
    CHECK(second >= first + WEFT_MS(1));
}

TEST_CASE("stats: a struct of an older program is filled as far as it goes", "[loop][stats]")
{
    Loop loop;
    weft_loop_stats stats = WEFT_LOOP_STATS_INIT;

    stats.size = offsetof(weft_loop_stats, n_tasks);
    stats.n_tasks = 77;
    REQUIRE(weft_loop_get_stats(loop, &stats) == 0);
    CHECK(stats.size == offsetof(weft_loop_stats, n_tasks));
    CHECK(stats.n_tasks == 77);
    CHECK(weft_loop_get_stats(loop, nullptr) == WEFT_EINVAL);
}

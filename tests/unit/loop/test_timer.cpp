#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "recorder.h"

extern "C" {
#include "loop/loop.h"
}

TEST_CASE("timer: due ones run in the order of their deadlines", "[loop][timer]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" }, c{ &trace, "c", stop_loop };
    weft_time start = weft_loop_time(loop);

    weft_loop_call_later(loop, WEFT_S(3600), record, &c, nullptr);
    weft_loop_call_later(loop, WEFT_MS(20), record, &b, nullptr);
    weft_loop_call_later(loop, WEFT_MS(10), record, &a, nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE(trace.joined() == "a b c");
    REQUIRE(weft_loop_time(loop) == start + WEFT_S(3600));
}

TEST_CASE("timer: equal deadlines are first in, first out", "[loop][timer]")
{
    Loop loop;
    Trace trace;
    std::vector<std::string> names;
    std::vector<Step> steps;
    weft_time when = weft_loop_time(loop) + WEFT_MS(1);

    for (int i = 0; i < 100; i++) {
        names.push_back(std::to_string(i));
    }
    for (const auto &name : names) {
        steps.push_back({ &trace, name.c_str() });
    }
    for (auto &step : steps) {
        REQUIRE(weft_loop_call_at(loop, when, record, &step, nullptr) == 0);
    }
    weft_loop_run_once(loop, WEFT_FOREVER);
    REQUIRE(trace.names == names);
}

TEST_CASE("timer: the past keeps its order too", "[loop][timer]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" }, c{ &trace, "c" }, d{ &trace, "d" };

    weft_loop_call_later(loop, -WEFT_MS(1), record, &b, nullptr);
    weft_loop_call_later(loop, -WEFT_S(1), record, &a, nullptr);
    weft_loop_call_later(loop, 0, record, &c, nullptr);
    weft_loop_call_later(loop, 1, record, &d, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "a b c");
}

TEST_CASE("timer: queued callbacks come before due timers of the same turn", "[loop][timer]")
{
    Loop loop;
    Trace trace;
    Step timer{ &trace, "timer" }, soon{ &trace, "soon" };

    weft_loop_call_later(loop, 0, record, &timer, nullptr);
    weft_loop_call_soon(loop, record, &soon, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "soon timer");
}

TEST_CASE("timer: never early, on the real clock either", "[loop][timer]")
{
    Loop loop(/* is_virtual = */ false);
    struct Early {
        weft_loop *loop;
        weft_time when;
        bool is_early = true;
    } early{ loop, weft_loop_time(loop) + WEFT_US(300) };

    REQUIRE(weft_loop_call_at(
                loop, early.when,
                [](void *data) {
                    auto *it = static_cast<Early *>(data);
                    it->is_early = weft_loop_time(it->loop) < it->when;
                    return weft_loop_stop(it->loop);
                },
                &early, nullptr) == 0);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE_FALSE(early.is_early);
    weft_time before = weft_clock_now();
    REQUIRE(weft_loop_time(loop) >= before);
}

TEST_CASE("timer: a cancelled one neither runs nor is waited for", "[loop][timer]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b", stop_loop };
    weft_handle *handle = nullptr;
    weft_time start = weft_loop_time(loop);

    weft_loop_call_later(loop, WEFT_MS(1), record, &a, &handle);
    weft_loop_call_later(loop, WEFT_MS(2), record, &b, nullptr);
    weft_handle_cancel(handle);
    REQUIRE(weft_loop_next_deadline(loop) == start + WEFT_MS(2));
    weft_loop_run_forever(loop);
    REQUIRE(trace.joined() == "b");
    weft_handle_unref(handle);
}

TEST_CASE("timer: many, cancelled at random, run in order", "[loop][timer]")
{
    Loop loop;
    std::mt19937 random(7);
    struct Shot {
        std::vector<int> *fired;
        int when;
        weft_handle *handle;
    };
    std::vector<int> fired;
    std::vector<Shot> shots(500);
    std::vector<int> expected;

    for (auto &shot : shots) {
        shot = { &fired, static_cast<int>(random() % 50), nullptr };
        weft_loop_call_at(
            loop, weft_loop_time(loop) + WEFT_MS(shot.when),
            [](void *data) {
                auto *it = static_cast<Shot *>(data);
                it->fired->push_back(it->when);
                return 0;
            },
            &shot, &shot.handle);
    }
    for (auto &shot : shots) {
        if (random() % 3 == 0) {
            weft_handle_cancel(shot.handle);
        } else {
            expected.push_back(shot.when);
        }
        weft_handle_unref(shot.handle);
    }
    std::sort(expected.begin(), expected.end());
    while (weft_loop_next_deadline(loop) != WEFT_FOREVER) {
        weft_loop_run_once(loop, WEFT_FOREVER);
    }
    REQUIRE(fired == expected);
}

TEST_CASE("timer: deadlines do not overflow", "[loop][timer]")
{
    Loop loop;

    REQUIRE(wf_loop_deadline(loop, WEFT_FOREVER) == WEFT_FOREVER);
    REQUIRE(wf_loop_deadline(loop, WEFT_FOREVER - 1) == WEFT_FOREVER);
    REQUIRE(wf_loop_deadline(loop, INT64_MIN) < wf_loop_now(loop));
    REQUIRE(wf_loop_deadline(loop, 5) == wf_loop_now(loop) + 5);
}

/* ---- the virtual clock -------------------------------------------------- */

TEST_CASE("timer: virtual time stands still unless it is waited for", "[loop][timer][virtual]")
{
    Loop loop;
    weft_time start = weft_loop_time(loop);

    loop.turns(3);
    REQUIRE(weft_loop_time(loop) == start);
    REQUIRE(weft_testing_advance(loop, WEFT_MS(5)) == 0);
    REQUIRE(weft_loop_time(loop) == start + WEFT_MS(5));
    /* A bounded wait passes no more than its bound. */
    REQUIRE(weft_loop_run_once(loop, WEFT_MS(2)) == 0);
    REQUIRE(weft_loop_time(loop) == start + WEFT_MS(7));
    REQUIRE(weft_testing_advance(loop, -1) == WEFT_EINVAL);

    Loop real(/* is_virtual = */ false);
    REQUIRE(weft_testing_advance(real, 1) == WEFT_EINVALIDSTATE);
}

TEST_CASE("timer: advancing makes timers due in the next turn", "[loop][timer][virtual]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };

    weft_loop_call_later(loop, WEFT_MS(10), record, &a, nullptr);
    loop.turns(1);
    weft_testing_advance(loop, WEFT_MS(10) - 1);
    loop.turns(1);
    REQUIRE(trace.names.empty());
    weft_testing_advance(loop, 1);
    loop.turns(1);
    REQUIRE(trace.joined() == "a");
}

static int is_done(void *data)
{
    return static_cast<Trace *>(data)->names.size() >= 2;
}

TEST_CASE("timer: run_until bounds the turns", "[loop][timer][testing]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" };

    weft_loop_call_later(loop, WEFT_S(10), record, &a, nullptr);
    weft_loop_call_later(loop, WEFT_S(20), record, &b, nullptr);
    REQUIRE(weft_testing_run_until(loop, is_done, &trace, 1) == WEFT_ETIMEDOUT);
    REQUIRE(trace.joined() == "a");
    REQUIRE(weft_testing_run_until(loop, is_done, &trace, 1) == 0);
    REQUIRE(weft_testing_run_until(loop, is_done, &trace, 0) == 0);
    REQUIRE(weft_testing_run_until(loop, nullptr, &trace, 0) == WEFT_EINVAL);
}

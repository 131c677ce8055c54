#include <catch2/catch.hpp>

#include "recorder.h"

extern "C" {
#include "loop/loop.h"
#include "thread/role.h"
}

TEST_CASE("turn: callbacks run in the order of call_soon", "[loop][turn]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" }, c{ &trace, "c" };

    REQUIRE(weft_loop_call_soon(loop, record, &a, nullptr) == 0);
    REQUIRE(weft_loop_call_soon(loop, record, &b, nullptr) == 0);
    REQUIRE(weft_loop_call_soon(loop, record, &c, nullptr) == 0);
    REQUIRE(trace.names.empty());
    REQUIRE(weft_loop_run_once(loop, 0) == 3);
    REQUIRE(trace.joined() == "a b c");
}

static int queue_step(void *data)
{
    return weft_loop_call_soon(nullptr, record, data, nullptr);
}

TEST_CASE("turn: what a callback queues waits for the next turn", "[loop][turn]")
{
    Loop loop;
    Trace trace;
    Step inner{ &trace, "inner" };
    Step outer{ &trace, "outer", queue_step, &inner };
    Step last{ &trace, "last" };

    weft_loop_call_soon(loop, record, &outer, nullptr);
    weft_loop_call_soon(loop, record, &last, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "outer last");
    loop.turns(1);
    REQUIRE(trace.joined() == "outer last inner");
}

TEST_CASE("turn: stop before a run gives exactly one pass", "[loop][turn][stop]")
{
    Loop loop;
    Trace trace;
    Step inner{ &trace, "inner" };
    Step outer{ &trace, "outer", queue_step, &inner };

    weft_loop_call_soon(loop, record, &outer, nullptr);
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer");
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer inner");
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer inner");
}

struct Endless {
    int n_runs = 0;
    weft_loop *loop;
};

static int queue_itself(void *data)
{
    auto *endless = static_cast<Endless *>(data);

    endless->n_runs++;
    return weft_loop_call_soon(nullptr, queue_itself, data, nullptr);
}

TEST_CASE("turn: a callback that queues itself starves neither timers nor I/O", "[loop][turn]")
{
    Loop loop;
    Endless endless;
    Trace trace;
    Step timer{ &trace, "timer" };

    weft_loop_call_soon(loop, queue_itself, &endless, nullptr);
    weft_loop_call_later(loop, 0, record, &timer, nullptr);
    loop.turns(1);
    REQUIRE(endless.n_runs == 1);
    REQUIRE(trace.joined() == "timer");
    loop.turns(5);
    REQUIRE(endless.n_runs == 6);
}

TEST_CASE("turn: run_forever ends after the pass in which it was stopped", "[loop][turn][stop]")
{
    Loop loop;
    Trace trace;
    Step next{ &trace, "next" };
    Step stop{ &trace, "stop", stop_loop };
    Step after{ &trace, "after", queue_step, &next };

    weft_loop_call_soon(loop, record, &stop, nullptr);
    weft_loop_call_soon(loop, record, &after, nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE(trace.joined() == "stop after");
    REQUIRE(weft_loop_is_running(loop) == 0);
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "stop after next");
}

struct Nested {
    weft_loop *loop;
    int forever = 0, once = 0, close = 0;
    bool is_running = false, is_current = false, has_role = false;
};

static int run_nested(void *data)
{
    auto *nested = static_cast<Nested *>(data);

    nested->forever = weft_loop_run_forever(nested->loop);
    nested->once = weft_loop_run_once(nested->loop, 0);
    nested->close = weft_loop_close(nested->loop);
    nested->is_running = weft_loop_is_running(nested->loop) != 0;
    nested->is_current = weft_get_running_loop() == nested->loop;
    nested->has_role = wf_thread_runs_loop;
    return 0;
}

TEST_CASE("turn: a loop is not run from inside itself or another", "[loop][turn]")
{
    Loop loop;
    Loop other;
    Nested same{ loop };
    Nested foreign{ other };

    weft_loop_call_soon(loop, run_nested, &same, nullptr);
    weft_loop_call_soon(loop, run_nested, &foreign, nullptr);
    REQUIRE(weft_get_running_loop() == nullptr);
    loop.turns(1);

    REQUIRE(same.forever == WEFT_ERUNTIME);
    REQUIRE(same.once == WEFT_ERUNTIME);
    REQUIRE(same.close == WEFT_ERUNTIME);
    REQUIRE(same.is_running);
    REQUIRE(same.is_current);
    REQUIRE(same.has_role);
    REQUIRE(foreign.forever == WEFT_ERUNTIME);
    REQUIRE_FALSE(foreign.is_running);
    REQUIRE(weft_get_running_loop() == nullptr);
    REQUIRE_FALSE(wf_thread_runs_loop);
    REQUIRE(weft_loop_is_running(loop) == 0);
}

TEST_CASE("turn: run_once tells how many callbacks ran and obeys a stop", "[loop][turn]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };

    REQUIRE(weft_loop_run_once(loop, 0) == 0);
    weft_loop_call_soon(loop, record, &a, nullptr);
    weft_loop_call_soon(loop, record, &a, nullptr);
    REQUIRE(weft_loop_run_once(loop, WEFT_FOREVER) == 2);
    /* A stop means one turn that does not wait; it is used up by that. */
    weft_loop_stop(loop);
    REQUIRE(weft_loop_run_once(loop, WEFT_FOREVER) == 0);
    weft_loop_call_soon(loop, record, &a, nullptr);
    REQUIRE(weft_loop_run_once(loop, WEFT_FOREVER) == 1);
}

TEST_CASE("turn: the next deadline says what a host must wait for", "[loop][turn][host]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    weft_time now = weft_loop_time(loop);

    REQUIRE(weft_loop_next_deadline(loop) == WEFT_FOREVER);
    weft_loop_call_later(loop, WEFT_MS(5), record, &a, nullptr);
    weft_loop_call_later(loop, WEFT_MS(3), record, &a, nullptr);
    REQUIRE(weft_loop_next_deadline(loop) == now + WEFT_MS(3));
    weft_loop_call_soon(loop, record, &a, nullptr);
    REQUIRE(weft_loop_next_deadline(loop) <= now);
}

/* ---- work of the floors above ------------------------------------------- */

struct Own {
    struct wf_work work;
    Trace *trace;
    const char *name;
};

static void run_own(struct wf_work *work)
{
    auto *own = reinterpret_cast<Own *>(work);

    own->trace->names.push_back(own->name);
}

static void run_other(struct wf_work *work)
{
    auto *own = reinterpret_cast<Own *>(work);

    own->trace->names.push_back(std::string("other-") + own->name);
}

TEST_CASE("turn: queued work can be taken back, also out of the batch", "[loop][turn][work]")
{
    Loop loop;
    Trace trace;
    Own a{ {}, &trace, "a" }, b{ {}, &trace, "b" };

    wf_work_init(&a.work, run_own);
    wf_work_init(&b.work, run_own);
    wf_loop_run_soon(loop, &a.work);
    wf_loop_run_soon(loop, &b.work);
    REQUIRE(wf_work_is_queued(&a.work));
    wf_loop_take_back(&a.work);
    REQUIRE_FALSE(wf_work_is_queued(&a.work));
    loop.turns(1);
    REQUIRE(trace.joined() == "b");
}

struct Taker {
    struct wf_work work;
    weft_loop *loop;
    struct wf_work *first;
    struct wf_work *second;
};

static void take_both(struct wf_work *work)
{
    auto *taker = reinterpret_cast<Taker *>(work);

    taker->first = wf_loop_take_next(taker->loop, run_own);
    taker->second = wf_loop_take_next(taker->loop, run_own);
}

TEST_CASE("turn: the next work of the batch is taken only if it is of the kind",
          "[loop][turn][work]")
{
    Loop loop;
    Trace trace;
    Taker taker{ {}, loop, nullptr, nullptr };
    Own a{ {}, &trace, "a" }, b{ {}, &trace, "b" };

    wf_work_init(&taker.work, take_both);
    wf_work_init(&a.work, run_own);
    wf_work_init(&b.work, run_other);
    wf_loop_run_soon(loop, &taker.work);
    wf_loop_run_soon(loop, &a.work);
    wf_loop_run_soon(loop, &b.work);

    SECTION("cheap: the one of the kind, and no further")
    {
        REQUIRE(weft_loop_run_once(loop, 0) == 3);
        REQUIRE(taker.first == &a.work);
        REQUIRE(taker.second == nullptr);
        REQUIRE(trace.joined() == "other-b");
    }
    SECTION("full: none, since each piece is timed")
    {
        weft_loop_set_debug(loop, WEFT_DEBUG_FULL);
        loop.turns(1);
        REQUIRE(taker.first == nullptr);
        REQUIRE(trace.joined() == "a other-b");
    }
}

static struct wf_work *dropped;

static void drop_own(struct wf_work *work)
{
    dropped = work;
}

static const struct wf_work_kind own_kind = { run_own, drop_own, nullptr, nullptr, 0 };

TEST_CASE("turn: work that a close finds is dropped unrun", "[loop][turn][work][close]")
{
    Trace trace;
    Own a{ {}, &trace, "a" };
    struct wf_timer timer;
    dropped = nullptr;

    SECTION("in the queue")
    {
        Loop loop;
        wf_loop_know_work(loop, &own_kind);
        wf_loop_know_work(loop, &own_kind);
        wf_work_init(&a.work, run_own);
        wf_loop_run_soon(loop, &a.work);
        weft_loop_close(loop);
        REQUIRE(dropped == &a.work);
        REQUIRE_FALSE(wf_work_is_queued(&a.work));
    }
    SECTION("in a timer")
    {
        Loop loop;
        wf_loop_know_work(loop, &own_kind);
        wf_timer_init(&timer, run_own);
        REQUIRE(wf_timer_start(loop, &timer, weft_loop_time(loop) + 1) == 0);
        weft_loop_close(loop);
        REQUIRE(dropped == &timer.work);
        REQUIRE_FALSE(wf_timer_is_started(&timer));
    }
    REQUIRE(trace.names.empty());
}

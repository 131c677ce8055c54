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
    Step a{&trace, "a"}, b{&trace, "b"}, c{&trace, "c"};

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
    Step inner{&trace, "inner"};
    Step outer{&trace, "outer", queue_step, &inner};
    Step last{&trace, "last"};

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
    Step inner{&trace, "inner"};
    Step outer{&trace, "outer", queue_step, &inner};

    weft_loop_call_soon(loop, record, &outer, nullptr);
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer");
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer inner");
    REQUIRE(loop.run_one_pass() == 0);
    REQUIRE(trace.joined() == "outer inner");
}

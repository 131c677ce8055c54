#include <catch2/catch.hpp>

#include <cstdlib>

#include "recorder.h"

static enum weft_debug_level level_for(const char *text)
{
    if (text != nullptr) {
        setenv("WEFT_DEBUG", text, 1);
    } else {
        unsetenv("WEFT_DEBUG");
    }
    enum weft_debug_level level;
    {
        Loop loop;
        level = weft_loop_get_debug(loop);
    }
    unsetenv("WEFT_DEBUG");
    return level;
}

TEST_CASE("debug: WEFT_DEBUG says how a loop begins", "[loop][debug]")
{
    REQUIRE(level_for(nullptr) == WEFT_DEBUG_CHEAP);
    REQUIRE(level_for("") == WEFT_DEBUG_CHEAP);
    REQUIRE(level_for("cheap") == WEFT_DEBUG_CHEAP);
    REQUIRE(level_for("0") == WEFT_DEBUG_OFF);
    REQUIRE(level_for("no") == WEFT_DEBUG_OFF);
    REQUIRE(level_for("OFF") == WEFT_DEBUG_OFF);
    REQUIRE(level_for("1") == WEFT_DEBUG_FULL);
    REQUIRE(level_for("full") == WEFT_DEBUG_FULL);
    REQUIRE(level_for("yes") == WEFT_DEBUG_FULL);
}

TEST_CASE("debug: level and threshold are set and checked", "[loop][debug]")
{
    Loop loop;
    Log log;

    REQUIRE(weft_loop_get_slow_callback_duration(loop) == WEFT_MS(100));
    REQUIRE(weft_loop_set_slow_callback_duration(loop, WEFT_MS(300)) == 0);
    REQUIRE(weft_loop_get_slow_callback_duration(loop) == WEFT_MS(300));
    REQUIRE(weft_loop_set_slow_callback_duration(loop, -1) == WEFT_EINVAL);
    REQUIRE(weft_loop_set_debug(loop, WEFT_DEBUG_OFF) == 0);
    REQUIRE(weft_loop_get_debug(loop) == WEFT_DEBUG_OFF);
    REQUIRE(weft_loop_set_debug(loop, static_cast<enum weft_debug_level>(9)) == WEFT_EINVAL);
    REQUIRE(weft_loop_get_debug(loop) == WEFT_DEBUG_OFF);
}

static int slow(void *)
{
    return weft_testing_advance(nullptr, WEFT_MS(400));
}

static int quick(void *)
{
    return weft_testing_advance(nullptr, WEFT_MS(299));
}

TEST_CASE("debug: a slow callback is reported by name in level full only", "[loop][debug]")
{
    Loop loop;
    Log log;

    weft_loop_set_slow_callback_duration(loop, WEFT_MS(300));
    for (enum weft_debug_level level : { WEFT_DEBUG_OFF, WEFT_DEBUG_CHEAP }) {
        weft_loop_set_debug(loop, level);
        weft_loop_call_soon(loop, slow, nullptr, nullptr);
        loop.turns(1);
    }
    REQUIRE(log.entries.empty());

    weft_loop_set_debug(loop, WEFT_DEBUG_FULL);
    weft_loop_call_soon(loop, slow, nullptr, nullptr);
    weft_loop_call_soon(loop, quick, nullptr, nullptr);
    weft_loop_call_later(loop, 0, slow, nullptr, nullptr);
    loop.turns(1);
    REQUIRE(log.entries.size() == 2);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_SLOW_CALLBACK);
    REQUIRE(log.entries[0].subject == "slow");
    REQUIRE(log.entries[0].message.find("Executing <Handle slow() created at ") == 0);
    REQUIRE(log.entries[0].message.find("test_debug.cpp") != std::string::npos);
    REQUIRE(log.entries[0].message.find(" took 0.400 seconds") != std::string::npos);
    REQUIRE(log.entries[1].message.find("Executing <TimerHandle slow()") == 0);
}

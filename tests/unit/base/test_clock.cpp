/* The clock and the version. */
#include <catch2/catch.hpp>

#include <ctime>
#include <string>

#include "weft/time.h"

TEST_CASE("clock: it is the monotonic clock in nanoseconds", "[clock]")
{
    timespec before;
    timespec after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    weft_time now = weft_clock_now();
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(now >= before.tv_sec * 1000000000LL + before.tv_nsec);
    CHECK(now <= after.tv_sec * 1000000000LL + after.tv_nsec);
    for (int i = 0; i < 1000; i++) {
        weft_time next = weft_clock_now();
        REQUIRE(next >= now);
        now = next;
    }
}

TEST_CASE("clock: units", "[clock]")
{
    CHECK(WEFT_S(2) == 2000 * WEFT_MS(1));
    CHECK(WEFT_MS(3) == 3000 * WEFT_US(1));
    CHECK(WEFT_US(4) == WEFT_NS(4000));
}

TEST_CASE("version: the library and the header agree", "[version]")
{
    CHECK(std::string(weft_version()) == WEFT_VERSION);
    CHECK(std::string(WEFT_VERSION) == std::to_string(WEFT_VERSION_MAJOR) + "." +
                                           std::to_string(WEFT_VERSION_MINOR) + "." +
                                           std::to_string(WEFT_VERSION_PATCH));
}

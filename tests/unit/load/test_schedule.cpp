// When requests are meant to be sent: exact in constant steps, right on average at random.
#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

extern "C" {
#include "load/schedule.h"
}

namespace
{

std::vector<weft_duration> moments(double from, double to, weft_duration duration, bool is_poisson,
                                   uint64_t seed, double offset = 0)
{
    struct schedule schedule;
    std::vector<weft_duration> all;

    schedule_init(&schedule, from, to, duration, is_poisson, seed, offset);
    for (;;) {
        weft_duration next = schedule_next(&schedule);
        if (next >= duration) {
            return all;
        }
        all.push_back(next);
    }
}

} // namespace

TEST_CASE("constant arrivals are evenly apart")
{
    auto all = moments(1000, 1000, WEFT_S(2), false, 1);

    REQUIRE(all.size() == 2000);
    for (size_t i = 0; i < all.size(); i++) {
        CHECK(std::abs(double(all[i]) - double(i) * 1e6) < 10);
    }
}

TEST_CASE("the loops of a run interleave")
{
    auto first = moments(500, 500, WEFT_S(1), false, 1, 0);
    auto second = moments(500, 500, WEFT_S(1), false, 1, 0.5);

    REQUIRE(first.size() == second.size());
    CHECK(second[0] - first[0] == WEFT_MS(1));
}

TEST_CASE("a ramp sends as many as the area under it")
{
    for (bool is_down : { false, true }) {
        auto all = moments(is_down ? 900 : 100, is_down ? 100 : 900, WEFT_S(10), false, 1);
        CHECK(all.size() == 5000);
        size_t in_first_half = 0;
        for (auto moment : all) {
            in_first_half += moment < WEFT_S(5);
        }
        CHECK(in_first_half == (is_down ? 3500 : 1500));
    }
}

TEST_CASE("Poisson arrivals: the same seed gives the same moments, the rate is right on average")
{
    auto all = moments(1000, 1000, WEFT_S(100), true, 7);

    CHECK(all == moments(1000, 1000, WEFT_S(100), true, 7));
    CHECK(all != moments(1000, 1000, WEFT_S(100), true, 8));
    CHECK(double(all.size()) == Approx(100000).epsilon(0.02));

    // Gaps of a Poisson process vary as much as they are long.
    double sum = 0, squares = 0;
    for (size_t i = 1; i < all.size(); i++) {
        double gap = double(all[i] - all[i - 1]);
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / double(all.size() - 1);
    double deviation = std::sqrt(squares / double(all.size() - 1) - mean * mean);
    CHECK(deviation == Approx(mean).epsilon(0.05));
}

TEST_CASE("a rate of nothing never comes")
{
    struct schedule schedule;

    schedule_init(&schedule, 0, 0, WEFT_S(1), false, 1, 0.5);
    CHECK(schedule_next(&schedule) == WEFT_FOREVER);
}

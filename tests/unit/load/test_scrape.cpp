/* What weft-load reads out of weftd's metrics. */
#include <catch2/catch.hpp>

#include <cstring>
#include <string>

#include "load/scrape.h"

static scrape read(const std::string &text)
{
    scrape out;
    scrape_read(text.data(), text.size(), &out);
    return out;
}

static std::string metrics(int fast, int all, double sum)
{
    std::string text = "# HELP weft_loop_turns_total Turns.\n# TYPE weft_loop_turns_total counter\n"
                       "weft_loop_turns_total{loop=\"0\"} 9\nweft_loop_turns_total{loop=\"1\"} 9\n";
    for (const char *loop : { "0", "1" }) {
        std::string start =
            std::string("weft_loop_turn_seconds_bucket{loop=\"") + loop + "\",le=\"";
        text += start + "0.001\"} " + std::to_string(fast) + "\n";
        text += start + "0.002\"} " + std::to_string(all) + "\n";
        text += start + "+Inf\"} " + std::to_string(all) + "\n";
        text += std::string("weft_loop_turn_seconds_sum{loop=\"") + loop + "\"} " +
                std::to_string(sum) + "\n";
    }
    return text + "weft_executor_queue_age_seconds{executor=\"a\"} 0.5\n"
                  "weft_executor_queue_age_seconds{executor=\"b\"} 0.25\n"
                  "something_else 1\nweft_loop_turn_seconds_bucketeer 1\n";
}

TEST_CASE("scrape: loops are added up, what is unknown is passed over", "[load]")
{
    scrape now = read(metrics(3, 4, 0.25));

    CHECK(now.n_loops == 2);
    CHECK(now.queue_age == 0.5);
    REQUIRE(now.turn.n == 3);
    CHECK(now.turn.counts[0] == 6);
    CHECK(now.turn.counts[2] == 8);
    CHECK(now.turn.sum == 0.5);
    CHECK(now.lag.n == 0);
}

TEST_CASE("scrape: quantiles of what came between two scrapes", "[load]")
{
    scrape before = read(metrics(0, 10, 1));
    scrape after = read(metrics(90, 110, 2));

    CHECK(scrape_quantile(&before.turn, &after.turn, 0.5) == 0.001);
    CHECK(scrape_quantile(&before.turn, &after.turn, 0.99) == 0.002);
    CHECK(scrape_quantile(&before.turn, &before.turn, 0.99) == 0);
    CHECK(scrape_quantile(&after.turn, &before.turn, 0.99) == 0); /* another daemon */
    CHECK(scrape_quantile(&before.lag, &after.lag, 0.99) == 0);
}

TEST_CASE("scrape: garbage", "[load]")
{
    CHECK(read("").n_loops == 0);
    CHECK(read(std::string(2000, 'x')).n_loops == 0);
    CHECK(read("weft_loop_turn_seconds_bucket{loop=\"0\"} 4\n").turn.n == 0);
    CHECK(read("weft_loop_turns_total").n_loops == 0);
    std::string many;
    for (int i = 0; i < 100; i++) {
        many += "weft_loop_lag_seconds_bucket{le=\"" + std::to_string(i) + "\"} 1\n";
    }
    CHECK(read(many).lag.n == SCRAPE_MAX_LIMITS);
}

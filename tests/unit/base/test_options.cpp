/* Options and statistics by their size, from callers of other versions. */
#include <catch2/catch.hpp>

#include "support/log_recorder.hpp"
#include "weft/error.h"

#include <cstddef>

extern "C" {
#include "base/options.h"
}

namespace
{

struct ours {
    size_t size;
    int first;
    int second;
};

struct older {
    size_t size;
    int first;
};

struct newer {
    size_t size;
    int first;
    int second;
    void *third;
};

} // namespace

TEST_CASE("options: none are the defaults", "[options]")
{
    ours read = { sizeof read, 7, 8 };

    CHECK(wf_options_read("ours", nullptr, &read, sizeof read) == 0);
    CHECK(read.first == 7);
    CHECK(read.second == 8);
}

TEST_CASE("options: an older caller gets defaults for what it does not know", "[options]")
{
    ours read = { sizeof read, 7, 8 };
    older given = { offsetof(older, first) + sizeof given.first, 1 };

    CHECK(wf_options_read("ours", &given, &read, sizeof read) == 0);
    CHECK(read.size == sizeof read);
    CHECK(read.first == 1);
    CHECK(read.second == 8);
}

TEST_CASE("options: a newer caller may not ask for what is unknown here", "[options]")
{
    log_recorder log;
    ours read = { sizeof read, 7, 8 };
    newer given = { sizeof given, 1, 2, nullptr };

    CHECK(wf_options_read("ours", &given, &read, sizeof read) == 0);
    CHECK(read.second == 2);
    given.third = &given;
    given.first = 5;
    CHECK(wf_options_read("ours", &given, &read, sizeof read) == WEFT_EINVAL);
    CHECK(read.first == 1);
    CHECK(log.has("ours that this version does not know"));
}

TEST_CASE("options: without a size they are refused", "[options]")
{
    log_recorder log;
    ours read = { sizeof read, 7, 8 };
    ours given = { 0, 1, 2 };

    for (size_t size : { size_t{ 0 }, sizeof(size_t) - 1, size_t{ 100000 }, SIZE_MAX }) {
        given.size = size;
        CHECK(wf_options_read("ours", &given, &read, sizeof read) == WEFT_EINVAL);
        CHECK(wf_stats_write("ours", &given, &read, sizeof read) == WEFT_EINVAL);
    }
    CHECK(wf_stats_write("ours", nullptr, &read, sizeof read) == WEFT_EINVAL);
    CHECK(read.first == 7);
    CHECK(given.first == 1);
}

TEST_CASE("options: statistics fill what the caller has room for", "[options]")
{
    ours now = { sizeof now, 7, 8 };
    newer large = { sizeof large, 1, 2, &now };
    ours small = { offsetof(ours, second), 1, 2 };

    CHECK(wf_stats_write("ours", &large, &now, sizeof now) == 0);
    CHECK(large.size == sizeof large);
    CHECK(large.second == 8);
    CHECK(large.third == nullptr);
    CHECK(wf_stats_write("ours", &small, &now, sizeof now) == 0);
    CHECK(small.size == offsetof(ours, second));
    CHECK(small.first == 7);
    CHECK(small.second == 2);
}

#include "worker/restart.h"

#include <catch2/catch.hpp>

#include <vector>

namespace
{

const int64_t S = 1000000000;

struct config_restart policy(enum config_policy kind)
{
    struct config_restart config = {};
    config.policy = kind;
    config.tolerance.count = 3;
    config.tolerance.period = 60 * S;
    config.backoff.first = S / 10;
    config.backoff.max = S;
    return config;
}

enum restart_verdict decide(const struct config_restart &config, struct restart_state &state,
                            int code, int64_t now, int64_t *wait, uint32_t random = 0)
{
    return restart_decide(&config, &state, code, now, random, wait);
}

} // namespace

TEST_CASE("restart: the policy's word decides", "[worker][restart]")
{
    struct {
        enum config_policy policy;
        int code;
        enum restart_verdict verdict;
    } cases[] = {
        { CONFIG_POLICY_PERMANENT, 0, RESTART_AGAIN },
        { CONFIG_POLICY_PERMANENT, -1, RESTART_AGAIN },
        { CONFIG_POLICY_TRANSIENT, 0, RESTART_NEVER },
        { CONFIG_POLICY_TRANSIENT, -1, RESTART_AGAIN },
        { CONFIG_POLICY_TEMPORARY, 0, RESTART_NEVER },
        { CONFIG_POLICY_TEMPORARY, -1, RESTART_NEVER },
    };

    for (const auto &one : cases) {
        struct restart_state state = {};
        int64_t wait = -1;
        CHECK(decide(policy(one.policy), state, one.code, 5 * S, &wait) == one.verdict);
        CHECK(wait == (one.verdict == RESTART_AGAIN ? S / 10 : -1));
    }
}

TEST_CASE("restart: waits double up to the greatest", "[worker][restart]")
{
    struct config_restart config = policy(CONFIG_POLICY_PERMANENT);
    struct restart_state state = {};
    std::vector<int64_t> waits;

    config.tolerance.count = 10;
    for (int i = 0; i < 6; i++) {
        int64_t wait = -1;
        REQUIRE(decide(config, state, -1, i * S, &wait) == RESTART_AGAIN);
        waits.push_back(wait / (S / 10));
    }
    CHECK(waits == std::vector<int64_t>{ 1, 2, 4, 8, 10, 10 });
}

TEST_CASE("restart: a long run begins a new row", "[worker][restart]")
{
    struct config_restart config = policy(CONFIG_POLICY_PERMANENT);
    struct restart_state state = {};
    int64_t wait = -1;

    for (int i = 0; i < 3; i++) {
        REQUIRE(decide(config, state, -1, i * S, &wait) == RESTART_AGAIN);
    }
    CHECK(wait == 4 * S / 10);
    REQUIRE(decide(config, state, -1, 100 * S, &wait) == RESTART_AGAIN);
    CHECK(wait == S / 10);
}

TEST_CASE("restart: beyond the tolerance it gives up", "[worker][restart]")
{
    struct config_restart config = policy(CONFIG_POLICY_PERMANENT);
    struct restart_state state = {};
    int64_t wait = -1;

    SECTION("within the period")
    {
        for (int i = 0; i < 3; i++) {
            CHECK(decide(config, state, -1, i * S, &wait) == RESTART_AGAIN);
        }
        CHECK(decide(config, state, -1, 59 * S, &wait) == RESTART_GIVE_UP);
    }
    SECTION("not when the first has left the period")
    {
        for (int i = 0; i < 20; i++) {
            CHECK(decide(config, state, -1, i * 20 * S, &wait) == RESTART_AGAIN);
        }
    }
    SECTION("at once with a tolerance of 0")
    {
        config.tolerance.count = 0;
        CHECK(decide(config, state, -1, S, &wait) == RESTART_GIVE_UP);
    }
    SECTION("a tolerance greater than what is remembered")
    {
        config.tolerance.count = 1000000;
        int n = 0;
        while (n < 200 && decide(config, state, -1, n, &wait) == RESTART_AGAIN) {
            n++;
        }
        CHECK(n == RESTART_MAX_ENDS - 1);
    }
}

TEST_CASE("restart: the random part takes away less than a half", "[worker][restart]")
{
    struct config_restart config = policy(CONFIG_POLICY_PERMANENT);

    for (uint32_t random : { 0u, 1u, 500u, 999u, 1000u, 4294967295u }) {
        struct restart_state state = {};
        int64_t wait = -1;
        REQUIRE(decide(config, state, -1, S, &wait, random) == RESTART_AGAIN);
        CHECK(wait > S / 20);
        CHECK(wait <= S / 10);
    }
}

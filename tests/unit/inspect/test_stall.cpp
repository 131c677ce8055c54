/*
 * The judgement of the monitor, look by look: readings in, verdict out.
 */
#include <catch2/catch.hpp>

#include <string>
#include <vector>

extern "C" {
#include "inspect/stall.h"
}

namespace
{

constexpr weft_duration ms = 1000000;
constexpr weft_duration threshold = 100 * ms;

/* What a loop's thread did since the last look. */
struct Look {
    weft_duration after; /* the last look */
    uint64_t n_run;
    uint64_t n_turns;
    bool is_working;
    weft_duration cpu;
    weft_duration delay;
    weft_duration missed;
    const char *verdict; /* "", or of: w(ork flagged) t(urn flagged) W(ork told) T(urn) S(tarved) */
};

class Loop
{
  public:
    std::string look(const Look &look)
    {
        sample.now += look.after;
        sample.missed = look.missed;
        sample.n_run = look.n_run;
        sample.n_turns = look.n_turns;
        sample.is_working = look.is_working;
        sample.cpu += look.cpu;
        sample.delay += look.delay;
        wf_stall_look(&track, &sample, threshold, &verdict);
        std::string letters;
        letters += verdict.flags_work ? "w" : "";
        letters += verdict.flags_turn ? "t" : "";
        if (verdict.told != nullptr) {
            letters += verdict.is_starved ? "S" : verdict.is_turn ? "T" : "W";
        }
        return letters;
    }

    void check(const std::vector<Look> &looks)
    {
        for (size_t i = 0; i < looks.size(); i++) {
            INFO("look " << i);
            REQUIRE(look(looks[i]) == looks[i].verdict);
        }
    }

    wf_stall_track track = {};
    wf_stall_sample sample = { WEFT_S(1000), 0, 0, 0, false, 0, 0, false };
    wf_stall_verdict verdict = {};
};

} // namespace

TEST_CASE("stall: a loop that polls or gets on is never told of", "[inspect][stall]")
{
    Loop loop;

    loop.check({
        { 25 * ms, 0, 1, false, 0, 0, 0, "" },
        { 25 * ms, 7, 9, true, 20 * ms, 0, 0, "" },
        { 25 * ms, 90, 99, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 91, 99, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 91, 100, false, 0, 0, 0, "" },
        { 3600 * 1000 * ms, 91, 100, false, 0, 0, 0, "" },
    });
    REQUIRE(loop.track.n_idle == 2);
    loop.check({ { 25 * ms, 91, 100, false, 0, 0, 0, "" } });
    REQUIRE(loop.track.n_idle == 3);
    loop.check({ { 25 * ms, 92, 101, false, 0, 0, 0, "" } });
    REQUIRE(loop.track.n_idle == 0);
}

TEST_CASE("stall: busy work is flagged at the half and told at the threshold", "[inspect][stall]")
{
    Loop loop;

    loop.check({
        { 25 * ms, 5, 2, false, 0, 0, 0, "" },
        { 25 * ms, 6, 3, true, 10 * ms, 0, 0, "" },
        { 25 * ms, 6, 3, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 6, 3, true, 25 * ms, 0, 0, "wt" },
        { 25 * ms, 6, 3, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 6, 3, true, 25 * ms, 0, 0, "W" },
        { 25 * ms, 6, 3, true, 25 * ms, 0, 0, "" },
    });
    REQUIRE(loop.track.work.n_told == 1);
    /* Again after a second, and when that has doubled. */
    loop.check({
        { 800 * ms, 6, 3, true, 800 * ms, 0, 0, "" },
        { 75 * ms, 6, 3, true, 75 * ms, 0, 0, "W" },
        { 900 * ms, 6, 3, true, 900 * ms, 0, 0, "" },
        { 100 * ms, 6, 3, true, 100 * ms, 0, 0, "W" },
        { 25 * ms, 7, 3, true, 25 * ms, 0, 0, "" },
    });
}

TEST_CASE("stall: the next look comes in time for the threshold", "[inspect][stall]")
{
    Loop loop;

    loop.check({ { 0, 1, 1, true, 0, 0, 0, "" } });
    REQUIRE(loop.verdict.next == loop.sample.now + threshold / 4);
    loop.check({ { 80 * ms, 1, 1, true, 0, 0, 0, "wt" } });
    REQUIRE(loop.verdict.next == loop.sample.now + 20 * ms);
    loop.check({ { 20 * ms, 1, 1, true, 0, 0, 0, "W" } });
}

TEST_CASE("stall: busy, blocked, and waiting for a processor read differently", "[inspect][stall]")
{
    wf_stall_times times;

    wf_stall_divide(200 * ms, 190 * ms, 5 * ms, 0, &times);
    REQUIRE(times.cause == WF_STALL_BUSY);
    REQUIRE(times.counted == 195 * ms);
    wf_stall_divide(200 * ms, 1 * ms, 5 * ms, 0, &times);
    REQUIRE(times.cause == WF_STALL_BLOCKED);
    REQUIRE(times.blocked == 194 * ms);
    wf_stall_divide(200 * ms, 20 * ms, 175 * ms, 0, &times);
    REQUIRE(times.cause == WF_STALL_DESCHEDULED);
    REQUIRE(times.counted == 25 * ms);
    wf_stall_divide(5000 * ms, 20 * ms, 0, 4900 * ms, &times);
    REQUIRE(times.cause == WF_STALL_DESCHEDULED);
    REQUIRE(times.counted == 100 * ms);
    /* Clocks of different grain never make more of it than there was. */
    wf_stall_divide(10 * ms, 12 * ms, 4 * ms, 4 * ms, &times);
    REQUIRE(times.cpu == 10 * ms);
    REQUIRE(times.counted == 10 * ms);
    wf_stall_divide(-1, -1, -1, -1, &times);
    REQUIRE(times.counted == 0);
}

TEST_CASE("stall: want of a processor is not the user's fault", "[inspect][stall]")
{
    Loop loop;

    loop.check({
        { 25 * ms, 1, 1, false, 0, 0, 0, "" },
        { 25 * ms, 2, 2, true, 1 * ms, 0, 0, "" },
        { 90 * ms, 2, 2, true, 15 * ms, 75 * ms, 0, "wt" },
        { 90 * ms, 2, 2, true, 15 * ms, 75 * ms, 0, "" },
        { 90 * ms, 2, 2, true, 15 * ms, 75 * ms, 0, "" },
        { 400 * ms, 2, 2, true, 10 * ms, 390 * ms, 0, "" },
        { 400 * ms, 2, 2, true, 10 * ms, 390 * ms, 0, "S" },
        { 400 * ms, 2, 2, true, 10 * ms, 390 * ms, 0, "" },
    });
    REQUIRE(loop.track.work.n_told == 0);
    /* What it does when it gets one counts. */
    loop.check({ { 100 * ms, 2, 2, true, 90 * ms, 10 * ms, 0, "W" } });
}

TEST_CASE("stall: a wait for a processor that still lasts is not called blocked",
          "[inspect][stall]")
{
    Loop loop;

    loop.sample.is_runnable = true;
    loop.check({
        { 25 * ms, 1, 1, false, 0, 0, 0, "" },
        { 25 * ms, 2, 2, true, 1 * ms, 0, 0, "" },
        { 25 * ms, 2, 2, true, 15 * ms, 0, 0, "" },
        { 60 * ms, 2, 2, true, 0, 0, 0, "wt" }, /* nothing is counted until it ends */
        { 60 * ms, 2, 2, true, 0, 0, 0, "" },
        { 60 * ms, 2, 2, true, 5 * ms, 180 * ms, 0, "" },
        { 85 * ms, 2, 2, true, 80 * ms, 5 * ms, 0, "W" },
    });
    REQUIRE(loop.verdict.times.blocked == 0);
    REQUIRE(loop.verdict.times.counted == 100 * ms);
    /* One that sleeps is blocked, though it may have waited a little, too. */
    Loop other;
    other.check({ { 25 * ms, 1, 1, true, 0, 0, 0, "" }, { 110 * ms, 1, 1, true, 0, 0, 0, "wtW" } });
    REQUIRE(other.verdict.times.cause == WF_STALL_BLOCKED);
}

TEST_CASE("stall: a process that was stopped is not blocked", "[inspect][stall]")
{
    Loop loop;

    loop.check({
        { 25 * ms, 1, 1, false, 0, 0, 0, "" },
        { 25 * ms, 2, 2, true, 5 * ms, 0, 0, "" },
        { 5000 * ms, 2, 2, true, 5 * ms, 0, 4975 * ms, "" },
        { 25 * ms, 2, 2, true, 25 * ms, 0, 0, "wt" },
        { 25 * ms, 2, 2, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 2, 2, true, 25 * ms, 0, 0, "W" },
    });
    REQUIRE(loop.verdict.times.counted == 100 * ms);

    REQUIRE(wf_stall_missed(WEFT_S(10), WEFT_S(9), 0) == 0);
    REQUIRE(wf_stall_missed(WEFT_S(10), WEFT_S(10) + 9 * ms, 0) == 0);
    REQUIRE(wf_stall_missed(WEFT_S(10), WEFT_S(15), 0) == WEFT_S(5));
    /* A look that is late because its own thread waited has missed nothing. */
    REQUIRE(wf_stall_missed(WEFT_S(10), WEFT_S(10) + 60 * ms, 55 * ms) == 0);
}

TEST_CASE("stall: without the clocks of threads all time counts", "[inspect][stall]")
{
    Loop loop;

    loop.sample.cpu = WF_STALL_UNKNOWN;
    loop.sample.delay = WF_STALL_UNKNOWN;
    loop.check({
        { 25 * ms, 1, 1, true, 0, 0, 0, "" },
        { 60 * ms, 1, 1, true, 0, 0, 0, "wt" },
        { 60 * ms, 1, 1, true, 0, 0, 0, "W" },
    });
}

TEST_CASE("stall: the sum over one turn counts", "[inspect][stall]")
{
    Loop loop;

    loop.check({
        { 25 * ms, 1, 1, false, 0, 0, 0, "" },
        { 25 * ms, 2, 2, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 4, 2, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 6, 2, true, 25 * ms, 0, 0, "t" },
        { 25 * ms, 8, 2, true, 25 * ms, 0, 0, "" },
        { 25 * ms, 8, 2, true, 25 * ms, 0, 0, "T" },
        { 25 * ms, 10, 3, true, 25 * ms, 0, 0, "" },
    });
}

TEST_CASE("stall: what is shown adds half of what nobody saw", "[inspect][stall]")
{
    Loop loop;
    wf_stall_times times;

    loop.check({
        { 0, 1, 1, false, 0, 0, 0, "" },
        { 20 * ms, 2, 2, true, 0, 0, 0, "" },
    });
    loop.sample.now += 200 * ms;
    loop.sample.cpu += 200 * ms;
    wf_stall_measure(&loop.track.work, &loop.sample, &times);
    REQUIRE(times.counted == 200 * ms);
    REQUIRE(times.took >= 209 * ms);
    REQUIRE(times.took <= 210 * ms);
}

TEST_CASE("stall: at most five reports pass in a minute, then in two", "[inspect][stall]")
{
    wf_stall_limit limit = {};
    weft_time now = WEFT_S(100);
    unsigned n_kept = 99;
    auto pass = [&](int n) {
        int n_passed = 0;
        for (int i = 0; i < n; i++) {
            n_passed += wf_stall_may_pass(&limit, now, &n_kept);
        }
        return n_passed;
    };

    REQUIRE(pass(20) == 5);
    REQUIRE(n_kept == 0);
    now += WEFT_S(59);
    REQUIRE(pass(1) == 0);
    now += WEFT_S(1);
    REQUIRE(pass(1) == 1);
    REQUIRE(n_kept == 16);
    REQUIRE(pass(20) == 4);
    now += WEFT_S(61); /* the second period is twice as long */
    REQUIRE(pass(1) == 0);
    now += WEFT_S(60);
    REQUIRE(pass(20) == 5);
    now += WEFT_S(3600); /* a long silence begins anew */
    REQUIRE(pass(20) == 5);
    now += WEFT_S(60);
    REQUIRE(pass(1) == 1);
}

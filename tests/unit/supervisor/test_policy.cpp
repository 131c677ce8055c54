// The supervisor's decisions: stories step by step, and all short sequences of events.
#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "supervisor/policy.h"
}

namespace
{

constexpr int64_t ms = 1000000;
constexpr int64_t s = 1000 * ms;

policy_limits make_limits()
{
    policy_limits limits = {};

    limits.tolerance = 3;
    limits.tolerance_period = 60 * s;
    limits.backoff_first = 100 * ms;
    limits.backoff_max = 10 * s;
    limits.ready_within = 5 * s;
    limits.grace = 30 * s;
    limits.margin = 2 * s;
    limits.max_generations = 3;
    return limits;
}

// One story: events in, actions out as text like "spawn 1, serve 1".
struct story {
    policy state;
    policy_actions actions;
    int64_t now = 1000 * s;

    explicit story(const policy_limits &limits = make_limits(), uint64_t seed = 42)
    {
        policy_init(&state, &limits, seed);
    }

    std::string step(policy_event_kind kind, uint64_t generation = 0)
    {
        policy_event event = { kind, generation };
        std::string text;

        policy_step(&state, &event, now, &actions);
        for (size_t i = 0; i < actions.count; i++) {
            const policy_action &action = actions.items[i];

            text += (i == 0 ? "" : ", ") + std::string(policy_action_name(action.kind));
            if (action.generation != 0) {
                text += " " + std::to_string(action.generation);
            }
            if (action.kind == POLICY_ACTION_SPAWN && action.is_candidate) {
                text += " candidate";
            }
            if (action.is_held) {
                text += " held";
            }
        }
        return text;
    }

    // Let the time come that the policy waits for.
    std::string wait()
    {
        now = policy_next_deadline(&state);
        return step(POLICY_EVENT_TIMER);
    }

    const policy_action &last() const
    {
        return actions.items[actions.count - 1];
    }
};

} // namespace

TEST_CASE("policy: a start, a reload and a stop", "[policy]")
{
    story t;

    CHECK(t.step(POLICY_EVENT_START) == "spawn 1");
    CHECK(t.step(POLICY_EVENT_START) == "");
    CHECK(policy_next_deadline(&t.state) == t.now + 5 * s);
    CHECK(t.step(POLICY_EVENT_READY, 1) == "serve 1");
    CHECK(policy_next_deadline(&t.state) == POLICY_NEVER);

    CHECK(t.step(POLICY_EVENT_RELOAD) == "spawn 2 candidate");
    CHECK(policy_serving(&t.state)->number == 1);
    CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2, drain 1");
    CHECK(t.last().duration == 30 * s);
    CHECK(policy_next_deadline(&t.state) == t.now + 32 * s);
    CHECK(t.step(POLICY_EVENT_DRAINED, 1) == "");
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1");

    CHECK(t.step(POLICY_EVENT_STOP) == "drain 2");
    CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2, exit");
    CHECK_FALSE(t.last().is_failure);
    CHECK(t.step(POLICY_EVENT_STOP) == "");
}

TEST_CASE("policy: a stuck worker is aborted, and its death is one like any other", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    CHECK(t.step(POLICY_EVENT_STUCK, 1) == "abort 1");
    CHECK(t.last().reason == POLICY_REASON_STUCK);
    CHECK(t.step(POLICY_EVENT_STUCK, 1) == "");
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1, retry 1");
    CHECK(t.wait() == "spawn 2");
    CHECK(t.step(POLICY_EVENT_STUCK, 7) == "");

    /* One that does not die of it is killed. */
    t.step(POLICY_EVENT_READY, 2);
    CHECK(t.step(POLICY_EVENT_STUCK, 2) == "abort 2");
    CHECK(policy_next_deadline(&t.state) == t.now + 2 * s);
    CHECK(t.wait() == "kill 2");

    /* A candidate that is stuck fails its reload; one that drains is only ended sooner. */
    story r;
    r.step(POLICY_EVENT_START);
    r.step(POLICY_EVENT_READY, 1);
    r.step(POLICY_EVENT_RELOAD);
    CHECK(r.step(POLICY_EVENT_STUCK, 2) == "reload-failed 2, abort 2");
    CHECK(r.step(POLICY_EVENT_EXITED, 2) == "retire 2");
    r.step(POLICY_EVENT_RELOAD);
    r.step(POLICY_EVENT_READY, 3);
    CHECK(r.step(POLICY_EVENT_STUCK, 1) == "abort 1");
    CHECK(r.step(POLICY_EVENT_EXITED, 1) == "retire 1");
    CHECK(policy_serving(&r.state)->number == 3);
}

TEST_CASE("policy: a dead worker is replaced after a growing wait", "[policy]")
{
    story t;
    int64_t longest = 100 * ms;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    for (uint64_t number = 1; number <= 3; number++) {
        CHECK(t.step(POLICY_EVENT_EXITED, number) ==
              "retire " + std::to_string(number) + ", retry " + std::to_string(number));
        CHECK(t.last().duration <= longest);
        CHECK(t.last().duration >= longest / 2);
        CHECK(t.last().count == number);
        longest *= 2;
        CHECK(t.wait() == "spawn " + std::to_string(number + 1));
        CHECK(t.step(POLICY_EVENT_READY, number + 1) == "serve " + std::to_string(number + 1));
    }
}

TEST_CASE("policy: the wait starts anew after a long service, and never grows above its limit",
          "[policy]")
{
    policy_limits limits = make_limits();
    limits.tolerance = 1000;
    story t(limits);

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    for (uint64_t number = 1; number <= 40; number++) {
        t.step(POLICY_EVENT_EXITED, number);
        CHECK(t.last().duration <= 10 * s);
        t.wait();
    }
    CHECK(t.state.n_in_a_row == 40);
    t.step(POLICY_EVENT_READY, 41);
    t.now += 10 * s;
    t.step(POLICY_EVENT_EXITED, 41);
    CHECK(t.last().duration <= 100 * ms);
}

TEST_CASE("policy: the jitter comes from the seed alone", "[policy]")
{
    std::set<int64_t> waits;

    for (uint64_t seed = 0; seed < 20; seed++) {
        int64_t wait[2];
        for (int64_t &w : wait) {
            story t(make_limits(), seed);
            t.step(POLICY_EVENT_START);
            t.step(POLICY_EVENT_READY, 1);
            t.step(POLICY_EVENT_EXITED, 1);
            w = t.last().duration;
        }
        CHECK(wait[0] == wait[1]);
        waits.insert(wait[0]);
    }
    CHECK(waits.size() > 15);
}

TEST_CASE("policy: above the tolerance it holds, and a long service ends that", "[policy]")
{
    story t;
    uint64_t number = 1;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    for (; number <= 3; number++) {
        t.step(POLICY_EVENT_EXITED, number);
        CHECK_FALSE(t.last().is_held);
        t.wait();
    }
    for (; number <= 8; number++) { // slow, for ever
        t.step(POLICY_EVENT_EXITED, number);
        CHECK(t.last().is_held);
        CHECK(t.last().duration == 60 * s);
        CHECK(t.wait() == "spawn " + std::to_string(number + 1));
    }
    t.step(POLICY_EVENT_READY, number);
    t.now += 60 * s;
    t.step(POLICY_EVENT_EXITED, number);
    CHECK_FALSE(t.last().is_held);
    CHECK(t.last().count == 1);
}

TEST_CASE("policy: deaths far apart are borne with for ever", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    for (uint64_t number = 1; number <= 50; number++) {
        t.now += 21 * s; // at most 3 in 60 s
        t.step(POLICY_EVENT_EXITED, number);
        CHECK_FALSE(t.last().is_held);
        t.wait();
        t.step(POLICY_EVENT_READY, number + 1);
    }
}

TEST_CASE("policy: when nothing ever served it gives up", "[policy]")
{
    story t;
    uint64_t number = 1;

    t.step(POLICY_EVENT_START);
    for (; number <= 3; number++) {
        t.step(POLICY_EVENT_FAILED, number);
        t.step(POLICY_EVENT_EXITED, number);
        t.wait();
    }
    CHECK(t.step(POLICY_EVENT_EXITED, number) == "retire 4, exit");
    CHECK(t.last().is_failure);
    CHECK(t.state.phase == POLICY_ENDED);
}

TEST_CASE("policy: a reload tries at once also when it holds", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    for (uint64_t number = 1; number <= 3; number++) {
        t.step(POLICY_EVENT_EXITED, number);
        t.wait();
    }
    CHECK(t.step(POLICY_EVENT_EXITED, 4) == "retire 4, retry 4 held");
    CHECK(t.step(POLICY_EVENT_RELOAD) == "spawn 5 candidate");
    CHECK(t.step(POLICY_EVENT_READY, 5) == "serve 5");
    CHECK_FALSE(t.state.is_held);
    CHECK(policy_next_deadline(&t.state) == POLICY_NEVER);
}

TEST_CASE("policy: a candidate that fails changes nothing", "[policy]")
{
    story t;
    policy_reason reason = POLICY_REASON_NONE;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    REQUIRE(t.step(POLICY_EVENT_RELOAD) == "spawn 2 candidate");
    SECTION("it says so")
    {
        CHECK(t.step(POLICY_EVENT_FAILED, 2) == "reload-failed 2");
        reason = POLICY_REASON_FAILED;
        CHECK(t.last().reason == reason);
        SECTION("and exits")
        {
            CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2");
        }
        SECTION("and hangs")
        {
            CHECK(policy_next_deadline(&t.state) == t.now + 2 * s);
            CHECK(t.wait() == "kill 2");
            CHECK(policy_next_deadline(&t.state) == POLICY_NEVER);
            CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2");
        }
    }
    SECTION("it dies")
    {
        CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2, reload-failed 2");
        CHECK(t.last().reason == POLICY_REASON_DIED);
    }
    SECTION("it is late")
    {
        CHECK(t.wait() == "reload-failed 2, kill 2");
        CHECK(t.actions.items[0].reason == POLICY_REASON_LATE);
        CHECK(t.step(POLICY_EVENT_READY, 2) == ""); // too late
        CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2");
    }
    CHECK(policy_serving(&t.state)->number == 1);
    CHECK(t.state.n_generations == 1);
    CHECK(t.state.n_failures == 0);
    CHECK(t.step(POLICY_EVENT_RELOAD) == "spawn 3 candidate");
}

TEST_CASE("policy: a reload during a reload is refused", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_RELOAD);
    CHECK(t.step(POLICY_EVENT_RELOAD) == "reload-failed");
    CHECK(t.last().reason == POLICY_REASON_BUSY);
    CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2, drain 1");
}

TEST_CASE("policy: the worker dies while a candidate starts", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_RELOAD);
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1, retry 1");
    SECTION("the candidate is ready before the retry is due")
    {
        CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2");
        CHECK(policy_next_deadline(&t.state) == POLICY_NEVER);
    }
    SECTION("the candidate is ready while its rival starts")
    {
        CHECK(t.wait() == "spawn 3");
        CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2, kill 3");
        CHECK(t.step(POLICY_EVENT_EXITED, 3) == "retire 3"); // no failure
        CHECK(t.state.n_failures == 0);
    }
    SECTION("its rival is ready first")
    {
        CHECK(t.wait() == "spawn 3");
        CHECK(t.step(POLICY_EVENT_READY, 3) == "serve 3");
        CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2, drain 3");
    }
    SECTION("the candidate fails too")
    {
        CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2, reload-failed 2");
        CHECK(t.wait() == "spawn 3");
    }
}

TEST_CASE("policy: a worker whose last words came is not missed after a reload", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_RELOAD);
    CHECK(t.step(POLICY_EVENT_FAILED, 1) == "");
    CHECK(t.step(POLICY_EVENT_READY, 2) == "serve 2");
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1");
}

TEST_CASE("policy: at the cap the oldest that drains is forced out", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_RELOAD);
    t.step(POLICY_EVENT_READY, 2);
    t.step(POLICY_EVENT_RELOAD);
    t.step(POLICY_EVENT_READY, 3); // 1 and 2 drain
    CHECK(t.step(POLICY_EVENT_RELOAD) == "kill 1, spawn 4 candidate");
    CHECK(t.actions.items[0].reason == POLICY_REASON_CAP);
    CHECK(t.step(POLICY_EVENT_READY, 4) == "serve 4, drain 3");
}

TEST_CASE("policy: a second stop hastens, a third one forces", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_RELOAD);
    CHECK(t.step(POLICY_EVENT_STOP) == "drain 1, reload-failed 2, stop 2");
    CHECK(t.step(POLICY_EVENT_READY, 2) == "");
    CHECK(t.step(POLICY_EVENT_RELOAD) == "reload-failed");
    CHECK(t.step(POLICY_EVENT_STOP) == "stop 1");
    CHECK(t.step(POLICY_EVENT_STOP) == "kill 1, kill 2");
    CHECK(t.step(POLICY_EVENT_STOP) == "");
    CHECK(t.step(POLICY_EVENT_EXITED, 2) == "retire 2");
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1, exit");
}

TEST_CASE("policy: a drain that takes too long ends by force", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_STOP);
    CHECK(policy_next_deadline(&t.state) == t.now + 32 * s);
    CHECK(t.wait() == "kill 1");
    CHECK(t.last().reason == POLICY_REASON_GRACE);
    CHECK(t.step(POLICY_EVENT_EXITED, 1) == "retire 1, exit");
}

TEST_CASE("policy: a stop while nobody lives ends at once", "[policy]")
{
    story t;

    t.step(POLICY_EVENT_START);
    t.step(POLICY_EVENT_READY, 1);
    t.step(POLICY_EVENT_EXITED, 1);
    CHECK(t.step(POLICY_EVENT_STOP) == "exit");
    CHECK(policy_next_deadline(&t.state) == POLICY_NEVER);
}

namespace
{

// What must hold after every step, whatever came before. Empty: all is well.
struct watcher {
    std::map<uint64_t, int> n_told; // drains and stops
    std::set<uint64_t> killed;
    std::set<uint64_t> living;
    uint64_t newest = 0;
    bool has_exited = false;

    std::string check_action(const policy &after, const policy_event &event, const policy_action &a)
    {
        switch (a.kind) {
        case POLICY_ACTION_SPAWN:
            if (a.generation <= newest) {
                return "a number was used twice";
            }
            if (after.phase != POLICY_RUNNING) {
                return "a birth while it stops";
            }
            newest = a.generation;
            living.insert(a.generation);
            break;
        case POLICY_ACTION_SERVE:
            if (event.kind != POLICY_EVENT_READY || event.generation != a.generation) {
                return "served without being ready";
            }
            break;
        case POLICY_ACTION_DRAIN:
        case POLICY_ACTION_STOP:
            if (living.count(a.generation) == 0) {
                return "told somebody who does not live";
            }
            if (++n_told[a.generation] > 2) {
                return "told too often";
            }
            if (event.kind != POLICY_EVENT_STOP && policy_serving(&after) == nullptr) {
                return "told to drain before a successor is ready";
            }
            break;
        case POLICY_ACTION_KILL:
            if (living.count(a.generation) == 0 || !killed.insert(a.generation).second) {
                return "killed the dead";
            }
            if (policy_find(&after, a.generation)->state != POLICY_ENDING) {
                return "killed and not ending";
            }
            break;
        case POLICY_ACTION_ABORT:
            if (living.count(a.generation) == 0 || event.kind != POLICY_EVENT_STUCK ||
                policy_find(&after, a.generation)->state != POLICY_ENDING) {
                return "aborted somebody who was not stuck";
            }
            break;
        case POLICY_ACTION_RETIRE:
            if (event.kind != POLICY_EVENT_EXITED || event.generation != a.generation ||
                living.erase(a.generation) != 1) {
                return "retired somebody who may still live: its listeners would be closed";
            }
            break;
        case POLICY_ACTION_RETRY:
            if (a.duration < 0 || policy_serving(&after) != nullptr) {
                return "a retry although one serves";
            }
            break;
        case POLICY_ACTION_EXIT:
            if (has_exited || !living.empty() || after.phase != POLICY_ENDED) {
                return "an exit with workers left";
            }
            has_exited = true;
            break;
        case POLICY_ACTION_RELOAD_FAILED:
            break;
        }
        return "";
    }

    std::string check_state(const policy &p, int64_t now)
    {
        int n_serving = 0, n_candidates = 0, n_restarts = 0, n_dying = 0;
        size_t n_not_ending = 0;
        bool has_draining = false;

        for (size_t i = 0; i < p.n_generations; i++) {
            const policy_generation &g = p.generations[i];

            n_serving += g.state == POLICY_SERVING;
            n_candidates += g.state == POLICY_STARTING && g.is_candidate;
            n_restarts += g.state == POLICY_STARTING && !g.is_candidate;
            n_dying += g.state == POLICY_ENDING && g.is_wanted;
            n_not_ending += g.state != POLICY_ENDING;
            has_draining = has_draining || g.state == POLICY_DRAINING;
            if (i > 0 && p.generations[i - 1].number >= g.number) {
                return "generations out of order";
            }
            if (living.count(g.number) == 0) {
                return "a generation that was never born";
            }
            if (g.state != POLICY_SERVING && g.deadline == POLICY_NEVER && !g.is_killed) {
                return "somebody may hang for ever";
            }
        }
        if (living.size() != p.n_generations) {
            return "somebody was forgotten";
        }
        if (n_serving > 1 || n_candidates > 1 || n_restarts > 1) {
            return "two of a kind";
        }
        if (n_serving == 1 && (n_restarts > 0 || p.retry_at != POLICY_NEVER)) {
            return "two are wanted to serve";
        }
        if (p.phase == POLICY_RUNNING &&
            n_serving + n_restarts + n_dying + (p.retry_at != POLICY_NEVER) == 0) {
            return "nobody serves and nobody will";
        }
        if (has_draining && p.phase == POLICY_RUNNING && n_not_ending > p.limits.max_generations) {
            return "above the cap although one drains";
        }
        if (p.phase != POLICY_RUNNING && (n_serving > 0 || p.retry_at != POLICY_NEVER)) {
            return "it stops and serves";
        }
        if (p.phase == POLICY_ENDED && !has_exited) {
            return "ended without an exit";
        }
        (void)now;
        return "";
    }

    std::string step(policy &p, const policy_event &event, int64_t now)
    {
        policy_actions actions;
        std::string wrong;

        policy_step(&p, &event, now, &actions);
        for (size_t i = 0; i < actions.count && wrong.empty(); i++) {
            wrong = check_action(p, event, actions.items[i]);
        }
        if (wrong.empty() && event.kind == POLICY_EVENT_TIMER && policy_next_deadline(&p) <= now) {
            wrong = "what was due was not done";
        }
        return wrong.empty() ? check_state(p, now) : wrong;
    }
};

std::vector<policy_event> choices(const policy &p)
{
    std::vector<policy_event> all = { { POLICY_EVENT_RELOAD, 0 }, { POLICY_EVENT_STOP, 0 } };

    if (policy_next_deadline(&p) != POLICY_NEVER) {
        all.push_back({ POLICY_EVENT_TIMER, 0 });
    }
    for (size_t i = 0; i < p.n_generations; i++) {
        for (policy_event_kind kind :
             { POLICY_EVENT_READY, POLICY_EVENT_FAILED, POLICY_EVENT_DRAINED, POLICY_EVENT_EXITED,
               POLICY_EVENT_STUCK }) {
            all.push_back({ kind, p.generations[i].number });
        }
    }
    return all;
}

struct search {
    long n_steps = 0;
    std::string wrong;
    std::string trail;

    void visit(const policy &p, const watcher &w, int64_t now, int depth, const std::string &so_far)
    {
        if (depth == 0 || !wrong.empty()) {
            return;
        }
        for (const policy_event &event : choices(p)) {
            policy next = p;
            watcher then = w;
            int64_t when = event.kind == POLICY_EVENT_TIMER ? policy_next_deadline(&p) : now + ms;
            std::string step_text = so_far + " " + policy_event_name(event.kind) +
                                    (event.generation ? std::to_string(event.generation) : "");

            n_steps++;
            std::string found = then.step(next, event, when);
            if (!found.empty()) {
                wrong = found;
                trail = step_text;
                return;
            }
            if (next.phase != POLICY_ENDED) {
                visit(next, then, when, depth - 1, step_text);
            }
        }
    }
};

} // namespace

TEST_CASE("policy: no short sequence of events breaks what must hold", "[policy]")
{
    for (int64_t tolerance : { 1, 3 }) {
        policy_limits limits = make_limits();
        policy p;
        watcher w;
        search search;

        limits.tolerance = tolerance;
        limits.max_generations = 2;
        policy_init(&p, &limits, 7);
        REQUIRE(w.step(p, { POLICY_EVENT_START, 0 }, s) == "");
        search.visit(p, w, s, 6, "start");
        INFO(search.trail);
        CHECK(search.wrong == "");
        CHECK(search.n_steps > 10000);
    }
}

TEST_CASE("policy: no long random sequence of events breaks what must hold", "[policy]")
{
    for (unsigned seed = 1; seed <= 300; seed++) {
        std::mt19937 random(seed);
        policy_limits limits = make_limits();
        policy p;
        watcher w;
        int64_t now = s;
        std::string trail;
        std::string wrong;

        limits.tolerance = 1 + (int64_t)(random() % 6);
        limits.max_generations = 2 + random() % 4;
        policy_init(&p, &limits, seed);
        wrong = w.step(p, { POLICY_EVENT_START, 0 }, now);
        for (int i = 0; i < 200 && wrong.empty() && p.phase != POLICY_ENDED; i++) {
            std::vector<policy_event> all = choices(p);
            policy_event event = all[random() % all.size()];

            if (event.kind == POLICY_EVENT_STOP && random() % 50 != 0) {
                event = { POLICY_EVENT_READY, p.last_number + 1 }; // unknown: nothing happens
            }
            now = event.kind == POLICY_EVENT_TIMER ? policy_next_deadline(&p)
                                                   : now + (int64_t)(random() % 2000) * ms;
            trail +=
                std::string(" ") + policy_event_name(event.kind) + std::to_string(event.generation);
            wrong = w.step(p, event, now);
        }
        INFO("seed " << seed << ":" << trail);
        REQUIRE(wrong == "");
    }
}

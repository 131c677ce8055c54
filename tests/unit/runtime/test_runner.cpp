/*
 * The runner: its runs, its loop, its end, and what it refuses.
 */
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"

#include <catch2/catch.hpp>

extern "C" {
#include "base/alloc.h"
#include "weft/weft.h"
}

#include <csignal>

namespace
{

/* On a virtual clock. */
weft_runner *make_runner(int debug = 0)
{
    static weft_loop_options loop;
    loop = WEFT_LOOP_OPTIONS_INIT;
    loop.virtual_clock = 1;
    weft_runner_options options = WEFT_RUNNER_OPTIONS_INIT;
    options.loop = &loop;
    options.debug = debug;
    return weft_runner_create(&options);
}

int one(void *)
{
    return weft_return_int(1);
}

int sleeps(void *)
{
    return weft_sleep(WEFT_S(9));
}

struct count {
    int n_destroyed = 0;
};

void destroyed(void *data)
{
    static_cast<count *>(data)->n_destroyed++;
}

} // namespace

TEST_CASE("runner: runs share loop and context", "[runtime][runner]")
{
    weft_runner *runner = make_runner();
    weft_context_var *var = weft_context_var_create("v");
    auto set = [](void *v) -> int {
        return weft_context_var_set(static_cast<weft_context_var *>(v), weft_value_int(4), nullptr);
    };
    auto get = [](void *v) -> int {
        weft_value value;
        WEFT_TRY(weft_context_var_get(static_cast<weft_context_var *>(v), &value));
        return weft_return(value);
    };
    weft_value value;

    weft_loop *loop = weft_runner_get_loop(runner);
    REQUIRE(loop != nullptr);
    CHECK(weft_runner_run(runner, weft_coro_create(set, var), nullptr) == 0);
    CHECK(weft_runner_run(runner, weft_coro_create(get, var), &value) == 0);
    CHECK(value.as.num == 4);
    CHECK(weft_context_var_get(var, &value) == WEFT_ELOOKUP);

    weft_context *own = weft_context_create();
    CHECK(weft_runner_run_with(runner, weft_coro_create(get, var), own, &value) == WEFT_ELOOKUP);
    weft_context_unref(own);
    CHECK(weft_runner_get_loop(runner) == loop);
    weft_runner_destroy(runner);
    weft_context_var_unref(var);
}

TEST_CASE("runner: closing before any use changes nothing", "[runtime][runner]")
{
    weft_runner *runner = make_runner();
    weft_value value;

    CHECK(weft_runner_close(runner) == 0);
    CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), &value) == 0);
    CHECK(value.as.num == 1);
    CHECK(weft_runner_close(runner) == 0);
    CHECK(weft_runner_close(runner) == 0);
    CHECK(weft_runner_get_loop(runner) == nullptr);
    CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), &value) == WEFT_ECLOSED);
    weft_runner_destroy(runner);
    weft_runner_destroy(nullptr);
}

TEST_CASE("runner: what it cannot run is consumed all the same", "[runtime][runner][misuse]")
{
    log_recorder log;
    weft_runner *runner = make_runner();
    count c;
    struct scene {
        weft_runner *runner;
        count *c;
        int run;
        int close;
    } s = { runner, &c, 0, 0 };

    CHECK(weft_runner_run(nullptr, weft_coro_create_with(one, &c, destroyed), nullptr) ==
          WEFT_ENOMEM);
    CHECK(weft_runner_run(runner, nullptr, nullptr) == WEFT_ENOMEM);
    CHECK(weft_runner_run_at(nullptr, reinterpret_cast<weft_runner *>(&s), nullptr, nullptr,
                             nullptr) == WEFT_EINVAL);
    auto nested = [](void *data) -> int {
        auto *s = static_cast<scene *>(data);
        s->run = weft_runner_run(s->runner, weft_coro_create_with(one, s->c, destroyed), nullptr);
        s->close = weft_runner_close(s->runner);
        weft_runner_destroy(s->runner);
        return 0;
    };
    CHECK(weft_runner_run(runner, weft_coro_create(nested, &s), nullptr) == 0);
    CHECK(s.run == WEFT_ERUNTIME);
    CHECK(s.close == WEFT_ERUNTIME);
    CHECK(c.n_destroyed == 2);
    weft_runner_destroy(runner);
    CHECK(log.count(WEFT_REPORT_NEVER_AWAITED) == 0);
}

TEST_CASE("runner: a loop of one's own and the debug switch", "[runtime][runner]")
{
    weft_runner_options options = WEFT_RUNNER_OPTIONS_INIT;
    weft_loop *made = nullptr;

    options.debug = 1;
    options.loop_factory_data = &made;
    SECTION("a factory that works")
    {
        options.loop_factory = [](void *data, weft_loop **out_loop) -> int {
            WEFT_TRY(weft_new_event_loop(nullptr, out_loop));
            *static_cast<weft_loop **>(data) = *out_loop;
            return 0;
        };
        weft_runner *runner = weft_runner_create(&options);
        CHECK(weft_runner_get_loop(runner) == made);
        CHECK(weft_loop_get_debug(made) == WEFT_DEBUG_FULL);
        CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), nullptr) == 0);
        weft_runner_destroy(runner);
    }
    SECTION("one that fails")
    {
        options.loop_factory = [](void *, weft_loop **) -> int {
            return weft_fail(WEFT_EUSER(3), "no loops today");
        };
        weft_runner *runner = weft_runner_create(&options);
        CHECK(weft_runner_get_loop(runner) == nullptr);
        CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), nullptr) == WEFT_EUSER(3));
        weft_runner_destroy(runner);
    }
    SECTION("one that gives none")
    {
        options.loop_factory = [](void *, weft_loop **) -> int { return 0; };
        weft_runner *runner = weft_runner_create(&options);
        CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), nullptr) == WEFT_ENOLOOP);
        weft_runner_destroy(runner);
    }
}

TEST_CASE("runner: SIGINT cancels the main task, and the runner goes on", "[runtime][runner]")
{
    weft_runner *runner = weft_runner_create(nullptr);
    auto interrupted = [](void *) -> int {
        raise(SIGINT);
        return weft_sleep(WEFT_S(60));
    };
    auto stubborn = [](void *) -> int {
        raise(SIGINT);
        return weft_sleep(WEFT_S(60)) == WEFT_ECANCELED ? weft_return_int(5) : WEFT_EUSER(1);
    };
    weft_value value;

    CHECK(weft_runner_run(runner, weft_coro_create(interrupted, nullptr), nullptr) ==
          WEFT_EINTERRUPTED);
    CHECK(weft_runner_run(runner, weft_coro_create(stubborn, nullptr), &value) == 0);
    CHECK(value.as.num == 5);
    CHECK(weft_runner_run(runner, weft_coro_create(one, nullptr), &value) == 0);
    weft_runner_destroy(runner);
}

TEST_CASE("runner: the close cancels what is left and reports its errors", "[runtime][runner]")
{
    log_recorder log;
    weft_runner *runner = make_runner();
    auto fails_late = [](void *) -> int {
        (void)weft_sleep(WEFT_S(60));
        return weft_fail(WEFT_EUSER(2), "in the cleanup");
    };
    auto body = [](void *data) -> int {
        WEFT_TRY(weft_create_task(weft_coro_create(sleeps, nullptr), nullptr));
        WEFT_TRY(weft_create_task(weft_coro_create(*static_cast<weft_coro_fn **>(data), nullptr),
                                  nullptr));
        return weft_sleep(0);
    };
    weft_coro_fn *late = fails_late;

    CHECK(weft_runner_run(runner, weft_coro_create(body, &late), nullptr) == 0);
    CHECK(weft_runner_close(runner) == 0);
    CHECK(log.count(WEFT_REPORT_RUN_SHUTDOWN_EXCEPTION) == 1);
    weft_runner_destroy(runner);
}

TEST_CASE("runner: out of memory is a code", "[runtime][runner][oom]")
{
    log_recorder log;
    int n_failed = sweep_out_of_memory([] {
        weft_runner *runner = make_runner();
        int r = weft_runner_run(runner, weft_coro_create(one, nullptr), nullptr);
        weft_runner_destroy(runner);
        return r == -EMFILE || r == -ENOSPC ? static_cast<int>(WEFT_ENOMEM) : r;
    });
    CHECK(n_failed > 5);
}

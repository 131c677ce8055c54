/*
 * Eager tasks and task factories: CPython 3.12's rules.
 */
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/virtual_loop.hpp"

#include <catch2/catch.hpp>

extern "C" {
#include "base/alloc.h"
#include "weft/weft.h"
}

namespace
{

template <typename Body> int run(weft_loop *loop, Body body)
{
    auto call = [](void *data) -> int { return (*static_cast<Body *>(data))(); };
    return weft_loop_run_until_complete(loop, weft_coro_create(call, &body), nullptr);
}

/* A body of a test's own as a coroutine object; the body must live long enough. */
template <typename Body> weft_coro *coro(Body &body)
{
    auto call = [](void *data) -> int { return (*static_cast<Body *>(data))(); };
    return weft_coro_create(call, &body);
}

int start(weft_coro *c, weft_task **out_task)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    options.eager_start = 1;
    return weft_loop_create_task(nullptr, c, &options, out_task);
}

} // namespace

TEST_CASE("eager: it runs inside the call up to its first wait", "[task][eager]")
{
    virtual_loop loop;
    trace seen;
    bool is_current = false;
    bool is_listed = false;
    bool is_back = false;

    auto body = [&] {
        weft_task *all[4];
        weft_task *me = weft_current_task();
        seen.emplace_back("child begins");
        is_current = me != nullptr;
        int n = weft_all_tasks(nullptr, all, 4);
        for (int i = 0; i < n; i++) {
            is_listed = is_listed || all[i] == me;
        }
        WEFT_TRY(weft_sleep(0));
        seen.emplace_back("child goes on");
        return weft_return_int(7);
    };
    weft_value value;
    REQUIRE(run(loop, [&] {
                weft_task *me = weft_current_task();
                weft_task *task;
                WEFT_TRY(start(coro(body), &task));
                is_back = weft_current_task() == me;
                seen.emplace_back(weft_future_done(task) ? "made, done" : "made, pending");
                WEFT_TRY(weft_await(task, &value));
                weft_future_unref(task);
                return 0;
            }) == 0);
    CHECK(seen == trace{ "child begins", "made, pending", "child goes on" });
    CHECK(value.as.num == 7);
    CHECK(is_current);
    CHECK(is_listed);
    CHECK(is_back);
}

TEST_CASE("eager: one that never waits is done, and its callbacks still wait for a turn",
          "[task][eager]")
{
    virtual_loop loop;
    trace seen;
    int error = 0;
    int n_left = 0;

    auto good = [] { return weft_return_int(1); };
    auto bad = [] { return weft_fail(WEFT_EUSER(2), "at once"); };
    auto on_done = [](weft_future *, void *data) -> int {
        static_cast<trace *>(data)->emplace_back("callback");
        return 0;
    };
    REQUIRE(run(loop, [&] {
                weft_task *task;
                WEFT_TRY(start(coro(good), &task));
                seen.emplace_back(weft_future_done(task) ? "done" : "pending");
                WEFT_TRY(weft_future_add_done_callback(task, on_done, &seen));
                WEFT_TRY(weft_await(task, nullptr));
                seen.emplace_back("awaited");
                weft_future_unref(task);
                WEFT_TRY(weft_sleep(0));
                WEFT_TRY(start(coro(bad), &task));
                error = weft_future_exception(task, nullptr);
                weft_future_unref(task);
                n_left = weft_all_tasks(nullptr, nullptr, 0);
                return start(coro(good), nullptr);
            }) == 0);
    CHECK(seen == trace{ "done", "awaited", "callback" });
    CHECK(error == WEFT_EUSER(2));
    CHECK(n_left == 1);
}

TEST_CASE("eager: the maker keeps its own result, error and context", "[task][eager]")
{
    virtual_loop loop;
    weft_context_var *var = weft_context_var_create("v");
    std::string text;
    weft_value mine = weft_value_none();
    weft_value value;

    auto child = [&] {
        WEFT_TRY(weft_context_var_set(var, weft_value_int(2), nullptr));
        (void)weft_fail(WEFT_EUSER(9), "the child's");
        return weft_return_int(5);
    };
    auto maker = [&] {
        WEFT_TRY(weft_context_var_set(var, weft_value_int(1), nullptr));
        (void)weft_fail(WEFT_EUSER(8), "the maker's");
        (void)weft_return_int(3);
        WEFT_TRY(start(coro(child), nullptr));
        text = weft_current_message(WEFT_EUSER(8));
        return weft_context_var_get(var, &mine);
    };
    REQUIRE(weft_loop_run_until_complete(loop, coro(maker), &value) == 0);
    CHECK(text == "the maker's");
    CHECK(mine.as.num == 1);
    CHECK(value.as.num == 3);
    weft_context_var_unref(var);
}

TEST_CASE("eager: nested makers get control back in reverse order", "[task][eager]")
{
    virtual_loop loop;
    trace seen;

    auto inner = [&] {
        seen.emplace_back("inner begins");
        WEFT_TRY(weft_sleep(0));
        seen.emplace_back("inner ends");
        return 0;
    };
    auto outer = [&] {
        seen.emplace_back("outer begins");
        WEFT_TRY(start(coro(inner), nullptr));
        seen.emplace_back("outer again");
        WEFT_TRY(weft_sleep(0));
        seen.emplace_back("outer ends");
        return 0;
    };
    REQUIRE(run(loop, [&] {
                WEFT_TRY(start(coro(outer), nullptr));
                seen.emplace_back("main again");
                return weft_sleep(WEFT_MS(1));
            }) == 0);
    CHECK(seen == trace{ "outer begins", "inner begins", "outer again", "main again", "inner ends",
                         "outer ends" });
}

TEST_CASE("eager: it starts from a callback, and not at all before the loop runs", "[task][eager]")
{
    virtual_loop loop;
    trace seen;
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    options.eager_start = 1;

    auto child = [&] {
        seen.emplace_back("child");
        WEFT_TRY(weft_sleep(0));
        seen.emplace_back("child ends");
        weft_loop_stop(nullptr);
        return 0;
    };
    auto callback = [&] {
        WEFT_TRY(start(coro(child), nullptr));
        seen.emplace_back("callback ends");
        return 0;
    };
    auto call = [](void *data) -> int { return (*static_cast<decltype(callback) *>(data))(); };

    SECTION("in a callback")
    {
        REQUIRE(weft_loop_call_soon(loop, call, &callback, nullptr) == 0);
        REQUIRE(weft_loop_run_forever(loop) == 0);
        CHECK(seen == trace{ "child", "callback ends", "child ends" });
    }
    SECTION("on a loop that does not run")
    {
        REQUIRE(weft_loop_create_task(loop, coro(child), &options, nullptr) == 0);
        CHECK(seen.empty());
        REQUIRE(weft_loop_run_forever(loop) == 0);
        CHECK(seen == trace{ "child", "child ends" });
    }
}

TEST_CASE("eager: cancelled by its maker, it meets the cancel where it waits",
          "[task][eager][cancel]")
{
    virtual_loop loop;
    trace seen;

    auto child = [&] {
        int r = weft_sleep(WEFT_S(1));
        seen.emplace_back(weft_current_message(r));
        return r;
    };
    auto suicidal = [&] {
        weft_task_cancel(weft_current_task(), "by myself");
        int r = weft_sleep(WEFT_S(1));
        seen.emplace_back(weft_current_message(r));
        return r;
    };
    REQUIRE(run(loop, [&] {
                weft_task *task;
                WEFT_TRY(start(coro(child), &task));
                weft_task_cancel(task, "by the maker");
                seen.emplace_back(weft_error_name(weft_await(task, nullptr)));
                weft_future_unref(task);
                WEFT_TRY(start(coro(suicidal), &task));
                seen.emplace_back(weft_future_done(task) ? "done" : "pending");
                seen.emplace_back(weft_error_name(weft_await(task, nullptr)));
                weft_future_unref(task);
                return 0;
            }) == 0);
    CHECK(seen ==
          trace{ "by the maker", "WEFT_ECANCELED", "pending", "by myself", "WEFT_ECANCELED" });
}

TEST_CASE("factory: it makes every task, and may start them eagerly", "[task][factory]")
{
    virtual_loop loop;
    int n_made = 0;
    trace seen;

    weft_task_factory_fn *factory = [](const weft_origin *origin, weft_loop *l, weft_coro *c,
                                       const weft_task_options *options, weft_task **out_task,
                                       void *data) -> int {
        ++*static_cast<int *>(data);
        return weft_task_create_at(origin, l, c, options, out_task);
    };
    auto child = [&] {
        seen.emplace_back("child");
        return weft_return_int(1);
    };
    CHECK(weft_loop_get_task_factory(loop) == nullptr);
    REQUIRE(weft_loop_set_task_factory(loop, factory, &n_made) == 0);
    CHECK(weft_loop_get_task_factory(loop) == factory);
    REQUIRE(run(loop, [&] {
                weft_awaitable *two[] = { coro(child), coro(child) };
                weft_future *future;
                WEFT_TRY(weft_gather(two, 2, 0, &future));
                WEFT_TRY(weft_await(future, nullptr));
                weft_future_unref(future);
                WEFT_TRY(weft_shield(coro(child), &future));
                WEFT_TRY(weft_await(future, nullptr));
                weft_future_unref(future);
                weft_task_group *group = weft_task_group_create();
                WEFT_TRY(weft_task_group_enter(group));
                WEFT_TRY(weft_task_group_create_task(group, coro(child), nullptr));
                WEFT_TRY(weft_task_group_exit(group, 0));
                weft_task_group_destroy(group);
                return 0;
            }) == 0);
    CHECK(n_made == 5);
    seen.clear();

    REQUIRE(weft_loop_set_task_factory(loop, weft_eager_task_factory, nullptr) == 0);
    REQUIRE(run(loop, [&] {
                weft_awaitable *two[] = { coro(child), coro(child) };
                weft_future *future;
                weft_task *task;
                weft_task_options options = WEFT_TASK_OPTIONS_INIT;
                WEFT_TRY(weft_gather(two, 2, 0, &future));
                seen.emplace_back(weft_future_done(future) ? "gathered" : "pending");
                weft_future_unref(future);
                options.eager_start = -1;
                WEFT_TRY(weft_loop_create_task(nullptr, coro(child), &options, &task));
                seen.emplace_back("not yet");
                WEFT_TRY(weft_await(task, nullptr));
                weft_future_unref(task);
                return 0;
            }) == 0);
    CHECK(seen == trace{ "child", "child", "gathered", "not yet", "child" });
    REQUIRE(weft_loop_set_task_factory(loop, nullptr, nullptr) == 0);
    CHECK(weft_loop_get_task_factory(loop) == nullptr);
}

TEST_CASE("factory: one that fails, forgets or lies is caught", "[task][factory][misuse]")
{
    log_recorder log;
    virtual_loop loop;
    virtual_loop other;
    weft_future *foreign = weft_loop_create_future(other);
    auto child = [] { return 0; };
    int r = 0;

    weft_task_factory_fn *fails = [](const weft_origin *, weft_loop *, weft_coro *c,
                                     const weft_task_options *, weft_task **, void *) -> int {
        weft_coro_close(c);
        return weft_fail(WEFT_EUSER(4), "no more tasks");
    };
    weft_task_factory_fn *forgets = [](const weft_origin *, weft_loop *, weft_coro *,
                                       const weft_task_options *, weft_task **,
                                       void *) -> int { return 0; };
    weft_task_factory_fn *lies = [](const weft_origin *, weft_loop *, weft_coro *c,
                                    const weft_task_options *, weft_task **out_task,
                                    void *data) -> int {
        weft_coro_close(c);
        *out_task = weft_future_ref(static_cast<weft_future *>(data));
        return 0;
    };
    auto try_it = [&](weft_task_factory_fn *factory, void *data) {
        WEFT_TRY(weft_loop_set_task_factory(nullptr, factory, data));
        weft_task *task;
        r = weft_create_task(coro(child), &task);
        return 0;
    };
    SECTION("fails")
    {
        REQUIRE(run(loop, [&] { return try_it(fails, nullptr); }) == 0);
        CHECK(r == WEFT_EUSER(4));
    }
    SECTION("forgets")
    {
        REQUIRE(run(loop, [&] { return try_it(forgets, nullptr); }) == 0);
        CHECK(r == WEFT_EINVAL);
        CHECK(log.count(WEFT_REPORT_NEVER_AWAITED) == 1);
    }
    SECTION("lies")
    {
        REQUIRE(run(loop, [&] { return try_it(lies, foreign); }) == 0);
        CHECK(r == WEFT_EINVAL);
    }
    weft_future_unref(foreign);
}

TEST_CASE("eager: out of memory is a code, and nothing is lost", "[task][eager][oom]")
{
    log_recorder log;
    auto body = [] {
        auto child = [] { return weft_sleep(WEFT_MS(1)); };
        weft_task *task;
        WEFT_TRY(start(coro(child), &task));
        int r = weft_await(task, nullptr);
        weft_future_unref(task);
        return r;
    };
    int n_failed = sweep_out_of_memory([&] {
        weft_loop *loop;
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = 1;
        int r = weft_new_event_loop(&options, &loop);
        if (r < 0) {
            return r == -EMFILE || r == -ENOSPC ? static_cast<int>(WEFT_ENOMEM) : r;
        }
        r = run(loop, body);
        weft_loop_close(loop);
        weft_loop_unref(loop);
        return r;
    });
    CHECK(n_failed > 5);
}

/*
 * Context variables: who sees what, who owns what, and what is refused.
 */
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/virtual_loop.hpp"

#include <catch2/catch.hpp>

extern "C" {
#include "base/alloc.h"
#include "weft/weft.h"
}

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <unistd.h>

namespace
{

/* A variable that goes with its scope. */
class variable
{
  public:
    variable() : var(weft_context_var_create("v"))
    {
    }
    explicit variable(int64_t preset)
        : var(weft_context_var_create_with("v", weft_value_int(preset)))
    {
    }
    ~variable()
    {
        weft_context_var_unref(var);
    }
    variable(const variable &) = delete;
    variable &operator=(const variable &) = delete;

    operator weft_context_var *() const
    {
        return var;
    }
    int set(int64_t number) const
    {
        return weft_context_var_set(var, weft_value_int(number), nullptr);
    }
    /* -1: not set. */
    int64_t get() const
    {
        weft_value value = weft_value_int(-1);
        (void)weft_context_var_get(var, &value);
        return value.as.num;
    }

  private:
    weft_context_var *var;
};

std::atomic<int> n_destroyed;

void count_destroyed(void *data)
{
    n_destroyed++;
    delete static_cast<int *>(data);
}

weft_value owned(int number)
{
    return weft_value_ptr(new int(number), count_destroyed);
}

struct seen {
    const variable *var;
    std::vector<int64_t> values;
};

int look(void *data)
{
    auto *s = static_cast<seen *>(data);
    s->values.push_back(s->var->get());
    return 0;
}

int look_and_set(void *data)
{
    auto *s = static_cast<seen *>(data);
    s->values.push_back(s->var->get());
    return s->var->set(s->var->get() + 100);
}

template <typename Body> int run(weft_loop *loop, Body body)
{
    auto call = [](void *data) -> int { return (*static_cast<Body *>(data))(); };
    return weft_loop_run_until_complete(loop, weft_coro_create(call, &body), nullptr);
}

} // namespace

TEST_CASE("context: a variable without value is looked up in vain", "[context]")
{
    variable var;
    variable preset(7);
    weft_value value = weft_value_int(3);

    CHECK(weft_context_var_get(var, &value) == WEFT_ELOOKUP);
    CHECK(value.as.num == 3);
    CHECK(weft_context_var_get(preset, &value) == 0);
    CHECK(value.as.num == 7);
    CHECK(std::string(weft_context_var_get_name(var)) == "v");
}

TEST_CASE("context: values are shared and destroyed once, with the last who sees them", "[context]")
{
    n_destroyed = 0;
    {
        virtual_loop loop;
        variable var;
        REQUIRE(run(loop, [&] {
                    WEFT_TRY(weft_context_var_set(var, owned(1), nullptr));
                    auto child = [](void *v) -> int {
                        WEFT_TRY(weft_sleep(WEFT_MS(1)));
                        return weft_context_var_set(static_cast<weft_context_var *>(v), owned(2),
                                                    nullptr);
                    };
                    weft_context_var *raw = var;
                    WEFT_TRY(weft_create_task(weft_coro_create(child, raw), nullptr));
                    WEFT_TRY(weft_context_var_set(var, owned(3), nullptr));
                    if (n_destroyed != 0) {
                        return WEFT_EUSER(1);
                    }
                    return weft_sleep(WEFT_MS(2));
                }) == 0);
        CHECK(n_destroyed == 3);
    }
    CHECK(n_destroyed == 3);
}

TEST_CASE("context: what a callback sets stays its own", "[context]")
{
    virtual_loop loop;
    variable var;
    seen s = { &var, {} };

    REQUIRE(run(loop, [&] {
                WEFT_TRY(var.set(1));
                WEFT_TRY(weft_loop_call_soon(nullptr, look_and_set, &s, nullptr));
                WEFT_TRY(weft_loop_call_soon(nullptr, look_and_set, &s, nullptr));
                WEFT_TRY(weft_loop_call_later(nullptr, WEFT_MS(1), look, &s, nullptr));
                WEFT_TRY(weft_sleep(WEFT_MS(2)));
                return look(&s);
            }) == 0);
    CHECK(s.values == std::vector<int64_t>{ 1, 1, 1, 1 });
}

TEST_CASE("context: callbacks given one context share it", "[context]")
{
    virtual_loop loop;
    variable var;
    seen s = { &var, {} };
    weft_context *context = weft_context_create();

    REQUIRE(run(loop, [&] {
                weft_future *future = weft_loop_create_future(nullptr);
                WEFT_TRY(var.set(1));
                WEFT_TRY(weft_loop_call_soon_with(nullptr, context, look_and_set, &s, nullptr));
                WEFT_TRY(weft_loop_call_soon_threadsafe_with(nullptr, context, look_and_set, &s,
                                                             nullptr));
                WEFT_TRY(weft_loop_call_later_with(nullptr, WEFT_MS(1), context, look_and_set, &s,
                                                   nullptr));
                WEFT_TRY(weft_loop_call_at_with(nullptr, weft_loop_time(nullptr) + WEFT_MS(2),
                                                context, look_and_set, &s, nullptr));
                auto on_done = [](weft_future *, void *data) { return look_and_set(data); };
                WEFT_TRY(weft_future_add_done_callback_with(future, context, on_done, &s));
                WEFT_TRY(weft_sleep(WEFT_MS(3)));
                WEFT_TRY(weft_future_set_result(future, weft_value_none()));
                weft_future_unref(future);
                WEFT_TRY(weft_sleep(0));
                return look(&s);
            }) == 0);
    CHECK(s.values == std::vector<int64_t>{ -1, 99, 199, 299, 399, 1 });
    weft_value value;
    CHECK(weft_context_get(context, var, &value) == 0);
    CHECK(value.as.num == 499);
    CHECK(weft_context_get_n(context) == 1);
    weft_context_unref(context);
}

TEST_CASE("context: what the thread had before the run is seen in it", "[context]")
{
    virtual_loop loop;
    variable var;
    seen s = { &var, {} };

    auto before = [](void *data) -> int { return static_cast<variable *>(data)->set(5); };
    weft_context *context = weft_context_create();
    auto both = [](void *data) -> int {
        auto *pair = static_cast<std::pair<weft_loop *, seen *> *>(data);
        WEFT_TRY(pair->second->var->set(6));
        return weft_loop_run_until_complete(pair->first,
                                            weft_coro_create(look_and_set, pair->second), nullptr);
    };
    std::pair<weft_loop *, seen *> pair = { loop, &s };
    CHECK(weft_context_run(context, before, &var) == 0);
    CHECK(var.get() == -1);
    CHECK(weft_context_run(context, both, &pair) == 0);
    CHECK(s.values == std::vector<int64_t>{ 6 });
    CHECK(var.get() == -1);
    weft_context_unref(context);
}

TEST_CASE("context: a context is entered once at a time", "[context][misuse]")
{
    weft_context *context = weft_context_create();
    weft_context *other = weft_context_create();
    auto again = [](void *c) -> int {
        return weft_context_run(static_cast<weft_context *>(c), look, nullptr);
    };
    struct two {
        weft_context *inner;
        weft_context *outer;
    } t = { context, other };
    auto nested = [](void *data) -> int {
        auto *t = static_cast<two *>(data);
        auto again = [](void *c) -> int {
            return weft_context_run(static_cast<weft_context *>(c), look, nullptr);
        };
        return weft_context_run(t->outer, again, t->inner);
    };

    CHECK(weft_context_run(context, again, context) == WEFT_ERUNTIME);
    CHECK(weft_context_run(context, nested, &t) == WEFT_ERUNTIME);
    CHECK(weft_context_run(context, nullptr, nullptr) == WEFT_EINVAL);
    weft_context_unref(other);
    weft_context_unref(context);
}

TEST_CASE("context: tokens belong to one variable and one context", "[context][misuse]")
{
    log_recorder log;
    variable var;
    variable other;
    weft_context *context = weft_context_create();
    struct scene {
        const variable *var;
        const variable *other;
        weft_context_token *token;
        std::vector<int> codes;
    } s = { &var, &other, nullptr, {} };

    auto set = [](void *data) -> int {
        auto *s = static_cast<scene *>(data);
        s->codes.push_back(weft_context_var_set(*s->var, weft_value_int(1), &s->token));
        s->codes.push_back(weft_context_var_reset(*s->other, s->token));
        s->codes.push_back(weft_context_token_get_old_value(s->token, nullptr));
        return 0;
    };
    auto reset = [](void *data) -> int {
        auto *s = static_cast<scene *>(data);
        s->codes.push_back(weft_context_var_reset(*s->var, s->token));
        s->codes.push_back(weft_context_var_reset(*s->var, s->token));
        return 0;
    };
    CHECK(weft_context_run(context, set, &s) == 0);
    CHECK(weft_context_token_get_var(s.token) == var);
    CHECK(weft_context_var_reset(var, s.token) == WEFT_EINVAL);
    CHECK(weft_context_run(context, reset, &s) == 0);
    CHECK(s.codes == std::vector<int>{ 0, WEFT_EINVAL, WEFT_ELOOKUP, 0, WEFT_ERUNTIME });
    CHECK(weft_context_get_n(context) == 0);
    weft_context_token_destroy(s.token);
    weft_context_unref(context);
}

TEST_CASE("context: wrong objects are refused", "[context][misuse]")
{
    log_recorder log;
    variable var;
    weft_context *context = weft_context_create();
    auto *wrong = reinterpret_cast<weft_context_var *>(context);
    virtual_loop loop;
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    options.context = reinterpret_cast<weft_context *>(static_cast<weft_context_var *>(var));

    CHECK(weft_context_var_create(nullptr) == nullptr);
    CHECK(weft_context_var_set(nullptr, weft_value_int(1), nullptr) == WEFT_EINVAL);
    CHECK(weft_context_var_get(wrong, nullptr) == WEFT_EINVAL);
    CHECK(weft_context_var_reset(var, nullptr) == WEFT_EINVAL);
    CHECK(weft_context_get(nullptr, var, nullptr) == WEFT_EINVAL);
    CHECK(weft_context_get_item(context, 0, nullptr, nullptr) == WEFT_ELOOKUP);
    CHECK(weft_loop_create_task(loop, weft_coro_create(look, nullptr), &options, nullptr) ==
          WEFT_EINVAL);
    CHECK(weft_loop_call_soon_with(loop, options.context, look, nullptr, nullptr) == WEFT_EINVAL);
    weft_context_unref(context);
}

TEST_CASE("context: a task's and a handle's can be had, and are shared", "[context]")
{
    virtual_loop loop;
    variable var;
    seen s = { &var, {} };
    int64_t after = 0;

    REQUIRE(run(loop, [&] {
                weft_task *task;
                weft_handle *handle;
                WEFT_TRY(var.set(1));
                WEFT_TRY(weft_create_task(weft_coro_create(look_and_set, &s), &task));
                WEFT_TRY(weft_loop_call_soon(nullptr, look_and_set, &s, &handle));
                weft_context *of_task = weft_task_get_context(task);
                weft_context *of_handle = weft_handle_get_context(handle);
                auto change = [](void *v) { return static_cast<variable *>(v)->set(50); };
                WEFT_TRY(weft_context_run(of_handle, change, &var));
                WEFT_TRY(weft_await(task, nullptr));
                weft_value value;
                WEFT_TRY(weft_context_get(of_task, var, &value));
                after = value.as.num;
                weft_context_unref(of_task);
                weft_context_unref(of_handle);
                weft_handle_unref(handle);
                weft_future_unref(task);
                return 0;
            }) == 0);
    CHECK(after == 101);
    CHECK(s.values == std::vector<int64_t>{ 1, 50 });
}

TEST_CASE("context: whoever submits from another thread lends its values", "[context][threads]")
{
    variable var;
    seen s = { &var, {} };
    weft_loop *loop = nullptr;
    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    weft_callback_fn *stop_after = [](void *data) -> int {
        int r = look_and_set(data);
        weft_loop_stop(nullptr);
        return r;
    };
    weft_concurrent_future *done = nullptr;

    std::thread other([&] {
        (void)var.set(8);
        (void)weft_loop_call_soon_threadsafe(loop, look_and_set, &s, nullptr);
        (void)weft_run_coroutine_threadsafe(weft_coro_create(look_and_set, &s), loop, &done);
        (void)weft_loop_call_soon_threadsafe(loop, look_and_set, &s, nullptr);
    });
    other.join();
    weft_future *here = nullptr;
    REQUIRE(weft_wrap_future(done, loop, &here) == 0);
    REQUIRE(weft_loop_run_until_complete(loop, here, nullptr) == 0);
    weft_future_unref(here);
    weft_concurrent_future_unref(done);
    (void)weft_loop_call_soon(loop, stop_after, &s, nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    CHECK(s.values == std::vector<int64_t>{ 8, 8, 8, -1 });
}

TEST_CASE("context: closing the loop drops what unrun callbacks were to see", "[context][close]")
{
    log_recorder log;
    n_destroyed = 0;
    {
        virtual_loop loop;
        variable var;
        seen s = { &var, {} };
        weft_future *future = nullptr;
        int fds[2];
        REQUIRE(pipe(fds) == 0);
        REQUIRE(run(loop, [&] {
                    WEFT_TRY(weft_context_var_set(var, owned(1), nullptr));
                    auto on_done = [](weft_future *, void *) { return 0; };
                    future = weft_loop_create_future(nullptr);
                    WEFT_TRY(weft_loop_call_later(nullptr, WEFT_S(1), look, &s, nullptr));
                    WEFT_TRY(weft_future_add_done_callback(future, on_done, nullptr));
                    WEFT_TRY(weft_loop_add_reader(nullptr, fds[0], look, &s));
                    WEFT_TRY(weft_loop_add_signal_handler(nullptr, SIGUSR2, look, &s));
                    WEFT_TRY(weft_create_task(weft_coro_create(look, &s), nullptr));
                    return weft_loop_call_soon_threadsafe(nullptr, look, &s, nullptr);
                }) == 0);
        weft_future_unref(future);
        close(fds[0]);
        close(fds[1]);
    }
    CHECK(n_destroyed == 1);
}

TEST_CASE("context: out of memory leaves values with their owners", "[context][oom]")
{
    int n_failed = sweep_out_of_memory([] {
        static int destroyed;
        destroyed = 0;
        int number = 0;
        auto count = [](void *) { destroyed++; };
        weft_context_var *var = weft_context_var_create("v");
        weft_context *context = weft_context_create();
        weft_context_token *token = nullptr;
        struct scene {
            weft_context_var *var;
            weft_context_token **token;
            weft_value value;
            bool was_taken;
        } s = { var, &token, weft_value_ptr(&number, count), false };
        auto body = [](void *data) -> int {
            auto *s = static_cast<scene *>(data);
            WEFT_TRY(weft_context_var_set(s->var, weft_value_int(1), nullptr));
            WEFT_TRY(weft_context_var_set(s->var, s->value, s->token));
            s->was_taken = true;
            return weft_context_var_reset(s->var, *s->token);
        };
        int r = var == nullptr || context == nullptr ? static_cast<int>(WEFT_ENOMEM)
                                                     : weft_context_run(context, body, &s);
        weft_context_token_destroy(token);
        weft_context_unref(context);
        weft_context_var_unref(var);
        CHECK(destroyed == (s.was_taken ? 1 : 0));
        return r;
    });
    CHECK(n_failed > 6);
}

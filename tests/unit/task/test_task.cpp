/* Tasks: steps, cancels and ends that no scenario of asyncio shows: memory, misuse, closing. */
#include "support/virtual_loop.hpp"

#include <string>
#include <thread>

#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/sync_objects.hpp"
#include "weft/group.h"
#include "weft/sync.h"
#include "weft/testing.h"
#include "weft/timeout.h"

extern "C" {
#include "coro/overflow.h"
#include "task/task.h"
}

namespace
{

int number(void *arg)
{
    return weft_return_int(reinterpret_cast<intptr_t>(arg));
}

int sleeper(void *arg)
{
    return weft_sleep(*static_cast<weft_duration *>(arg));
}

weft_duration one_second = WEFT_S(1);
weft_duration for_ever = WEFT_FOREVER;

void count_destroy(void *data)
{
    ++*static_cast<int *>(data);
}

/* Makes a loop whose creation fails like any other allocation; see the sweeps. */
int make_loop(weft_loop **loop)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    options.virtual_clock = 1;
    int r = weft_new_event_loop(&options, loop);
    return r == -EMFILE || r == -ENOSPC ? WEFT_ENOMEM : r;
}

} // namespace

TEST_CASE("task: hands back what its body returned", "[task]")
{
    virtual_loop loop;
    weft_value value = weft_value_none();

    CHECK(loop.run(number, reinterpret_cast<void *>(42), &value) == 0);
    CHECK(value.as.num == 42);
}

TEST_CASE("task: an error comes out with its trace", "[task]")
{
    virtual_loop loop;
    auto fails = [](void *) -> int { return weft_fail(WEFT_EUSER(5), "no way"); };

    CHECK(loop.run(fails) == WEFT_EUSER(5));
    CHECK(std::string(weft_current_message(WEFT_EUSER(5))) == "no way");
}

TEST_CASE("task: a body that returns a positive number is refused", "[task]")
{
    log_recorder log;
    virtual_loop loop;

    CHECK(loop.run([](void *) -> int { return 5; }) == WEFT_EINVAL);
    CHECK(log.has("returned 5"));
}

TEST_CASE("task: a task that is never started destroys its argument once", "[task]")
{
    virtual_loop loop;
    int n_destroyed = 0;
    weft_task *task = nullptr;

    REQUIRE(weft_loop_create_task(loop, weft_coro_create_with(number, &n_destroyed, count_destroy),
                                  nullptr, &task) == 0);
    weft_task_cancel(task, "not now");
    CHECK(n_destroyed == 0);
    weft_loop_run_once(loop, 0);
    CHECK(n_destroyed == 1);
    CHECK(weft_future_cancelled(task));
    CHECK(std::string(weft_future_get_cancel_message(task)) == "not now");
    weft_future_unref(task);
}

TEST_CASE("task: what takes a coroutine object consumes it, also on failure", "[task]")
{
    log_recorder log;
    int n_destroyed = 0;
    weft_task *task = nullptr;
    {
        virtual_loop loop;
        weft_loop_close(loop);
        CHECK(weft_loop_create_task(loop,
                                    weft_coro_create_with(number, &n_destroyed, count_destroy),
                                    nullptr, &task) == WEFT_ECLOSED);
    }
    CHECK(n_destroyed == 1);
    CHECK(weft_create_task(weft_coro_create_with(number, &n_destroyed, count_destroy), &task) ==
          WEFT_ENOLOOP);
    CHECK(n_destroyed == 2);
    CHECK(task == nullptr);
    CHECK(log.count(WEFT_REPORT_NEVER_AWAITED) == 0);
}

TEST_CASE("task: a coroutine object nobody takes is reported when its maker ends", "[task]")
{
    log_recorder log;
    virtual_loop loop;
    auto forgets = [](void *) -> int {
        (void)!weft_coro_create(number, nullptr);
        return 0;
    };

    CHECK(loop.run(forgets) == 0);
    CHECK(log.count(WEFT_REPORT_NEVER_AWAITED) == 1);
    CHECK(log.has("coroutine 'number' was never awaited"));
    CHECK(log.has("test_task.cpp"));
}

TEST_CASE("task: waiting outside a task is refused", "[task]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);

    CHECK(weft_sleep(WEFT_MS(1)) == WEFT_ERUNTIME);
    CHECK(weft_await(f, nullptr) == WEFT_ERUNTIME);
    CHECK(weft_await(nullptr, nullptr) == WEFT_ENOMEM);
    CHECK(log.count(WEFT_REPORT_MISUSE) == 2);
    weft_future_unref(f);
}

TEST_CASE("task: the budget makes one that never waits yield", "[task]")
{
    virtual_loop loop;
    struct shared {
        int spent = 0;
        int seen = -1;
    } s;
    auto spender = [](void *arg) -> int {
        auto *sh = static_cast<shared *>(arg);
        for (sh->spent = 0; sh->spent < 1000; sh->spent++) {
            WEFT_TRY(wf_task_spend());
        }
        return 0;
    };
    auto watcher = [](void *arg) -> int {
        auto *sh = static_cast<shared *>(arg);
        sh->seen = sh->spent;
        return 0;
    };

    REQUIRE(weft_loop_create_task(loop, weft_coro_create(spender, &s), nullptr, nullptr) == 0);
    REQUIRE(weft_loop_create_task(loop, weft_coro_create(watcher, &s), nullptr, nullptr) == 0);
    weft_loop_run_once(loop, 0);
    CHECK(s.seen == 255);
    for (int i = 0; i < 5; i++) {
        weft_loop_run_once(loop, 0);
    }
    CHECK(s.spent == 1000);
}

TEST_CASE("task: tasks switch to each other in the order of the queue", "[task]")
{
    virtual_loop loop;
    struct shared {
        trace events;
    } s;
    struct one {
        shared *s;
        const char *name;
    } a = { &s, "a" }, b = { &s, "b" }, c = { &s, "c" };
    auto body = [](void *arg) -> int {
        auto *o = static_cast<one *>(arg);
        for (int i = 0; i < 2; i++) {
            o->s->events.push_back(o->name);
            WEFT_TRY(weft_sleep(0));
        }
        return 0;
    };

    for (one *o : { &a, &b, &c }) {
        REQUIRE(weft_loop_create_task(loop, weft_coro_create(body, o), nullptr, nullptr) == 0);
    }
    weft_loop_run_once(loop, 0);
    CHECK(s.events == trace{ "a", "b", "c" });
    weft_loop_run_once(loop, 0);
    CHECK(s.events == trace{ "a", "b", "c", "a", "b", "c" });
    weft_loop_run_once(loop, 0);
    CHECK(wf_task_count(loop) == 0);
}

TEST_CASE("task: closing the loop names pending tasks and loses no memory", "[task]")
{
    log_recorder log;
    REQUIRE(wf_overflow_install_thread() == 0); /* its memory stays with the thread */
    wf_alloc_count_blocks(true);
    {
        virtual_loop loop;
        auto waits_for_child = [](void *) -> int {
            return weft_wait_for(weft_coro_create(sleeper, &for_ever), WEFT_S(100), nullptr);
        };
        auto gathers = [](void *) -> int {
            weft_awaitable *both[] = { weft_coro_create(sleeper, &for_ever),
                                       weft_coro_create(sleeper, &one_second) };
            weft_future *f;
            WEFT_TRY(weft_gather(both, 2, 0, &f));
            return weft_await(f, nullptr); /* <f> is lost with this stack */
        };
        auto never_runs = [](void *) -> int { return 0; };

        weft_loop_create_task(loop, weft_coro_create(waits_for_child, nullptr), nullptr, nullptr);
        weft_loop_create_task(loop, weft_coro_create(sleeper, &one_second), nullptr, nullptr);
        for (int i = 0; i < 4; i++) {
            weft_loop_run_once(loop, 0);
        }
        weft_loop_create_task(loop, weft_coro_create(never_runs, nullptr), nullptr, nullptr);
        (void)gathers;
    }
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 3);
    CHECK(log.has("Task was destroyed but it is pending!"));
    CHECK(log.has("wait_for=sleep"));
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

/* Tasks that were woken in the last turn of their loop: they never resume. */
TEST_CASE("task: closing the loop releases what a woken task held", "[task][close][regress]")
{
    log_recorder log;
    REQUIRE(wf_overflow_install_thread() == 0); /* its memory stays with the thread */
    wf_alloc_count_blocks(true);

    SECTION("an awaited future")
    {
        virtual_loop loop;
        weft_future *future = weft_loop_create_future(loop);
        auto awaits = [](void *f) -> int { return weft_await(f, nullptr); };
        weft_loop_create_task(loop, weft_coro_create(awaits, future), nullptr, nullptr);
        weft_loop_run_once(loop, 0);
        CHECK(weft_future_set_result(future, weft_value_none()) == 0);
        weft_future_unref(future);
    }
    SECTION("several futures, of which one is done")
    {
        struct pair {
            weft_future *first;
            weft_future *second;
        } p;
        {
            virtual_loop loop;
            p.first = weft_loop_create_future(loop);
            p.second = weft_loop_create_future(loop);
            auto waits = [](void *data) -> int {
                auto *p = static_cast<pair *>(data);
                weft_future *both[] = { p->first, p->second };
                return weft_wait(both, 2, WEFT_S(1), WEFT_FIRST_COMPLETED);
            };
            weft_loop_create_task(loop, weft_coro_create(waits, &p), nullptr, nullptr);
            weft_loop_run_once(loop, 0);
            CHECK(weft_future_set_result(p.first, weft_value_none()) == 0);
            weft_loop_run_once(loop, 0);
        }
        CHECK(weft_future_set_result(p.second, weft_value_none()) == 0);
        weft_future_unref(p.first);
        weft_future_unref(p.second);
    }
    SECTION("a place in the line of an event")
    {
        weft_event *event = make_event();
        {
            virtual_loop loop;
            auto waits = [](void *e) -> int {
                return weft_event_wait(static_cast<weft_event *>(e));
            };
            weft_loop_create_task(loop, weft_coro_create(waits, event), nullptr, nullptr);
            weft_loop_run_once(loop, 0);
            CHECK(weft_event_set(event) == 0);
        }
        CHECK(weft_event_set(event) == 0);
        CHECK(weft_event_destroy(event) == 0);
    }
    SECTION("a place in the line of a lock")
    {
        weft_lock *lock = make_lock();
        {
            virtual_loop loop;
            auto acquires = [](void *l) -> int {
                return weft_lock_acquire(static_cast<weft_lock *>(l));
            };
            weft_loop_create_task(loop, weft_coro_create(acquires, lock), nullptr, nullptr);
            weft_loop_create_task(loop, weft_coro_create(acquires, lock), nullptr, nullptr);
            weft_loop_run_once(loop, 0);
            CHECK(weft_lock_release(lock) == 0);
        }
        CHECK(weft_lock_locked(lock) == 0);
        CHECK(weft_lock_destroy(lock) == 0);
    }
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("future: callbacks are let go of when the loop has closed before",
          "[task][close][regress]")
{
    log_recorder log;
    int n_called = 0;
    auto count = [](weft_future *, void *n) -> int { return ++*static_cast<int *>(n); };
    wf_alloc_count_blocks(true);
    weft_future *future;
    {
        virtual_loop loop;
        future = weft_loop_create_future(loop);
        CHECK(weft_future_add_done_callback(future, count, &n_called) == 0);
    }
    CHECK(weft_future_set_result(future, weft_value_none()) == 0);
    weft_future_unref(future);
    CHECK(n_called == 0);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("task: out of memory in creating, gathering and limiting is a code", "[task][oom]")
{
    log_recorder log;
    auto body = [](void *) -> int {
        weft_value value = weft_value_none();
        weft_awaitable *both[] = { weft_coro_create(number, reinterpret_cast<void *>(1)),
                                   weft_coro_create(sleeper, &one_second) };
        weft_future *f = nullptr;
        WEFT_TRY(weft_gather(both, 2, 0, &f));
        int r = weft_await(f, &value);
        weft_future_unref(f);
        if (r < 0) {
            return r;
        }
        weft_value_clear(&value);
        WEFT_TRY(weft_wait_for(weft_coro_create(sleeper, &one_second), WEFT_S(2), nullptr));
        weft_task *task = nullptr;
        WEFT_TRY(weft_create_task(weft_coro_create(sleeper, &one_second), &task));
        weft_future *shield = nullptr;
        r = weft_shield(task, &shield);
        r = r < 0 ? r : weft_await(shield, nullptr);
        weft_future_unref(shield);
        weft_future_unref(task);
        return r;
    };
    int n_failed = sweep_out_of_memory([&] {
        weft_loop *loop;
        int r = make_loop(&loop);
        if (r < 0) {
            return r;
        }
        r = weft_loop_run_until_complete(loop, weft_coro_create(body, nullptr), nullptr);
        weft_loop_close(loop);
        weft_loop_unref(loop);
        return r;
    });
    CHECK(n_failed > 10);
}

TEST_CASE("task group: out of memory cancels what was started", "[task][oom]")
{
    log_recorder log;
    auto body = [](void *) -> int {
        weft_task_group *group = weft_task_group_create();
        int r = weft_task_group_enter(group);
        if (r < 0) {
            weft_task_group_destroy(group);
            return r;
        }
        for (int i = 0; i < 3 && r == 0; i++) {
            r = weft_task_group_create_task(group, weft_coro_create(sleeper, &one_second), nullptr);
        }
        r = weft_task_group_exit(group, r);
        weft_task_group_destroy(group);
        return r;
    };
    int n_failed = sweep_out_of_memory(
        [&] {
            weft_loop *loop;
            int r = make_loop(&loop);
            if (r < 0) {
                return r;
            }
            r = weft_loop_run_until_complete(loop, weft_coro_create(body, nullptr), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return r;
        },
        { WEFT_EGROUP });
    CHECK(n_failed > 10);
}

TEST_CASE("task: a future of another loop is refused", "[task]")
{
    virtual_loop loop;
    virtual_loop other;
    weft_future *f = weft_loop_create_future(other);
    auto body = [](void *arg) -> int { return weft_await(arg, nullptr); };

    CHECK(loop.run(body, f) == WEFT_ERUNTIME);
    CHECK(std::string(weft_current_message(WEFT_ERUNTIME)).find("attached to a different loop") !=
          std::string::npos);
    weft_future_unref(f);
}

TEST_CASE("task: the description names it, its function, its place and its wait", "[task]")
{
    virtual_loop loop;
    weft_task *task = nullptr;
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;
    char text[512];

    options.name = "fetch-3";
    REQUIRE(weft_loop_create_task(loop, weft_coro_create(sleeper, &one_second), &options, &task) ==
            0);
    weft_loop_run_once(loop, 0);
    weft_future_describe(task, text, sizeof text);
    std::string description = text;
    CHECK(description.find("<Task pending name='fetch-3' coro=sleeper() at test_task.cpp:") == 0);
    CHECK(description.find("wait_for=sleep") != std::string::npos);
    CHECK(description.find("created at test_task.cpp:") != std::string::npos);
    weft_task_cancel(task, nullptr);
    for (int i = 0; i < 3; i++) {
        weft_loop_run_once(loop, 0);
    }
    CHECK(weft_future_cancelled(task));
    weft_future_unref(task);
}

TEST_CASE("lock: misuse is refused", "[task][sync]")
{
    log_recorder log;
    virtual_loop loop;
    weft_lock *lock = make_lock();
    auto takes = [](void *arg) -> int { return weft_lock_acquire(static_cast<weft_lock *>(arg)); };

    CHECK(weft_lock_create(nullptr) == WEFT_EINVAL);
    CHECK(weft_event_create(nullptr) == WEFT_EINVAL);
    CHECK(weft_lock_release(lock) == WEFT_ERUNTIME);
    REQUIRE(loop.run(takes, lock) == 0);
    CHECK(weft_lock_destroy(lock) == WEFT_EINVALIDSTATE);
    {
        virtual_loop other;
        CHECK(other.run(takes, lock) == WEFT_ERUNTIME);
    }
    CHECK(weft_lock_release(lock) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
    CHECK(weft_lock_destroy(nullptr) == 0);
    CHECK(weft_event_set(nullptr) == WEFT_EINVAL);
}

TEST_CASE("lock, event: they may outlive the loop that they were used on", "[task][sync][regress]")
{
    weft_lock *lock = make_lock();
    weft_event *event = make_event();
    struct both {
        weft_lock *lock;
        weft_event *event;
    } b = { lock, event };
    {
        virtual_loop loop;
        auto uses = [](void *arg) -> int {
            auto *w = static_cast<both *>(arg);
            WEFT_TRY(weft_lock_acquire(w->lock));
            WEFT_TRY(weft_lock_release(w->lock));
            return weft_wait_for(
                weft_coro_create(
                    [](void *e) -> int { return weft_event_wait(static_cast<weft_event *>(e)); },
                    w->event),
                WEFT_MS(1), nullptr);
        };
        REQUIRE(loop.run(uses, &b) == WEFT_ETIMEDOUT);
    }
    CHECK(weft_event_set(event) == 0);
    CHECK(weft_event_destroy(event) == 0);
    CHECK(weft_lock_destroy(lock) == 0);
}

TEST_CASE("event: a loop that closes takes its tasks out of the line", "[task][sync][regress]")
{
    log_recorder log;
    weft_event *event = make_event();
    {
        virtual_loop loop;
        auto waits = [](void *e) -> int { return weft_event_wait(static_cast<weft_event *>(e)); };
        REQUIRE(weft_loop_create_task(loop, weft_coro_create(waits, event), nullptr, nullptr) == 0);
        weft_loop_run_once(loop, 0);
        CHECK(weft_event_destroy(event) == WEFT_EINVALIDSTATE);
    }
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    CHECK(weft_event_set(event) == 0);
    CHECK(weft_event_destroy(event) == 0);
}

TEST_CASE("timeout: misuse is refused", "[task][timeout]")
{
    log_recorder log;
    virtual_loop loop;
    weft_timeout *scope = weft_timeout_create(WEFT_S(1));

    CHECK(weft_timeout_enter(scope) == WEFT_ERUNTIME);
    CHECK(weft_timeout_exit(scope, 0) == WEFT_ERUNTIME);
    CHECK(weft_timeout_reschedule(scope, 0) == WEFT_ERUNTIME);
    CHECK(weft_timeout_enter(nullptr) == WEFT_ENOMEM);
    weft_timeout_destroy(scope);
    weft_timeout_destroy(nullptr);
}

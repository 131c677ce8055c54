/*
 * Traps that no scenario asks for, because CPython 3.11 decides otherwise than its
 * later releases, or prints nothing: the rows of docs/asyncio-map.md, and the
 * orders in which a cancel and an end can meet.
 */
#include "support/virtual_loop.hpp"

#include "support/log_recorder.hpp"
#include "support/sync_objects.hpp"
#include "weft/group.h"
#include "weft/sync.h"
#include "weft/testing.h"
#include "weft/timeout.h"

namespace
{

constexpr int ERROR = WEFT_EUSER(7);

/* What the coroutines of one test share. */
struct story {
    weft_future *gate = nullptr;
    weft_future *group = nullptr;
    weft_task *task = nullptr;
    int result = 1; /* what the task under test came to */
    int later = 1;  /* and its next wait */
    int cancelling = -1;
    int n_cleanups = 0;
};

int number(void *)
{
    return weft_return_int(7);
}

int yield_and_fail(void *)
{
    int r = weft_sleep(0);
    return r < 0 ? r : weft_fail(ERROR, "on purpose");
}

/* Start fn(arg) on <loop>; the caller owns the task. */
weft_task *start(weft_loop *loop, weft_coro_fn *fn, void *arg)
{
    weft_task *task = nullptr;
    REQUIRE(weft_loop_create_task(loop, weft_coro_create(fn, arg), nullptr, &task) == 0);
    return task;
}

void turns(weft_loop *loop, int n)
{
    for (int i = 0; i < n; i++) {
        REQUIRE(weft_loop_run_once(loop, 0) >= 0);
    }
}

/* Run until <task> is done and give it back; its code. */
int finish(weft_loop *loop, weft_task *task)
{
    int r = weft_loop_run_until_complete(loop, task, nullptr);
    weft_future_unref(task);
    return r;
}

int wait_for_gate(void *arg)
{
    auto *it = static_cast<story *>(arg);
    it->result = weft_wait_for(it->gate, WEFT_S(1), nullptr);
    return it->result;
}

int set_gate(void *arg)
{
    return weft_future_set_result(static_cast<story *>(arg)->gate, weft_value_int(1));
}

} // namespace

TEST_CASE("wait_for: a cancel in the turn in which the work ends is not lost", "[task][timeout]")
{
    virtual_loop loop;
    story it;
    it.gate = weft_loop_create_future(loop);
    weft_task *task = start(loop, wait_for_gate, &it);
    turns(loop, 1);

    weft_future_set_result(it.gate, weft_value_int(1));
    weft_task_cancel(task, nullptr);
    CHECK(finish(loop, task) == WEFT_ECANCELED);
    CHECK(it.result == WEFT_ECANCELED);
    weft_future_unref(it.gate);
}

TEST_CASE("wait_for: an overdue limit beats a result of the same turn", "[task][timeout]")
{
    virtual_loop loop;
    story it;
    it.gate = weft_loop_create_future(loop);
    weft_task *task = start(loop, wait_for_gate, &it);
    turns(loop, 1);

    weft_loop_call_soon(loop, set_gate, &it, nullptr);
    weft_testing_advance(loop, WEFT_S(2));
    CHECK(finish(loop, task) == WEFT_ETIMEDOUT);
    weft_future_unref(it.gate);
}

TEST_CASE("wait_for: a second cancel interrupts the slow cleanup of the work", "[task][timeout]")
{
    virtual_loop loop;
    story it;
    auto slow = [](void *arg) -> int {
        auto *it = static_cast<story *>(arg);
        int r = weft_sleep(WEFT_S(60));
        it->later = weft_sleep(WEFT_S(60)); /* the cleanup */
        it->n_cleanups++;
        return r;
    };
    it.task = start(loop, slow, &it);
    auto waits = [](void *arg) -> int {
        auto *it = static_cast<story *>(arg);
        it->result = weft_wait_for(it->task, WEFT_S(90), nullptr);
        return it->result;
    };
    weft_task *task = start(loop, waits, &it);
    turns(loop, 2);

    weft_task_cancel(task, nullptr);
    turns(loop, 2);
    CHECK_FALSE(weft_future_done(task));
    weft_task_cancel(task, nullptr);
    CHECK(finish(loop, task) == WEFT_ECANCELED);
    CHECK(it.later == WEFT_ECANCELED);
    CHECK(it.n_cleanups == 1);
    weft_future_unref(it.task);
}

/* A group with one failing child; then one more wait. */
static int group_of_one(void *arg)
{
    auto *it = static_cast<story *>(arg);
    weft_task_group *group = weft_task_group_create();

    int r = weft_task_group_enter(group);
    if (r == 0) {
        r = weft_task_group_create_task(group, weft_coro_create(yield_and_fail, nullptr), nullptr);
        it->result = weft_task_group_exit(group, r);
    }
    weft_task_group_destroy(group);
    it->cancelling = weft_task_cancelling(weft_current_task());
    it->later = weft_sleep(0);
    return 0;
}

TEST_CASE("task group: a child's failure at the exit leaves no request behind", "[task][group]")
{
    virtual_loop loop;
    story it;

    CHECK(loop.run(group_of_one, &it) == 0);
    CHECK(it.result == WEFT_EGROUP);
    CHECK(it.cancelling == 0);
    CHECK(it.later == 0);
}

TEST_CASE("task group: a cancel from outside comes after the errors", "[task][group]")
{
    virtual_loop loop;
    story it;
    auto fails_in_cleanup = [](void *) -> int {
        return weft_sleep(WEFT_S(60)) < 0 ? weft_fail(ERROR, "in cleanup") : 0;
    };
    static weft_coro_fn *child;
    child = fails_in_cleanup;
    auto parent = [](void *arg) -> int {
        auto *it = static_cast<story *>(arg);
        weft_task_group *group = weft_task_group_create();
        int r = weft_task_group_enter(group);
        if (r == 0) {
            r = weft_task_group_create_task(group, weft_coro_create(child, nullptr), nullptr);
            it->result = weft_task_group_exit(group, r);
        }
        weft_task_group_destroy(group);
        it->later = weft_sleep(WEFT_S(1));
        return it->later;
    };
    weft_task *task = start(loop, parent, &it);
    turns(loop, 2);

    weft_task_cancel(task, nullptr);
    CHECK(finish(loop, task) == WEFT_ECANCELED);
    CHECK(it.result == WEFT_EGROUP);
    CHECK(it.later == WEFT_ECANCELED);
}

TEST_CASE("cancel: taken back before its delivery, nothing comes", "[task][cancel]")
{
    virtual_loop loop;
    story it;
    auto body = [](void *arg) -> int {
        auto *it = static_cast<story *>(arg);
        weft_task *me = weft_current_task();
        (void)weft_task_cancel(me, nullptr);
        it->cancelling = weft_task_uncancel(me);
        it->result = weft_sleep(0);
        return 0;
    };

    CHECK(loop.run(body, &it) == 0);
    CHECK(it.cancelling == 0);
    CHECK(it.result == 0);
}

TEST_CASE("cancel: a request that was never delivered discards the value", "[task][cancel]")
{
    virtual_loop loop;
    auto returns = [](void *) -> int {
        (void)weft_task_cancel(weft_current_task(), nullptr);
        return weft_return_int(7);
    };
    weft_task *task = start(loop, returns, nullptr);

    CHECK(weft_loop_run_until_complete(loop, task, nullptr) == WEFT_ECANCELED);
    CHECK(weft_future_cancelled(task));
    weft_future_unref(task);
}

TEST_CASE("cancel: an error stands against a request that was never delivered", "[task][cancel]")
{
    virtual_loop loop;
    auto fails = [](void *) -> int {
        (void)weft_task_cancel(weft_current_task(), nullptr);
        return weft_fail(ERROR, "on purpose");
    };
    weft_task *task = start(loop, fails, nullptr);

    CHECK(weft_loop_run_until_complete(loop, task, nullptr) == ERROR);
    CHECK_FALSE(weft_future_cancelled(task));
    weft_future_unref(task);
}

TEST_CASE("cancel: what came before it counts as retrieved", "[task][cancel]")
{
    log_recorder log;
    {
        virtual_loop loop;
        story it;
        it.gate = weft_loop_create_future(loop);
        auto waits = [](void *arg) -> int {
            return weft_await(static_cast<story *>(arg)->gate, nullptr);
        };
        weft_task *task = start(loop, waits, &it);
        turns(loop, 1);
        weft_future_set_exception(it.gate, ERROR, "nobody sees it");
        weft_task_cancel(task, nullptr);
        CHECK(finish(loop, task) == WEFT_ECANCELED);
        weft_future_unref(it.gate);
    }
    CHECK_FALSE(log.has("never retrieved"));
}

TEST_CASE("gather: cancelled is an error of it, and done children refuse it", "[task][gather]")
{
    virtual_loop loop;
    weft_future *group = nullptr;
    auto swallows = [](void *) -> int {
        (void)weft_sleep(WEFT_S(60)); /* it ends by the cancel */
        return 0;
    };

    SECTION("children that swallow it do not save it")
    {
        weft_awaitable *one[] = { start(loop, swallows, nullptr) };
        REQUIRE(weft_gather(one, 1, WEFT_GATHER_RETURN_EXCEPTIONS, &group) == 0);
        turns(loop, 1);
        CHECK(weft_future_cancel(group, nullptr) == 0);
        CHECK(weft_loop_run_until_complete(loop, group, nullptr) == WEFT_ECANCELED);
        CHECK_FALSE(weft_future_cancelled(group));
        weft_future_unref(static_cast<weft_task *>(one[0]));
    }
    SECTION("with every child done it is refused")
    {
        weft_awaitable *one[] = { start(loop, number, nullptr) };
        turns(loop, 1);
        REQUIRE(weft_gather(one, 1, 0, &group) == 0);
        CHECK(weft_future_cancel(group, nullptr) == WEFT_EINVALIDSTATE);
        CHECK(weft_loop_run_until_complete(loop, group, nullptr) == 0);
        weft_future_unref(static_cast<weft_task *>(one[0]));
    }
    weft_future_unref(group);
}

TEST_CASE("shield: lets go one turn after the outer cancel", "[task][shield]")
{
    log_recorder log;
    {
        virtual_loop loop;
        weft_future *inner = weft_loop_create_future(loop);
        weft_future *outer = nullptr;
        REQUIRE(weft_shield(inner, &outer) == 0);
        weft_future_cancel(outer, nullptr);

        SECTION("an error in that turn is consumed")
        {
            weft_future_set_exception(inner, ERROR, "at once");
            turns(loop, 2);
            weft_future_unref(inner);
            CHECK_FALSE(log.has("never retrieved"));
        }
        SECTION("a later one is nobody's")
        {
            turns(loop, 2);
            weft_future_set_exception(inner, ERROR, "later");
            turns(loop, 2);
            weft_future_unref(inner);
            CHECK(log.has("never retrieved"));
        }
        weft_future_unref(outer);
    }
}

namespace
{

struct line {
    weft_lock *lock;
    trace *events;
};

int take_and_give(void *arg)
{
    auto *it = static_cast<line *>(arg);
    int r = weft_lock_acquire(it->lock);
    it->events->push_back(r == 0 ? "got" : "cancelled");
    return r < 0 ? r : weft_lock_release(it->lock);
}

} // namespace

TEST_CASE("lock: a woken waiter that is cancelled wakes the next", "[task][sync]")
{
    virtual_loop loop;
    trace events;
    line it{ make_lock(), &events };
    auto takes = [](void *arg) -> int { return weft_lock_acquire(static_cast<line *>(arg)->lock); };

    CHECK(loop.run(takes, &it) == 0);
    weft_task *first = start(loop, take_and_give, &it);
    weft_task *second = start(loop, take_and_give, &it);
    turns(loop, 1);

    weft_lock_release(it.lock); /* wakes the first */
    weft_task_cancel(first, nullptr);
    CHECK(finish(loop, first) == WEFT_ECANCELED);
    CHECK(finish(loop, second) == 0);
    CHECK(events == trace{ "cancelled", "got" });
    CHECK(weft_lock_destroy(it.lock) == 0);
}

TEST_CASE("lock: with every waiter cancelled a newcomer takes it at once", "[task][sync]")
{
    virtual_loop loop;
    trace events;
    line it{ make_lock(), &events };
    auto takes = [](void *arg) -> int { return weft_lock_acquire(static_cast<line *>(arg)->lock); };

    CHECK(loop.run(takes, &it) == 0);
    weft_task *waiter = start(loop, take_and_give, &it);
    turns(loop, 1);
    weft_task *newcomer = start(loop, take_and_give, &it); /* its step comes before the waiter's */
    weft_lock_release(it.lock);
    weft_task_cancel(waiter, nullptr);
    CHECK(finish(loop, newcomer) == 0);
    CHECK(finish(loop, waiter) == WEFT_ECANCELED);
    CHECK(events.back() == "got");
    CHECK(weft_lock_destroy(it.lock) == 0);
}

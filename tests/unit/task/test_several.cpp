/*
 * Calls that take several awaitables: what they refuse, what they leave behind
 * when they fail half way, and as_completed.
 */
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/virtual_loop.hpp"

#include <catch2/catch.hpp>

extern "C" {
#include "base/alloc.h"
#include "weft/weft.h"
}

#include <vector>

namespace
{

constexpr int VALUE = WEFT_EUSER(0);

/* Counts its run; then sleeps, so that it can be cancelled. */
struct witness {
    int n_begun = 0;
    int n_dropped = 0;
};

int begin(void *data)
{
    static_cast<witness *>(data)->n_begun++;
    return weft_sleep(WEFT_S(1));
}

void drop(void *data)
{
    static_cast<witness *>(data)->n_dropped++;
}

weft_coro *coro(witness &w)
{
    return weft_coro_create_with(begin, &w, drop);
}

/* Run <body> as a task to its end. */
template <typename Body> int run(weft_loop *loop, Body body)
{
    auto call = [](void *data) -> int { return (*static_cast<Body *>(data))(); };
    return weft_loop_run_until_complete(loop, weft_coro_create(call, &body), nullptr);
}

} // namespace

TEST_CASE("several: missing outputs and arrays are refused, coroutine objects consumed",
          "[task][misuse]")
{
    log_recorder log;
    virtual_loop loop;
    witness w;
    std::vector<int> codes;

    REQUIRE(run(loop, [&] {
                weft_future *pending = weft_loop_create_future(nullptr);
                weft_awaitable *one[] = { coro(w) };
                codes.push_back(weft_gather(one, 1, 0, nullptr));
                codes.push_back(weft_shield(coro(w), nullptr));
                codes.push_back(weft_shield(pending, nullptr));
                codes.push_back(weft_ensure_future(coro(w), nullptr));
                codes.push_back(weft_ensure_future(pending, nullptr));
                one[0] = coro(w);
                codes.push_back(weft_as_completed(one, 1, WEFT_FOREVER, nullptr));
                weft_future *future = nullptr;
                codes.push_back(weft_gather(nullptr, 2, 0, &future));
                weft_as_completed *ends = nullptr;
                codes.push_back(weft_as_completed(nullptr, 2, WEFT_FOREVER, &ends));
                codes.push_back(weft_wait(nullptr, 2, WEFT_FOREVER, WEFT_ALL_COMPLETED));
                codes.push_back(weft_wait(&pending, 1, 0, static_cast<weft_wait_mode>(7)));
                codes.push_back(weft_all_tasks(nullptr, nullptr, 3));
                weft_future_unref(pending);
                return future != nullptr || ends != nullptr ? WEFT_ERUNTIME : 0;
            }) == 0);
    CHECK(codes == std::vector<int>(codes.size(), WEFT_EINVAL));
    CHECK(codes.size() == 11);
    CHECK(w.n_dropped == 4);
    CHECK(w.n_begun == 0);
}

TEST_CASE("several: a NULL among the arguments starts nothing", "[task][oom]")
{
    virtual_loop loop;
    witness w;
    int gathered = 0;
    int followed = 0;

    REQUIRE(run(loop, [&] {
                weft_future *future;
                weft_as_completed *ends;
                weft_coro *twice = coro(w);
                weft_awaitable *all[] = { coro(w), twice, nullptr, twice };
                gathered = weft_gather(all, 4, 0, &future);
                twice = coro(w);
                weft_awaitable *again[] = { coro(w), twice, nullptr, twice };
                followed = weft_as_completed(again, 4, WEFT_FOREVER, &ends);
                return weft_sleep(0);
            }) == 0);
    CHECK(gathered == WEFT_ENOMEM);
    CHECK(followed == WEFT_ENOMEM);
    CHECK(w.n_dropped == 4);
    CHECK(w.n_begun == 0);
}

TEST_CASE("several: without memory half way no coroutine runs on", "[task][oom]")
{
    log_recorder log;
    enum {
        GATHER,
        SHIELD,
        AS_COMPLETED
    };
    auto kind = GENERATE(as<int>{}, GATHER, SHIELD, AS_COMPLETED);

    int n_failed = sweep_out_of_memory(
        [&] {
            weft_loop *loop = nullptr;
            if (weft_new_event_loop(nullptr, &loop) < 0) {
                return static_cast<int>(WEFT_ENOMEM);
            }
            witness w;
            int result = 0;
            size_t n_tasks = 0;
            int r = run(loop, [&] {
                weft_awaitable *both[] = { coro(w), coro(w) };
                weft_future *future = nullptr;
                weft_as_completed *ends = nullptr;
                if (kind == GATHER) {
                    result = weft_gather(both, 2, 0, &future);
                } else if (kind == SHIELD) {
                    result = weft_shield(both[0], &future);
                    weft_coro_close(static_cast<weft_coro *>(both[1]));
                } else {
                    result = weft_as_completed(both, 2, WEFT_S(9), &ends);
                }
                weft_as_completed_destroy(ends);
                weft_future_unref(future);
                (void)weft_sleep(0);
                (void)weft_sleep(0);
                n_tasks = static_cast<size_t>(weft_all_tasks(nullptr, nullptr, 0));
                return 0;
            });
            if (r == 0 && result < 0) {
                CHECK(w.n_begun == 0);
                CHECK(n_tasks == 1);
            }
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return r < 0 ? r : result;
        },
        { WEFT_ENOSTACK, 0 }); /* 0: a child went without */
    CHECK(n_failed > 5);
}

namespace
{

struct job {
    const char *name;
    weft_duration time;
    int code;
};

int work(void *data)
{
    const job *j = static_cast<job *>(data);
    int r = weft_sleep(j->time);
    return r < 0         ? r
           : j->code < 0 ? j->code
                         : weft_return_ptr(const_cast<char *>(j->name), nullptr);
}

/* Ask once and write down what came. */
void ask(weft_as_completed *ends, trace &seen)
{
    weft_value value = weft_value_none();
    int r = weft_as_completed_next(ends, &value);
    seen.emplace_back(r == 0 ? static_cast<const char *>(value.as.ptr) : weft_error_name(r));
}

} // namespace

TEST_CASE("as_completed: duplicates count once, and the end is told", "[task][as_completed]")
{
    virtual_loop loop;
    trace seen;
    job a = { "a", WEFT_MS(2), 0 };
    job b = { "b", WEFT_MS(1), VALUE };

    REQUIRE(run(loop, [&] {
                weft_coro *twice = weft_coro_create(work, &a);
                weft_task *task;
                WEFT_TRY(weft_create_task(weft_coro_create(work, &b), &task));
                weft_awaitable *all[] = { twice, task, twice, task };
                weft_as_completed *ends;
                WEFT_TRY(weft_as_completed(all, 4, WEFT_FOREVER, &ends));
                while (weft_as_completed_has_next(ends)) {
                    ask(ends, seen);
                }
                ask(ends, seen);
                weft_as_completed_destroy(ends);
                weft_future_unref(task);
                return 0;
            }) == 0);
    CHECK(seen == trace{ "EUSER(0)", "a", "WEFT_EINVALIDSTATE" });
}

TEST_CASE("as_completed: hands over the very tasks that ended", "[task][as_completed]")
{
    log_recorder log;
    virtual_loop loop;
    job a = { "a", WEFT_MS(2), 0 };
    job b = { "b", WEFT_MS(1), 0 };
    bool is_same = false;
    int late = 0;

    REQUIRE(run(loop, [&] {
                weft_task *tasks[2];
                WEFT_TRY(weft_create_task(weft_coro_create(work, &a), &tasks[0]));
                WEFT_TRY(weft_create_task(weft_coro_create(work, &b), &tasks[1]));
                weft_awaitable *all[] = { tasks[0], tasks[1] };
                weft_as_completed *ends;
                weft_future *first;
                weft_future *second;
                WEFT_TRY(weft_as_completed(all, 2, WEFT_US(1500), &ends));
                WEFT_TRY(weft_as_completed_next_future(ends, &first));
                late = weft_as_completed_next_future(ends, &second);
                is_same = first == tasks[1] && weft_future_done(first);
                weft_as_completed_destroy(ends);
                weft_future_unref(first);
                weft_future_unref(tasks[0]);
                weft_future_unref(tasks[1]);
                return 0;
            }) == 0);
    CHECK(is_same);
    CHECK(late == WEFT_ETIMEDOUT);
}

TEST_CASE("as_completed: several askers are served in turn, a cancelled one passes on",
          "[task][as_completed][cancel]")
{
    log_recorder log;
    virtual_loop loop;
    trace seen;
    job jobs[] = { { "a", WEFT_MS(1), 0 }, { "b", WEFT_MS(2), 0 }, { "c", WEFT_MS(3), 0 } };

    REQUIRE(run(loop, [&] {
                weft_awaitable *all[] = { weft_coro_create(work, &jobs[0]),
                                          weft_coro_create(work, &jobs[1]),
                                          weft_coro_create(work, &jobs[2]) };
                weft_as_completed *ends;
                weft_task *askers[3];
                WEFT_TRY(weft_as_completed(all, 3, WEFT_FOREVER, &ends));
                for (weft_task *&asker : askers) {
                    WEFT_TRY(weft_create_task(weft_as_completed_next_coro(ends), &asker));
                }
                seen.emplace_back(weft_as_completed_has_next(ends) ? "more" : "all asked for");
                WEFT_TRY(weft_sleep(0));
                weft_task_cancel(askers[1], nullptr);
                for (weft_task *asker : askers) {
                    weft_value value = weft_value_none();
                    int r = weft_await(asker, &value);
                    seen.emplace_back(r == 0 ? static_cast<const char *>(value.as.ptr)
                                             : weft_error_name(r));
                    weft_future_unref(asker);
                }
                weft_as_completed_destroy(ends);
                return 0;
            }) == 0);
    CHECK(seen == trace{ "all asked for", "a", "WEFT_ECANCELED", "b" });
}

TEST_CASE("as_completed: a loop that closes leaves the iterator to its owner",
          "[task][as_completed][close]")
{
    log_recorder log;
    weft_as_completed *ends = nullptr;
    wf_alloc_count_blocks(true);
    {
        virtual_loop loop;
        job a = { "a", WEFT_S(2), 0 };
        REQUIRE(run(loop, [&] {
                    weft_awaitable *all[] = { weft_coro_create(work, &a) };
                    WEFT_TRY(weft_as_completed(all, 1, WEFT_S(1), &ends));
                    return weft_create_task(weft_as_completed_next_coro(ends), nullptr);
                }) == 0);
        weft_loop_run_once(loop, 0);
    }
    weft_as_completed_destroy(ends);
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 2);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("as_completed: misuse is refused", "[task][as_completed][misuse]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *future = weft_loop_create_future(loop);
    weft_awaitable *one[] = { future };
    weft_as_completed *ends = nullptr;
    weft_value value;

    REQUIRE(weft_as_completed(one, 1, WEFT_FOREVER, &ends) == 0);
    CHECK(weft_as_completed_next(nullptr, &value) == WEFT_EINVAL);
    CHECK(weft_as_completed_next(ends, &value) == WEFT_ERUNTIME);
    CHECK(weft_as_completed_next(reinterpret_cast<weft_as_completed *>(future), &value) ==
          WEFT_EINVAL);
    CHECK(weft_as_completed_has_next(nullptr) == 0);
    weft_as_completed_destroy(nullptr);
    weft_as_completed_destroy(ends);
    weft_future_unref(future);
}

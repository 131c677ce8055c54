/* Futures: one outcome, waiters in order, values with one owner, misuse refused. */
#include "support/virtual_loop.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/future.h"
#include "weft/testing.h"

namespace
{

struct noted {
    trace *events;
    const char *text;
};

int note(weft_future *, void *data)
{
    auto *n = static_cast<noted *>(data);
    n->events->push_back(n->text);
    return 0;
}

int stop(void *loop)
{
    return weft_loop_stop(static_cast<weft_loop *>(loop));
}

/* Run the turns that queued callbacks need. */
void run_some(weft_loop *loop, int n = 3)
{
    for (int i = 0; i < n; i++) {
        REQUIRE(weft_loop_run_once(loop, 0) >= 0);
    }
}

void count_destroy(void *data)
{
    ++*static_cast<int *>(data);
}

} // namespace

TEST_CASE("future: starts pending and belongs to its loop", "[future]")
{
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);
    weft_value value;

    REQUIRE(f != nullptr);
    CHECK_FALSE(weft_future_done(f));
    CHECK_FALSE(weft_future_cancelled(f));
    CHECK(weft_future_get_loop(f) == loop);
    CHECK(weft_future_result(f, &value) == WEFT_EINVALIDSTATE);
    CHECK(weft_future_exception(f, nullptr) == WEFT_EINVALIDSTATE);
    weft_future_unref(f);
}

TEST_CASE("future: callbacks run in order, later, also when it is done already", "[future]")
{
    virtual_loop loop;
    trace events;
    noted first = { &events, "first" }, second = { &events, "second" }, late = { &events, "late" };
    weft_future *f = weft_loop_create_future(loop);

    REQUIRE(weft_future_add_done_callback(f, note, &first) == 0);
    REQUIRE(weft_future_add_done_callback(f, note, &second) == 0);
    REQUIRE(weft_future_set_result(f, weft_value_int(1)) == 0);
    CHECK(events.empty());
    REQUIRE(weft_future_add_done_callback(f, note, &late) == 0);
    CHECK(events.empty());
    run_some(loop);
    CHECK(events == trace{ "first", "second", "late" });
    weft_future_unref(f);
}

TEST_CASE("future: the last reference may go while a callback is queued", "[future]")
{
    virtual_loop loop;
    trace events;
    noted n = { &events, "ran" };
    weft_future *f = weft_loop_create_future(loop);

    REQUIRE(weft_future_add_done_callback(f, note, &n) == 0);
    REQUIRE(weft_future_set_result(f, weft_value_none()) == 0);
    weft_future_unref(f);
    run_some(loop);
    CHECK(events == trace{ "ran" });
}

TEST_CASE("future: removing callbacks counts, and what is queued stays", "[future]")
{
    virtual_loop loop;
    trace events;
    noted a = { &events, "a" }, b = { &events, "b" };
    weft_future *f = weft_loop_create_future(loop);

    weft_future_add_done_callback(f, note, &a);
    weft_future_add_done_callback(f, note, &b);
    weft_future_add_done_callback(f, note, &a);
    CHECK(weft_future_remove_done_callback(f, note, &a) == 2);
    weft_future_set_result(f, weft_value_none());
    CHECK(weft_future_remove_done_callback(f, note, &b) == 0);
    run_some(loop);
    CHECK(events == trace{ "b" });
    weft_future_unref(f);
}

TEST_CASE("future: there is exactly one outcome", "[future]")
{
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);

    SECTION("a result")
    {
        REQUIRE(weft_future_set_result(f, weft_value_int(7)) == 0);
        weft_value value = weft_value_none();
        CHECK(weft_future_result(f, &value) == 0);
        CHECK(value.as.num == 7);
        CHECK(weft_future_result(f, &value) == 0); /* plain data is copied */
    }
    SECTION("an error")
    {
        REQUIRE(weft_future_set_exception(f, WEFT_EUSER(3), "no %s", "luck") == 0);
        const weft_error *error = nullptr;
        CHECK(weft_future_exception(f, &error) == WEFT_EUSER(3));
        CHECK(std::string(weft_error_get_message(error)) == "no luck");
        CHECK(weft_future_result(f, nullptr) == WEFT_EUSER(3));
    }
    SECTION("a cancel")
    {
        REQUIRE(weft_future_cancel(f, "enough") == 0);
        CHECK(weft_future_cancelled(f));
        CHECK(weft_future_result(f, nullptr) == WEFT_ECANCELED);
        CHECK(std::string(weft_current_message(WEFT_ECANCELED)) == "enough");
    }
    CHECK(weft_future_set_result(f, weft_value_none()) == WEFT_EINVALIDSTATE);
    CHECK(weft_future_set_exception(f, -1, "no") == WEFT_EINVALIDSTATE);
    CHECK(weft_future_cancel(f, nullptr) == WEFT_EINVALIDSTATE);
    weft_future_unref(f);
}

TEST_CASE("future: a value with a destructor has one owner", "[future]")
{
    virtual_loop loop;
    int n_destroyed = 0;
    weft_future *f = weft_loop_create_future(loop);

    REQUIRE(weft_future_set_result(f, weft_value_ptr(&n_destroyed, count_destroy)) == 0);
    SECTION("whoever takes it")
    {
        weft_value value = weft_value_none();
        REQUIRE(weft_future_result(f, &value) == 0);
        CHECK(weft_future_result(f, &value) == WEFT_EINVALIDSTATE);
        weft_future_unref(f);
        CHECK(n_destroyed == 0);
        weft_value_clear(&value);
    }
    SECTION("the runtime, when nobody does")
    {
        CHECK(weft_future_result(f, nullptr) == 0);
        weft_future_unref(f);
    }
    CHECK(n_destroyed == 1);
}

TEST_CASE("future: an error that nobody asked for is reported once, at the release", "[future]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);

    weft_future_set_exception(f, WEFT_EUSER(1), "lost");
    SECTION("nobody asked")
    {
        CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 0);
        weft_future_unref(f);
        CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);
        CHECK(log.has("Future exception was never retrieved"));
        CHECK(log.has("lost"));
        CHECK(log.has("test_future.cpp"));
    }
    SECTION("a refused cancel has looked at it")
    {
        CHECK(weft_future_cancel(f, nullptr) == WEFT_EINVALIDSTATE);
        weft_future_unref(f);
        CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 0);
    }
}

TEST_CASE("future: misuse is refused before anything changes", "[future]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);
    int codes[5] = { 0, 0, 0, 0, 0 };

    std::thread([&] {
        codes[0] = weft_future_set_result(f, weft_value_none());
        codes[1] = weft_future_cancel(f, nullptr);
        codes[2] = weft_future_add_done_callback(f, note, nullptr);
        codes[3] = weft_future_done(f);
        codes[4] = weft_future_set_exception(f, -1, "no");
    }).join();
    CHECK(codes[0] == WEFT_EWRONGTHREAD);
    CHECK(codes[1] == WEFT_EWRONGTHREAD);
    CHECK(codes[2] == WEFT_EWRONGTHREAD);
    CHECK(codes[3] == 0);
    CHECK(codes[4] == WEFT_EWRONGTHREAD);
    CHECK(log.count(WEFT_REPORT_WRONG_THREAD) == 5);
    CHECK_FALSE(weft_future_done(f));

    CHECK(weft_future_set_exception(f, 5, "not negative") == WEFT_EINVAL);
    CHECK(weft_future_add_done_callback(f, nullptr, nullptr) == WEFT_EINVAL);
    CHECK(weft_future_cancel(nullptr, nullptr) == WEFT_EINVAL);
    int other = 0;
    CHECK(weft_future_set_result(reinterpret_cast<weft_future *>(&other), weft_value_none()) ==
          WEFT_EINVAL);
    weft_future_unref(f);
}

TEST_CASE("future: other threads ask for a cancel and give references back", "[future][threads]")
{
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);
    int code = -1;

    weft_future_ref(f);
    std::thread([&] {
        code = weft_future_cancel_threadsafe(f);
        weft_future_cancel_threadsafe(f); /* twice is once */
        weft_future_unref(f);
    }).join();
    CHECK(code == 0);
    CHECK_FALSE(weft_future_done(f));
    run_some(loop);
    CHECK(weft_future_cancelled(f));
    weft_future_unref(f);
}

TEST_CASE("future: references given back to a closed loop are not lost", "[future][threads]")
{
    wf_alloc_count_blocks(true);
    {
        weft_future *f;
        {
            virtual_loop loop;
            f = weft_loop_create_future(loop);
        }
        std::thread([&] { weft_future_unref(f); }).join();
    }
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("future: threads release together what outlived its loop", "[future][threads][regress]")
{
    constexpr int n_threads = 4;
    constexpr int n_futures = 500;

    wf_alloc_count_blocks(true);
    {
        std::vector<weft_future *> futures;
        std::atomic<int> n_wrong{ 0 };
        {
            virtual_loop loop;
            for (int i = 0; i < n_futures; i++) {
                weft_future *f = weft_loop_create_future(loop);
                for (int k = 1; k < n_threads; k++) {
                    weft_future_ref(f);
                }
                futures.push_back(f);
            }
        }
        std::atomic<int> turn{ 0 };
        auto release = [&](bool cancels_first) {
            for (int i = 0; i < n_futures; i++) {
                turn++;
                while (turn < (i + 1) * n_threads) { /* all at once */
                }
                if (cancels_first) {
                    int r = weft_future_cancel_threadsafe(futures[i]);
                    n_wrong += r != WEFT_ECLOSED && r != 0; /* 0: asked along with another */
                }
                weft_future_unref(futures[i]);
            }
        };
        std::vector<std::thread> threads;
        for (int k = 1; k < n_threads; k++) {
            threads.emplace_back(release, k == 1);
        }
        release(false); /* the owner of the loop that was */
        for (std::thread &thread : threads) {
            thread.join();
        }
        CHECK(n_wrong == 0);
    }
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("future: a forked child leaves its parent's loop alone", "[future][fork][regress]")
{
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);
    weft_future_ref(f);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int n_wrong = weft_future_cancel_threadsafe(f) != WEFT_EFORKED;
        n_wrong += weft_future_unref(f) != nullptr;
        n_wrong += weft_future_cancel_threadsafe(f) != WEFT_EFORKED; /* it is still there */
        _exit(n_wrong);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    weft_future_unref(f);
    weft_future_unref(f);
    weft_raise(nullptr);
}

TEST_CASE("future: a failing callback is reported with its function", "[future]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *f = weft_loop_create_future(loop);
    auto fails = [](weft_future *, void *) -> int { return weft_fail(WEFT_EUSER(9), "broken"); };

    weft_future_add_done_callback(f, fails, nullptr);
    weft_future_set_result(f, weft_value_none());
    run_some(loop);
    CHECK(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == 1);
    CHECK(log.has("broken"));
    weft_future_unref(f);
}

TEST_CASE("future: out of memory is a code", "[future][oom]")
{
    log_recorder log;
    int n_failed = sweep_out_of_memory([] {
        weft_loop *loop;
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = 1;
        int r = weft_new_event_loop(&options, &loop);
        if (r < 0) {
            return r == -EMFILE || r == -ENOSPC ? WEFT_ENOMEM : r;
        }
        weft_future *f = weft_loop_create_future(loop);
        r = f == nullptr ? WEFT_ENOMEM : 0;
        if (r == 0) {
            trace events;
            noted n = { &events, "x" };
            r = weft_future_add_done_callback(f, note, &n);
            weft_future_set_result(f, weft_value_none());
            int queued = weft_loop_call_soon(loop, stop, loop, nullptr);
            r = r < 0 ? r : queued;
            weft_loop_run_once(loop, 0);
        }
        weft_future_unref(f);
        weft_loop_close(loop);
        weft_loop_unref(loop);
        return r;
    });
    CHECK(n_failed > 2);
}

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "recorder.h"

extern "C" {
#include "loop/loop.h"
}

TEST_CASE("loop: has a name and the options it was made with", "[loop][life]")
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *named = nullptr;
    weft_loop *first = nullptr;
    weft_loop *second = nullptr;

    options.name = "main";
    options.stack_size = 128 * 1024;
    REQUIRE(weft_new_event_loop(&options, &named) == 0);
    REQUIRE(weft_new_event_loop(nullptr, &first) == 0);
    REQUIRE(weft_new_event_loop(nullptr, &second) == 0);
    REQUIRE(std::string(weft_loop_get_name(named)) == "main");
    REQUIRE(named->stack_size == 128 * 1024);
    REQUIRE(first->stack_size == 64 * 1024);
    REQUIRE(std::string(weft_loop_get_name(first)).find("loop-") == 0);
    REQUIRE(std::string(weft_loop_get_name(first)) != weft_loop_get_name(second));
    for (weft_loop *loop : { named, first, second }) {
        REQUIRE(weft_loop_close(loop) == 0);
        REQUIRE(weft_loop_unref(loop) == nullptr);
    }
    REQUIRE(weft_new_event_loop(nullptr, nullptr) == WEFT_EINVAL);
}

TEST_CASE("loop: an older caller's shorter options are taken as they are", "[loop][life]")
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop = nullptr;

    options.size = offsetof(weft_loop_options, virtual_clock);
    options.name = "old";
    options.virtual_clock = 1; /* beyond what the caller knows */
    REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    REQUIRE_FALSE(loop->poller.is_virtual);
    REQUIRE(std::string(weft_loop_get_name(loop)) == "old");
    weft_loop_close(loop);
    weft_loop_unref(loop);
}

TEST_CASE("loop: a closed one refuses everything but to be closed", "[loop][life][close]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    Log log;

    weft_loop_call_soon(loop, record, &a, nullptr);
    weft_loop_call_later(loop, 0, record, &a, nullptr);
    REQUIRE(weft_loop_is_closed(loop) == 0);
    REQUIRE(weft_loop_close(loop) == 0);
    REQUIRE(weft_loop_is_closed(loop) == 1);
    REQUIRE(weft_loop_close(loop) == 0);

    REQUIRE(weft_loop_call_soon(loop, record, &a, nullptr) == WEFT_ECLOSED);
    REQUIRE(weft_loop_call_later(loop, 1, record, &a, nullptr) == WEFT_ECLOSED);
    REQUIRE(weft_loop_call_at(loop, 1, record, &a, nullptr) == WEFT_ECLOSED);
    REQUIRE(weft_loop_call_soon_threadsafe(loop, record, &a, nullptr) == WEFT_ECLOSED);
    REQUIRE(weft_loop_run_forever(loop) == WEFT_ECLOSED);
    REQUIRE(weft_loop_run_once(loop, 0) == WEFT_ECLOSED);
    REQUIRE(weft_loop_add_reader(loop, 0, record, &a) == WEFT_ECLOSED);
    REQUIRE(weft_loop_fd(loop) == WEFT_ECLOSED);
    REQUIRE(weft_loop_stop_threadsafe(loop) == WEFT_ECLOSED);
    REQUIRE(trace.names.empty());
    REQUIRE(log.entries.empty()); /* returned, not logged */
}

TEST_CASE("loop: one that nobody closed says so", "[loop][life][close]")
{
    Log log;
    Blocks blocks;
    Trace trace;
    Step a{ &trace, "a" };
    weft_loop *loop = nullptr;

    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    weft_loop_call_soon(loop, record, &a, nullptr);
    REQUIRE(weft_loop_ref(loop) == loop);
    weft_loop_unref(loop);
    REQUIRE(log.entries.empty());

    SECTION("here")
    {
        weft_loop_unref(loop);
    }
    SECTION("on another thread, as the last one")
    {
        std::thread([&] { weft_loop_unref(loop); }).join();
    }
    REQUIRE(log.entries.size() == 1);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_UNCLOSED_LOOP);
    REQUIRE(trace.names.empty());
    REQUIRE(blocks.held() == 0);
}

TEST_CASE("loop: every call of a foreign thread is refused before it changes anything",
          "[loop][life][threads]")
{
    Loop loop;
    Log log;
    Trace trace;
    Step a{ &trace, "a" };
    weft_handle *handle = nullptr;
    std::vector<int> results;
    int n_neutral = 0;

    weft_loop_call_soon(loop, record, &a, &handle);
    std::thread([&] {
        weft_handle *out = nullptr;
        weft_loop *it = loop;
        results = {
            weft_loop_call_soon(it, record, &a, &out),
            weft_loop_call_later(it, 1, record, &a, &out),
            weft_loop_call_at(it, 1, record, &a, &out),
            weft_loop_stop(it),
            weft_loop_close(it),
            weft_loop_run_forever(it),
            weft_loop_run_once(it, 0),
            weft_loop_fd(it),
            weft_loop_add_reader(it, 0, record, &a),
            weft_loop_add_writer(it, 0, record, &a),
            weft_loop_remove_reader(it, 0),
            weft_loop_set_debug(it, WEFT_DEBUG_FULL),
            weft_loop_set_slow_callback_duration(it, 1),
            weft_loop_set_exception_handler(it, nullptr, nullptr),
            weft_testing_advance(it, 1),
            weft_handle_cancel(handle),
        };
        n_neutral += weft_loop_time(it) == 0;
        n_neutral += weft_loop_next_deadline(it) == WEFT_FOREVER;
        n_neutral += weft_handle_cancelled(handle) == 0;
        n_neutral += weft_handle_when(handle) == 0;
        n_neutral += out == nullptr;
        n_neutral += weft_get_running_loop() == nullptr;
    }).join();
    for (size_t i = 0; i < results.size(); i++) {
        CAPTURE(i);
        CHECK(results[i] == WEFT_EWRONGTHREAD);
    }
    REQUIRE(n_neutral == 6);
    REQUIRE(log.entries.size() == results.size() + 4);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_WRONG_THREAD);
    REQUIRE(log.entries[0].message.find(weft_loop_get_name(loop)) != std::string::npos);
    REQUIRE(log.entries[0].message.find(std::to_string(getpid())) != std::string::npos);
    REQUIRE(weft_loop_run_once(loop, 0) == 1);
    REQUIRE(trace.joined() == "a");
    weft_handle_unref(handle);
}

TEST_CASE("loop: can be handed to another thread while it does not run", "[loop][life][threads]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    int set = 1, ran = -1, running = 0;
    Log log;

    weft_loop_call_soon(loop, record, &a, nullptr);
    std::thread([&] {
        set = weft_set_event_loop(loop);
        ran = weft_loop_run_once(loop, 0);
    }).join();
    REQUIRE(set == 0);
    REQUIRE(ran == 1);
    REQUIRE(trace.joined() == "a");
    REQUIRE(weft_loop_run_once(loop, 0) == WEFT_EWRONGTHREAD);
    REQUIRE(weft_set_event_loop(loop) == 0);
    REQUIRE(weft_set_event_loop(nullptr) == 0);

    struct Attempt {
        weft_loop *loop;
        int *result;
    } attempt{ loop, &running };
    weft_loop_call_soon(
        loop,
        [](void *data) {
            auto *it = static_cast<Attempt *>(data);
            *it->result = weft_set_event_loop(it->loop);
            return 0;
        },
        &attempt, nullptr);
    loop.turns(1);
    REQUIRE(running == WEFT_EINVALIDSTATE);
}

TEST_CASE("loop: what is no loop is told from a loop", "[loop][life][misuse]")
{
    Log log;
    Trace trace;
    Step a{ &trace, "a" };
    std::vector<char> zeros(sizeof(weft_loop));
    auto *no_loop = reinterpret_cast<weft_loop *>(zeros.data());

    REQUIRE(weft_loop_call_soon(no_loop, record, &a, nullptr) == WEFT_EINVAL);
    REQUIRE(weft_loop_stop_threadsafe(no_loop) == WEFT_EINVAL);
    REQUIRE(weft_loop_call_soon_threadsafe(no_loop, record, &a, nullptr) == WEFT_EINVAL);
    REQUIRE(weft_loop_is_running(no_loop) == 0);
    REQUIRE(weft_loop_unref(no_loop) == nullptr);
    REQUIRE(weft_loop_stop(nullptr) == WEFT_ENOLOOP);
    REQUIRE(weft_loop_stop_threadsafe(nullptr) == WEFT_ENOLOOP);
}

/* ---- forks -------------------------------------------------------------- */

struct Fork {
    weft_loop *loop;
    pid_t child = -1;
};

/* What the child finds wrong, as its exit status; 0 when all is as promised. */
static int misbehaviour_in_child(weft_loop *loop)
{
    weft_loop *own = nullptr;

    if (weft_loop_call_soon(loop, stop_loop, nullptr, nullptr) != WEFT_EFORKED) {
        return 1;
    }
    if (weft_loop_run_forever(loop) != WEFT_EFORKED) {
        return 2;
    }
    if (weft_loop_close(loop) != WEFT_EFORKED) {
        return 3;
    }
    if (weft_loop_stop_threadsafe(loop) != WEFT_EFORKED) {
        return 4;
    }
    if (weft_new_event_loop(nullptr, &own) != 0) {
        return 5;
    }
    weft_loop_stop(own);
    if (weft_loop_run_forever(own) != 0) {
        return 6;
    }
    weft_loop_close(own);
    weft_loop_unref(own);
    return 0;
}

static int fork_here(void *data)
{
    auto *it = static_cast<Fork *>(data);

    it->child = fork();
    return 0;
}

TEST_CASE("loop: in a forked child the parent's loop is left alone", "[loop][life][fork]")
{
    Loop loop;
    Fork forking{ loop };
    int status = -1;

    SECTION("forked outside the loop")
    {
        forking.child = fork();
        if (forking.child == 0) {
            _exit(misbehaviour_in_child(loop));
        }
    }
    SECTION("forked in a callback: the run ends in the child")
    {
        weft_loop_call_soon(loop, fork_here, &forking, nullptr);
        weft_loop_stop(loop);
        int r = weft_loop_run_forever(loop);
        if (forking.child == 0) {
            _exit(r != WEFT_EFORKED                    ? 7
                  : weft_get_running_loop() != nullptr ? 8
                                                       : misbehaviour_in_child(loop));
        }
        REQUIRE(r == 0);
    }
    REQUIRE(forking.child > 0);
    REQUIRE(waitpid(forking.child, &status, 0) == forking.child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);

    Trace trace;
    Step a{ &trace, "a" };
    weft_loop_call_soon(loop, record, &a, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "a");
}

/* ---- memory ------------------------------------------------------------- */

TEST_CASE("loop: making one fails cleanly at every allocation", "[loop][life][oom]")
{
    Blocks blocks;
    auto *untouched = reinterpret_cast<weft_loop *>(&blocks);
    long n = 0;
    int r;

    do {
        weft_loop *loop = untouched;
        weft_testing_fail_allocation_after(n++);
        r = weft_new_event_loop(nullptr, &loop);
        weft_testing_fail_allocation_after(-1);
        if (r == 0) {
            weft_loop_close(loop);
            weft_loop_unref(loop);
        } else {
            CHECK((r == WEFT_ENOMEM || r == -EMFILE));
            CHECK(loop == untouched);
            CHECK(blocks.held() == 0);
        }
    } while (r != 0 && n < 20);
    REQUIRE(r == 0);
    REQUIRE(n == 5); /* loop, name, doorbell, epoll set, and none */
    REQUIRE(blocks.held() == 0);
}

TEST_CASE("loop: sharing what is no loop is refused and changes nothing", "[loop][life][misuse]")
{
    Log log;
    uint32_t words[64] = { 1, 2, 3 };
    auto *no_loop = reinterpret_cast<weft_loop *>(words);

    REQUIRE(weft_loop_ref(no_loop) == no_loop);
    REQUIRE(words[0] == 1);
    REQUIRE(words[1] == 2);
    REQUIRE(weft_loop_unref(no_loop) == nullptr);
    REQUIRE(weft_loop_ref(nullptr) == nullptr);
    REQUIRE(log.entries.size() == 1);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_MISUSE);
    weft_raise(nullptr);
}

#include <catch2/catch.hpp>

#include <thread>

#include "recorder.h"

TEST_CASE("handle: a cancelled callback does not run", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" };
    weft_handle *handle = nullptr;

    REQUIRE(weft_loop_call_soon(loop, record, &a, &handle) == 0);
    REQUIRE(weft_loop_call_soon(loop, record, &b, nullptr) == 0);
    REQUIRE(weft_handle_cancelled(handle) == 0);
    REQUIRE(weft_handle_cancel(handle) == 0);
    REQUIRE(weft_handle_cancelled(handle) == 1);
    REQUIRE(weft_handle_cancel(handle) == 0);
    loop.turns(1);
    REQUIRE(trace.joined() == "b");
    REQUIRE(weft_handle_unref(handle) == nullptr);
}

static int cancel_handle(void *data)
{
    return weft_handle_cancel(*static_cast<weft_handle **>(data));
}

TEST_CASE("handle: cancelled in the very batch that would run it", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    weft_handle *soon = nullptr;
    weft_handle *due = nullptr;
    Step first{ &trace, "first", cancel_handle, &soon };
    Step second{ &trace, "second", cancel_handle, &due };
    Step victim{ &trace, "victim" };

    weft_loop_call_soon(loop, record, &first, nullptr);
    weft_loop_call_soon(loop, record, &second, nullptr);
    weft_loop_call_soon(loop, record, &victim, &soon);
    weft_loop_call_later(loop, 0, record, &victim, &due);
    loop.turns(2);
    REQUIRE(trace.joined() == "first second");
    REQUIRE(weft_handle_cancelled(soon) == 1);
    REQUIRE(weft_handle_cancelled(due) == 1);
    weft_handle_unref(soon);
    weft_handle_unref(due);
}

TEST_CASE("handle: giving the reference back leaves the callback scheduled", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" };
    weft_handle *soon = nullptr;
    weft_handle *later = nullptr;

    weft_loop_call_soon(loop, record, &a, &soon);
    weft_loop_call_later(loop, WEFT_S(1), record, &b, &later);
    weft_handle_unref(soon);
    weft_handle_unref(later);
    while (trace.names.size() < 2) {
        weft_loop_run_once(loop, WEFT_FOREVER);
    }
    REQUIRE(trace.joined() == "a b");
    REQUIRE(weft_handle_unref(nullptr) == nullptr);
}

static int unref_handle(void *data)
{
    weft_handle_unref(*static_cast<weft_handle **>(data));
    return 0;
}

TEST_CASE("handle: a callback may release and cancel its own handle", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    weft_handle *handle = nullptr;
    Step a{ &trace, "a", unref_handle, &handle };

    SECTION("release")
    {
        weft_loop_call_soon(loop, record, &a, &handle);
        loop.turns(1);
    }
    SECTION("cancel")
    {
        a.then = cancel_handle;
        weft_loop_call_soon(loop, record, &a, &handle);
        loop.turns(1);
        weft_handle_unref(handle);
    }
    REQUIRE(trace.joined() == "a");
}

TEST_CASE("handle: its moment is the deadline, 0 without one", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    weft_handle *handle = nullptr;
    weft_time now = weft_loop_time(loop);

    weft_loop_call_soon(loop, record, &a, &handle);
    REQUIRE(weft_handle_when(handle) == 0);
    weft_handle_unref(handle);
    weft_loop_call_later(loop, WEFT_MS(7), record, &a, &handle);
    REQUIRE(weft_handle_when(handle) == now + WEFT_MS(7));
    weft_handle_cancel(handle);
    weft_handle_unref(handle);
    weft_loop_call_at(loop, 12345, record, &a, &handle);
    REQUIRE(weft_handle_when(handle) == 12345);
    weft_handle_unref(handle);
    weft_loop_call_later(loop, WEFT_FOREVER, record, &a, &handle);
    REQUIRE(weft_handle_when(handle) == WEFT_FOREVER);
    REQUIRE(weft_handle_cancel(handle) == 0);
    weft_handle_unref(handle);
    REQUIRE(weft_loop_call_later(loop, WEFT_FOREVER, record, &a, nullptr) == 0);
}

TEST_CASE("handle: bad arguments are refused and change nothing", "[loop][handle][misuse]")
{
    Loop loop;
    Log log;
    int not_a_handle[64] = { 0 };
    auto *handle = reinterpret_cast<weft_handle *>(not_a_handle);
    auto *untouched = reinterpret_cast<weft_handle *>(&loop);
    weft_handle *out = untouched;

    REQUIRE(weft_loop_call_soon(loop, static_cast<weft_callback_fn *>(nullptr), nullptr, &out) ==
            WEFT_EINVAL);
    REQUIRE(weft_loop_call_later(loop, 1, static_cast<weft_callback_fn *>(nullptr), nullptr,
                                 &out) == WEFT_EINVAL);
    REQUIRE(weft_loop_call_soon_threadsafe(loop, static_cast<weft_callback_fn *>(nullptr), nullptr,
                                           &out) == WEFT_EINVAL);
    REQUIRE(out == untouched);
    REQUIRE(weft_handle_cancel(handle) == WEFT_EINVAL);
    REQUIRE(weft_handle_cancel(nullptr) == WEFT_EINVAL);
    REQUIRE(weft_handle_cancelled(handle) == 0);
    REQUIRE(weft_handle_when(handle) == 0);
    REQUIRE(log.entries.size() == 7);
    for (const auto &entry : log.entries) {
        CHECK(entry.kind == WEFT_REPORT_MISUSE);
    }
    REQUIRE(weft_loop_call_soon(nullptr, record, nullptr, &out) == WEFT_ENOLOOP);
}

TEST_CASE("handle: outlives its loop", "[loop][handle][close]")
{
    Trace trace;
    Step a{ &trace, "a" };
    weft_handle *soon = nullptr;
    weft_handle *later = nullptr;
    Blocks blocks;

    {
        Loop loop;
        weft_loop_call_soon(loop, record, &a, &soon);
        weft_loop_call_later(loop, WEFT_S(1), record, &a, &later);
    }
    REQUIRE(trace.names.empty());
    REQUIRE(weft_handle_cancelled(soon) == 0);
    REQUIRE(weft_handle_cancel(later) == 0);
    weft_handle_unref(soon);
    weft_handle_unref(later);
    REQUIRE(blocks.held() == 0);
}

TEST_CASE("handle: scheduling in a steady state allocates nothing", "[loop][handle]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };

    weft_loop_call_soon(loop, record, &a, nullptr);
    weft_loop_call_later(loop, 0, record, &a, nullptr);
    loop.turns(1);
    weft_testing_fail_allocation_after(0);
    int soon = weft_loop_call_soon(loop, record, &a, nullptr);
    int later = weft_loop_call_later(loop, 0, record, &a, nullptr);
    weft_testing_fail_allocation_after(-1);
    REQUIRE(soon == 0);
    REQUIRE(later == 0);
    loop.turns(1);
    REQUIRE(trace.names.size() == 4);
}

TEST_CASE("handle: without memory nothing is scheduled", "[loop][handle][oom]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    auto *untouched = reinterpret_cast<weft_handle *>(&loop);
    weft_handle *handle = untouched;

    weft_testing_fail_allocation_after(0);
    int soon = weft_loop_call_soon(loop, record, &a, &handle);
    int later = weft_loop_call_later(loop, 1, record, &a, &handle);
    weft_testing_fail_allocation_after(1); /* the handle, but not the heap's array */
    int no_heap = weft_loop_call_later(loop, 1, record, &a, &handle);
    weft_testing_fail_allocation_after(-1);
    REQUIRE(soon == WEFT_ENOMEM);
    REQUIRE(later == WEFT_ENOMEM);
    REQUIRE(no_heap == WEFT_ENOMEM);
    REQUIRE(handle == untouched);
    loop.turns(1);
    REQUIRE(trace.names.empty());
}

/* ---- from other threads ------------------------------------------------- */

TEST_CASE("handle: callbacks of one thread keep their order", "[loop][handle][threads]")
{
    Loop loop;
    Trace trace;
    Step steps[5] = {
        { &trace, "0" }, { &trace, "1" }, { &trace, "2" }, { &trace, "3" }, { &trace, "4" }
    };
    weft_handle *handles[5] = {};
    int failures = 0;

    std::thread poster([&] {
        for (int i = 0; i < 5; i++) {
            failures += weft_loop_call_soon_threadsafe(loop, record, &steps[i], &handles[i]) != 0;
        }
    });
    poster.join();
    REQUIRE(failures == 0);
    REQUIRE(weft_handle_cancel(handles[3]) == 0); /* still in the mailbox */
    loop.turns(1);
    REQUIRE(trace.joined() == "0 1 2 4");
    for (weft_handle *handle : handles) {
        weft_handle_unref(handle);
    }
}

struct Mixed {
    weft_loop *loop;
    Step *a, *b, *c;
};

static int queue_mixed(void *data)
{
    auto *mixed = static_cast<Mixed *>(data);

    weft_loop_call_soon(mixed->loop, record, mixed->a, nullptr);
    weft_loop_call_soon_threadsafe(mixed->loop, record, mixed->b, nullptr);
    return weft_loop_call_soon(mixed->loop, record, mixed->c, nullptr);
}

TEST_CASE("handle: inside the loop threadsafe queues like call_soon", "[loop][handle][threads]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" }, b{ &trace, "b" }, c{ &trace, "c" };
    Mixed mixed{ loop, &a, &b, &c };

    weft_loop_call_soon(loop, queue_mixed, &mixed, nullptr);
    loop.turns(2);
    REQUIRE(trace.joined() == "a b c");
}

TEST_CASE("handle: threadsafe allocates the handle and nothing else", "[loop][handle][threads]")
{
    Loop loop;
    Trace trace;
    Step a{ &trace, "a" };
    int none = 0, one = 1;

    std::thread poster([&] {
        weft_testing_fail_allocation_after(0);
        none = weft_loop_call_soon_threadsafe(loop, record, &a, nullptr);
        weft_testing_fail_allocation_after(1);
        one = weft_loop_call_soon_threadsafe(loop, record, &a, nullptr);
        weft_testing_fail_allocation_after(-1);
    });
    poster.join();
    REQUIRE(none == WEFT_ENOMEM);
    REQUIRE(one == 0);
    loop.turns(1);
    REQUIRE(trace.joined() == "a");
}

TEST_CASE("handle: released on another thread it goes to its owner", "[loop][handle][threads]")
{
    Trace trace;
    Step a{ &trace, "a" };
    Blocks blocks;
    {
        Loop loop;
        weft_handle *spent = nullptr;
        weft_handle *scheduled = nullptr;

        weft_loop_call_soon(loop, record, &a, &spent);
        loop.turns(1);
        weft_loop_call_soon(loop, record, &a, &scheduled);
        std::thread([&] {
            weft_handle_unref(spent);
            weft_handle_unref(scheduled);
        }).join();
        loop.turns(1);
    }
    REQUIRE(trace.joined() == "a a");
    REQUIRE(blocks.held() == 0);
}

TEST_CASE("handle: a closed loop refuses, and what it had in its mailbox is dropped",
          "[loop][handle][threads][close]")
{
    Trace trace;
    Step a{ &trace, "a" };
    int late = 0;
    weft_handle *held = nullptr;
    Blocks blocks;
    {
        Loop loop;
        std::thread([&] {
            weft_loop_call_soon_threadsafe(loop, record, &a, nullptr);
            weft_loop_call_soon_threadsafe(loop, record, &a, &held);
        }).join();
        weft_loop_close(loop);
        std::thread([&] {
            late = weft_loop_call_soon_threadsafe(loop, record, &a, nullptr);
        }).join();
        REQUIRE(weft_loop_call_soon_threadsafe(loop, record, &a, nullptr) == WEFT_ECLOSED);
    }
    REQUIRE(late == WEFT_ECLOSED);
    weft_handle_unref(held);
    REQUIRE(trace.names.empty());
    REQUIRE(blocks.held() == 0);
}

TEST_CASE("handle: released on another thread after its loop has closed",
          "[loop][handle][threads][close][regress]")
{
    Trace trace;
    Step a{ &trace, "a" };
    Log log;
    Blocks blocks;
    weft_handle *handles[2] = {};
    {
        Loop loop;
        weft_loop_call_soon(loop, record, &a, &handles[0]);
        std::thread([&] { weft_loop_call_soon_threadsafe(loop, record, &a, &handles[1]); }).join();
    }
    std::thread([&] {
        weft_handle_unref(handles[0]);
        weft_handle_unref(handles[1]);
    }).join();
    REQUIRE(log.entries.empty());
    REQUIRE(trace.names.empty());
    REQUIRE(blocks.held() == 0);
}

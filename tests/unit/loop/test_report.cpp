#include <catch2/catch.hpp>

#include <cstring>

#include "recorder.h"

struct Seen {
    std::vector<std::string> messages;
    weft_loop *loop = nullptr;
    int code = 0;
    int result = 0;
    bool delegates = false;
    std::string trace;
};

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    auto *seen = static_cast<Seen *>(data);

    seen->messages.push_back(context->message);
    seen->loop = loop;
    seen->code = context->code;
    if (context->error != nullptr) {
        seen->trace = weft_error_get_message(context->error);
    }
    if (seen->delegates) {
        weft_loop_default_exception_handler(loop, context);
    }
    return seen->result < 0 ? weft_fail(seen->result, "handler is broken") : 0;
}

static int boom(void *)
{
    return weft_fail(WEFT_EINVAL, "boom");
}

TEST_CASE("report: a failing callback is logged and the pass goes on", "[loop][report]")
{
    Loop loop;
    Log log;
    Trace trace;
    Step before{ &trace, "before" }, after{ &trace, "after" };

    weft_loop_call_soon(loop, record, &before, nullptr);
    weft_loop_call_soon(loop, boom, nullptr, nullptr);
    weft_loop_call_soon(loop, record, &after, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "before after");
    REQUIRE(log.entries.size() == 1);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_CALLBACK_EXCEPTION);
    REQUIRE(log.entries[0].message == "Exception in callback boom()");
    REQUIRE(log.entries[0].subject == "boom");
    REQUIRE(log.entries[0].code == WEFT_EINVAL);
}

TEST_CASE("report: a handler replaces the log, also for timers", "[loop][report]")
{
    Loop loop;
    Log log;
    Seen seen;

    REQUIRE(weft_loop_get_exception_handler(loop) == nullptr);
    REQUIRE(weft_loop_set_exception_handler(loop, handler, &seen) == 0);
    REQUIRE(weft_loop_get_exception_handler(loop) == handler);
    weft_loop_call_later(loop, WEFT_MS(1), boom, nullptr, nullptr);
    weft_loop_run_once(loop, WEFT_FOREVER);
    REQUIRE(seen.messages == std::vector<std::string>{ "Exception in callback boom()" });
    REQUIRE(seen.loop == loop.loop);
    REQUIRE(seen.code == WEFT_EINVAL);
    REQUIRE(seen.trace == "boom");
    REQUIRE(log.entries.empty());

    REQUIRE(weft_loop_set_exception_handler(loop, nullptr, nullptr) == 0);
    weft_loop_call_soon(loop, boom, nullptr, nullptr);
    loop.turns(1);
    REQUIRE(log.entries.size() == 1);
    REQUIRE(seen.messages.size() == 1);
}

TEST_CASE("report: a handler that fails is reported and the loop goes on", "[loop][report]")
{
    Loop loop;
    Log log;
    Seen seen;
    Trace trace;
    Step next{ &trace, "next" };

    seen.result = WEFT_EUSER(7);
    weft_loop_set_exception_handler(loop, handler, &seen);
    weft_loop_call_soon(loop, boom, nullptr, nullptr);
    weft_loop_call_soon(loop, record, &next, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "next");
    REQUIRE(log.entries.size() == 1);
    REQUIRE(log.entries[0].kind == WEFT_REPORT_EXCEPTION_HANDLER_ERROR);
    REQUIRE(log.entries[0].message == "Unhandled error in exception handler");
    REQUIRE(log.entries[0].code == WEFT_EUSER(7));
}

TEST_CASE("report: call_exception_handler reports straight away", "[loop][report]")
{
    Loop loop;
    Log log;
    Seen seen;
    weft_report report = WEFT_REPORT_INIT;

    report.message = "disk is full";
    weft_loop_call_exception_handler(loop, &report);
    REQUIRE(log.entries.size() == 1);
    REQUIRE(log.entries[0].message == "disk is full");

    seen.delegates = true;
    weft_loop_set_exception_handler(loop, handler, &seen);
    weft_loop_call_exception_handler(loop, &report);
    REQUIRE(seen.messages.size() == 1);
    REQUIRE(log.entries.size() == 2);

    weft_loop_call_exception_handler(loop, nullptr);
    REQUIRE(log.entries.size() == 3);
    REQUIRE(log.entries[2].kind == WEFT_REPORT_MISUSE);
    REQUIRE(seen.messages.size() == 1);
}

TEST_CASE("report: the error of the running code survives a handler's own", "[loop][report]")
{
    Loop loop;
    Seen seen;
    weft_report report = WEFT_REPORT_INIT;
    Log log;

    seen.result = WEFT_EUSER(1);
    weft_loop_set_exception_handler(loop, handler, &seen);
    report.message = "something";
    int code = weft_fail(WEFT_EUSER(2), "mine");
    weft_loop_call_exception_handler(loop, &report);
    REQUIRE(std::strcmp(weft_current_message(code), "mine") == 0);
}

static int leave_error(void *)
{
    (void)weft_fail(WEFT_EUSER(3), "of somebody else");
    return 0;
}

static int fail_bare(void *)
{
    return WEFT_EUSER(3);
}

TEST_CASE("report: an error that one callback left is not the next one's", "[loop][report]")
{
    Loop loop;
    Seen seen;

    weft_loop_set_exception_handler(loop, handler, &seen);
    weft_loop_call_soon(loop, leave_error, nullptr, nullptr);
    weft_loop_call_soon(loop, fail_bare, nullptr, nullptr);
    loop.turns(1);
    REQUIRE(seen.code == WEFT_EUSER(3));
    REQUIRE(seen.trace.empty());
}

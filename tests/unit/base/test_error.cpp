/* Error codes, traces, and what happens to them without memory. */
#include <catch2/catch.hpp>

#include <cerrno>
#include <climits>
#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "support/sweep.hpp"
#include "weft/error.h"

extern "C" {
#include "base/error.h"
}

namespace
{

int innermost(int code)
{
    return weft_fail(code, "no route to %s", "mars");
}

int middle(int code)
{
    WEFT_TRY(innermost(code));
    return 0;
}

int outer(int code)
{
    WEFT_TRY(middle(code));
    return 0;
}

int recurse(int depth)
{
    if (depth == 0) {
        return weft_fail(WEFT_EUSER(1), "deep");
    }
    WEFT_TRY(recurse(depth - 1));
    return 0;
}

std::string format(const weft_error *error, size_t size = 4096)
{
    std::string text(size, 'x');
    weft_error_format(error, text.data(), size);
    return std::string(text.c_str());
}

} // namespace

TEST_CASE("error: every code has a name, a text and a number of its own", "[error]")
{
    std::set<int> codes;
#define CHECK_ROW(name, value, text, asyncio)                        \
    CHECK(std::string(weft_error_name(value)) == "WEFT_" #name);     \
    CHECK(std::string(weft_strerror(value)) == (text));              \
    CHECK(std::string(weft_error_asyncio_name(value)) == (asyncio)); \
    CHECK(codes.insert(value).second);                               \
    CHECK((value) <= -5000);
    WEFT_ERROR_MAP(CHECK_ROW)
#undef CHECK_ROW
}

TEST_CASE("error: codes of the system keep their names", "[error]")
{
    CHECK(std::string(weft_error_name(-ECONNREFUSED)) == "ECONNREFUSED");
    CHECK(std::string(weft_strerror(-ECONNREFUSED)) == "Connection refused");
    CHECK(std::string(weft_error_asyncio_name(-ECONNREFUSED)) == "ConnectionRefusedError");
    CHECK(std::string(weft_error_asyncio_name(-EPIPE)) == "BrokenPipeError");
    CHECK(std::string(weft_error_asyncio_name(-EMFILE)) == "OSError");
    CHECK(std::string(weft_error_name(0)) == "0");
    CHECK(std::string(weft_strerror(0)) == "success");
}

TEST_CASE("error: codes of applications and codes of nobody", "[error]")
{
    CHECK(std::string(weft_error_name(WEFT_EUSER(3))) == "EUSER(3)");
    CHECK(std::string(weft_strerror(WEFT_EUSER(89999))) == "application error 89999");
    CHECK(std::string(weft_error_asyncio_name(WEFT_EUSER(0))) == "Exception");
    CHECK(std::string(weft_error_name(-4999)) == "error -4999");
    CHECK(std::string(weft_strerror(7)) == "unknown error 7");
    CHECK(std::string(weft_error_asyncio_name(7)) == "Exception");
}

TEST_CASE("error: the least number of all is a code like any other", "[error][regress]")
{
    CHECK(std::string(weft_error_name(INT_MIN)) == "error -2147483648");
    CHECK(std::string(weft_strerror(INT_MIN)) == "unknown error -2147483648");
    CHECK(std::string(weft_error_asyncio_name(INT_MIN)) == "Exception");
}

TEST_CASE("error: a trace holds message and places, the innermost first", "[error]")
{
    REQUIRE(outer(WEFT_EUSER(5)) == WEFT_EUSER(5));
    const weft_error *error = weft_current_error();
    REQUIRE(error != nullptr);
    CHECK(weft_error_get_code(error) == WEFT_EUSER(5));
    CHECK(std::string(weft_error_get_message(error)) == "no route to mars");
    REQUIRE(weft_error_get_n_places(error) == 3);
    CHECK(std::string(weft_error_get_place(error, 0).function) == "innermost");
    CHECK(std::string(weft_error_get_place(error, 1).function) == "middle");
    CHECK(std::string(weft_error_get_place(error, 2).function) == "outer");
    CHECK(std::strstr(weft_error_get_place(error, 0).file, "test_error.cpp") != nullptr);
    CHECK(weft_error_get_place(error, 0).line > 0);
    CHECK(std::string(weft_error_get_place(error, 3).function) == "?");
    CHECK(std::string(weft_current_message(WEFT_EUSER(5))) == "no route to mars");
    CHECK(std::string(weft_current_message(WEFT_ENOMEM)) == "out of memory");

    std::string text = format(error);
    CHECK(text.find("EUSER(5): no route to mars\n") == 0);
    CHECK(text.find("at innermost (") < text.find("at outer ("));
    weft_raise(nullptr);
    CHECK(weft_current_error() == nullptr);
}

TEST_CASE("error: a trace without a message begins at the first breadcrumb", "[error]")
{
    struct local {
        static int read_it()
        {
            WEFT_TRY(-EIO);
            return 0;
        }
    };
    REQUIRE(local::read_it() == -EIO);
    const weft_error *error = weft_current_error();
    REQUIRE(error != nullptr);
    CHECK(weft_error_get_n_places(error) == 1);
    CHECK(std::string(weft_error_get_message(error)).empty());
    CHECK(format(error).find("EIO: Input/output error\n") == 0);
    weft_raise(nullptr);
}

TEST_CASE("error: a breadcrumb of another code starts a new trace", "[error]")
{
    (void)outer(WEFT_EUSER(5));
    CHECK(weft_trace_at(WEFT_ORIGIN(nullptr), WEFT_EUSER(6)) == WEFT_EUSER(6));
    CHECK(weft_error_get_code(weft_current_error()) == WEFT_EUSER(6));
    CHECK(weft_error_get_n_places(weft_current_error()) == 1);
    weft_raise(nullptr);
}

TEST_CASE("error: the first 16 places are kept", "[error]")
{
    REQUIRE(recurse(40) == WEFT_EUSER(1));
    CHECK(weft_error_get_n_places(weft_current_error()) == 16);
    weft_raise(nullptr);
}

TEST_CASE("error: callers without a record of their origin are fine", "[error][regress]")
{
    REQUIRE(weft_fail_at(nullptr, WEFT_EUSER(2), "from afar") == WEFT_EUSER(2));
    REQUIRE(weft_trace_at(nullptr, WEFT_EUSER(2)) == WEFT_EUSER(2));
    CHECK(weft_error_get_n_places(weft_current_error()) == 0);
    CHECK(format(weft_current_error()) == "EUSER(2): from afar\n");
    weft_raise(nullptr);
}

TEST_CASE("error: messages are cut at 255 bytes", "[error]")
{
    std::string longer(1000, 'a');
    (void)weft_fail(WEFT_EUSER(0), "%s", longer.c_str());
    CHECK(std::strlen(weft_error_get_message(weft_current_error())) == 255);
    weft_raise(nullptr);
}

TEST_CASE("error: a message may quote the one that it replaces", "[error]")
{
    (void)weft_fail(WEFT_EUSER(0), "disk full");
    (void)weft_fail(WEFT_EUSER(1), "cannot save: %s", weft_current_message(WEFT_EUSER(0)));
    CHECK(std::string(weft_current_message(WEFT_EUSER(1))) == "cannot save: disk full");
    weft_raise(nullptr);
}

TEST_CASE("error: the text of a trace is cut and always terminated", "[error]")
{
    (void)outer(WEFT_EUSER(5));
    const weft_error *error = weft_current_error();
    std::string whole = format(error);
    for (size_t size = 1; size <= whole.size() + 1; size++) {
        std::string cut = format(error, size);
        REQUIRE(cut == whole.substr(0, size - 1));
    }
    char untouched = 'x';
    weft_error_format(error, &untouched, 0);
    CHECK(untouched == 'x');
    CHECK(format(nullptr).empty());
    weft_raise(nullptr);
}

TEST_CASE("error: one that is shared outlives the thread that met it", "[error][threads]")
{
    const weft_error *kept = nullptr;
    std::thread([&] {
        (void)outer(WEFT_EUSER(9));
        kept = weft_error_ref(weft_current_error());
    }).join();
    CHECK(weft_current_error() == nullptr);
    CHECK(std::string(weft_error_get_message(kept)) == "no route to mars");
    CHECK(weft_raise(kept) == WEFT_EUSER(9));
    CHECK(weft_error_unref(kept) == nullptr);
    CHECK(weft_error_get_n_places(weft_current_error()) == 3);
    weft_raise(nullptr);
}

TEST_CASE("error: a group keeps its errors and prints them", "[error]")
{
    weft_error *children[2] = { wf_error_create(WEFT_EUSER(1), nullptr, "first"),
                                wf_error_create(WEFT_EUSER(2), nullptr, "second") };
    weft_error *group = wf_error_create_group(WEFT_EGROUP, children, 2);
    REQUIRE(group != nullptr);
    wf_error_unref(children[0]);
    wf_error_unref(children[1]);
    weft_error *copy = wf_error_copy(group);
    REQUIRE(copy != nullptr);
    CHECK(weft_error_get_n_children(copy) == 2);
    CHECK(weft_error_get_child(copy, 0) != weft_error_get_child(group, 0));
    CHECK(weft_error_get_child(copy, 2) == nullptr);
    CHECK(format(copy) == format(group));
    CHECK(format(copy) == "WEFT_EGROUP: 2 sub-errors\n  EUSER(1): first\n  EUSER(2): second\n");
    wf_error_unref(copy);
    wf_error_unref(group);
}

TEST_CASE("error: without memory the message is lost, the code never", "[error][oom]")
{
    int n_failed = sweep_out_of_memory([] {
        int code = outer(WEFT_EUSER(5));
        REQUIRE(code == WEFT_EUSER(5));
        return weft_current_error() != nullptr && weft_error_get_n_places(weft_current_error()) == 3
                   ? 0
                   : WEFT_ENOMEM;
    });
    CHECK(n_failed > 0);
}

TEST_CASE("error: group and copy fail as a whole without memory", "[error][oom]")
{
    int n_failed = sweep_out_of_memory([] {
        weft_error *children[3] = {};
        int code = WEFT_ENOMEM;
        weft_error *group = nullptr;
        weft_error *copy = nullptr;
        bool has_children = true;
        for (weft_error *&child : children) {
            child = wf_error_create(WEFT_EUSER(1), nullptr, "child");
            has_children = has_children && child != nullptr;
        }
        if (has_children) {
            group = wf_error_create_group(WEFT_EGROUP, children, 3);
        }
        if (group != nullptr) {
            copy = wf_error_copy(group);
        }
        if (copy != nullptr) {
            code = weft_error_get_n_children(copy) == 3 ? 0 : -1;
        }
        for (weft_error *error : { children[0], children[1], children[2], group, copy }) {
            if (error != nullptr) {
                wf_error_unref(error);
            }
        }
        return code;
    });
    CHECK(n_failed >= 8);
}

#include "talk.h"

#include <catch2/catch.hpp>

#include <cerrno>

/*
 * Bodies piece by piece, on socket pairs with a virtual clock.
 */

namespace
{

weft_http_options streaming()
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    options.streams_bodies = true;
    return options;
}

struct seen {
    std::vector<std::string> pieces; /* of the body, as they were read */
    size_t size = 64;                /* of the handler's buffer */
    int code = 0;                    /* of the read that ended it */
};

/* Reads all of the body, and answers with its length. */
int read_all(weft_http_request *request, weft_http_response *response, void *data)
{
    seen *what = static_cast<seen *>(data);
    std::vector<char> buffer(what->size);
    size_t total = 0;

    for (;;) {
        size_t n = 0;
        what->code = weft_http_request_read(request, buffer.data(), buffer.size(), &n);
        if (what->code < 0 || n == 0) {
            break;
        }
        what->pieces.emplace_back(buffer.data(), n);
        total += n;
    }
    if (what->code < 0) {
        return what->code;
    }
    return weft_http_response_printf(response, "%zu", total);
}

std::string joined(const seen &what)
{
    std::string all;
    for (const std::string &piece : what.pieces) {
        all += piece;
    }
    return all;
}

conversation talk_pieces(const std::vector<std::string> &pieces, const weft_http_options &options,
                         weft_http_handler_fn *handler, void *data)
{
    std::vector<conversation> one(1);
    one[0].pieces = pieces;
    int r = talk(one, &options, handler, data);
    if (r < 0) {
        one[0].result = r;
    }
    return one[0];
}

std::string every_byte(const std::string &text, size_t i)
{
    return text.substr(i, 1);
}

} // namespace

TEST_CASE("a body of known length is read as it comes")
{
    seen what;
    conversation one = talk_pieces(
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", "defg", "hij" },
        streaming(), read_all, &what);

    CHECK(what.pieces == std::vector<std::string>{ "abc", "defg", "hij" });
    CHECK(statuses(one.answer) == std::vector<int>{ 200 });
    CHECK(one.answer.substr(one.answer.size() - 2) == "10");
}

TEST_CASE("a chunked body is read as it comes, however it is cut")
{
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string body = "4\r\nweft\r\n7;x=y\r\n is C, \r\n3\r\nyes\r\n0\r\nT: t\r\n\r\n";
    const std::string next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

    for (size_t size : { size_t{ 1 }, size_t{ 2 }, size_t{ 5 }, size_t{ 100 } }) {
        for (size_t cut = 0; cut <= head.size() + body.size(); cut++) {
            seen what;
            std::string all = head + body + next;
            what.size = size;
            conversation one =
                talk_pieces({ all.substr(0, cut), all.substr(cut) }, streaming(), read_all, &what);
            CAPTURE(size, cut);
            REQUIRE(joined(what) == "weft is C, yes");
            REQUIRE(statuses(one.answer) == std::vector<int>{ 200, 200 });
        }
    }
    seen what;
    std::vector<std::string> bytes;
    for (size_t i = 0; i < head.size() + body.size(); i++) {
        bytes.push_back(every_byte(head + body, i));
    }
    conversation one = talk_pieces(bytes, streaming(), read_all, &what);
    CHECK(joined(what) == "weft is C, yes");
    CHECK(statuses(one.answer) == std::vector<int>{ 200 });
}

TEST_CASE("what a client does wrong in a body is answered for the handler")
{
    weft_http_options options = streaming();
    options.max_body_size = 8;
    const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string counted = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    struct {
        std::string input;
        int code;
        int status;
    } cases[] = {
        { chunked + "4\r\nweft\r\n5\r\nabcde\r\n0\r\n\r\n", -EMSGSIZE, 413 },
        { chunked + "4\r\nweft\r\nx\r\n", WEFT_EINVAL, 400 },
        { chunked + "4\r\nwe", WEFT_EINCOMPLETEREAD, 400 },
        { counted + "abc", WEFT_EINCOMPLETEREAD, 400 },
    };

    for (const auto &c : cases) {
        seen what;
        conversation one = talk_pieces({ c.input }, options, read_all, &what);
        CAPTURE(c.input);
        CHECK(what.code == c.code);
        CHECK(statuses(one.answer) == std::vector<int>{ c.status });
        CHECK(one.answer.find("Connection: close") != std::string::npos);
        CHECK(one.result == 0);
    }
}

TEST_CASE("a body that does not come has the time of each wait")
{
    weft_http_options options = streaming();
    std::vector<conversation> one(1);
    seen what;

    options.body_limit = WEFT_S(3);
    one[0].pieces = { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc" };
    one[0].ends = false;
    REQUIRE(talk(one, &options, read_all, &what) == 0);
    CHECK(what.code == WEFT_ETIMEDOUT);
    CHECK(statuses(one[0].answer) == std::vector<int>{ 408 });
    CHECK(one[0].took >= WEFT_S(3));
}

TEST_CASE("the limit of the whole request ends a handler that reads")
{
    weft_http_options options = streaming();
    std::vector<conversation> one(1);
    seen what;

    options.total_limit = WEFT_S(2);
    one[0].pieces = { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc" };
    one[0].ends = false;
    REQUIRE(talk(one, &options, read_all, &what) == 0);
    CHECK(what.code == WEFT_ECANCELED);
    CHECK(statuses(one[0].answer) == std::vector<int>{ 503 });
}

TEST_CASE("a client that waits to be told hears it at the first read")
{
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    seen what;
    conversation read = talk_pieces({ head, "abcde" }, streaming(), read_all, &what);
    CHECK(read.answer.compare(0, 25, "HTTP/1.1 100 Continue\r\n\r\n") == 0);
    CHECK(joined(what) == "abcde");

    weft_http_handler_fn *refuses = [](weft_http_request *, weft_http_response *response, void *) {
        return weft_http_response_set_text(response, 403, "no\n");
    };
    conversation refused = talk_pieces({ head }, streaming(), refuses, nullptr);
    CHECK(refused.answer.find("100 Continue") == std::string::npos);
    CHECK(statuses(refused.answer) == std::vector<int>{ 403 });
    CHECK(refused.answer.find("Connection: close") != std::string::npos);
}

TEST_CASE("a body that was not read is skipped when it is there, else the connection ends")
{
    weft_http_handler_fn *ignores = [](weft_http_request *, weft_http_response *response, void *) {
        return weft_http_response_set_text(response, 200, "ok\n");
    };
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    const std::string next = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    conversation there = talk_pieces({ post + "abcde" + next }, streaming(), ignores, nullptr);
    CHECK(statuses(there.answer) == std::vector<int>{ 200, 200 });
    conversation later = talk_pieces({ post + "ab", "cde" + next }, streaming(), ignores, nullptr);
    CHECK(statuses(later.answer) == std::vector<int>{ 200 });
    CHECK(later.answer.find("Connection: close") != std::string::npos);
}

TEST_CASE("a body in memory is read in pieces too")
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    seen what;
    what.size = 3;
    conversation one =
        talk_pieces({ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde" }, options,
                    read_all, &what);
    CHECK(what.pieces == std::vector<std::string>{ "abc", "de" });
    CHECK(statuses(one.answer) == std::vector<int>{ 200 });
}

namespace
{

struct plan {
    bool has_length = false;
    uint64_t length = 0;
    int status = 200;
    std::vector<std::string> pieces;
    int result = 0;              /* of the handler, after its sends */
    std::vector<int> codes = {}; /* of the sends */
    int late_header = 1;
};

int follow(weft_http_request *, weft_http_response *response, void *data)
{
    plan *todo = static_cast<plan *>(data);

    WEFT_TRY(weft_http_response_set_status(response, todo->status));
    WEFT_TRY(weft_http_response_add_header(response, "X-Early", "1"));
    if (todo->has_length) {
        WEFT_TRY(weft_http_response_set_length(response, todo->length));
    }
    for (const std::string &piece : todo->pieces) {
        todo->codes.push_back(weft_http_response_send(response, piece.data(), piece.size()));
        WEFT_TRY(weft_sleep(0));
    }
    todo->late_header = weft_http_response_add_header(response, "X-Late", "1");
    return todo->result;
}

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

TEST_CASE("an answer of unknown length goes in chunks, and the connection goes on")
{
    plan todo;
    todo.pieces = { "first", "", " and second" };
    conversation one = talk_once(get + get, nullptr, follow, &todo);
    const std::string answer = "HTTP/1.1 200 OK\r\nX-Early: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nfirst\r\nb\r\n and second\r\n0\r\n\r\n";

    CHECK(one.answer == answer + answer);
    CHECK(one.result == 0);
    CHECK(todo.late_header == WEFT_EINVALIDSTATE);
}

TEST_CASE("an answer of a known length has no chunks")
{
    plan todo;
    todo.has_length = true;
    todo.length = 11;
    todo.pieces = { "hello ", "world", "!" };
    conversation one = talk_once(get, nullptr, follow, &todo);

    CHECK(one.answer == "HTTP/1.1 200 OK\r\nX-Early: 1\r\nContent-Length: 11\r\n\r\nhello world");
    CHECK(todo.codes == std::vector<int>{ 0, 0, WEFT_EINVALIDSTATE });
}

TEST_CASE("HTTP/1.0 sees the end by the end of the connection")
{
    plan todo;
    todo.pieces = { "a", "b" };
    conversation one =
        talk_once("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", nullptr, follow, &todo);
    CHECK(one.answer == "HTTP/1.1 200 OK\r\nX-Early: 1\r\nConnection: close\r\n\r\nab");
}

TEST_CASE("a HEAD gets the head alone")
{
    plan todo;
    todo.has_length = true;
    todo.length = 3;
    todo.pieces = { "abc" };
    const std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    conversation sent = talk_once(head + head, nullptr, follow, &todo);
    const std::string answer = "HTTP/1.1 200 OK\r\nX-Early: 1\r\nContent-Length: 3\r\n\r\n";
    CHECK(sent.answer == answer + answer);

    plan silent;
    silent.has_length = true;
    silent.length = 42;
    CHECK(talk_once(head, nullptr, follow, &silent).answer ==
          "HTTP/1.1 200 OK\r\nX-Early: 1\r\nX-Late: 1\r\nContent-Length: 42\r\n\r\n");
}

TEST_CASE("a status without a body takes none")
{
    plan todo;
    todo.status = 204;
    todo.pieces = { "", "x" };
    conversation one = talk_once(get + get, nullptr, follow, &todo);
    CHECK(todo.codes[0] == 0);
    CHECK(todo.codes[1] == WEFT_EINVALIDSTATE);
    CHECK(one.answer.compare(0, 38, "HTTP/1.1 204 No Content\r\nX-Early: 1\r\n\r") == 0);
    CHECK(statuses(one.answer) == std::vector<int>{ 204, 204 });
}

TEST_CASE("an answer that fails half way is cut, not finished")
{
    plan todo;
    todo.pieces = { "first" };
    todo.result = WEFT_EUSER(1);
    conversation failed = talk_once(get, nullptr, follow, &todo);
    CHECK(failed.result == WEFT_EUSER(1));
    CHECK(failed.answer.find("0\r\n\r\n") == std::string::npos);
    CHECK(failed.answer.find("500") == std::string::npos);

    plan brief;
    brief.has_length = true;
    brief.length = 100;
    brief.pieces = { "short" };
    conversation cut = talk_once(get, nullptr, follow, &brief);
    CHECK(cut.result == WEFT_EINVALIDSTATE);

    plan wrong; /* announced, written into memory, and of another length */
    wrong.has_length = true;
    wrong.length = 5;
    conversation said = talk_once(get, nullptr, follow, &wrong);
    CHECK(statuses(said.answer) == std::vector<int>{ 500 });
    CHECK(said.result == WEFT_EINVALIDSTATE);
}

TEST_CASE("what was written goes before what is sent, and after it at the end")
{
    weft_http_handler_fn *mixed = [](weft_http_request *, weft_http_response *response, void *) {
        WEFT_TRY(weft_http_response_write(response, "one ", 4));
        WEFT_TRY(weft_http_response_send(response, "two ", 4));
        return weft_http_response_write(response, "three", 5);
    };
    conversation one = talk_once(get, nullptr, mixed, nullptr);
    CHECK(one.answer == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "8\r\none two \r\n5\r\nthree\r\n0\r\n\r\n");
}

namespace
{

struct echo {
    size_t n_read = 0;
    size_t most_ahead = 0; /* read and not yet sent */
};

/* Sends back what it reads, as it reads. */
int echo_body(weft_http_request *request, weft_http_response *response, void *data)
{
    echo *what = static_cast<echo *>(data);
    char buffer[4096];
    size_t n = 0;

    do {
        WEFT_TRY(weft_http_request_read(request, buffer, sizeof buffer, &n));
        what->n_read += n;
        if (n > 0) {
            WEFT_TRY(weft_http_response_send(response, buffer, n));
        }
    } while (n > 0);
    return 0;
}

} // namespace

TEST_CASE("a body goes through a handler that holds none of it")
{
    weft_http_options options = streaming();
    std::string body(300000, 'x');
    echo what;

    options.max_body_size = 1000000;
    conversation one =
        talk_once("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body,
                  &options, echo_body, &what);
    size_t n_x = 0;
    for (char c : one.answer.substr(one.answer.find("\r\n\r\n"))) {
        n_x += c == 'x';
    }
    CHECK(what.n_read == body.size());
    CHECK(n_x == body.size());
    CHECK(one.result == 0);
}

TEST_CASE("misuse of the piecewise calls is refused")
{
    weft_http_handler_fn *wrong = [](weft_http_request *request, weft_http_response *response,
                                     void *data) {
        std::vector<int> *codes = static_cast<std::vector<int> *>(data);
        char byte;
        size_t n = 7;
        codes->push_back(weft_http_request_read(nullptr, &byte, 1, &n));
        codes->push_back(weft_http_request_read(request, nullptr, 1, &n));
        codes->push_back(weft_http_request_read(request, &byte, 0, &n));
        codes->push_back(weft_http_request_read(request, &byte, 1, nullptr));
        codes->push_back(weft_http_response_send(nullptr, "x", 1));
        codes->push_back(weft_http_response_send(response, nullptr, 1));
        return weft_http_response_printf(response, "%zu", n);
    };
    std::vector<int> codes;
    conversation one = talk_once(get, nullptr, wrong, &codes);
    CHECK(codes == std::vector<int>(6, WEFT_EINVAL));
    CHECK(one.answer.substr(one.answer.size() - 1) == "7");
}

#include "talk.h"

#include "weft/testing.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

const char *const get = "GET /x?n=12&text=a+b%26c&empty=&flag&bad=%zz&zero=%00&n=13 HTTP/1.1\r\n"
                        "Host: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n";

/* What a handler saw. */
struct seen {
    std::vector<std::string> texts;
    std::vector<int64_t> numbers;
};

int look(weft_http_request *request, weft_http_response *, void *data)
{
    seen *all = static_cast<seen *>(data);
    char text[16];
    char tiny[3];
    int64_t number = -1;
    const char *name = nullptr;
    const char *value = nullptr;

    for (const char *key : { "n", "text", "empty", "flag", "bad", "zero", "none" }) {
        std::strcpy(text, "?");
        all->numbers.push_back(weft_http_request_get_query(request, key, text, sizeof text));
        all->texts.push_back(text);
    }
    all->numbers.push_back(weft_http_request_get_query(request, "text", tiny, sizeof tiny));
    all->numbers.push_back(weft_http_request_get_query_int(request, "n", &number));
    all->numbers.push_back(number);
    all->numbers.push_back(weft_http_request_get_query_int(request, "text", &number));
    all->numbers.push_back(weft_http_request_get_query_int(request, "empty", &number));
    all->texts.push_back(weft_http_request_get_header(request, "X-ONE"));
    all->texts.push_back(weft_http_request_get_header(request, "none") == nullptr ? "none" : "");
    (void)weft_http_request_get_header_at(request, 2, &name, &value);
    all->texts.push_back(std::string(name) + "=" + value);
    all->numbers.push_back(weft_http_request_get_header_at(request, 3, &name, &value));
    all->numbers.push_back(weft_http_request_get_minor_version(request));
    return 0;
}

int split(weft_http_request *, weft_http_response *response, void *data)
{
    seen *all = static_cast<seen *>(data);

    for (const char *value : { "a\r\nSet-Cookie: b", "a\nb", "a\rb", "\x01", "\x7f" }) {
        all->numbers.push_back(weft_http_response_add_header(response, "X", value));
    }
    for (const char *name : { "", "X Y", "X:", "X\r\nY", "Content-Length", "connection", "DATE",
                              "Transfer-Encoding" }) {
        all->numbers.push_back(weft_http_response_add_header(response, name, "1"));
    }
    for (int status : { 0, 100, 199, 600, -200 }) {
        all->numbers.push_back(weft_http_response_set_status(response, status));
    }
    return weft_http_response_add_header(response, "X-Good", "a\tb \xc3\xa4");
}

int fail(weft_http_request *, weft_http_response *response, void *)
{
    (void)weft_http_response_printf(response, "half an answer");
    return weft_fail(WEFT_EUSER(3), "broken");
}

int no_content(weft_http_request *, weft_http_response *response, void *)
{
    return weft_http_response_set_status(response, 204);
}

int closes(weft_http_request *, weft_http_response *response, void *)
{
    return weft_http_response_set_close(response);
}

int sleeps(weft_http_request *, weft_http_response *response, void *)
{
    WEFT_TRY(weft_sleep(WEFT_S(100)));
    return weft_http_response_set_text(response, 200, "slept\n");
}

int large(weft_http_request *, weft_http_response *response, void *data)
{
    const std::string *body = static_cast<const std::string *>(data);
    return weft_http_response_set_body_static(response, body->data(), body->size());
}

} // namespace

TEST_CASE("http: a handler sees what was sent", "[http]")
{
    seen all;
    conversation c = talk_once(get, nullptr, look, &all);

    CHECK(statuses(c.answer) == std::vector<int>{ 200 });
    CHECK(all.texts ==
          std::vector<std::string>{ "12", "a b&c", "", "", "?", "?", "?", "1", "none", "x-one=2" });
    CHECK(all.numbers == std::vector<int64_t>{ 2, 5, 0, 0, WEFT_EINVAL, WEFT_EINVAL, -ENOENT,
                                               -ERANGE, 0, 12, WEFT_EINVAL, WEFT_EINVAL,
                                               WEFT_EINVAL, 1 });
}

TEST_CASE("http: a handler cannot split its response", "[http]")
{
    seen all;
    conversation c = talk_once(get, nullptr, split, &all);

    CHECK(all.numbers == std::vector<int64_t>(18, WEFT_EINVAL));
    CHECK(c.answer == "HTTP/1.1 200 OK\r\nX-Good: a\tb \xc3\xa4\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("http: a failing handler is answered with 500 and reported by serve", "[http]")
{
    conversation c = talk_once(std::string(get) + get, nullptr, fail);

    CHECK(statuses(c.answer) == std::vector<int>{ 500 });
    CHECK(c.answer.find("half an answer") == std::string::npos);
    CHECK(c.answer.find("Connection: close") != std::string::npos);
    CHECK(c.result == WEFT_EUSER(3));
}

TEST_CASE("http: 204 has no length, and set_close ends the connection", "[http]")
{
    CHECK(talk_once(get, nullptr, no_content).answer == "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(talk_once(std::string(get) + get, nullptr, closes).answer ==
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("http: a handler that takes longer than the total limit is cut off", "[http][limits]")
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;

    options.total_limit = WEFT_S(20);
    conversation c = talk_once(std::string(get) + get, &options, sleeps);
    CHECK(statuses(c.answer) == std::vector<int>{ 503 });
    CHECK(c.took >= WEFT_S(20));
    CHECK(c.took < WEFT_S(21));
    CHECK(c.result == 0);

    options.total_limit = 0;
    c = talk_once(std::string(get) + get, &options, sleeps);
    CHECK(statuses(c.answer) == std::vector<int>{ 200, 200 });
    CHECK(c.took >= WEFT_S(200));
}

TEST_CASE("http: a large static body is sent whole", "[http]")
{
    std::string body(3000000, 'x');
    body += "end";
    conversation c = talk_once(std::string(get) + get, nullptr, large, &body);

    REQUIRE(c.answer.size() > 2 * body.size());
    CHECK(statuses(c.answer) == std::vector<int>{ 200, 200 });
    CHECK(c.answer.substr(c.answer.size() - 3) == "end");
}

/* ---- two sides with turns counted by hand -------------------------------------------- */

namespace
{

struct duet {
    weft_http_server *server = nullptr;
    weft_stream *near = nullptr;
    weft_stream *far = nullptr;
    int result = 1;
};

int serve_near(void *arg)
{
    duet *both = static_cast<duet *>(arg);
    both->result = weft_http_server_serve(both->server, both->near);
    (void)weft_stream_close(both->near);
    return 0;
}

/* Read until the other side has been silent for a virtual second, or has ended. */
int read_available(weft_stream *stream, std::string &out, bool *out_ended)
{
    char *data = nullptr;
    size_t n = 0;

    *out_ended = false;
    (void)weft_stream_set_read_limit(stream, WEFT_S(1));
    for (;;) {
        int r = weft_stream_read_view(stream, &data, &n);
        if (r == WEFT_ETIMEDOUT) {
            return 0;
        }
        WEFT_TRY(r);
        if (n == 0) {
            *out_ended = true;
            return 0;
        }
        out.append(data, n);
    }
}

using story = int (*)(duet *both, void *notes);

struct play {
    weft_http_handler_fn *handler;
    void *data;
    story tell;
    void *notes;
};

int perform(void *arg)
{
    play *all = static_cast<play *>(arg);
    duet both;
    int fds[2];
    weft_task *task = nullptr;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        return -errno;
    }
    WEFT_TRY(weft_stream_from_fd(fds[0], nullptr, &both.near));
    WEFT_TRY(weft_stream_from_fd(fds[1], nullptr, &both.far));
    WEFT_TRY(weft_http_server_create(all->handler, all->data, nullptr, &both.server));
    WEFT_TRY(weft_create_task(weft_coro_create(serve_near, &both), &task));
    int r = all->tell(&both, all->notes);
    (void)weft_stream_close(both.far);
    weft_stream_destroy(both.far);
    int served = weft_await(task, nullptr);
    weft_future_unref(task);
    weft_stream_destroy(both.near);
    weft_http_server_destroy(both.server);
    return r < 0 ? r : served < 0 ? served : both.result;
}

int run_play(weft_http_handler_fn *handler, void *data, story tell, void *notes)
{
    play all = { handler, data, tell, notes };

    return run_in_loop(perform, &all);
}

struct notes {
    std::string first;
    std::string second;
    bool ended = false;
    weft_duration took = 0;
    weft_http_server_stats stats = {};
};

int write_text(weft_stream *stream, const std::string &text)
{
    return weft_stream_write(stream, text.data(), text.size());
}

/* Answers quickly to /quick, in 10 s to everything else. */
int quick_or_slow(weft_http_request *request, weft_http_response *response, void *)
{
    if (std::strcmp(weft_http_request_get_path(request), "/quick") != 0) {
        WEFT_TRY(weft_sleep(WEFT_S(10)));
    }
    return weft_http_response_set_text(response, 200, weft_http_request_get_path(request));
}

const std::string quick = "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string slow = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";

int tell_slow_second(duet *both, void *data)
{
    notes *all = static_cast<notes *>(data);
    WEFT_TRY(write_text(both->far, quick + slow));
    WEFT_TRY(read_available(both->far, all->first, &all->ended));
    WEFT_TRY(weft_sleep(WEFT_S(20)));
    return read_available(both->far, all->second, &all->ended);
}

int tell_drain_idle(duet *both, void *data)
{
    notes *all = static_cast<notes *>(data);
    WEFT_TRY(write_text(both->far, quick));
    WEFT_TRY(read_available(both->far, all->first, &all->ended));
    all->stats.size = sizeof all->stats;
    WEFT_TRY(weft_http_server_get_stats(both->server, &all->stats));
    weft_time began = weft_loop_time(nullptr);
    WEFT_TRY(weft_http_server_drain(both->server, WEFT_S(5)));
    while (!all->ended) {
        WEFT_TRY(read_available(both->far, all->second, &all->ended));
    }
    all->took = weft_loop_time(nullptr) - began;
    return 0;
}

int tell_drain_late_request(duet *both, void *data)
{
    notes *all = static_cast<notes *>(data);
    WEFT_TRY(write_text(both->far, quick));
    WEFT_TRY(read_available(both->far, all->first, &all->ended));
    WEFT_TRY(weft_http_server_drain(both->server, WEFT_S(5)));
    WEFT_TRY(weft_sleep(WEFT_S(4)));
    WEFT_TRY(write_text(both->far, quick + quick));
    return read_available(both->far, all->second, &all->ended);
}

int tell_drain_at_the_last_moment(duet *both, void *data)
{
    notes *all = static_cast<notes *>(data);
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_sleep(0));
    /* Both in one turn: the request lies in the socket when the grace ends. */
    WEFT_TRY(write_text(both->far, quick));
    WEFT_TRY(weft_http_server_drain(both->server, 0));
    return read_available(both->far, all->second, &all->ended);
}

int tell_drain_busy(duet *both, void *data)
{
    notes *all = static_cast<notes *>(data);
    WEFT_TRY(write_text(both->far, slow));
    WEFT_TRY(read_available(both->far, all->first, &all->ended));
    WEFT_TRY(weft_http_server_drain(both->server, 0));
    while (!all->ended) {
        WEFT_TRY(read_available(both->far, all->second, &all->ended));
    }
    return 0;
}

} // namespace

TEST_CASE("http: a finished answer does not wait for a slow handler behind it", "[http]")
{
    notes all;

    CHECK(run_play(quick_or_slow, nullptr, tell_slow_second, &all) == 0);
    CHECK(statuses(all.first) == std::vector<int>{ 200 });
    CHECK(statuses(all.second) == std::vector<int>{ 200 });
    CHECK(all.second.substr(all.second.size() - 5) == "/slow");
}

TEST_CASE("http: a drain closes an idle connection after the grace", "[http][drain]")
{
    notes all;

    CHECK(run_play(quick_or_slow, nullptr, tell_drain_idle, &all) == 0);
    CHECK(all.first.find("Connection") == std::string::npos);
    CHECK(all.second.empty());
    CHECK(all.took >= WEFT_S(5));
    CHECK(all.took < WEFT_S(6));
    CHECK(all.stats.connections == 1);
    CHECK(all.stats.idle == 1);
    CHECK(all.stats.requests == 1);
}

TEST_CASE("http: a request that comes within the grace of a drain is answered", "[http][drain]")
{
    notes all;

    CHECK(run_play(quick_or_slow, nullptr, tell_drain_late_request, &all) == 0);
    CHECK(statuses(all.second) == std::vector<int>{ 200 });
    CHECK(all.second.find("Connection: close\r\n") != std::string::npos);
    CHECK(all.ended);
}

TEST_CASE("http: a request that comes as the grace ends is answered", "[http][drain]")
{
    notes all;

    CHECK(run_play(quick_or_slow, nullptr, tell_drain_at_the_last_moment, &all) == 0);
    CHECK(statuses(all.second) == std::vector<int>{ 200 });
    CHECK(all.ended);
}

TEST_CASE("http: a drain lets the request in hand come to its end", "[http][drain]")
{
    notes all;

    CHECK(run_play(quick_or_slow, nullptr, tell_drain_busy, &all) == 0);
    CHECK(all.first.empty());
    CHECK(statuses(all.second) == std::vector<int>{ 200 });
    CHECK(all.second.find("Connection: close\r\n") != std::string::npos);
}

/* ---- memory ---------------------------------------------------------------------------- */

namespace
{

struct sweep {
    long n;
    long n_failed;
    long n_blocks;
    int result;
};

int serve_without_memory(void *arg)
{
    sweep *one = static_cast<sweep *>(arg);
    weft_stream *near = nullptr;
    int fds[2];
    static const char input[] = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                                "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        return -errno;
    }
    (void)!write(fds[1], input, sizeof input - 1);
    shutdown(fds[1], SHUT_WR);
    WEFT_TRY(weft_stream_from_fd(fds[0], nullptr, &near));

    weft_testing_fail_allocation_after(one->n);
    one->result = weft_http_serve(near, describe, nullptr, nullptr);
    one->n_failed = weft_testing_n_failed_allocations();
    weft_testing_fail_allocation_after(-1);

    (void)weft_stream_close(near);
    weft_stream_destroy(near);
    close(fds[1]);
    return 0;
}

} // namespace

TEST_CASE("http: without memory a connection ends and nothing is lost", "[http][oom]")
{
    long n = 0;
    sweep warm = { -1, 0, 0, 1 };

    /* The first task of a thread makes its signal stack, which stays: not to be counted. */
    REQUIRE(run_in_loop(serve_without_memory, &warm) == 0);
    for (;; n++) {
        sweep one = { n, 0, 0, 1 };
        weft_testing_count_blocks(1);
        REQUIRE(run_in_loop(serve_without_memory, &one) == 0);
        one.n_blocks = weft_testing_n_blocks();
        weft_testing_count_blocks(0);
        INFO("allocation " << n);
        CHECK(one.n_blocks == 0);
        if (one.n_failed == 0) {
            CHECK(one.result == 0);
            break;
        }
        CHECK(one.result <= 0);
        REQUIRE(n < 200);
    }
    CHECK(n > 3);
}

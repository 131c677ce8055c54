#include "weft/http.h"
#include "weft/weft.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <cstring>
#include <string>

/*
 * HTTP over real TCP connections, server and clients as tasks of one loop.
 * [slow] none: limits are there for hangs only.
 */

namespace
{

struct world {
    weft_http_server *http = nullptr;
    weft_server *server = nullptr;
    int port = 0;
    int n_clients = 0;
    int n_requests = 0; /* answered completely and rightly */
    int n_lost = 0;     /* sent, and not answered so */
    int n_closed = 0;   /* connections whose last answer said so */
    std::string answer;
    int result = 1;
};

int run_in_loop(weft_coro_fn *fn, void *arg)
{
    weft_loop *loop = nullptr;
    int r = weft_new_event_loop(nullptr, &loop);
    if (r < 0) {
        return r;
    }
    r = weft_loop_run_until_complete(loop, weft_coro_create(fn, arg), nullptr);
    int closed = weft_loop_close(loop);
    weft_loop_unref(loop);
    return r < 0 ? r : closed;
}

/* Answers with the query, which is the client's nonce; every third one takes a turn or two. */
int nonce(weft_http_request *request, weft_http_response *response, void *)
{
    const char *query = weft_http_request_get_query_string(request);
    if (std::atoi(query) % 3 == 0) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    return weft_http_response_set_text(response, 200, query);
}

int connected(weft_stream *stream, void *data)
{
    return weft_http_server_serve(static_cast<world *>(data)->http, stream);
}

int open_world(world *all)
{
    WEFT_TRY(weft_http_server_create(nonce, nullptr, nullptr, &all->http));
    WEFT_TRY(weft_start_server(connected, all, "127.0.0.1", 0, nullptr, &all->server));
    all->port = weft_server_get_port(all->server);
    return 0;
}

int close_world(world *all)
{
    WEFT_TRY(weft_server_close(all->server));
    WEFT_TRY(weft_server_wait_closed(all->server));
    weft_server_destroy(all->server);
    weft_http_server_destroy(all->http);
    return 0;
}

/* Read one answer; its body to <out>. 1: complete, 0: the end, before it or in it. */
int read_answer(weft_stream *stream, std::string &out, bool *out_close)
{
    char *line = nullptr;
    size_t n = 0;
    size_t length = 0;

    *out_close = false;
    for (;;) {
        WEFT_TRY(weft_stream_readline(stream, &line, &n));
        if (n == 0) {
            return 0;
        }
        std::string text(line, n);
        if (text == "\r\n") {
            break;
        }
        if (text.compare(0, 16, "Content-Length: ") == 0) {
            length = std::strtoul(text.c_str() + 16, nullptr, 10);
        }
        *out_close = *out_close || text == "Connection: close\r\n";
    }
    out.resize(length);
    WEFT_TRY(weft_stream_readexactly(stream, &out[0], length, &n));
    return n == length;
}

/* Asks again and again until it is told that the connection closes. */
int keep_asking(void *arg)
{
    world *all = static_cast<world *>(arg);
    weft_stream *stream = nullptr;
    int number = all->n_clients++ * 100000;
    bool closes = false;

    WEFT_TRY(weft_open_connection("127.0.0.1", all->port, nullptr, &stream));
    while (!closes) {
        std::string text = std::to_string(number++);
        std::string request = "GET /?" + text + " HTTP/1.1\r\nHost: a\r\n\r\n";
        std::string body;
        int r = weft_stream_write(stream, request.data(), request.size());
        r = r < 0 ? r : read_answer(stream, body, &closes);
        if (r != 1 || body != text) {
            all->n_lost++;
            break;
        }
        all->n_requests++;
        /* Some think for a while: their connections are idle when the drain begins. */
        WEFT_TRY(weft_sleep(number % 5 == 0 ? WEFT_MS(20) : 0));
    }
    all->n_closed += closes;
    WEFT_TRY(weft_stream_close(stream));
    weft_stream_destroy(stream);
    return 0;
}

int drain_under_load(void *arg)
{
    enum {
        N = 64
    };
    world *all = static_cast<world *>(arg);
    weft_task *clients[N];

    WEFT_TRY(open_world(all));
    for (weft_task *&client : clients) {
        WEFT_TRY(weft_create_task(weft_coro_create(keep_asking, all), &client));
    }
    while (all->n_requests < 2000 && all->n_lost == 0) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    WEFT_TRY(weft_server_close(all->server));
    WEFT_TRY(weft_http_server_drain(all->http, WEFT_S(10)));
    for (weft_task *client : clients) {
        WEFT_TRY(weft_await(client, nullptr));
        weft_future_unref(client);
    }
    return close_world(all);
}

/* Sends much more than the server takes, and only then looks for the answer. */
int send_too_much(void *arg)
{
    world *all = static_cast<world *>(arg);
    weft_stream *stream = nullptr;
    std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n";
    std::string piece(1000, 'x');
    bool closes = false;

    WEFT_TRY(open_world(all));
    WEFT_TRY(weft_open_connection("127.0.0.1", all->port, nullptr, &stream));
    WEFT_TRY(weft_stream_write(stream, head.data(), head.size()));
    for (int i = 0; i < 200; i++) {
        WEFT_TRY(weft_stream_write(stream, piece.data(), piece.size()));
        WEFT_TRY(weft_stream_drain(stream));
        WEFT_TRY(weft_sleep(0));
    }
    all->result = read_answer(stream, all->answer, &closes);
    all->n_closed = closes;
    WEFT_TRY(weft_stream_close(stream));
    weft_stream_destroy(stream);
    return close_world(all);
}

} // namespace

TEST_CASE("http over TCP: a drain under load loses no request", "[http][drain]")
{
    world all;

    REQUIRE(run_in_loop(drain_under_load, &all) == 0);
    CHECK(all.n_lost == 0);
    CHECK(all.n_closed == 64);
    CHECK(all.n_requests >= 2000);
}

TEST_CASE("http over TCP: who sends too much still reads the answer", "[http]")
{
    world all;

    REQUIRE(run_in_loop(send_too_much, &all) == 0);
    CHECK(all.result == 1);
    CHECK(all.answer == "the body is too large.\n");
    CHECK(all.n_closed == 1);
}

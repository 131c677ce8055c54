#include "talk.h"

#include "weft/http_client.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <unistd.h>

/*
 * A proxy in front of a server: each request of a conversation makes both anew,
 * in the loop of the conversation.
 */

namespace
{

struct proxy {
    std::string says;  /* what the server answers, byte for byte; "": it is ours */
    std::string heard; /* what it was asked */
    int code = 1;      /* of the forwarding */
    bool is_there = true;
};

int upper(weft_http_request *request, weft_http_response *response, void *)
{
    char piece[7];
    size_t n = 0;
    do {
        WEFT_TRY(weft_http_request_read(request, piece, sizeof piece, &n));
        for (size_t i = 0; i < n; i++) {
            piece[i] = static_cast<char>(std::toupper(piece[i]));
        }
        WEFT_TRY(weft_http_response_send(response, piece, n));
    } while (n > 0);
    return 0;
}

int backend(weft_stream *stream, void *data)
{
    proxy *all = static_cast<proxy *>(data);
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    options.streams_bodies = true;
    if (all->says.empty()) {
        return weft_http_serve(stream, upper, nullptr, &options);
    }
    char *text = nullptr;
    size_t n = 0;
    WEFT_TRY(weft_stream_readuntil(stream, "\r\n\r\n", 4, &text, &n));
    all->heard.assign(text, n);
    return weft_stream_write(stream, all->says.data(), all->says.size());
}

int forward_to(const std::string &path, proxy *all, weft_http_request *request,
               weft_http_response *response)
{
    weft_http_client *client = nullptr;
    WEFT_TRY(weft_http_client_create(nullptr, &client));
    all->code = weft_http_forward(client, ("unix:" + path).c_str(), request, response);
    weft_http_client_destroy(client);
    if (all->code < 0 && !weft_http_response_is_begun(response)) {
        return weft_http_response_set_text(response, 502, "no answer\n");
    }
    return all->code;
}

int pass(weft_http_request *request, weft_http_response *response, void *data)
{
    proxy *all = static_cast<proxy *>(data);
    char folder[] = "/tmp/weft-forward-XXXXXX";
    weft_server *server = nullptr;
    if (mkdtemp(folder) == nullptr) {
        return -errno;
    }
    std::string path = std::string(folder) + "/s";
    int r =
        all->is_there ? weft_start_unix_server(backend, all, path.c_str(), nullptr, &server) : 0;
    if (r == 0) {
        r = forward_to(path, all, request, response);
    }
    if (server != nullptr) {
        (void)weft_server_close(server);
        (void)weft_server_wait_closed(server);
        weft_server_destroy(server);
    }
    (void)rmdir(folder);
    return r;
}

conversation through(proxy &all, const std::string &input)
{
    weft_http_options options = WEFT_HTTP_OPTIONS_INIT;
    options.streams_bodies = true;
    return talk_once(input, &options, pass, &all);
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a request goes through, without what belongs to one connection")
{
    proxy all;
    all.says = "HTTP/1.1 201 Created\r\nX-Answer: 1\r\nX-Hop: 2\r\nConnection: X-Hop\r\n"
               "Keep-Alive: timeout=5\r\nDate: long ago\r\nContent-Length: 5\r\n\r\nhello";
    conversation one = through(all, "GET /a%20b?c=d HTTP/1.1\r\nHost: site\r\nX-Mine: 1\r\n"
                                    "X-Secret: 2\r\nConnection: keep-alive, X-Secret\r\n"
                                    "X-Forwarded-For: 10.0.0.1\r\nTE: trailers\r\n"
                                    "Upgrade: h2c\r\n\r\n");

    CHECK(all.code == 0);
    CHECK(has(all.heard, "GET /a%20b?c=d HTTP/1.1\r\n"));
    CHECK(has(all.heard, "Host: site\r\n"));
    CHECK(has(all.heard, "X-Mine: 1\r\n"));
    CHECK(has(all.heard, "X-Forwarded-For: 10.0.0.1, unix\r\n"));
    CHECK(has(all.heard, "Via: 1.1 weft\r\n"));
    for (const char *name : { "X-Secret", "TE:", "Upgrade", "Connection" }) {
        CAPTURE(name);
        CHECK_FALSE(has(all.heard, name));
    }
    CHECK(one.answer == "HTTP/1.1 201 Created\r\nX-Answer: 1\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("bodies go through in both directions")
{
    proxy all;
    conversation counted =
        through(all, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello, world");
    CHECK(has(counted.answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(has(counted.answer, "HELLO, "));
    CHECK(has(counted.answer, "WORLD"));

    conversation chunked = through(all, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
                                        "\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    CHECK(has(chunked.answer, "ABC"));
    CHECK(has(chunked.answer, "0\r\n\r\n"));
    CHECK(chunked.result == 0);
}

TEST_CASE("a HEAD and answers without a body")
{
    proxy all;
    all.says = "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n";
    CHECK(through(all, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").answer ==
          "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n");
    all.says = "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n";
    CHECK(through(all, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer ==
          "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n");
}

TEST_CASE("a server that is not there, or talks nonsense, is told as 502")
{
    for (const char *says : { "", "nonsense\r\n", "HTTP/1.1 200 OK\r\nX",
                              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
                              "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\nX-Void: 1\r\n\r\n" }) {
        proxy all;
        all.says = says;
        all.is_there = says[0] != '\0';
        CAPTURE(says);
        conversation one = through(all, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(all.code < 0);
        CHECK(statuses(one.answer) == std::vector<int>{ 502 });
        CHECK_FALSE(has(one.answer, "X-Void"));
    }
}

TEST_CASE("an answer that breaks off is cut on this side too")
{
    proxy all;
    all.says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    conversation one = through(all, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(all.code == WEFT_EINCOMPLETEREAD);
    CHECK(one.result == WEFT_EINCOMPLETEREAD);
    CHECK_FALSE(has(one.answer, "0\r\n\r\n"));
}

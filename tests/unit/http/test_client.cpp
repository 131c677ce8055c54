#include "talk.h"

#include "weft/http_client.h"
#include "weft/testing.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <functional>
#include <unistd.h>

/*
 * A client and servers in one loop, over a unix socket with a virtual clock. A
 * server is either ours, or one that says what it was told to say.
 */

namespace
{

struct world {
    std::function<int(world &)> body;
    weft_http_client_options options = WEFT_HTTP_CLIENT_OPTIONS_INIT;
    std::vector<std::string> scripts; /* what a connection says, by its number; else ours */
    bool stays_open = false;          /* a script's connection does not end */
    bool hears_once_more = false;     /* it does, when one more request has come */
    weft_http_options served = WEFT_HTTP_OPTIONS_INIT;
    std::string path;
    std::string origin;
    std::vector<std::string> heard; /* what scripted connections were asked */
    int n_connections = 0;
    weft_http_client *client = nullptr;
    weft_http_server *http = nullptr;
};

int echo(weft_http_request *request, weft_http_response *response, void *)
{
    size_t size = 0;
    const char *data = static_cast<const char *>(weft_http_request_get_body(request, &size));
    const char *host = weft_http_request_get_header(request, "Host");
    const char *path = weft_http_request_get_path(request);

    WEFT_TRY(weft_http_response_add_header(response, "X-Host", host == nullptr ? "" : host));
    if (std::strcmp(path, "/chunks") == 0) {
        WEFT_TRY(weft_http_response_send(response, "one", 3));
        WEFT_TRY(weft_sleep(WEFT_MS(5)));
        return weft_http_response_send(response, "two", 3);
    }
    if (std::strcmp(path, "/slow") == 0) {
        return weft_sleep(WEFT_S(3600));
    }
    WEFT_TRY(
        weft_http_response_printf(response, "%s %s ", weft_http_request_get_method(request), path));
    return weft_http_response_write(response, data, size);
}

int say(weft_stream *stream, world *all, const std::string &script)
{
    char *data = nullptr;
    size_t n = 0;
    WEFT_TRY(weft_stream_read_view(stream, &data, &n));
    all->heard.emplace_back(data, n);
    WEFT_TRY(weft_stream_write(stream, script.data(), script.size()));
    if (all->hears_once_more) {
        return weft_stream_read_view(stream, &data, &n);
    }
    return all->stays_open ? weft_sleep(WEFT_S(7200)) : 0;
}

int connected(weft_stream *stream, void *data)
{
    world *all = static_cast<world *>(data);
    size_t i = static_cast<size_t>(all->n_connections++);
    return i < all->scripts.size() && all->scripts[i] != "serve"
               ? say(stream, all, all->scripts[i])
               : weft_http_server_serve(all->http, stream);
}

int run_world(void *arg)
{
    world *all = static_cast<world *>(arg);
    weft_server *server = nullptr;

    WEFT_TRY(weft_http_server_create(echo, nullptr, &all->served, &all->http));
    WEFT_TRY(weft_start_unix_server(connected, all, all->path.c_str(), nullptr, &server));
    WEFT_TRY(weft_http_client_create(&all->options, &all->client));
    int r = all->body(*all);
    weft_http_client_destroy(all->client);
    (void)weft_server_close(server);
    (void)weft_server_abort_clients(server);
    (void)weft_server_wait_closed(server);
    weft_server_destroy(server);
    weft_http_server_destroy(all->http);
    return r;
}

int run(world &all)
{
    char folder[] = "/tmp/weft-client-XXXXXX";
    if (mkdtemp(folder) == nullptr) {
        return -errno;
    }
    all.path = std::string(folder) + "/s";
    all.origin = "unix:" + all.path;
    int r = run_in_loop(run_world, &all);
    (void)unlink(all.path.c_str());
    (void)rmdir(folder);
    return r;
}

struct answer {
    int code = 1;
    int status = 0;
    int64_t length = -2;
    std::string body;
    std::string host;
};

answer call(world &all, weft_http_call what)
{
    answer got;
    weft_http_reply *reply = nullptr;
    weft_bytes *bytes = nullptr;

    what.origin = what.origin == nullptr ? all.origin.c_str() : what.origin;
    got.code = weft_http_client_call(all.client, &what, &reply);
    if (got.code < 0) {
        return got;
    }
    got.status = weft_http_reply_get_status(reply);
    got.length = weft_http_reply_get_length(reply);
    const char *host = weft_http_reply_get_header(reply, "x-host");
    got.host = host == nullptr ? "" : host;
    got.code = weft_http_reply_read_all(reply, 1 << 20, &bytes);
    if (got.code == 0) {
        got.body.assign(bytes->data, bytes->size);
        weft_bytes_destroy(bytes);
    }
    weft_http_reply_destroy(reply);
    return got;
}

answer get(world &all, const char *target, const char *method = "GET")
{
    weft_http_call what = WEFT_HTTP_CALL_INIT;
    what.method = method;
    what.target = target;
    return call(all, what);
}

/* The answer to one GET when the server says <script>. */
answer scripted(const std::string &script, const char *method = "GET", bool stays_open = false,
                world *all = nullptr)
{
    world own;
    answer got;
    all = all == nullptr ? &own : all;
    all->scripts = { script };
    all->stays_open = stays_open;
    all->body = [&](world &w) {
        got = get(w, "/", method);
        return 0;
    };
    int r = run(*all);
    got.code = r < 0 ? r : got.code;
    return got;
}

} // namespace

TEST_CASE("calls go over one connection, one after the other")
{
    world all;
    std::vector<answer> got;
    all.body = [&](world &w) {
        for (const char *target : { "/a", "/chunks", "/b?x=y" }) {
            got.push_back(get(w, target));
        }
        got.push_back(get(w, "/head", "HEAD"));
        got.push_back(get(w, "/c"));
        return 0;
    };
    REQUIRE(run(all) == 0);
    CHECK(got[0].body == "GET /a ");
    CHECK(got[0].length == 7);
    CHECK(got[0].host == "localhost");
    CHECK(got[1].body == "onetwo");
    CHECK(got[1].length == -1);
    CHECK(got[2].body == "GET /b ");
    CHECK(got[3].body.empty());
    CHECK(got[3].status == 200);
    CHECK(got[4].body == "GET /c ");
    CHECK(all.n_connections == 1);
}

TEST_CASE("a reply that is not read to its end costs its connection")
{
    world all;
    all.body = [&](world &w) {
        weft_http_call what = WEFT_HTTP_CALL_INIT;
        weft_http_reply *reply = nullptr;
        what.origin = w.origin.c_str();
        WEFT_TRY(weft_http_client_call(w.client, &what, &reply));
        weft_http_reply_destroy(reply);
        return get(w, "/").code;
    };
    REQUIRE(run(all) == 0);
    CHECK(all.n_connections == 2);
}

TEST_CASE("bodies in memory, of known length and in chunks")
{
    struct source {
        std::string text;
        size_t at = 0;
    };
    weft_http_body_fn *read = [](void *data, void *buffer, size_t size, size_t *out_n) {
        source *from = static_cast<source *>(data);
        size_t n = std::min({ size, from->text.size() - from->at, size_t{ 10 } });
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
        std::memcpy(buffer, from->text.data() + from->at, n);
        from->at += n;
        *out_n = n;
        return 0;
    };
    world all;
    std::vector<answer> got;
    all.body = [&](world &w) {
        weft_http_field fields[] = { { "Host", "me" }, { "X-A", "b" } };
        source text = { "a body that comes in pieces" };
        weft_http_call what = WEFT_HTTP_CALL_INIT;
        what.method = "POST";
        what.target = "/p";
        what.fields = fields;
        what.n_fields = 2;
        what.body = "memory";
        what.body_size = 6;
        got.push_back(call(w, what));
        what.body = nullptr;
        what.body_size = 0;
        what.read_body = read;
        what.data = &text;
        got.push_back(call(w, what));
        text.at = 0;
        what.body_length = static_cast<int64_t>(text.text.size());
        got.push_back(call(w, what));
        text.at = 0;
        what.body_length = 5;
        got.push_back(call(w, what));
        text.at = 0;
        what.body_length = 50;
        got.push_back(call(w, what));
        what.read_body = [](void *, void *, size_t, size_t *) { return WEFT_EUSER(3); };
        got.push_back(call(w, what));
        what.read_body = nullptr;
        got.push_back(call(w, what));
        return 0;
    };
    REQUIRE(run(all) == 0);
    CHECK(got[0].body == "POST /p memory");
    CHECK(got[0].host == "me");
    CHECK(got[1].body == "POST /p a body that comes in pieces");
    CHECK(got[2].body == "POST /p a body that comes in pieces");
    CHECK(got[3].code == WEFT_EINVALIDSTATE);
    CHECK(got[4].code == WEFT_EINVALIDSTATE);
    CHECK(got[5].code == WEFT_EUSER(3));
    CHECK(got[6].body == "POST /p ");
}

TEST_CASE("every framing of an answer")
{
    struct {
        const char *script;
        const char *method;
        int code;
        int status;
        const char *body;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "GET", 0, 200, "hi" },
        { "HTTP/1.1 200 OK\r\n\r\nuntil the end", "GET", 0, 200, "until the end" },
        { "HTTP/1.0 200 OK\r\n\r\nold", "GET", 0, 200, "old" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: t\r\n\r\n",
          "GET", 0, 200, "hi" },
        { "HTTP/1.1 204 No Content\r\n\r\n", "GET", 0, 204, "" },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", 0, 304, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", 0, 200, "" },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
          "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx",
          "GET", 0, 404, "x" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "GET", WEFT_EINCOMPLETEREAD, 200, "" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "GET",
          WEFT_EINCOMPLETEREAD, 200, "" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "GET", -EPROTO, 200, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi", "GET", -EPROTO, 0,
          "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi", "GET",
          -EPROTO, 0, "" },
        { "HTTP/1.1 101 Switching\r\n\r\n", "GET", -EPROTO, 0, "" },
        { "SSH-2.0-x\r\n", "GET", -EPROTO, 0, "" },
        { "HTTP/1.1 200 OK\r\nX: y", "GET", WEFT_EINCOMPLETEREAD, 0, "" },
        { "", "GET", WEFT_EINCOMPLETEREAD, 0, "" },
    };

    for (const auto &c : cases) {
        CAPTURE(c.script);
        answer got = scripted(c.script, c.method);
        CHECK(got.code == c.code);
        CHECK(got.status == c.status);
        CHECK(got.body == c.body);
    }
}

TEST_CASE("what follows an answer that nobody asked for costs the connection")
{
    world all;
    std::vector<int> codes;
    all.scripts = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n" };
    all.stays_open = true;
    all.body = [&](world &w) {
        codes.push_back(get(w, "/").code);
        codes.push_back(get(w, "/").code);
        return 0;
    };
    REQUIRE(run(all) == 0);
    CHECK(codes == std::vector<int>{ 0, 0 });
    CHECK(all.n_connections == 2);
}

TEST_CASE("limits of time and size")
{
    world slow;
    slow.options.head_limit = WEFT_S(2);
    answer late = scripted("HTTP/1.1 200 OK\r\n", "GET", true, &slow);
    CHECK(late.code == WEFT_ETIMEDOUT);

    world body;
    body.options.body_limit = WEFT_S(2);
    late = scripted("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "GET", true, &body);
    CHECK(late.code == WEFT_ETIMEDOUT);
    CHECK(late.status == 200);

    world large;
    large.options.max_head_size = 1000;
    CHECK(scripted("HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'), "GET", true, &large).code ==
          -EMSGSIZE);

    world all;
    int code = 0;
    all.body = [&](world &w) {
        weft_http_call what = WEFT_HTTP_CALL_INIT;
        weft_http_reply *reply = nullptr;
        weft_bytes *bytes = nullptr;
        what.origin = w.origin.c_str();
        WEFT_TRY(weft_http_client_call(w.client, &what, &reply));
        code = weft_http_reply_read_all(reply, 3, &bytes);
        weft_http_reply_destroy(reply);
        return 0;
    };
    REQUIRE(run(all) == 0);
    CHECK(code == -EMSGSIZE);
}

TEST_CASE("a kept connection that the server has closed is not used")
{
    world all;
    std::vector<answer> got;
    all.served.idle_limit = WEFT_S(1);
    all.body = [&](world &w) {
        got.push_back(get(w, "/"));
        WEFT_TRY(weft_sleep(WEFT_S(5)));
        got.push_back(get(w, "/", "POST"));
        return 0;
    };
    REQUIRE(run(all) == 0);
    CHECK(got[1].code == 0);
    CHECK(all.n_connections == 2);
}

TEST_CASE("a request that met a closing connection is sent again, if that is harmless")
{
    for (bool is_harmless : { true, false }) {
        world all;
        std::vector<answer> got;
        all.scripts = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
        all.hears_once_more = true;
        all.body = [&](world &w) {
            got.push_back(get(w, "/"));
            got.push_back(get(w, "/again", is_harmless ? "GET" : "POST"));
            return 0;
        };
        REQUIRE(run(all) == 0);
        CHECK(got[0].code == 0);
        CHECK(got[1].code == (is_harmless ? 0 : WEFT_EINCOMPLETEREAD));
        CHECK(got[1].body == (is_harmless ? "GET /again " : ""));
        CHECK(all.n_connections == (is_harmless ? 2 : 1));
    }
}

TEST_CASE("connections are kept for a time, and not too many")
{
    world all;
    all.options.idle_limit = WEFT_S(10);
    all.options.max_idle = 1;
    weft_http_server_stats before = WEFT_HTTP_SERVER_STATS_INIT;
    weft_http_server_stats after = WEFT_HTTP_SERVER_STATS_INIT;
    all.body = [&](world &w) {
        weft_http_call what = WEFT_HTTP_CALL_INIT;
        weft_http_reply *one = nullptr;
        weft_http_reply *two = nullptr;
        weft_bytes *bytes = nullptr;
        what.origin = w.origin.c_str();
        WEFT_TRY(weft_http_client_call(w.client, &what, &one));
        WEFT_TRY(weft_http_client_call(w.client, &what, &two));
        for (weft_http_reply *reply : { one, two }) {
            WEFT_TRY(weft_http_reply_read_all(reply, 100, &bytes));
            weft_bytes_destroy(bytes);
            weft_http_reply_destroy(reply);
        }
        WEFT_TRY(weft_sleep(WEFT_S(1)));
        WEFT_TRY(weft_http_server_get_stats(w.http, &before));
        WEFT_TRY(weft_sleep(WEFT_S(20)));
        return weft_http_server_get_stats(w.http, &after);
    };
    REQUIRE(run(all) == 0);
    CHECK(all.n_connections == 2);
    CHECK(before.connections == 1);
    CHECK(after.connections == 0);
}

TEST_CASE("a call that is cancelled leaves nothing behind")
{
    world all;
    all.body = [&](world &w) {
        weft_coro_fn *slow = [](void *arg) {
            answer got = get(*static_cast<world *>(arg), "/slow");
            return got.code;
        };
        int r = weft_wait_for(weft_coro_create(slow, &w), WEFT_S(1), nullptr);
        return r == WEFT_ETIMEDOUT ? get(w, "/").code : WEFT_EUSER(9);
    };
    CHECK(run(all) == 0);
    CHECK(all.n_connections == 2);
}

TEST_CASE("what cannot be asked is refused at once")
{
    world all;
    std::vector<int> codes;
    all.body = [&](world &w) {
        weft_http_reply *reply = nullptr;
        for (const char *origin : { "", "a b", "host:0", "host:65536", "host:x", "[::1", "[host]:1",
                                    "unix:", "user@host", "::1" }) {
            weft_http_call what = WEFT_HTTP_CALL_INIT;
            what.origin = origin;
            codes.push_back(weft_http_client_call(w.client, &what, &reply));
        }
        weft_http_field fields[] = { { "X", "a\r\nY: b" },
                                     { "Content-Length", "1" },
                                     { "X Y", "" },
                                     { nullptr, "" },
                                     { "X", nullptr } };
        for (const weft_http_field &field : fields) {
            weft_http_call what = WEFT_HTTP_CALL_INIT;
            what.origin = w.origin.c_str();
            what.fields = &field;
            what.n_fields = 1;
            codes.push_back(weft_http_client_call(w.client, &what, &reply));
        }
        for (const char *target : { "x", "", "/a b", "/a\r\n" }) {
            weft_http_call what = WEFT_HTTP_CALL_INIT;
            what.origin = w.origin.c_str();
            what.target = target;
            codes.push_back(weft_http_client_call(w.client, &what, &reply));
        }
        for (const char *method : { "", "GET ", "G\n", "CONNECT" }) {
            weft_http_call what = WEFT_HTTP_CALL_INIT;
            what.origin = w.origin.c_str();
            what.method = method;
            codes.push_back(weft_http_client_call(w.client, &what, &reply));
        }
        codes.push_back(weft_http_client_call(nullptr, nullptr, &reply));
        codes.push_back(weft_http_client_call(w.client, nullptr, &reply));
        for (const char *url : { "https://a/", "a", "", "http://", "http:///x", "http://a:b/" }) {
            codes.push_back(weft_http_get(w.client, url, &reply));
        }
        codes.push_back(weft_http_get(w.client, nullptr, &reply));
        return reply == nullptr ? 0 : WEFT_EUSER(1);
    };
    REQUIRE(run(all) == 0);
    CHECK(codes == std::vector<int>(codes.size(), WEFT_EINVAL));
    CHECK(all.n_connections == 0);
}

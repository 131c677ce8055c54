/* Several addresses: one after the other, staggered, in which order; what all failures make. */
#include "loopback.hpp"

#include "support/sweep.hpp"

#include <netinet/tcp.h>

namespace
{

/* How one undertaking went. */
struct outcome {
    int code = 1;
    std::string peer;
    std::string own;
    std::string message;
    weft_duration took = 0;
    size_t n_children = 0;
    int n_descriptors = 0; /* more than before, afterwards */
};

/* Connect to a name that leads to <where>. */
outcome connect_by(const destinations &where, const weft_connect_options &how,
                   weft_duration limit = 0)
{
    no_threads_left threads;
    outcome o;
    world w;

    w.run([&] {
        fake_resolver names(where);
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        weft_stream *stream = nullptr;
        char text[64] = "";
        options.connect = &how;
        options.connect_limit = limit;
        int before = n_descriptors();
        /* The thread of the look-up may be new, but it has no descriptors. */
        weft_time start = weft_loop_time(nullptr);
        o.code = weft_open_connection("host.test", 1, &options, &stream);
        o.took = weft_loop_time(nullptr) - start;
        if (o.code == 0) {
            weft_stream_get_peername(stream, text, sizeof text);
            o.peer = text;
            weft_stream_get_sockname(stream, text, sizeof text);
            o.own = text;
            weft_stream_abort(stream);
            weft_stream_destroy(stream);
        } else {
            o.message = weft_current_message(o.code);
            o.n_children = weft_error_get_n_children(weft_current_error());
        }
        o.n_descriptors = n_descriptors() - before;
        return 0;
    });
    return o;
}

weft_connect_options staggered(weft_duration delay = WEFT_MS(250))
{
    weft_connect_options how = WEFT_CONNECT_OPTIONS_INIT;
    how.happy_eyeballs_delay = delay;
    return how;
}

std::string at(const char *host, const plain_listener &listener)
{
    return std::string(host) + ":" + std::to_string(listener.port);
}

std::string refused_by(const char *host, int port)
{
    return "[Errno 111] Connect call failed ('" + std::string(host) + "', " + std::to_string(port) +
           ")";
}

} // namespace

TEST_CASE("connect: the next address begins when the delay is over", "[connect][race]")
{
    black_hole first;
    black_hole second("127.0.0.2");
    plain_listener third(8, "127.0.0.3");

    outcome o = connect_by(
        { { "127.0.0.1", first.port }, { "127.0.0.2", second.port }, { "127.0.0.3", third.port } },
        staggered());
    CHECK(o.code == 0);
    CHECK(o.peer == at("127.0.0.3", third));
    CHECK(o.took == WEFT_MS(500));
    CHECK(o.n_descriptors == 0);
}

TEST_CASE("connect: a refusal of the last one begun starts the next at once", "[connect][race]")
{
    black_hole first;
    plain_listener closed(-1, "127.0.0.2");
    plain_listener third(8, "127.0.0.3");

    outcome o = connect_by(
        { { "127.0.0.1", first.port }, { "127.0.0.2", closed.port }, { "127.0.0.3", third.port } },
        staggered());
    CHECK(o.code == 0);
    CHECK(o.peer == at("127.0.0.3", third));
    CHECK(o.took == WEFT_MS(250)); /* of the first; none of the second */
}

TEST_CASE("connect: without a delay strictly one after the other", "[connect][race]")
{
    weft_connect_options how = WEFT_CONNECT_OPTIONS_INIT;
    black_hole first;
    plain_listener closed(-1, "127.0.0.2");
    plain_listener third(8, "127.0.0.3");

    SECTION("a refusal leads on")
    {
        outcome o = connect_by({ { "127.0.0.2", closed.port }, { "127.0.0.3", third.port } }, how);
        CHECK(o.code == 0);
        CHECK(o.peer == at("127.0.0.3", third));
        CHECK(o.took == 0);
    }
    SECTION("silence does not; the limit ends it")
    {
        outcome o = connect_by({ { "127.0.0.1", first.port }, { "127.0.0.3", third.port } }, how,
                               WEFT_S(5));
        CHECK(o.code == WEFT_ETIMEDOUT);
        CHECK(o.took == WEFT_S(5));
        CHECK(o.n_descriptors == 0);
    }
    SECTION("the earlier of both limits counts")
    {
        how.limit = WEFT_S(2);
        outcome o = connect_by({ { "127.0.0.1", first.port } }, how, WEFT_S(5));
        CHECK(o.code == WEFT_ETIMEDOUT);
        CHECK(o.took == WEFT_S(2));
    }
}

TEST_CASE("connect: what all failures make", "[connect][race]")
{
    plain_listener one(-1);
    plain_listener two(-1, "127.0.0.2");
    weft_connect_options how = GENERATE(0, 1) != 0 ? staggered() : staggered(0);
    const destinations both = { { "127.0.0.1", one.port }, { "127.0.0.2", two.port } };

    SECTION("one list")
    {
        outcome o = connect_by(both, how);
        CHECK(o.code == -ECONNREFUSED);
        CHECK(o.message == "Multiple exceptions: " + refused_by("127.0.0.1", one.port) + ", " +
                               refused_by("127.0.0.2", two.port));
        CHECK(o.n_children == 2);
        CHECK(o.n_descriptors == 0);
    }
    SECTION("the same text once")
    {
        outcome o = connect_by({ both[0], both[0] }, how);
        CHECK(o.code == -ECONNREFUSED);
        CHECK("[Errno 111] " + o.message == refused_by("127.0.0.1", one.port));
        CHECK(o.n_children == 0);
    }
    SECTION("all of them, when they are wanted")
    {
        how.all_errors = 1;
        outcome o = connect_by({ both[0] }, how);
        CHECK(o.code == WEFT_EGROUP);
        CHECK(o.message == "create_connection failed");
        CHECK(o.n_children == 1);
    }
}

TEST_CASE("connect: a long list is not cut", "[connect][race]")
{
    plain_listener closed(-1);
    destinations where;
    std::string message = "Multiple exceptions: ";

    for (int i = 1; i <= 20; i++) { /* nobody listens on 127.0.1.x */
        std::string host = "127.0.1." + std::to_string(i);
        where.emplace_back(host, closed.port);
        message += (i > 1 ? ", " : "") + refused_by(host.c_str(), closed.port);
    }
    CHECK(connect_by(where, staggered(0)).message == message);
}

TEST_CASE("connect: families take turns", "[connect][race]")
{
    plain_listener closed(-1);
    int port = closed.port;
    weft_connect_options how = staggered(0);
    std::string message;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (probe < 0) {
        WARN("no IPv6 here");
        return;
    }
    ::close(probe);
    /* Whatever version 6 says (refused, or no such address here): "6" for it, "4" for the other. */
    auto order = [&](int interleave) {
        std::string found;
        how.interleave = interleave;
        how.all_errors = 0;
        outcome o = connect_by({ { "::1", port },
                                 { "::1", port },
                                 { "::1", port },
                                 { "127.0.0.1", port },
                                 { "127.0.0.2", port } },
                               how);
        size_t from = 0;
        while ((from = o.message.find("[Errno ", from)) != std::string::npos) {
            size_t end = o.message.find("[Errno ", from + 1);
            found +=
                o.message.substr(from, end - from).find("('127.") != std::string::npos ? '4' : '6';
            from++;
        }
        return found;
    };
    CHECK(order(0) == "66644");
    CHECK(order(1) == "64646");
    CHECK(order(2) == "66464");
    CHECK(order(3) == "66644");
    CHECK(order(9) == "66644");
}

TEST_CASE("connect: from a local address", "[connect][local]")
{
    plain_listener listener;
    weft_connect_options how = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
    std::string own;
    std::string message;
    int code = 1;

    options.connect = &how;
    world w;
    auto connect_now = [&] {
        w.run([&] {
            weft_stream *stream = nullptr;
            char text[64] = "";
            code = weft_open_connection("127.0.0.1", listener.port, &options, &stream);
            if (code == 0) {
                weft_stream_get_sockname(stream, text, sizeof text);
                own = text;
                weft_stream_abort(stream);
                weft_stream_destroy(stream);
            } else {
                message = weft_current_message(code);
            }
            return 0;
        });
    };
    SECTION("of this machine")
    {
        how.local_host = "127.0.0.9";
        connect_now();
        CHECK(code == 0);
        CHECK(own.rfind("127.0.0.9:", 0) == 0);
    }
    SECTION("of another one")
    {
        how.local_host = "192.0.2.1";
        how.local_port = 5;
        connect_now();
        CHECK(code == -EADDRNOTAVAIL);
        CHECK(message == "error while attempting to bind on address ('192.0.2.1', 5): cannot "
                         "assign requested address");
    }
    SECTION("of another family")
    {
        how.local_host = "::1";
        connect_now();
        CHECK(code == -EADDRNOTAVAIL);
        CHECK(message == "no matching local address with family=AF_INET found");
    }
    SECTION("bad ports and delays")
    {
        log_recorder log;
        how.local_port = 65536;
        connect_now();
        CHECK(code == WEFT_EINVAL);
        how = WEFT_CONNECT_OPTIONS_INIT;
        how.happy_eyeballs_delay = -1;
        connect_now();
        CHECK(code == WEFT_EINVAL);
        how = WEFT_CONNECT_OPTIONS_INIT;
        how.size = 3;
        connect_now();
        CHECK(code == WEFT_EINVAL);
    }
}

TEST_CASE("connect: a socket that is given", "[connect][sock]")
{
    int ends[2];
    weft_connect_options how = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
    std::vector<int> codes;
    std::string text;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    plain_listener listener;
    world w;
    options.connect = &how;
    w.run([&] {
        weft_stream *stream = nullptr;
        codes.push_back(weft_open_connection(nullptr, 0, &options, &stream)); /* nothing at all */
        how.sock = datagrams;
        codes.push_back(weft_open_connection(nullptr, 0, &options, &stream));
        how.sock = listener.fd; /* not connected */
        codes.push_back(weft_open_connection(nullptr, 0, &options, &stream));
        how.sock = 987654;
        codes.push_back(weft_open_connection(nullptr, 0, &options, &stream));
        how.sock = ends[0];
        codes.push_back(weft_open_connection("127.0.0.1", 1, &options, &stream)); /* both */
        codes.push_back(stream == nullptr ? 0 : 1);
        codes.push_back(weft_open_connection(nullptr, 0, &options, &stream));
        if (stream != nullptr) {
            (void)!write(ends[1], "hello", 5);
            text = read_text(stream);
            weft_stream_close(stream);
            weft_stream_destroy(stream);
        }
        return 0;
    });
    CHECK(codes ==
          std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, -ENOTCONN, -EBADF, WEFT_EINVAL, 0, 0 });
    CHECK(text == "hello");
    CHECK(fcntl(ends[0], F_GETFD) < 0); /* it was the stream's, which closed it */
    CHECK(fcntl(datagrams, F_GETFD) >= 0);
    ::close(ends[1]);
    ::close(datagrams);
}

TEST_CASE("connect: a cancel at any moment of a race leaves no socket", "[connect][cancel]")
{
    no_threads_left threads;
    black_hole first;
    black_hole second("127.0.0.2");
    plain_listener third(64, "127.0.0.3");
    world w;
    std::vector<int> codes;
    int left = -1;

    w.run([&] {
        fake_resolver names({ { "127.0.0.1", first.port },
                              { "127.0.0.2", second.port },
                              { "127.0.0.3", third.port } });
        weft_connect_options how = staggered(WEFT_MS(10));
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        options.connect = &how;
        int before = n_descriptors();
        for (int i = 0; i < 40; i++) {
            weft_task *task = w.spawn([&] {
                weft_stream *stream = nullptr;
                WEFT_TRY(weft_open_connection("host.test", 1, &options, &stream));
                weft_stream_abort(stream);
                weft_stream_destroy(stream);
                return 0;
            });
            weft_sleep(WEFT_MS(i)); /* the look-up takes no virtual time */
            settle(i % 3);
            weft_task_cancel(task, nullptr);
            codes.push_back(weft_await(task, nullptr));
        }
        left = n_descriptors() - before;
        return 0;
    });
    CHECK(left == 0);
    CHECK(std::count(codes.begin(), codes.end(), WEFT_ECANCELED) > 0);
    CHECK(std::count(codes.begin(), codes.end(), 0) > 0);
    CHECK(std::count(codes.begin(), codes.end(), 0) +
              std::count(codes.begin(), codes.end(), WEFT_ECANCELED) ==
          40);
}

TEST_CASE("connect: a loop that closes in a race frees everything", "[connect][debug]")
{
    no_threads_left threads;
    log_recorder log;
    black_hole first;
    black_hole second("127.0.0.2");
    int fds = n_descriptors();
    static body connector;
    {
        world w;
        w.run([&] {
            fake_resolver names({ { "127.0.0.1", first.port }, { "127.0.0.2", second.port } });
            connector = [] {
                weft_connect_options how = staggered(WEFT_MS(10));
                weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
                weft_stream *stream = nullptr;
                options.connect = &how;
                return weft_open_connection("host.test", 1, &options, &stream);
            };
            WEFT_TRY(weft_create_task(weft_coro_create(run_body, &connector), nullptr));
            weft_sleep(WEFT_MS(50));
            return 0;
        });
        CHECK(n_descriptors() > fds);
    }
    CHECK(log.has("unclosed transport <stream connecting>"));
    CHECK(n_descriptors() == fds);
}

TEST_CASE("connect: without memory nothing stays open", "[connect][oom]")
{
    plain_listener closed(-1);
    plain_listener open;
    int fds = n_descriptors();

    SECTION("a connection")
    {
        int n = sweep_out_of_memory(
            [&] {
                int code = 1;
                weft_loop *loop = nullptr;
                code = weft_new_event_loop(nullptr, &loop);
                if (code < 0) {
                    return code;
                }
                body connector = [&] {
                    weft_stream *stream = nullptr;
                    WEFT_TRY(weft_open_connection("127.0.0.1", open.port, nullptr, &stream));
                    weft_stream_abort(stream);
                    weft_stream_destroy(stream);
                    return 0;
                };
                code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &connector),
                                                    nullptr);
                weft_loop_close(loop);
                weft_loop_unref(loop);
                return code;
            },
            { -ENOSPC, -EMFILE });
        CHECK(n > 5);
    }
    SECTION("a refusal with a local address")
    {
        int n = sweep_out_of_memory(
            [&] {
                weft_loop *loop = nullptr;
                int code = weft_new_event_loop(nullptr, &loop);
                if (code < 0) {
                    return code;
                }
                body connector = [&] {
                    weft_connect_options how = staggered();
                    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
                    weft_stream *stream = nullptr;
                    options.connect = &how;
                    how.local_host = "127.0.0.8";
                    how.all_errors = 1;
                    int r = weft_open_connection("127.0.0.1", closed.port, &options, &stream);
                    return r == WEFT_EGROUP ? 0 : r;
                };
                code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &connector),
                                                    nullptr);
                weft_loop_close(loop);
                weft_loop_unref(loop);
                return code;
            },
            { -ENOSPC, -EMFILE });
        CHECK(n > 5);
    }
    CHECK(n_descriptors() == fds);
}

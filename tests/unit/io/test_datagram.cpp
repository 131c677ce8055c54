/*
 * Endpoints of datagrams: the order of callbacks, errors, the queue, tasks that
 * wait, and that nothing is lost or left open.
 */
#include "support/io_world.hpp"
#include "support/sweep.hpp"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include "weft/datagram.h"
#include "weft/dns.h"

namespace
{

/* What a protocol saw, and what it does. */
struct seen {
    std::vector<std::string> lines;
    std::function<void(weft_datagram_transport *, const std::string &, const weft_address *)>
        on_data;
    std::function<void(weft_datagram_transport *)> on_made;
    std::function<void(weft_datagram_transport *)> on_error;
    int result = 0;
};

const weft_datagram_protocol recording = [] {
    weft_datagram_protocol p = {};
    p.size = sizeof p;
    p.connection_made = [](weft_datagram_transport *t, void *data) {
        auto *s = static_cast<seen *>(data);
        s->lines.push_back("made");
        if (s->on_made) {
            s->on_made(t);
        }
        return s->result;
    };
    p.connection_lost = [](weft_datagram_transport *, int code, void *data) {
        static_cast<seen *>(data)->lines.push_back("lost " + std::to_string(code));
        return static_cast<seen *>(data)->result;
    };
    p.datagram_received = [](weft_datagram_transport *t, const void *bytes, size_t n,
                             const weft_address *from, void *data) {
        auto *s = static_cast<seen *>(data);
        std::string text(static_cast<const char *>(bytes), n);
        s->lines.push_back("got " + (text.size() > 20 ? std::to_string(n) : text));
        if (s->on_data) {
            s->on_data(t, text, from);
        }
        return s->result;
    };
    p.error_received = [](weft_datagram_transport *t, int code, void *data) {
        auto *s = static_cast<seen *>(data);
        s->lines.push_back(std::string("error ") + weft_error_name(code));
        if (s->on_error) {
            s->on_error(t);
        }
        return s->result;
    };
    p.pause_writing = [](weft_datagram_transport *, void *data) {
        static_cast<seen *>(data)->lines.push_back("pause");
        return static_cast<seen *>(data)->result;
    };
    p.resume_writing = [](weft_datagram_transport *, void *data) {
        static_cast<seen *>(data)->lines.push_back("resume");
        return static_cast<seen *>(data)->result;
    };
    p.release = [](void *data) { static_cast<seen *>(data)->lines.push_back("released"); };
    return p;
}();

int make_recording(const weft_datagram_protocol **out_protocol, void **out_data, void *arg)
{
    *out_protocol = &recording;
    *out_data = arg;
    return 0;
}

/* Two connected unix datagram sockets, small enough to be filled. */
struct two {
    int own = -1;
    int peer = -1;

    two()
    {
        int ends[2] = { -1, -1 };
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0) {
            own = ends[0];
            peer = ends[1];
        }
    }
    ~two()
    {
        ::close(peer);
    }
    std::string take() const
    {
        char text[4096];
        ssize_t n = ::recv(peer, text, sizeof text, 0);
        return n < 0 ? "-" : std::string(text, static_cast<size_t>(n));
    }
    void give(const std::string &text) const
    {
        (void)!::send(peer, text.data(), text.size(), 0);
    }
};

int open_on(int fd, seen *s, weft_datagram_transport **out,
            const weft_datagram_options *options = nullptr)
{
    return weft_loop_create_datagram_endpoint_fd(nullptr, make_recording, s, fd, options, out);
}

int open_loopback(weft_datagram_transport **out, int remote_port = 0)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    options.local_addr = "127.0.0.1";
    options.remote_addr = remote_port != 0 ? "127.0.0.1" : nullptr;
    options.remote_port = remote_port;
    return weft_open_datagram_endpoint(&options, out);
}

int port_of(const weft_datagram_transport *t)
{
    weft_address address;
    return weft_datagram_transport_get_sockname(t, &address) < 0 ? -1
                                                                 : weft_address_get_port(&address);
}

void end(weft_datagram_transport *t)
{
    weft_datagram_transport_close(t);
    weft_datagram_transport_unref(t);
}

std::string receive(weft_datagram_transport *t, weft_address *from = nullptr)
{
    char text[2048];
    size_t n = 0;
    int code = weft_datagram_transport_recvfrom(t, text, sizeof text, &n, from);
    return code < 0 ? weft_error_name(code) : std::string(text, n);
}

std::string scratch_path()
{
    char folder[] = "/tmp/weft-test-XXXXXX";
    return std::string(mkdtemp(folder)) + "/s";
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("datagram: connection_made comes before the call returns, lost after close",
          "[io][datagram]")
{
    world w;
    seen s;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = open_on(sockets.own, &s, &t);
        s.lines.push_back("returned");
        weft_datagram_transport_close(t);
        weft_datagram_transport_close(t);
        s.lines.push_back("closed");
        settle();
        s.lines.push_back("fd " + std::to_string(weft_datagram_transport_get_fd(t)));
        weft_datagram_transport_unref(t);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(s.lines == lines{ "made", "returned", "closed", "lost 0", "released", "fd -1" });
}

TEST_CASE("datagram: one is received in a turn, after what was queued before", "[io][datagram]")
{
    world w;
    seen s;
    int batch = GENERATE(1, 2);
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.batch = batch;
        s.on_data = [&](weft_datagram_transport *, const std::string &text, const weft_address *) {
            weft_loop_call_soon(
                nullptr,
                [](void *data) {
                    static_cast<seen *>(data)->lines.push_back("soon");
                    return 0;
                },
                &s, nullptr);
            (void)text;
        };
        int r = open_on(sockets.own, &s, &t, &options);
        sockets.give("1");
        sockets.give("");
        sockets.give("3");
        settle(8);
        weft_datagram_transport_abort(t);
        settle();
        weft_datagram_transport_unref(t);
        return r;
    });
    REQUIRE(code == 0);
    if (batch == 1) {
        REQUIRE(s.lines == lines{ "made", "got 1", "soon", "got ", "soon", "got 3", "soon",
                                  "lost 0", "released" });
    } else {
        REQUIRE(s.lines == lines{ "made", "got 1", "got ", "soon", "soon", "got 3", "soon",
                                  "lost 0", "released" });
    }
}

TEST_CASE("datagram: a full socket queues, pauses and resumes in order", "[io][datagram]")
{
    world w;
    seen s;
    std::vector<std::string> arrived;
    size_t queued = 0;
    size_t low = 0;
    size_t high = 0;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = open_on(sockets.own, &s, &t);
        r |= weft_datagram_transport_set_write_buffer_limits(t, 40, SIZE_MAX);
        r |= weft_datagram_transport_get_write_buffer_limits(t, &low, &high);
        int sent = 0;
        while (weft_datagram_transport_get_write_buffer_size(t) <= 40 && sent < 5000) {
            std::string text = std::to_string(sent++);
            r |= weft_datagram_transport_sendto(t, text.data(), text.size(), nullptr);
        }
        queued = weft_datagram_transport_get_write_buffer_size(t);
        weft_datagram_transport_close(t); /* what is queued is still sent */
        for (int i = 0; i < 200000 && arrived.size() < static_cast<size_t>(sent); i++) {
            std::string text = sockets.take();
            if (text != "-") {
                arrived.push_back(text);
            } else if (weft_sleep(0) < 0) {
                break;
            }
        }
        settle();
        weft_datagram_transport_unref(t);
        return r | (arrived.size() == static_cast<size_t>(sent) ? 0 : -1);
    });
    REQUIRE(code == 0);
    REQUIRE((low == 10 && high == 40 && queued > 40));
    for (size_t i = 0; i < arrived.size(); i++) {
        REQUIRE(arrived[i] == std::to_string(i));
    }
    REQUIRE(s.lines == lines{ "made", "pause", "resume", "lost 0", "released" });
}

TEST_CASE("datagram: abort loses what is queued", "[io][datagram]")
{
    world w;
    seen s;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = open_on(sockets.own, &s, &t);
        for (int i = 0; i < 5000 && weft_datagram_transport_get_write_buffer_size(t) == 0; i++) {
            r |= weft_datagram_transport_sendto(t, "x", 1, nullptr);
        }
        r |= weft_datagram_transport_get_write_buffer_size(t) == 9 ? 0 : -1;
        r |= weft_datagram_transport_abort(t);
        r |= weft_datagram_transport_get_write_buffer_size(t) == 0 ? 0 : -1;
        settle();
        weft_datagram_transport_unref(t);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(s.lines == lines{ "made", "lost 0", "released" });
}

TEST_CASE("datagram: a connected endpoint hears that nobody listens, and goes on", "[io][datagram]")
{
    world w;
    seen s;
    std::vector<int> codes;
    int code = w.run([&] {
        weft_datagram_transport *target;
        int r = open_loopback(&target);
        int port = port_of(target);
        end(target);
        settle();

        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.remote_addr = "127.0.0.1";
        options.remote_port = port;
        weft_datagram_transport *t;
        r |= weft_loop_create_datagram_endpoint(nullptr, make_recording, &s, &options, &t);
        r |= weft_datagram_transport_sendto(t, "a", 1, nullptr);
        settle();
        end(t);
        settle();

        weft_datagram_transport *waiting;
        r |= open_loopback(&waiting, port);
        codes.push_back(weft_datagram_transport_sendto(waiting, "a", 1, nullptr));
        char byte;
        size_t n;
        codes.push_back(weft_datagram_transport_recvfrom(waiting, &byte, 1, &n, nullptr));
        end(waiting);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(s.lines == lines{ "made", "error ECONNREFUSED", "lost 0", "released" });
    REQUIRE(codes == std::vector<int>{ 0, -ECONNREFUSED });
}

TEST_CASE("datagram: a callback may close, and answer", "[io][datagram]")
{
    world w;
    seen s;
    std::string answer;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        bool in_made = false;
        s.on_data = [&](weft_datagram_transport *own, const std::string &text,
                        const weft_address *) {
            weft_datagram_transport_sendto(own, text.data(), text.size(), nullptr);
            weft_datagram_transport_close(own);
        };
        int r = open_on(sockets.own, &s, &t);
        sockets.give("one");
        sockets.give("two"); /* nobody hears it */
        settle(8);
        weft_datagram_transport_unref(t);
        answer = sockets.take();

        two others;
        s.on_made = [&](weft_datagram_transport *own) {
            in_made = true;
            weft_datagram_transport_close(own);
        };
        r |= open_on(others.own, &s, &t);
        settle();
        weft_datagram_transport_unref(t);
        return r | (in_made ? 0 : -1);
    });
    REQUIRE(code == 0);
    REQUIRE(answer == "one");
    REQUIRE(s.lines ==
            lines{ "made", "got one", "lost 0", "released", "made", "lost 0", "released" });
}

TEST_CASE("datagram: a failing callback is reported, and no more", "[io][datagram]")
{
    world w;
    log_recorder log;
    seen s;
    s.result = WEFT_EUSER(1);
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = open_on(sockets.own, &s, &t);
        sockets.give("1");
        sockets.give("2");
        settle(8);
        end(t);
        settle();
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(s.lines == lines{ "made", "got 1", "got 2", "lost 0", "released" });
    REQUIRE(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == 4);
    REQUIRE(log.has("Exception in callback datagram_received()"));
}

TEST_CASE("datagram: a factory that fails leaves the descriptor with the caller", "[io][datagram]")
{
    world w;
    int code = w.run([] {
        two sockets;
        weft_datagram_transport *t = nullptr;
        int r = weft_loop_create_datagram_endpoint_fd(
            nullptr, [](const weft_datagram_protocol **, void **, void *) { return WEFT_EUSER(3); },
            nullptr, sockets.own, nullptr, &t);
        bool is_open = fcntl(sockets.own, F_GETFD) >= 0;
        ::close(sockets.own);
        return t == nullptr && is_open ? r : -1;
    });
    REQUIRE(code == WEFT_EUSER(3));
}

TEST_CASE("datagram: a task gets each datagram whole, with its sender", "[io][datagram]")
{
    world w;
    std::vector<std::string> got;
    bool is_same = false;
    size_t cut = 0;
    int code = w.run([&] {
        weft_datagram_transport *server;
        weft_datagram_transport *client;
        int r = open_loopback(&server);
        r |= open_loopback(&client, port_of(server));
        weft_address own;
        weft_address from;
        r |= weft_datagram_transport_get_sockname(client, &own);
        r |= weft_datagram_transport_sendto(client, "hello", 5, nullptr);
        r |= weft_datagram_transport_sendto(client, "", 0, nullptr);
        got.push_back(receive(server, &from));
        is_same = weft_address_is_equal(&own, &from);
        got.push_back(receive(server));
        r |= weft_datagram_transport_sendto(server, "longer", 6, &from);
        char two_bytes[2];
        r |= weft_datagram_transport_recvfrom(client, two_bytes, 2, &cut, nullptr);
        got.push_back(std::string(two_bytes, 2));
        end(server);
        end(client);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(got == lines{ "hello", "", "lo" });
    REQUIRE(is_same);
    REQUIRE(cut == 6);
}

TEST_CASE("datagram: a cancelled receive loses nothing, at any moment", "[io][datagram]")
{
    int turns_before = GENERATE(0, 1, 2, 3);
    int turns_after = GENERATE(0, 1, 2);
    world w;
    std::string first;
    std::string second;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = weft_open_datagram_endpoint_fd(sockets.own, nullptr, &t);
        weft_task *reader = w.spawn([&] {
            first = receive(t);
            return 0;
        });
        settle(turns_before);
        sockets.give("it");
        settle(turns_after);
        weft_task_cancel(reader, nullptr);
        (void)weft_await(reader, nullptr); /* it may have come first */
        if (first != "it") {
            second = receive(t);
        }
        end(t);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE((first == "it" || second == "it"));
}

TEST_CASE("datagram: closing wakes who waits, and a second receiver is refused", "[io][datagram]")
{
    world w;
    std::vector<std::string> got;
    int code = w.run([&] {
        two sockets;
        weft_datagram_transport *t;
        int r = weft_open_datagram_endpoint_fd(sockets.own, nullptr, &t);
        weft_task *reader = w.spawn([&] {
            got.push_back(receive(t));
            return 0;
        });
        settle();
        got.push_back(receive(t));
        end(t); /* with a task inside */
        (void)weft_await(reader, nullptr);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(got == lines{ "WEFT_ERUNTIME", "WEFT_ECLOSED" });
}

TEST_CASE("datagram: drain waits until the queue is low", "[io][datagram]")
{
    world w;
    int drained = 1;
    int cancelled = 1;
    size_t left = 99;
    int code = w.run([&] {
        two sockets;
        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.high_water = 40;
        options.low_water = 0;
        weft_datagram_transport *t;
        int r = weft_open_datagram_endpoint_fd(sockets.own, &options, &t);
        r |= weft_datagram_transport_drain(t);
        int sent = 0;
        while (weft_datagram_transport_get_write_buffer_size(t) <= 40 && sent < 5000) {
            r |= weft_datagram_transport_sendto(t, "abc", 3, nullptr);
            sent++;
        }
        weft_task *first = w.spawn([&] { return weft_datagram_transport_drain(t); });
        settle();
        weft_task_cancel(first, nullptr);
        cancelled = weft_await(first, nullptr);
        weft_task *second = w.spawn([&] {
            int c = weft_datagram_transport_drain(t);
            left = weft_datagram_transport_get_write_buffer_size(t);
            return c;
        });
        settle();
        for (int i = 0; i < 100000 && sent > 0; i++) {
            if (sockets.take() != "-") {
                sent--;
            } else {
                settle(1);
            }
        }
        drained = weft_await(second, nullptr);
        end(t);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(cancelled == WEFT_ECANCELED);
    REQUIRE(drained == 0);
    REQUIRE(left <= 10); /* the low mark: a quarter */
}

TEST_CASE("datagram: unix paths, a stale file, and a full receiver that nobody tells of",
          "[io][datagram]")
{
    world w;
    std::string path = scratch_path();
    std::vector<std::string> got;
    int n_received = 0;
    int n_sent = 0;
    int code = w.run([&] {
        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.family = AF_UNIX;
        options.local_addr = path.c_str();
        weft_datagram_transport *stale;
        int r = weft_open_datagram_endpoint(&options, &stale);
        end(stale);
        settle();
        weft_datagram_transport *server;
        r |= weft_open_datagram_endpoint(&options, &server); /* the file is there still */
        weft_datagram_transport *client;
        options.local_addr = nullptr;
        r |= weft_open_datagram_endpoint(&options, &client);
        weft_address to;
        r |= weft_address_set_unix(&to, path.c_str());
        while (weft_datagram_transport_get_write_buffer_size(client) == 0 && n_sent < 5000) {
            r |= weft_datagram_transport_sendto(client, "x", 1, &to);
            n_sent++;
        }
        weft_datagram_transport_close(client);
        while (n_received < n_sent && receive(server) == "x") {
            n_received++;
            if (n_received == n_sent - 1) {
                weft_sleep(WEFT_MS(5)); /* the last one was queued */
            }
        }
        char text[128];
        r |= weft_address_format(&to.as.any, to.len, text, sizeof text);
        got.push_back(text);
        weft_datagram_transport_unref(client);
        end(server);
        return r;
    });
    unlink(path.c_str());
    rmdir(path.substr(0, path.size() - 2).c_str());
    REQUIRE(code == 0);
    REQUIRE(n_received == n_sent);
    REQUIRE(got == lines{ "unix:" + path });
}

TEST_CASE("datagram: options are checked, and those of a socket refused beside one",
          "[io][datagram]")
{
    world w;
    log_recorder log;
    std::vector<int> codes;
    weft_datagram_transport *t = nullptr;
    int before = n_descriptors();
    int code = w.run([&] {
        seen s;
        auto try_it = [&](std::function<void(weft_datagram_options &)> change) {
            weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
            change(options);
            codes.push_back(
                weft_loop_create_datagram_endpoint(nullptr, make_recording, &s, &options, &t));
        };
        try_it([](weft_datagram_options &) {}); /* unexpected address family */
        try_it([](weft_datagram_options &o) { o.size = 0; });
        try_it([](weft_datagram_options &o) { o.local_addr = "127.0.0.1", o.local_port = -1; });
        try_it([](weft_datagram_options &o) { o.local_addr = "127.0.0.1", o.batch = 65; });
        try_it([](weft_datagram_options &o) {
            o.local_addr = "127.0.0.1", o.high_water = 1, o.low_water = 2;
        });
        try_it([](weft_datagram_options &o) {
            o.local_addr = "127.0.0.1", o.remote_addr = "::1", o.remote_port = 1;
        });
        try_it([](weft_datagram_options &o) { o.family = AF_UNIX, o.local_addr = ""; });
        two sockets;
        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.reuse_port = 1;
        codes.push_back(open_on(sockets.own, &s, &t, &options));
        ::close(sockets.own);
        int stream[2];
        codes.push_back(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
        codes.push_back(open_on(stream[0], &s, &t));
        codes.push_back(open_on(-1, &s, &t));
        ::close(stream[0]);
        ::close(stream[1]);
        codes.push_back(weft_loop_create_datagram_endpoint(nullptr, nullptr, &s, nullptr, &t));
        codes.push_back(weft_open_datagram_endpoint(nullptr, nullptr));
        return s.lines.empty() ? 0 : -1;
    });
    REQUIRE(code == 0);
    REQUIRE(t == nullptr);
    REQUIRE(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                       WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, 0,
                                       WEFT_EINVAL, -EBADF, WEFT_EINVAL, WEFT_EINVAL });
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("datagram: misuse of an endpoint is refused", "[io][datagram]")
{
    world w;
    log_recorder log;
    std::vector<int> codes;
    int code = w.run([&] {
        seen s;
        weft_datagram_transport *t;
        weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
        options.local_addr = "127.0.0.1";
        int r = weft_loop_create_datagram_endpoint(nullptr, make_recording, &s, &options, &t);
        char byte;
        size_t n;
        weft_address none = {};
        codes.push_back(weft_datagram_transport_sendto(nullptr, "a", 1, nullptr));
        codes.push_back(weft_datagram_transport_sendto(t, nullptr, 1, nullptr));
        codes.push_back(weft_datagram_transport_sendto(t, "a", 1, nullptr));
        codes.push_back(weft_datagram_transport_sendto(t, "a", 1, &none));
        codes.push_back(weft_datagram_transport_recvfrom(t, &byte, 1, &n, nullptr));
        codes.push_back(weft_datagram_transport_drain(t));
        codes.push_back(weft_datagram_transport_set_write_buffer_limits(t, 1, 2));
        codes.push_back(weft_datagram_transport_get_sockname(t, nullptr));
        weft_address peer;
        codes.push_back(weft_datagram_transport_get_peername(t, &peer));
        end(t);

        /* Another address than that of the peer. */
        options.local_addr = nullptr;
        options.remote_addr = "127.0.0.1";
        options.remote_port = 9;
        r |= weft_loop_create_datagram_endpoint(nullptr, make_recording, &s, &options, &t);
        weft_address other;
        r |= weft_address_set(&other, "127.0.0.1", 10);
        codes.push_back(weft_datagram_transport_sendto(t, "a", 1, &other));
        weft_datagram_transport_close(t);
        settle();
        codes.push_back(weft_datagram_transport_sendto(t, "a", 1, nullptr)); /* harmless */
        codes.push_back(weft_datagram_transport_get_sockname(t, &other));
        weft_datagram_transport_unref(t);
        settle();
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                       WEFT_EINVALIDSTATE, WEFT_EINVALIDSTATE, WEFT_EINVAL,
                                       WEFT_EINVAL, -ENOTCONN, WEFT_EINVAL, 0, WEFT_ECLOSED });
    REQUIRE(weft_datagram_transport_unref(nullptr) == nullptr);
    REQUIRE(weft_datagram_transport_is_closing(nullptr) == 1);
    REQUIRE(weft_datagram_transport_get_fd(nullptr) == -1);
    REQUIRE(weft_datagram_transport_get_loop(nullptr) == nullptr);
}

TEST_CASE("datagram: out of memory at every allocation", "[io][datagram][oom]")
{
    int before = n_descriptors();
    int n_failed = sweep_out_of_memory(
        [] {
            weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
            options.virtual_clock = 1;
            weft_loop *loop = nullptr;
            int r = weft_new_event_loop(&options, &loop);
            if (r < 0) {
                return r;
            }
            auto main = [](void *s) {
                weft_datagram_options own = WEFT_DATAGRAM_OPTIONS_INIT;
                own.local_addr = "127.0.0.1";
                own.batch = 2;
                weft_datagram_transport *t;
                weft_datagram_transport *waiting;
                WEFT_TRY(weft_loop_create_datagram_endpoint(nullptr, make_recording, s, &own, &t));
                int code = weft_open_datagram_endpoint(&own, &waiting);
                weft_address to;
                code = code < 0 ? code : weft_datagram_transport_get_sockname(t, &to);
                if (code == 0) {
                    code = weft_datagram_transport_sendto(waiting, "abc", 3, &to);
                    end(waiting);
                }
                end(t);
                for (int i = 0; i < 3 && code == 0; i++) {
                    code = weft_sleep(0);
                }
                return code;
            };
            seen s;
            r = weft_loop_run_until_complete(loop, weft_coro_create(main, &s), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return r;
        },
        { -ENOSPC, -EMFILE, -EAGAIN, WEFT_ENOSTACK });
    REQUIRE(n_failed > 3);
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("datagram: what the loop's end meets is reported and closed", "[io][datagram]")
{
    int before = n_descriptors();
    log_recorder log;
    seen s;
    weft_datagram_transport *kept = nullptr;
    {
        world w;
        int code = w.run([&] {
            weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
            options.local_addr = "127.0.0.1";
            int r =
                weft_loop_create_datagram_endpoint(nullptr, make_recording, &s, &options, nullptr);
            r |= weft_open_datagram_endpoint(&options, &kept);
            (void)w.spawn([&] {
                (void)receive(kept);
                return 0;
            });
            settle();
            return r;
        });
        REQUIRE(code == 0);
        w.close();
        REQUIRE(weft_datagram_transport_get_fd(kept) == -1);
        REQUIRE(weft_datagram_transport_sendto(kept, "", 0, nullptr) < 0);
        weft_datagram_transport_unref(kept);
    }
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 2);
    REQUIRE(s.lines == lines{ "made", "released" });
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("datagram: the last reference to an open endpoint is reported", "[io][datagram]")
{
    world w;
    log_recorder log;
    int before = n_descriptors();
    int code = w.run([&] {
        weft_datagram_transport *t;
        int r = open_loopback(&t);
        weft_datagram_transport_unref(t);
        settle();
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    w.close();
    REQUIRE(n_descriptors() <= before);
}

/* Connecting: by number, by name, over unix sockets; limits, cancels, failures. */
#include "loopback.hpp"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <vector>

namespace
{

int open_and_close(const char *host, int port, const weft_stream_options *options = nullptr)
{
    weft_stream *stream = nullptr;
    int code = weft_open_connection(host, port, options, &stream);
    if (code == 0) {
        weft_stream_close(stream);
        weft_stream_destroy(stream);
    }
    return code;
}

int open_and_close(const std::string &path, const weft_stream_options *options = nullptr)
{
    weft_stream *stream = nullptr;
    int code = weft_open_unix_connection(path.c_str(), options, &stream);
    if (code == 0) {
        weft_stream_close(stream);
        weft_stream_destroy(stream);
    }
    return code;
}

} // namespace

TEST_CASE("connect: by number, without delay, with both names", "[connect]")
{
    world w;
    plain_listener listener;
    char peer[64] = "";
    char own[64] = "";
    int no_delay = 0;

    int code = w.run([&] {
        weft_stream *stream;
        socklen_t len = sizeof no_delay;
        WEFT_TRY(weft_open_connection("127.0.0.1", listener.port, nullptr, &stream));
        weft_stream_get_peername(stream, peer, sizeof peer);
        weft_stream_get_sockname(stream, own, sizeof own);
        getsockopt(weft_stream_get_fd(stream), IPPROTO_TCP, TCP_NODELAY, &no_delay, &len);
        weft_stream_close(stream);
        weft_stream_destroy(stream);
        return 0;
    });
    CHECK(code == 0);
    CHECK(std::string(peer) == "127.0.0.1:" + std::to_string(listener.port));
    CHECK(std::string(own).rfind("127.0.0.1:", 0) == 0);
    CHECK(no_delay != 0);
}

TEST_CASE("connect: nobody listens", "[connect]")
{
    world w;
    plain_listener bound(-1);
    int fds = n_descriptors();
    std::string message;

    int code = w.run([&] {
        int r = open_and_close("127.0.0.1", bound.port);
        message = weft_current_message(r);
        return r;
    });
    CHECK(code == -ECONNREFUSED);
    CHECK(message == "Connect call failed ('127.0.0.1', " + std::to_string(bound.port) + ")");
    CHECK(n_descriptors() == fds);
}

TEST_CASE("connect: bad arguments", "[connect]")
{
    world w;
    std::vector<int> codes;

    w.run([&] {
        codes.push_back(open_and_close("", 80));
        codes.push_back(open_and_close("127.0.0.1", 65536));
        codes.push_back(open_and_close("127.0.0.1", -1));
        codes.push_back(open_and_close(std::string(108, 'x')));
        codes.push_back(open_and_close(std::string()));
        codes.push_back(open_and_close("/nowhere/at/all.sock"));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                     WEFT_EINVAL, -ENOENT });
}

TEST_CASE("connect: outside a task it is refused", "[connect][debug]")
{
    log_recorder log;
    weft_stream *stream = nullptr;

    CHECK(weft_open_connection("127.0.0.1", 1, nullptr, &stream) == WEFT_ERUNTIME);
    CHECK(stream == nullptr);
}

TEST_CASE("connect: by name, on a thread, each address in turn", "[connect][threads]")
{
    no_threads_left threads;
    world w(/* is_virtual = */ false);
    plain_listener listener; /* on version 4 only: where localhost is ::1 first, that is refused */

    CHECK(w.run([&] { return open_and_close("localhost", listener.port); }, 1000000) == 0);
}

TEST_CASE("connect: a name that does not exist", "[connect][threads]")
{
    no_threads_left threads;
    world w(/* is_virtual = */ false);
    std::string message;

    int code = w.run(
        [&] {
            /* Not a name at all: no name server is asked. */
            int r = open_and_close("not a host name..", 80);
            message = weft_current_message(r);
            return r;
        },
        1000000);
    CHECK(code == WEFT_EADDRINFO);
    CHECK(message.rfind("not a host name..: ", 0) == 0);
}

TEST_CASE("connect: a look-up that is cancelled is left behind", "[connect][threads][cancel]")
{
    no_threads_left threads;
    world w(/* is_virtual = */ false);
    plain_listener listener;
    int n_cancelled = 0;
    int n_other = 0;

    w.run(
        [&] {
            for (int i = 0; i < 50; i++) {
                weft_task *task =
                    w.spawn([&] { return open_and_close("localhost", listener.port); });
                settle(i % 5);
                weft_task_cancel(task, nullptr);
                int code = weft_await(task, nullptr);
                n_cancelled += code == WEFT_ECANCELED;
                n_other += code != WEFT_ECANCELED && code != 0;
            }
            return 0;
        },
        1000000);
    CHECK(n_cancelled > 0);
    CHECK(n_other == 0);
}

TEST_CASE("connect: the limit holds for everything together", "[connect][timeout]")
{
    /* A queue of length 0 that is full: further SYNs are dropped, nothing ever answers. */
    world w; /* the clock is virtual: it jumps */
    plain_listener listener(0);
    int fds = 0;
    std::vector<int> codes;
    weft_time took = 0;

    w.run([&] {
        weft_stream *waiting[2] = {};
        for (weft_stream *&stream : waiting) {
            weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
            options.connect_limit = WEFT_S(1);
            weft_open_connection("127.0.0.1", listener.port, &options, &stream);
        }
        fds = n_descriptors();
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        options.connect_limit = WEFT_S(3);
        weft_time start = weft_loop_time(nullptr);
        codes.push_back(open_and_close("127.0.0.1", listener.port, &options));
        took = weft_loop_time(nullptr) - start;
        fds -= n_descriptors();
        for (weft_stream *stream : waiting) {
            if (stream != nullptr) {
                weft_stream_abort(stream);
                weft_stream_destroy(stream);
            }
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ETIMEDOUT });
    CHECK(took == WEFT_S(3));
    CHECK(fds == 0);
}

TEST_CASE("connect: cancelled while it waits, it leaves nothing behind", "[connect][cancel]")
{
    world w;
    plain_listener listener(0);
    int fds = 0;
    int code = 0;

    w.run([&] {
        weft_stream *waiting = nullptr;
        WEFT_TRY(weft_open_connection("127.0.0.1", listener.port, nullptr, &waiting));
        fds = n_descriptors();
        weft_task *tasks[3];
        for (weft_task *&task : tasks) {
            task = w.spawn([&] { return open_and_close("127.0.0.1", listener.port); });
        }
        settle();
        for (weft_task *task : tasks) {
            weft_task_cancel(task, nullptr);
            code = weft_await(task, nullptr);
        }
        fds -= n_descriptors();
        weft_stream_abort(waiting);
        weft_stream_destroy(waiting);
        return 0;
    });
    CHECK(code == WEFT_ECANCELED);
    CHECK(fds == 0);
}

TEST_CASE("connect: a full unix listener is asked again", "[connect][unix]")
{
    world w;
    sockaddr_un address = {};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof address;
    std::string path;
    std::vector<int> codes;

    address.sun_family = AF_UNIX; /* the system chooses an abstract name */
    REQUIRE(bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof(sa_family_t)) == 0);
    REQUIRE(listen(listener, 0) == 0);
    REQUIRE(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &len) == 0);
    path = "@" + std::string(address.sun_path + 1, len - offsetof(sockaddr_un, sun_path) - 1);

    w.run([&] {
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        weft_stream *first = nullptr;
        codes.push_back(weft_open_unix_connection(path.c_str(), nullptr, &first));
        options.connect_limit = WEFT_S(2);
        codes.push_back(open_and_close(path, &options));
        weft_task *task = w.spawn([&] { return open_and_close(path); });
        weft_sleep(WEFT_MS(100));
        codes.push_back(weft_future_done(task));
        ::close(accept(listener, nullptr, nullptr));
        codes.push_back(weft_await(task, nullptr));
        weft_stream_close(first);
        weft_stream_destroy(first);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, WEFT_ETIMEDOUT, 0, 0 });
    ::close(listener);
}

TEST_CASE("connect: a loop that closes under it releases everything", "[connect][debug]")
{
    log_recorder log;
    plain_listener listener(0);
    int fds = n_descriptors();
    weft_stream *waiting = nullptr;
    {
        world w;
        static body connector;
        connector = [&] {
            weft_stream *stream;
            return weft_open_connection("127.0.0.1", listener.port, nullptr, &stream);
        };
        w.run([&] {
            WEFT_TRY(weft_open_connection("127.0.0.1", listener.port, nullptr, &waiting));
            WEFT_TRY(weft_create_task(weft_coro_create(run_body, &connector), nullptr));
            settle();
            return 0;
        });
    }
    CHECK(log.has("connecting"));
    CHECK(n_descriptors() == fds);
    weft_stream_destroy(waiting);
}

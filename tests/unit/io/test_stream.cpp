/* A stream's life: made, closed, aborted, released, and what is refused. */
#include "support/io_world.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/wait.h>

#include <thread>
#include <vector>

extern "C" {
#include "io/stream.h"
}

TEST_CASE("stream: from_fd leaves the descriptor to the caller when it fails", "[stream]")
{
    world w;
    std::vector<int> codes;
    int pipe_ends[2];
    int lonely = socket(AF_INET, SOCK_STREAM, 0);

    REQUIRE(pipe(pipe_ends) == 0);
    w.run([&] {
        weft_stream *stream = nullptr;
        codes.push_back(weft_stream_from_fd(-1, nullptr, &stream));
        codes.push_back(weft_stream_from_fd(pipe_ends[0], nullptr, &stream));
        codes.push_back(weft_stream_from_fd(lonely, nullptr, &stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ -EBADF, -ENOTSOCK, -ENOTCONN });
    CHECK(fcntl(pipe_ends[0], F_GETFD) >= 0);
    CHECK(fcntl(lonely, F_GETFD) >= 0);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ::close(lonely);
}

TEST_CASE("stream: options are checked", "[stream]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;

    w.run([&] {
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        options.high_water = 10;
        options.low_water = 11;
        codes.push_back(pair(&options).code);
        options = WEFT_STREAM_OPTIONS_INIT;
        options.connect_limit = -1;
        codes.push_back(pair(&options).code);
        options = WEFT_STREAM_OPTIONS_INIT;
        options.size = 0;
        codes.push_back(pair(&options).code);
        options.size = sizeof options.size + sizeof options.limit; /* of an older header */
        options.limit = 7;
        pair p(&options);
        codes.push_back(p.code);
        codes.push_back(static_cast<int>(p.stream->limit));
        codes.push_back(static_cast<int>(p.stream->high));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, 0, 7, 65536 });
}

TEST_CASE("stream: close is final, harmless twice, and wait_closed then does not wait", "[stream]")
{
    world w;
    std::vector<int> codes;
    std::string line;

    w.run([&] {
        pair p;
        codes.push_back(weft_stream_is_closing(p.stream));
        codes.push_back(weft_stream_close(p.stream));
        codes.push_back(weft_stream_close(p.stream));
        codes.push_back(weft_stream_is_closing(p.stream));
        codes.push_back(weft_stream_wait_closed(p.stream));
        codes.push_back(weft_stream_get_fd(p.stream));
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        codes.push_back(weft_stream_write_eof(p.stream));
        line = read_text(p.stream);
        codes.push_back(weft_stream_drain(p.stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, 0, 1, 0, -1, WEFT_ECLOSED, WEFT_ECLOSED, 0 });
    CHECK(line == "");
}

TEST_CASE("stream: close wakes the reader and sends what is queued first", "[stream]")
{
    world w;
    std::string read;
    std::string got;
    int closed = 1;
    bool was_closed_early = true;

    w.run([&] {
        pair p(nullptr, 4096);
        weft_task *reader = w.spawn([&] {
            read = read_text(p.stream);
            return 0;
        });
        settle();
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_stream_close(p.stream);
        settle();
        was_closed_early = weft_stream_get_fd(p.stream) < 0;
        weft_task *closer = w.spawn([&] { return closed = weft_stream_wait_closed(p.stream); });
        while (got.size() < bytes.size()) {
            got += p.received();
            settle(1);
        }
        weft_await(closer, nullptr);
        weft_await(reader, nullptr);
        return 0;
    });
    CHECK(read == "");
    CHECK_FALSE(was_closed_early);
    CHECK(got.size() == 300000);
    CHECK(closed == 0);
}

TEST_CASE("stream: abort drops the queue and wakes everybody", "[stream]")
{
    world w;
    std::string read;
    int drained = 1;
    int closed = 1;
    std::vector<int> codes;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_task *reader = w.spawn([&] {
            read = read_text(p.stream);
            return 0;
        });
        weft_task *writer = w.spawn([&] { return drained = weft_stream_drain(p.stream); });
        settle();
        codes.push_back(weft_stream_abort(p.stream));
        codes.push_back(static_cast<int>(weft_stream_get_write_buffer_size(p.stream)));
        closed = weft_stream_wait_closed(p.stream);
        weft_await(reader, nullptr);
        weft_await(writer, nullptr);
        codes.push_back(weft_stream_drain(p.stream));
        codes.push_back(weft_stream_abort(p.stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_ECLOSED, 0 });
    CHECK(read == "");
    CHECK(drained == WEFT_ECLOSED);
    CHECK(closed == 0);
}

TEST_CASE("stream: a stream that was never closed is reported and aborted", "[stream][debug]")
{
    log_recorder log;
    world w;
    int fds = n_descriptors();

    w.run([&] {
        pair p;
        weft_stream_destroy(p.stream);
        p.stream = nullptr;
        return 0;
    });
    CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    CHECK(log.has("unclosed transport <unix stream fd="));
    CHECK(log.has("io_world.hpp"));
    CHECK(n_descriptors() == fds);
}

TEST_CASE("stream: what is open when the loop closes is reported and loses its descriptor",
          "[stream][debug]")
{
    log_recorder log;
    int fds = n_descriptors();
    weft_stream *stream = nullptr;
    weft_stream *closed = nullptr;
    int peer = -1;
    {
        world w;
        w.run([&] {
            auto *p = new pair; /* stays open beyond the loop */
            stream = p->stream;
            peer = p->peer;
            p->stream = nullptr;
            p->peer = -1;
            delete p;
            pair q;
            closed = q.stream;
            q.stream = nullptr;
            weft_stream_close(closed);
            return 0;
        });
        w.close();
        CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
        CHECK(weft_stream_get_fd(stream) == -1);
        CHECK(weft_stream_write(stream, "x", 1) == WEFT_ECLOSED);
        CHECK(weft_stream_is_closing(stream) == 1);
        weft_stream_destroy(stream);
        weft_stream_destroy(closed);
    }
    ::close(peer);
    CHECK(n_descriptors() == fds);
}

TEST_CASE("stream: a task that waits on a stream when the loop closes is left behind",
          "[stream][debug]")
{
    log_recorder log;
    weft_stream *stream = nullptr;
    int peer = -1;
    world w;

    w.run([&] {
        auto *p = new pair;
        stream = p->stream;
        peer = p->peer;
        p->stream = nullptr;
        p->peer = -1;
        delete p;
        weft_stream_set_read_limit(stream, WEFT_S(1000));
        weft_task *task = nullptr;
        static body reader;
        reader = [&] {
            char byte;
            size_t n;
            return weft_stream_read(stream, &byte, 1, &n);
        };
        WEFT_TRY(weft_create_task(weft_coro_create(run_body, &reader), &task));
        settle();
        weft_future_unref(task);
        return 0;
    });
    w.close();
    CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    weft_stream_destroy(stream);
    ::close(peer);
}

TEST_CASE("stream: one that is destroyed while closing finishes by itself", "[stream]")
{
    world w;
    std::string got;
    int fds = n_descriptors();

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_stream_close(p.stream);
        weft_stream_destroy(p.stream);
        p.stream = nullptr;
        while (got.size() < bytes.size()) {
            got += p.received();
            settle(1);
        }
        settle();
        return 0;
    });
    CHECK(got.size() == 300000);
    CHECK(n_descriptors() == fds);
}

TEST_CASE("stream: destroyed under a task that waits on it, it outlives the wait", "[stream]")
{
    log_recorder log;
    world w;
    std::string read;
    int drained = 0;
    int closed = 1;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_task *tasks[] = { w.spawn([&] {
                                  read = read_text(p.stream);
                                  return 0;
                              }),
                               w.spawn([&] { return drained = weft_stream_drain(p.stream); }),
                               w.spawn([&] {
                                   weft_sleep(0);
                                   return closed = weft_stream_wait_closed(p.stream);
                               }) };
        weft_sleep(0);
        weft_stream_close(p.stream);
        settle();
        weft_stream *stream = p.stream;
        p.stream = nullptr;
        weft_stream_destroy(stream);
        p.hang_up();
        for (weft_task *t : tasks) {
            weft_await(t, nullptr);
        }
        settle();
        return 0;
    });
    CHECK(read == "");
    CHECK(drained == -EPIPE);
    CHECK(closed == -EPIPE);
}

TEST_CASE("stream: misuse is refused with a code", "[stream][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    int elsewhere = 0;
    int no_task = 0;

    w.run([&] {
        char byte;
        size_t n;
        uint64_t not_a_stream[64] = { 1 };
        auto *wrong = reinterpret_cast<weft_stream *>(not_a_stream);
        codes.push_back(weft_stream_write(nullptr, "x", 1));
        codes.push_back(weft_stream_write(wrong, "x", 1));
        codes.push_back(weft_stream_read(wrong, &byte, 1, &n));
        codes.push_back(weft_stream_get_fd(nullptr));
        codes.push_back(weft_stream_is_closing(nullptr));
        weft_stream_destroy(nullptr);
        pair p;
        codes.push_back(weft_stream_get_peername(p.stream, nullptr, 0));
        codes.push_back(weft_stream_set_read_limit(p.stream, -1));
        weft_stream *stream = p.stream;
        std::thread other([&] { elsewhere = weft_stream_write(stream, "x", 1); });
        other.join();
        static weft_stream *shared;
        shared = p.stream;
        weft_loop_call_soon(
            nullptr,
            [](void *data) {
                char b;
                size_t m;
                *static_cast<int *>(data) = weft_stream_read(shared, &b, 1, &m);
                return 0;
            },
            &no_task, nullptr);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, -1, 1, WEFT_EINVAL,
                                     WEFT_EINVAL });
    CHECK(elsewhere == WEFT_EWRONGTHREAD);
    CHECK(no_task == WEFT_ERUNTIME);
    CHECK(log.count(WEFT_REPORT_WRONG_THREAD) == 1);
}

TEST_CASE("stream: a stream of a loop that does not run cannot be waited on", "[stream][debug]")
{
    log_recorder log;
    world first;
    world second;
    int code = 0;
    weft_stream *stream = nullptr;
    pair *p = nullptr;

    first.run([&] {
        p = new pair;
        stream = p->stream;
        return 0;
    });
    second.run([&] {
        char byte;
        size_t n;
        code = weft_stream_read(stream, &byte, 1, &n);
        return 0;
    });
    CHECK(code == WEFT_ERUNTIME);
    /* Outside any run its owner may still write and close. */
    CHECK(weft_stream_write(stream, "x", 1) == 0);
    delete p;
}

TEST_CASE("stream: names and credentials", "[stream]")
{
    world w;
    char peer[64] = "";
    char own[64] = "";
    weft_peer_credentials who = { 0, 0, 0 };
    std::vector<int> codes;

    w.run([&] {
        pair p;
        codes.push_back(weft_stream_get_peername(p.stream, peer, sizeof peer));
        codes.push_back(weft_stream_get_sockname(p.stream, own, sizeof own));
        codes.push_back(weft_stream_get_peer_credentials(p.stream, &who));
        weft_stream_close(p.stream);
        codes.push_back(weft_stream_get_sockname(p.stream, own, sizeof own));
        codes.push_back(weft_stream_get_peer_credentials(p.stream, &who));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, 0, WEFT_ECLOSED, WEFT_ECLOSED });
    CHECK(std::string(peer) == "unix:");
    CHECK(std::string(own) == "unix:");
    CHECK(who.pid == getpid());
    CHECK(who.uid == getuid());
}

/* Writing: at once, queued, drained, ended; and what breaks it. */
#include "support/io_world.hpp"

#include <netinet/in.h>

#include <vector>

extern "C" {
#include "io/stream.h"
}

namespace
{

/* Bytes that tell their place. */
std::string pattern(size_t size)
{
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; i++) {
        bytes[i] = static_cast<char>('a' + (i / 7 + i) % 26);
    }
    return bytes;
}

} // namespace

TEST_CASE("write: is sent at once, and nothing is queued", "[write]")
{
    world w;
    std::string got;
    size_t queued = 1;

    w.run([&] {
        pair p;
        weft_stream_write(p.stream, "hello ", 6);
        weft_stream_write(p.stream, "", 0);
        weft_stream_write(p.stream, "world", 5);
        got = p.received(); /* no turn has passed */
        queued = weft_stream_get_write_buffer_size(p.stream);
        return weft_stream_drain(p.stream);
    });
    CHECK(got == "hello world");
    CHECK(queued == 0);
}

TEST_CASE("write: what the socket does not take is sent later, in order", "[write]")
{
    world w;
    std::string sent = pattern(500000);
    std::string got;
    size_t queued = 0;

    w.run([&] {
        pair p(nullptr, 4096);
        size_t done = 0;
        for (size_t step = 1; done < sent.size(); step = step * 3 % 70001) {
            size_t n = std::min(step, sent.size() - done);
            WEFT_TRY(weft_stream_write(p.stream, sent.data() + done, n));
            done += n;
        }
        queued = weft_stream_get_write_buffer_size(p.stream);
        while (got.size() < sent.size()) {
            got += p.received();
            settle(1);
        }
        return 0;
    });
    CHECK(queued > 0);
    CHECK(got == sent);
}

TEST_CASE("writev: several pieces in one go, also behind a queue", "[write]")
{
    log_recorder log;
    world w;
    std::string sent = pattern(200000);
    std::string got;
    std::vector<int> codes;

    w.run([&] {
        pair p(nullptr, 4096);
        weft_buffer pieces[65] = {};
        pieces[0] = { "one ", 4 };
        pieces[1] = { "", 0 };
        pieces[2] = { "two ", 4 };
        codes.push_back(weft_stream_writev(p.stream, pieces, 3));
        codes.push_back(weft_stream_writev(p.stream, pieces, 0));
        codes.push_back(weft_stream_writev(p.stream, pieces, 65));
        weft_buffer halves[] = { { sent.data(), 90000 }, { sent.data() + 90000, 110000 } };
        codes.push_back(weft_stream_writev(p.stream, halves, 2)); /* cut within a piece */
        codes.push_back(weft_stream_writev(p.stream, pieces, 3)); /* behind the queue */
        while (got.size() < sent.size() + 16) {
            got += p.received();
            settle(1);
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_EINVAL, 0, 0 });
    CHECK(got == "one two " + sent + "one two ");
}

TEST_CASE("drain: waits above the high mark, until the low one is reached", "[write]")
{
    world w;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
    size_t queued_at_end = 0;
    bool was_done_early = true;
    bool was_paused = false;
    std::vector<int> codes;

    options.high_water = 50000;
    options.low_water = 20000;
    w.run([&] {
        pair p(&options, 4096);
        codes.push_back(weft_stream_drain(p.stream)); /* nothing there */
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        was_paused = p.stream->is_paused;
        weft_task *task = w.spawn([&] {
            int code = weft_stream_drain(p.stream);
            queued_at_end = weft_stream_get_write_buffer_size(p.stream);
            return code;
        });
        settle();
        was_done_early = weft_future_done(task);
        while (!weft_future_done(task)) {
            char some[4096];
            ssize_t ignored = ::read(p.peer, some, sizeof some);
            (void)ignored;
            settle(1);
        }
        codes.push_back(world::outcome(task));
        codes.push_back(weft_stream_drain(p.stream)); /* between the marks */
        return 0;
    });
    CHECK(was_paused);
    CHECK_FALSE(was_done_early);
    CHECK(queued_at_end > 0);
    CHECK(queued_at_end <= 20000);
    CHECK(codes == std::vector<int>{ 0, 0, 0 });
}

TEST_CASE("drain: cancelled, limited, and by several tasks at once", "[write][timeout]")
{
    world w;
    std::vector<int> codes;
    weft_time took = 0;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_task *task = w.spawn([&] { return weft_stream_drain(p.stream); });
        settle();
        weft_task *second = w.spawn([&] { return weft_stream_drain(p.stream); });
        settle();
        weft_task_cancel(task, nullptr);
        codes.push_back(weft_await(task, nullptr));
        weft_task_cancel(second, nullptr);
        codes.push_back(weft_await(second, nullptr));
        weft_stream_set_write_limit(p.stream, WEFT_S(5));
        weft_time start = weft_loop_time(nullptr);
        codes.push_back(weft_stream_drain(p.stream));
        took = weft_loop_time(nullptr) - start;
        codes.push_back(weft_stream_get_write_buffer_size(p.stream) > 0);
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ECANCELED, WEFT_ECANCELED, WEFT_ETIMEDOUT, 1 });
    CHECK(took == WEFT_S(5));
}

TEST_CASE("write_eof: comes after the queue, reading goes on", "[write]")
{
    world w;
    std::string got;
    std::string answer;
    std::vector<int> codes;
    bool ended_early = true;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(200000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        codes.push_back(weft_stream_write_eof(p.stream));
        codes.push_back(weft_stream_write_eof(p.stream));
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        char byte;
        while (got.size() < bytes.size()) {
            got += p.received();
            settle(1);
        }
        settle();
        ended_early = ::read(p.peer, &byte, 1) != 0;
        p.send("answer");
        answer = read_text(p.stream);
        codes.push_back(weft_stream_drain(p.stream));
        pair q;
        codes.push_back(weft_stream_write_eof(q.stream)); /* at once */
        codes.push_back(static_cast<int>(::read(q.peer, &byte, 1)));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_ECLOSED, 0, 0, 0 });
    CHECK(got.size() == 200000);
    CHECK_FALSE(ended_early);
    CHECK(answer == "answer");
}

TEST_CASE("write: to a peer that is gone fails without a signal, and ever after", "[write]")
{
    world w;
    std::vector<int> codes;

    w.run([&] {
        pair p;
        p.hang_up();
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        weft_buffer piece = { "x", 1 };
        codes.push_back(weft_stream_writev(p.stream, &piece, 1));
        codes.push_back(weft_stream_drain(p.stream));
        codes.push_back(weft_stream_write_eof(p.stream));
        codes.push_back(weft_stream_is_closing(p.stream));
        weft_stream_close(p.stream);
        codes.push_back(weft_stream_wait_closed(p.stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ -EPIPE, -EPIPE, -EPIPE, -EPIPE, -EPIPE, 1, -EPIPE });
}

TEST_CASE("write: the error of queued data reaches who drains and who closes", "[write]")
{
    world w;
    int drained = 0;
    int closed = 0;
    size_t queued = 1;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(300000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_task *drainer = w.spawn([&] { return weft_stream_drain(p.stream); });
        settle();
        p.hang_up();
        drained = weft_await(drainer, nullptr);
        queued = weft_stream_get_write_buffer_size(p.stream);
        weft_stream_close(p.stream);
        closed = weft_stream_wait_closed(p.stream);
        return 0;
    });
    CHECK(drained == -EPIPE);
    CHECK(closed == -EPIPE);
    CHECK(queued == 0);
}

TEST_CASE("write: what the peer said before it went away can still be read", "[write]")
{
    world w;
    std::string got;
    int wrote = 0;

    w.run([&] {
        pair p;
        p.send("goodbye");
        p.hang_up();
        wrote = weft_stream_write(p.stream, "x", 1);
        got = read_text(p.stream) + "|";
        got += read_text(p.stream);
        return 0;
    });
    CHECK(wrote == -EPIPE);
    CHECK(got == "goodbye|");
}

TEST_CASE("write: a long queue does not keep the loop for itself", "[write]")
{
    world w;
    size_t got = 0;
    int n_turns = 0;

    w.run([&] {
        pair p(nullptr, 1 << 20);
        std::string bytes(20 << 20, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        while (got < bytes.size()) {
            got += p.received().size();
            settle(1);
            n_turns++;
        }
        return 0;
    });
    CHECK(got == 20u << 20);
    CHECK(n_turns >= 5);
}

TEST_CASE("write: closing with a queue and a wish to end", "[write]")
{
    world w;
    std::string got;

    w.run([&] {
        pair p(nullptr, 4096);
        std::string bytes(200000, 'x');
        weft_stream_write(p.stream, bytes.data(), bytes.size());
        weft_stream_write_eof(p.stream);
        weft_stream_close(p.stream);
        weft_task *task = w.spawn([&] { return weft_stream_wait_closed(p.stream); });
        while (!weft_future_done(task)) {
            got += p.received();
            settle(1);
        }
        got += p.received();
        return world::outcome(task);
    });
    CHECK(got.size() == 200000);
}

/* A connection over TCP whose peer has reset it already. In a task. */
static int open_and_be_reset(weft_stream **out_stream)
{
    sockaddr_in address = {};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), len) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr *>(&address), &len) != 0) {
        return -errno;
    }
    WEFT_TRY(weft_open_connection("127.0.0.1", ntohs(address.sin_port), nullptr, out_stream));
    int peer = accept(listener, nullptr, nullptr);
    linger at_once = { 1, 0 };
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(peer); /* RST, which loopback delivers at once */
    ::close(listener);
    return 0;
}

TEST_CASE("stream: the first write after a reset tells that it was one", "[stream][write][regress]")
{
    world w;
    int code = 0;
    int later = 0;

    w.run([&] {
        weft_stream *stream = nullptr;
        WEFT_TRY(open_and_be_reset(&stream));
        code = weft_stream_write(stream, "x", 1);
        later = weft_stream_drain(stream);
        weft_stream_close(stream);
        weft_stream_destroy(stream);
        return 0;
    });
    CHECK(code == -ECONNRESET);
    CHECK(later == -ECONNRESET);
}

TEST_CASE("stream: a reset that a read found comes out of drain and wait_closed",
          "[stream][write][regress]")
{
    world w;
    char byte;
    size_t n;
    int read = 0;
    int drained = 0;
    int closed = 0;

    w.run([&] {
        weft_stream *stream = nullptr;
        WEFT_TRY(open_and_be_reset(&stream));
        read = weft_stream_read(stream, &byte, 1, &n);
        drained = weft_stream_drain(stream);
        weft_stream_close(stream);
        closed = weft_stream_wait_closed(stream);
        weft_stream_destroy(stream);
        return 0;
    });
    CHECK(read == -ECONNRESET);
    CHECK(drained == -ECONNRESET);
    CHECK(closed == -ECONNRESET);
}

TEST_CASE("stream: no data, but a size", "[stream][write][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    std::string received;

    w.run([&] {
        pair p;
        weft_buffer pieces[] = { { "a", 1 }, { nullptr, 2 } };
        codes.push_back(weft_stream_write(p.stream, nullptr, 3));
        codes.push_back(weft_stream_writev(p.stream, pieces, 2));
        codes.push_back(weft_stream_writev(p.stream, nullptr, 2));
        codes.push_back(weft_stream_write(p.stream, nullptr, 0));
        codes.push_back(weft_stream_write(p.stream, "ok", 2));
        received = p.received();
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, 0, 0 });
    CHECK(received == "ok");
}

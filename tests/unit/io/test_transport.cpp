#include "support/protocol_recorder.hpp"

#include <algorithm>

#include "support/sweep.hpp"
#include "weft/context.h"

using strings = std::vector<std::string>;

static int write_text(weft_transport *t, const std::string &text)
{
    return weft_transport_write(t, text.data(), text.size());
}

/* ---- life --------------------------------------------------------------- */

TEST_CASE("transport: made before the making returns, data, end, lost", "[transport]")
{
    world w;
    recorder r;
    std::string before;
    int code = w.run([&] {
        transport_pair pair(r);
        WEFT_TRY(pair.code);
        before = r.text();
        pair.send("hello");
        settle();
        pair.hang_up();
        settle();
        return weft_transport_is_closing(pair.transport) ? 0 : -1;
    });
    CHECK(code == 0);
    CHECK(before == "made");
    CHECK(r.text() == "made data:hello eof lost");
    CHECK(r.lost_code == 0);
    CHECK(r.n_released == 1);
}

TEST_CASE("transport: the end comes in the turn after the last data", "[transport]")
{
    world w;
    recorder r;
    w.run([&] {
        r.on_data = [&](weft_transport *) {
            /* queued by the callback, so it comes before what the next poll finds */
            return weft_loop_call_soon(
                nullptr,
                [](void *data) {
                    static_cast<recorder *>(data)->events.push_back("soon");
                    return 0;
                },
                &r, nullptr);
        };
        transport_pair pair(r);
        pair.send("x");
        pair.hang_up();
        settle();
        return 0;
    });
    CHECK(r.text() == "made data:x soon eof lost");
}

TEST_CASE("transport: closing sends what is queued, then it is lost", "[transport]")
{
    world w;
    recorder r;
    std::string received;
    bool closing = false;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        std::string big(300000, 'x');
        WEFT_TRY(write_text(pair.transport, big));
        WEFT_TRY(weft_transport_close(pair.transport));
        WEFT_TRY(weft_transport_close(pair.transport));
        closing = weft_transport_is_closing(pair.transport) &&
                  weft_transport_get_write_buffer_size(pair.transport) > 0;
        for (int i = 0; i < 2000 && r.lost_code == 1; i++) {
            received += pair.received();
            settle(1);
        }
        received += pair.received();
        return 0;
    });
    CHECK(closing);
    CHECK(received.size() == 300000);
    CHECK(r.text() == "made pause resume lost");
}

TEST_CASE("transport: an abort drops what is queued", "[transport]")
{
    world w;
    recorder r;
    size_t left = 1;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        WEFT_TRY(write_text(pair.transport, std::string(300000, 'x')));
        WEFT_TRY(weft_transport_abort(pair.transport));
        r.events.push_back("aborted");
        left = weft_transport_get_write_buffer_size(pair.transport);
        settle(1);
        return 0;
    });
    CHECK(left == 0);
    CHECK(r.text() == "made pause aborted lost");
}

TEST_CASE("transport: closed in connection_made", "[transport]")
{
    world w;
    recorder r;
    int code = w.run([&] {
        r.on_made = [](weft_transport *t) { return weft_transport_close(t); };
        transport_pair pair(r);
        WEFT_TRY(pair.code);
        pair.send("never read");
        settle();
        return 0;
    });
    CHECK(code == 0);
    CHECK(r.text() == "made lost");
}

TEST_CASE("transport: closed and aborted inside callbacks", "[transport]")
{
    auto ends_in = [](recorder::hook recorder::*where, recorder::hook what) {
        world w;
        recorder r;
        r.*where = std::move(what);
        w.run([&] {
            transport_pair pair(r);
            pair.send("a");
            settle();
            pair.send("b");
            settle();
            pair.hang_up();
            settle();
            return 0;
        });
        CHECK(r.n_released == 1);
        return r.text();
    };
    auto close = [](weft_transport *t) { return weft_transport_close(t); };
    auto abort = [](weft_transport *t) { return weft_transport_abort(t); };

    CHECK(ends_in(&recorder::on_made, abort) == "made lost");
    CHECK(ends_in(&recorder::on_data, close) == "made data:a lost");
    CHECK(ends_in(&recorder::on_data, abort) == "made data:a lost");
    CHECK(ends_in(&recorder::on_eof, close) == "made data:a data:b eof lost");
    CHECK(ends_in(&recorder::on_eof, abort) == "made data:a data:b eof lost");
    CHECK(ends_in(&recorder::on_lost, close) == "made data:a data:b eof lost");
    CHECK(ends_in(&recorder::on_lost, abort) == "made data:a data:b eof lost");
}

TEST_CASE("transport: half open when eof_received says so", "[transport]")
{
    world w;
    recorder r;
    std::string answer;
    bool is_open = false;
    w.run([&] {
        r.on_eof = [](weft_transport *) { return 1; };
        transport_pair pair(r);
        pair.send("question");
        shutdown(pair.peer, SHUT_WR);
        settle();
        is_open = !weft_transport_is_closing(pair.transport);
        WEFT_TRY(write_text(pair.transport, "answer"));
        WEFT_TRY(weft_transport_close(pair.transport));
        answer = pair.received();
        settle();
        return 0;
    });
    CHECK(is_open);
    CHECK(answer == "answer");
    CHECK(r.text() == "made data:question eof lost");
}

TEST_CASE("transport: write_eof comes after what is queued", "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    size_t n = 0;
    bool ended = false;
    std::vector<int> codes;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        codes.push_back(weft_transport_can_write_eof(pair.transport));
        codes.push_back(write_text(pair.transport, std::string(200000, 'x')));
        codes.push_back(weft_transport_write_eof(pair.transport));
        codes.push_back(weft_transport_write_eof(pair.transport));
        codes.push_back(write_text(pair.transport, "more"));
        codes.push_back(write_text(pair.transport, ""));
        for (int i = 0; i < 2000 && n < 200000; i++) {
            n += pair.received().size();
            settle(1);
        }
        settle();
        ended = pair.is_at_end();
        pair.send("still heard");
        settle();
        weft_transport_abort(pair.transport);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ 1, 0, 0, 0, WEFT_ERUNTIME, WEFT_ERUNTIME });
    CHECK(n == 200000);
    CHECK(ended);
    CHECK(r.text() == "made pause resume data:still heard lost");
}

/* ---- errors ------------------------------------------------------------- */

TEST_CASE("transport: a failing callback is fatal where CPython says so", "[transport]")
{
    log_recorder log;
    auto fails_in = [](recorder::hook recorder::*where, int code) {
        world w;
        recorder r;
        r.*where = [code](weft_transport *) { return weft_fail(code, "on purpose"); };
        w.run([&] {
            transport_pair pair(r);
            pair.send("a");
            settle();
            pair.hang_up();
            settle();
            return 0;
        });
        CHECK(r.n_released == 1);
        return r.text();
    };

    CHECK(fails_in(&recorder::on_made, WEFT_EUSER(1)) == "made data:a eof lost");
    CHECK(log.has("Exception in callback connection_made()"));
    CHECK(fails_in(&recorder::on_data, WEFT_EUSER(1)) == "made data:a lost:EUSER(1)");
    CHECK(log.has("Fatal error: protocol.data_received() call failed."));
    CHECK(fails_in(&recorder::on_eof, WEFT_EUSER(1)) == "made data:a eof lost:EUSER(1)");
    CHECK(log.has("Fatal error: protocol.eof_received() call failed."));
    CHECK(fails_in(&recorder::on_lost, WEFT_EUSER(1)) == "made data:a eof lost");
    CHECK(log.has("Exception in callback connection_lost()"));

    size_t before = log.records().size();
    CHECK(fails_in(&recorder::on_data, -EPERM) == "made data:a lost:EPERM");
    CHECK(log.records().size() == before); /* the system's errors are no news */
}

TEST_CASE("transport: a peer that resets", "[transport]")
{
    world w(/* is_virtual = */ false);
    recorder r;
    int code = w.run([&] {
        weft_server *server = nullptr;
        weft_transport *client = nullptr;
        recorder c;
        c.keeps = false;
        WEFT_TRY(
            weft_loop_create_server(nullptr, recorder::make, &r, "127.0.0.1", 0, nullptr, &server));
        WEFT_TRY(weft_loop_create_connection(nullptr, recorder::make, &c, "127.0.0.1",
                                             weft_server_get_port(server), nullptr, &client));
        while (r.transport == nullptr) {
            settle(1);
        }
        struct linger linger = { 1, 0 };
        setsockopt(weft_transport_get_fd(client), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        weft_transport_abort(client);
        weft_transport_unref(client);
        while (r.lost_code == 1) {
            weft_sleep(WEFT_MS(1));
        }
        weft_server_close(server);
        int closed = weft_server_wait_closed(server);
        weft_server_destroy(server);
        return closed;
    });
    CHECK(code == 0);
    CHECK(r.text() == "made lost:ECONNRESET");
}

TEST_CASE("transport: writing to a lost connection is counted, and then warned about",
          "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<int> codes;
    w.run([&] {
        r.on_lost = [&](weft_transport *t) {
            codes.push_back(write_text(t, "a"));
            return 0;
        };
        transport_pair pair(r);
        pair.hang_up();
        codes.push_back(write_text(pair.transport, "x")); /* EPIPE: told by connection_lost */
        codes.push_back(weft_transport_is_closing(pair.transport));
        settle();
        for (int i = 0; i < 3; i++) {
            codes.push_back(write_text(pair.transport, "b"));
        }
        codes.push_back(!log.has("socket.send() raised exception."));
        codes.push_back(write_text(pair.transport, "c"));
        codes.push_back(log.has("socket.send() raised exception."));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 1, 0, 0, 0, 0, 1, 0, 1 });
    CHECK(r.text() == "made lost:EPIPE");
}

/* ---- flow --------------------------------------------------------------- */

TEST_CASE("transport: paused reading delivers nothing, resumed all", "[transport]")
{
    world w;
    recorder r;
    std::string paused;
    std::vector<int> reading;
    w.run([&] {
        transport_pair pair(r);
        reading.push_back(weft_transport_is_reading(pair.transport));
        weft_transport_pause_reading(pair.transport);
        weft_transport_pause_reading(pair.transport);
        reading.push_back(weft_transport_is_reading(pair.transport));
        pair.send("one");
        settle();
        pair.send("two");
        pair.hang_up();
        settle();
        paused = r.text();
        weft_transport_resume_reading(pair.transport);
        weft_transport_resume_reading(pair.transport);
        reading.push_back(weft_transport_is_reading(pair.transport));
        settle();
        reading.push_back(weft_transport_is_reading(pair.transport));
        return 0;
    });
    CHECK(reading == std::vector<int>{ 1, 0, 1, 0 });
    CHECK(paused == "made");
    CHECK(r.text() == "made data:onetwo eof lost");
}

TEST_CASE("transport: paused in connection_made and in data_received", "[transport]")
{
    world w;
    recorder r;
    strings seen;
    w.run([&] {
        r.on_made = [](weft_transport *t) { return weft_transport_pause_reading(t); };
        r.on_data = [](weft_transport *t) { return weft_transport_pause_reading(t); };
        transport_pair pair(r);
        pair.send("one");
        settle();
        seen.push_back(r.text());
        weft_transport_resume_reading(pair.transport);
        settle();
        pair.send("two");
        settle();
        seen.push_back(r.text());
        weft_transport_resume_reading(pair.transport);
        settle();
        weft_transport_abort(pair.transport);
        settle();
        return 0;
    });
    CHECK(seen == strings{ "made", "made data:one" });
    CHECK(r.text() == "made data:one data:two lost");
}

TEST_CASE("transport: paused in the very turn that found it readable", "[transport]")
{
    world w;
    recorder r;
    std::string paused;
    w.run([&] {
        transport_pair pair(r);
        pair.send("x");
        weft_sleep(0); /* the poll of this turn queues the read after our step */
        weft_transport_pause_reading(pair.transport);
        settle();
        paused = r.text();
        weft_transport_resume_reading(pair.transport);
        settle();
        weft_transport_abort(pair.transport);
        settle();
        return 0;
    });
    CHECK(paused == "made");
    CHECK(r.text() == "made data:x lost");
}

TEST_CASE("transport: the water marks", "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<size_t> marks;
    std::vector<int> codes;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        weft_transport *t = pair.transport;
        auto note = [&] {
            size_t low = 0;
            size_t high = 0;
            weft_transport_get_write_buffer_limits(t, &low, &high);
            marks.push_back(low);
            marks.push_back(high);
        };
        note();
        codes.push_back(weft_transport_set_write_buffer_limits(t, 1000, WEFT_WATER_DEFAULT));
        note();
        codes.push_back(weft_transport_set_write_buffer_limits(t, WEFT_WATER_DEFAULT, 100));
        note();
        codes.push_back(weft_transport_set_write_buffer_limits(t, 10, 11));
        note();
        codes.push_back(weft_transport_set_write_buffer_limits(t, 0, 0));
        note();
        codes.push_back(
            weft_transport_set_write_buffer_limits(t, WEFT_WATER_DEFAULT, WEFT_WATER_DEFAULT));
        note();
        while (weft_transport_get_write_buffer_size(t) == 0) {
            write_text(t, std::string(1000, 'x'));
        }
        codes.push_back(r.text() == "made");
        codes.push_back(weft_transport_set_write_buffer_limits(t, 0, 0)); /* pauses at once */
        codes.push_back(r.text() == "made pause");
        write_text(t, "y");
        while (weft_transport_get_write_buffer_size(t) > 0) {
            pair.received();
            settle(1);
        }
        codes.push_back(r.text() == "made pause resume");
        weft_transport_abort(t);
        settle();
        return 0;
    });
    CHECK(marks ==
          std::vector<size_t>{ 16384, 65536, 250, 1000, 100, 400, 100, 400, 0, 0, 16384, 65536 });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_EINVAL, 0, 0, 1, 0, 1, 1 });
}

TEST_CASE("transport: pause and resume may write, close and abort", "[transport]")
{
    auto at_resume = [](recorder::hook what) {
        world w;
        recorder r;
        r.on_resume = std::move(what);
        w.run([&] {
            transport_pair pair(r, recorder::make, 4096);
            weft_transport_set_write_buffer_limits(pair.transport, 1000, 0);
            write_text(pair.transport, std::string(100000, 'x'));
            for (int i = 0; i < 500 && r.n_released == 0; i++) {
                pair.received();
                settle(1);
            }
            return 0;
        });
        return r.text();
    };
    CHECK(at_resume([](weft_transport *t) { return weft_transport_close(t); }) ==
          "made pause resume lost");
    CHECK(at_resume([](weft_transport *t) { return weft_transport_abort(t); }) ==
          "made pause resume lost");
    int n = 0;
    CHECK(at_resume([&n](weft_transport *t) {
              return n++ == 0 ? write_text(t, std::string(100000, 'y')) : weft_transport_close(t);
          }) == "made pause resume pause resume lost");

    log_recorder log;
    world w;
    recorder r;
    r.on_pause = [](weft_transport *t) {
        weft_transport_abort(t);
        return weft_fail(WEFT_EUSER(1), "no");
    };
    int code = 1;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        code = write_text(pair.transport, std::string(300000, 'x'));
        settle();
        return 0;
    });
    CHECK(code == 0);
    CHECK(r.text() == "made pause lost");
    CHECK(log.has("protocol.pause_writing() failed"));
}

TEST_CASE("transport: pieces of at most 256 KiB, and others run between them", "[transport]")
{
    world w;
    recorder big;
    recorder small;
    size_t n_of_big = 0;
    big.joins_data = true;
    w.run([&] {
        int ends[2];
        weft_transport *receiver = nullptr;
        WEFT_TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        int size = 4 << 20;
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        std::string bytes(1 << 20, 'x');
        size_t sent = 0;
        ssize_t n;
        while (sent < bytes.size() &&
               (n = ::write(ends[0], bytes.data() + sent, bytes.size() - sent)) > 0) {
            sent += static_cast<size_t>(n);
        }
        ::close(ends[0]);
        transport_pair pair(small);
        small.on_data = [&](weft_transport *) {
            n_of_big = big.n_bytes;
            return 0;
        };
        pair.send("me too");
        WEFT_TRY(weft_loop_create_connection_fd(nullptr, recorder::make, &big, ends[1], nullptr,
                                                &receiver));
        weft_transport_unref(receiver);
        settle(20);
        n_of_big = sent > big.n_bytes ? sent : n_of_big;
        weft_transport_abort(pair.transport);
        settle();
        return sent == big.n_bytes ? 0 : -1;
    });
    CHECK(big.text() == "made data eof lost");
    CHECK(big.largest <= 256 * 1024);
    CHECK(small.text() == "made data:me too lost");
    CHECK(n_of_big <= 256 * 1024);
}

TEST_CASE("transport: a hundred thousand small writes arrive in order", "[transport]")
{
    world w;
    recorder r;
    bool right = true;
    size_t n = 0;
    w.run([&] {
        transport_pair pair(r, recorder::make, 65536);
        auto check = [&] {
            for (char c : pair.received()) {
                right = right && c == static_cast<char>('a' + n++ % 26);
            }
        };
        for (int i = 0; i < 100000; i++) {
            char c = static_cast<char>('a' + i % 26);
            WEFT_TRY(weft_transport_write(pair.transport, &c, 1));
            if (i % 20000 == 0) {
                check();
            }
        }
        weft_transport_close(pair.transport);
        for (int i = 0; i < 2000 && r.lost_code == 1; i++) {
            check();
            settle(1);
        }
        check();
        return 0;
    });
    CHECK(right);
    CHECK(n == 100000);
    CHECK(r.events.back() == "lost");
}

TEST_CASE("transport: gathered writes, more pieces than one system call takes", "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    std::string wanted;
    std::string received;
    std::vector<int> codes;
    w.run([&] {
        transport_pair pair(r);
        std::vector<std::string> texts;
        std::vector<weft_buffer> buffers;
        for (int i = 0; i < 200; i++) {
            texts.push_back("piece " + std::to_string(i) + ";");
            wanted += texts.back();
        }
        for (const std::string &text : texts) {
            buffers.push_back({ text.data(), text.size() });
        }
        codes.push_back(weft_transport_writelines(pair.transport, buffers.data(), buffers.size()));
        codes.push_back(weft_transport_writelines(pair.transport, nullptr, 0));
        codes.push_back(weft_transport_writelines(pair.transport, nullptr, 1));
        weft_buffer hole = { nullptr, 1 };
        codes.push_back(weft_transport_writelines(pair.transport, &hole, 1));
        settle(8);
        received = pair.received();
        weft_transport_close(pair.transport);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_EINVAL, WEFT_EINVAL });
    CHECK(received == wanted);
}

/* ---- buffered protocols ------------------------------------------------- */

TEST_CASE("transport: a buffered protocol reads into its own memory", "[transport]")
{
    world w;
    recorder r;
    r.buffer.resize(4);
    w.run([&] {
        transport_pair pair(r, recorder::make_buffered);
        pair.send("abcdefghij");
        settle(8);
        pair.hang_up();
        settle();
        return 0;
    });
    CHECK(r.text() == "made data:abcd data:efgh data:ij eof lost");
}

TEST_CASE("transport: a buffered protocol that fails", "[transport]")
{
    log_recorder log;
    auto run = [](size_t size, recorder::hook get, recorder::hook updated) {
        world w;
        recorder r;
        r.buffer.resize(size);
        r.on_get_buffer = std::move(get);
        r.on_data = std::move(updated);
        w.run([&] {
            transport_pair pair(r, recorder::make_buffered);
            pair.send("a");
            settle();
            return 0;
        });
        return r.text();
    };
    auto fail = [](weft_transport *) { return weft_fail(WEFT_EUSER(2), "no"); };
    auto abort = [](weft_transport *t) { return weft_transport_abort(t); };

    CHECK(run(0, nullptr, nullptr) == "made lost:WEFT_ERUNTIME");
    CHECK(log.has("get_buffer() returned an empty buffer"));
    CHECK(run(4, fail, nullptr) == "made lost:EUSER(2)");
    CHECK(log.has("Fatal error: protocol.get_buffer() call failed."));
    CHECK(run(4, nullptr, fail) == "made data:a lost:EUSER(2)");
    CHECK(log.has("Fatal error: protocol.buffer_updated() call failed."));
    CHECK(run(4, abort, nullptr) == "made lost");
}

/* ---- changing hands ----------------------------------------------------- */

TEST_CASE("transport: another protocol takes over", "[transport]")
{
    log_recorder log;
    world w;
    recorder first;
    recorder second;
    second.buffer.resize(100);
    std::vector<int> codes;
    w.run([&] {
        const weft_protocol other = recorder::buffered();
        const weft_protocol empty = {};
        void *data = nullptr;
        transport_pair pair(first);
        codes.push_back(weft_transport_get_protocol(pair.transport, &data) != nullptr &&
                        data == &first);
        codes.push_back(weft_transport_set_protocol(pair.transport, nullptr, nullptr));
        codes.push_back(weft_transport_set_protocol(pair.transport, &empty, nullptr));
        codes.push_back(weft_transport_set_protocol(pair.transport, &other, &second));
        codes.push_back(weft_transport_get_protocol(pair.transport, &data) == &other &&
                        data == &second);
        pair.send("for the second");
        settle();
        pair.hang_up();
        settle();
        codes.push_back(weft_transport_set_protocol(pair.transport, &other, &second));
        codes.push_back(weft_transport_get_protocol(pair.transport, nullptr) == nullptr);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 1, WEFT_EINVAL, WEFT_EINVAL, 0, 1, WEFT_ECLOSED, 1 });
    CHECK(first.text() == "made");
    CHECK(first.n_released == 0);
    CHECK(second.text() == "data:for the second eof lost");
    CHECK(second.n_released == 1);
}

TEST_CASE("transport: the socket is taken out", "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<int> codes;
    std::string text;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        int fd = -1;
        codes.push_back(weft_transport_detach(pair.transport, nullptr));
        write_text(pair.transport, std::string(100000, 'x'));
        codes.push_back(weft_transport_detach(pair.transport, &fd));
        codes.push_back(fd);
        while (weft_transport_get_write_buffer_size(pair.transport) > 0) {
            pair.received();
            settle(1);
        }
        r.on_data = [&](weft_transport *t) { return weft_transport_detach(t, &fd); };
        pair.send("upgrade");
        settle();
        pair.send("raw");
        settle();
        char buffer[10] = {};
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        text.assign(buffer, n > 0 ? static_cast<size_t>(n) : 0);
        ::close(fd);
        codes.push_back(weft_transport_is_closing(pair.transport));
        codes.push_back(weft_transport_get_fd(pair.transport));
        codes.push_back(weft_transport_detach(pair.transport, &fd));
        return 0;
    });
    CHECK(codes ==
          std::vector<int>{ WEFT_EINVAL, WEFT_EINVALIDSTATE, -1, 1, -1, WEFT_EINVALIDSTATE });
    CHECK(text == "raw");
    CHECK(r.text() == "made pause resume data:upgrade");
    CHECK(r.n_released == 0);
}

/* ---- misuse, cancel, memory --------------------------------------------- */

static int refuse(const weft_protocol **, void **, void *)
{
    return weft_fail(WEFT_EUSER(7), "no protocol today");
}

static int forget(const weft_protocol **, void **, void *)
{
    return 0;
}

TEST_CASE("transport: what cannot be made", "[transport]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    weft_transport *out = nullptr;
    int n_before = n_descriptors();
    w.run([&] {
        recorder r;
        int pipe_ends[2];
        int ends[2];
        WEFT_TRY(pipe(pipe_ends));
        WEFT_TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        auto on_fd = [&](weft_protocol_factory_fn *factory, int fd,
                         const weft_stream_options *options) {
            codes.push_back(
                weft_loop_create_connection_fd(nullptr, factory, &r, fd, options, &out));
        };
        weft_stream_options no_size = {};
        on_fd(nullptr, ends[0], nullptr);
        on_fd(recorder::make, ends[0], &no_size);
        on_fd(recorder::make, -1, nullptr);
        on_fd(recorder::make, pipe_ends[0], nullptr);
        on_fd(refuse, ends[0], nullptr);
        on_fd(forget, ends[0], nullptr);
        codes.push_back(weft_loop_create_connection(nullptr, recorder::make, &r, "127.0.0.1", 70000,
                                                    nullptr, &out));
        codes.push_back(weft_loop_create_unix_connection(nullptr, recorder::make, &r, "/nowhere/x",
                                                         nullptr, &out));
        codes.push_back(fcntl(ends[0], F_GETFD) >= 0); /* still ours */
        for (int fd : { pipe_ends[0], pipe_ends[1], ends[0], ends[1] }) {
            ::close(fd);
        }
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, -EBADF, -ENOTSOCK, WEFT_EUSER(7),
                                     WEFT_EINVAL, WEFT_EINVAL, -ENOENT, 1 });
    CHECK(out == nullptr);
    CHECK(weft_loop_create_connection_fd(w.loop, recorder::make, nullptr, 0, nullptr, &out) ==
          WEFT_ERUNTIME);                   /* not in a task */
    CHECK(n_descriptors() <= n_before + 2); /* epoll, doorbell */
}

TEST_CASE("transport: calls on none, and calls without places", "[transport]")
{
    log_recorder log;
    world w;
    recorder r;
    char name[100];
    weft_peer_credentials credentials;
    CHECK(weft_transport_write(nullptr, "x", 1) == WEFT_EINVAL);
    CHECK(weft_transport_close(nullptr) == WEFT_EINVAL);
    CHECK(weft_transport_is_closing(nullptr) == 1);
    CHECK(weft_transport_is_reading(nullptr) == 0);
    CHECK(weft_transport_get_fd(nullptr) == -1);
    CHECK(weft_transport_get_loop(nullptr) == nullptr);
    CHECK(weft_transport_get_protocol(nullptr, nullptr) == nullptr);
    CHECK(weft_transport_unref(nullptr) == nullptr);
    CHECK(weft_transport_get_write_buffer_size(nullptr) == 0);
    std::vector<int> codes;
    std::string names;
    w.run([&] {
        transport_pair pair(r);
        weft_transport *t = pair.transport;
        codes.push_back(weft_transport_write(t, nullptr, 1));
        codes.push_back(weft_transport_get_peername(t, nullptr, 10));
        codes.push_back(weft_transport_get_sockname(t, name, 0));
        codes.push_back(weft_transport_get_peer_credentials(t, nullptr));
        codes.push_back(weft_transport_get_peername(t, name, sizeof name));
        names = name;
        codes.push_back(weft_transport_get_sockname(t, name, sizeof name));
        names += name;
        codes.push_back(weft_transport_get_peer_credentials(t, &credentials));
        codes.push_back(credentials.pid == getpid());
        codes.push_back(weft_transport_get_loop(t) == w.loop);
        codes.push_back(weft_transport_get_fd(t) >= 0);
        weft_transport_abort(t);
        settle();
        codes.push_back(weft_transport_get_sockname(t, name, sizeof name));
        codes.push_back(weft_transport_get_peername(t, name, sizeof name));
        codes.push_back(weft_transport_get_peer_credentials(t, &credentials));
        codes.push_back(weft_transport_get_fd(t));
        codes.push_back(weft_transport_resume_reading(t));
        codes.push_back(weft_transport_write_eof(t));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, 0, 0, 0, 1,
                                     1, 1, WEFT_ECLOSED, 0, WEFT_ECLOSED, -1, 0, 0 });
    CHECK(names == "unix:unix:");
}

TEST_CASE("transport: a task that is cancelled while it makes one", "[transport]")
{
    world w;
    recorder r;
    bool peer_sees_end = false;
    int code = 0;
    int n_before = n_descriptors();
    w.run([&] {
        int ends[2];
        weft_transport *transport = nullptr;
        WEFT_TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        weft_task *task = w.spawn([&] {
            return weft_loop_create_connection_fd(nullptr, recorder::make, &r, ends[0], nullptr,
                                                  &transport);
        });
        settle(1);
        weft_task_cancel(task, nullptr);
        settle();
        code = world::outcome(task);
        char byte;
        peer_sees_end = ::read(ends[1], &byte, 1) == 0;
        ::close(ends[1]);
        return 0;
    });
    r.drop();
    CHECK(code == WEFT_ECANCELED);
    CHECK(peer_sees_end);
    CHECK(r.text() == "made lost");
    CHECK(n_descriptors() == n_before);
}

TEST_CASE("transport: a loop that closes reports it, and lets its protocol go", "[transport]")
{
    log_recorder log;
    recorder r;
    recorder closing;
    {
        world w;
        w.run([&] {
            transport_pair pair(r);
            transport_pair second(closing);
            weft_transport_close(second.transport); /* its connection_lost will not come */
            return 0;
        });
        w.close();
        CHECK(weft_transport_is_closing(r.transport) == 1);
        CHECK(weft_transport_get_fd(r.transport) == -1);
        CHECK(weft_transport_write(r.transport, "x", 1) == 0); /* it is lost */
        CHECK(weft_transport_abort(r.transport) == 0);
        r.drop();
        closing.drop();
    }
    CHECK(r.text() == "made");
    CHECK(r.n_released == 1);
    CHECK(closing.n_released == 1);
    CHECK(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    CHECK(log.has("unclosed transport <unix transport fd="));
}

TEST_CASE("transport: a loop closes before connection_made", "[transport]")
{
    log_recorder log;
    recorder r;
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    {
        world w;
        weft_transport *out = nullptr;
        w.spawn([&] {
            return weft_loop_create_connection_fd(nullptr, recorder::make, &r, ends[0], nullptr,
                                                  &out);
        });
        weft_loop_run_once(w.loop, 0);
        w.close();
    }
    ::close(ends[1]);
    CHECK(r.text().empty());
    CHECK(r.n_released == 1);
}

TEST_CASE("transport: a server's clients see the variables of who made it", "[transport]")
{
    world w;
    recorder r;
    std::vector<int64_t> seen;
    w.run([&] {
        weft_context_var *var = weft_context_var_create("var");
        weft_server *server = nullptr;
        weft_server *streams = nullptr;
        auto look = [&] {
            weft_value value = weft_value_int(-1);
            weft_context_var_get(var, &value);
            seen.push_back(value.as.num);
            return 0;
        };
        struct watcher {
            std::function<int()> look;
            static int serve(weft_stream *, void *data)
            {
                return static_cast<watcher *>(data)->look();
            }
        } watcher = { look };
        weft_context_var_set(var, weft_value_int(1), nullptr);
        r.on_made = [&](weft_transport *t) {
            look();
            return weft_transport_close(t);
        };
        WEFT_TRY(
            weft_loop_create_server(nullptr, recorder::make, &r, "127.0.0.1", 0, nullptr, &server));
        WEFT_TRY(weft_start_server(watcher::serve, &watcher, "127.0.0.1", 0, nullptr, &streams));
        weft_context_var_set(var, weft_value_int(2), nullptr);
        for (weft_server *each : { server, streams }) {
            weft_stream *client = nullptr;
            char byte;
            size_t n;
            WEFT_TRY(
                weft_open_connection("127.0.0.1", weft_server_get_port(each), nullptr, &client));
            weft_stream_read(client, &byte, 1, &n);
            weft_stream_close(client);
            weft_stream_destroy(client);
            weft_server_close(each);
            weft_server_wait_closed(each);
            weft_server_destroy(each);
        }
        weft_context_var_unref(var);
        return 0;
    });
    CHECK(seen == std::vector<int64_t>{ 1, 1 });
}

TEST_CASE("transport: without memory", "[transport][oom]")
{
    log_recorder log;
    sweep_out_of_memory(
        [] {
            weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
            options.virtual_clock = 1;
            weft_loop *loop = nullptr;
            int code = weft_new_event_loop(&options, &loop);
            if (code < 0) {
                return code;
            }
            struct story {
                recorder r;
                static int body(void *data)
                {
                    recorder *r = static_cast<recorder *>(data);
                    int ends[2];
                    weft_transport *transport = nullptr;
                    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
                        return -errno;
                    }
                    int size = 4096;
                    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
                    r->keeps = false;
                    int code = weft_loop_create_connection_fd(nullptr, recorder::make, r, ends[0],
                                                              nullptr, &transport);
                    if (code < 0) {
                        ::close(ends[0]);
                        ::close(ends[1]);
                        return code;
                    }
                    static const char bytes[50000] = {};
                    code = weft_transport_write(transport, bytes, sizeof bytes);
                    if (::write(ends[1], "x", 1) != 1) {
                        code = -EIO;
                    }
                    int slept = weft_sleep(0);
                    slept = slept == 0 ? weft_sleep(0) : slept;
                    weft_transport_abort(transport);
                    slept = slept == 0 ? weft_sleep(0) : slept;
                    weft_transport_unref(transport);
                    ::close(ends[1]);
                    code = code == 0 ? slept : code;
                    return code == 0 && r->lost_code < 0 ? r->lost_code : code;
                }
            } story;
            code = weft_loop_run_until_complete(loop, weft_coro_create(story::body, &story.r),
                                                nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return code;
        },
        { WEFT_ENOSTACK, -EMFILE, -ENOSPC });
}

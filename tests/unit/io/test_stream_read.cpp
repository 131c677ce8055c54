/* Reading: what comes out, what waits, and that a cancelled read loses nothing. */
#include "support/io_world.hpp"

#include <vector>

extern "C" {
#include "io/stream.h"
}

namespace
{

using texts = std::vector<std::string>;

std::string read_exactly(weft_stream *stream, size_t size)
{
    std::string buffer(size, '\0');
    size_t n = 0;
    int code = weft_stream_readexactly(stream, &buffer[0], size, &n);
    buffer.resize(code == WEFT_EINCOMPLETEREAD || code == 0 ? n : 0);
    return code < 0 ? weft_error_name(code) + (" " + buffer) : buffer;
}

std::string read_until(weft_stream *stream, const std::string &separator)
{
    char *data = nullptr;
    size_t len = 0;
    int code = weft_stream_readuntil(stream, separator.data(), separator.size(), &data, &len);
    if (code == WEFT_ELIMITOVERRUN) {
        return weft_error_name(code) + (" " + std::to_string(len));
    }
    std::string bytes(data, len);
    return code < 0 ? weft_error_name(code) + (" " + bytes) : bytes;
}

/* Fill in what a reader of the kind <how> reads; cancelled once before the data is there. */
texts read_with_cancels(const std::function<std::string(weft_stream *)> &how, const texts &pieces)
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        for (const std::string &piece : pieces) {
            weft_task *task = w.spawn([&] {
                std::string text = how(p.stream);
                if (text.rfind("WEFT_ECANCELED", 0) == 0) {
                    return static_cast<int>(WEFT_ECANCELED);
                }
                got.push_back(text);
                return 0;
            });
            settle();
            p.send(piece);
            /* The edge has woken the reader; the cancel comes before it resumes. */
            settle(1);
            weft_task_cancel(task, nullptr);
            int code = weft_await(task, nullptr);
            if (code != WEFT_ECANCELED && code != 0) {
                return code;
            }
        }
        p.hang_up();
        for (;;) {
            std::string text = how(p.stream);
            got.push_back(text);
            if (text.empty() || text.rfind("WEFT_", 0) == 0) {
                return 0;
            }
        }
    });
    return got;
}

std::string joined(const texts &all)
{
    std::string text;
    for (const std::string &t : all) {
        text += t;
    }
    return text;
}

} // namespace

TEST_CASE("read: gives what is there, and waits only when there is nothing", "[read]")
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        p.send("abcdef");
        got.push_back(read_text(p.stream, 4));
        got.push_back(read_text(p.stream, 4));
        got.push_back(read_text(p.stream, 0));
        weft_task *task = w.spawn([&] {
            got.push_back(read_text(p.stream));
            return 0;
        });
        settle();
        got.push_back("sent");
        p.send("late");
        weft_await(task, nullptr);
        got.push_back(std::to_string(weft_stream_at_eof(p.stream)));
        p.hang_up();
        got.push_back(read_text(p.stream));
        got.push_back(std::to_string(weft_stream_at_eof(p.stream)));
        got.push_back(read_text(p.stream));
        return 0;
    });
    CHECK(got == texts{ "abcd", "ef", "", "sent", "late", "0", "", "1", "" });
}

TEST_CASE("read: a short read means that the next one waits for the edge", "[read]")
{
    world w;
    std::vector<bool> ready;
    std::string last;

    w.run([&] {
        pair p;
        ready.push_back(p.stream->reader.is_ready); /* the first read is tried at once */
        p.send("abcdef");
        read_text(p.stream, 6); /* full: there may be more */
        ready.push_back(p.stream->reader.is_ready);
        settle(); /* the edge of the data that was read already */
        p.send("gh");
        settle();
        read_text(p.stream, 100);
        ready.push_back(p.stream->reader.is_ready);
        p.send("i");
        settle();
        ready.push_back(p.stream->reader.is_ready);
        p.send("jk");
        p.hang_up(); /* the data and the end in one edge */
        settle();
        last = read_text(p.stream, 100) + "|";
        last += read_text(p.stream, 100);
        return 0;
    });
    CHECK(ready == std::vector<bool>{ true, true, false, true });
    CHECK(last == "ijk|");
}

TEST_CASE("read: a write does not make the next read try at once", "[read]")
{
    world w;
    std::vector<bool> ready;

    w.run([&] {
        pair p;
        p.send("x");
        settle();
        read_text(p.stream);
        ready.push_back(p.stream->reader.is_ready);
        weft_stream_write(p.stream, "y", 1);
        settle();
        ready.push_back(p.stream->reader.is_ready);
        return 0;
    });
    CHECK(ready == std::vector<bool>{ false, false });
}

TEST_CASE("read: the end that came together with data is found", "[read]")
{
    for (int turns = 0; turns < 3; turns++) {
        world w;
        texts got;
        w.run([&] {
            pair p;
            weft_task *task = w.spawn([&] {
                got.push_back(read_view(p.stream));
                got.push_back(read_view(p.stream));
                return 0;
            });
            settle(turns);
            p.send("last");
            shutdown(p.peer, SHUT_WR);
            return weft_await(task, nullptr);
        });
        CHECK(got == texts{ "last", "" });
    }
}

TEST_CASE("read: an error of the connection comes out, also of later reads", "[read]")
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        weft_stream_write(p.stream, "unread", 6);
        p.hang_up(); /* with unread bytes: a reset */
        got.push_back(read_text(p.stream));
        got.push_back(read_line(p.stream));
        got.push_back(std::to_string(weft_stream_is_closing(p.stream)));
        return 0;
    });
    CHECK(got == texts{ "ECONNRESET", "ECONNRESET", "1" });
}

TEST_CASE("read: one task at a time", "[read]")
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        auto reader = [&](const char *name) {
            return w.spawn([&, name] {
                got.push_back(name + (" " + read_line(p.stream)));
                return 0;
            });
        };
        weft_task *a = reader("a");
        weft_task *b = reader("b");
        settle();
        p.send("line\n");
        weft_await(a, nullptr);
        weft_await(b, nullptr);
        return 0;
    });
    CHECK(got == texts{ "b WEFT_ERUNTIME", "a line\n" });
}

TEST_CASE("read: a cancelled read loses nothing", "[read][cancel]")
{
    const texts pieces = { "ab", "c\n", "defg\nh", "\n", "tail" };
    const std::string all = "abc\ndefg\nh\ntail";

    CHECK(joined(read_with_cancels([](weft_stream *s) { return read_text(s, 3); }, pieces)) == all);
    CHECK(joined(read_with_cancels(read_view, pieces)) == all);
    CHECK(joined(read_with_cancels(read_line, pieces)) == all);
    CHECK(read_with_cancels([](weft_stream *s) { return read_exactly(s, 6); }, pieces) ==
          texts{ "abc\nde", "fg\nh\nt", "WEFT_EINCOMPLETEREAD ail" });
}

TEST_CASE("read: a cancelled readexactly of a large piece puts back what it had", "[read][cancel]")
{
    world w;
    std::string got;
    int cancelled = 0;

    w.run([&] {
        pair p;
        std::string half(30000, 'a');
        weft_task *task = w.spawn([&] {
            got = read_exactly(p.stream, 60000);
            return got.rfind("WEFT_ECANCELED", 0) == 0 ? static_cast<int>(WEFT_ECANCELED) : 0;
        });
        settle();
        p.send(half);
        settle();
        weft_task_cancel(task, nullptr);
        cancelled = weft_await(task, nullptr);
        task = w.spawn([&] {
            got = read_exactly(p.stream, 60000);
            return 0;
        });
        settle();
        p.send(std::string(30005, 'b'));
        weft_await(task, nullptr);
        got += "|" + read_text(p.stream);
        return 0;
    });
    CHECK(cancelled == WEFT_ECANCELED);
    CHECK(got == std::string(30000, 'a') + std::string(30000, 'b') + "|bbbbb");
}

TEST_CASE("readline: lines come out one by one, the last one without its end", "[read]")
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        p.send("one\ntwo\nthr");
        got.push_back(read_line(p.stream));
        weft_task *task = w.spawn([&] {
            got.push_back(read_line(p.stream));
            got.push_back(read_line(p.stream));
            got.push_back(read_line(p.stream));
            return 0;
        });
        settle();
        p.send("ee");
        settle();
        p.hang_up();
        return weft_await(task, nullptr);
    });
    CHECK(got == texts{ "one\n", "two\n", "three", "" });
}

TEST_CASE("readline: a line stays valid and writable until the next read", "[read]")
{
    world w;
    std::string first;
    std::string second;

    w.run([&] {
        pair p;
        char *line;
        size_t len;
        p.send("first\nsecond\n");
        WEFT_TRY(weft_stream_readline(p.stream, &line, &len));
        settle(); /* other readers may use the loop's buffer meanwhile */
        pair other;
        other.send(std::string(100, '#'));
        read_view(other.stream);
        line[0] = 'F';
        first.assign(line, len);
        second = read_line(p.stream);
        return 0;
    });
    CHECK(first == "First\n");
    CHECK(second == "second\n");
}

TEST_CASE("readline: a line of any length below the limit comes whole", "[read]")
{
    world w;
    size_t len = 0;
    bool is_whole = false;

    w.run([&] {
        pair p;
        std::string line(60000, 'x');
        line += '\n';
        weft_task *task = w.spawn([&] {
            std::string got = read_line(p.stream);
            len = got.size();
            is_whole = got == line;
            return 0;
        });
        for (size_t i = 0; i < line.size(); i += 10000) {
            p.send(line.substr(i, 10000));
            settle();
        }
        return weft_await(task, nullptr);
    });
    CHECK(len == 60001);
    CHECK(is_whole);
}

TEST_CASE("readline: a line over the limit is dropped, with its end if that has come", "[read]")
{
    world w;
    texts got;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;

    options.limit = 4;
    w.run([&] {
        pair p(&options);
        p.send("toolong\nok\n");
        got.push_back(read_line(p.stream));
        got.push_back(read_line(p.stream));
        p.send("1234\n12345\n123456");
        got.push_back(read_line(p.stream));
        got.push_back(read_line(p.stream));
        got.push_back(read_line(p.stream));
        p.send("789\nx\n");
        got.push_back(read_line(p.stream));
        got.push_back(read_line(p.stream));
        return 0;
    });
    CHECK(got == texts{ "WEFT_ELINETOOLONG", "ok\n", "1234\n", "WEFT_ELINETOOLONG",
                        "WEFT_ELINETOOLONG", "789\n", "x\n" });
}

TEST_CASE("readuntil: several bytes may separate", "[read]")
{
    world w;
    texts got;

    w.run([&] {
        pair p;
        p.send("Host: a\r\nX: b\r\n\r\nbody");
        got.push_back(read_until(p.stream, "\r\n\r\n"));
        p.send("\r");
        weft_task *task = w.spawn([&] {
            got.push_back(read_until(p.stream, "\r\n"));
            return 0;
        });
        settle();
        p.send("\nrest");
        weft_await(task, nullptr);
        p.hang_up();
        got.push_back(read_until(p.stream, ";"));
        got.push_back(read_until(p.stream, ";"));
        char *data;
        size_t len;
        got.push_back(weft_error_name(weft_stream_readuntil(p.stream, "", 0, &data, &len)));
        return 0;
    });
    CHECK(got == texts{ "Host: a\r\nX: b\r\n\r\n", "body\r\n", "WEFT_EINCOMPLETEREAD rest",
                        "WEFT_EINCOMPLETEREAD ", "WEFT_EINVAL" });
}

TEST_CASE("readuntil: over the limit the bytes stay", "[read]")
{
    world w;
    texts got;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;

    options.limit = 4;
    w.run([&] {
        pair p(&options);
        p.send("abcdefgh\nij\n");
        got.push_back(read_until(p.stream, "\n"));
        got.push_back(read_exactly(p.stream, 9));
        got.push_back(read_until(p.stream, "\n"));
        p.send("12345678");
        got.push_back(read_until(p.stream, "\n"));
        got.push_back(read_text(p.stream));
        return 0;
    });
    CHECK(got == texts{ "WEFT_ELIMITOVERRUN 8", "abcdefgh\n", "ij\n", "WEFT_ELIMITOVERRUN 8",
                        "12345678" });
}

TEST_CASE("readexactly: waits for all, leaves the rest, tells what came before the end", "[read]")
{
    world w;
    texts got;
    bool is_rest_whole = false;

    w.run([&] {
        pair p;
        p.send("abc");
        weft_task *task = w.spawn([&] {
            got.push_back(read_exactly(p.stream, 5));
            return 0;
        });
        settle();
        p.send("defgh");
        weft_await(task, nullptr);
        got.push_back(read_exactly(p.stream, 0));
        got.push_back(read_text(p.stream));
        p.send("only this");
        p.hang_up();
        got.push_back(read_exactly(p.stream, 20));
        got.push_back(read_text(p.stream));
        pair q;
        q.send(std::string(20000, 'y'));
        q.hang_up();
        is_rest_whole =
            read_exactly(q.stream, 50000) == "WEFT_EINCOMPLETEREAD " + std::string(20000, 'y');
        return 0;
    });
    CHECK(got == texts{ "abcde", "", "fgh", "WEFT_EINCOMPLETEREAD only this", "" });
    CHECK(is_rest_whole);
}

TEST_CASE("read_view: idle connections hold no buffer", "[read]")
{
    world w;
    texts got;
    bool holds = true;

    w.run([&] {
        pair p;
        pair q;
        p.send("first");
        q.send("second");
        got.push_back(read_view(p.stream));
        got.push_back(read_view(q.stream));
        p.send("line\n");
        got.push_back(read_line(p.stream));
        weft_task *task = w.spawn([&] {
            got.push_back(read_line(p.stream));
            return 0;
        });
        settle();
        holds = p.stream->held.data != nullptr;
        p.send("more\n");
        return weft_await(task, nullptr);
    });
    CHECK(got == texts{ "first", "second", "line\n", "more\n" });
    CHECK_FALSE(holds);
}

TEST_CASE("unread: the end of a view is read again", "[read]")
{
    log_recorder log;
    world w;
    texts got;
    std::vector<int> codes;

    w.run([&] {
        pair p;
        p.send("head|body");
        got.push_back(read_view(p.stream));
        codes.push_back(weft_stream_unread(p.stream, 10));
        codes.push_back(weft_stream_unread(p.stream, 4));
        codes.push_back(weft_stream_unread(p.stream, 1));
        codes.push_back(weft_stream_unread(p.stream, 0));
        got.push_back(read_view(p.stream)); /* out of the connection's own buffer now */
        codes.push_back(weft_stream_unread(p.stream, 3));
        codes.push_back(weft_stream_unread(p.stream, 3));
        got.push_back(read_text(p.stream, 2));
        codes.push_back(weft_stream_unread(p.stream, 1)); /* that was no view */
        got.push_back(read_text(p.stream));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, 0, 0, 0, 0, WEFT_EINVAL, WEFT_EINVAL });
    CHECK(got == texts{ "head|body", "|body", "od", "y" });
}

TEST_CASE("unread: a view is gone when another stream has read one", "[read]")
{
    log_recorder log;
    world w;
    texts got;
    std::vector<int> codes;

    w.run([&] {
        pair p;
        pair q;
        p.send("gone");
        got.push_back(read_view(p.stream));
        q.send("other");
        got.push_back(read_view(q.stream));
        codes.push_back(weft_stream_unread(p.stream, 1));
        codes.push_back(weft_stream_unread(q.stream, 5));
        got.push_back(read_view(q.stream));
        q.send("x");
        got.push_back(read_view(q.stream));
        got.push_back(read_text(q.stream, 0)); /* any other read ends the view */
        codes.push_back(weft_stream_unread(q.stream, 1));
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, 0, WEFT_EINVAL });
    CHECK(got == texts{ "gone", "other", "other", "x", "" });
}

TEST_CASE("read: a limit ends the wait, not the stream", "[read][timeout]")
{
    world w; /* the clock is virtual: it jumps */
    texts got;
    weft_time took = 0;

    w.run([&] {
        pair p;
        weft_time start = weft_loop_time(nullptr);
        weft_stream_set_read_limit(p.stream, WEFT_S(60));
        got.push_back(read_text(p.stream));
        took = weft_loop_time(nullptr) - start;
        p.send("x");
        got.push_back(read_text(p.stream));
        weft_stream_set_read_limit(p.stream, WEFT_FOREVER);
        weft_task *task = w.spawn([&] {
            got.push_back(read_text(p.stream));
            return 0;
        });
        weft_sleep(WEFT_S(1000));
        p.send("y");
        return weft_await(task, nullptr);
    });
    CHECK(got == texts{ "WEFT_ETIMEDOUT", "x", "y" });
    CHECK(took == WEFT_S(60));
}

TEST_CASE("read: the timer is left alone between reads and moved when a limit shrinks",
          "[read][timeout]")
{
    world w;
    texts got;
    std::vector<weft_time> times;

    w.run([&] {
        pair p;
        weft_time start = weft_loop_time(nullptr);
        weft_stream_set_read_limit(p.stream, WEFT_S(10));
        weft_task *task = w.spawn([&] {
            for (int i = 0; i < 4; i++) {
                got.push_back(read_text(p.stream));
                times.push_back(weft_loop_time(nullptr) - start);
            }
            weft_stream_set_read_limit(p.stream, WEFT_S(1));
            got.push_back(read_text(p.stream));
            times.push_back(weft_loop_time(nullptr) - start);
            return 0;
        });
        for (int i = 0; i < 3; i++) {
            weft_sleep(WEFT_S(6));
            p.send("x");
        }
        return weft_await(task, nullptr);
    });
    CHECK(got == texts{ "x", "x", "x", "WEFT_ETIMEDOUT", "WEFT_ETIMEDOUT" });
    CHECK(times ==
          std::vector<weft_time>{ WEFT_S(6), WEFT_S(12), WEFT_S(18), WEFT_S(28), WEFT_S(29) });
}

TEST_CASE("read: reads that never wait let others run", "[read]")
{
    world w;
    bool ran = false;
    bool ran_in_time = false;

    w.run([&] {
        pair p;
        p.send(std::string(1000, 'x'));
        w.spawn([&] {
            ran = true;
            return 0;
        });
        for (int i = 0; i < 1000; i++) {
            read_text(p.stream, 1);
        }
        ran_in_time = ran;
        return 0;
    });
    CHECK(ran_in_time);
}

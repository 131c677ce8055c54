/* Streams that are fed: what reads see, the end, errors, the source, misuse, memory. */
#include "support/io_world.hpp"

#include "support/sweep.hpp"

#include <cstring>
#include <vector>

namespace
{

/* A fed stream. */
struct fed {
    weft_stream *stream = nullptr;

    explicit fed(size_t limit = 0)
    {
        weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
        options.limit = limit;
        (void)weft_stream_create_memory(&options, &stream);
    }
    ~fed()
    {
        weft_stream_destroy(stream);
    }
    fed(const fed &) = delete;
    fed &operator=(const fed &) = delete;
    int feed(const std::string &text) const
    {
        return weft_stream_feed_data(stream, text.data(), text.size());
    }
};

} // namespace

TEST_CASE("feed: reads see one buffer", "[feed]")
{
    world w;
    std::vector<std::string> got;

    w.run([&] {
        fed f;
        f.feed("one\ntwo");
        got.push_back(read_line(f.stream));
        f.feed("three\nfour");
        got.push_back(read_text(f.stream, 4));
        got.push_back(read_text(f.stream));
        weft_task *task = w.spawn([&] {
            got.push_back(read_line(f.stream));
            got.push_back(read_view(f.stream));
            return 0;
        });
        settle();
        f.feed("li");
        settle();
        f.feed("ne\nrest");
        weft_await(task, nullptr);
        weft_stream_feed_eof(f.stream);
        got.push_back(read_text(f.stream));
        got.push_back(read_line(f.stream));
        return 0;
    });
    CHECK(got ==
          std::vector<std::string>{ "one\n", "twot", "hree\nfour", "line\n", "rest", "", "" });
}

TEST_CASE("feed: a line that is lent stays while more is fed", "[feed]")
{
    world w;
    std::string kept;

    w.run([&] {
        fed f;
        char *line = nullptr;
        size_t n = 0;
        f.feed("first\nsecond\n");
        WEFT_TRY(weft_stream_readline(f.stream, &line, &n));
        for (int i = 0; i < 50; i++) {
            f.feed(std::string(10000, '#'));
        }
        kept.assign(line, n);
        return 0;
    });
    CHECK(kept == "first\n");
}

TEST_CASE("feed: all of it at once", "[feed]")
{
    world w;
    std::string all(300000, 'x');
    std::string got;
    std::vector<int> codes;
    size_t size = 1;

    w.run([&] {
        fed f;
        weft_bytes *bytes = nullptr;
        weft_task *task = w.spawn([&] { return weft_stream_read_all(f.stream, 0, &bytes); });
        for (size_t i = 0; i < all.size(); i += 10000) {
            f.feed(all.substr(i, 10000));
            settle(1);
        }
        weft_stream_feed_eof(f.stream);
        codes.push_back(weft_await(task, nullptr));
        got.assign(bytes->data, bytes->size);
        weft_bytes_destroy(bytes);
        codes.push_back(weft_stream_read_all(f.stream, 0, &bytes));
        size = bytes->size;
        weft_bytes_destroy(bytes);

        fed g;
        g.feed("too much");
        codes.push_back(weft_stream_read_all(g.stream, 5, &bytes));
        codes.push_back(read_text(g.stream) == "too much" ? 0 : 1); /* it was put back */
        g.feed("kept");
        task = w.spawn([&] { return weft_stream_read_all(g.stream, 0, &bytes); });
        settle();
        weft_task_cancel(task, nullptr);
        codes.push_back(weft_await(task, nullptr));
        codes.push_back(read_text(g.stream) == "kept" ? 0 : 1);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_ELIMITOVERRUN, 0, WEFT_ECANCELED, 0 });
    CHECK((got == all));
    CHECK(size == 0);
}

TEST_CASE("feed: errors carry what was expected or searched", "[feed]")
{
    world w;
    std::vector<int64_t> details;
    std::vector<int> codes;

    w.run([&] {
        fed f(8);
        char buffer[16];
        char *data = nullptr;
        size_t n = 0;
        f.feed("0123456789abc");
        codes.push_back(weft_stream_readuntil(f.stream, "\n", 1, &data, &n));
        details.push_back(weft_current_detail(codes.back()));
        details.push_back(static_cast<int64_t>(n));
        weft_stream_feed_eof(f.stream);
        codes.push_back(weft_stream_readexactly(f.stream, buffer, 16, &n));
        details.push_back(weft_current_detail(codes.back()));
        details.push_back(static_cast<int64_t>(n));
        codes.push_back(weft_stream_readuntil(f.stream, "\n", 1, &data, &n));
        details.push_back(weft_current_detail(codes.back()));
        return 0;
    });
    CHECK(codes ==
          std::vector<int>{ WEFT_ELIMITOVERRUN, WEFT_EINCOMPLETEREAD, WEFT_EINCOMPLETEREAD });
    CHECK(details == std::vector<int64_t>{ 13, 13, 16, 13, -1 });
}

TEST_CASE("feed: a source that is paused is let on by a read that waits", "[feed]")
{
    world w;
    std::vector<int> calls;
    std::string got;

    w.run([&] {
        fed f(4);
        char buffer[20];
        size_t n = 0;
        weft_stream_set_source(
            f.stream,
            [](weft_stream *, int is_paused, void *data) {
                static_cast<std::vector<int> *>(data)->push_back(is_paused);
            },
            &calls);
        f.feed("123456789");
        weft_task *task = w.spawn([&] {
            WEFT_TRY(weft_stream_readexactly(f.stream, buffer, 12, &n)); /* more than the limit */
            got.assign(buffer, n);
            return 0;
        });
        settle();
        f.feed("abc");
        return weft_await(task, nullptr);
    });
    CHECK(calls == std::vector<int>{ 1, 0, 1, 0 });
    CHECK(got == "123456789abc");
}

TEST_CASE("feed: misuse", "[feed][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    weft_stream *kept = nullptr;

    w.run([&] {
        fed f;
        pair p;
        char byte;
        size_t n = 7;
        codes.push_back(weft_stream_create_memory(nullptr, nullptr));
        codes.push_back(weft_stream_feed_data(p.stream, "x", 1));
        codes.push_back(weft_stream_feed_eof(p.stream));
        codes.push_back(weft_stream_feed_data(f.stream, nullptr, 1));
        codes.push_back(weft_stream_feed_data(nullptr, "x", 1));
        codes.push_back(weft_stream_set_source(f.stream, nullptr, nullptr));
        codes.push_back(weft_stream_set_exception(f.stream, 0));
        codes.push_back(weft_stream_read(f.stream, nullptr, 1, &n));
        codes.push_back(weft_stream_read(f.stream, &byte, 1, nullptr));
        codes.push_back(weft_stream_readline(f.stream, nullptr, &n));
        codes.push_back(weft_stream_readuntil(f.stream, "x", 1, nullptr, &n));
        codes.push_back(weft_stream_readexactly(f.stream, &byte, 1, nullptr));
        codes.push_back(weft_stream_read_view(f.stream, nullptr, &n));
        codes.push_back(weft_stream_read_all(f.stream, 0, nullptr));
        codes.push_back(weft_stream_from_fd(0, nullptr, nullptr));
        codes.push_back(weft_open_connection("127.0.0.1", 1, nullptr, nullptr));
        codes.push_back(weft_open_unix_connection("@x", nullptr, nullptr));
        codes.push_back(weft_start_server([](weft_stream *, void *) { return 0; }, nullptr,
                                          "127.0.0.1", 0, nullptr, nullptr));
        size_t n_bad = codes.size();
        codes.push_back(weft_stream_write(f.stream, "x", 1) == WEFT_ECLOSED ? WEFT_EINVAL : 0);
        weft_stream_feed_eof(f.stream);
        codes.push_back(weft_stream_feed_data(f.stream, "x", 1) == WEFT_EINVALIDSTATE ? WEFT_EINVAL
                                                                                      : 0);
        codes.push_back(weft_stream_close(f.stream) == 0 ? WEFT_EINVAL : 0);
        codes.push_back(weft_stream_feed_data(f.stream, "x", 1) == WEFT_ECLOSED ? WEFT_EINVAL : 0);
        codes.push_back(n == 7 && n_bad == 18 ? WEFT_EINVAL : 0);
        return weft_stream_create_memory(nullptr, &kept);
    });
    CHECK(codes == std::vector<int>(codes.size(), WEFT_EINVAL));
    weft_stream_feed_data(kept, "x", 1);
    w.close();
    CHECK(!log.has("unclosed transport"));
    weft_stream_destroy(kept);
}

TEST_CASE("feed: without memory", "[feed][oom]")
{
    weft_loop *loop = nullptr;
    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    weft_stream *first = nullptr;
    body warm_up = [&] {
        WEFT_TRY(weft_stream_create_memory(nullptr, &first));
        weft_stream_destroy(first);
        return 0;
    };
    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(run_body, &warm_up), nullptr) == 0);
    weft_loop_close(loop);
    weft_loop_unref(loop);

    int n = sweep_out_of_memory(
        [&] {
            weft_loop *other = nullptr;
            int code = weft_new_event_loop(nullptr, &other);
            if (code < 0) {
                return code;
            }
            body talk = [&] {
                weft_stream *stream = nullptr;
                weft_bytes *bytes = nullptr;
                WEFT_TRY(weft_stream_create_memory(nullptr, &stream));
                int r = weft_stream_feed_data(stream, "hello", 5);
                if (r == 0) {
                    weft_stream_feed_eof(stream);
                    r = weft_stream_read_all(stream, 0, &bytes);
                }
                weft_bytes_destroy(bytes);
                weft_stream_destroy(stream);
                return r;
            };
            code = weft_loop_run_until_complete(other, weft_coro_create(run_body, &talk), nullptr);
            weft_loop_close(other);
            weft_loop_unref(other);
            return code;
        },
        { -EMFILE, -ENOSPC });
    CHECK(n > 3);
}

/*
 * Streams of one end of a pipe: one direction each, the end of a pipe is its
 * close, and a broken one is a code and no signal.
 */
#include "support/io_world.hpp"

#include <cerrno>
#include <csignal>

extern "C" {
#include "io/io.h"
#include "io/stream.h"
}

namespace
{

/* One end as a stream, the other plain. */
struct pipe_end {
    weft_stream *stream = nullptr;
    int other = -1;
    int code = 0;

    explicit pipe_end(bool is_reader)
    {
        int ends[2];
        weft_stream_options options;
        struct wf_io *io = nullptr;
        code = pipe2(ends, O_CLOEXEC | O_NONBLOCK);
        code = code < 0 ? code : wf_io_get(weft_get_running_loop(), &io);
        code = code < 0 ? code : wf_stream_read_options(nullptr, &options);
        if (code == 0) {
            other = ends[is_reader ? 1 : 0];
            code = wf_stream_create_pipe(io, ends[is_reader ? 0 : 1], is_reader, &options, nullptr,
                                         &stream);
        }
    }
    ~pipe_end()
    {
        weft_stream_abort(stream);
        weft_stream_destroy(stream);
        hang_up();
    }
    void hang_up()
    {
        if (other >= 0) {
            ::close(other);
            other = -1;
        }
    }
};

} // namespace

TEST_CASE("pipe stream: what comes is read, up to the end", "[io][pipe]")
{
    world w;
    std::vector<std::string> read;
    int written = -1;

    int code = w.run([&] {
        pipe_end p(/* is_reader = */ true);
        weft_task *writer = w.spawn([&] {
            written = static_cast<int>(::write(p.other, "one\ntwo", 7));
            p.hang_up();
            return 0;
        });
        read.push_back(read_line(p.stream));
        read.push_back(read_text(p.stream));
        read.push_back(read_text(p.stream));
        weft_await(writer, nullptr);
        return p.code;
    });

    REQUIRE(code == 0);
    REQUIRE(written == 7);
    REQUIRE(read == std::vector<std::string>{ "one\n", "two", "" });
}

TEST_CASE("pipe stream: more than the pipe holds is sent in order", "[io][pipe]")
{
    world w;
    std::string got;
    std::string sent(300000, 'x');
    size_t queued = 0;

    for (size_t i = 0; i < sent.size(); i++) {
        sent[i] = static_cast<char>('a' + i % 23);
    }
    int code = w.run([&] {
        pipe_end p(/* is_reader = */ false);
        int r = weft_stream_write(p.stream, sent.data(), sent.size());
        queued = weft_stream_get_write_buffer_size(p.stream);
        r = r < 0 ? r : weft_stream_write_eof(p.stream);
        for (;;) {
            char piece[4096];
            ssize_t n = ::read(p.other, piece, sizeof piece);
            if (n == 0) {
                break;
            }
            if (n > 0) {
                got.append(piece, static_cast<size_t>(n));
            } else if (weft_sleep(0) < 0) {
                break;
            }
        }
        return r < 0 ? r : weft_stream_wait_closed(p.stream);
    });

    REQUIRE(code == 0);
    REQUIRE(queued > 0);
    REQUIRE(got == sent);
}

TEST_CASE("pipe stream: without a reader a write is -EPIPE, and no signal is left", "[io][pipe]")
{
    world w;
    bool is_blocked = GENERATE(false, true);
    sigset_t only;
    sigset_t before;
    sigset_t pending;
    sigset_t after;
    int written = 0;
    int drained = 0;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &only, &before);
    int code = w.run([&] {
        pipe_end p(/* is_reader = */ false);
        p.hang_up();
        written = weft_stream_write(p.stream, "x", 1);
        drained = weft_stream_drain(p.stream);
        return p.code;
    });
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, &before, &after);

    REQUIRE(code == 0);
    REQUIRE(written == -EPIPE);
    REQUIRE(drained == -EPIPE);
    REQUIRE(!sigismember(&pending, SIGPIPE));
    REQUIRE(sigismember(&after, SIGPIPE) == is_blocked);
}

TEST_CASE("pipe stream: the other direction is refused", "[io][pipe]")
{
    world w;
    std::vector<int> codes;

    int code = w.run([&] {
        char byte = 0;
        size_t n = 0;
        pipe_end reader(/* is_reader = */ true);
        pipe_end writer(/* is_reader = */ false);
        codes.push_back(weft_stream_write(reader.stream, "x", 1));
        codes.push_back(weft_stream_read(writer.stream, &byte, 1, &n));
        return reader.code | writer.code;
    });

    REQUIRE(code == 0);
    REQUIRE(codes == std::vector<int>{ WEFT_ECLOSED, WEFT_ECLOSED });
}

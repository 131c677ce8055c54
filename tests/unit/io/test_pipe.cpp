/*
 * Streams over pipes as users make them, and the standard streams: over a pipe, a
 * file, a socket, /dev/null and a terminal, each left as it was.
 */
#include "support/io_world.hpp"
#include "support/sweep.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/stat.h>

#include "weft/pipe.h"

namespace
{

/* Stands in for descriptor <fd> of the process while it lives. */
class stand_in
{
  public:
    stand_in(int fd, int other) : fd(fd), before(fcntl(fd, F_DUPFD_CLOEXEC, 10))
    {
        dup2(other, fd);
    }
    ~stand_in()
    {
        if (before >= 0) {
            dup2(before, fd);
            ::close(before);
        } else {
            ::close(fd);
        }
    }
    stand_in(const stand_in &) = delete;
    stand_in &operator=(const stand_in &) = delete;

    bool is_blocking() const
    {
        return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
    }

  private:
    int fd;
    int before;
};

std::string contents_of(int fd)
{
    std::string all;
    char piece[256];
    ssize_t n;
    while ((n = ::read(fd, piece, sizeof piece)) > 0) {
        all.append(piece, static_cast<size_t>(n));
    }
    return all;
}

int write_and_close(weft_stream *stream, const char *text)
{
    int r = weft_stream_write(stream, text, strlen(text));
    weft_stream_close(stream);
    r = r < 0 ? r : weft_stream_wait_closed(stream);
    weft_stream_destroy(stream);
    return r;
}

std::string read_and_close(weft_stream *stream)
{
    std::string all;
    for (;;) {
        std::string piece = read_text(stream);
        if (piece.empty() || piece.compare(0, 5, "WEFT_") == 0) {
            break;
        }
        all += piece;
    }
    weft_stream_close(stream);
    weft_stream_destroy(stream);
    return all;
}

int temporary_file(const char *text)
{
    char path[] = "/tmp/weft-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    unlink(path);
    if (fd >= 0 && text[0] != '\0') {
        (void)!::write(fd, text, strlen(text));
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

} // namespace

TEST_CASE("pipe: what is no pipe is refused, and stays the caller's", "[io][pipe]")
{
    world w;
    log_recorder log;
    std::vector<int> codes;
    int file = temporary_file("x");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int code = w.run([&] {
        weft_stream *stream = nullptr;
        codes.push_back(weft_connect_read_pipe(file, nullptr, &stream));
        codes.push_back(weft_connect_write_pipe(file, nullptr, &stream));
        codes.push_back(weft_connect_read_pipe(-1, nullptr, &stream));
        codes.push_back(weft_connect_read_pipe(null, nullptr, &stream));
        codes.push_back(weft_connect_read_pipe(null, nullptr, nullptr));
        codes.push_back(weft_open_stdin(nullptr, nullptr));
        return stream == nullptr ? 0 : -1;
    });
    codes.push_back(fcntl(file, F_GETFD) >= 0 && fcntl(null, F_GETFD) >= 0 ? 0 : -1);
    ::close(file);
    ::close(null);
    weft_stream *stream = nullptr;
    codes.push_back(weft_connect_read_pipe(0, nullptr, &stream));
    REQUIRE(code == 0);
    REQUIRE(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, -EBADF, -EPERM, WEFT_EINVAL,
                                       WEFT_EINVAL, 0, WEFT_ENOLOOP });
}

TEST_CASE("pipe: the writer notices that the reader has gone", "[io][pipe]")
{
    world w;
    bool is_full = GENERATE(false, true);
    std::vector<int> codes;
    int code = w.run([&] {
        int ends[2];
        weft_stream *writer;
        int r = pipe2(ends, O_CLOEXEC);
        r |= weft_connect_write_pipe(ends[1], nullptr, &writer);
        weft_task *drainer = nullptr;
        if (is_full) {
            std::string much(400000, 'x');
            r |= weft_stream_write(writer, much.data(), much.size());
            drainer = w.spawn([&] { return weft_stream_drain(writer); });
        }
        settle();
        codes.push_back(weft_stream_is_closing(writer));
        ::close(ends[0]);
        settle();
        codes.push_back(weft_stream_is_closing(writer));
        codes.push_back(is_full ? weft_await(drainer, nullptr) : -EPIPE);
        codes.push_back(weft_stream_write(writer, "x", 1));
        codes.push_back(weft_stream_drain(writer));
        weft_stream_close(writer);
        codes.push_back(weft_stream_wait_closed(writer));
        weft_stream_destroy(writer);
        return r;
    });
    REQUIRE(code == 0);
    REQUIRE(codes == std::vector<int>{ 0, 1, -EPIPE, -EPIPE, -EPIPE, -EPIPE });
}

TEST_CASE("pipe: a FIFO of the file system, with back-pressure", "[io][pipe]")
{
    world w;
    char folder[] = "/tmp/weft-test-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    std::string path = std::string(folder) + "/fifo";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    size_t got = 0;
    size_t largest = 0;
    const size_t total = 1000000;
    int code = w.run([&] {
        weft_stream *reader;
        weft_stream *writer;
        int r = weft_connect_read_pipe(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC),
                                       nullptr, &reader);
        r |= weft_connect_write_pipe(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), nullptr,
                                     &writer);
        weft_task *producer = w.spawn([&] {
            std::string piece(10000, 'y');
            int c = 0;
            for (size_t sent = 0; sent < total && c == 0; sent += piece.size()) {
                c = weft_stream_write(writer, piece.data(), piece.size());
                largest = std::max(largest, weft_stream_get_write_buffer_size(writer));
                c = c < 0 ? c : weft_stream_drain(writer);
            }
            weft_stream_close(writer);
            c = c < 0 ? c : weft_stream_wait_closed(writer);
            weft_stream_destroy(writer);
            return c;
        });
        got = read_and_close(reader).size();
        return r | weft_await(producer, nullptr);
    });
    unlink(path.c_str());
    rmdir(folder);
    REQUIRE(code == 0);
    REQUIRE(got == total);
    REQUIRE((largest > 0 && largest < 65536 + 10001));
}

TEST_CASE("stdio: pipes are opened anew and left blocking", "[io][stdio]")
{
    int ends[2];
    int in[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::write(in[1], "question", 8) == 8);
    std::string asked;
    bool is_blocking;
    int code;
    {
        stand_in input(0, in[0]);
        stand_in output(1, ends[1]);
        ::close(in[1]);
        ::close(in[0]);
        ::close(ends[1]);
        world w(/* is_virtual = */ false); /* threads take part */
        code = w.run([&] {
            weft_stream *stream;
            int r = weft_open_stdin(nullptr, &stream);
            asked = read_and_close(stream);
            r |= weft_open_stdout(nullptr, &stream);
            return r | write_and_close(stream, "answer");
        });
        is_blocking = input.is_blocking() && output.is_blocking();
    }
    std::string answer = contents_of(ends[0]);
    ::close(ends[0]);
    REQUIRE(code == 0);
    REQUIRE(is_blocking);
    REQUIRE(asked == "question");
    REQUIRE(answer == "answer");
}

TEST_CASE("stdio: a socket blocks again when the loop is closed", "[io][stdio]")
{
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(::write(ends[1], "hello\n", 6) == 6);
    std::string line;
    bool was_blocking;
    bool is_blocking;
    int code;
    {
        stand_in input(0, ends[0]);
        stand_in output(1, ends[0]);
        ::close(ends[0]);
        world w(/* is_virtual = */ false); /* threads take part */
        code = w.run([&] {
            weft_stream *in;
            weft_stream *out;
            int r = weft_open_stdin(nullptr, &in);
            r |= weft_open_stdout(nullptr, &out);
            line = read_line(in);
            weft_stream_close(in);
            weft_stream_destroy(in);
            return r | write_and_close(out, "bye");
        });
        was_blocking = input.is_blocking();
        w.close();
        is_blocking = input.is_blocking() && output.is_blocking();
    }
    std::string said = contents_of(ends[1]);
    ::close(ends[1]);
    REQUIRE(code == 0);
    REQUIRE((!was_blocking && is_blocking));
    REQUIRE(line == "hello\n");
    REQUIRE(said == "bye");
}

TEST_CASE("stdio: regular files and /dev/null", "[io][stdio]")
{
    int before = n_descriptors();
    int in = temporary_file("one\ntwo\n");
    int out = temporary_file("");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    std::string much(300000, 'z');
    std::vector<std::string> read;
    std::string written;
    int code;
    {
        stand_in input(0, in);
        stand_in output(1, out);
        stand_in error(2, null);
        world w(/* is_virtual = */ false); /* threads take part */
        code = w.run([&] {
            weft_stream *stream;
            int r = weft_open_stdin(nullptr, &stream);
            read.push_back(read_line(stream));
            read.push_back(read_and_close(stream));
            r |= weft_open_stdout(nullptr, &stream);
            r |= write_and_close(stream, much.c_str());
            r |= weft_open_stderr(nullptr, &stream);
            return r | write_and_close(stream, "nobody hears it");
        });
        w.close();
        lseek(out, 0, SEEK_SET);
        written = contents_of(out);
    }
    ::close(in);
    ::close(out);
    ::close(null);
    REQUIRE(code == 0);
    REQUIRE(read == std::vector<std::string>{ "one\n", "two\n" });
    REQUIRE(written == much);
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("stdio: a terminal is read by lines and left as it was", "[io][stdio]")
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
        WARN("no terminals here");
        return;
    }
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(terminal >= 0);
    REQUIRE(::write(master, "typed\nahead\n", 12) == 12);
    std::string line;
    std::string next; /* it lies there already, but a read of a terminal ends with the line */
    bool is_blocking;
    int code;
    {
        stand_in input(0, terminal);
        stand_in output(1, terminal);
        world w(/* is_virtual = */ false);
        code = w.run([&] {
            weft_stream *in;
            weft_stream *out;
            int r = weft_open_stdin(nullptr, &in);
            r |= weft_open_stdout(nullptr, &out);
            weft_stream_set_read_limit(in, WEFT_S(10));
            line = read_line(in);
            next = read_line(in);
            r |= write_and_close(out, "seen");
            weft_stream_close(in);
            weft_stream_destroy(in);
            return r;
        });
        is_blocking = input.is_blocking() && output.is_blocking();
    }
    /* First the echo of what was typed; the rest may come by itself, a moment later. */
    std::string shown;
    char piece[64];
    ssize_t n = 1;
    while (code == 0 && n > 0 && shown.find("seen") == std::string::npos) {
        n = ::read(master, piece, sizeof piece);
        shown.append(piece, n > 0 ? static_cast<size_t>(n) : 0);
    }
    ::close(terminal);
    ::close(master);
    REQUIRE(code == 0);
    REQUIRE(line == "typed\n");
    REQUIRE(next == "ahead\n");
    REQUIRE(is_blocking);
    REQUIRE(shown.find("seen") != std::string::npos);
}

TEST_CASE("stdio: a closed descriptor is refused, and an unread file does not hold up the end",
          "[io][stdio]")
{
    int before = n_descriptors();
    std::string much(1000000, 'a');
    int in = temporary_file(much.c_str());
    int code;
    int closed;
    log_recorder log;
    {
        stand_in input(0, in);
        world w(/* is_virtual = */ false); /* threads take part */
        weft_stream *kept = nullptr;
        code = w.run([&] { return weft_open_stdin(nullptr, &kept); }); /* never closed */
        w.close();
        weft_stream_destroy(kept);
        world other;
        closed = other.run([&] {
            weft_stream *stream;
            ::close(0);
            return weft_open_stdin(nullptr, &stream);
        });
    }
    ::close(in);
    REQUIRE(code == 0);
    REQUIRE(closed == -EBADF);
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    REQUIRE(n_descriptors() == before);
}

TEST_CASE("stdio: out of memory at every allocation", "[io][stdio][oom]")
{
    int in = temporary_file("text");
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    int before = n_descriptors();
    int n_failed;
    {
        stand_in input(0, in);
        stand_in output(1, ends[1]);
        n_failed = sweep_out_of_memory(
            [] {
                weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
                options.virtual_clock = 1;
                weft_loop *loop = nullptr;
                int r = weft_new_event_loop(&options, &loop);
                if (r < 0) {
                    return r;
                }
                auto main = [](void *) {
                    weft_stream *stream;
                    WEFT_TRY(weft_open_stdin(nullptr, &stream));
                    weft_stream_close(stream);
                    weft_stream_destroy(stream);
                    WEFT_TRY(weft_open_stdout(nullptr, &stream));
                    weft_stream_close(stream);
                    weft_stream_destroy(stream);
                    return 0;
                };
                r = weft_loop_run_until_complete(loop, weft_coro_create(main, nullptr), nullptr);
                weft_loop_close(loop);
                weft_loop_unref(loop);
                return r;
            },
            { -ENOSPC, -EMFILE, -EAGAIN, WEFT_ENOSTACK });
    }
    REQUIRE(n_failed > 3);
    REQUIRE(n_descriptors() == before);
    ::close(in);
    ::close(ends[0]);
    ::close(ends[1]);
}

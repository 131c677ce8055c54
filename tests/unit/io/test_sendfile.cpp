#include "support/protocol_recorder.hpp"

#include "support/sweep.hpp"

#include <sys/mman.h>

/* A file in memory with <size> bytes that are all different from their neighbours. */
static int make_file(size_t size)
{
    int fd = memfd_create("sendfile", MFD_CLOEXEC);
    std::string bytes;

    for (size_t i = 0; i < size; i++) {
        bytes += static_cast<char>('a' + i % 23);
    }
    if (fd >= 0 && ::write(fd, bytes.data(), size) != static_cast<ssize_t>(size)) {
        ::close(fd);
        return -1;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static bool is_file_text(const std::string &text, size_t offset)
{
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != static_cast<char>('a' + (i + offset) % 23)) {
            return false;
        }
    }
    return true;
}

/* Read <peer> beside the task that sends, until <is_over>. */
static std::string read_beside(const transport_pair &pair, const bool &is_over)
{
    std::string all;
    for (int i = 0; i < 20000 && !is_over; i++) {
        all += pair.received();
        weft_sleep(0);
    }
    return all + pair.received();
}

TEST_CASE("sendfile: a transport sends a file after what is queued", "[sendfile]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<int> codes;
    std::string received;
    uint64_t sent = 0;
    off_t position = 0;
    w.run([&] {
        transport_pair pair(r, recorder::make, 4096);
        int file = make_file(1000000);
        bool is_over = false;
        std::string before(50000, '-');
        weft_transport_write(pair.transport, before.data(), before.size());
        weft_task *task = w.spawn([&] {
            int code = weft_loop_sendfile(nullptr, pair.transport, file, 5, 700000, 0, &sent);
            is_over = true;
            return code;
        });
        settle(1);
        codes.push_back(weft_transport_is_reading(pair.transport));
        codes.push_back(weft_transport_write(pair.transport, "x", 1));
        codes.push_back(weft_transport_write_eof(pair.transport));
        uint64_t nothing = 0;
        codes.push_back(weft_loop_sendfile(nullptr, pair.transport, file, 0, 0, 0, &nothing));
        received = read_beside(pair, is_over);
        codes.push_back(world::outcome(task));
        codes.push_back(weft_transport_is_reading(pair.transport));
        position = lseek(file, 0, SEEK_CUR);
        codes.push_back(weft_transport_write(pair.transport, "end", 3));
        settle();
        received += pair.received();
        ::close(file);
        weft_transport_close(pair.transport);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, WEFT_ERUNTIME, WEFT_ERUNTIME, WEFT_ERUNTIME, 0, 1, 0 });
    CHECK(sent == 700000);
    CHECK(position == 700005);
    REQUIRE(received.size() == 750003);
    CHECK(received.substr(0, 50000) == std::string(50000, '-'));
    CHECK(is_file_text(received.substr(50000, 700000), 5));
    CHECK(received.substr(750000) == "end");
}

TEST_CASE("sendfile: to the end of the file, and nothing beyond it", "[sendfile]")
{
    world w;
    recorder r;
    uint64_t sent = 0;
    uint64_t none = 1;
    std::string received;
    int code = w.run([&] {
        transport_pair pair(r);
        int file = make_file(1000);
        WEFT_TRY(weft_loop_sendfile(nullptr, pair.transport, file, 0, 0, 0, &sent));
        received = pair.received();
        WEFT_TRY(weft_loop_sendfile(nullptr, pair.transport, file, 5000, 0, 0, &none));
        ::close(file);
        weft_transport_abort(pair.transport);
        settle();
        return 0;
    });
    CHECK(code == 0);
    CHECK(sent == 1000);
    CHECK(none == 0);
    CHECK(is_file_text(received, 0));
}

TEST_CASE("sendfile: what the kernel cannot send is read by the executor", "[sendfile]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<int> codes;
    std::string received;
    uint64_t sent = 0;
    w.run([&] {
        transport_pair pair(r);
        int ends[2];
        WEFT_TRY(pipe(ends));
        codes.push_back(::write(ends[1], "from a pipe", 11) == 11);
        ::close(ends[1]);
        codes.push_back(weft_loop_sendfile(nullptr, pair.transport, ends[0], 0, 0,
                                           WEFT_SENDFILE_NO_FALLBACK, &sent));
        codes.push_back(weft_loop_sendfile(nullptr, pair.transport, ends[0], 0, 0, 0, &sent));
        received = pair.received();
        ::close(ends[0]);
        weft_transport_abort(pair.transport);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ 1, WEFT_ERUNTIME, 0 });
    CHECK(sent == 11);
    CHECK(received == "from a pipe");
}

TEST_CASE("sendfile: closed, aborted, cancelled and hung up on the way", "[sendfile]")
{
    log_recorder log;
    enum end {
        CLOSE,
        ABORT,
        CANCEL,
        HANG_UP
    };
    auto run = [](end how, size_t queued) {
        world w;
        recorder r;
        int code = 1;
        w.run([&] {
            transport_pair pair(r, recorder::make, 4096);
            int file = make_file(500000);
            uint64_t sent = 0;
            std::string before(queued, '-');
            weft_transport_write(pair.transport, before.data(), before.size());
            weft_task *task = w.spawn(
                [&] { return weft_loop_sendfile(nullptr, pair.transport, file, 0, 0, 0, &sent); });
            settle();
            switch (how) {
            case CLOSE:
                weft_transport_close(pair.transport);
                break;
            case ABORT:
                weft_transport_abort(pair.transport);
                break;
            case CANCEL:
                weft_task_cancel(task, nullptr);
                break;
            case HANG_UP:
                pair.hang_up();
                break;
            }
            if (how != HANG_UP) {
                for (int i = 0; i < 300 && world::outcome(task) == 1; i++) {
                    pair.received();
                    settle(1);
                }
            }
            settle(8);
            code = world::outcome(task);
            ::close(file);
            weft_transport_abort(pair.transport);
            settle();
            return sent == 0 ? 0 : -1;
        });
        CHECK(r.n_released == 1);
        return code;
    };
    for (size_t queued : { static_cast<size_t>(0), static_cast<size_t>(100000) }) {
        INFO("queued " << queued);
        CHECK(run(CLOSE, queued) == WEFT_ECLOSED);
        CHECK(run(ABORT, queued) == WEFT_ECLOSED);
        CHECK(run(CANCEL, queued) == WEFT_ECANCELED);
        CHECK(run(HANG_UP, queued) == -EPIPE);
    }
}

TEST_CASE("sendfile: bad calls", "[sendfile]")
{
    log_recorder log;
    world w;
    recorder r;
    std::vector<int> codes;
    uint64_t sent = 7;
    w.run([&] {
        transport_pair pair(r);
        int file = make_file(10);
        auto call = [&](weft_transport *t, int fd, int64_t offset, unsigned flags, uint64_t *out) {
            codes.push_back(weft_loop_sendfile(nullptr, t, fd, offset, 0, flags, out));
        };
        call(nullptr, file, 0, 0, &sent);
        call(pair.transport, -1, 0, 0, &sent);
        call(pair.transport, file, -1, 0, &sent);
        call(pair.transport, file, 0, 2, &sent);
        call(pair.transport, file, 0, 0, nullptr);
        call(pair.transport, 9999, 0, 0, &sent);
        weft_transport_close(pair.transport);
        call(pair.transport, file, 0, 0, &sent);
        ::close(file);
        settle();
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL, WEFT_EINVAL,
                                     WEFT_EINVAL, -EBADF, WEFT_ERUNTIME });
    CHECK(sent == 7);
}

TEST_CASE("sendfile: a stream sends a file", "[sendfile]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    std::string received;
    uint64_t sent = 0;
    w.run([&] {
        pair p(nullptr, 4096);
        int file = make_file(600000);
        std::string before(50000, '-');
        weft_stream_write(p.stream, before.data(), before.size());
        weft_task *task =
            w.spawn([&] { return weft_stream_sendfile(p.stream, file, 0, 0, 0, &sent); });
        settle(1);
        uint64_t other = 0;
        codes.push_back(weft_stream_write(p.stream, "x", 1));
        codes.push_back(weft_stream_write_eof(p.stream));
        codes.push_back(weft_stream_sendfile(p.stream, file, 0, 0, 0, &other));
        for (int i = 0; i < 20000 && world::outcome(task) == 1; i++) {
            received += p.received();
            settle(1);
        }
        codes.push_back(world::outcome(task));
        codes.push_back(weft_stream_write(p.stream, "end", 3));
        received += p.received();
        settle();
        received += p.received();
        ::close(file);
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ERUNTIME, WEFT_ERUNTIME, WEFT_ERUNTIME, 0, 0 });
    CHECK(sent == 600000);
    REQUIRE(received.size() == 650003);
    CHECK(is_file_text(received.substr(50000, 600000), 0));
}

TEST_CASE("sendfile: a stream that ends, waits too long or is cancelled", "[sendfile]")
{
    log_recorder log;
    auto run = [](const std::function<void(weft_stream *, weft_task *, pair &)> &what) {
        world w;
        int code = 1;
        w.run([&] {
            pair p(nullptr, 4096);
            int file = make_file(500000);
            uint64_t sent = 0;
            weft_stream_set_write_limit(p.stream, WEFT_S(1));
            weft_task *task =
                w.spawn([&] { return weft_stream_sendfile(p.stream, file, 0, 0, 0, &sent); });
            settle();
            what(p.stream, task, p);
            settle();
            code = world::outcome(task);
            ::close(file);
            return sent == 0 ? 0 : -1;
        });
        return code;
    };
    CHECK(run([](weft_stream *s, weft_task *, pair &) { weft_stream_close(s); }) == WEFT_ECLOSED);
    CHECK(run([](weft_stream *s, weft_task *, pair &) { weft_stream_abort(s); }) == WEFT_ECLOSED);
    CHECK(run([](weft_stream *, weft_task *t, pair &) { weft_task_cancel(t, nullptr); }) ==
          WEFT_ECANCELED);
    CHECK(run([](weft_stream *, weft_task *, pair &p) { p.hang_up(); }) == -EPIPE);
    CHECK(run([](weft_stream *, weft_task *, pair &) { weft_sleep(WEFT_S(2)); }) == WEFT_ETIMEDOUT);
}

TEST_CASE("sendfile: a loop closes on the way", "[sendfile]")
{
    log_recorder log;
    for (bool by_hand : { false, true }) {
        recorder r;
        r.keeps = false;
        int file = make_file(500000);
        int pipe_ends[2];
        REQUIRE(pipe(pipe_ends) == 0);
        {
            world w;
            w.run([&] {
                weft_transport *transport = nullptr;
                int more[2];
                WEFT_TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, more));
                WEFT_TRY(weft_loop_create_connection_fd(nullptr, recorder::make, &r, more[0],
                                                        nullptr, &transport));
                w.spawn([transport, by_hand, &pipe_ends, file] {
                    uint64_t sent = 0;
                    return weft_loop_sendfile(nullptr, transport, by_hand ? pipe_ends[0] : file, 0,
                                              0, 0, &sent);
                });
                settle();
                if (by_hand) {
                    ::close(pipe_ends[1]); /* lets the executor's read end */
                    pipe_ends[1] = -1;
                }
                weft_transport_unref(transport);
                ::close(more[1]);
                return 0;
            });
            w.close();
        }
        ::close(file);
        ::close(pipe_ends[0]);
        if (pipe_ends[1] >= 0) {
            ::close(pipe_ends[1]);
        }
        CHECK(r.n_released == 1);
    }
}

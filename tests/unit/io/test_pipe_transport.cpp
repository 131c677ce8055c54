/*
 * Protocols over pipes: what is not seen in the scenarios. Misuse, ends at every
 * point, buffered protocols, the facts, a loop that closes, no memory.
 */
#include "support/protocol_recorder.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "support/sweep.hpp"
#include "weft/pipe.h"

namespace
{

/* A transport of <recorder> on one end of a pipe, and the plain other end. Made in a task. */
struct pipe_end {
    weft_transport *transport = nullptr; /* ref */
    int peer = -1;
    int code = 0;

    pipe_end(recorder &who, bool reads, weft_protocol_factory_fn *factory = recorder::make)
    {
        int ends[2];
        code = pipe2(ends, O_CLOEXEC);
        if (code < 0) {
            return;
        }
        int own = ends[reads ? 0 : 1];
        peer = ends[reads ? 1 : 0];
        fcntl(peer, F_SETFL, O_NONBLOCK);
        code = reads
                   ? weft_loop_connect_read_pipe(nullptr, factory, &who, own, nullptr, &transport)
                   : weft_loop_connect_write_pipe(nullptr, factory, &who, own, nullptr, &transport);
        if (code < 0 && fcntl(own, F_GETFD) >= 0) {
            ::close(own);
        }
    }
    ~pipe_end()
    {
        weft_transport_unref(transport);
        hang_up();
    }
    pipe_end(const pipe_end &) = delete;
    pipe_end &operator=(const pipe_end &) = delete;

    void send(const std::string &text) const
    {
        auto before = signal(SIGPIPE, SIG_IGN); /* this write is the test's own */
        ssize_t n = ::write(peer, text.data(), text.size());
        (void)n;
        signal(SIGPIPE, before);
    }
    size_t drain() const
    {
        char piece[4096];
        size_t all = 0;
        ssize_t n;
        while ((n = ::read(peer, piece, sizeof piece)) > 0) {
            all += static_cast<size_t>(n);
        }
        return all;
    }
    void hang_up()
    {
        if (peer >= 0) {
            ::close(peer);
            peer = -1;
        }
    }
};

const char many[300000] = {};

int refuse(const weft_protocol **, void **, void *)
{
    return WEFT_EUSER(3);
}

} // namespace

TEST_CASE("pipe transport: the other direction is refused", "[pipe][transport]")
{
    world w;
    recorder r;
    recorder wr;
    std::vector<int> reader;
    std::vector<int> writer;
    std::vector<int> facts;
    w.run([&] {
        const weft_buffer piece = { "x", 1 };
        uint64_t sent;
        pipe_end a(r, true);
        pipe_end b(wr, false);
        weft_transport *t = a.transport;
        reader = { weft_transport_write(t, "x", 1), weft_transport_writelines(t, &piece, 1),
                   weft_transport_write_eof(t), weft_transport_set_write_buffer_limits(t, 10, 5) };
        writer = { weft_transport_pause_reading(b.transport),
                   weft_transport_resume_reading(b.transport),
                   weft_loop_sendfile(nullptr, b.transport, b.peer, 0, 1, 0, &sent) };
        facts = { weft_transport_can_write_eof(t), weft_transport_can_write_eof(b.transport),
                  weft_transport_is_reading(t),    weft_transport_is_reading(b.transport),
                  weft_transport_is_closing(t),    weft_transport_is_closing(b.transport) };
        weft_transport_close(t);
        weft_transport_close(b.transport);
        settle();
        return 0;
    });
    CHECK(reader == std::vector<int>(4, WEFT_ECLOSED));
    CHECK(writer == std::vector<int>{ WEFT_ECLOSED, WEFT_ECLOSED, WEFT_ERUNTIME });
    CHECK(facts == std::vector<int>{ 0, 1, 1, 0, 0, 0 });
    CHECK(r.text() == "made lost");
    CHECK(wr.text() == "made lost");
}

TEST_CASE("pipe transport: what is refused stays the caller's", "[pipe][transport]")
{
    world w;
    recorder r;
    std::vector<int> codes;
    bool all_open = true;
    char path[] = "/tmp/weft-pipe-XXXXXX";
    int file = mkstemp(path);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int ends[2];
    REQUIRE(file >= 0);
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    w.run([&] {
        weft_transport *t = nullptr;
        codes.push_back(
            weft_loop_connect_read_pipe(nullptr, recorder::make, &r, file, nullptr, &t));
        codes.push_back(
            weft_loop_connect_write_pipe(nullptr, recorder::make, &r, file, nullptr, &t));
        codes.push_back(
            weft_loop_connect_read_pipe(nullptr, recorder::make, &r, null, nullptr, &t));
        codes.push_back(weft_loop_connect_read_pipe(nullptr, recorder::make, &r, -1, nullptr, &t));
        codes.push_back(weft_loop_connect_read_pipe(nullptr, nullptr, &r, ends[0], nullptr, &t));
        codes.push_back(weft_loop_connect_write_pipe(nullptr, refuse, &r, ends[1], nullptr, &t));
        for (int fd : { file, null, ends[0], ends[1] }) {
            all_open = all_open && fcntl(fd, F_GETFD) >= 0;
        }
        codes.push_back(t == nullptr ? 0 : -1);
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_EINVAL, WEFT_EINVAL, -EPERM, -EBADF, WEFT_EINVAL,
                                     WEFT_EUSER(3), 0 });
    CHECK(all_open);
    CHECK(r.text().empty());
    for (int fd : { file, null, ends[0], ends[1] }) {
        ::close(fd);
    }
    unlink(path);
}

TEST_CASE("pipe transport: the reader closed and aborted inside callbacks", "[pipe][transport]")
{
    auto ends_in = [](recorder::hook recorder::*where, recorder::hook what) {
        world w;
        recorder r;
        r.*where = std::move(what);
        w.run([&] {
            pipe_end end(r, true);
            end.send("a");
            settle();
            end.send("b");
            settle();
            end.hang_up();
            settle();
            return 0;
        });
        CHECK(r.n_released == 1);
        CHECK(r.lost_code == 0);
        return r.text();
    };
    for (auto *end : { weft_transport_close, weft_transport_abort }) {
        CHECK(ends_in(&recorder::on_made, end) == "made lost");
        CHECK(ends_in(&recorder::on_data, end) == "made data:a lost");
        CHECK(ends_in(&recorder::on_eof, end) == "made data:a data:b eof lost");
        CHECK(ends_in(&recorder::on_lost, end) == "made data:a data:b eof lost");
    }
}

TEST_CASE("pipe transport: the writer closed and aborted inside callbacks", "[pipe][transport]")
{
    auto ends_in = [](recorder::hook recorder::*where, recorder::hook what) {
        world w;
        recorder r;
        size_t n = 0;
        r.*where = std::move(what);
        w.run([&] {
            pipe_end end(r, false);
            WEFT_TRY(weft_transport_write(end.transport, many, sizeof many));
            for (int i = 0; i < 100 && r.lost_code == 1; i++) {
                n += end.drain();
                settle(1);
                if (!weft_transport_is_closing(end.transport) &&
                    weft_transport_get_write_buffer_size(end.transport) == 0) {
                    WEFT_TRY(weft_transport_close(end.transport));
                }
            }
            n += end.drain();
            return 0;
        });
        CHECK(r.n_released == 1);
        CHECK(r.lost_code == 0);
        return r.text() + (n == sizeof many ? " all" : n == 0 ? " nothing" : " some");
    };
    CHECK(ends_in(&recorder::on_made, weft_transport_close) == "made lost nothing");
    CHECK(ends_in(&recorder::on_made, weft_transport_abort) == "made lost nothing");
    CHECK(ends_in(&recorder::on_pause, weft_transport_close) == "made pause resume lost all");
    CHECK(ends_in(&recorder::on_pause, weft_transport_abort) == "made pause lost some");
    CHECK(ends_in(&recorder::on_resume, weft_transport_close) == "made pause resume lost all");
    CHECK(ends_in(&recorder::on_resume, weft_transport_abort) == "made pause resume lost all");
    CHECK(ends_in(&recorder::on_lost, weft_transport_abort) == "made pause resume lost all");
}

TEST_CASE("pipe transport: the reader goes while the writer closes", "[pipe][transport]")
{
    world w;
    recorder r;
    w.run([&] {
        pipe_end end(r, false);
        WEFT_TRY(weft_transport_write(end.transport, many, sizeof many));
        WEFT_TRY(weft_transport_write_eof(end.transport));
        end.hang_up();
        settle();
        return 0;
    });
    CHECK(r.text() == std::string("made pause lost:") + weft_error_name(-EPIPE));
    CHECK(r.n_released == 1);
}

TEST_CASE("pipe transport: the reader was gone before", "[pipe][transport]")
{
    world w;
    recorder r;
    int code = w.run([&] {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0) {
            return -errno;
        }
        ::close(ends[0]);
        weft_transport *t = nullptr;
        WEFT_TRY(weft_loop_connect_write_pipe(nullptr, recorder::make, &r, ends[1], nullptr, &t));
        settle();
        weft_transport_unref(t);
        return 0;
    });
    CHECK(code == 0);
    CHECK(r.text() == "made lost");
    CHECK(r.lost_code == 0);
}

TEST_CASE("pipe transport: paused in connection_made", "[pipe][transport]")
{
    world w;
    recorder r;
    std::string before;
    w.run([&] {
        r.on_made = [](weft_transport *t) { return weft_transport_pause_reading(t); };
        pipe_end end(r, true);
        end.send("x");
        end.hang_up();
        settle();
        before = r.text();
        weft_transport_resume_reading(end.transport);
        settle();
        return 0;
    });
    CHECK(before == "made");
    CHECK(r.text() == "made data:x eof lost");
}

TEST_CASE("pipe transport: a buffered protocol", "[pipe][transport]")
{
    world w;
    recorder r;
    r.buffer.resize(2);
    w.run([&] {
        pipe_end end(r, true, recorder::make_buffered);
        end.send("abc");
        end.hang_up();
        settle();
        return 0;
    });
    CHECK(r.text() == "made data:ab data:c eof lost");
}

TEST_CASE("pipe transport: facts and detach", "[pipe][transport]")
{
    world w;
    recorder r;
    char name[64] = "";
    int peername = 0;
    int sockname = 0;
    bool is_open = false;
    int after = 0;
    w.run([&] {
        pipe_end end(r, true);
        int fd = weft_transport_get_fd(end.transport);
        peername = weft_transport_get_peername(end.transport, name, sizeof name);
        sockname = weft_transport_get_sockname(end.transport, name, sizeof name);
        int taken = -1;
        WEFT_TRY(weft_transport_detach(end.transport, &taken));
        is_open = taken == fd && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
        after = weft_transport_get_peername(end.transport, name, sizeof name);
        ::close(taken);
        settle();
        return 0;
    });
    CHECK(peername == -ENOTSOCK);
    CHECK(sockname == -ENOTSOCK);
    CHECK(is_open);
    CHECK(after == WEFT_ECLOSED);
    CHECK(r.text() == "made");
}

TEST_CASE("pipe transport: a loop that closes releases both ends", "[pipe][transport]")
{
    log_recorder log;
    recorder r;
    recorder wr;
    r.keeps = wr.keeps = false;
    int r_fd = -1;
    int w_fd = -1;
    {
        world w;
        w.run([&] {
            int ends[2];
            if (pipe2(ends, O_CLOEXEC) < 0) {
                return -errno;
            }
            WEFT_TRY(weft_loop_connect_read_pipe(nullptr, recorder::make, &r, ends[0], nullptr,
                                                 nullptr));
            r_fd = ends[0];
            weft_transport *t = nullptr;
            WEFT_TRY(
                weft_loop_connect_write_pipe(nullptr, recorder::make, &wr, ends[1], nullptr, &t));
            w_fd = ends[1];
            WEFT_TRY(weft_transport_write(t, many, sizeof many));
            weft_transport_unref(t);
            return 0;
        });
    }
    CHECK(r.n_released == 1);
    CHECK(wr.n_released == 1);
    CHECK(fcntl(r_fd, F_GETFD) < 0);
    CHECK(fcntl(w_fd, F_GETFD) < 0);
}

TEST_CASE("pipe transport: without memory", "[pipe][transport][oom]")
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
                recorder wr;
                static int turns(int n)
                {
                    int code = 0;
                    for (int i = 0; i < n && code == 0; i++) {
                        code = weft_sleep(0);
                    }
                    return code;
                }
                static int body(void *data)
                {
                    story *self = static_cast<story *>(data);
                    self->r.joins_data = true;
                    self->r.keeps = self->wr.keeps = false;
                    pipe_end reader(self->r, true);
                    pipe_end writer(self->wr, false);
                    int code = reader.code != 0 ? reader.code : writer.code;
                    if (code == 0) {
                        code = weft_transport_write(writer.transport, many, 100000);
                        reader.send("x");
                    }
                    int slept = turns(2);
                    if (reader.transport != nullptr) {
                        weft_transport_close(reader.transport);
                    }
                    if (writer.transport != nullptr) {
                        weft_transport_abort(writer.transport);
                    }
                    slept = slept == 0 ? turns(3) : slept;
                    code = code == 0 ? slept : code;
                    code = code == 0 && self->r.lost_code < 0 ? self->r.lost_code : code;
                    return code == 0 && self->wr.lost_code < 0 ? self->wr.lost_code : code;
                }
            } story;
            code =
                weft_loop_run_until_complete(loop, weft_coro_create(story::body, &story), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return code;
        },
        { WEFT_ENOSTACK, -EMFILE, -ENOSPC });
}

/* Operations on plain sockets: waiting, standing in line, cancels that lose nothing, files, misuse.
 */
#include "loopback.hpp"

#include "support/sweep.hpp"
#include "weft/dns.h"
#include "weft/socket.h"

#include <sys/mman.h>

#include <algorithm>
#include <csignal>

namespace
{

/* Two connected, non-blocking ends. */
struct ends {
    int near = -1;
    int far = -1;

    explicit ends(int type = SOCK_STREAM)
    {
        int both[2];
        if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0) {
            near = both[0];
            far = both[1];
        }
    }
    ~ends()
    {
        ::close(near);
        hang_up();
    }
    ends(const ends &) = delete;
    ends &operator=(const ends &) = delete;
    void hang_up()
    {
        if (far >= 0) {
            ::close(far);
            far = -1;
        }
    }
};

std::string receive(int fd, size_t size = 100)
{
    std::string text(size, '\0');
    size_t n = 0;
    int code = weft_loop_sock_recv(nullptr, fd, &text[0], size, &n);
    text.resize(n);
    return code < 0 ? weft_error_name(code) : text;
}

int make_nonblocking(const plain_listener &listener)
{
    return fcntl(listener.fd, F_SETFL, O_NONBLOCK);
}

int connect_plain(int port, int *out_fd)
{
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int code =
        weft_loop_sock_connect(nullptr, fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
    if (code < 0) {
        ::close(fd);
        return code;
    }
    *out_fd = fd;
    return 0;
}

/* A file in memory with <text>. */
int make_file(const std::string &text)
{
    int fd = memfd_create("weft-test", MFD_CLOEXEC);
    return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? fd : -1;
}

std::string drain(int fd)
{
    std::string all;
    char piece[4096];
    ssize_t n;
    while ((n = ::read(fd, piece, sizeof piece)) > 0) {
        all.append(piece, static_cast<size_t>(n));
    }
    return all;
}

} // namespace

TEST_CASE("socket: what is there comes at once, else the task waits", "[socket]")
{
    world w;
    std::vector<std::string> got;

    w.run([&] {
        ends e;
        (void)!::write(e.far, "first", 5);
        got.push_back(receive(e.near, 3));
        got.push_back(receive(e.near));
        weft_task *task = w.spawn([&] {
            got.push_back(receive(e.near));
            return 0;
        });
        settle();
        got.push_back("waiting");
        (void)!::write(e.far, "later", 5);
        weft_await(task, nullptr);
        e.hang_up();
        got.push_back(receive(e.near));
        return 0;
    });
    CHECK(got == std::vector<std::string>{ "fir", "st", "waiting", "later", "" });
}

TEST_CASE("socket: a readiness takes the turns that it takes in asyncio", "[socket]")
{
    world w;
    int turns = 0;

    w.run([&] {
        ends e;
        weft_task *task = w.spawn([&] {
            (void)receive(e.near);
            return 0;
        });
        settle();
        (void)!::write(e.far, "x", 1);
        while (!weft_future_done(task)) {
            weft_sleep(0);
            turns++;
        }
        return 0;
    });
    CHECK(turns == 3); /* one finds it ready, one runs the task, one sees that */
}

TEST_CASE("socket: tasks stand in line for one descriptor", "[socket]")
{
    world w;
    std::vector<std::string> got;

    w.run([&] {
        ends e(SOCK_SEQPACKET);
        std::vector<weft_task *> tasks;
        for (int i = 0; i < 3; i++) {
            tasks.push_back(w.spawn([&, i] {
                got.push_back(std::to_string(i) + " " + receive(e.near));
                return 0;
            }));
        }
        settle();
        for (const char *text : { "a", "b", "c" }) {
            (void)!::write(e.far, text, 1);
        }
        for (weft_task *task : tasks) {
            weft_await(task, nullptr);
        }
        return 0;
    });
    std::sort(got.begin(), got.end());
    CHECK(got.size() == 3);
    CHECK(got[0].size() == 3); /* each got one packet, and only one */
    CHECK(got[1].size() == 3);
    CHECK(got[2].size() == 3);
}

TEST_CASE("socket: a large sendall waits for room and sends everything", "[socket]")
{
    world w;
    std::string sent(3000000, 'x');
    std::string got;
    int code = 1;

    for (size_t i = 0; i < sent.size(); i++) {
        sent[i] = static_cast<char>('a' + i % 23);
    }
    w.run([&] {
        ends e;
        weft_task *task = w.spawn([&] {
            code = weft_loop_sock_sendall(nullptr, e.near, sent.data(), sent.size());
            ::shutdown(e.near, SHUT_WR);
            return code;
        });
        for (std::string piece; !(piece = receive(e.far, 65536)).empty();) {
            got += piece;
        }
        return weft_await(task, nullptr);
    });
    CHECK(code == 0);
    CHECK((got == sent));
}

TEST_CASE("socket: datagrams come with their address", "[socket]")
{
    world w;
    std::string text;
    std::string from;
    std::string expected;
    size_t n_sent = 0;
    std::vector<int> codes;

    w.run([&] {
        sockaddr_in addresses[2] = {};
        int fds[2];
        for (int i = 0; i < 2; i++) {
            socklen_t len = sizeof addresses[i];
            fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            addresses[i].sin_family = AF_INET;
            addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            if (bind(fds[i], reinterpret_cast<sockaddr *>(&addresses[i]), len) != 0 ||
                getsockname(fds[i], reinterpret_cast<sockaddr *>(&addresses[i]), &len) != 0) {
                return -errno;
            }
        }
        char buffer[16];
        char name[64];
        sockaddr_in address = {};
        size_t len = sizeof address;
        size_t n = 0;
        weft_task *task = w.spawn([&] {
            int code = weft_loop_sock_recvfrom(nullptr, fds[1], buffer, sizeof buffer,
                                               reinterpret_cast<sockaddr *>(&address), &len, &n);
            text.assign(buffer, n);
            return code;
        });
        settle();
        codes.push_back(weft_loop_sock_sendto(nullptr, fds[0], "hello", 5,
                                              reinterpret_cast<sockaddr *>(&addresses[1]),
                                              sizeof addresses[1], &n_sent));
        codes.push_back(weft_await(task, nullptr));
        weft_address_format(reinterpret_cast<sockaddr *>(&address), len, name, sizeof name);
        from = name;
        weft_address_format(reinterpret_cast<sockaddr *>(&addresses[0]), sizeof addresses[0], name,
                            sizeof name);
        expected = name;
        /* Nobody asks for the address or the size. */
        codes.push_back(weft_loop_sock_sendto(nullptr, fds[0], "again", 5,
                                              reinterpret_cast<sockaddr *>(&addresses[1]),
                                              sizeof addresses[1], nullptr));
        codes.push_back(
            weft_loop_sock_recvfrom(nullptr, fds[1], buffer, sizeof buffer, nullptr, nullptr, &n));
        ::close(fds[0]);
        ::close(fds[1]);
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, 0, 0 });
    CHECK(text == "hello");
    CHECK(n_sent == 5);
    CHECK(from == expected);
}

TEST_CASE("socket: connecting and being refused", "[socket]")
{
    world w;
    plain_listener listener;
    plain_listener closed(-1);
    std::vector<int> codes;
    std::string message;

    make_nonblocking(listener);
    w.run([&] {
        int fd = -1;
        int other = -1;
        sockaddr_in peer = {};
        size_t len = sizeof peer;
        codes.push_back(connect_plain(listener.port, &fd));
        codes.push_back(weft_loop_sock_accept(nullptr, listener.fd,
                                              reinterpret_cast<sockaddr *>(&peer), &len, &other));
        codes.push_back(peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK) ? 0 : 1);
        codes.push_back((fcntl(other, F_GETFL) & O_NONBLOCK) != 0 ? 0 : 1);
        ::close(fd);
        ::close(other);
        codes.push_back(connect_plain(closed.port, &fd));
        message = weft_current_message(codes.back());
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, 0, 0, -ECONNREFUSED });
    CHECK(message == "Connect call failed ('127.0.0.1', " + std::to_string(closed.port) + ")");
}

TEST_CASE("socket: a cancelled call takes no byte and no connection", "[socket][cancel]")
{
    world w;
    plain_listener listener;
    int fds = 0;
    int n_served = 0;
    int n_cancelled = 0;
    int n_wrong = 0;
    std::string got;

    make_nonblocking(listener);
    w.run([&] {
        fds = n_descriptors();
        for (int i = 0; i < 200; i++) {
            int fd = -1;
            weft_task *accepting = w.spawn([&] {
                int taken = -1;
                int code = weft_loop_sock_accept(nullptr, listener.fd, nullptr, nullptr, &taken);
                if (code == 0) {
                    n_served++;
                    ::close(taken);
                }
                return code;
            });
            weft_task *connecting = w.spawn([&] { return connect_plain(listener.port, &fd); });
            settle(i % 4);
            if (i % 2 == 0) {
                weft_task_cancel(accepting, nullptr);
            }
            if (i % 3 == 0) {
                weft_task_cancel(connecting, nullptr);
            }
            int code = weft_await(connecting, nullptr);
            n_wrong += code != 0 && code != WEFT_ECANCELED;
            if (code == 0) {
                ::close(fd);
            }
            settle();
            /* A connection that nobody took is still in the queue: take it now. */
            weft_task_cancel(accepting, nullptr);
            n_cancelled += weft_await(accepting, nullptr) == WEFT_ECANCELED;
            for (int taken;
                 (taken = ::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
                ::close(taken);
            }
        }
        fds = n_descriptors() - fds;

        ends e;
        weft_task *reading = w.spawn([&] {
            (void)receive(e.near);
            return 0;
        });
        settle();
        (void)!::write(e.far, "kept", 4);
        weft_sleep(0); /* ready, and the task is woken */
        weft_task_cancel(reading, nullptr);
        weft_await(reading, nullptr);
        got = receive(e.near);
        return 0;
    });
    CHECK(fds == 0);
    CHECK(n_wrong == 0);
    CHECK(n_served > 0);
    CHECK(n_cancelled > 0);
    CHECK(got == "kept");
}

TEST_CASE("socket: descriptors of streams are refused, when it would wait", "[socket][debug]")
{
    world w;
    std::vector<int> codes;
    std::string message;

    w.run([&] {
        pair p;
        char byte;
        size_t n;
        int fd = weft_stream_get_fd(p.stream);
        codes.push_back(weft_loop_sock_recv(nullptr, fd, &byte, 1, &n));
        message = weft_current_message(codes.back());
        auto nothing = [](void *) { return 0; };
        codes.push_back(weft_loop_add_reader(nullptr, fd, nothing, nullptr));
        codes.push_back(weft_loop_add_writer(nullptr, fd, nothing, nullptr));
        codes.push_back(weft_loop_remove_reader(nullptr, fd));
        codes.push_back(weft_loop_remove_writer(nullptr, fd));
        p.send("still the stream's");
        codes.push_back(read_text(p.stream) == "still the stream's" ? 0 : 1);
        return 0;
    });
    CHECK(codes == std::vector<int>{ WEFT_ERUNTIME, WEFT_ERUNTIME, WEFT_ERUNTIME, WEFT_ERUNTIME,
                                     WEFT_ERUNTIME, 0 });
    CHECK(message.find("is used by a transport") != std::string::npos);
}

TEST_CASE("socket: callbacks and waits of one descriptor", "[socket]")
{
    world w;
    std::vector<int> codes;
    int n_calls = 0;

    w.run([&] {
        ends e;
        auto count = [](void *data) {
            ++*static_cast<int *>(data);
            return 0;
        };
        codes.push_back(weft_loop_add_reader(nullptr, e.near, count, &n_calls));
        weft_task *task = w.spawn([&] {
            (void)receive(e.near);
            return 0;
        });
        settle();
        /* The wait has replaced it; now it is refused. */
        codes.push_back(weft_loop_remove_reader(nullptr, e.near));
        codes.push_back(weft_loop_add_reader(nullptr, e.near, count, &n_calls));
        codes.push_back(weft_loop_add_writer(nullptr, e.near, count, &n_calls));
        settle();
        codes.push_back(weft_loop_remove_writer(nullptr, e.near));
        int before = n_calls;
        (void)!::write(e.far, "x", 1);
        weft_await(task, nullptr);
        codes.push_back(n_calls - before);
        codes.push_back(weft_loop_add_reader(nullptr, e.near, count, &n_calls));
        codes.push_back(weft_loop_remove_reader(nullptr, e.near));
        return 0;
    });
    CHECK(codes == std::vector<int>{ 0, 0, WEFT_ERUNTIME, 0, 1, 0, 0, 1 });
    CHECK(n_calls > 0); /* the writer's */
}

TEST_CASE("socket: files", "[socket][sendfile]")
{
    world w(false);
    const std::string text(500000, 'f');
    std::vector<int> codes;
    std::vector<uint64_t> sizes;
    std::vector<off_t> positions;
    std::string got;
    int no_name = 0;

    w.run(
        [&] {
            ends e;
            int file = make_file(text + "the end");
            int empty = make_file("");
            uint64_t sent = 99;
            auto send = [&](int from, int64_t offset, size_t count, unsigned flags) {
                sent = 99;
                weft_task *reader = w.spawn([&] {
                    std::string piece(65536, '\0');
                    for (;;) {
                        size_t n = 0;
                        WEFT_TRY(weft_loop_sock_recv(nullptr, e.far, &piece[0], piece.size(), &n));
                        got.append(piece, 0, n);
                    }
                });
                codes.push_back(
                    weft_loop_sock_sendfile(nullptr, e.near, from, offset, count, flags, &sent));
                weft_task_cancel(reader, nullptr);
                weft_await(reader, nullptr);
                got += drain(e.far);
                sizes.push_back(sent);
                positions.push_back(lseek(from, 0, SEEK_CUR));
            };
            send(file, 0, 0, 0);
            bool is_whole = got == text + "the end";
            got.clear();
            send(file, static_cast<int64_t>(text.size()), 3, 0);
            send(empty, 0, 0, 0);
            send(file, 1 << 30, 0, 0); /* behind the end */
            codes.push_back(is_whole ? 0 : 1);
            codes.push_back(got == "the" ? 0 : 1);

            int pipe_ends[2];
            if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
                return -errno;
            }
            (void)!::write(pipe_ends[1], "by a pipe", 9);
            ::close(pipe_ends[1]);
            no_name = weft_loop_sock_sendfile(nullptr, e.near, pipe_ends[0], 0, 0,
                                              WEFT_SENDFILE_NO_FALLBACK, &sent);
            got.clear();
            codes.push_back(weft_loop_sock_sendfile(nullptr, e.near, pipe_ends[0], 0, 0, 0, &sent));
            got += drain(e.far);
            codes.push_back(got == "by a pipe" ? 0 : 1);
            codes.push_back(sent == 9 ? 0 : 1);
            e.hang_up(); /* no SIGPIPE, which would end this program */
            codes.push_back(weft_loop_sock_sendfile(nullptr, e.near, file, 0, 0, 0, &sent));
            ::close(pipe_ends[0]);
            ::close(file);
            ::close(empty);
            return 0;
        },
        1000000);
    CHECK(codes == std::vector<int>{ 0, 0, 0, 0, 0, 0, 0, 0, 0, -EPIPE });
    CHECK(sizes == std::vector<uint64_t>{ text.size() + 7, 3, 0, 0 });
    CHECK(positions[0] == static_cast<off_t>(text.size() + 7));
    CHECK(positions[1] == static_cast<off_t>(text.size() + 3));
    CHECK(no_name == WEFT_ERUNTIME);
}

TEST_CASE("socket: wrong arguments", "[socket][debug]")
{
    log_recorder log;
    world w;
    std::vector<int> codes;
    int blocking[2];
    char byte;
    size_t n = 7;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, blocking) == 0);
    w.run([&] {
        sockaddr_in address = {};
        auto *any = reinterpret_cast<sockaddr *>(&address);
        ends e;
        int fd = -1;
        codes.push_back(weft_loop_sock_recv(nullptr, -1, &byte, 1, &n));
        codes.push_back(weft_loop_sock_recv(nullptr, e.near, nullptr, 1, &n));
        codes.push_back(weft_loop_sock_recv(nullptr, e.near, &byte, 1, nullptr));
        codes.push_back(weft_loop_sock_recvfrom(nullptr, e.near, &byte, 1, any, nullptr, &n));
        codes.push_back(weft_loop_sock_sendall(nullptr, e.near, nullptr, 1));
        codes.push_back(weft_loop_sock_sendto(nullptr, e.near, &byte, 1, nullptr, 0, &n));
        codes.push_back(weft_loop_sock_connect(nullptr, e.near, nullptr, 0));
        codes.push_back(weft_loop_sock_connect(nullptr, e.near, any, 100000));
        codes.push_back(weft_loop_sock_accept(nullptr, e.near, nullptr, nullptr, nullptr));
        codes.push_back(weft_loop_sock_accept(nullptr, e.near, nullptr, nullptr, &fd)); /* EINVAL */
        codes.push_back(weft_loop_sock_sendfile(nullptr, e.near, 0, -1, 0, 0, nullptr));
        codes.push_back(weft_loop_sock_sendfile(nullptr, e.near, e.far, 0, 0, 8, nullptr));
        /* Blocking ones: where it would block, and in debug level full everywhere. */
        codes.push_back(weft_loop_sock_accept(nullptr, blocking[0], nullptr, nullptr, &fd));
        weft_loop_set_debug(nullptr, WEFT_DEBUG_FULL);
        codes.push_back(weft_loop_sock_recv(nullptr, blocking[0], &byte, 1, &n));
        weft_loop_set_debug(nullptr, WEFT_DEBUG_OFF);
        codes.push_back(fd == -1 ? WEFT_EINVAL : 0);
        return 0;
    });
    codes[9] = codes[9] == -EINVAL ? WEFT_EINVAL : codes[9];
    CHECK(codes == std::vector<int>(codes.size(), WEFT_EINVAL));
    CHECK(n == 7);
    CHECK(weft_loop_sock_recv(w.loop, blocking[0], &byte, 1, &n) == WEFT_ERUNTIME);
    ::close(blocking[0]);
    ::close(blocking[1]);
}

TEST_CASE("socket: a loop that closes under a wait", "[socket][debug]")
{
    log_recorder log;
    ends e;
    static int fd;
    static body reader;
    weft_task *task = nullptr;

    fd = e.near;
    {
        world w;
        w.run([&] {
            reader = [] {
                char byte;
                size_t n;
                return weft_loop_sock_recv(nullptr, fd, &byte, 1, &n);
            };
            WEFT_TRY(weft_create_task(weft_coro_create(run_body, &reader), &task));
            settle();
            return 0;
        });
    }
    (void)weft_task_cancel(task, nullptr); /* its stack is gone: it only must not be touched */
    weft_future_unref(task);
}

TEST_CASE("socket: without memory", "[socket][oom]")
{
    plain_listener listener(64);
    int fds = n_descriptors();

    make_nonblocking(listener);
    int n = sweep_out_of_memory(
        [&] {
            weft_loop *loop = nullptr;
            int code = weft_new_event_loop(nullptr, &loop);
            if (code < 0) {
                return code;
            }
            body talk = [&] {
                int near = -1;
                int far = -1;
                char text[4];
                size_t got = 0;
                int r = connect_plain(listener.port, &near);
                if (r == 0) {
                    r = weft_loop_sock_accept(nullptr, listener.fd, nullptr, nullptr, &far);
                }
                if (r == 0) {
                    r = weft_loop_sock_sendall(nullptr, near, "hi", 2);
                }
                if (r == 0) {
                    r = weft_loop_sock_recv(nullptr, far, text, sizeof text, &got);
                }
                if (near >= 0) {
                    ::close(near);
                }
                if (far >= 0) {
                    ::close(far);
                }
                for (int left; (left = ::accept(listener.fd, nullptr, nullptr)) >= 0;) {
                    ::close(left);
                }
                return r;
            };
            code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &talk), nullptr);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            return code;
        },
        { -EMFILE, -ENOSPC });
    CHECK(n > 3);
    CHECK(n_descriptors() == fds);
}

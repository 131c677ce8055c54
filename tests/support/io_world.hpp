#ifndef WEFT_TESTS_SUPPORT_IO_WORLD_HPP
#define WEFT_TESTS_SUPPORT_IO_WORLD_HPP

/*
 * What the tests of streams and servers share: a loop on a virtual clock that
 * runs coroutines written as lambdas, for a bounded number of turns, and a
 * stream with the plain other end of its socket pair.
 *
 * A lambda records or returns a code; nothing is asserted inside it.
 */

#include <catch2/catch.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <string>

#include "support/log_recorder.hpp"
#include "weft/group.h"
#include "weft/server.h"
#include "weft/stream.h"
#include "weft/task.h"
#include "weft/testing.h"
#include "weft/timeout.h"

using body = std::function<int()>;

inline int run_body(void *arg)
{
    return (*static_cast<body *>(arg))();
}

class world
{
  public:
    explicit world(bool is_virtual = true)
    {
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = is_virtual;
        REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    }
    ~world()
    {
        close();
        for (weft_task *task : tasks) {
            weft_future_unref(task);
        }
        weft_loop_unref(loop);
    }
    world(const world &) = delete;
    world &operator=(const world &) = delete;

    /* Before the end, to see what the closing reports. */
    void close()
    {
        weft_loop_close(loop);
    }

    /* Make a task of <what>; it is kept until the world ends. */
    weft_task *spawn(body what)
    {
        weft_task *task = nullptr;
        bodies.push_back(std::move(what));
        if (weft_loop_create_task(loop, weft_coro_create(run_body, &bodies.back()), nullptr,
                                  &task) != 0) {
            return nullptr;
        }
        tasks.push_back(task);
        return task;
    }

    /* Run <what> to its end, at most <max_turns>; its code. */
    int run(body what, int max_turns = 20000)
    {
        weft_task *task = spawn(std::move(what));
        REQUIRE(task != nullptr);
        int r = weft_testing_run_until(
            loop, [](void *data) { return weft_future_done(static_cast<weft_future *>(data)); },
            task, max_turns);
        REQUIRE(r == 0);
        int code = outcome(task);
        for (weft_task *t : tasks) {
            weft_future_unref(t);
        }
        tasks.clear();
        return code;
    }

    /* What a task that is done came to. */
    static int outcome(weft_task *task)
    {
        if (!weft_future_done(task)) {
            return 1;
        }
        return weft_future_result(task, nullptr);
    }

    weft_loop *loop = nullptr;

  private:
    std::deque<body> bodies; /* addresses stay */
    std::deque<weft_task *> tasks;
};

/* Let what is ready run, and what it makes ready, a few turns long. */
inline void settle(int turns = 4)
{
    for (int i = 0; i < turns; i++) {
        weft_sleep(0);
    }
}

/* A stream and the plain other end of its socket. Made and used in a task. */
struct pair {
    weft_stream *stream = nullptr;
    int peer = -1;

    explicit pair(const weft_stream_options *options = nullptr, int send_buffer = 0)
    {
        int ends[2];
        code = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        if (code == 0) {
            if (send_buffer != 0) {
                setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
            }
            peer = ends[1];
            fcntl(peer, F_SETFL, O_NONBLOCK);
            code = weft_stream_from_fd(ends[0], options, &stream);
        }
    }
    ~pair()
    {
        if (stream != nullptr) {
            weft_stream_abort(stream);
            weft_stream_destroy(stream);
        }
        hang_up();
    }
    pair(const pair &) = delete;
    pair &operator=(const pair &) = delete;

    void send(const std::string &text) const
    {
        code |=
            ::write(peer, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : -1;
    }
    /* What the other end has received. */
    std::string received() const
    {
        std::string all;
        char piece[4096]; /* a task's stack is small */
        ssize_t n;
        while ((n = ::read(peer, piece, sizeof piece)) > 0) {
            all.append(piece, static_cast<size_t>(n));
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

    mutable int code = 0; /* not 0: the pair itself failed */
};

/* One read, as text; the code in front when it is not 0. */
inline std::string read_text(weft_stream *stream, size_t size = 100)
{
    std::string buffer(size, '\0');
    size_t n = 0;
    int code = weft_stream_read(stream, &buffer[0], size, &n);
    if (code < 0) {
        return weft_error_name(code);
    }
    buffer.resize(n);
    return buffer;
}

inline std::string read_line(weft_stream *stream)
{
    char *line = nullptr;
    size_t len = 0;
    int code = weft_stream_readline(stream, &line, &len);
    return code < 0 ? std::string(weft_error_name(code)) : std::string(line, len);
}

inline std::string read_view(weft_stream *stream)
{
    char *data = nullptr;
    size_t len = 0;
    int code = weft_stream_read_view(stream, &data, &len);
    return code < 0 ? std::string(weft_error_name(code)) : std::string(data, len);
}

/* How many descriptors this process has open; one more or less while it counts. */
inline int n_descriptors()
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");

    if (folder == nullptr) {
        return -1;
    }
    while (readdir(folder) != nullptr) {
        n++;
    }
    closedir(folder);
    return n;
}

#endif

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <uv.h>

#include "recorder.h"

extern "C" {
#include "loop/loop.h"
}

/* ---- watches ------------------------------------------------------------ */

/* A watch that writes down what it was told. */
struct Watched {
    struct wf_watch watch = { -1, nullptr };
    std::vector<uint32_t> events;

    static void on_ready(struct wf_watch *watch, uint32_t events)
    {
        reinterpret_cast<Watched *>(watch)->events.push_back(events);
    }
};

struct Sockets {
    int fds[2] = { -1, -1 };

    Sockets()
    {
        (void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    }
    ~Sockets()
    {
        close(fds[0]);
        close(fds[1]);
    }
};

TEST_CASE("poller: a watch hears of each edge once", "[loop][poller]")
{
    Loop loop;
    Sockets sockets;
    Watched watched;

    REQUIRE(wf_watch_add(&loop.loop->poller, &watched.watch, sockets.fds[0], Watched::on_ready) ==
            0);
    loop.turns(3);
    REQUIRE(watched.events == std::vector<uint32_t>{ EPOLLOUT });
    REQUIRE(write(sockets.fds[1], "x", 1) == 1);
    loop.turns(3);
    REQUIRE(watched.events.size() == 2);
    REQUIRE((watched.events[1] & EPOLLIN) != 0);
    REQUIRE(write(sockets.fds[1], "x", 1) == 1); /* a new edge, though nobody read */
    loop.turns(2);
    REQUIRE(watched.events.size() == 3);
    REQUIRE(shutdown(sockets.fds[1], SHUT_WR) == 0);
    loop.turns(2);
    REQUIRE(watched.events.size() == 4);
    REQUIRE((watched.events[3] & EPOLLRDHUP) != 0);

    wf_watch_remove(&loop.loop->poller, &watched.watch);
    REQUIRE(watched.watch.fd == -1);
    wf_watch_remove(&loop.loop->poller, &watched.watch);
    REQUIRE(shutdown(sockets.fds[1], SHUT_RDWR) == 0);
    loop.turns(1);
    REQUIRE(watched.events.size() == 4);
}

TEST_CASE("poller: events of one's own choice, and changing them", "[loop][poller]")
{
    Loop loop;
    Sockets sockets;
    Watched watched;
    struct wf_poller *poller = &loop.loop->poller;

    REQUIRE(wf_watch_add_events(poller, &watched.watch, sockets.fds[0], EPOLLIN,
                                Watched::on_ready) == 0);
    loop.turns(2);
    REQUIRE(watched.events.empty());
    REQUIRE(wf_watch_change(poller, &watched.watch, EPOLLOUT) == 0);
    loop.turns(2); /* level-triggered: in each turn */
    REQUIRE(watched.events == std::vector<uint32_t>{ EPOLLOUT, EPOLLOUT });
    REQUIRE(wf_watch_change(poller, &watched.watch, 0) == 0);
    loop.turns(1);
    REQUIRE(watched.events.size() == 2);

    Watched second;
    REQUIRE(wf_watch_add(poller, &second.watch, sockets.fds[0], Watched::on_ready) == -EEXIST);
    REQUIRE(second.watch.fd == -1);
    wf_watch_remove(poller, &watched.watch);
}

/* ---- the virtual clock and what other threads owe ----------------------- */

struct Owed {
    struct wf_post post;
    struct wf_work work;
    weft_loop *loop;
    Trace *trace;
};

static void deliver_owed(struct wf_post *post)
{
    auto *owed = reinterpret_cast<Owed *>(post);

    wf_loop_owe(owed->loop, -1);
    wf_loop_run_soon(owed->loop, &owed->work);
}

static void run_owed(struct wf_work *work)
{
    auto *owed = reinterpret_cast<Owed *>(reinterpret_cast<char *>(work) - offsetof(Owed, work));

    owed->trace->names.push_back("owed");
}

TEST_CASE("poller: virtual time waits for what other threads owe", "[loop][poller][virtual]")
{
    Loop loop;
    Trace trace;
    Step timer{ &trace, "timer" };
    Owed owed{};
    weft_time start = weft_loop_time(loop);

    owed.loop = loop;
    owed.trace = &trace;
    owed.post.deliver = deliver_owed;
    wf_work_init(&owed.work, run_owed);
    weft_loop_call_later(loop, 1, record, &timer, nullptr);
    wf_loop_owe(loop, 1);
    std::thread debtor([&] { (void)wf_loop_post(loop, &owed.post); });
    /* One real wait: the timer of a nanosecond is not due, however long that takes. */
    while (trace.names.empty()) {
        weft_loop_run_once(loop, WEFT_FOREVER);
    }
    debtor.join();
    REQUIRE(trace.joined() == "owed");
    REQUIRE(weft_loop_time(loop) == start);
    weft_loop_run_once(loop, WEFT_FOREVER);
    REQUIRE(trace.joined() == "owed timer");
}

TEST_CASE("poller: virtual time does not pass while I/O is ready", "[loop][poller][virtual]")
{
    Loop loop;
    Trace trace;
    Step timer{ &trace, "timer" }, io{ &trace, "io" };
    Sockets sockets;
    weft_time start = weft_loop_time(loop);

    weft_loop_call_later(loop, WEFT_S(1), record, &timer, nullptr);
    weft_loop_add_writer(loop, sockets.fds[0], record, &io);
    weft_loop_run_once(loop, WEFT_FOREVER);
    weft_loop_run_once(loop, WEFT_FOREVER);
    REQUIRE(trace.joined() == "io io");
    REQUIRE(weft_loop_time(loop) == start);
    weft_loop_remove_writer(loop, sockets.fds[0]);
    weft_loop_run_once(loop, WEFT_FOREVER);
    REQUIRE(trace.joined() == "io io timer");
}

/* ---- hosts -------------------------------------------------------------- */

static bool is_readable(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };

    return poll(&p, 1, 0) == 1;
}

TEST_CASE("poller: the loop's descriptor tells a host of posts and I/O", "[loop][poller][host]")
{
    Loop loop(/* is_virtual = */ false);
    Trace trace;
    Step a{ &trace, "a" };
    Sockets sockets;
    int fd = weft_loop_fd(loop);

    REQUIRE(fd >= 0);
    weft_loop_run_once(loop, 0);
    REQUIRE_FALSE(is_readable(fd));

    std::thread([&] { weft_loop_call_soon_threadsafe(loop, record, &a, nullptr); }).join();
    REQUIRE(is_readable(fd));
    REQUIRE(weft_loop_run_once(loop, 0) == 1);
    REQUIRE_FALSE(is_readable(fd));

    weft_loop_add_reader(loop, sockets.fds[0], record, &a);
    weft_loop_run_once(loop, 0);
    REQUIRE_FALSE(is_readable(fd));
    REQUIRE(write(sockets.fds[1], "x", 1) == 1);
    REQUIRE(is_readable(fd));
    REQUIRE(weft_loop_run_once(loop, 0) == 1);
    weft_loop_remove_reader(loop, sockets.fds[0]);

    /* Posted while the turn ran: the next poll of the host must not miss it. */
    struct Posting {
        weft_loop *loop;
        Step *step;
    } posting{ loop, &a };
    weft_loop_call_soon(
        loop,
        [](void *data) {
            auto *it = static_cast<Posting *>(data);
            std::thread([=] {
                weft_loop_call_soon_threadsafe(it->loop, record, it->step, nullptr);
            }).join();
            return 0;
        },
        &posting, nullptr);
    REQUIRE(weft_loop_run_once(loop, 0) == 1);
    REQUIRE(is_readable(fd));
    REQUIRE(weft_loop_next_deadline(loop) <= weft_clock_now());
    REQUIRE(weft_loop_run_once(loop, 0) == 1);
    REQUIRE(trace.joined() == "a a a");
}

/* ---- stopping from outside ---------------------------------------------- */

TEST_CASE("poller: stop_threadsafe ends a loop that sleeps", "[loop][poller][threads]")
{
    Loop loop(/* is_virtual = */ false);
    int r = -1, again = -1;

    std::thread stopper([&] {
        r = weft_loop_stop_threadsafe(loop);
        again = weft_loop_stop_threadsafe(loop);
    });
    REQUIRE(weft_loop_run_forever(loop) == 0);
    stopper.join();
    REQUIRE(r == 0);
    REQUIRE(again == 0);
}

/* ---- libuv -------------------------------------------------------------- */

struct Uv {
    weft_loop *loop;
    Trace trace;
    uv_timer_t timer;
    uv_pipe_t pipe;
    uv_async_t async;
    char buffer[16];
    int n_closed = 0;
};

static void on_uv_timer(uv_timer_t *timer)
{
    static_cast<Uv *>(timer->data)->trace.names.push_back("timer");
    weft_loop_stop(static_cast<Uv *>(timer->data)->loop);
}

static void on_uv_alloc(uv_handle_t *handle, size_t, uv_buf_t *buffer)
{
    *buffer = uv_buf_init(static_cast<Uv *>(handle->data)->buffer, 16);
}

static void on_uv_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    auto *uv = static_cast<Uv *>(stream->data);

    uv->trace.names.push_back(n > 0 ? std::string(buffer->base, static_cast<size_t>(n)) : "end");
    weft_loop_stop(uv->loop);
}

static void on_uv_closed(uv_handle_t *handle)
{
    static_cast<Uv *>(handle->data)->n_closed++;
}

TEST_CASE("poller: libuv's timers end a sleep", "[loop][poller][uv]")
{
    Loop loop(/* is_virtual = */ false);
    Uv uv{ loop.loop, {}, {}, {}, {}, {} };
    uv_loop_t *inner = nullptr;

    REQUIRE(wf_loop_get_uv(loop, &inner) == 0);
    uv_timer_init(inner, &uv.timer);
    uv.timer.data = &uv;
    uv_timer_start(&uv.timer, on_uv_timer, 2, 0);
    wf_loop_touch_uv(loop);
    weft_time start = weft_clock_now();
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE(uv.trace.joined() == "timer");
    REQUIRE(weft_clock_now() - start >= WEFT_MS(1)); /* libuv counts from its last look */
    REQUIRE(weft_loop_next_deadline(loop) == WEFT_FOREVER);

    uv_close(reinterpret_cast<uv_handle_t *>(&uv.timer), on_uv_closed);
    wf_loop_touch_uv(loop);
    loop.turns(1);
    REQUIRE(uv.n_closed == 1);
}

TEST_CASE("poller: libuv's descriptors end a sleep", "[loop][poller][uv]")
{
    Loop loop(/* is_virtual = */ false);
    Uv uv{ loop.loop, {}, {}, {}, {}, {} };
    uv_loop_t *inner = nullptr;
    int fds[2];

    REQUIRE(uv_pipe(fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) == 0);
    REQUIRE(wf_loop_get_uv(loop, &inner) == 0);
    uv_pipe_init(inner, &uv.pipe, 0);
    uv.pipe.data = &uv;
    REQUIRE(uv_pipe_open(&uv.pipe, fds[0]) == 0);
    REQUIRE(uv_read_start(reinterpret_cast<uv_stream_t *>(&uv.pipe), on_uv_alloc, on_uv_read) == 0);
    wf_loop_touch_uv(loop);
    weft_loop_call_later(
        loop, WEFT_US(100),
        [](void *fd) { return write(*static_cast<int *>(fd), "hi", 2) == 2 ? 0 : WEFT_ERUNTIME; },
        &fds[1], nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE(uv.trace.joined() == "hi");

    SECTION("removed when no handle is left, so that it keeps nobody awake")
    {
        uv_close(reinterpret_cast<uv_handle_t *>(&uv.pipe), on_uv_closed);
        wf_loop_touch_uv(loop);
        loop.turns(1);
        REQUIRE(uv.n_closed == 1);
        REQUIRE(loop.loop->poller.n_watches == 0);
        REQUIRE_FALSE(loop.loop->poller.uv_is_touched);
    }
    SECTION("what is left open is closed with the loop")
    {
        REQUIRE(loop.loop->poller.n_watches == 1);
        weft_loop_close(loop);
        REQUIRE(uv_is_closing(reinterpret_cast<uv_handle_t *>(&uv.pipe)) != 0);
    }
    close(fds[1]);
}

TEST_CASE("poller: a libuv loop that cannot be made leaves nothing", "[loop][poller][uv][oom]")
{
    Blocks blocks;
    {
        Loop loop;
        uv_loop_t *inner = nullptr;

        for (long n = 0; n < 2; n++) {
            weft_testing_fail_allocation_after(n);
            int r = wf_loop_get_uv(loop, &inner);
            weft_testing_fail_allocation_after(-1);
            REQUIRE((r == WEFT_ENOMEM || r == UV_EMFILE));
            REQUIRE(inner == nullptr);
        }
        wf_loop_touch_uv(loop); /* nothing to touch */
        loop.turns(1);
        REQUIRE(wf_loop_get_uv(loop, &inner) == 0);
        uv_loop_t *same = nullptr;
        REQUIRE(wf_loop_get_uv(loop, &same) == 0);
        REQUIRE(same == inner);
    }
    REQUIRE(blocks.held() == 0);
}

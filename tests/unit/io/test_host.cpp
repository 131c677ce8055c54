/* A host that owns the loop of its program: plain poll(2), and an epoll set of its own. */
#include "support/io_world.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <thread>

namespace
{

/* How long the host may sleep, in milliseconds, rounded up. */
int sleep_ms(weft_loop *loop)
{
    weft_time due = weft_loop_next_deadline(loop);
    weft_time now = weft_loop_time(loop);

    if (due == WEFT_FOREVER) {
        return -1;
    }
    return due <= now ? 0 : static_cast<int>((due - now + WEFT_MS(1) - 1) / WEFT_MS(1));
}

bool sleep_by_poll(int fd, int timeout)
{
    pollfd waiting = { fd, POLLIN, 0 };
    return poll(&waiting, 1, timeout) >= 0;
}

bool sleep_by_epoll(int fd, int timeout)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event = {};
    event.events = EPOLLIN;
    bool is_good =
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(set, &event, 1, timeout) >= 0;
    ::close(set);
    return is_good;
}

} // namespace

TEST_CASE("host: timers, descriptors and calls from threads in a foreign loop", "[host][threads]")
{
    auto sleep = GENERATE(&sleep_by_poll, &sleep_by_epoll);
    weft_loop *loop = nullptr;
    weft_task *task = nullptr;
    int n_from_thread = 0;
    bool is_good = true;
    std::string got;
    weft_duration slept = 0;

    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    body work = [&] {
        pair p;
        weft_time start = weft_loop_time(nullptr);
        WEFT_TRY(weft_sleep(WEFT_MS(20)));
        slept = weft_loop_time(nullptr) - start;
        weft_task *reader = nullptr;
        body read = [&] {
            got = read_text(p.stream);
            return 0;
        };
        WEFT_TRY(weft_create_task(weft_coro_create(run_body, &read), &reader));
        settle();
        p.send("by the host");
        int code = weft_await(reader, nullptr);
        weft_future_unref(reader);
        return code;
    };
    REQUIRE(weft_loop_create_task(loop, weft_coro_create(run_body, &work), nullptr, &task) == 0);
    std::thread other([&] {
        weft_loop_call_soon_threadsafe(
            loop,
            [](void *data) {
                ++*static_cast<int *>(data);
                return 0;
            },
            &n_from_thread, nullptr);
    });
    for (int i = 0; i < 10000 && is_good && (!weft_future_done(task) || n_from_thread == 0); i++) {
        is_good = sleep(weft_loop_fd(loop), sleep_ms(loop)) && weft_loop_run_once(loop, 0) >= 0;
    }
    other.join();
    CHECK(is_good);
    CHECK(weft_future_done(task));
    CHECK(n_from_thread == 1);
    CHECK(got == "by the host");
    CHECK(slept >= WEFT_MS(20));
    weft_future_unref(task);
    weft_loop_close(loop);
    weft_loop_unref(loop);
}

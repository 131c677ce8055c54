/*
 * Signals as callbacks: real signals of this process, on one loop and on several.
 */

#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <thread>
#include <vector>

#include "weft/testing.h"
#include "weft/weft.h"

namespace
{

struct Catcher {
    weft_loop *loop = nullptr;
    int n_caught = 0;
    int n_wanted = 1;

    Catcher()
    {
        (void)weft_new_event_loop(nullptr, &loop);
    }
    ~Catcher()
    {
        weft_loop_close(loop);
        weft_loop_unref(loop);
    }
    Catcher(const Catcher &) = delete;
    Catcher &operator=(const Catcher &) = delete;

    static int on_signal(void *data)
    {
        static_cast<Catcher *>(data)->n_caught++;
        return 0;
    }
    static int is_done(void *data)
    {
        auto *catcher = static_cast<Catcher *>(data);
        return catcher->n_caught >= catcher->n_wanted;
    }
    int add(int signum)
    {
        return weft_loop_add_signal_handler(loop, signum, on_signal, this);
    }
    int run()
    {
        return weft_testing_run_until(loop, is_done, this, 1000);
    }
};

void (*disposition(int signum))(int)
{
    struct sigaction now = {};

    sigaction(signum, nullptr, &now);
    return now.sa_handler;
}

void former_handler(int)
{
}

int count(void *data)
{
    ++*static_cast<int *>(data);
    return 0;
}

} /* namespace */

TEST_CASE("signal: runs a callback on the loop, again and again", "[signal]")
{
    Catcher catcher;

    REQUIRE(catcher.add(SIGUSR1) == 0);
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(catcher.n_caught == 0); /* in a turn, never at once */
    REQUIRE(catcher.run() == 0);
    catcher.n_wanted = 2;
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(catcher.run() == 0);
    REQUIRE(weft_loop_remove_signal_handler(catcher.loop, SIGUSR1) == 1);
    REQUIRE(weft_loop_remove_signal_handler(catcher.loop, SIGUSR1) == 0);
}

TEST_CASE("signal: wakes a loop that sleeps", "[signal]")
{
    Catcher catcher;
    pthread_t self = pthread_self();

    REQUIRE(catcher.add(SIGUSR1) == 0);
    std::thread sender([=] { pthread_kill(self, SIGUSR1); });
    REQUIRE(catcher.run() == 0);
    sender.join();
    REQUIRE(catcher.n_caught == 1);
}

TEST_CASE("signal: a second handler replaces the first", "[signal]")
{
    Catcher catcher;
    int n_other = 0;

    REQUIRE(weft_loop_add_signal_handler(catcher.loop, SIGUSR1, count, &n_other) == 0);
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(catcher.add(SIGUSR1) == 0);
    REQUIRE(catcher.run() == 0);
    REQUIRE(n_other == 0);
}

TEST_CASE("signal: the former disposition comes back with the last handler", "[signal]")
{
    struct sigaction mine = {};
    struct sigaction before = {};

    mine.sa_handler = former_handler;
    REQUIRE(sigaction(SIGUSR2, &mine, &before) == 0);
    {
        Catcher first;
        Catcher second;
        REQUIRE(first.add(SIGUSR2) == 0);
        REQUIRE(second.add(SIGUSR2) == 0);
        REQUIRE(disposition(SIGUSR2) != former_handler);
        REQUIRE(weft_loop_remove_signal_handler(first.loop, SIGUSR2) == 1);
        REQUIRE(disposition(SIGUSR2) != former_handler);
        REQUIRE(raise(SIGUSR2) == 0);
        REQUIRE(second.run() == 0);
        REQUIRE(first.n_caught == 0);
    } /* closing the loop removes the other */
    REQUIRE(disposition(SIGUSR2) == former_handler);
    sigaction(SIGUSR2, &before, nullptr);
}

namespace
{

/* A loop on a thread of its own that ends at the first signal. */
struct Worker {
    weft_loop *loop = nullptr;
    std::thread thread;
    std::thread::id ran_on;
    int result = -1;

    static int on_signal(void *data)
    {
        static_cast<Worker *>(data)->ran_on = std::this_thread::get_id();
        return weft_loop_stop(nullptr);
    }
    void run()
    {
        result = weft_set_event_loop(loop);
        result = result == 0 ? weft_loop_run_forever(loop) : result;
        result = result == 0 ? weft_loop_close(loop) : result;
        weft_loop_unref(loop);
    }
};

} /* namespace */

TEST_CASE("signal: reaches every loop that asked, on its own thread", "[signal][threads]")
{
    Worker workers[3];

    for (Worker &worker : workers) {
        REQUIRE(weft_new_event_loop(nullptr, &worker.loop) == 0);
        REQUIRE(weft_loop_add_signal_handler(worker.loop, SIGUSR1, Worker::on_signal, &worker) ==
                0);
    }
    std::vector<std::thread::id> ids;
    for (Worker &worker : workers) {
        worker.thread = std::thread([&worker] { worker.run(); });
        ids.push_back(worker.thread.get_id());
    }
    REQUIRE(raise(SIGUSR1) == 0);
    for (Worker &worker : workers) {
        worker.thread.join();
    }
    for (size_t i = 0; i < ids.size(); i++) {
        REQUIRE(workers[i].result == 0);
        REQUIRE(workers[i].ran_on == ids[i]);
    }
}

TEST_CASE("signal: one that came before the removal runs nothing after it", "[signal]")
{
    Catcher catcher;
    int n_other = 0;

    REQUIRE(weft_loop_add_signal_handler(catcher.loop, SIGUSR1, count, &n_other) == 0);
    REQUIRE(catcher.add(SIGUSR2) == 0);
    REQUIRE(raise(SIGUSR1) == 0);
    REQUIRE(weft_loop_remove_signal_handler(catcher.loop, SIGUSR1) == 1);
    REQUIRE(raise(SIGUSR2) == 0);
    REQUIRE(catcher.run() == 0);
    REQUIRE(n_other == 0);
}

TEST_CASE("signal: what cannot be caught is refused", "[signal]")
{
    Catcher catcher;

    for (int signum : { SIGKILL, SIGSTOP, SIGSEGV }) {
        CAPTURE(signum);
        CHECK(catcher.add(signum) == WEFT_ERUNTIME);
        CHECK(weft_loop_remove_signal_handler(catcher.loop, signum) == 0);
    }
    for (int signum : { 0, -1, 32, 4711 }) {
        CAPTURE(signum);
        CHECK(catcher.add(signum) == WEFT_EINVAL);
        CHECK(weft_loop_remove_signal_handler(catcher.loop, signum) == WEFT_EINVAL);
    }
    CHECK(weft_loop_add_signal_handler(catcher.loop, SIGUSR1,
                                       static_cast<weft_callback_fn *>(nullptr),
                                       nullptr) == WEFT_EINVAL);
    CHECK(weft_loop_add_signal_handler(nullptr, SIGUSR1, count, nullptr) == WEFT_ENOLOOP);
}

TEST_CASE("signal: without memory nothing is caught and nothing leaks", "[signal][oom]")
{
    weft_raise(nullptr);
    weft_testing_count_blocks(1);
    long n = 0;
    int r;

    do {
        Catcher catcher;
        weft_testing_fail_allocation_after(n++);
        r = catcher.add(SIGUSR1);
        weft_testing_fail_allocation_after(-1);
        CHECK((r == 0 || r == WEFT_ENOMEM || r == -EMFILE));
        CHECK((disposition(SIGUSR1) == SIG_DFL) == (r != 0));
    } while (r != 0 && n < 20);
    REQUIRE(r == 0);
    REQUIRE(disposition(SIGUSR1) == SIG_DFL);
    weft_raise(nullptr);
    REQUIRE(weft_testing_n_blocks() == 0);
    weft_testing_count_blocks(0);
}

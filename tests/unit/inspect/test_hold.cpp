// Holding threads: who is held how, and that nobody notices.
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <functional>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

extern "C" {
#include "inspect/hold.h"
#include "inspect/memory.h"
#include "inspect/stack.h"
#include "thread/hold_signal.h"

// glibc's, past a sanitizer's, which knows of no handler there and could not put it back.
int __sigaction(int signal, const struct sigaction *action, struct sigaction *out_before);
}

namespace
{

// A thread that does <body> until the end; its number is known from the beginning.
class worker
{
  public:
    template <class F> explicit worker(F body)
    {
        thread_ = std::thread([this, body] {
            tid_.store(gettid());
            body(stop_);
        });
        while (tid_.load() == 0) {
            std::this_thread::yield();
        }
    }
    ~worker()
    {
        stop();
    }
    worker(const worker &) = delete;
    worker &operator=(const worker &) = delete;

    void stop()
    {
        stop_.store(true);
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    pid_t tid() const
    {
        return tid_.load();
    }

  private:
    std::atomic<bool> stop_{ false };
    std::atomic<pid_t> tid_{ 0 };
    std::thread thread_;
};

wf_held hold_one(pid_t tid, const std::function<void(wf_hold &)> &meanwhile = nullptr)
{
    wf_held held{};
    wf_hold hold{};

    held.tid = tid;
    wf_hold_begin(&hold, 0, &held, 1, WF_HOLD_BOUND);
    if (meanwhile) {
        meanwhile(hold);
    }
    wf_hold_end(&hold);
    return held;
}

// Until it is held in <state>: a thread may be on its way there.
wf_held hold_until(pid_t tid, wf_hold_state state)
{
    wf_held held{};

    for (int i = 0; i < 10000; i++) {
        held = hold_one(tid);
        if (held.state == state && !held.is_torn) {
            break;
        }
    }
    return held;
}

void spin(std::atomic<bool> &stop)
{
    while (!stop.load(std::memory_order_relaxed)) {
    }
}

} // namespace

TEST_CASE("hold: one that runs is parked, and stands still until the end", "[hold]")
{
    std::atomic<uint64_t> count{ 0 };
    worker busy([&](std::atomic<bool> &stop) {
        while (!stop.load(std::memory_order_relaxed)) {
            count.fetch_add(1, std::memory_order_relaxed);
        }
    });

    int n_parked = 0;
    for (int i = 0; i < 50; i++) {
        uint64_t before = 0;
        uint64_t after = 0;
        bool is_still = false;
        wf_held held = hold_one(busy.tid(), [&](wf_hold &hold) {
            before = count.load();
            for (int spins = 0; spins < 100000; spins++) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
            after = count.load();
            is_still = wf_hold_check(&hold, 0);
        });
        if (held.state == WF_HOLD_PARKED && !held.is_torn) {
            n_parked++;
            CHECK(before == after);
            CHECK(is_still);
            CHECK(held.registers.pc != 0);
            CHECK(held.registers.known != 0);
        }
    }
    CHECK(n_parked > 0);
    uint64_t then = count.load();
    while (count.load() == then) {
    }
}

TEST_CASE("hold: the bound holds when the holder is late", "[hold]")
{
    worker busy(spin);
    bool is_still = true;
    wf_held held{};
    wf_hold hold{};

    held.tid = busy.tid();
    // 1 ms: the holder stays until the thread has gone on by itself.
    REQUIRE(wf_hold_begin(&hold, 0, &held, 1, WEFT_MS(1)) <= 1);
    for (int i = 0; i < 1000000 && held.state == WF_HOLD_PARKED && is_still; i++) {
        is_still = wf_hold_check(&hold, 0);
        std::this_thread::yield();
    }
    size_t n_torn = wf_hold_end(&hold);
    if (held.state == WF_HOLD_PARKED) {
        CHECK_FALSE(is_still);
        CHECK(held.is_torn);
        CHECK(n_torn == 1);
    }
    // And it can be held again.
    CHECK(hold_until(busy.tid(), WF_HOLD_PARKED).state == WF_HOLD_PARKED);
}

TEST_CASE("hold: one in a system call is left alone, and its call is known", "[hold]")
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    std::atomic<ssize_t> n_read{ -2 };
    worker reader([&](std::atomic<bool> &) {
        char byte;
        n_read = read(ends[0], &byte, 1);
    });

    wf_held held = hold_until(reader.tid(), WF_HOLD_BLOCKED);
    for (int i = 0; i < 100; i++) {
        wf_held again = hold_one(reader.tid());
        CHECK(again.state == WF_HOLD_BLOCKED);
        CHECK_FALSE(again.is_torn);
    }
    CHECK(n_read == -2);
    REQUIRE(write(ends[1], "x", 1) == 1);
    reader.stop();
    close(ends[0]);
    close(ends[1]);
    CHECK(n_read == 1);
    CHECK(held.state == WF_HOLD_BLOCKED);
    CHECK(held.system_call == SYS_read);
    CHECK(static_cast<int>(held.arguments[0]) == ends[0]);
    CHECK(held.kernel_state == 'S');
    CHECK(held.registers.pc != 0);
    CHECK(held.registers.sp != 0);
}

TEST_CASE("hold: no sleep is cut short", "[hold]")
{
    std::atomic<int> n_cut{ 0 };
    std::atomic<int> n_naps{ 0 };
    std::atomic<bool> slept_long{ false };
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    // It runs and naps in turns, by the two calls that every signal handler cuts short.
    worker naps([&](std::atomic<bool> &stop) {
        while (!stop.load()) {
            timespec nap{ 0, 50000 };
            epoll_event event;
            for (int i = 0; i < 20000; i++) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
            n_cut += nanosleep(&nap, nullptr) != 0;
            n_cut += epoll_wait(epoll, &event, 1, 1) != 0;
            n_naps++;
        }
    });
    worker sleeper([&](std::atomic<bool> &) {
        timespec half{ 0, 500000000 };
        timespec before;
        timespec after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        n_cut += nanosleep(&half, nullptr) != 0;
        clock_gettime(CLOCK_MONOTONIC, &after);
        slept_long =
            (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >=
            500000000;
    });
    wf_held held[2] = {};
    wf_hold hold{};
    while (!slept_long.load() && n_cut.load() == 0) {
        held[0].tid = naps.tid();
        held[1].tid = sleeper.tid();
        wf_hold_begin(&hold, 0, held, 2, WF_HOLD_BOUND);
        wf_hold_end(&hold);
    }
    naps.stop();
    sleeper.stop();
    close(epoll);
    CHECK(n_naps > 0);
    CHECK(n_cut == 0);
    CHECK(slept_long);
}

TEST_CASE("hold: self, and one that is gone", "[hold]")
{
    wf_held self = hold_one(gettid());
    CHECK(self.state == WF_HOLD_SELF);
    CHECK_FALSE(self.is_torn);

    pid_t gone = 0;
    {
        worker brief([](std::atomic<bool> &) {});
        gone = brief.tid();
    }
    // The number may live a moment longer than the join.
    CHECK(hold_until(gone, WF_HOLD_GONE).state == WF_HOLD_GONE);
}

TEST_CASE("hold: one that blocks the signal is loose, with the reason", "[hold]")
{
    REQUIRE(wf_hold_prepare() == 0);
    worker busy([](std::atomic<bool> &stop) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);
        spin(stop);
    });
    wf_held held = hold_until(busy.tid(), WF_HOLD_LOOSE);
    // Before it blocked them it could be parked; the hold after that waits for it.
    while (held.code == -ETIMEDOUT) {
        held = hold_until(busy.tid(), WF_HOLD_LOOSE);
    }
    CHECK(held.code == -EBUSY);
    CHECK(std::string(held.why) == "it blocks the signal that would park it");
}

TEST_CASE("hold: the signal is not taken from a program that uses it", "[hold]")
{
    REQUIRE(wf_hold_prepare() == 0);
    struct sigaction theirs = {};
    struct sigaction ours = {};
    theirs.sa_handler = SIG_IGN;
    int signal_number = wf_hold_signal_get();
    worker busy(spin);

    CHECK(hold_until(busy.tid(), WF_HOLD_PARKED).state == WF_HOLD_PARKED);
    REQUIRE(__sigaction(signal_number, &theirs, &ours) == 0);
    wf_held held = hold_one(busy.tid());
    int prepared = wf_hold_prepare();
    REQUIRE(__sigaction(signal_number, &ours, nullptr) == 0);
    CHECK(held.state == WF_HOLD_LOOSE);
    CHECK(held.code == -EBUSY);
    CHECK(std::string(held.why) == "the signal that would park it is used by the program");
    CHECK(prepared == -EBUSY);
    CHECK(wf_hold_signal_set(wf_hold_signal_get() + 1) == -EBUSY);
    CHECK(wf_hold_signal_set(SIGTERM) == -EINVAL);
}

TEST_CASE("hold: a signal of somebody else's goes to who waits for it", "[hold]")
{
    REQUIRE(wf_hold_prepare() == 0);
    sigset_t set;
    sigset_t before;
    int signal_number = wf_hold_signal_get();
    worker busy(spin); // has it open

    sigemptyset(&set);
    sigaddset(&set, signal_number);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    siginfo_t info{};
    sigval value{};
    value.sival_int = 4711;
    int queued = sigqueue(getpid(), signal_number, value); // the busy thread gets it first
    timespec limit{ 20, 0 };
    int got = sigtimedwait(&set, &info, &limit);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK(queued == 0);
    CHECK(got == signal_number);
    CHECK(info.si_value.sival_int == 4711);
}

TEST_CASE("hold: several at once, running and blocked", "[hold]")
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    worker first(spin);
    worker second(spin);
    worker reader([&](std::atomic<bool> &) {
        char byte;
        (void)!read(ends[0], &byte, 1);
    });
    bool is_seen = false;

    hold_until(reader.tid(), WF_HOLD_BLOCKED);
    for (int i = 0; i < 100 && !is_seen; i++) {
        wf_held held[4] = {};
        wf_hold hold{};
        held[0].tid = first.tid();
        held[1].tid = reader.tid();
        held[2].tid = second.tid();
        held[3].tid = gettid();
        wf_hold_begin(&hold, 0, held, 4, WF_HOLD_BOUND);
        wf_hold_end(&hold);
        CHECK(held[1].state == WF_HOLD_BLOCKED);
        CHECK(held[3].state == WF_HOLD_SELF);
        is_seen = held[0].state == WF_HOLD_PARKED && held[2].state == WF_HOLD_PARKED;
        if (is_seen && !held[0].is_torn) {
            CHECK(held[0].held_for > 0);
        }
    }
    CHECK(is_seen);
    REQUIRE(write(ends[1], "x", 1) == 1);
    reader.stop();
    close(ends[0]);
    close(ends[1]);
}

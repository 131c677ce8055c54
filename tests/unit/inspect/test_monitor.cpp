/*
 * The monitor's thread, end to end: what it says of real loops, when it sleeps, when it ends. Real
 * times, generous ones, since nothing else shows it.
 */
#include <catch2/catch.hpp>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

#include "support/log_recorder.hpp"
#include "weft/weft.h"

extern "C" {
#include "coro/sanitizer.h"
#include "inspect/monitor.h"
#include "thread/executor.h"
}

namespace
{

struct Loop {
    weft_loop *loop = nullptr;

    explicit Loop(bool is_virtual = false)
    {
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = is_virtual;
        options.name = "watched";
        (void)weft_new_event_loop(&options, &loop);
        (void)weft_loop_set_debug(loop, WEFT_DEBUG_CHEAP);
    }
    ~Loop()
    {
        weft_loop_close(loop);
        weft_loop_unref(loop);
    }
    void run()
    {
        weft_loop_call_soon(
            loop, [](void *) { return weft_loop_stop(nullptr); }, nullptr, nullptr);
        weft_loop_run_forever(loop);
    }
    operator weft_loop *() const
    {
        return loop;
    }
};

/* Ends by itself after a minute, so that a defect fails and does not hang. */
bool wait_until(const std::function<bool()> &is_so)
{
    for (int i = 0; i < 6000; i++) {
        if (is_so()) {
            return true;
        }
        usleep(10000);
    }
    return false;
}

log_recorder *heard;

/* Holds the loop until the monitor has said so. */
int block(void *)
{
    return wait_until([] { return heard->has("loop 'watched' is blocked"); }) ? 0 : WEFT_EUSER(1);
}

int compute(void *)
{
    weft_time end = weft_clock_now() + WEFT_S(60);

    while (weft_clock_now() < end) {
        for (weft_time pause = weft_clock_now() + WEFT_MS(1); weft_clock_now() < pause;) {
        }
        if (heard->has("loop 'watched' is busy")) {
            return 0;
        }
    }
    return WEFT_EUSER(1);
}

int coroutine(void *)
{
    return weft_set_label("web") < 0 ? WEFT_EUSER(2) : block(nullptr);
}

} // namespace

TEST_CASE("monitor: it lives from the first loop that runs to the last that closes",
          "[inspect][monitor]")
{
    REQUIRE_FALSE(wf_monitor_has_thread());
    {
        Loop first;
        Loop second;
        Loop off;
        Loop timeless(/* is_virtual = */ true);
        weft_loop_set_debug(off, WEFT_DEBUG_OFF);
        REQUIRE_FALSE(wf_monitor_has_thread());
        first.run();
        REQUIRE(wf_monitor_has_thread());
        off.run();
        timeless.run();
        REQUIRE(wf_monitor_count_loops() == 1);
        second.run();
        second.run();
        REQUIRE(wf_monitor_count_loops() == 2);
        weft_loop_set_debug(second, WEFT_DEBUG_OFF);
        REQUIRE(wf_monitor_count_loops() == 1);
        weft_loop_set_debug(second, WEFT_DEBUG_FULL);
        second.run();
        REQUIRE(wf_monitor_count_loops() == 2);
    }
    REQUIRE(wf_monitor_count_loops() == 0);
    REQUIRE_FALSE(wf_monitor_has_thread());
}

TEST_CASE("monitor: it sleeps when loops do, and a loop rings it", "[inspect][monitor]")
{
    log_recorder log;
    heard = &log;
    Loop loop;
    weft_loop_set_slow_callback_duration(loop, WEFT_MS(20));
    loop.run();

    for (int i = 0; i < 2; i++) {
        REQUIRE(wait_until(wf_monitor_is_asleep));
        weft_loop_call_soon(loop, block, nullptr, nullptr);
        loop.run();
    }
    /* Asleep or not: nothing escapes. */
    REQUIRE(log.count(WEFT_REPORT_BLOCKED_LOOP) >= 1);
    REQUIRE(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == 0);
}

TEST_CASE("monitor: a blocked task is told of while it blocks, and when it ends",
          "[inspect][monitor]")
{
    log_recorder log;
    heard = &log;
    int code = -1;
    std::thread thread([&code] { /* tasks make a thread theirs */
                                 Loop loop;
                                 weft_task *task = nullptr;
                                 weft_task_options options = WEFT_TASK_OPTIONS_INIT;
                                 options.name = "fetch-3";
                                 weft_loop_set_slow_callback_duration(loop, WEFT_MS(20));
                                 code = weft_loop_create_task(
                                     loop, weft_coro_create(coroutine, nullptr), &options, &task);
                                 if (code == 0) {
                                     code = weft_loop_run_until_complete(loop, task, nullptr);
                                 }
                                 weft_future_unref(task);
                                 loop.run();
    });
    thread.join();

    REQUIRE(code == 0);
    REQUIRE(log.has("loop 'watched' is blocked: <Task pending name='fetch-3' coro=coroutine() at "
                    "test_monitor.cpp:"));
    REQUIRE(log.has("blocked in calls"));
    REQUIRE(log.has("label: web"));
    REQUIRE(log.has("Executing <Task pending name='fetch-3' coro=coroutine()"));
    REQUIRE(log.count(WEFT_REPORT_SLOW_CALLBACK) == 1);
}

TEST_CASE("monitor: a callback that computes is called busy", "[inspect][monitor]")
{
    log_recorder log;
    heard = &log;
    Loop loop;
    weft_loop_set_slow_callback_duration(loop, WEFT_MS(20));

    weft_loop_call_soon(loop, compute, nullptr, nullptr);
    loop.run();
    for (const auto &r : log.records()) {
        UNSCOPED_INFO(r.message);
    }
    REQUIRE(log.has("loop 'watched' is busy: <Handle compute() created at "));
    REQUIRE(log.has("Executing <Handle compute() created at "));
    REQUIRE(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == 0);
}

namespace
{

bool is_hogging = false; /* atomic */

int compute_a_little(void *)
{
    timespec begin;
    timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((now.tv_sec - begin.tv_sec) * WEFT_S(1) + now.tv_nsec - begin.tv_nsec < WEFT_MS(40));
    return 0;
}

/* 40 ms of work, with a threshold of 100 ms, where 5 others want the same processor. */
void starve()
{
    std::vector<std::thread> hogs;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* inherited by the hogs */
    __atomic_store_n(&is_hogging, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 5; i++) {
        hogs.emplace_back([] {
            while (__atomic_load_n(&is_hogging, __ATOMIC_RELAXED)) {
            }
        });
    }
    {
        Loop loop;
        weft_loop_call_soon(loop, compute_a_little, nullptr, nullptr);
        loop.run();
    }
    __atomic_store_n(&is_hogging, false, __ATOMIC_RELAXED);
    for (auto &hog : hogs) {
        hog.join();
    }
}

} // namespace

TEST_CASE("monitor: a loop that gets no processor is not called blocked", "[inspect][monitor]")
{
    log_recorder log;
    weft_log_set_level(WEFT_LOG_DEBUG);
    std::thread thread(starve);
    thread.join();
    weft_log_set_level(WEFT_LOG_INFO);

    REQUIRE(log.count(WEFT_REPORT_SLOW_CALLBACK) == 0);
    REQUIRE(log.count(WEFT_REPORT_BLOCKED_LOOP) == 0);
    REQUIRE(log.has("loop 'watched' was kept from running: <Handle compute_a_little()"));
    REQUIRE(log.has("waiting for a processor"));
}

TEST_CASE("monitor: a handler hears of each stall with all that is known", "[inspect][monitor]")
{
    struct Heard {
        std::string object;
        std::string label;
        std::string stack;
        weft_stall_cause cause = WEFT_STALL_BUSY;
        const weft_loop *loop = nullptr;
        weft_duration lasts = 0;
    };
    static Heard got;
    log_recorder log;
    heard = &log;
    got = Heard();
    weft_set_stall_handler(
        [](const weft_stall *stall, void *data) {
            auto *to = static_cast<Heard *>(data);
            to->object = stall->object;
            to->label = stall->label != nullptr ? stall->label : "";
            to->stack = stall->stack != nullptr ? stall->stack : "";
            to->cause = stall->cause;
            to->loop = stall->loop;
            to->lasts = stall->lasts;
        },
        &got);
    const weft_loop *address;
    {
        Loop loop;
        address = loop;
        weft_loop_set_slow_callback_duration(loop, WEFT_MS(20));
        weft_loop_call_soon(loop, block, nullptr, nullptr);
        loop.run();
    } /* the thread has ended: nothing runs any more that could call it */
    weft_set_stall_handler(nullptr, nullptr);
    REQUIRE(got.object.find("<Handle block()") == 0);
    REQUIRE(got.label.empty());
    REQUIRE(got.stack.find("  stack:\n    #0 ") == 0);
    REQUIRE(got.cause != WEFT_STALL_BUSY); /* on a busy machine it may wait for a processor first */
    REQUIRE(got.loop == address);
    REQUIRE(got.lasts >= WEFT_MS(20));
}

TEST_CASE("monitor: jobs that run long or were abandoned are named though nobody submits",
          "[inspect][monitor]")
{
    log_recorder log;
    heard = &log;
    Loop loop;
    loop.run(); /* from here on it sleeps, and with it its loop */
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.name = "pool";
    options.max_threads = 1;
    options.long_job = WEFT_MS(1);
    options.abandoned_job = WEFT_MS(1);
    weft_executor *executor = nullptr;
    REQUIRE(weft_executor_create(&options, &executor) == 0);
    weft_concurrent_future *future = nullptr;
    auto patient = [](void *) {
        return wait_until([] { return heard->has("after the wait for it was cancelled"); })
                   ? 0
                   : WEFT_EUSER(1);
    };
    REQUIRE(weft_executor_submit(executor, patient, nullptr, &future) == 0);
    REQUIRE(wait_until([] { return heard->has("job patient from"); }));
    wf_executor_abandon(future);
    REQUIRE(weft_concurrent_future_result(future, WEFT_FOREVER, nullptr) == 0);
    weft_concurrent_future_unref(future);
    REQUIRE(weft_executor_shutdown(executor, nullptr) == 0);
    weft_executor_unref(executor);
    REQUIRE(log.count(WEFT_REPORT_LONG_JOB) == 1);
    REQUIRE(log.count(WEFT_REPORT_ABANDONED_JOB) == 1);
}

namespace
{

struct Deadlock {
    weft_lock *one = nullptr;
    weft_lock *two = nullptr;
    weft_lock *left = nullptr;
};

int take_both(weft_lock *first, weft_lock *second)
{
    WEFT_TRY(weft_lock_acquire(first));
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return weft_lock_acquire(second);
}

int forward(void *data)
{
    auto *locks = static_cast<Deadlock *>(data);
    return take_both(locks->one, locks->two);
}

int backward(void *data)
{
    auto *locks = static_cast<Deadlock *>(data);
    return take_both(locks->two, locks->one);
}

int take_and_leave(void *data)
{
    return weft_lock_acquire(static_cast<Deadlock *>(data)->left);
}

int stubborn(void *)
{
    (void)weft_sleep(WEFT_S(3600));
    return weft_sleep(WEFT_S(3600));
}

bool is_all_told()
{
    return heard->count(WEFT_REPORT_WAIT_CYCLE) > 0 &&
           heard->count(WEFT_REPORT_LOCK_LEFT_BEHIND) > 0 &&
           heard->count(WEFT_REPORT_CANCEL_IGNORED) > 0;
}

/* Nobody waits for anything any more: what is held can be let go. */
void untangle(Deadlock *locks)
{
    for (weft_lock *lock : { locks->one, locks->two, locks->left }) {
        (void)weft_lock_release(lock);
        (void)weft_lock_destroy(lock);
    }
}

int entangle(void *data)
{
    weft_coro *coros[] = {
        weft_coro_create(forward, data),        weft_coro_create(backward, data),
        weft_coro_create(take_and_leave, data), weft_coro_create(take_and_leave, data),
        weft_coro_create(stubborn, data),
    };
    constexpr int n = 5;
    weft_future *tasks[n];
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    int r = WEFT_EUSER(1);

    limits.waiting = WEFT_MS(50);
    limits.cancel_ignored = WEFT_MS(50);
    (void)weft_loop_set_monitor_limits(nullptr, &limits);
    for (int i = 0; i < n; i++) {
        (void)weft_create_task(coros[i], &tasks[i]);
    }
    (void)weft_sleep(WEFT_MS(10));
    (void)weft_task_cancel(tasks[n - 1], nullptr);
    for (int i = 0; i < 6000 && r < 0; i++) {
        (void)weft_sleep(WEFT_MS(10));
        r = is_all_told() ? 0 : r;
    }
    for (weft_future *task : tasks) {
        (void)weft_task_cancel(task, nullptr);
    }
    (void)weft_wait(tasks, n, WEFT_FOREVER, WEFT_ALL_COMPLETED);
    for (weft_future *task : tasks) {
        weft_future_unref(task);
    }
    untangle(static_cast<Deadlock *>(data));
    return r;
}

} // namespace

TEST_CASE("monitor: tasks that do not get on are named", "[inspect][monitor]")
{
    log_recorder log;
    heard = &log;
    int code = -1;
    std::thread thread([&code] {
        Loop loop;
        Deadlock locks;
        weft_task *task = nullptr;
        weft_loop_set_slow_callback_duration(loop, WEFT_S(3600));
        (void)weft_lock_create(&locks.one);
        (void)weft_lock_create(&locks.two);
        (void)weft_lock_create(&locks.left);
        code = weft_loop_create_task(loop, weft_coro_create(entangle, &locks), nullptr, &task);
        if (code == 0) {
            code = weft_loop_run_until_complete(loop, task, nullptr);
        }
        weft_future_unref(task);
    });
    thread.join();

    REQUIRE(code == 0);
    REQUIRE(log.has("tasks wait for each other for "));
    REQUIRE(log.has("a lock was left behind: Task-"));
    REQUIRE(log.has(" seconds after it was cancelled"));
    REQUIRE(log.has("coro=stubborn()"));
    REQUIRE(log.count(WEFT_REPORT_WAIT_CYCLE) == 1);
    REQUIRE(log.count(WEFT_REPORT_LOCK_LEFT_BEHIND) == 1);
    REQUIRE(log.count(WEFT_REPORT_CANCEL_IGNORED) == 1);
}

TEST_CASE("monitor: a forked child has none until its own loop runs", "[inspect][monitor]")
{
    Loop loop;
    loop.run();
    REQUIRE(wf_monitor_has_thread());

    pid_t child = fork();
    if (child == 0) {
        int failures = wf_monitor_has_thread() || wf_monitor_count_loops() != 0 ? 1 : 0;
#ifdef WF_SANITIZED
        _exit(failures); /* none may start in the child of a process that had several */
#endif
        {
            Loop own;
            own.run();
            failures += wf_monitor_count_loops() == 1 && wf_monitor_has_thread() ? 0 : 2;
        }
        failures += wf_monitor_has_thread() ? 4 : 0;
        _exit(failures);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    REQUIRE(wf_monitor_has_thread());
}

TEST_CASE("monitor: loops on many threads come and go", "[inspect][monitor][threads]")
{
    std::vector<std::thread> threads;

    for (int i = 0; i < 4; i++) {
        threads.emplace_back([] {
            for (int k = 0; k < 20; k++) {
                Loop loop;
                loop.run();
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    REQUIRE(wf_monitor_count_loops() == 0);
    REQUIRE_FALSE(wf_monitor_has_thread());
}

TEST_CASE("an error that nobody reads is told of, once, between one limit and one and a half")
{
    log_recorder log;
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    weft_loop *loop = nullptr;
    options.virtual_clock = true;
    REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    limits.error_unread = WEFT_S(10);
    REQUIRE(weft_loop_set_monitor_limits(loop, &limits) == 0);
    weft_future *unread = weft_loop_create_future(loop);
    weft_future *read = weft_loop_create_future(loop);
    weft_future_set_exception(unread, WEFT_EUSER(1), "nobody asks");
    weft_future_set_exception(read, WEFT_EUSER(2), "somebody does");
    weft_coro_fn *wait = [](void *arg) { return weft_sleep(*static_cast<weft_duration *>(arg)); };

    weft_duration time = WEFT_MS(9900);
    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(wait, &time), nullptr) == 0);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_UNREAD) == 0);
    (void)weft_future_exception(read, nullptr);
    time = WEFT_S(6);
    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(wait, &time), nullptr) == 0);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_UNREAD) == 1);
    CHECK(log.has("Future exception has not been retrieved for 10 seconds"));
    CHECK(log.has("nobody asks"));
    CHECK_FALSE(log.has("somebody does"));
    time = WEFT_S(100);
    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(wait, &time), nullptr) == 0);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_UNREAD) == 1);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 0);
    weft_future_unref(unread);
    weft_future_unref(read);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);

    limits.error_unread = -1;
    CHECK(weft_loop_set_monitor_limits(loop, &limits) == WEFT_EINVAL);
    weft_loop_close(loop);
    weft_loop_unref(loop);
}

TEST_CASE("many unread errors do not flood the log")
{
    log_recorder log;
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    weft_loop *loop = nullptr;
    std::vector<weft_future *> futures;
    options.virtual_clock = true;
    REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    limits.error_unread = WEFT_S(10);
    REQUIRE(weft_loop_set_monitor_limits(loop, &limits) == 0);
    for (int i = 0; i < 100; i++) {
        futures.push_back(weft_loop_create_future(loop));
        weft_future_set_exception(futures.back(), WEFT_EUSER(1), "nobody asks");
    }
    weft_coro_fn *wait = [](void *) { return weft_sleep(WEFT_S(31)); };
    REQUIRE(weft_loop_run_until_complete(loop, weft_coro_create(wait, nullptr), nullptr) == 0);
    CHECK(log.count(WEFT_REPORT_EXCEPTION_UNREAD) == 32); /* at 15, 20, 25 and 30 s */
    for (weft_future *future : futures) {
        (void)weft_future_exception(future, nullptr);
        weft_future_unref(future);
    }
    weft_loop_close(loop);
    weft_loop_unref(loop);
}

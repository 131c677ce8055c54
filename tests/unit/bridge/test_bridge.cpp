/* The crossings: jobs, wrapped futures, coroutines and callbacks from other threads. */
#include <catch2/catch.hpp>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/door.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/virtual_loop.hpp"
#include "weft/bridge.h"
#include "weft/group.h"
#include "weft/result.h"
#include "weft/timeout.h"

namespace
{

void count_destroy(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
}

int answer(void *)
{
    return weft_return_int(42);
}

int pass_door(void *data)
{
    static_cast<door *>(data)->pass();
    return weft_return_int(7);
}

int fail_politely(void *)
{
    return weft_fail(WEFT_EUSER(7), "the tea is cold");
}

int count(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
    return 0;
}

struct small_executor {
    weft_executor *ex = nullptr;
    explicit small_executor(unsigned max, size_t limit = 0)
    {
        weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
        options.name = "small";
        options.max_threads = max;
        options.queue_limit = limit;
        options.when_full = WEFT_EXECUTOR_WAIT;
        REQUIRE(weft_executor_create(&options, &ex) == 0);
    }
    ~small_executor()
    {
        (void)weft_executor_shutdown(ex, nullptr);
        weft_executor_unref(ex);
    }
    weft_executor_stats stats() const
    {
        weft_executor_stats s = WEFT_EXECUTOR_STATS_INIT;
        (void)weft_executor_get_stats(ex, &s);
        return s;
    }
};

/* What a coroutine of a test needs and leaves. */
struct scene {
    weft_loop *loop = nullptr;
    weft_executor *ex = nullptr;
    door gate;
    std::atomic<int> n_destroyed{ 0 };
    int code = 1;
    int second_code = 1;
    int64_t number = 0;
    weft_time time = 0;
    std::string message;
    weft_concurrent_future *source = nullptr;
    std::thread thread;
    weft_future *first = nullptr; /* here, and not on the stack of a task that may be dropped */
    weft_future *second = nullptr;

    ~scene()
    {
        weft_future_unref(first);
        weft_future_unref(second);
    }
};

} // namespace

/* ---- executor ------------------------------------------------------------ */

TEST_CASE("bridge: a job's value comes back to the task", "[bridge][executor]")
{
    virtual_loop loop;
    scene s;
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            weft_value value = weft_value_none();
            WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, answer, nullptr, &f));
            s->code = weft_await(f, &value);
            weft_future_unref(f);
            s->number = value.as.num;
            s->second_code = weft_to_thread(answer, nullptr, &value);
            return weft_return_int(value.as.num);
        }
    };
    weft_value value = weft_value_none();
    CHECK(loop.run(local::main, &s, &value) == 0);
    CHECK(s.code == 0);
    CHECK(s.number == 42);
    CHECK(s.second_code == 0);
    CHECK(value.as.num == 42);
}

TEST_CASE("bridge: a job's failure comes with its trace", "[bridge][executor]")
{
    virtual_loop loop;
    scene s;
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            s->code = weft_to_thread(fail_politely, nullptr, nullptr);
            s->message = weft_current_message(WEFT_EUSER(7));
            s->number = static_cast<int64_t>(weft_error_get_n_places(weft_current_error()));
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.code == WEFT_EUSER(7));
    CHECK(s.message == "the tea is cold");
    CHECK(s.number == 1);
}

TEST_CASE("bridge: a failed job that nobody awaits is reported", "[bridge][executor]")
{
    log_recorder log;
    {
        virtual_loop loop;
        scene s;
        struct local {
            static int main(void *)
            {
                weft_future *f = nullptr;
                WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, fail_politely, nullptr, &f));
                while (!weft_future_done(f)) {
                    WEFT_TRY(weft_sleep(WEFT_MS(1)));
                }
                weft_future_unref(f);
                return 0;
            }
        };
        CHECK(loop.run(local::main, &s) == 0);
    }
    CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);
    CHECK(log.has("the tea is cold"));
}

TEST_CASE("bridge: a virtual clock waits for a job", "[bridge][executor]")
{
    virtual_loop loop;
    scene s;
    struct local {
        static int late(void *data)
        {
            static_cast<scene *>(data)->time = weft_loop_time(nullptr);
            return 0;
        }
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, pass_door, &s->gate, &f));
            weft_time before = weft_loop_time(nullptr);
            WEFT_TRY(weft_loop_call_later(nullptr, WEFT_S(3600), late, s, nullptr));
            s->thread = std::thread([s] {
                s->gate.wait_for(1);
                s->gate.open();
            });
            s->code = weft_await(f, nullptr);
            weft_future_unref(f);
            s->number = weft_loop_time(nullptr) - before;
            WEFT_TRY(weft_sleep(WEFT_S(3600)));
            s->time -= before;
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    s.thread.join();
    CHECK(s.code == 0);
    CHECK(s.number == 0);
    CHECK(s.time == WEFT_S(3600));
}

TEST_CASE("bridge: a cancelled wait abandons the job, which ends in its own time",
          "[bridge][executor][cancel]")
{
    small_executor small(1);
    virtual_loop loop;
    scene s;
    s.ex = small.ex;
    struct local {
        static int waiter(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, pass_door, &s->gate, &f));
            s->code = weft_await(f, nullptr);
            weft_future_unref(f);
            return s->code;
        }
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_task *t = nullptr;
            WEFT_TRY(weft_create_task(weft_coro_create(waiter, s), &t));
            WEFT_TRY(weft_sleep(0));
            s->gate.wait_for(1); /* it runs: blocking here is the test's own affair */
            WEFT_TRY(weft_task_cancel(t, "enough"));
            s->second_code = weft_await(t, nullptr);
            weft_future_unref(t);
            WEFT_TRY(weft_sleep(WEFT_S(10))); /* the clock owes nobody any more */
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.code == WEFT_ECANCELED);
    CHECK(s.second_code == WEFT_ECANCELED);
    CHECK(small.stats().n_abandoned == 1);
    CHECK(small.stats().n_running == 1);
    s.gate.open();
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    CHECK(weft_executor_shutdown(small.ex, &options) == 0);
    CHECK(small.stats().n_done == 1);
}

TEST_CASE("bridge: a cancelled wait takes a queued job out", "[bridge][executor][cancel]")
{
    small_executor small(1);
    virtual_loop loop;
    scene s;
    s.ex = small.ex;
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *blocker = nullptr;
            weft_future *f = nullptr;
            WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, pass_door, &s->gate, &blocker));
            s->gate.wait_for(1);
            WEFT_TRY(weft_loop_run_in_executor_with(nullptr, s->ex, count, &s->n_destroyed,
                                                    count_destroy, &f));
            WEFT_TRY(weft_future_cancel(f, nullptr));
            s->second_code = weft_await(f, nullptr); /* at once; the job is told in a turn */
            weft_future_unref(f);
            WEFT_TRY(weft_sleep(0));
            s->number = s->n_destroyed;
            s->gate.open();
            s->code = weft_await(blocker, nullptr);
            weft_future_unref(blocker);
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.code == 0);
    CHECK(s.number == 1);
    CHECK(s.n_destroyed == 1);
    CHECK(s.second_code == WEFT_ECANCELED);
    CHECK(small.stats().n_cancelled == 1);
}

namespace
{

/* Fill a queue of one thread and one place, then come a third time. */
int fill_and_wait(void *data)
{
    scene *s = static_cast<scene *>(data);
    weft_future *third = nullptr;
    WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, pass_door, &s->gate, &s->first));
    s->gate.wait_for(1);
    WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, answer, nullptr, &s->second));
    s->code = weft_loop_run_in_executor_with(nullptr, s->ex, count, &s->n_destroyed, count_destroy,
                                             &third);
    if (s->code == 0) {
        s->second_code = weft_await(third, nullptr);
        weft_future_unref(third);
    }
    s->gate.open();
    (void)weft_await(s->first, nullptr);
    (void)weft_await(s->second, nullptr);
    return s->code;
}

} // namespace

TEST_CASE("bridge: a task waits for room without blocking its loop", "[bridge][executor][limit]")
{
    small_executor small(1, 1);
    virtual_loop loop;
    scene s;
    s.ex = small.ex;
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_task *t = nullptr;
            WEFT_TRY(weft_create_task(weft_coro_create(fill_and_wait, s), &t));
            for (int i = 0; i < 10; i++) {
                WEFT_TRY(weft_sleep(0)); /* the loop goes on */
            }
            s->number = s->code; /* not back yet */
            s->gate.open();
            int r = weft_await(t, nullptr);
            weft_future_unref(t);
            return r;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.number == 1);
    CHECK(s.code == 0);
    CHECK(s.second_code == 0);
    CHECK(s.n_destroyed == 1); /* counted by the job itself */
}

TEST_CASE("bridge: the wait for room can be cancelled", "[bridge][executor][limit][cancel]")
{
    small_executor small(1, 1);
    virtual_loop loop;
    scene s;
    s.ex = small.ex;
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_task *t = nullptr;
            WEFT_TRY(weft_create_task(weft_coro_create(fill_and_wait, s), &t));
            WEFT_TRY(weft_sleep(0));
            WEFT_TRY(weft_task_cancel(t, nullptr));
            (void)weft_await(t, nullptr);
            s->number = weft_future_cancelled(t);
            weft_future_unref(t);
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.code == WEFT_ECANCELED);
    CHECK(s.number == 1);
    CHECK(s.n_destroyed == 1); /* by the destructor */
    CHECK(small.stats().n_cancelled == 1);
    CHECK(small.stats().n_waiting == 0);
}

TEST_CASE("bridge: a loop that closes lets go of tasks that wait for room",
          "[bridge][executor][limit]")
{
    log_recorder log;
    scene s; /* outlives the jobs */
    small_executor small(1, 1);
    s.ex = small.ex;
    {
        virtual_loop loop;
        struct local {
            static int main(void *data)
            {
                WEFT_TRY(weft_create_task(weft_coro_create(fill_and_wait, data), nullptr));
                return weft_sleep(0);
            }
        };
        CHECK(loop.run(local::main, &s) == 0);
        CHECK(small.stats().n_waiting == 1);
    }
    CHECK(small.stats().n_waiting == 0);
    CHECK(s.n_destroyed == 1);
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    s.gate.open();
}

/* The answer is in the mailbox, and the loop closes before it turns. */
TEST_CASE("bridge: a loop that closes releases what a task held that was just woken",
          "[bridge][executor][close][regress]")
{
    log_recorder log;
    scene s;
    wf_alloc_count_blocks(true);

    SECTION("by room in a queue")
    {
        small_executor small(1, 1);
        {
            virtual_loop loop;
            s.ex = small.ex;
            REQUIRE(weft_loop_create_task(loop, weft_coro_create(fill_and_wait, &s), nullptr,
                                          nullptr) == 0);
            REQUIRE(weft_loop_run_once(loop, 0) > 0);
            s.gate.open();
            while (small.stats().n_waiting > 0) {
                std::this_thread::yield();
            }
        }
        s.first = weft_future_unref(s.first);
        s.second = weft_future_unref(s.second);
    }
    SECTION("by the end of the default executor")
    {
        small_executor small(1);
        {
            virtual_loop loop;
            auto ends = [](void *) -> int {
                return weft_loop_shutdown_default_executor(nullptr, WEFT_FOREVER);
            };
            REQUIRE(weft_loop_set_default_executor(loop, small.ex) == 0);
            REQUIRE(weft_executor_submit(small.ex, pass_door, &s.gate, nullptr) == 0);
            REQUIRE(weft_loop_create_task(loop, weft_coro_create(ends, nullptr), nullptr,
                                          nullptr) == 0);
            REQUIRE(weft_loop_run_once(loop, 0) > 0);
            s.gate.open();
            while (small.stats().n_threads > 0) {
                std::this_thread::yield();
            }
        }
    }
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    CHECK(wf_alloc_n_blocks() <= 0); /* below: threads of an earlier test's executor end late */
    wf_alloc_count_blocks(false);
}

TEST_CASE("bridge: in a callback a full queue is refused", "[bridge][executor][limit]")
{
    small_executor small(1, 1);
    virtual_loop loop;
    scene s;
    s.ex = small.ex;
    struct local {
        static int callback(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            s->second_code = weft_loop_run_in_executor_with(nullptr, s->ex, count, &s->n_destroyed,
                                                            count_destroy, &f);
            return 0;
        }
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *first = nullptr;
            weft_future *second = nullptr;
            WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, pass_door, &s->gate, &first));
            WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, answer, nullptr, &second));
            WEFT_TRY(weft_loop_call_soon(nullptr, callback, s, nullptr));
            WEFT_TRY(weft_sleep(0));
            s->gate.open();
            (void)weft_await(first, nullptr);
            (void)weft_await(second, nullptr);
            weft_future_unref(first);
            weft_future_unref(second);
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.second_code == WEFT_EQUEUEFULL);
    CHECK(s.n_destroyed == 1);
}

TEST_CASE("bridge: the default executor may be set and is ended with a limit", "[bridge][executor]")
{
    log_recorder log;
    small_executor small(1);
    scene s;
    s.ex = small.ex;
    {
        weft_loop *loop = nullptr; /* on the real clock: the limit is to pass */
        REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
        struct local {
            static int main(void *data)
            {
                scene *s = static_cast<scene *>(data);
                weft_future *f = nullptr;
                weft_value value = weft_value_none();
                WEFT_TRY(weft_loop_set_default_executor(nullptr, s->ex));
                WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, pass_door, &s->gate, &f));
                s->gate.wait_for(1);
                s->code = weft_loop_shutdown_default_executor(nullptr, WEFT_MS(1));
                s->gate.open();
                s->second_code = weft_loop_shutdown_default_executor(nullptr, WEFT_FOREVER);
                WEFT_TRY(weft_await(f, &value));
                weft_future_unref(f);
                s->number = value.as.num;
                return weft_to_thread(answer, nullptr, nullptr);
            }
        };
        CHECK(weft_loop_run_until_complete(loop, weft_coro_create(local::main, &s), nullptr) ==
              WEFT_ESHUTDOWN);
        weft_loop_close(loop);
        weft_loop_unref(loop);
    }
    weft_raise(nullptr);
    CHECK(s.code == WEFT_ETIMEDOUT);
    CHECK(s.second_code == 0);
    CHECK(s.number == 7);
    CHECK(log.count(WEFT_REPORT_SHUTDOWN_SURVIVOR) == 1);
    CHECK(log.has("job 'pass_door' still runs on thread 'small-0'"));
}

TEST_CASE("bridge: after its end there is no new default executor", "[bridge][executor]")
{
    virtual_loop loop;
    struct local {
        static int main(void *)
        {
            WEFT_TRY(weft_loop_shutdown_default_executor(nullptr, WEFT_FOREVER));
            return weft_to_thread(answer, nullptr, nullptr);
        }
    };
    CHECK(loop.run(local::main) == WEFT_ESHUTDOWN);
    CHECK(std::string(weft_current_message(WEFT_ESHUTDOWN)) == "Executor shutdown has been called");
    weft_raise(nullptr);
}

TEST_CASE("bridge: an abandoned job that fails is reported", "[bridge][executor][cancel]")
{
    log_recorder log;
    {
        small_executor small(1);
        virtual_loop loop;
        scene s;
        s.ex = small.ex;
        struct local {
            static int fail_late(void *data)
            {
                static_cast<door *>(data)->pass();
                return weft_fail(WEFT_EUSER(1), "too late");
            }
            static int main(void *data)
            {
                scene *s = static_cast<scene *>(data);
                weft_future *f = nullptr;
                WEFT_TRY(weft_loop_run_in_executor(nullptr, s->ex, fail_late, &s->gate, &f));
                s->gate.wait_for(1);
                WEFT_TRY(weft_future_cancel(f, nullptr));
                weft_future_unref(f);
                s->gate.open();
                return 0;
            }
        };
        CHECK(loop.run(local::main, &s) == 0);
        CHECK(weft_executor_shutdown(small.ex, nullptr) == 0);
    }
    CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);
    CHECK(log.has("too late"));
}

/* ---- wrap_future --------------------------------------------------------- */

TEST_CASE("bridge: a wrapped future follows its source", "[bridge][wrap]")
{
    virtual_loop loop;
    scene s;
    REQUIRE(weft_concurrent_future_create(&s.source) == 0);
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            weft_value value = weft_value_none();
            WEFT_TRY(weft_wrap_future(s->source, nullptr, &f));
            s->code = weft_await(f, &value);
            s->message = weft_current_message(s->code);
            s->number = value.as.num;
            weft_future_unref(f);
            return 0;
        }
    };

    SECTION("to a value")
    {
        s.thread = std::thread(
            [&] { (void)weft_concurrent_future_set_result(s.source, weft_value_int(5)); });
        CHECK(loop.run(local::main, &s) == 0);
        CHECK(s.code == 0);
        CHECK(s.number == 5);
    }
    SECTION("to a failure")
    {
        s.thread = std::thread([&] {
            (void)weft_concurrent_future_set_exception(s.source, WEFT_EUSER(1), "no luck");
        });
        CHECK(loop.run(local::main, &s) == 0);
        CHECK(s.code == WEFT_EUSER(1));
        CHECK(s.message == "no luck");
    }
    SECTION("to a cancel")
    {
        s.thread = std::thread([&] { (void)weft_concurrent_future_cancel(s.source); });
        CHECK(loop.run(local::main, &s) == 0);
        CHECK(s.code == WEFT_ECANCELED);
    }
    s.thread.join();
    weft_concurrent_future_unref(s.source);
}

TEST_CASE("bridge: cancelling a wrapped future cancels its source", "[bridge][wrap][cancel]")
{
    virtual_loop loop;
    scene s;
    REQUIRE(weft_concurrent_future_create(&s.source) == 0);
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_future *f = nullptr;
            WEFT_TRY(weft_wrap_future(s->source, nullptr, &f));
            s->code = weft_wait_for(f, WEFT_S(1), nullptr);
            s->number = weft_future_cancelled(f);
            weft_future_unref(f);
            return 0;
        }
    };
    CHECK(loop.run(local::main, &s) == 0);
    CHECK(s.code == WEFT_ETIMEDOUT);
    CHECK(s.number == 1);
    CHECK(weft_concurrent_future_cancelled(s.source));
    weft_concurrent_future_unref(s.source);
}

TEST_CASE("bridge: a loop that closes lets go of what it follows", "[bridge][wrap]")
{
    scene s;
    weft_future *f = nullptr;
    REQUIRE(weft_concurrent_future_create(&s.source) == 0);
    {
        virtual_loop loop;
        std::atomic<int> n_called{ 0 };
        struct local {
            static int called(weft_concurrent_future *, void *data)
            {
                return count(data);
            }
        };
        REQUIRE(weft_wrap_future(s.source, loop, &f) == 0);
        REQUIRE(weft_concurrent_future_add_done_callback(s.source, loop, local::called,
                                                         &n_called) == 0);
        SECTION("before it was done")
        {
        }
        SECTION("after it was done, before the loop looked")
        {
            REQUIRE(weft_concurrent_future_set_result(s.source, weft_value_int(1)) == 0);
        }
        weft_loop_close(loop);
        CHECK(n_called == 0);
        CHECK_FALSE(weft_future_done(f));
        CHECK(weft_future_cancel(f, nullptr) == 0); /* it follows nobody any more */
        weft_future_unref(f);
    }
    (void)weft_concurrent_future_set_result(s.source, weft_value_int(1));
    weft_concurrent_future_unref(s.source);
}

TEST_CASE("bridge: wrapping refuses what it cannot follow", "[bridge][wrap][misuse]")
{
    log_recorder log;
    virtual_loop loop;
    weft_future *f = nullptr;
    weft_concurrent_future *source = nullptr;
    REQUIRE(weft_concurrent_future_create(&source) == 0);
    CHECK(weft_wrap_future(nullptr, loop, &f) == WEFT_EINVAL);
    CHECK(weft_wrap_future(source, nullptr, &f) == WEFT_ENOLOOP);
    CHECK(weft_wrap_future(source, loop, nullptr) == WEFT_EINVAL);
    int code = 0;
    std::thread([&] { code = weft_wrap_future(source, loop, &f); }).join();
    CHECK(code == WEFT_EWRONGTHREAD);
    CHECK(f == nullptr);
    weft_concurrent_future_unref(source);
    weft_raise(nullptr);
}

/* ---- coroutines from other threads --------------------------------------- */

namespace
{

/* A loop that runs on a thread of its own until it is told to stop. */
class running_loop
{
  public:
    running_loop()
    {
        REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
        thread = std::thread([this] {
            (void)weft_set_event_loop(loop);
            (void)weft_loop_run_forever(loop);
            (void)weft_loop_close(loop);
        });
    }
    ~running_loop()
    {
        stop();
        weft_loop_unref(loop);
    }
    void stop()
    {
        if (thread.joinable()) {
            (void)weft_loop_stop_threadsafe(loop);
            thread.join();
        }
    }
    operator weft_loop *() const
    {
        return loop;
    }

  private:
    weft_loop *loop = nullptr;
    std::thread thread;
};

int sleep_for_ever(void *data)
{
    scene *s = static_cast<scene *>(data);
    s->gate.open();
    s->code = weft_sleep(WEFT_FOREVER);
    return s->code;
}

} // namespace

TEST_CASE("bridge: a coroutine from another thread runs and answers", "[bridge][remote]")
{
    running_loop loop;
    weft_concurrent_future *f = nullptr;
    weft_value value = weft_value_none();

    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(answer, nullptr), loop, &f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, &value) == 0);
    CHECK(value.as.num == 42);
    weft_concurrent_future_unref(f);

    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(fail_politely, nullptr), loop, &f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == WEFT_EUSER(7));
    CHECK(std::string(weft_current_message(WEFT_EUSER(7))) == "the tea is cold");
    CHECK(weft_error_get_n_places(weft_current_error()) == 1);
    weft_concurrent_future_unref(f);
    weft_raise(nullptr);
}

TEST_CASE("bridge: cancelling the future cancels the task", "[bridge][remote][cancel]")
{
    scene s;
    running_loop loop;
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(sleep_for_ever, &s), loop, &f) == 0);
    s.gate.pass(); /* it runs */
    CHECK(weft_concurrent_future_cancel(f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == WEFT_ECANCELED);
    weft_concurrent_future_unref(f);
    /* Two turns later the task has ended, and so has this one behind it. */
    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(answer, nullptr), loop, &f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == 0);
    weft_concurrent_future_unref(f);
    loop.stop();
    CHECK(s.code == WEFT_ECANCELED);
}

TEST_CASE("bridge: a task that is cancelled cancels the future", "[bridge][remote][cancel]")
{
    struct local {
        static int cancel_myself(void *)
        {
            WEFT_TRY(weft_task_cancel(weft_current_task(), nullptr));
            return weft_sleep(WEFT_FOREVER);
        }
    };
    running_loop loop;
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(local::cancel_myself, nullptr), loop,
                                          &f) == 0);
    CHECK(weft_concurrent_future_result(f, WEFT_FOREVER, nullptr) == WEFT_ECANCELED);
    CHECK(weft_concurrent_future_cancelled(f));
    weft_concurrent_future_unref(f);
    weft_raise(nullptr);
}

TEST_CASE("bridge: cancelled before the loop turns, the body runs up to its first wait",
          "[bridge][remote][cancel]")
{
    virtual_loop loop;
    std::atomic<int> n_used{ 0 };
    weft_concurrent_future *f = nullptr;
    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create_with(count, &n_used, count_destroy),
                                          loop, &f) == 0);
    CHECK(weft_concurrent_future_cancel(f) == 0);
    CHECK(n_used == 0);                      /* the argument is the loop's */
    CHECK(weft_loop_run_once(loop, 0) >= 0); /* makes the task */
    CHECK(n_used == 0);
    CHECK(weft_loop_run_once(loop, 0) >= 0);
    CHECK(n_used == 1);
    CHECK(weft_loop_run_once(loop, 0) >= 0);
    CHECK(n_used == 1);
    CHECK(weft_concurrent_future_cancelled(f));
    weft_concurrent_future_unref(f);
}

TEST_CASE("bridge: a loop that closes answers those who wait", "[bridge][remote]")
{
    log_recorder log;
    scene s;
    weft_concurrent_future *started = nullptr;
    weft_concurrent_future *waiting = nullptr;
    std::atomic<int> n_used{ 0 };
    {
        virtual_loop loop;
        REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(sleep_for_ever, &s), loop,
                                              &started) == 0);
        CHECK(weft_loop_run_once(loop, 0) >= 0);
        CHECK(weft_loop_run_once(loop, 0) >= 0);
        REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create_with(count, &n_used, count_destroy),
                                              loop, &waiting) == 0);
        weft_loop_close(loop);
        weft_concurrent_future *late = nullptr;
        CHECK(weft_run_coroutine_threadsafe(weft_coro_create_with(count, &n_used, count_destroy),
                                            loop, &late) == WEFT_ECLOSED);
        CHECK(late == nullptr);
    }
    CHECK(n_used == 2);
    CHECK(weft_concurrent_future_result(started, 0, nullptr) == WEFT_ECLOSED);
    CHECK(weft_concurrent_future_result(waiting, 0, nullptr) == WEFT_ECLOSED);
    weft_concurrent_future_unref(started);
    weft_concurrent_future_unref(waiting);
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    weft_raise(nullptr);
}

TEST_CASE("bridge: an error that nobody can ask for is reported by the task", "[bridge][remote]")
{
    log_recorder log;
    {
        virtual_loop loop;
        REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(fail_politely, nullptr), loop,
                                              nullptr) == 0);
        for (int i = 0; i < 5; i++) {
            CHECK(weft_loop_run_once(loop, 0) >= 0);
        }
    }
    CHECK(log.count(WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED) == 1);
}

TEST_CASE("bridge: refusals of run_coroutine_threadsafe", "[bridge][remote][misuse]")
{
    log_recorder log;
    virtual_loop loop;
    std::atomic<int> n_used{ 0 };
    weft_concurrent_future *f = nullptr;
    CHECK(weft_run_coroutine_threadsafe(nullptr, loop, &f) == WEFT_ENOMEM);
    CHECK(weft_run_coroutine_threadsafe(weft_coro_create_with(count, &n_used, count_destroy),
                                        nullptr, &f) == WEFT_EINVAL);
    CHECK(n_used == 1);
    CHECK(f == nullptr);
    weft_raise(nullptr);
}

/* ---- from loop to loop --------------------------------------------------- */

TEST_CASE("bridge: a task awaits a coroutine of another loop", "[bridge][remote][wrap]")
{
    running_loop other;
    weft_loop *mine = nullptr;
    scene s;
    s.loop = other;
    REQUIRE(weft_new_event_loop(nullptr, &mine) == 0);
    struct local {
        static int main(void *data)
        {
            scene *s = static_cast<scene *>(data);
            weft_concurrent_future *there = nullptr;
            weft_future *here = nullptr;
            weft_value value = weft_value_none();
            WEFT_TRY(
                weft_run_coroutine_threadsafe(weft_coro_create(answer, nullptr), s->loop, &there));
            s->code = weft_concurrent_future_result(there, WEFT_FOREVER, nullptr);
            WEFT_TRY(weft_wrap_future(there, nullptr, &here));
            weft_concurrent_future_unref(there);
            s->second_code = weft_await(here, &value);
            weft_future_unref(here);
            s->number = value.as.num;
            return 0;
        }
    };
    CHECK(weft_loop_run_until_complete(mine, weft_coro_create(local::main, &s), nullptr) == 0);
    weft_loop_close(mine);
    weft_loop_unref(mine);
    CHECK((s.code == WEFT_EDEADLOCK || s.code == 0)); /* refused, unless it is there already */
    CHECK(s.second_code == 0);
    CHECK(s.number == 42);
}

/* ---- callbacks ----------------------------------------------------------- */

namespace
{

struct called {
    std::atomic<int> n{ 0 };
    std::atomic<bool> on_loop{ false };
    weft_loop *loop = nullptr;
    weft_concurrent_future *future = nullptr;
    int result = 0;

    static int fn(weft_concurrent_future *future, void *data)
    {
        called *c = static_cast<called *>(data);
        c->n++;
        c->on_loop = weft_get_running_loop() == c->loop && future == c->future;
        return c->result;
    }
};

} // namespace

TEST_CASE("bridge: a done callback runs on the loop that was named", "[bridge][callback]")
{
    log_recorder log;
    virtual_loop loop;
    called c;
    c.loop = loop;
    REQUIRE(weft_concurrent_future_create(&c.future) == 0);
    auto turns = [&] {
        for (int i = 0; i < 5; i++) {
            REQUIRE(weft_loop_run_once(loop, 0) >= 0);
        }
    };

    SECTION("registered on its thread")
    {
        REQUIRE(weft_concurrent_future_add_done_callback(c.future, loop, called::fn, &c) == 0);
        turns();
        CHECK(c.n == 0);
        REQUIRE(weft_concurrent_future_set_result(c.future, weft_value_none()) == 0);
        CHECK(c.n == 0);
    }
    SECTION("registered from another thread")
    {
        int code = 1;
        std::thread([&] {
            code = weft_concurrent_future_add_done_callback(c.future, loop, called::fn, &c);
            (void)weft_concurrent_future_set_result(c.future, weft_value_none());
        }).join();
        CHECK(code == 0);
    }
    SECTION("registered when it is done already")
    {
        c.result = WEFT_EUSER(1);
        REQUIRE(weft_concurrent_future_cancel(c.future) == 0);
        REQUIRE(weft_concurrent_future_add_done_callback(c.future, loop, called::fn, &c) == 0);
        CHECK(c.n == 0);
    }
    turns();
    CHECK(c.n == 1);
    CHECK(c.on_loop);
    CHECK(log.count(WEFT_REPORT_CALLBACK_EXCEPTION) == (c.result < 0 ? 1u : 0u));
    weft_concurrent_future_unref(c.future);
}

TEST_CASE("bridge: refusals of a done callback", "[bridge][callback][misuse]")
{
    log_recorder log;
    called c;
    REQUIRE(weft_concurrent_future_create(&c.future) == 0);
    {
        virtual_loop loop;
        CHECK(weft_concurrent_future_add_done_callback(c.future, nullptr, called::fn, &c) ==
              WEFT_ENOLOOP);
        CHECK(weft_concurrent_future_add_done_callback(nullptr, loop, called::fn, &c) ==
              WEFT_EINVAL);
        CHECK(weft_concurrent_future_add_done_callback(c.future, loop, nullptr, &c) == WEFT_EINVAL);
        weft_loop_close(loop);
        CHECK(weft_concurrent_future_add_done_callback(c.future, loop, called::fn, &c) ==
              WEFT_ECLOSED);
    }
    (void)weft_concurrent_future_cancel(c.future);
    weft_concurrent_future_unref(c.future);
    CHECK(c.n == 0);
    weft_raise(nullptr);
}

/* ---- without memory ------------------------------------------------------ */

TEST_CASE("bridge: without memory each crossing fails whole", "[bridge][oom]")
{
    int n_failed = sweep_out_of_memory(
        [] {
            weft_loop *loop = nullptr;
            weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
            options.virtual_clock = 1;
            int r = weft_new_event_loop(&options, &loop);
            if (r < 0) {
                return r;
            }
            std::atomic<int> n_used{ 0 };
            int n_given = 0;
            weft_future *wrapped = nullptr;
            weft_future *job = nullptr;
            weft_concurrent_future *source = nullptr;
            weft_concurrent_future *remote = nullptr;
            called c;
            r = weft_concurrent_future_create(&source);
            if (r == 0) {
                r = weft_wrap_future(source, loop, &wrapped);
            }
            if (r == 0) {
                c.loop = loop;
                c.future = source;
                r = weft_concurrent_future_add_done_callback(source, loop, called::fn, &c);
            }
            if (r == 0) {
                n_given++;
                r = weft_loop_run_in_executor_with(loop, nullptr, count, &n_used, count_destroy,
                                                   &job);
            }
            if (r == 0) {
                n_given++;
                r = weft_run_coroutine_threadsafe(
                    weft_coro_create_with(count, &n_used, count_destroy), loop, &remote);
            }
            if (r == 0) {
                for (int i = 0; i < 5; i++) {
                    (void)weft_loop_run_once(loop, 0);
                }
                r = weft_concurrent_future_result(remote, 0, nullptr);
            }
            weft_future_unref(job);
            weft_future_unref(wrapped);
            weft_concurrent_future_unref(remote);
            weft_loop_close(loop);
            weft_loop_unref(loop);
            weft_concurrent_future_unref(source);
            while (n_used < n_given) {
                std::this_thread::yield(); /* the job's thread */
            }
            while (wf_alloc_n_blocks() > (weft_current_error() != nullptr ? 1 : 0)) {
                std::this_thread::yield(); /* which frees the executor at last */
            }
            return r;
        },
        { -EMFILE, -EAGAIN, WEFT_ENOSTACK });
    CHECK(n_failed > 10);
}

/* N loops on N threads: start, placement, the ordered end, survivors. */
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/door.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/bridge.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/task.h"

namespace
{

weft_runtime_options options_for(int n_loops)
{
    weft_runtime_options options = WEFT_RUNTIME_OPTIONS_INIT;
    options.n_loops = n_loops;
    options.name = "test";
    return options;
}

/* Await a coroutine on another loop. */
int run_on(weft_loop *loop, weft_coro *coro, weft_value *out_value)
{
    weft_concurrent_future *there = nullptr;
    weft_future *here = nullptr;
    WEFT_TRY(weft_run_coroutine_threadsafe(coro, loop, &there));
    int r = weft_wrap_future(there, nullptr, &here);
    weft_concurrent_future_unref(there);
    WEFT_TRY(r);
    r = weft_await(here, out_value);
    weft_future_unref(here);
    return r;
}

struct census {
    std::mutex mutex;
    std::set<std::string> threads;
    std::set<int> indices;
    weft_runtime *runtime = nullptr;
    std::atomic<int> n_wrong{ 0 };
};

int register_thread(void *data)
{
    census *c = static_cast<census *>(data);
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    std::lock_guard<std::mutex> guard(c->mutex);
    int index = weft_get_running_loop_index();
    c->threads.insert(index == 0 ? "caller" : name);
    c->indices.insert(index);
    c->n_wrong += weft_get_running_runtime() != c->runtime;
    c->n_wrong += weft_runtime_get_loop(c->runtime, index) != weft_get_running_loop();
    return 0;
}

} // namespace

TEST_CASE("runtime: each loop has a named thread of its own", "[runtime]")
{
    struct local {
        static int main(weft_runtime *runtime, void *data)
        {
            census *c = static_cast<census *>(data);
            c->runtime = runtime;
            for (int i = 0; i < weft_runtime_get_n_loops(runtime); i++) {
                weft_loop *loop = weft_runtime_get_loop(runtime, i);
                WEFT_TRY(run_on(loop, weft_coro_create(register_thread, c), nullptr));
            }
            c->n_wrong += weft_runtime_get_loop(runtime, -1) != nullptr;
            c->n_wrong += weft_runtime_get_loop(runtime, 3) != nullptr;
            return 0;
        }
    };
    census c;
    weft_runtime_options options = options_for(3);
    CHECK(weft_runtime_run(&options, local::main, &c) == 0);
    CHECK(c.threads == std::set<std::string>{ "caller", "test-1", "test-2" });
    CHECK(c.indices == std::set<int>{ 0, 1, 2 });
    CHECK(c.n_wrong == 0);
    CHECK(weft_get_running_runtime() == nullptr);
    CHECK(weft_get_running_loop_index() == -1);
}

TEST_CASE("runtime: main's error comes back with its message", "[runtime]")
{
    struct local {
        static int main(weft_runtime *, void *)
        {
            return weft_fail(WEFT_EUSER(4), "no port");
        }
    };
    weft_runtime_options options = options_for(2);
    CHECK(weft_runtime_run(&options, local::main, nullptr) == WEFT_EUSER(4));
    CHECK(std::string(weft_current_message(WEFT_EUSER(4))) == "no port");
    weft_raise(nullptr);
}

TEST_CASE("runtime: all loops share one executor", "[runtime]")
{
    struct local {
        static int job(void *data)
        {
            ++*static_cast<std::atomic<int> *>(data);
            return 0;
        }
        static int use(void *data)
        {
            for (int i = 0; i < 10; i++) {
                WEFT_TRY(weft_to_thread(job, data, nullptr));
            }
            return 0;
        }
        static int main(weft_runtime *runtime, void *data)
        {
            for (int i = 0; i < 2; i++) {
                WEFT_TRY(run_on(weft_runtime_get_loop(runtime, i), weft_coro_create(use, data),
                                nullptr));
            }
            weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;
            WEFT_TRY(weft_executor_get_stats(weft_runtime_get_executor(runtime), &stats));
            return stats.n_done == 20 ? 0 : WEFT_EUSER(1);
        }
    };
    std::atomic<int> n{ 0 };
    weft_runtime_options options = options_for(2);
    CHECK(weft_runtime_run(&options, local::main, &n) == 0);
    CHECK(n == 20);
}

TEST_CASE("runtime: loops are picked in turn, or by their tasks", "[runtime]")
{
    struct local {
        static int wait(void *)
        {
            return weft_sleep(WEFT_FOREVER);
        }
        static int start_two(void *)
        {
            for (int i = 0; i < 2; i++) {
                WEFT_TRY(weft_create_task(weft_coro_create(wait, nullptr), nullptr));
            }
            return 0;
        }
        static int main(weft_runtime *runtime, void *data)
        {
            std::vector<int> *picks = static_cast<std::vector<int> *>(data);
            auto index_of = [&](weft_loop *loop) {
                for (int i = 0; i < 3; i++) {
                    if (weft_runtime_get_loop(runtime, i) == loop) {
                        return i;
                    }
                }
                return -1;
            };
            for (int i = 0; i < 4; i++) {
                picks->push_back(index_of(weft_runtime_pick_loop(runtime, WEFT_PICK_ROUND_ROBIN)));
            }
            WEFT_TRY(run_on(weft_runtime_get_loop(runtime, 1), weft_coro_create(start_two, nullptr),
                            nullptr));
            picks->push_back(index_of(weft_runtime_pick_loop(runtime, WEFT_PICK_LEAST_TASKS)));
            return 0;
        }
    };
    std::vector<int> picks;
    weft_runtime_options options = options_for(3);
    CHECK(weft_runtime_run(&options, local::main, &picks) == 0);
    CHECK(picks == std::vector<int>{ 0, 1, 2, 0, 2 }); /* main itself is a task of loop 0 */
    CHECK(weft_runtime_pick_loop(nullptr, WEFT_PICK_ROUND_ROBIN) == nullptr);
}

TEST_CASE("runtime: a loop that somebody stops goes on serving", "[runtime]")
{
    struct local {
        static int nothing(void *)
        {
            return 0;
        }
        static int main(weft_runtime *runtime, void *)
        {
            weft_loop *other = weft_runtime_get_loop(runtime, 1);
            for (int i = 0; i < 10; i++) {
                WEFT_TRY(weft_loop_stop_threadsafe(other));
                WEFT_TRY(run_on(other, weft_coro_create(nothing, nullptr), nullptr));
            }
            return 0;
        }
    };
    weft_runtime_options options = options_for(2);
    CHECK(weft_runtime_run(&options, local::main, nullptr) == 0);
}

namespace
{

struct ending {
    std::atomic<int> n_cancelled{ 0 };
    std::atomic<int> n_answers{ 0 };
    weft_loop *first = nullptr;
    door gate;
};

int answer(void *)
{
    return weft_return_int(1);
}

/* At its cancel it asks another loop, which must still serve. */
int ask_at_the_end(void *data)
{
    ending *e = static_cast<ending *>(data);
    int r = weft_sleep(WEFT_FOREVER);
    e->n_cancelled += r == WEFT_ECANCELED;
    if (run_on(e->first, weft_coro_create(answer, nullptr), nullptr) == 0) {
        e->n_answers++;
    }
    return r;
}

int spawn(void *data)
{
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(ask_at_the_end, data), nullptr));
    }
    return weft_sleep(0);
}

int leave_tasks(weft_runtime *runtime, void *data)
{
    ending *e = static_cast<ending *>(data);
    e->first = weft_get_running_loop();
    for (int i = 0; i < weft_runtime_get_n_loops(runtime); i++) {
        WEFT_TRY(run_on(weft_runtime_get_loop(runtime, i), weft_coro_create(spawn, e), nullptr));
    }
    return 0;
}

int ignore_cancels(void *data)
{
    static_cast<ending *>(data)->gate.open();
    for (;;) {
        (void)weft_sleep(WEFT_FOREVER);
    }
    return 0;
}

int block_for_good(void *data)
{
    static_cast<door *>(data)->pass();
    return 0;
}

} // namespace

TEST_CASE("runtime: tasks of all loops are cancelled while all loops serve", "[runtime][end]")
{
    log_recorder log;
    ending e;
    weft_runtime_options options = options_for(3);
    CHECK(weft_runtime_run(&options, leave_tasks, &e) == 0);
    CHECK(e.n_cancelled == 9);
    CHECK(e.n_answers == 9);
    CHECK(log.records().empty());
}

namespace
{

std::atomic<int> n_visits;

int do_nothing(void *)
{
    return 0;
}

/* When it is cancelled, it asks the next loop for something. */
int visit_next_loop_at_end(void *data)
{
    weft_runtime *runtime = static_cast<weft_runtime *>(data);
    int next = (weft_get_running_loop_index() + 1) % weft_runtime_get_n_loops(runtime);

    int end = weft_sleep(WEFT_S(3600));
    n_visits += run_on(weft_runtime_get_loop(runtime, next), weft_coro_create(do_nothing, nullptr),
                       nullptr) == 0;
    return end;
}

int start_visitors(weft_runtime *runtime, void *)
{
    for (int i = 0; i < weft_runtime_get_n_loops(runtime); i++) {
        weft_loop *loop = weft_runtime_get_loop(runtime, i);
        WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(visit_next_loop_at_end, runtime),
                                               loop, nullptr));
        WEFT_TRY(run_on(loop, weft_coro_create(do_nothing, nullptr), nullptr)); /* it sleeps now */
    }
    return 0;
}

} // namespace

TEST_CASE("runtime: a visitor from a neighbour's cleanup is not taken for a leftover",
          "[runtime][end]")
{
    for (int i = 0; i < 20; i++) {
        weft_runtime_options options = options_for(3);
        n_visits = 0;
        REQUIRE(weft_runtime_run(&options, start_visitors, nullptr) == 0);
        REQUIRE(n_visits == 3);
    }
}

TEST_CASE("runtime: a task that ignores its cancel is named and left behind", "[runtime][end]")
{
    log_recorder log;
    struct local {
        static int main(weft_runtime *runtime, void *data)
        {
            WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(ignore_cancels, data),
                                                   weft_runtime_get_loop(runtime, 1), nullptr));
            static_cast<ending *>(data)->gate.pass();
            return 0;
        }
    };
    ending e;
    weft_runtime_options options = options_for(2);
    options.shutdown_limit = WEFT_MS(30);
    CHECK(weft_runtime_run(&options, local::main, &e) == WEFT_ETIMEDOUT);
    CHECK(log.count(WEFT_REPORT_SHUTDOWN_SURVIVOR) == 1);
    CHECK(log.has("a task did not end after its cancel: it is left behind"));
    CHECK(log.has("ignore_cancels"));
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 1);
    weft_raise(nullptr);
}

TEST_CASE("runtime: a thread that does not come back is named and left behind",
          "[runtime][end][slow]")
{
    log_recorder log;
    struct local {
        static int main(weft_runtime *runtime, void *data)
        {
            WEFT_TRY(weft_run_coroutine_threadsafe(weft_coro_create(block_for_good, data),
                                                   weft_runtime_get_loop(runtime, 1), nullptr));
            static_cast<door *>(data)->wait_for(1);
            return 0;
        }
    };
    static door gate; /* the thread outlives the test */
    weft_runtime_options options = options_for(2);
    options.shutdown_limit = WEFT_MS(30);
    wf_alloc_count_blocks(true);
    CHECK(weft_runtime_run(&options, local::main, &gate) == WEFT_ETIMEDOUT);
    CHECK(log.count(WEFT_REPORT_SHUTDOWN_SURVIVOR) == 1);
    CHECK(log.has("thread 'test-1' does not come back"));
    weft_raise(nullptr);
    gate.open();
    while (wf_alloc_n_blocks() > 0) {
        std::this_thread::yield(); /* the last user frees the runtime */
    }
    wf_alloc_count_blocks(false);
}

TEST_CASE("runtime: a job that does not end is named and left behind", "[runtime][end]")
{
    log_recorder log;
    struct local {
        static int main(weft_runtime *, void *data)
        {
            weft_future *f = nullptr;
            WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, block_for_good, data, &f));
            weft_future_unref(f);
            static_cast<door *>(data)->wait_for(1);
            return 0;
        }
    };
    static door gate; /* the job outlives the test */
    weft_runtime_options options = options_for(2);
    options.shutdown_limit = WEFT_MS(30);
    CHECK(weft_runtime_run(&options, local::main, &gate) == WEFT_ETIMEDOUT);
    CHECK(log.count(WEFT_REPORT_SHUTDOWN_SURVIVOR) == 1);
    CHECK(log.has("job 'block_for_good' still runs on thread 'executor-0'"));
    weft_raise(nullptr);
    gate.open();
}

TEST_CASE("runtime: SIGINT cancels main when asked for", "[runtime][sigint]")
{
    struct local {
        static int main(weft_runtime *, void *)
        {
            (void)raise(SIGINT);
            return weft_sleep(WEFT_FOREVER);
        }
    };
    weft_runtime_options options = options_for(2);
    options.handle_sigint = 1;
    CHECK(weft_runtime_run(&options, local::main, nullptr) == WEFT_EINTERRUPTED);
    weft_raise(nullptr);
}

TEST_CASE("runtime: threads can be pinned, the caller only for the run", "[runtime]")
{
    struct local {
        static int count_cpus(void *)
        {
            cpu_set_t cpus;
            return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? weft_return_int(CPU_COUNT(&cpus))
                                                                 : WEFT_EUSER(1);
        }
        static int main(weft_runtime *runtime, void *data)
        {
            for (int i = 0; i < 2; i++) {
                weft_value value = weft_value_none();
                WEFT_TRY(run_on(weft_runtime_get_loop(runtime, i),
                                weft_coro_create(count_cpus, nullptr), &value));
                static_cast<std::vector<int64_t> *>(data)->push_back(value.as.num);
            }
            return 0;
        }
    };
    cpu_set_t before;
    cpu_set_t after;
    std::vector<int64_t> counts;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    weft_runtime_options options = options_for(2);
    options.pin = 1;
    CHECK(weft_runtime_run(&options, local::main, &counts) == 0);
    CHECK(counts == std::vector<int64_t>{ 1, 1 });
    REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE("runtime: options are checked", "[runtime][misuse]")
{
    struct local {
        static int main(weft_runtime *, void *)
        {
            return 0;
        }
        static int inside(void *data)
        {
            *static_cast<int *>(data) = weft_runtime_run(nullptr, main, nullptr);
            return 0;
        }
    };
    weft_runtime_options options = options_for(-1);
    CHECK(weft_runtime_run(&options, local::main, nullptr) == WEFT_EINVAL);
    options = options_for(1);
    options.size = 3;
    CHECK(weft_runtime_run(&options, local::main, nullptr) == WEFT_EINVAL);
    options = options_for(1);
    options.executor.min_threads = 9;
    options.executor.max_threads = 3;
    CHECK(weft_runtime_run(&options, local::main, nullptr) == WEFT_EINVAL);
    options = options_for(1);
    CHECK(weft_runtime_run_at(nullptr, &options, nullptr, nullptr) == WEFT_EINVAL);
    int code = 0;
    CHECK(weft_run(local::inside, &code) == 0);
    CHECK(code == WEFT_ERUNTIME);
    CHECK(weft_runtime_run(nullptr, local::main, nullptr) == 0);
    weft_raise(nullptr);
}

TEST_CASE("runtime: without memory or threads (R12)", "[runtime][oom]")
{
    struct local {
        static int main(weft_runtime *, void *)
        {
            return 0;
        }
    };
    int n_failed = sweep_out_of_memory(
        [] {
            weft_runtime_options options = options_for(3);
            return weft_runtime_run(&options, local::main, nullptr);
        },
        { -EMFILE, -EAGAIN, WEFT_ENOSTACK, WEFT_ETIMEDOUT });
    CHECK(n_failed > 10);
}

/* weft_run: main, its leftovers, its executor, SIGINT. */
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/bridge.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/task.h"

namespace
{

int answer(void *)
{
    return weft_return_int(42);
}

int fail_politely(void *)
{
    return weft_fail(WEFT_EUSER(3), "no tea");
}

weft_loop_options virtual_options()
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    options.virtual_clock = 1;
    return options;
}

} // namespace

TEST_CASE("run: main's value and error come back", "[run]")
{
    weft_value value = weft_value_none();
    CHECK(weft_run(answer, nullptr) == 0);
    CHECK(weft_run_with(answer, nullptr, nullptr, &value) == 0);
    CHECK(value.as.num == 42);
    value = weft_value_int(7);
    CHECK(weft_run_with(fail_politely, nullptr, nullptr, &value) == WEFT_EUSER(3));
    CHECK(value.as.num == 7);
    CHECK(std::string(weft_current_message(WEFT_EUSER(3))) == "no tea");
    CHECK(weft_get_running_loop() == nullptr);
    weft_raise(nullptr);
}

TEST_CASE("run: not without a function, not inside a run", "[run][misuse]")
{
    struct local {
        static int main(void *data)
        {
            *static_cast<int *>(data) = weft_run(answer, nullptr);
            return 0;
        }
    };
    int code = 0;
    CHECK(weft_run_at(nullptr, nullptr, nullptr, nullptr, nullptr) == WEFT_EINVAL);
    CHECK(weft_run(local::main, &code) == 0);
    CHECK(code == WEFT_ERUNTIME);
    weft_raise(nullptr);
}

namespace
{

struct leftovers {
    std::vector<std::string> trace;
};

int sleeper(void *data)
{
    leftovers *l = static_cast<leftovers *>(data);
    int r = weft_sleep(WEFT_FOREVER);
    l->trace.push_back(r == WEFT_ECANCELED ? "cancelled" : "?");
    r = weft_sleep(WEFT_S(3600)); /* cleaning up may take its time */
    l->trace.push_back(r == 0 ? "cleaned" : "?");
    return WEFT_ECANCELED;
}

int sore_loser(void *)
{
    (void)weft_sleep(WEFT_FOREVER);
    return weft_fail(WEFT_EUSER(9), "not yet");
}

int leave_two(void *data)
{
    WEFT_TRY(weft_create_task(weft_coro_create(sleeper, data), nullptr));
    WEFT_TRY(weft_create_task(weft_coro_create(sore_loser, data), nullptr));
    WEFT_TRY(weft_sleep(0));
    static_cast<leftovers *>(data)->trace.push_back("main");
    return weft_fail(WEFT_EUSER(1), "main's own");
}

} // namespace

TEST_CASE("run: tasks that are left are cancelled and waited for", "[run]")
{
    log_recorder log;
    leftovers l;
    weft_loop_options options = virtual_options();
    CHECK(weft_run_with(leave_two, &l, &options, nullptr) == WEFT_EUSER(1));
    CHECK(l.trace == std::vector<std::string>{ "main", "cancelled", "cleaned" });
    CHECK(std::string(weft_current_message(WEFT_EUSER(1))) == "main's own");
    CHECK(log.count(WEFT_REPORT_RUN_SHUTDOWN_EXCEPTION) == 1);
    CHECK(log.has("unhandled exception during asyncio.run() shutdown"));
    CHECK(log.has("not yet"));
    CHECK(log.records().size() == 1);
    weft_raise(nullptr);
}

TEST_CASE("run: jobs of the default executor are waited for", "[run]")
{
    struct local {
        static int job(void *data)
        {
            ++*static_cast<std::atomic<int> *>(data);
            return 0;
        }
        static int main(void *data)
        {
            for (int i = 0; i < 20; i++) {
                weft_future *f = nullptr;
                WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, job, data, &f));
                weft_future_unref(f);
            }
            return 0;
        }
    };
    std::atomic<int> n{ 0 };
    CHECK(weft_run(local::main, &n) == 0);
    CHECK(n == 20);
}

namespace
{

int wait_for_sigint(void *data)
{
    std::vector<int> *codes = static_cast<std::vector<int> *>(data);
    (void)raise(SIGINT);
    codes->push_back(weft_sleep(WEFT_FOREVER));
    return codes->back();
}

int swallow_sigint(void *data)
{
    (void)wait_for_sigint(data);
    return weft_return_int(1);
}

void ignore_signal(int)
{
}

} // namespace

TEST_CASE("run: SIGINT cancels main", "[run][sigint]")
{
    struct sigaction before;
    struct sigaction after;
    std::vector<int> codes;
    REQUIRE(sigaction(SIGINT, nullptr, &before) == 0);
    CHECK(weft_run(wait_for_sigint, &codes) == WEFT_EINTERRUPTED);
    CHECK(codes == std::vector<int>{ WEFT_ECANCELED });
    CHECK(weft_run(swallow_sigint, &codes) == 0);
    REQUIRE(sigaction(SIGINT, nullptr, &after) == 0);
    CHECK(before.sa_handler == SIG_DFL);
    CHECK(after.sa_handler == SIG_DFL);
    weft_raise(nullptr);
}

TEST_CASE("run: SIGINT from another thread wakes a sleeping main", "[run][sigint][threads]")
{
    struct local {
        static int main(void *data)
        {
            *static_cast<std::atomic<bool> *>(data) = true;
            return weft_sleep(WEFT_FOREVER);
        }
    };
    std::atomic<bool> runs{ false };
    std::thread killer([&] {
        while (!runs) {
            std::this_thread::yield();
        }
        (void)raise(SIGINT); /* on this thread */
    });
    CHECK(weft_run(local::main, &runs) == WEFT_EINTERRUPTED);
    killer.join();
    weft_raise(nullptr);
}

namespace
{

/* TSan holds signals back until the next call that blocks, and knows no fibers in a child. */
#if defined(__SANITIZE_THREAD__)
constexpr bool can_fork = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool can_fork = false;
#else
constexpr bool can_fork = true;
#endif
#else
constexpr bool can_fork = true;
#endif

struct forked {
    pid_t child;
    int status;
};

/* The child is hit by SIGINT, or runs something of its own and then is. */
int fork_and_interrupt(void *data)
{
    auto *f = static_cast<forked *>(data);

    f->child = fork();
    if (f->child == 0) {
        (void)raise(SIGINT);
        _exit(1); /* it was swallowed */
    }
    f->status = -1;
    (void)waitpid(f->child, &f->status, 0);
    return weft_sleep(0); /* a cancel would come here */
}

int fork_and_run(void *data)
{
    auto *f = static_cast<forked *>(data);

    f->child = fork();
    if (f->child == 0) {
        return 0; /* out of the parent's run first */
    }
    f->status = -1;
    (void)waitpid(f->child, &f->status, 0);
    return weft_sleep(0);
}

} // namespace

TEST_CASE("run: SIGINT ends a forked child, not its parent", "[run][sigint][fork][regress]")
{
    if (!can_fork) {
        return;
    }
    forked f = {};
    CHECK(weft_run(fork_and_interrupt, &f) == 0);
    CHECK(WIFSIGNALED(f.status));
    CHECK(WTERMSIG(f.status) == SIGINT);
}

TEST_CASE("run: a forked child has a watch of its own", "[run][sigint][fork][regress]")
{
    if (!can_fork) {
        return;
    }
    forked f = {};
    std::vector<int> codes;
    int r = weft_run(fork_and_run, &f);
    if (f.child == 0) { /* out of the parent's run */
        int n_wrong = r != WEFT_EFORKED;
        n_wrong += 2 * (weft_run(wait_for_sigint, &codes) != WEFT_EINTERRUPTED);
        _exit(n_wrong);
    }
    CHECK(r == 0);
    CHECK(WIFEXITED(f.status));
    CHECK(WEXITSTATUS(f.status) == 0);
}

TEST_CASE("run: a handler of the program is left alone", "[run][sigint]")
{
    struct local {
        static int main(void *)
        {
            (void)raise(SIGINT);
            return weft_sleep(WEFT_US(10));
        }
    };
    struct sigaction now;
    (void)signal(SIGINT, ignore_signal);
    CHECK(weft_run(local::main, nullptr) == 0);
    REQUIRE(sigaction(SIGINT, nullptr, &now) == 0);
    CHECK(now.sa_handler == ignore_signal);
    (void)signal(SIGINT, SIG_DFL);
}

TEST_CASE("run: without memory", "[run][oom]")
{
    log_recorder log;
    struct local {
        static int child(void *)
        {
            return weft_sleep(WEFT_FOREVER);
        }
        static int main(void *)
        {
            WEFT_TRY(weft_create_task(weft_coro_create(child, nullptr), nullptr));
            WEFT_TRY(weft_create_task(weft_coro_create(child, nullptr), nullptr));
            return weft_sleep(WEFT_MS(1));
        }
    };
    int n_failed = sweep_out_of_memory(
        [] {
            weft_loop_options options = virtual_options();
            return weft_run_with(local::main, nullptr, &options, nullptr) < 0
                       ? WEFT_ENOMEM
                       : (wf_alloc_n_failed() > 0 ? WEFT_ENOMEM : 0);
        },
        { -EMFILE, WEFT_ENOSTACK });
    CHECK(n_failed > 5);
}

/*
 * A process executor whose workers are this test program once more: outcomes,
 * workers that die in every way, cancel, limits, shutdown, and what is left: nothing.
 */
#include "support/processes.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <thread>

#include "support/sweep.hpp"
#include "weft/bridge.h"
#include "weft/process_executor.h"

/* ---- the worker --------------------------------------------------------- */

namespace
{

int echo(const void *input, size_t size, weft_bytes **out_output)
{
    *out_output = weft_bytes_create(input, size);
    return *out_output != nullptr ? 0 : WEFT_ENOMEM;
}

int pid_of_worker(const void *, size_t, weft_bytes **out_output)
{
    pid_t pid = getpid();

    *out_output = weft_bytes_create(&pid, sizeof pid);
    return 0;
}

int fail(const void *input, size_t, weft_bytes **)
{
    return weft_fail(WEFT_EUSER(7), "no %s today", static_cast<const char *>(input));
}

int give_nothing(const void *, size_t, weft_bytes **)
{
    return 0;
}

/* A byte to the descriptor of a fifo says that it runs; then it stays. */
int hang(const void *input, size_t size, weft_bytes **)
{
    if (size > 0) {
        int fd = open(static_cast<const char *>(input), O_WRONLY);
        if (write(fd, "x", 1) != 1) {
            return -errno;
        }
        close(fd);
    }
    for (;;) {
        pause();
    }
}

int die(const void *input, size_t, weft_bytes **)
{
    const char *how = static_cast<const char *>(input);

    if (strcmp(how, "exit") == 0) {
        _exit(3);
    }
    if (strcmp(how, "kill") == 0) {
        kill(getpid(), SIGKILL);
    }
    if (strcmp(how, "close") == 0) {
        close(3); /* and lives on */
        pause();
    }
    if (strcmp(how, "nonsense") == 0) {
        if (write(3, "This is not a head of any kind at all.", 38) != 38) {
            return -errno;
        }
        pause();
    }
    if (strcmp(how, "afterwards") == 0) { /* what nobody has asked for */
        std::thread([] {
            struct timespec pause = { 0, 1000000 };
            nanosleep(&pause, nullptr);
            (void)!write(3, "more", 4);
        }).detach();
        return 0;
    }
    if (strcmp(how, "half") == 0) {
        const uint32_t head[] = { 0x77665731u, 4, 0, 0, 1000, 0 };
        if (write(3, head, sizeof head) != sizeof head) {
            return -errno;
        }
        _exit(0);
    }
    return 0;
}

int print_noise(const void *, size_t, weft_bytes **out_output)
{
    /* It has no standard output of its own: what it prints must not harm the channel. */
    int target = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(target, 1);
    for (int i = 0; i < 1000; i++) {
        printf("noise %d\n", i);
    }
    fflush(stdout);
    char byte;
    bool is_empty = read(0, &byte, 1) == 0;
    *out_output = weft_bytes_create(is_empty ? "quiet" : "loud", is_empty ? 5 : 4);
    return 0;
}

/* A grandchild that outlives it, and would hold the channel if it could. */
int leave_grandchild(const void *, size_t, weft_bytes **)
{
    if (fork() == 0) {
        pause();
    }
    _exit(4);
}

const weft_process_job jobs[] = {
    WEFT_PROCESS_JOB(echo),        WEFT_PROCESS_JOB(pid_of_worker),
    WEFT_PROCESS_JOB(fail),        WEFT_PROCESS_JOB(give_nothing),
    WEFT_PROCESS_JOB(hang),        WEFT_PROCESS_JOB(die),
    WEFT_PROCESS_JOB(print_noise), WEFT_PROCESS_JOB(leave_grandchild),
};

} // namespace

/* What "--weft-test-hang FIFO" does: an executor with one worker, busy for ever. */
static int hang_for_ever(const char *path)
{
    weft_process_executor_options options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
    weft_process_executor *executor = nullptr;
    weft_concurrent_future *future = nullptr;
    weft_process_executor_job job;

    options.max_workers = 1;
    if (weft_process_executor_create(&options, &executor) < 0 ||
        weft_process_executor_submit(executor, "hang", path, strlen(path), &future) < 0) {
        return 1;
    }
    while (weft_process_executor_get_running(executor, &job, 1) == 0) {
        block_a_little();
    }
    printf("%d\n", static_cast<int>(job.pid));
    fflush(stdout);
    pause();
    return 1;
}

/* Called first by main. */
extern "C" bool weft_test_other_main(int argc, char **argv, int *out_status)
{
    int r = weft_process_executor_worker_main(argc, argv, jobs, sizeof jobs / sizeof jobs[0]);

    if (r == 0 && argc == 3 && strcmp(argv[1], "--weft-test-hang") == 0) {
        *out_status = hang_for_ever(argv[2]);
        return true;
    }
    *out_status = r < 0 ? 1 : 0;
    return r != 0;
}

/* ---- support ------------------------------------------------------------ */

namespace
{

class pool
{
  public:
    explicit pool(unsigned max = 2, unsigned max_tasks = 0)
    {
        options.max_workers = max;
        options.max_tasks_per_child = max_tasks;
    }
    ~pool()
    {
        end();
        weft_process_executor_unref(executor);
    }
    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;

    weft_process_executor *get()
    {
        if (executor == nullptr) {
            REQUIRE(weft_process_executor_create(&options, &executor) == 0);
        }
        return executor;
    }
    int end()
    {
        weft_process_executor_shutdown_options now = WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        now.kill_running = true;
        now.cancel_queued = true;
        now.timeout = WEFT_MS(1);
        return executor != nullptr ? weft_process_executor_shutdown(executor, &now) : 0;
    }
    weft_concurrent_future *submit(const char *job, const void *input = "", size_t size = 0)
    {
        weft_concurrent_future *future = nullptr;
        REQUIRE(weft_process_executor_submit(get(), job, input, size, &future) == 0);
        return future;
    }
    /* The answer as text, or the code's name. */
    static std::string join(weft_concurrent_future *future)
    {
        weft_value value = weft_value_none();
        int code = weft_concurrent_future_result(future, WEFT_S(60), &value);
        std::string text = code < 0 ? weft_error_name(code) : "";
        if (code < 0) {
            text += std::string(": ") + weft_current_message(code);
        } else if (value.as.ptr != nullptr) {
            const weft_bytes *bytes = static_cast<const weft_bytes *>(value.as.ptr);
            text.assign(bytes->data, bytes->size);
        }
        weft_value_clear(&value);
        weft_concurrent_future_unref(future);
        return text;
    }
    std::string ask(const char *job, const std::string &input = "")
    {
        return join(submit(job, input.data(), input.size()));
    }
    pid_t ask_pid()
    {
        pid_t pid = 0;
        std::string text = ask("pid_of_worker");
        if (text.size() == sizeof pid) {
            memcpy(&pid, text.data(), sizeof pid);
        }
        return pid;
    }
    weft_process_executor_stats stats()
    {
        weft_process_executor_stats s = WEFT_PROCESS_EXECUTOR_STATS_INIT;
        REQUIRE(weft_process_executor_get_stats(get(), &s) == 0);
        return s;
    }

    weft_process_executor_options options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;

  private:
    weft_process_executor *executor = nullptr;
};

/* A fifo in a folder of its own, for a job to say that it runs. */
class fifo
{
  public:
    fifo()
    {
        char name[] = "/tmp/weft-fifo-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        folder = name;
        path = folder + "/fifo";
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE(fd >= 0);
    }
    ~fifo()
    {
        close(fd);
        unlink(path.c_str());
        rmdir(folder.c_str());
    }
    fifo(const fifo &) = delete;
    fifo &operator=(const fifo &) = delete;
    bool wait() const
    {
        char byte;
        return read(fd, &byte, 1) == 1;
    }
    std::string path;

  private:
    std::string folder;
    int fd;
};

struct inventory {
    int before = n_descriptors();
    bool is_clean() const
    {
        for (int i = 0; i < 5000 && !is_clean_now(); i++) {
            block_a_little();
        }
        return is_clean_now();
    }
    bool is_clean_now() const
    {
        return n_threads_named("processes") == 0 && !has_child() && n_descriptors() == before;
    }
};

/* Whether a process has died; somebody may still have to take its exit. */
bool is_dead(pid_t pid)
{
    std::string path = "/proc/" + std::to_string(pid) + "/stat";
    char stat[256] = "";
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    bool is_dead = fd < 0 || read(fd, stat, sizeof stat - 1) <= 0 || strstr(stat, ") Z") != nullptr;

    if (fd >= 0) {
        close(fd);
    }
    return is_dead;
}

bool wait_until_dead(pid_t pid)
{
    for (int i = 0; i < 5000 && !is_dead(pid); i++) {
        block_a_little();
    }
    return is_dead(pid);
}

bool starts_with(const std::string &text, const std::string &part)
{
    return text.compare(0, part.size(), part) == 0;
}

} // namespace

/* ---- jobs --------------------------------------------------------------- */

TEST_CASE("process executor: bytes in, bytes out, and a worker is used again", "[process_executor]")
{
    inventory left;
    std::string big(1500000, ' ');

    for (size_t i = 0; i < big.size(); i++) {
        big[i] = static_cast<char>(i * 31 + i / 7);
    }
    {
        pool p(/* max = */ 1);
        REQUIRE(p.ask("echo", "hello") == "hello");
        REQUIRE(p.ask("echo").empty());
        REQUIRE(p.ask("give_nothing").empty());
        REQUIRE(p.ask("echo", big) == big);
        REQUIRE(p.ask("print_noise") == "quiet");
        pid_t first = p.ask_pid();
        REQUIRE(first > 0);
        REQUIRE(first != getpid());
        REQUIRE(p.ask_pid() == first);
        weft_process_executor_stats s = p.stats();
        REQUIRE(s.n_started == 1);
        REQUIRE(s.n_workers == 1);
        REQUIRE(s.n_done == 7);
        REQUIRE(s.n_broken == 0);
        REQUIRE(weft_process_executor_get_running(p.get(), nullptr, 0) == 0);
        REQUIRE(std::string(weft_process_executor_get_name(p.get())) == "processes");
        REQUIRE(weft_process_executor_shutdown(p.get(), nullptr) == 0);
        REQUIRE_FALSE(has_child());
        weft_concurrent_future *none = nullptr;
        REQUIRE(weft_process_executor_submit(p.get(), "echo", "", 0, &none) == WEFT_ESHUTDOWN);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a job's failure is its own, with its message", "[process_executor]")
{
    inventory left;
    {
        pool p(/* max = */ 1);
        REQUIRE(p.ask("fail", "bread") == "EUSER(7): no bread today");
        REQUIRE(p.ask("unheard-of") == "WEFT_EINVAL: the worker knows no job 'unheard-of'");
        REQUIRE(p.ask("echo", "still there") == "still there");
        REQUIRE(p.stats().n_started == 1);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a worker that dies fails its job, and the pool goes on",
          "[process_executor][death]")
{
    inventory left;
    {
        pool p(/* max = */ 1);
        std::string text = p.ask("die", "exit");
        REQUIRE(starts_with(text, "WEFT_EBROKENPROCESS: job 'die': worker process "));
        REQUIRE(text.find(" exited with status 3") != std::string::npos);
        REQUIRE(p.ask("die", "kill").find(" was killed by SIGKILL") != std::string::npos);
        REQUIRE(p.ask("die", "nonsense").find(" talks nonsense") != std::string::npos);
        REQUIRE(p.ask("die", "half").find(" exited with status 0") != std::string::npos);
        REQUIRE(p.ask("leave_grandchild").find(" exited with status 4") != std::string::npos);
        REQUIRE(p.ask("die", "close").find(" talks nonsense") != std::string::npos);
        REQUIRE(p.ask("echo", "well") == "well");
        REQUIRE(p.stats().n_broken == 6);
        REQUIRE(p.stats().n_started == 7);
        /* One that dies while it is idle hurts nobody. */
        pid_t idle = p.ask_pid();
        kill(idle, SIGKILL);
        REQUIRE(wait_until_dead(idle));
        REQUIRE(p.ask_pid() > 0);
        REQUIRE(p.stats().n_broken == 6);
        /* One that talks while it is idle is replaced, and hurts nobody either. */
        REQUIRE(p.ask("die", "afterwards").empty());
        for (int i = 0; i < 10; i++) {
            block_a_little();
        }
        REQUIRE(p.ask("echo", "well") == "well");
        REQUIRE(p.stats().n_broken == 6);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: fifty kills in the middle of jobs", "[process_executor][death]")
{
    inventory left;
    int n_broken = 0;
    {
        pool p(/* max = */ 2);
        fifo running;
        for (int i = 0; i < 50; i++) {
            weft_concurrent_future *other = p.submit("echo", "x", 1);
            weft_concurrent_future *stuck =
                p.submit("hang", running.path.c_str(), running.path.size());
            REQUIRE(running.wait());
            weft_process_executor_job job;
            size_t n = 0;
            do { /* the other one may be listed, too */
                n = weft_process_executor_get_running(p.get(), &job, 1);
            } while (n != 1 || strcmp(job.job, "hang") != 0);
            REQUIRE(job.pid > 0);
            kill(static_cast<pid_t>(job.pid), SIGKILL);
            n_broken += pool::join(stuck).find("was killed by SIGKILL") != std::string::npos;
            REQUIRE(pool::join(other) == "x");
        }
        REQUIRE(p.ask("echo", "well") == "well");
        REQUIRE(p.stats().n_broken == 50);
    }
    REQUIRE(n_broken == 50);
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: workers that cannot be started, or are none", "[process_executor]")
{
    inventory left;
    {
        pool p(/* max = */ 1);
        const char *const nowhere[] = { "/nonexistent/worker", nullptr };
        p.options.argv = nowhere;
        REQUIRE(p.ask("echo", "x") == "ENOENT: No such file or directory: '/nonexistent/worker'");
        REQUIRE(p.stats().n_workers == 0);
    }
    {
        pool p(/* max = */ 1);
        const char *const stranger[] = { "sh", "-c", "exit 5", nullptr };
        p.options.argv = stranger;
        std::string text = p.ask("echo", "x");
        REQUIRE(starts_with(text, "WEFT_EBROKENPROCESS: no worker: does the program's main call "));
        REQUIRE(text.find("exited with status 5") != std::string::npos);
    }
    {
        pool p(/* max = */ 1);
        const char *const talker[] = { "sh", "-c", "head -c 100 /dev/zero >&3; exec sleep 60",
                                       nullptr };
        p.options.argv = talker;
        REQUIRE(p.ask("echo", "x").find("talks nonsense") != std::string::npos);
    }
    char name[] = "program";
    char flag[] = "--weft-process-worker";
    char *by_hand[] = { name, flag, nullptr };
    char *plain[] = { name, nullptr };
    REQUIRE(weft_process_executor_worker_main(1, plain, nullptr, 0) == 0);
    REQUIRE(weft_process_executor_worker_main(2, by_hand, nullptr, 1) == WEFT_EINVAL);
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a worker is replaced after its share of jobs", "[process_executor]")
{
    inventory left;
    std::vector<pid_t> pids;
    {
        pool p(/* max = */ 1, /* max_tasks = */ 2);
        for (int i = 0; i < 6; i++) {
            pids.push_back(p.ask_pid());
        }
        REQUIRE(p.stats().n_started == 3);
        REQUIRE(p.stats().n_broken == 0);
    }
    REQUIRE(pids[0] == pids[1]);
    REQUIRE(pids[1] != pids[2]);
    REQUIRE(pids[2] == pids[3]);
    REQUIRE(pids[4] == pids[5]);
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: the least workers are there from the start", "[process_executor]")
{
    inventory left;
    {
        pool p(/* max = */ 3);
        p.options.min_workers = 2;
        p.options.idle_exit = WEFT_MS(1);
        for (int i = 0; i < 5000 && p.stats().n_workers < 2; i++) {
            block_a_little();
        }
        REQUIRE(p.stats().n_workers == 2);
        REQUIRE(p.stats().n_started == 2);
        REQUIRE(p.ask("echo", "x") == "x");
        REQUIRE(p.stats().n_workers >= 2);
    }
    {
        pool p(/* max = */ 1);
        p.options.idle_exit = WEFT_MS(1);
        REQUIRE(p.ask("echo", "x") == "x");
        for (int i = 0; i < 5000 && p.stats().n_workers > 0; i++) {
            block_a_little();
        }
        REQUIRE(p.stats().n_workers == 0); /* none had to stay */
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: many threads and a loop submit side by side", "[process_executor]")
{
    inventory left;
    std::atomic<int> n_right{ 0 };
    {
        pool p(/* max = */ 3);
        weft_process_executor *executor = p.get();
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; t++) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 25; i++) {
                    std::string text = std::to_string(t) + "/" + std::to_string(i);
                    weft_concurrent_future *future = nullptr;
                    if (weft_process_executor_submit(executor, "echo", text.data(), text.size(),
                                                     &future) == 0) {
                        n_right += pool::join(future) == text;
                    }
                }
            });
        }
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            for (int i = 0; i < 25; i++) {
                weft_future *future = nullptr;
                weft_value value = weft_value_none();
                WEFT_TRY(weft_loop_run_in_process_executor(nullptr, executor, "echo", "loop", 4,
                                                           &future));
                int code = weft_await(future, &value);
                weft_future_unref(future);
                if (code == 0) {
                    n_right += text_of(static_cast<weft_bytes *>(value.as.ptr)) == "loop";
                }
            }
            return 0;
        });
        for (std::thread &thread : threads) {
            thread.join();
        }
        REQUIRE(r == 0);
        REQUIRE(p.stats().n_started <= 3);
    }
    REQUIRE(n_right == 125);
    REQUIRE(left.is_clean());
}

/* ---- limits and cancel -------------------------------------------------- */

TEST_CASE("process executor: a full queue rejects, and a queued job is cancelled",
          "[process_executor][cancel]")
{
    inventory left;
    {
        pool p(/* max = */ 1);
        fifo running;
        weft_concurrent_future *more = nullptr;
        p.options.queue_limit = 1;
        weft_concurrent_future *stuck = p.submit("hang", running.path.c_str(), running.path.size());
        REQUIRE(running.wait());
        weft_concurrent_future *queued = p.submit("echo", "x", 1);
        REQUIRE(weft_process_executor_submit(p.get(), "echo", "y", 1, &more) == WEFT_EQUEUEFULL);
        REQUIRE(p.stats().n_rejected == 1);
        REQUIRE(p.stats().n_queued == 1);
        REQUIRE(weft_concurrent_future_cancel(queued) == 0);
        REQUIRE(weft_concurrent_future_cancel(stuck) == WEFT_EINVALIDSTATE);
        REQUIRE(p.stats().n_queued == 0);
        REQUIRE(starts_with(pool::join(queued), "WEFT_ECANCELED"));
        weft_process_executor_job job;
        REQUIRE(weft_process_executor_get_running(p.get(), &job, 1) == 1);
        kill(static_cast<pid_t>(job.pid), SIGTERM);
        REQUIRE(pool::join(stuck).find("was killed by SIGTERM") != std::string::npos);
        REQUIRE(p.stats().n_cancelled == 1);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a cancelled wait abandons its job, or kills it",
          "[process_executor][cancel]")
{
    inventory left;
    log_recorder log;
    bool kills = GENERATE(false, true);
    std::vector<int> codes;
    {
        pool p(/* max = */ 1);
        fifo running;
        p.options.kill_on_cancel = kills;
        weft_process_executor *executor = p.get();
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_future *stuck = nullptr;
            weft_future *queued = nullptr;
            WEFT_TRY(weft_loop_run_in_process_executor(
                nullptr, executor, "hang", running.path.c_str(), running.path.size(), &stuck));
            WEFT_TRY(weft_loop_run_in_process_executor(nullptr, executor, "echo", "x", 1, &queued));
            if (!running.wait()) {
                return WEFT_EUSER(1);
            }
            weft_task *waiter = w.spawn([&] { return weft_await(stuck, nullptr); });
            WEFT_TRY(weft_sleep(0));
            weft_task_cancel(waiter, nullptr);
            codes.push_back(weft_await(waiter, nullptr));
            if (!kills) {
                weft_future_cancel(queued, nullptr);
            }
            codes.push_back(weft_await(queued, nullptr)); /* behind the killed one */
            weft_future_unref(stuck);
            weft_future_unref(queued);
            return 0;
        });
        REQUIRE(r == 0);
        weft_process_executor_job job;
        REQUIRE(weft_process_executor_get_running(executor, &job, 1) == (kills ? 0 : 1));
        REQUIRE(p.stats().n_broken == (kills ? 1 : 0));
    }
    REQUIRE(codes == std::vector<int>{ WEFT_ECANCELED, kills ? 0 : WEFT_ECANCELED });
    if (kills) {
        REQUIRE(log.records().empty()); /* nobody asked, so nobody is told */
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a task waits for room, and is cancelled there",
          "[process_executor][cancel]")
{
    inventory left;
    std::vector<int> codes;
    std::string last;
    {
        pool p(/* max = */ 1);
        fifo running;
        p.options.kill_on_cancel = true;
        p.options.queue_limit = 1;
        p.options.when_full = WEFT_EXECUTOR_WAIT;
        weft_process_executor *executor = p.get();
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_future *stuck = nullptr;
            weft_future *queued = nullptr;
            auto submit = [&](weft_future **out) {
                return weft_loop_run_in_process_executor(nullptr, executor, "echo", "x", 1, out);
            };
            WEFT_TRY(weft_loop_run_in_process_executor(
                nullptr, executor, "hang", running.path.c_str(), running.path.size(), &stuck));
            if (!running.wait()) {
                return WEFT_EUSER(1);
            }
            WEFT_TRY(submit(&queued));
            weft_future *third = nullptr;
            weft_task *waiter = w.spawn([&] { return submit(&third); });
            WEFT_TRY(weft_sleep(0));
            weft_task_cancel(waiter, nullptr);
            codes.push_back(weft_await(waiter, nullptr));
            waiter = w.spawn([&] { return submit(&third); });
            WEFT_TRY(weft_sleep(0));
            weft_future_cancel(stuck, nullptr); /* killed: all move up */
            codes.push_back(weft_await(waiter, nullptr));
            weft_value value = weft_value_none();
            codes.push_back(weft_await(third, &value));
            last = text_of(static_cast<weft_bytes *>(value.as.ptr));
            codes.push_back(weft_await(queued, nullptr));
            weft_future_unref(third);
            weft_future_unref(stuck);
            weft_future_unref(queued);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(codes == std::vector<int>{ WEFT_ECANCELED, 0, 0, 0 });
    REQUIRE(last == "x");
    REQUIRE(left.is_clean());
}

/* ---- the end ------------------------------------------------------------ */

TEST_CASE("process executor: a shutdown names the stuck, and kills them when it may",
          "[process_executor][shutdown]")
{
    inventory left;
    {
        pool p(/* max = */ 2);
        fifo running;
        weft_process_executor_shutdown_options end = WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        weft_concurrent_future *stuck = p.submit("hang", running.path.c_str(), running.path.size());
        REQUIRE(running.wait());
        end.timeout = WEFT_MS(20);
        REQUIRE(weft_process_executor_shutdown(p.get(), &end) == WEFT_ETIMEDOUT);
        std::string message = weft_current_message(WEFT_ETIMEDOUT);
        weft_process_executor_job jobs_left[4];
        REQUIRE(weft_process_executor_get_running(p.get(), jobs_left, 4) == 1);
        REQUIRE(std::string(jobs_left[0].job) == "hang");
        REQUIRE(message == "process executor 'processes': 1 jobs still run, the oldest is 'hang' "
                           "in process " +
                               std::to_string(jobs_left[0].pid));
        end.kill_running = true;
        REQUIRE(weft_process_executor_shutdown(p.get(), &end) == 0);
        REQUIRE(pool::join(stuck).find("was killed by SIGKILL") != std::string::npos);
        REQUIRE_FALSE(has_child());
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: the last reference lets queued jobs run, then workers end",
          "[process_executor][shutdown]")
{
    inventory left;
    std::vector<weft_concurrent_future *> futures;
    weft_process_executor_options options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
    weft_process_executor *executor = nullptr;

    options.max_workers = 1;
    REQUIRE(weft_process_executor_create(&options, &executor) == 0);
    for (int i = 0; i < 4; i++) {
        weft_concurrent_future *future = nullptr;
        REQUIRE(weft_process_executor_submit(executor, "echo", "x", 1, &future) == 0);
        futures.push_back(future);
    }
    REQUIRE(weft_process_executor_ref(executor) == executor);
    REQUIRE(weft_process_executor_unref(executor) == nullptr);
    REQUIRE(weft_process_executor_unref(executor) == nullptr);
    for (weft_concurrent_future *future : futures) {
        REQUIRE(pool::join(future) == "x");
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a worker dies with the program that started it",
          "[process_executor][shutdown]")
{
    inventory left;
    {
        fifo running;
        weft_process_options options = pipes(out_pipe);
        weft_process *p = nullptr;
        world w(/* is_virtual = */ false);
        pid_t worker = 0;
        int r = w.run([&] {
            WEFT_TRY(
                start(options, { "/proc/self/exe", "--weft-test-hang", running.path.c_str() }, &p));
            std::string line = read_line(weft_process_get_stdout(p));
            worker = static_cast<pid_t>(atoi(line.c_str()));
            if (worker <= 0 || !running.wait()) {
                return WEFT_EUSER(1);
            }
            WEFT_TRY(weft_process_kill(p)); /* -9: it cannot say goodbye */
            WEFT_TRY(weft_process_wait(p, nullptr));
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
        REQUIRE(wait_until_dead(worker));
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: a loop that closes abandons what runs", "[process_executor][close]")
{
    inventory left;
    log_recorder log;
    {
        pool p(/* max = */ 1);
        fifo running;
        p.options.kill_on_cancel = true;
        weft_process_executor *executor = p.get();
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_future *stuck = nullptr;
            WEFT_TRY(weft_loop_run_in_process_executor(
                nullptr, executor, "hang", running.path.c_str(), running.path.size(), &stuck));
            weft_future_unref(stuck);
            return running.wait() ? 0 : WEFT_EUSER(1);
        });
        REQUIRE(r == 0);
        w.close();
        weft_process_executor_shutdown_options end = WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        end.timeout = WEFT_S(30);
        REQUIRE(weft_process_executor_shutdown(executor, &end) == 0); /* the close killed it */
    }
    REQUIRE(left.is_clean());
}

/* ---- misuse and memory -------------------------------------------------- */

TEST_CASE("process executor: every wrong argument is refused", "[process_executor]")
{
    inventory left;
    log_recorder log;
    {
        weft_process_executor *none = nullptr;
        weft_concurrent_future *future = nullptr;
        weft_process_executor_options options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
        weft_process_executor_stats stats = WEFT_PROCESS_EXECUTOR_STATS_INIT;
        weft_process_executor_shutdown_options end = WEFT_PROCESS_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
        const char *const empty[] = { nullptr };

        REQUIRE(weft_process_executor_create(nullptr, nullptr) == WEFT_EINVAL);
        options.size = 0;
        REQUIRE(weft_process_executor_create(&options, &none) == WEFT_EINVAL);
        options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
        options.min_workers = 3;
        options.max_workers = 2;
        REQUIRE(weft_process_executor_create(&options, &none) == WEFT_EINVAL);
        options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
        options.max_workers = 100000;
        REQUIRE(weft_process_executor_create(&options, &none) == WEFT_EINVAL);
        options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
        options.argv = empty;
        REQUIRE(weft_process_executor_create(&options, &none) == WEFT_EINVAL);
        options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
        options.idle_exit = -1;
        REQUIRE(weft_process_executor_create(&options, &none) == WEFT_EINVAL);
        REQUIRE(none == nullptr);
        REQUIRE(weft_process_executor_submit(nullptr, "echo", "", 0, &future) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_get_stats(nullptr, &stats) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_shutdown(nullptr, nullptr) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_get_running(nullptr, nullptr, 0) == 0);
        REQUIRE(std::string(weft_process_executor_get_name(nullptr)).empty());
        REQUIRE(weft_process_executor_unref(nullptr) == nullptr);
        REQUIRE(weft_process_executor_ref(nullptr) == nullptr);

        pool p;
        weft_future *loops = nullptr;
        std::string long_name(300, 'x');
        p.options.message_limit = 100;
        REQUIRE(weft_process_executor_submit(p.get(), nullptr, "", 0, &future) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_submit(p.get(), "", "", 0, &future) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_submit(p.get(), long_name.c_str(), "", 0, &future) ==
                WEFT_EINVAL);
        REQUIRE(weft_process_executor_submit(p.get(), "echo", nullptr, 1, &future) == WEFT_EINVAL);
        REQUIRE(weft_process_executor_submit(p.get(), "echo", long_name.data(), 101, &future) ==
                WEFT_EINVAL);
        REQUIRE(weft_loop_run_in_process_executor(nullptr, p.get(), "echo", "", 0, &loops) ==
                WEFT_ENOLOOP);
        REQUIRE(weft_process_executor_get_stats(p.get(), nullptr) == WEFT_EINVAL);
        end.size = 0;
        REQUIRE(weft_process_executor_shutdown(p.get(), &end) == WEFT_EINVAL);
        REQUIRE(future == nullptr);
        REQUIRE(loops == nullptr);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process executor: it is made and used wherever memory ends", "[process_executor][oom]")
{
    inventory left;
    int n = sweep_out_of_memory(
        [] {
            weft_process_executor_options options = WEFT_PROCESS_EXECUTOR_OPTIONS_INIT;
            weft_process_executor *executor = nullptr;
            weft_concurrent_future *future = nullptr;
            options.max_workers = 1;
            int code = weft_process_executor_create(&options, &executor);
            if (code < 0) {
                return code;
            }
            code = weft_process_executor_submit(executor, "echo", "x", 1, &future);
            if (code == 0) {
                code = pool::join(future) == "x" ? 0 : WEFT_EUSER(1);
            }
            weft_process_executor_shutdown(executor, nullptr);
            weft_process_executor_unref(executor);
            return code;
        },
        { -EAGAIN });
    REQUIRE(n > 4);
    REQUIRE(left.is_clean());
}

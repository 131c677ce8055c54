// Stack overflow: named in one line, then the death it would have been anyway.
// Each test lets a child process die and reads what it said.
#include <catch2/catch.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern "C" {
#include "coro/fiber.h"
#include "coro/overflow.h"
}

namespace
{

struct ending {
    int status = 0;
    std::string said;
};

// What <body> wrote to standard error and how it ended, in a process of its own.
ending run_child(const std::function<void()> &body)
{
    int ends[2];
    if (pipe(ends) != 0) {
        throw std::runtime_error("no pipe");
    }
    std::fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(30);
        body();
        _exit(0);
    }
    close(ends[1]);
    ending result;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) {
        result.said.append(buffer, size_t(n));
    }
    close(ends[0]);
    waitpid(pid, &result.status, 0);
    return result;
}

bool died_by(const ending &e, int signal)
{
    return WIFSIGNALED(e.status) && WTERMSIG(e.status) == signal;
}

volatile int sink;
volatile bool go_on = true; // always; the compiler must not know

__attribute__((noinline)) int recurse(int depth)
{
    volatile char frame[200];
    frame[depth % 200] = char(depth);
    if (!go_on) {
        return 0;
    }
    int below = recurse(depth + 1);
    return below + frame[depth % 200];
}

void recurse_for_ever(void *)
{
    sink = recurse(0);
}

__attribute__((noinline)) void use_one_big_frame()
{
    char frame[1024 * 1024];
    frame[0] = 1;
    __asm__ volatile("" : : "r"(frame) : "memory"); // all of it is needed
    sink = frame[0];
}

void take_one_big_frame(void *)
{
    use_one_big_frame();
    _exit(5);
}

void read_nowhere(void *)
{
    sink = *reinterpret_cast<volatile int *>(8192); // below the lowest that can be mapped
}

// Runs <entry> on a fiber of the calling thread. It does not come back.
void run_fiber(wf_fiber_fn *entry)
{
    static thread_local wf_fiber main_fiber, fiber;
    wf_stack_pool *pool = nullptr;
    wf_fiber_adopt_thread(&main_fiber);
    if (wf_overflow_install_thread() != 0 || wf_stack_pool_create(0, &pool) != 0 ||
        wf_fiber_init(&fiber, pool, 0, entry, nullptr) != 0) {
        _exit(4);
    }
    wf_fiber_switch(&main_fiber, &fiber);
}

void describe(const wf_fiber *fiber, char *buffer, size_t size)
{
    strncpy(buffer, fiber == wf_fiber_running ? "task 'fetch' of service web" : "another", size);
}

size_t count(const std::string &text, const std::string &part)
{
    size_t n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        n++;
    }
    return n;
}

void check_named(const ending &e)
{
    INFO(e.said);
    CHECK(died_by(e, SIGSEGV));
    CHECK(count(e.said, "weft: stack overflow in task 'fetch' of service web "
                        "(stack of 65536 bytes at 0x") == 1);
    CHECK(count(e.said, "\n") == 1);
}

struct guard_setting {
    explicit guard_setting(const char *value)
    {
        if (value != nullptr) {
            setenv("WEFT_STACK_GUARD", value, 1);
        } else {
            unsetenv("WEFT_STACK_GUARD");
        }
    }
    ~guard_setting()
    {
        unsetenv("WEFT_STACK_GUARD");
    }
};

} // namespace

TEST_CASE("overflow: recursion without end is named and dies by SIGSEGV", "[overflow]")
{
    const char *guard = GENERATE(static_cast<const char *>(nullptr), "mprotect");
    guard_setting setting(guard);
    check_named(run_child([] {
        wf_overflow_set_describer(describe);
        run_fiber(recurse_for_ever);
    }));
}

TEST_CASE("overflow: one frame of 1 MiB is named and dies by SIGSEGV", "[overflow]")
{
    const char *guard = GENERATE(static_cast<const char *>(nullptr), "mprotect");
    guard_setting setting(guard);
    check_named(run_child([] {
        wf_overflow_set_describer(describe);
        run_fiber(take_one_big_frame);
    }));
}

// The stacks of two neighbours: one is filled, the other runs over its end.
wf_stack *canary_stack;

bool is_canary_whole()
{
    for (const char *at = canary_stack->low; at < canary_stack->high; at++) {
        if (*at != 0x5a) {
            return false;
        }
    }
    return true;
}

// In the handler: what the overflow has left of the neighbour.
void describe_canary(const wf_fiber *, char *buffer, size_t size)
{
    strncpy(buffer, is_canary_whole() ? "a fiber beside a whole canary" : "a murderer", size);
}

void run_beside_canary(wf_fiber_fn *entry)
{
    static wf_fiber main_fiber, fiber;
    wf_stack_pool *pool = nullptr;
    wf_fiber_adopt_thread(&main_fiber);
    wf_overflow_set_describer(describe_canary);
    if (wf_overflow_install_thread() != 0 || wf_stack_pool_create(0, &pool) != 0 ||
        wf_stack_pool_get(pool, 0, &canary_stack) != 0 ||
        wf_fiber_init(&fiber, pool, 0, entry, nullptr) != 0) {
        _exit(4);
    }
    if (fiber.stack->low < canary_stack->low) { // the neighbour is the one below
        _exit(6);
    }
    memset(canary_stack->low, 0x5a, size_t(canary_stack->high - canary_stack->low));
    wf_fiber_switch(&main_fiber, &fiber);
}

TEST_CASE("overflow: 200 of 200 leave the neighbour's stack whole (R18)", "[overflow][R18]")
{
    for (int i = 0; i < 200; i++) {
        wf_fiber_fn *entry = i % 2 == 0 ? recurse_for_ever : take_one_big_frame;
        ending e = run_child([entry] { run_beside_canary(entry); });
        INFO("run " << i << ": " << e.said);
        REQUIRE(died_by(e, SIGSEGV));
        REQUIRE(count(e.said, "weft: stack overflow in a fiber beside a whole canary") == 1);
    }
}

TEST_CASE("overflow: it is caught on every thread that asked", "[overflow][threads]")
{
    check_named(run_child([] {
        wf_overflow_set_describer(describe);
        std::thread first([] { (void)wf_overflow_install_thread(); });
        first.join();
        std::thread second([] { run_fiber(recurse_for_ever); });
        second.join();
    }));
}

TEST_CASE("overflow: without a describer the fiber has no name", "[overflow]")
{
    ending e = run_child([] { run_fiber(recurse_for_ever); });
    CHECK(died_by(e, SIGSEGV));
    CHECK(e.said.rfind("weft: stack overflow in a fiber (stack of 65536 bytes at 0x", 0) == 0);
}

namespace
{

void say_mine(int)
{
    ssize_t n = write(STDERR_FILENO, "mine\n", 5);
    _exit(n == 5 ? 3 : 4);
}

void say_mine_with_info(int, siginfo_t *info, void *)
{
    say_mine(info->si_signo);
}

} // namespace

TEST_CASE("overflow: another fault goes to the handler that was there", "[overflow]")
{
    bool with_info = GENERATE(false, true);
    ending e = run_child([with_info] {
        struct sigaction action = {};
        if (with_info) {
            action.sa_sigaction = say_mine_with_info;
            action.sa_flags = SA_SIGINFO;
        } else {
            action.sa_handler = say_mine;
        }
        sigaction(SIGSEGV, &action, nullptr);
        run_fiber(read_nowhere);
    });
    CHECK(WIFEXITED(e.status));
    CHECK(WEXITSTATUS(e.status) == 3);
    CHECK(e.said == "mine\n");
}

TEST_CASE("overflow: another fault without a handler dies as ever", "[overflow]")
{
    ending e = run_child([] {
        signal(SIGSEGV, SIG_DFL); // sanitizers have one
        run_fiber(read_nowhere);
    });
    CHECK(died_by(e, SIGSEGV));
    CHECK(e.said.empty());
}

TEST_CASE("overflow: a SIGSEGV that somebody sent is not one", "[overflow]")
{
    ending e = run_child([] {
        signal(SIGSEGV, SIG_DFL);
        run_fiber([](void *) { raise(SIGSEGV); });
    });
    CHECK(died_by(e, SIGSEGV));
    CHECK(e.said.empty());
}

TEST_CASE("overflow: the alternate stack goes with its thread", "[overflow][threads]")
{
    int r = -1;
    bool enabled = false;
    std::thread thread([&] {
        r = wf_overflow_install_thread();
        int again = wf_overflow_install_thread();
        stack_t now;
        sigaltstack(nullptr, &now);
        enabled = again == 0 && (now.ss_flags & SS_DISABLE) == 0;
    });
    thread.join(); // a leak would be LeakSanitizer's to find
    CHECK(r == 0);
    CHECK(enabled);
}

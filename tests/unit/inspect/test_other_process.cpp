// Threads and stacks of another process, which does nothing for it.
#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "inspect/hold.h"
#include "inspect/memory.h"
#include "inspect/stack.h"
#include "parked.h"
}

namespace
{

// A forked child that does <body>, which says by its argument when it is where it should be.
class child
{
  public:
    explicit child(const std::function<void(const std::function<void()> &ready)> &body)
    {
        int ends[2];
        if (pipe(ends) != 0) {
            return;
        }
        pid = fork();
        if (pid == 0) {
            body([&] { (void)!write(ends[1], "r", 1); });
            _exit(0);
        }
        char byte = 0;
        close(ends[1]);
        is_ready = pid > 0 && read(ends[0], &byte, 1) == 1;
        close(ends[0]);
    }
    ~child()
    {
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
    }
    child(const child &) = delete;
    child &operator=(const child &) = delete;

    pid_t pid = -1;
    bool is_ready = false;
};

struct reader {
    wf_memory memory{};
    std::vector<char> bytes = std::vector<char>(WF_STACK_SLICE);
    wf_stack_sample sample{};
    wf_stack_text text{};
    wf_held held{};

    explicit reader(pid_t pid)
    {
        if (wf_memory_open(&memory, pid) != 0) {
            throw std::runtime_error("no such process");
        }
        held.tid = pid;
    }
    ~reader()
    {
        wf_memory_close(&memory);
        wf_stack_forget();
    }
    reader(const reader &) = delete;
    reader &operator=(const reader &) = delete;

    // Hold the main thread, and name its stack.
    void look()
    {
        wf_hold hold{};
        int r = -1;
        wf_hold_begin(&hold, memory.pid, &held, 1, WF_HOLD_BOUND);
        if (held.registers.sp != 0) {
            r = wf_stack_take(&memory, &held.registers, 0, bytes.data(), bytes.size(), &sample);
        }
        wf_hold_end(&hold);
        if (r == 0) {
            wf_stack_symbolize(&sample, &text);
        }
    }

    bool has(const char *function) const
    {
        for (size_t i = 0; i < text.n; i++) {
            const char *name = text.frames[i].function;
            if (name != nullptr && strcmp(name, function) == 0) {
                return true;
            }
        }
        return false;
    }

    // A sandbox may forbid to look into other processes at all.
    bool is_forbidden() const
    {
        bool is_so = held.state == WF_HOLD_LOOSE && (held.code == -EPERM || held.code == -EACCES);
        if (is_so) {
            WARN("skipped: " << held.why);
        }
        return is_so;
    }
};

} // namespace

TEST_CASE("other process: a suspended fiber is read without its help", "[other][stack]")
{
    wf_fiber home{};
    wf_stack_pool *pool = nullptr;
    parked who{};
    REQUIRE(wf_stack_pool_create(0, &pool) == 0);
    wf_fiber_adopt_thread(&home);
    int r = parked_start_deep(&who, &home, pool);
    // The child has all of it at the same addresses.
    child other([](const std::function<void()> &ready) {
        ready();
        pause();
    });
    auto address = reinterpret_cast<uint64_t>(who.fiber.sp);
    auto high = reinterpret_cast<uint64_t>(who.fiber.stack->high);
    parked_finish(&who);
    wf_fiber_release_thread(&home);
    wf_stack_pool_destroy(pool);
    REQUIRE(r == 0);
    REQUIRE(other.is_ready);

    reader from(other.pid);
    wf_context context;
    wf_registers registers;
    r = wf_memory_read(&from.memory, address, &context, sizeof context);
    if (r == -EPERM || r == -EACCES) {
        WARN("skipped: it is not allowed to read another process");
        return;
    }
    REQUIRE(r == 0);
    wf_registers_of_context(&registers, &context, address);
    REQUIRE(wf_stack_take(&from.memory, &registers, high, from.bytes.data(), from.bytes.size(),
                          &from.sample) == 0);
    CHECK(from.sample.pid == other.pid);
    wf_stack_symbolize(&from.sample, &from.text);
    CHECK(from.has("level3"));
    CHECK(from.has("parked_body"));
    CHECK(from.text.is_complete);
}

TEST_CASE("other process: one that runs is stopped for a moment", "[other][hold]")
{
    int never = 0;
    child other([&](const std::function<void()> &ready) {
        ready();
        parked_spin(&never);
    });
    REQUIRE(other.is_ready);

    reader from(other.pid);
    for (int i = 0; i < 100 && !from.has("parked_spin"); i++) {
        from.look();
        if (from.is_forbidden()) {
            return;
        }
    }
    CHECK(from.held.state == WF_HOLD_PARKED);
    CHECK_FALSE(from.held.is_torn);
    CHECK(from.held.held_for > 0);
    CHECK(from.has("parked_spin"));
    // It runs again.
    wf_held again{};
    wf_hold hold{};
    again.tid = other.pid;
    for (int i = 0; i < 1000 && again.kernel_state != 'R'; i++) {
        wf_hold_begin(&hold, other.pid, &again, 1, WF_HOLD_BOUND);
        wf_hold_end(&hold);
    }
    CHECK(again.kernel_state == 'R');
}

TEST_CASE("other process: one that is blocked is not touched", "[other][hold]")
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    child other([&](const std::function<void()> &ready) {
        ready();
        parked_read(ends[0]);
    });
    REQUIRE(other.is_ready);

    reader from(other.pid);
    for (int i = 0; i < 1000 && !from.has("parked_read"); i++) {
        from.look();
        if (from.is_forbidden()) {
            break;
        }
    }
    close(ends[0]);
    close(ends[1]);
    if (!from.is_forbidden()) {
        CHECK(from.held.state == WF_HOLD_BLOCKED);
        CHECK(from.has("read_byte"));
        CHECK(from.has("parked_read"));
    }
}

TEST_CASE("other process: one that was stopped is simply read", "[other][hold]")
{
    int never = 0;
    child other([&](const std::function<void()> &ready) {
        ready();
        parked_spin(&never);
    });
    REQUIRE(other.is_ready);
    REQUIRE(kill(other.pid, SIGSTOP) == 0);
    REQUIRE(waitpid(other.pid, nullptr, WUNTRACED) == other.pid);

    reader from(other.pid);
    from.look();
    if (!from.is_forbidden()) {
        CHECK(from.held.state == WF_HOLD_STOPPED);
        CHECK_FALSE(from.held.is_torn);
        CHECK(from.held.kernel_state == 'T');
        CHECK(from.text.n > 0);
    }
}

TEST_CASE("other process: one that is gone", "[other][hold]")
{
    pid_t gone = 0;
    {
        child brief([](const std::function<void()> &ready) { ready(); });
        gone = brief.pid;
    }
    wf_memory memory{};
    CHECK(wf_memory_open(&memory, gone) == -ESRCH);
    wf_held held{};
    wf_hold hold{};
    held.tid = gone;
    CHECK(wf_hold_begin(&hold, gone, &held, 1, WF_HOLD_BOUND) == 0);
    CHECK(wf_hold_end(&hold) == 0);
    CHECK(held.state == WF_HOLD_GONE);
}

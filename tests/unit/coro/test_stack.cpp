// The pool of stacks: what it hands out, what guards it, what it gives back.
#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "coro/fiber.h"
#include "coro/stack.h"
#include "weft/error.h"
}

namespace
{

constexpr size_t KiB = 1024;

// A variable of the environment for the length of a test.
struct setting {
    const char *name;
    setting(const char *name_, const char *value) : name(name_)
    {
        if (value != nullptr) {
            setenv(name, value, 1);
        } else {
            unsetenv(name);
        }
    }
    ~setting()
    {
        unsetenv(name);
    }
};

struct pool_owner {
    wf_stack_pool *pool = nullptr;
    explicit pool_owner(size_t size = 0)
    {
        if (wf_stack_pool_create(size, &pool) != 0) {
            throw std::runtime_error("no pool");
        }
    }
    ~pool_owner()
    {
        wf_stack_pool_destroy(pool);
    }
    pool_owner(const pool_owner &) = delete;
    pool_owner &operator=(const pool_owner &) = delete;

    wf_stack *get(size_t size = 0)
    {
        wf_stack *stack = nullptr;
        int r = wf_stack_pool_get(pool, size, &stack);
        if (r != 0) {
            throw std::runtime_error(weft_current_message(r));
        }
        return stack;
    }
    std::vector<wf_stack *> get_many(size_t n)
    {
        std::vector<wf_stack *> stacks;
        for (size_t i = 0; i < n; i++) {
            stacks.push_back(get());
        }
        return stacks;
    }
    void put_all(const std::vector<wf_stack *> &stacks)
    {
        for (auto *stack : stacks) {
            wf_stack_pool_put(pool, stack);
        }
    }
    size_t trim_all(size_t keep)
    {
        size_t all = 0;
        (void)wf_stack_pool_end_period(pool, keep); // what was used in it stays
        (void)wf_stack_pool_end_period(pool, keep);
        for (size_t n; (n = wf_stack_pool_trim(pool)) != 0;) {
            all += n;
        }
        return all;
    }
};

size_t size_of(const wf_stack *stack)
{
    return size_t(stack->high - stack->low);
}

size_t count_maps()
{
    std::ifstream maps("/proc/self/maps");
    return size_t(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
}

// Does a write to <address> kill with SIGSEGV?
bool write_is_fatal(char *address)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        *const_cast<volatile char *>(address) = 1;
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

} // namespace

TEST_CASE("stack: sizes are rounded up to a class", "[stack]")
{
    pool_owner own;
    size_t size;
    size_t at_least;
    std::tie(size, at_least) =
        GENERATE(table<size_t, size_t>({ { 0, 64 * KiB },
                                         { 1, 16 * KiB },
                                         { 16 * KiB, 16 * KiB },
                                         { 16 * KiB + 1, 32 * KiB },
                                         { 64 * KiB, 64 * KiB },
                                         { 100 * KiB, 128 * KiB },
                                         { 64 * KiB * KiB, 64 * KiB * KiB } }));
    wf_stack *stack = own.get(size);
    CHECK(size_of(stack) == at_least);
    stack->low[0] = 1;
    stack->high[-1] = 1;
    wf_stack_pool_put(own.pool, stack);
}

TEST_CASE("stack: the default size is the pool's", "[stack]")
{
    pool_owner own(200 * KiB);
    wf_stack *stack = own.get();
    CHECK(size_of(stack) == 256 * KiB);
    wf_stack_pool_put(own.pool, stack);
}

TEST_CASE("stack: a size beyond the largest class is refused", "[stack]")
{
    pool_owner own;
    auto *untouched = reinterpret_cast<wf_stack *>(&own);
    wf_stack *stack = untouched;
    CHECK(wf_stack_pool_get(own.pool, 64 * KiB * KiB + 1, &stack) == WEFT_ENOSTACK);
    CHECK(stack == untouched);
    CHECK(std::string(weft_current_message(WEFT_ENOSTACK)).find("67108864") != std::string::npos);
    wf_stack_pool *pool = own.pool;
    CHECK(wf_stack_pool_create(SIZE_MAX, &pool) == WEFT_ENOSTACK);
    CHECK(pool == own.pool);
}

TEST_CASE("stack: what came back last goes out first", "[stack]")
{
    pool_owner own;
    auto stacks = own.get_many(20);
    CHECK(std::set<wf_stack *>(stacks.begin(), stacks.end()).size() == 20);
    CHECK(wf_stack_pool_get_n_used(own.pool) == 20);
    own.put_all(stacks);
    CHECK(wf_stack_pool_get_n_used(own.pool) == 0);
    CHECK(wf_stack_pool_get_n_free(own.pool) == 20);

    auto again = own.get_many(20);
    std::reverse(again.begin(), again.end());
    CHECK(again == stacks);
    own.put_all(again);
}

TEST_CASE("stack: classes do not mix", "[stack]")
{
    pool_owner own;
    wf_stack *small = own.get(16 * KiB);
    wf_stack_pool_put(own.pool, small);
    wf_stack *large = own.get(128 * KiB);
    CHECK(large != small);
    CHECK(size_of(large) == 128 * KiB);
    wf_stack_pool_put(own.pool, large);
}

TEST_CASE("stack: the environment chooses the guard", "[stack]")
{
    setting forced("WEFT_STACK_GUARD", "mprotect");
    pool_owner own;
    CHECK(wf_stack_pool_get_guard(own.pool) == WF_STACK_GUARD_MPROTECT);
}

TEST_CASE("stack: a guard of 64 KiB lies below each", "[stack]")
{
    const char *guard = GENERATE(static_cast<const char *>(nullptr), "mprotect");
    setting forced("WEFT_STACK_GUARD", guard);
    pool_owner own;
    auto stacks = own.get_many(3);
    for (auto *stack : stacks) {
        CHECK_FALSE(write_is_fatal(stack->low));
        CHECK(write_is_fatal(stack->low - 1));
        CHECK(write_is_fatal(stack->low - 33 * KiB));
        CHECK(write_is_fatal(stack->low - 64 * KiB));
        CHECK(wf_stack_guards(stack, stack->low - 1));
        CHECK(wf_stack_guards(stack, stack->low - 64 * KiB));
        CHECK_FALSE(wf_stack_guards(stack, stack->low));
        CHECK_FALSE(wf_stack_guards(stack, stack->low - 64 * KiB - 1));
    }
    own.put_all(stacks);

    // Giving the pages back must not lift the guard.
    CHECK(own.trim_all(1) == 2);
    wf_stack *warm = own.get();
    wf_stack *cold = own.get();
    CHECK(write_is_fatal(warm->low - 1));
    CHECK(write_is_fatal(cold->low - 1));
    wf_stack_pool_put(own.pool, warm);
    wf_stack_pool_put(own.pool, cold);
}

TEST_CASE("stack: touched counts pages", "[stack]")
{
    pool_owner own;
    wf_stack *stack = own.get();
    auto page = size_t(sysconf(_SC_PAGESIZE));
    CHECK(wf_stack_get_touched(stack) == 0);
    stack->high[-1] = 1;
    CHECK(wf_stack_get_touched(stack) == page);
    stack->low[0] = 1;
    CHECK(wf_stack_get_touched(stack) == 2 * page);
    wf_stack_pool_put(own.pool, stack);
}

TEST_CASE("stack: trim keeps the warm ones and empties the others", "[stack]")
{
    pool_owner own;
    auto stacks = own.get_many(100);
    for (auto *stack : stacks) {
        memset(stack->high - 64, 'x', 64);
    }
    own.put_all(stacks);
    CHECK(own.trim_all(100) == 0);
    CHECK(own.trim_all(10) == 90);
    CHECK(own.trim_all(10) == 0);

    auto again = own.get_many(100);
    size_t n_warm = 0;
    for (size_t i = 0; i < again.size(); i++) {
        bool warm = wf_stack_get_touched(again[i]) > 0;
        n_warm += warm;
        CHECK(warm == (i < 10));
        CHECK(again[i]->high[-1] == (warm ? 'x' : 0));
    }
    CHECK(n_warm == 10);
    own.put_all(again);
}

TEST_CASE("stack: trim is bounded, and unmaps what is wholly unused", "[stack]")
{
    setting forced("WEFT_STACK_GUARD", "mprotect"); // each stack costs two mappings
    pool_owner own;
    size_t before = count_maps();
    auto stacks = own.get_many(3000);
    CHECK(count_maps() >= before + 6000);
    own.put_all(stacks);
    (void)wf_stack_pool_end_period(own.pool, 0);
    CHECK(wf_stack_pool_end_period(own.pool, 0) == 3000);
    CHECK(wf_stack_pool_trim(own.pool) == 1024);
    CHECK(own.trim_all(0) == 3000 - 1024);
    CHECK(count_maps() < before + 100);
    CHECK(wf_stack_pool_get_n_free(own.pool) == 0);

    wf_stack *stack = own.get();
    stack->low[0] = 1;
    wf_stack_pool_put(own.pool, stack);
}

TEST_CASE("stack: only what lay unused for a whole period is given back", "[stack]")
{
    pool_owner own;
    own.put_all(own.get_many(100));
    CHECK(wf_stack_pool_get_n_warm(own.pool) == 100);
    CHECK(wf_stack_pool_end_period(own.pool, 5) == 0); // all were used in it

    own.put_all(own.get_many(30));
    CHECK(wf_stack_pool_end_period(own.pool, 5) == 65);
    // Used again before their turn came: what is left is still at most what lies there.
    auto stacks = own.get_many(60);
    CHECK(wf_stack_pool_trim(own.pool) == 40);
    CHECK(wf_stack_pool_trim(own.pool) == 0);
    CHECK(wf_stack_pool_get_n_warm(own.pool) == 0);
    own.put_all(stacks);
}

TEST_CASE("stack: a cold stack is used before a new one is made", "[stack]")
{
    pool_owner own;
    auto stacks = own.get_many(5);
    std::set<wf_stack *> known(stacks.begin(), stacks.end());
    std::vector<wf_stack *> back(stacks.begin() + 1, stacks.end());
    own.put_all(back);
    CHECK(own.trim_all(0) == 4);
    CHECK(wf_stack_pool_get_n_free(own.pool) == 4);
    for (int i = 0; i < 4; i++) {
        CHECK(known.count(own.get()) == 1);
    }
    wf_stack *sixth = own.get();
    CHECK(known.count(sixth) == 0);
    CHECK(wf_stack_pool_get_n_used(own.pool) == 6);
    own.put_all(stacks);
    wf_stack_pool_put(own.pool, sixth);
}

TEST_CASE("stack: a promise is kept whatever happens meanwhile", "[stack][oom]")
{
    pool_owner own;
    uint32_t size_class = 0;
    constexpr size_t n = 50;
    for (size_t i = 0; i < n; i++) {
        REQUIRE(wf_stack_pool_reserve(own.pool, 0, &size_class) == 0);
    }
    CHECK(wf_stack_pool_get_n_used(own.pool) == 0);
    // Others come and go, and the idle pages go back.
    auto others = own.get_many(30);
    own.put_all(others);
    own.trim_all(0);

    wf_alloc_fail_after(0);
    std::vector<wf_stack *> stacks;
    for (size_t i = 0; i < n; i++) {
        stacks.push_back(wf_stack_pool_take(own.pool, size_class));
    }
    wf_alloc_fail_after(-1);
    CHECK(std::set<wf_stack *>(stacks.begin(), stacks.end()).size() == n);
    CHECK(wf_stack_pool_get_n_used(own.pool) == n);
    own.put_all(stacks);
}

TEST_CASE("stack: promises that are taken one after the other share a warm stack", "[stack]")
{
    pool_owner own;
    uint32_t size_class = 0;
    std::set<wf_stack *> seen;
    for (int i = 0; i < 20; i++) {
        REQUIRE(wf_stack_pool_reserve(own.pool, 0, &size_class) == 0);
    }
    for (int i = 0; i < 20; i++) {
        wf_stack *stack = wf_stack_pool_take(own.pool, size_class);
        seen.insert(stack);
        wf_stack_pool_put(own.pool, stack);
    }
    CHECK(seen.size() == 1);

    REQUIRE(wf_stack_pool_reserve(own.pool, 0, &size_class) == 0);
    wf_stack_pool_unreserve(own.pool, size_class);
    CHECK(wf_stack_pool_get_n_used(own.pool) == 0);
}

namespace
{

constexpr char secret[] = "correct horse battery staple";

bool holds_secret(const wf_stack *stack)
{
    return memmem(stack->low, size_of(stack), secret, sizeof(secret)) != nullptr;
}

// Secrets at every depth of every stack; how many successors can read one?
int count_leaks(pool_owner &own)
{
    auto stacks = own.get_many(200);
    for (size_t i = 0; i < stacks.size(); i++) {
        size_t depth = (i * 327) % (size_of(stacks[i]) - sizeof(secret));
        memcpy(stacks[i]->high - sizeof(secret) - depth, secret, sizeof(secret));
    }
    own.put_all(stacks);
    auto successors = own.get_many(200);
    int leaks = 0;
    for (auto *stack : successors) {
        leaks += holds_secret(stack);
    }
    own.put_all(successors);
    return leaks;
}

} // namespace

TEST_CASE("stack: in clean mode no successor reads what was left", "[stack]")
{
    SECTION("without it, each would, or this test proves nothing")
    {
        pool_owner own;
        CHECK(count_leaks(own) == 200);
    }
    SECTION("by the environment")
    {
        setting clean("WEFT_STACK_CLEAN", "1");
        pool_owner own;
        int leaks = 0;
        for (int i = 0; i < 50; i++) {
            leaks += count_leaks(own);
        }
        CHECK(leaks == 0);
    }
    SECTION("by the pool's switch")
    {
        pool_owner own;
        wf_stack_pool_set_clean(own.pool, true);
        CHECK(count_leaks(own) == 0);
    }
    SECTION("for memory that is locked")
    {
        setting clean("WEFT_STACK_CLEAN", "1");
        pool_owner own;
        wf_stack *stack = own.get();
        if (mlock(stack->low, size_of(stack)) == 0) {
            memcpy(stack->low + 100, secret, sizeof(secret));
            wf_stack_pool_put(own.pool, stack);
            CHECK(own.get() == stack);
            CHECK_FALSE(holds_secret(stack));
            munlock(stack->low, size_of(stack));
        }
        wf_stack_pool_put(own.pool, stack);
    }
}

TEST_CASE("stack: every failing allocation is an error and no leak", "[stack][oom]")
{
    wf_alloc_count_blocks(true);
    int n_failures = 0;
    for (long n = 0; n < 20; n++) {
        wf_stack_pool *pool = nullptr;
        wf_stack *stack = nullptr;
        wf_alloc_fail_after(n);
        int r = wf_stack_pool_create(0, &pool);
        if (r == 0) {
            r = wf_stack_pool_get(pool, 0, &stack);
        }
        wf_alloc_fail_after(-1);
        n_failures += r != 0;
        if (r != 0) {
            CHECK(r == WEFT_ENOMEM);
            CHECK(stack == nullptr);
        } else {
            wf_stack_pool_put(pool, stack);
        }
        wf_stack_pool_destroy(pool);
        CHECK(wf_alloc_n_blocks() == 0);
    }
    wf_alloc_count_blocks(false);
    CHECK(n_failures == 3);
}

// What follows takes address space or processes that sanitizers need for themselves.
#ifndef WF_SANITIZED

TEST_CASE("stack: a parked fiber keeps one page", "[stack]")
{
    pool_owner own;
    static wf_fiber main_fiber;
    static wf_fiber fiber;
    wf_fiber_adopt_thread(&main_fiber);
    REQUIRE(wf_fiber_init(
                &fiber, own.pool, 0,
                [](void *) {
                    volatile char frame[1500];
                    frame[0] = 1;
                    wf_fiber_switch(&fiber, &main_fiber);
                    frame[1] = frame[0];
                    wf_fiber_leave(&fiber, &main_fiber);
                },
                nullptr) == 0);
    wf_fiber_switch(&main_fiber, &fiber);
    CHECK(wf_stack_get_touched(fiber.stack) == size_t(sysconf(_SC_PAGESIZE)));
    wf_fiber_switch(&main_fiber, &fiber);
    wf_fiber_fini(&fiber, own.pool);
    wf_fiber_release_thread(&main_fiber);
}

TEST_CASE("stack: without address space the error says so", "[stack]")
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        wf_stack_pool *pool = nullptr;
        wf_stack *stack = nullptr;
        int r = wf_stack_pool_create(0, &pool);
        struct rlimit limit = { 64 * KiB * KiB, 64 * KiB * KiB };
        setrlimit(RLIMIT_AS, &limit);
        for (int i = 0; i < 100000 && r == 0; i++) {
            r = wf_stack_pool_get(pool, 0, &stack);
        }
        const char *text = weft_current_message(r);
        ssize_t n = write(ends[1], text, strlen(text));
        _exit(r == WEFT_ENOSTACK && n > 0 ? 0 : 1);
    }
    close(ends[1]);
    char text[512] = "";
    CHECK(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(status == 0);
    CHECK(std::string(text).find("cannot map") != std::string::npos);
}

namespace
{

size_t read_max_map_count()
{
    size_t value = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> value;
    return value;
}

} // namespace

TEST_CASE("stack: guards by mprotect end at the stated cap", "[stack]")
{
    size_t max = read_max_map_count();
    if (max > 200000) {
        WARN("vm.max_map_count is " << max << ": too many stacks for a test");
        return;
    }
    setting forced("WEFT_STACK_GUARD", "mprotect");
    pool_owner own;
    pool_owner other;
    std::vector<wf_stack *> stacks;
    wf_stack *stack = nullptr;
    int r;
    while ((r = wf_stack_pool_get(own.pool, 0, &stack)) == 0) {
        stacks.push_back(stack);
    }
    CHECK(r == WEFT_ENOSTACK);
    CHECK(stacks.size() == (max - 2048) / 2);
    std::string said = weft_current_message(r);
    INFO(said);
    CHECK(said.find("vm.max_map_count (" + std::to_string(max) + ")") != std::string::npos);
    CHECK(said.find(std::to_string(stacks.size()) + " are mapped") != std::string::npos);
    // The cap is the process's, and leaves mappings to the others.
    CHECK(wf_stack_pool_get(other.pool, 0, &stack) == WEFT_ENOSTACK);
    void *page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    munmap(page, 4096);

    // One that comes back can go out again; a pool that ends makes room for others.
    wf_stack_pool_put(own.pool, stacks.back());
    stacks.back() = own.get();
    own.put_all(stacks);
    CHECK(own.trim_all(0) == stacks.size());
    wf_stack_pool_put(other.pool, other.get());
}

TEST_CASE("stack: 100,000 live fibers with guards need few mappings", "[stack][R19]")
{
    constexpr int n = 100000;
    pool_owner own;
    if (wf_stack_pool_get_guard(own.pool) != WF_STACK_GUARD_MADVISE) {
        WARN("this kernel has no MADV_GUARD_INSTALL; the test of the cap stands for this one");
        return;
    }
    static wf_fiber main_fiber;
    std::vector<wf_fiber> fibers(n);
    size_t before = count_maps();
    wf_fiber_adopt_thread(&main_fiber);
    int failed = 0;
    for (auto &fiber : fibers) {
        failed += wf_fiber_init(
                      &fiber, own.pool, 0,
                      [](void *arg) {
                          auto *self = static_cast<wf_fiber *>(arg);
                          wf_fiber_switch(self, &main_fiber);
                          wf_fiber_leave(self, &main_fiber);
                      },
                      &fiber) != 0;
    }
    REQUIRE(failed == 0);
    for (int round = 0; round < 2; round++) {
        for (auto &fiber : fibers) {
            wf_fiber_switch(&main_fiber, &fiber);
        }
        CHECK(count_maps() < before + 1000);
    }
    for (auto &fiber : fibers) {
        wf_fiber_fini(&fiber, own.pool);
    }
    wf_fiber_release_thread(&main_fiber);
    // R20: the spike's memory goes back.
    CHECK(own.trim_all(16) == n - 16);
    CHECK(wf_stack_pool_get_n_free(own.pool) < 2000);
}

#endif

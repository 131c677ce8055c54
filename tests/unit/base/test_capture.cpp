// Captured return addresses: what the walk finds, and where it ends.
#include <catch2/catch.hpp>

#include <cstdint>
#include <cstring>
#include <thread>

extern "C" {
#include "base/capture.h"
#include "coro/fiber.h"
}

namespace
{

struct captured {
    void *pcs[WF_CAPTURE_MAX] = {};
    int n = 0;
};

// Each asks for its frame address, which makes the compiler keep a frame pointer in it, and does
// something after the call, so that it is no jump.
[[gnu::noinline]] void third(captured *into, int max)
{
    auto *volatile frame = __builtin_frame_address(0);
    into->n = wf_capture_stack(into->pcs, max);
    (void)frame;
}

[[gnu::noinline]] void second(captured *into, int max)
{
    auto *volatile frame = __builtin_frame_address(0);
    third(into, max);
    (void)frame;
}

[[gnu::noinline]] void first(captured *into, int max)
{
    auto *volatile frame = __builtin_frame_address(0);
    second(into, max);
    (void)frame;
}

// A return address lies in the function if it is soon after its start.
bool is_in(void *pc, void (*function)(captured *, int))
{
    auto at = reinterpret_cast<uintptr_t>(pc);
    auto start = reinterpret_cast<uintptr_t>(function);
    return at > start && at - start < 4096;
}

struct actor {
    wf_fiber fiber{};
    wf_fiber *main = nullptr;
    captured seen;
};

void capture_on_fiber(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    first(&self->seen, WF_CAPTURE_MAX);
    wf_fiber_leave(&self->fiber, self->main);
}

} // namespace

TEST_CASE("capture: callers come in order, the innermost first", "[capture]")
{
    captured seen;

    first(&seen, WF_CAPTURE_MAX);
    REQUIRE(seen.n >= 3);
    CHECK(seen.n <= WF_CAPTURE_MAX);
    CHECK(is_in(seen.pcs[0], third));
    CHECK(is_in(seen.pcs[1], second));
    CHECK(is_in(seen.pcs[2], first));
}

TEST_CASE("capture: no more than was asked for", "[capture]")
{
    captured seen;

    first(&seen, 2);
    CHECK(seen.n == 2);
    CHECK(is_in(seen.pcs[1], second));
    CHECK(seen.pcs[2] == nullptr);
    first(&seen, 0);
    CHECK(seen.n == 0);
}

TEST_CASE("capture: on another thread, and again", "[capture]")
{
    captured seen;
    captured again;

    std::thread([&] {
        first(&seen, WF_CAPTURE_MAX);
        first(&again, WF_CAPTURE_MAX);
    }).join();
    REQUIRE(seen.n >= 3);
    CHECK(is_in(seen.pcs[2], first));
    CHECK(again.n == seen.n);
}

TEST_CASE("capture: a fiber's ends where the fiber began", "[capture]")
{
    wf_fiber main{};
    wf_stack_pool *pool = nullptr;
    actor self;

    REQUIRE(wf_stack_pool_create(0, &pool) == 0);
    wf_fiber_adopt_thread(&main);
    self.main = &main;
    int r = wf_fiber_init(&self.fiber, pool, 0, capture_on_fiber, &self);
    if (r == 0) {
        wf_fiber_switch(&main, &self.fiber);
        wf_fiber_fini(&self.fiber, pool);
    }
    wf_fiber_release_thread(&main);
    wf_stack_pool_destroy(pool);
    REQUIRE(r == 0);
    REQUIRE(self.seen.n >= 3);
    // first, capture_on_fiber, the trampoline, and begin() where a sanitizer is told.
    CHECK(self.seen.n <= 6);
    CHECK(is_in(self.seen.pcs[2], first));
}

#if defined(__x86_64__) && !defined(__clang__)
namespace
{

// Calls with a frame pointer that is none, as code does that uses the register for something else.
[[gnu::noinline]] void with_frame_pointer(uintptr_t value, captured *into)
{
    uintptr_t scratch = value;
    void **pcs = into->pcs;
    uintptr_t max = WF_CAPTURE_MAX;
    asm volatile("movq %%rbp, %%r12\n\t"
                 "movq %%rsp, %%r13\n\t"
                 "subq $256, %%rsp\n\t" // past the red zone
                 "andq $-16, %%rsp\n\t"
                 "movq %%rax, %%rbp\n\t"
                 "call wf_capture_stack\n\t"
                 "movl %%eax, (%%rbx)\n\t"
                 "movq %%r13, %%rsp\n\t"
                 "movq %%r12, %%rbp"
                 : "+a"(scratch), "+D"(pcs), "+S"(max)
                 : "b"(&into->n)
                 : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc");
}

} // namespace

TEST_CASE("capture: a frame pointer that is none ends it", "[capture]")
{
    captured seen;
    uintptr_t here = reinterpret_cast<uintptr_t>(&seen);

    for (uintptr_t value : { uintptr_t{ 0 }, uintptr_t{ 1 }, uintptr_t{ 4096 }, UINTPTR_MAX,
                             UINTPTR_MAX - 7, here | 1, here + (uintptr_t{ 1 } << 40) }) {
        seen = captured{};
        with_frame_pointer(value, &seen);
        CHECK(seen.n == 1);
    }
}
#endif

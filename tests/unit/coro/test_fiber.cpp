// Fibers: who runs when, and what a switch keeps.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cfenv>
#include <cstring>
#include <thread>
#include <unistd.h>
#include <unwind.h>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "coro/fiber.h"
#include "weft/error.h"
}

namespace
{

// A pool, the thread as a fiber, and room for what the fibers saw.
struct stage {
    wf_fiber main{};
    wf_stack_pool *pool = nullptr;
    std::vector<int> seen;

    stage()
    {
        if (wf_stack_pool_create(0, &pool) != 0) {
            throw std::runtime_error("no pool");
        }
        wf_fiber_adopt_thread(&main);
    }
    ~stage()
    {
        wf_fiber_release_thread(&main);
        wf_stack_pool_destroy(pool);
    }
    stage(const stage &) = delete;
    stage &operator=(const stage &) = delete;
};

// One fiber and its part in a test.
struct actor {
    wf_fiber fiber{};
    stage *on = nullptr;
    int id = 0;
    int rounds = 0;
    bool ok = true;
};

void pause(actor *self)
{
    wf_fiber_switch(&self->fiber, &self->on->main);
}

[[noreturn]] void exit_stage(actor *self)
{
    wf_fiber_leave(&self->fiber, &self->on->main);
}

void play(stage &on, actor &a)
{
    wf_fiber_switch(&on.main, &a.fiber);
}

void count_rounds(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    for (int i = 0; i < self->rounds; i++) {
        self->on->seen.push_back(self->id * 100 + i);
        pause(self);
    }
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: fibers take turns and keep their place", "[fiber]")
{
    stage on;
    actor a, b;
    a.on = b.on = &on;
    a.id = 1;
    b.id = 2;
    a.rounds = b.rounds = 3;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, count_rounds, &a) == 0);
    REQUIRE(wf_fiber_init(&b.fiber, on.pool, 0, count_rounds, &b) == 0);
    CHECK(wf_stack_pool_get_n_used(on.pool) == 2);
    for (int i = 0; i < 4; i++) {
        play(on, a);
        play(on, b);
    }
    CHECK(on.seen == std::vector<int>{ 100, 200, 101, 201, 102, 202 });
    CHECK(wf_fiber_running == &on.main);
    wf_fiber_fini(&a.fiber, on.pool);
    wf_fiber_fini(&b.fiber, on.pool);
    CHECK(wf_stack_pool_get_n_used(on.pool) == 0);
}

TEST_CASE("fiber: one that never ran is finished without running", "[fiber]")
{
    stage on;
    actor a;
    a.on = &on;
    a.rounds = 1;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, count_rounds, &a) == 0);
    wf_fiber_fini(&a.fiber, on.pool);
    CHECK(on.seen.empty());
}

namespace
{

struct pair {
    stage *on;
    wf_fiber fibers[2];
    int turns = 0;
};

void bounce_first(void *arg)
{
    auto *p = static_cast<pair *>(arg);
    while (p->turns < 1000) {
        p->turns++;
        p->on->seen.push_back(wf_fiber_running == &p->fibers[0] ? 0 : -1);
        wf_fiber_switch(&p->fibers[0], &p->fibers[1]);
    }
    wf_fiber_leave(&p->fibers[0], &p->on->main);
}

void bounce_second(void *arg)
{
    auto *p = static_cast<pair *>(arg);
    for (;;) {
        p->on->seen.push_back(wf_fiber_running == &p->fibers[1] ? 1 : -1);
        wf_fiber_switch(&p->fibers[1], &p->fibers[0]);
    }
}

} // namespace

TEST_CASE("fiber: a switch goes from fiber to fiber without the thread", "[fiber]")
{
    stage on;
    pair p{ &on, {}, 0 };
    REQUIRE(wf_fiber_init(&p.fibers[0], on.pool, 0, bounce_first, &p) == 0);
    REQUIRE(wf_fiber_init(&p.fibers[1], on.pool, 0, bounce_second, &p) == 0);
    wf_fiber_switch(&on.main, &p.fibers[0]);
    REQUIRE(on.seen.size() == 2000);
    for (size_t i = 0; i < on.seen.size(); i++) {
        REQUIRE(on.seen[i] == int(i % 2));
    }
    wf_fiber_fini(&p.fibers[0], on.pool);
    wf_fiber_fini(&p.fibers[1], on.pool);
}

namespace
{

void check_errno(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    for (int i = 0; i < self->rounds; i++) {
        errno = self->id + i;
        pause(self);
        self->ok = self->ok && errno == self->id + i;
    }
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: errno belongs to the fiber", "[fiber]")
{
    stage on;
    actor a, b;
    a.on = b.on = &on;
    a.id = 1000;
    b.id = 2000;
    a.rounds = b.rounds = 5;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, check_errno, &a) == 0);
    REQUIRE(wf_fiber_init(&b.fiber, on.pool, 0, check_errno, &b) == 0);
    int wrong = 0;
    for (int i = 0; i < 6; i++) {
        errno = 7;
        play(on, a);
        wrong += errno != 7;
        play(on, b);
        wrong += errno != 7;
    }
    CHECK(wrong == 0);
    CHECK(a.ok);
    CHECK(b.ok);
    wf_fiber_fini(&a.fiber, on.pool);
    wf_fiber_fini(&b.fiber, on.pool);
}

// Below the sanitizers' hooks, so not with them.
#if defined(__x86_64__) && !defined(WF_SANITIZED)

namespace
{

// Fills the registers that a call preserves, switches from inside the same
// assembly, so that the compiler cannot save them for us, and adds up what is
// found different. From C, a compiler would reload what it needs.
long switch_with_registers(wf_fiber *from, wf_fiber *to, long seed)
{
    long difference = 0;
    wf_fiber_running = to;
    __asm__ volatile("pushq %%rbp\n\t"
                     "pushq %%rbx\n\t"
                     "pushq %%rdx\n\t" // seed
                     "pushq %%rdx\n\t" // alignment
                     "leaq 1(%%rdx), %%rbx\n\t"
                     "leaq 2(%%rdx), %%rbp\n\t"
                     "leaq 3(%%rdx), %%r12\n\t"
                     "leaq 4(%%rdx), %%r13\n\t"
                     "leaq 5(%%rdx), %%r14\n\t"
                     "leaq 6(%%rdx), %%r15\n\t"
                     "call wf_context_switch\n\t"
                     "popq %%rdx\n\t"
                     "popq %%rdx\n\t"
                     "subq %%rdx, %%rbx\n\t"
                     "subq %%rdx, %%rbp\n\t"
                     "subq %%rdx, %%r12\n\t"
                     "subq %%rdx, %%r13\n\t"
                     "subq %%rdx, %%r14\n\t"
                     "subq %%rdx, %%r15\n\t"
                     "xorq $1, %%rbx\n\t"
                     "xorq $2, %%rbp\n\t"
                     "xorq $3, %%r12\n\t"
                     "xorq $4, %%r13\n\t"
                     "xorq $5, %%r14\n\t"
                     "xorq $6, %%r15\n\t"
                     "movq %%rbx, %%rax\n\t"
                     "orq %%rbp, %%rax\n\t"
                     "orq %%r12, %%rax\n\t"
                     "orq %%r13, %%rax\n\t"
                     "orq %%r14, %%rax\n\t"
                     "orq %%r15, %%rax\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp\n\t"
                     : "=&a"(difference)
                     : "D"(&from->sp), "S"(to->sp), "d"(seed)
                     : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    return difference;
}

void keep_registers(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    for (int i = 0; i < self->rounds; i++) {
        long seed = self->id * 1000000L + i * 1000;
        if (switch_with_registers(&self->fiber, &self->on->main, seed) != 0) {
            self->ok = false;
        }
    }
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: a switch preserves the callee's registers", "[fiber]")
{
    stage on;
    actor a, b;
    a.on = b.on = &on;
    a.id = 1;
    b.id = 2;
    a.rounds = b.rounds = 10;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, keep_registers, &a) == 0);
    REQUIRE(wf_fiber_init(&b.fiber, on.pool, 0, keep_registers, &b) == 0);
    long wrong = 0;
    for (int i = 0; i < 11; i++) {
        wrong |= switch_with_registers(&on.main, &a.fiber, 31 + i);
        wrong |= switch_with_registers(&on.main, &b.fiber, 77 + i);
    }
    CHECK(wrong == 0);
    CHECK(a.ok);
    CHECK(b.ok);
    wf_fiber_fini(&a.fiber, on.pool);
    wf_fiber_fini(&b.fiber, on.pool);
}
#endif

#if defined(__x86_64__)

namespace
{

unsigned get_mxcsr()
{
    unsigned value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

unsigned short get_x87_control()
{
    unsigned short value;
    __asm__ volatile("fnstcw %0" : "=m"(value));
    return value;
}

void keep_control_words(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    std::fesetround(self->id);
    unsigned mxcsr = get_mxcsr();
    unsigned short x87 = get_x87_control();
    for (int i = 0; i < self->rounds; i++) {
        pause(self);
        self->ok = self->ok && std::fegetround() == self->id && get_mxcsr() == mxcsr &&
                   get_x87_control() == x87;
    }
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: floating-point control words belong to the fiber", "[fiber]")
{
    stage on;
    actor a, b;
    a.on = b.on = &on;
    a.id = FE_UPWARD;
    b.id = FE_TOWARDZERO;
    a.rounds = b.rounds = 5;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, keep_control_words, &a) == 0);
    REQUIRE(wf_fiber_init(&b.fiber, on.pool, 0, keep_control_words, &b) == 0);
    unsigned mxcsr = get_mxcsr();
    unsigned short x87 = get_x87_control();
    bool same = true;
    for (int i = 0; i < 6; i++) {
        play(on, a);
        same = same && get_mxcsr() == mxcsr && get_x87_control() == x87;
        play(on, b);
        same = same && get_mxcsr() == mxcsr && get_x87_control() == x87;
    }
    CHECK(same);
    CHECK(a.ok);
    CHECK(b.ok);
    wf_fiber_fini(&a.fiber, on.pool);
    wf_fiber_fini(&b.fiber, on.pool);
}

#endif

namespace
{

// Recurses, so that many frames hold something, and checks it on the way back.
int descend(actor *self, int depth)
{
    volatile unsigned char filler[64];
    for (unsigned i = 0; i < sizeof(filler); i++) {
        filler[i] = static_cast<unsigned char>(self->id + depth + int(i));
    }
    if (depth == 0) {
        pause(self);
    }
    int wrong = depth == 0 ? 0 : descend(self, depth - 1);
    for (unsigned i = 0; i < sizeof(filler); i++) {
        wrong += filler[i] != static_cast<unsigned char>(self->id + depth + int(i));
    }
    return wrong;
}

void hold_frames(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    for (int i = 0; i < self->rounds; i++) {
        self->ok = self->ok && descend(self, 20) == 0;
    }
    exit_stage(self);
}

// ThreadSanitizer pays some hundred KiB for each fiber.
#ifdef WF_TSAN
constexpr int many = 500;
#else
constexpr int many = 10000;
#endif

} // namespace

TEST_CASE("fiber: many fibers each keep their stack", "[fiber]")
{
    stage on;
    std::vector<actor> actors(many);
    int failed = 0;
    for (int i = 0; i < many; i++) {
        actors[i].on = &on;
        actors[i].id = i;
        actors[i].rounds = 3;
        failed += wf_fiber_init(&actors[i].fiber, on.pool, 0, hold_frames, &actors[i]) != 0;
    }
    REQUIRE(failed == 0);
    for (int round = 0; round < 4; round++) {
        for (auto &a : actors) {
            play(on, a);
        }
    }
    int wrong = 0;
    for (auto &a : actors) {
        wrong += !a.ok;
        wf_fiber_fini(&a.fiber, on.pool);
    }
    CHECK(wrong == 0);
    CHECK(wf_stack_pool_get_n_used(on.pool) == 0);
    CHECK(wf_stack_pool_get_n_free(on.pool) == size_t(many));
}

namespace
{

void leave_deep(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    char text[256];
    memset(text, self->id, sizeof(text)); // poisoned around, and never unwound
    self->ok = text[17] == char(self->id);
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: lives without end on one stack", "[fiber]")
{
    // A sanitizer's records of frames that never returned must not pile up.
    stage on;
    actor a;
    a.on = &on;
    wf_stack *first = nullptr;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        a.id = i & 0x7f;
        wrong += wf_fiber_init(&a.fiber, on.pool, 0, leave_deep, &a) != 0;
        first = first == nullptr ? a.fiber.stack : first;
        wrong += a.fiber.stack != first;
        play(on, a);
        wrong += !a.ok;
        wf_fiber_fini(&a.fiber, on.pool);
    }
    CHECK(wrong == 0);
}

namespace
{

struct trace {
    int n = 0;
    int last = 0;
    bool found_entry = false;
    const void *entry = nullptr;
};

_Unwind_Reason_Code note_frame(_Unwind_Context *context, void *data)
{
    auto *t = static_cast<trace *>(data);
    t->n++;
    auto *start = _Unwind_FindEnclosingFunction(reinterpret_cast<void *>(_Unwind_GetIP(context)));
    t->found_entry = t->found_entry || start == t->entry;
    return t->n < 1000 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

struct unwinder {
    actor base;
    trace seen;
    _Unwind_Reason_Code code = _URC_NO_REASON;
};

void unwind_here(void *arg)
{
    auto *self = static_cast<unwinder *>(arg);
    self->code = _Unwind_Backtrace(note_frame, &self->seen);
    exit_stage(&self->base);
}

} // namespace

TEST_CASE("fiber: unwinding ends cleanly at the entry", "[fiber]")
{
    stage on;
    unwinder u;
    u.base.on = &on;
    u.seen.entry = reinterpret_cast<const void *>(wf_context_enter);
    REQUIRE(wf_fiber_init(&u.base.fiber, on.pool, 0, unwind_here, &u) == 0);
    play(on, u.base);
    CHECK(u.code == _URC_END_OF_STACK);
    CHECK(u.seen.found_entry);
    CHECK(u.seen.n >= 2);
    CHECK(u.seen.n < 10);
    wf_fiber_fini(&u.base.fiber, on.pool);
}

namespace
{

void throw_inside(void *arg)
{
    auto *self = static_cast<actor *>(arg);
    for (int i = 0; i < self->rounds; i++) {
        try {
            pause(self);
            throw self->id + i;
        } catch (int value) {
            self->on->seen.push_back(value);
        }
    }
    exit_stage(self);
}

} // namespace

TEST_CASE("fiber: a C++ exception is caught on its own stack", "[fiber]")
{
    stage on;
    actor a;
    a.on = &on;
    a.id = 40;
    a.rounds = 3;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, throw_inside, &a) == 0);
    for (int i = 0; i < 4; i++) {
        play(on, a);
    }
    CHECK(on.seen == std::vector<int>{ 40, 41, 42 });
    wf_fiber_fini(&a.fiber, on.pool);
}

TEST_CASE("fiber: the saved context says where it stopped", "[fiber]")
{
    stage on;
    actor a;
    a.on = &on;
    a.rounds = 1;
    REQUIRE(wf_fiber_init(&a.fiber, on.pool, 0, count_rounds, &a) == 0);
    auto *context = static_cast<wf_context *>(a.fiber.sp);
    CHECK(wf_context_get_pc(context) == reinterpret_cast<void *>(wf_context_enter));
    CHECK(wf_context_get_frame(context) == nullptr);
    play(on, a);
    context = static_cast<wf_context *>(a.fiber.sp);
    CHECK(reinterpret_cast<char *>(context) > a.fiber.stack->low);
    CHECK(reinterpret_cast<char *>(context) < a.fiber.stack->high);
    CHECK(wf_context_get_pc(context) != reinterpret_cast<void *>(wf_context_enter));
    play(on, a);
    wf_fiber_fini(&a.fiber, on.pool);
}

TEST_CASE("fiber: each thread runs its own", "[fiber][threads]")
{
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, -1);
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([t, &wrong] {
            stage on;
            std::vector<actor> actors(20);
            int bad = 0;
            for (int i = 0; i < 20; i++) {
                actors[i].on = &on;
                actors[i].id = t * 20 + i;
                actors[i].rounds = 50;
                bad += wf_fiber_init(&actors[i].fiber, on.pool, 0, hold_frames, &actors[i]) != 0;
            }
            for (int round = 0; round < 51; round++) {
                for (auto &a : actors) {
                    play(on, a);
                }
            }
            for (auto &a : actors) {
                bad += !a.ok;
                wf_fiber_fini(&a.fiber, on.pool);
            }
            wrong[t] = bad;
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("fiber: without a shadow stack the guard against it is silent", "[fiber]")
{
    CHECK(wf_context_has_shadow_stack() == 0);
}

TEST_CASE("fiber: a failed init changes nothing", "[fiber][oom]")
{
    stage on;
    actor a;
    a.fiber.sp = &a;
    int r = 0;
    int n_failures = 0;
    for (long n = 0; n < 10; n++) {
        wf_alloc_fail_after(n);
        r = wf_fiber_init(&a.fiber, on.pool, 0, count_rounds, &a);
        wf_alloc_fail_after(-1);
        if (r == 0) {
            break;
        }
        n_failures++;
        CHECK(r == WEFT_ENOMEM);
        CHECK(a.fiber.sp == &a);
        CHECK(a.fiber.stack == nullptr);
        CHECK(wf_stack_pool_get_n_used(on.pool) == 0);
    }
    CHECK(r == 0);
    CHECK(n_failures >= 2); // the stack as such, and the slab's record
    wf_fiber_fini(&a.fiber, on.pool);
}

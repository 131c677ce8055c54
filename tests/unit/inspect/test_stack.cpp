// Stacks: from what lies on one to the functions that made it.
#include <catch2/catch.hpp>

#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" {
#include "base/capture.h"
#include "coro/fiber.h"
#include "inspect/hold.h"
#include "inspect/memory.h"
#include "inspect/stack.h"
#include "parked.h"
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN 1
#endif
#endif
#if defined(IS_TSAN) || defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#endif

namespace
{

// A sanitizer may replace functions of the C library.
#ifdef IS_SANITIZED
constexpr bool HAS_OWN_QSORT = true;
constexpr int N_ROUNDS = 3;
#else
constexpr bool HAS_OWN_QSORT = false;
constexpr int N_ROUNDS = 10;
#endif

std::string own_path()
{
    char path[PATH_MAX] = {};
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    return n > 0 ? std::string(path, static_cast<size_t>(n)) : "";
}

// A pool, the thread as a fiber, a reader, and room for one stack.
struct stage {
    wf_fiber main{};
    wf_stack_pool *pool = nullptr;
    wf_memory memory{};
    std::vector<char> bytes = std::vector<char>(WF_STACK_SLICE);
    wf_stack_sample sample{};
    wf_stack_text text{};

    stage()
    {
        if (wf_stack_pool_create(0, &pool) != 0 || wf_memory_open(&memory, 0) != 0) {
            throw std::runtime_error("no pool");
        }
        wf_fiber_adopt_thread(&main);
    }
    ~stage()
    {
        wf_fiber_release_thread(&main);
        wf_stack_pool_destroy(pool);
        wf_memory_close(&memory);
    }
    stage(const stage &) = delete;
    stage &operator=(const stage &) = delete;

    int take(const wf_fiber &fiber)
    {
        wf_context context;
        wf_registers registers;
        auto address = reinterpret_cast<uint64_t>(fiber.sp);
        int r = wf_memory_read(&memory, address, &context, sizeof context);
        if (r != 0) {
            return r;
        }
        wf_registers_of_context(&registers, &context, address);
        auto high = reinterpret_cast<uint64_t>(fiber.stack->high);
        return wf_stack_take(&memory, &registers, high, bytes.data(), bytes.size(), &sample);
    }

    void name()
    {
        wf_stack_symbolize(&sample, &text);
    }

    std::string lines() const
    {
        std::string all;
        for (size_t i = 0; i < text.n; i++) {
            char line[256];
            wf_stack_print(&text, i, line, sizeof line);
            all += std::string(line) + "\n";
        }
        return all + (text.note != nullptr ? text.note : "");
    }

    // The place of <function> at or after frame <from>; text.n: it is not there.
    size_t find(const char *function, size_t from = 0) const
    {
        for (size_t i = from; i < text.n; i++) {
            const char *name = text.frames[i].function;
            if (name != nullptr && strcmp(name, function) == 0) {
                return i;
            }
        }
        return text.n;
    }

    // Whether these are there in this order.
    bool has(const std::vector<const char *> &functions) const
    {
        size_t at = 0;
        for (const char *function : functions) {
            at = find(function, at);
            if (at == text.n) {
                return false;
            }
            at++;
        }
        return true;
    }

    bool is_at(const char *function, int line) const
    {
        size_t i = find(function);
        return i < text.n && text.frames[i].line == line &&
               strcmp(text.frames[i].file, "parked.c") == 0;
    }
};

// Take and name while it is suspended, then let it end.
void look(stage &on, parked &who, int r)
{
    if (r == 0) {
        r = on.take(who.fiber);
        on.name();
        parked_finish(&who);
    }
    INFO(on.lines());
    REQUIRE(r == 0);
    REQUIRE(who.is_over == 1);
}

// A thread whose stack is taken while it is held.
class thread
{
  public:
    template <class F>
    explicit thread(F body)
        : thread_([this, body] {
              tid_.store(gettid());
              body();
          })
    {
        while (tid_.load() == 0) {
            std::this_thread::yield();
        }
    }
    void join()
    {
        thread_.join();
    }
    // False: it could not be seen in <state>, at rest.
    bool look(stage &on, wf_hold_state state)
    {
        for (int i = 0; i < 1000; i++) {
            wf_held held{};
            wf_hold hold{};
            int r = -1;
            held.tid = tid_.load();
            wf_hold_begin(&hold, 0, &held, 1, WF_HOLD_BOUND);
            if (held.state == state) {
                r = wf_stack_take(&on.memory, &held.registers, 0, on.bytes.data(), on.bytes.size(),
                                  &on.sample);
            }
            wf_hold_end(&hold);
            if (r == 0 && !held.is_torn) {
                on.name();
                if (on.has({ state == WF_HOLD_BLOCKED ? "parked_read" : "spin_inside" })) {
                    return true;
                }
            }
        }
        return false;
    }

  private:
    std::atomic<pid_t> tid_{ 0 };
    std::thread thread_;
};

using detour_fn = void (*)(void (*)(void *), void *);

// A module of the tests, and the function in it that calls back.
struct module {
    void *handle;
    detour_fn detour = nullptr;

    explicit module(const char *name)
        : handle(dlopen((std::string(WEFT_TEST_BUILD_DIR "/tests/modules/") + name).c_str(),
                        RTLD_NOW | RTLD_LOCAL))
    {
        if (handle != nullptr) {
            detour = reinterpret_cast<detour_fn>(dlsym(handle, "detour"));
        }
    }
    ~module()
    {
        if (handle != nullptr) {
            dlclose(handle);
        }
    }
    module(const module &) = delete;
    module &operator=(const module &) = delete;
};

} // namespace

TEST_CASE("stack: a suspended one, three calls deep, with lines", "[stack]")
{
    stage on;
    parked who{};

    REQUIRE(wf_stack_prepare() == 0);
    look(on, who, parked_start_deep(&who, &on.main, on.pool));
    INFO(on.lines());
    CHECK(on.has({ "level3", "level2", "level1", "parked_body", "wf_context_enter" }));
    CHECK(on.is_at("level1", parked_line_of_level1));
    CHECK(on.text.is_complete);
    CHECK(on.text.note == nullptr);
}

TEST_CASE("stack: through the C library", "[stack]")
{
    stage on;
    parked who{};

    look(on, who, parked_start_in_qsort(&who, &on.main, on.pool));
    INFO(on.lines());
    size_t compare = on.find("compare_slowly");
    size_t body = on.find("sorting_body");
    REQUIRE(compare < body);
    REQUIRE(body < on.text.n);
    CHECK(body - compare >= 2); // the C library's
    CHECK(on.text.is_complete);
    bool is_libc = false;
    for (size_t i = compare; i < body; i++) {
        const char *module = on.text.frames[i].module;
        is_libc = is_libc || (module != nullptr && strncmp(module, "libc", 4) == 0);
    }
    if (!HAS_OWN_QSORT) {
        CHECK(is_libc);
    }
}

TEST_CASE("stack: functions that were inlined", "[stack]")
{
    stage on;
    parked who{};

    look(on, who, parked_start_inlined(&who, &on.main, on.pool));
    INFO(on.lines());
    REQUIRE(on.has({ "level3", "inner", "middle", "outer_body" }));
    CHECK(on.text.frames[on.find("inner")].is_inlined);
    CHECK(on.text.frames[on.find("middle")].is_inlined);
    CHECK_FALSE(on.text.frames[on.find("outer_body")].is_inlined);
    CHECK(on.is_at("middle", parked_line_of_inlined));
}

TEST_CASE("stack: in a module that was loaded after others were named", "[stack]")
{
    stage on;
    parked first{};
    parked second{};
    look(on, first, parked_start_deep(&first, &on.main, on.pool));

    module loaded("detour.so");
    REQUIRE(loaded.detour != nullptr);
    look(on, second, parked_start_by(&second, &on.main, on.pool, loaded.detour));
    INFO(on.lines());
    REQUIRE(on.has({ "come_back", "detour_inner", "detour", "through_body" }));
    CHECK(std::string(on.text.frames[on.find("detour")].file) == "detour.c");
    CHECK(std::string(on.text.frames[on.find("detour")].module) == "detour.so");
}

TEST_CASE("stack: a stripped module gives the names that it exports", "[stack]")
{
    stage on;
    parked who{};
    module loaded("detour-stripped.so");

    REQUIRE(loaded.detour != nullptr);
    look(on, who, parked_start_by(&who, &on.main, on.pool, loaded.detour));
    INFO(on.lines());
    REQUIRE(on.has({ "come_back", "detour", "through_body" }));
    CHECK(on.text.frames[on.find("detour")].file == nullptr);
    size_t nameless = on.find("detour") - 1;
    CHECK(std::string(on.text.frames[nameless].module) == "detour-stripped.so");
    CHECK(on.text.is_complete);
}

TEST_CASE("stack: a thread that is blocked in read", "[stack][hold]")
{
    stage on;
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    thread reader([&] { parked_read(ends[0]); });

    bool is_seen = reader.look(on, WF_HOLD_BLOCKED);
    bool is_written = write(ends[1], "x", 1) == 1;
    reader.join();
    close(ends[0]);
    close(ends[1]);
    INFO(on.lines());
    REQUIRE(is_written);
    REQUIRE(is_seen);
    CHECK(on.has({ "read_byte", "read_twice", "parked_read" }));
    CHECK(on.text.is_complete);
}

TEST_CASE("stack: a thread that runs", "[stack][hold]")
{
    stage on;
    int stop = 0;
    thread busy([&] { parked_spin(&stop); });

    bool is_seen = busy.look(on, WF_HOLD_PARKED);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    busy.join();
    INFO(on.lines());
    REQUIRE(is_seen);
    CHECK(on.has({ "spin_inside", "parked_spin" }));
#ifndef IS_TSAN // whose functions are above it
    CHECK(on.find("spin_inside") == 0);
#endif
    CHECK(on.text.is_complete);
}

TEST_CASE("stack: a fiber that runs", "[stack][hold]")
{
    stage on;
    int stop = 0;
    thread busy([&] {
        stage inside;
        parked who{};
        if (parked_start_by(&who, &inside.main, inside.pool, parked_spin_by(&stop)) == 0) {
            parked_finish(&who);
        }
    });

    bool is_seen = busy.look(on, WF_HOLD_PARKED);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    busy.join();
    INFO(on.lines());
    REQUIRE(is_seen);
    CHECK(on.has({ "spin_inside", "through_body", "wf_context_enter" }));
    CHECK(on.text.is_complete);
    CHECK(on.text.frames[on.text.n - 1].function == std::string("wf_context_enter"));
}

// Threads that hold a lock of the allocator or of the dynamic linker most of the time are held and
// named again and again. That it ends is the test: whoever is held has the lock that naming needs.
TEST_CASE("stack: threads in the allocator and in the dynamic linker", "[stack][hold]")
{
    stage on;
    std::atomic<bool> stop{ false };
    std::atomic<int> n_loads{ 0 };
    std::atomic<pid_t> tids[3] = {};
    std::thread storms[3];
    std::string path = WEFT_TEST_BUILD_DIR "/tests/modules/detour-stripped.so";

    REQUIRE(wf_stack_prepare() == 0);
    for (int i = 0; i < 2; i++) {
        storms[i] = std::thread([&stop, &tids, i] {
            tids[i] = gettid();
            void *blocks[64] = {};
            for (size_t at = 0; !stop.load(std::memory_order_relaxed); at++) {
                free(blocks[at % 64]);
                blocks[at % 64] = malloc(64 + at * 977 % 300000);
            }
            for (void *block : blocks) {
                free(block);
            }
        });
    }
    storms[2] = std::thread([&] {
        tids[2] = gettid();
        while (!stop.load(std::memory_order_relaxed)) {
            void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
            n_loads += handle != nullptr;
            if (handle != nullptr) {
                dlclose(handle);
            }
        }
    });
    while (tids[0] == 0 || tids[1] == 0 || tids[2] == 0 || n_loads == 0) {
        std::this_thread::yield();
    }

    int n_parked = 0;
    std::vector<char> bytes(3 * WF_STACK_SLICE);
    for (int round = 0; round < N_ROUNDS || (n_parked == 0 && round < 100); round++) {
        wf_held held[3] = {};
        wf_hold hold{};
        wf_stack_sample samples[3] = {};
        for (int i = 0; i < 3; i++) {
            held[i].tid = tids[i];
        }
        wf_hold_begin(&hold, 0, held, 3, WF_HOLD_BOUND);
        for (int i = 0; i < 3; i++) {
            if (held[i].state == WF_HOLD_PARKED) {
                wf_stack_take(&on.memory, &held[i].registers, 0, &bytes[i * WF_STACK_SLICE],
                              WF_STACK_SLICE, &samples[i]);
            }
        }
        wf_hold_end(&hold);
        for (int i = 0; i < 3; i++) {
            if (held[i].state == WF_HOLD_PARKED) {
                n_parked++;
                wf_stack_symbolize(&samples[i], &on.text);
                CHECK(on.text.n >= 1);
            }
        }
    }
    stop = true;
    for (std::thread &storm : storms) {
        storm.join();
    }
    CHECK(n_parked > 0);
}

TEST_CASE("stack: a corrupt one ends, and never crashes", "[stack]")
{
    stage on;
    parked who{};
    REQUIRE(parked_start_deep(&who, &on.main, on.pool) == 0);
    int r = on.take(who.fiber);
    parked_finish(&who);
    REQUIRE(r == 0);

    std::vector<char> good = on.bytes;
    wf_stack_sample sample = on.sample;
    uint64_t state = 42;
    auto next = [&state] {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return state >> 33;
    };
    for (int round = 0; round < 300; round++) {
        on.bytes = good;
        on.sample = sample;
        on.sample.bytes = on.bytes.data();
        for (int i = 0; i < 8; i++) {
            uint64_t at = next() % (sample.n / 8) * 8;
            uint64_t values[] = { 0,      UINT64_MAX,          sample.low + next() % sample.n,
                                  next(), sample.registers.pc, sample.low };
            memcpy(&on.bytes[at], &values[next() % 6], 8);
        }
        if (round % 3 == 0) {
            on.sample.n = next() % sample.n;
        }
        if (round % 5 == 0) {
            on.sample.registers.pc = next() << (next() % 40);
        }
        if (round % 7 == 0) {
            on.sample.registers.value[WF_REGISTER_FP] = sample.low + next() % 4096;
        }
        on.name();
        CHECK(on.text.n >= 1);
        CHECK(on.text.n <= WF_STACK_MAX_FRAMES);
    }
}

TEST_CASE("stack: without the library there are frame pointers and exported names", "[stack]")
{
    // In a process of its own: this one has loaded it.
    std::string command = "WEFT_DEBUG_LIBRARY= " + own_path() + " 'stack: plain' -w NoTests >&2";
    CHECK(std::system(command.c_str()) == 0);
}

TEST_CASE("stack: plain", "[.plain]")
{
    stage on;
    parked who{};
    module loaded("detour.so");

    REQUIRE(wf_stack_prepare() != 0);
    REQUIRE(loaded.detour != nullptr);
    look(on, who, parked_start_by(&who, &on.main, on.pool, loaded.detour));
    INFO(on.lines());
    CHECK(on.has({ "detour" }));
    CHECK(on.text.n >= 6);
    CHECK(on.text.is_complete);
    REQUIRE(on.text.note != nullptr);
    CHECK(std::string(on.text.note).find("libweft-debug.so.0") != std::string::npos);
    CHECK(std::string(on.text.frames[0].module) == "test-inspect");
}

// A thread is in the constructor of what it loads, and stays there. In a process of its own.
TEST_CASE("stack: while the dynamic linker is busy", "[stack]")
{
    std::string program = own_path() + " -w NoTests 'stack: ";
    CHECK(std::system((program + "stuck before' >&2").c_str()) == 0);
    CHECK(std::system((program + "stuck after' >&2").c_str()) == 0);
}

namespace
{

void look_while_stuck(bool is_prepared)
{
    int ends[2];
    parked who{};
    stage on;
    if (is_prepared) {
        REQUIRE(wf_stack_prepare() == 0);
    }
    REQUIRE(pipe(ends) == 0);
    setenv("STUCK_DESCRIPTOR", std::to_string(ends[0]).c_str(), 1);
    std::atomic<pid_t> tid{ 0 };
    std::thread loads([&tid] {
        tid = gettid();
        void *handle = dlopen(WEFT_TEST_BUILD_DIR "/tests/modules/stuck.so", RTLD_NOW);
        if (handle != nullptr) {
            dlclose(handle);
        }
    });
    wf_held held{};
    do { // until it reads
        wf_hold hold{};
        held.tid = tid;
        wf_hold_begin(&hold, 0, &held, 1, WF_HOLD_BOUND);
        wf_hold_end(&hold);
    } while (held.state != WF_HOLD_BLOCKED || static_cast<int>(held.arguments[0]) != ends[0]);

    int r = parked_start_deep(&who, &on.main, on.pool);
    for (int i = 0; r == 0 && i < 100; i++) { // a hundred stacks take no hundred seconds
        r = on.take(who.fiber);
        on.name();
    }
    parked_finish(&who);
    bool is_written = write(ends[1], "x", 1) == 1;
    loads.join();
    INFO(on.lines());
    REQUIRE(is_written);
    REQUIRE(r == 0);
    CHECK(on.text.n >= 5);
    CHECK(on.text.is_complete);
    CHECK(on.has({ "level3" }) == is_prepared);
    CHECK((on.text.note == nullptr) == is_prepared);
}

} // namespace

TEST_CASE("stack: stuck before", "[.stuck]")
{
    look_while_stuck(/* is_prepared = */ false);
}

TEST_CASE("stack: stuck after", "[.stuck]")
{
    look_while_stuck(/* is_prepared = */ true);
}

TEST_CASE("stack: no descriptor stays open", "[stack]")
{
    stage on;
    parked who{};
    auto count = [] {
        int n = 0;
        for (int fd = 0; fd < 1000; fd++) {
            n += fcntl(fd, F_GETFD) >= 0;
        }
        return n;
    };
    int before = count();
    REQUIRE(wf_stack_prepare() == 0);
    look(on, who, parked_start_deep(&who, &on.main, on.pool));
    CHECK(count() == before);
}

TEST_CASE("stack: addresses that were captured are named", "[stack]")
{
    void *pcs[WF_CAPTURE_MAX];
    int n = parked_capture(pcs, 2);
    wf_stack_text text{};

    REQUIRE(n == 2);
    REQUIRE(wf_stack_name(pcs, 2, &text) == 0);
    REQUIRE(text.n >= 2);
    CHECK(std::string(text.frames[0].function) == "capture_here");
    CHECK(std::string(text.frames[1].function) == "parked_capture");
    CHECK(text.frames[1].line > 0);
}

TEST_CASE("stack: a frame's line of text", "[stack]")
{
    wf_stack_text text{};
    char line[80];
    text.n = 5;
    text.frames[0] = { 0x10, "fetch", 4, "client.c", 41, "app", true, false };
    text.frames[1] = { 0x10, "qsort", 0x1c3, nullptr, 0, "libc.so.6", false, true };
    text.frames[2] = { 0x10, nullptr, 0x12, nullptr, 0, "module.so", false, false };
    text.frames[3] = { 0x7f12, nullptr, 0, nullptr, 0, nullptr, false, false };
    text.frames[4] = { 0x7f12, "fetch", 4, "client.c", 41, "app", false, false };

    size_t length = wf_stack_print(&text, 0, line, sizeof line);
    CHECK(length == strlen(line));
    CHECK(std::string(line) == "#0 fetch at client.c:41 (inlined)");
    wf_stack_print(&text, 1, line, sizeof line);
    CHECK(std::string(line) == "#1 qsort+0x1c3 in libc.so.6 (guessed)");
    wf_stack_print(&text, 2, line, sizeof line);
    CHECK(std::string(line) == "#2 module.so+0x12");
    wf_stack_print(&text, 3, line, sizeof line);
    CHECK(std::string(line) == "#3 0x7f12");
    CHECK(wf_stack_print(&text, 4, line, 8) == 7);
    CHECK(std::string(line) == "#4 fetc");
}

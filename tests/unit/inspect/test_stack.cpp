// Stacks: from what lies on one to the functions that made it.
#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "coro/fiber.h"
#include "inspect/memory.h"
#include "inspect/stack.h"
#include "parked.h"
}

namespace
{

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

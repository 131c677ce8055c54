/* The allocator hook, and the faults that tests plant. */
#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "weft/alloc.h"
#include "weft/error.h"

extern "C" {
#include "base/alloc.h"
}

namespace
{

std::atomic<long> n_calls; /* of the hook, since the program began */

void *counting_alloc(size_t size, void *data)
{
    (*static_cast<std::atomic<long> *>(data))++;
    return std::malloc(size);
}

void *counting_realloc(void *pointer, size_t size, void *data)
{
    (*static_cast<std::atomic<long> *>(data))++;
    return std::realloc(pointer, size);
}

void counting_free(void *pointer, void *data)
{
    (*static_cast<std::atomic<long> *>(data))++;
    std::free(pointer);
}

/* The hook can be set before the first allocation only, so this happens before main. */
struct early {
    int code;
    early()
    {
        weft_allocator allocator = { counting_alloc, counting_realloc, counting_free, &n_calls };
        code = weft_set_allocator(&allocator);
    }
} before_main;

} // namespace

TEST_CASE("alloc: an allocator set before the first call serves all memory", "[alloc]")
{
    REQUIRE(before_main.code == 0);
    long before = n_calls;
    void *block = wf_alloc(10);
    REQUIRE(block != nullptr);
    block = wf_realloc(block, 1000);
    REQUIRE(block != nullptr);
    char *text = wf_strdup("hello");
    REQUIRE(text != nullptr);
    CHECK(std::strcmp(text, "hello") == 0);
    wf_free(block);
    wf_free(text);
    CHECK(n_calls == before + 5);
}

TEST_CASE("alloc: a late or incomplete allocator is refused", "[alloc]")
{
    wf_free(wf_alloc(1));
    CHECK(weft_set_allocator(nullptr) == WEFT_EINVALIDSTATE);
    weft_allocator lacking = { counting_alloc, nullptr, counting_free, &n_calls };
    CHECK(weft_set_allocator(&lacking) == WEFT_EINVAL);
    long before = n_calls;
    wf_free(wf_alloc(1));
    CHECK(n_calls == before + 2);
    weft_raise(nullptr);
}

TEST_CASE("alloc: zeroed memory is zero and its size is checked", "[alloc]")
{
    unsigned char *block = wf_new_array(unsigned char, 100);
    REQUIRE(block != nullptr);
    for (int i = 0; i < 100; i++) {
        REQUIRE(block[i] == 0);
    }
    wf_free(block);
    CHECK(wf_alloc_zeroed(SIZE_MAX / 2, 3) == nullptr);
    CHECK(wf_strdup(nullptr) == nullptr);
    wf_free(nullptr);
}

TEST_CASE("alloc: planted faults hit this thread, from the n-th on, and are counted", "[alloc]")
{
    wf_alloc_fail_after(1);
    void *block = wf_alloc(8);
    CHECK(block != nullptr);
    CHECK(wf_alloc(8) == nullptr);
    CHECK(wf_realloc(block, 16) == nullptr);
    CHECK(wf_strdup("x") == nullptr);
    CHECK(wf_alloc_may_fail_now());
    CHECK(wf_alloc_n_failed() == 4);

    bool other_failed = true;
    std::thread([&] {
        void *other = wf_alloc(8);
        other_failed = other == nullptr;
        wf_free(other);
    }).join();
    CHECK_FALSE(other_failed);

    wf_alloc_fail_after(-1);
    CHECK_FALSE(wf_alloc_may_fail_now());
    void *grown = wf_realloc(block, 16);
    CHECK(grown != nullptr);
    wf_free(grown);
}

TEST_CASE("alloc: blocks are counted over threads once switched on", "[alloc][threads]")
{
    wf_alloc_count_blocks(true);
    void *block = nullptr;
    std::thread([&] { block = wf_alloc(8); }).join();
    CHECK(wf_alloc_n_blocks() == 1);
    block = wf_realloc(block, 100);
    CHECK(wf_alloc_n_blocks() == 1);
    wf_free(block);
    CHECK(wf_alloc_n_blocks() == 0);
    wf_alloc_count_blocks(false);
}

TEST_CASE("alloc: one allocation fails, and the next ones succeed", "[alloc]")
{
    wf_alloc_fail_once_after(1);
    void *first = wf_alloc(1);
    void *second = wf_alloc(1);
    void *third = wf_alloc(1);
    CHECK(first != nullptr);
    CHECK(second == nullptr);
    CHECK(third != nullptr);
    CHECK(wf_alloc_n_failed() == 1);
    wf_alloc_fail_after(-1);
    wf_free(first);
    wf_free(third);
}

TEST_CASE("alloc: failures by chance are those of the seed", "[alloc]")
{
    std::string runs[3];
    const uint64_t seeds[] = { 1, 1, 2 };

    for (int i = 0; i < 3; i++) {
        wf_alloc_fail_by_chance(seeds[i], 4);
        for (int j = 0; j < 400; j++) {
            runs[i] += wf_alloc_may_fail_now() ? 'x' : '.';
        }
        CHECK(wf_alloc_n_failed() > 50);
        CHECK(wf_alloc_n_failed() < 150);
    }
    wf_alloc_fail_after(-1);
    CHECK(runs[0] == runs[1]);
    CHECK(runs[0] != runs[2]);
    CHECK_FALSE(wf_alloc_may_fail_now());
}

/* The testing kit: seeds permute what nobody promises and nothing else, and leaks are counted. */
#include "support/log_recorder.hpp"
#include "support/virtual_loop.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" {
#include "weft/alloc.h"
#include "weft/group.h"
#include "weft/testing.h"
}

namespace
{

/* Several pipes that are readable at once; the order in which their readers ran. */
struct pipes {
    static constexpr int N = 6;
    int ends[N][2];
    std::string order;
    struct reader {
        pipes *all;
        int i;
    } readers[N];

    pipes()
    {
        for (int i = 0; i < N; i++) {
            REQUIRE(pipe2(ends[i], O_CLOEXEC | O_NONBLOCK) == 0);
            readers[i] = { this, i };
        }
    }
    ~pipes()
    {
        for (auto &pair : ends) {
            close(pair[0]);
            close(pair[1]);
        }
    }
    pipes(const pipes &) = delete;
    pipes &operator=(const pipes &) = delete;
};

int on_readable(void *data)
{
    auto *reader = static_cast<pipes::reader *>(data);
    char byte;
    reader->all->order += std::to_string(reader->i);
    return read(reader->all->ends[reader->i][0], &byte, 1) == 1 ? 0 : WEFT_EINVAL;
}

std::string order_of_readers(uint64_t seed)
{
    virtual_loop loop;
    pipes all;

    CHECK(weft_testing_set_seed(loop, seed) == 0);
    for (int i = 0; i < pipes::N; i++) {
        CHECK(weft_loop_add_reader(loop, all.ends[i][0], on_readable, &all.readers[i]) == 0);
        CHECK(write(all.ends[i][1], "x", 1) == 1);
    }
    CHECK(weft_loop_run_once(loop, 0) >= 0);
    for (auto &pair : all.ends) {
        weft_loop_remove_reader(loop, pair[0]);
    }
    return all.order;
}

std::string cancelled;

int wait_to_be_cancelled(void *name)
{
    int r = weft_sleep(WEFT_S(10));
    cancelled += *static_cast<const char *>(name);
    return r;
}

int fail(void *)
{
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return WEFT_EUSER(1);
}

int group_that_fails(void *)
{
    static char names[] = "abcdef";
    weft_task_group *group = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(group));
    for (char *name = names; *name != '\0'; name++) {
        weft_task_group_create_task(group, weft_coro_create(wait_to_be_cancelled, name), nullptr);
    }
    weft_task_group_create_task(group, weft_coro_create(fail, nullptr), nullptr);
    int r = weft_task_group_exit(group, 0);
    weft_task_group_destroy(group);
    return r == WEFT_EGROUP ? 0 : WEFT_ERUNTIME;
}

std::string order_of_cancels(uint64_t seed)
{
    virtual_loop loop;

    cancelled.clear();
    CHECK(weft_testing_set_seed(loop, seed) == 0);
    CHECK(loop.run(group_that_fails, nullptr) == 0);
    return cancelled;
}

std::string sorted(std::string text)
{
    std::sort(text.begin(), text.end());
    return text;
}

} // namespace

TEST_CASE("testing: a seed permutes the descriptors of one poll, always alike", "[testing]")
{
    int n_different = 0;

    for (uint64_t seed = 0; seed < 8; seed++) {
        std::string order = order_of_readers(seed);
        CHECK(sorted(order) == "012345");
        CHECK(order == order_of_readers(seed));
        n_different += order != order_of_readers(0);
    }
    CHECK(order_of_readers(0) == "012345");
    CHECK(n_different >= 5);
}

TEST_CASE("testing: a seed permutes the cancels of a group", "[testing]")
{
    int n_different = 0;

    CHECK(order_of_cancels(0) == "abcdef");
    for (uint64_t seed = 1; seed < 8; seed++) {
        std::string order = order_of_cancels(seed);
        CHECK(sorted(order) == "abcdef");
        n_different += order != "abcdef";
    }
    CHECK(n_different >= 5);
}

TEST_CASE("testing: a seed does not touch what is promised", "[testing]")
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        virtual_loop loop;
        std::string order;
        struct call {
            std::string *order;
            char name;
        } calls[] = { { &order, 'a' }, { &order, 'b' }, { &order, 'c' } };
        auto run = [](void *data) {
            auto *call = static_cast<struct call *>(data);
            *call->order += call->name;
            return 0;
        };

        CHECK(weft_testing_set_seed(loop, seed) == 0);
        for (auto &call : calls) {
            CHECK(weft_loop_call_later(loop, WEFT_MS(5), run, &call, nullptr) == 0);
        }
        for (auto &call : calls) {
            CHECK(weft_loop_call_soon(loop, run, &call, nullptr) == 0);
        }
        CHECK(weft_loop_run_once(loop, 0) == 3);
        CHECK(weft_loop_run_once(loop, WEFT_FOREVER) == 3);
        CHECK(order == "abcabc");
    }
}

TEST_CASE("testing: what a loop leaves behind is counted", "[testing]")
{
    log_recorder log;
    weft_loop *loop = nullptr;
    weft_testing_leaks leaks = WEFT_TESTING_LEAKS_INIT;
    static char name[] = "x";

    REQUIRE(weft_testing_begin_leak_check() == 0);
    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    REQUIRE(weft_testing_close_loop(loop, &leaks) == 0);
    CHECK(leaks.n_tasks == 0);
    CHECK(leaks.n_blocks == 0);
    CHECK(leaks.n_descriptors == 0);

    REQUIRE(weft_testing_begin_leak_check() == 0);
    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    REQUIRE(weft_loop_create_task(loop, weft_coro_create(wait_to_be_cancelled, name), nullptr,
                                  nullptr) == 0);
    REQUIRE(weft_loop_run_once(loop, 0) >= 0);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    void *block = weft_malloc(10);
    REQUIRE(weft_testing_close_loop(loop, &leaks) == 0);
    CHECK(leaks.n_tasks == 1);
    CHECK(leaks.n_blocks == 1);
    CHECK(leaks.n_descriptors == 1);
    weft_free(block);
    close(fd);
}

TEST_CASE("testing: a loop is not closed by a check that cannot be", "[testing]")
{
    weft_loop *loop = nullptr;
    weft_testing_leaks leaks = WEFT_TESTING_LEAKS_INIT;

    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    CHECK(weft_testing_close_loop(loop, &leaks) == WEFT_EINVALIDSTATE);
    CHECK_FALSE(weft_loop_is_closed(loop));
    REQUIRE(weft_testing_begin_leak_check() == 0);
    REQUIRE(weft_testing_close_loop(loop, &leaks) == 0);
}

/*
 * Dumps while loops do what they can to be hard to read: they make and join tasks, hand them over
 * to each other and to an executor, and loops come and go. No dump may fail, none may disturb.
 */
#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "weft/inspect.h"
#include "weft/weft.h"

namespace
{

std::atomic<bool> may_end;

int leaf(void *)
{
    return weft_sleep(0);
}

int job(void *)
{
    return 0;
}

/* A bunch of tasks, a lock between them, a job: until it is enough. */
int storm(void *)
{
    while (!may_end) {
        weft_awaitable *leaves[20];
        weft_future *all;
        weft_future *done;

        for (auto &one : leaves) {
            one = weft_coro_create(leaf, nullptr);
        }
        WEFT_TRY(weft_gather(leaves, 20, 0, &all));
        int r = weft_await(all, nullptr);
        (void)weft_future_unref(all);
        WEFT_TRY(r);
        WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, job, nullptr, &done));
        r = weft_await(done, nullptr);
        (void)weft_future_unref(done);
        WEFT_TRY(r);
    }
    return 0;
}

std::string dump(unsigned flags, int &code)
{
    int fd = memfd_create("dump", MFD_CLOEXEC);
    std::string text;
    char piece[4096];
    ssize_t n;

    code = weft_dump(fd, flags);
    (void)lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, piece, sizeof piece)) > 0) {
        text.append(piece, static_cast<size_t>(n));
    }
    close(fd);
    return text;
}

} // namespace

TEST_CASE("inspect: dumps during a storm of tasks on other threads", "[inspect][stress][threads]")
{
    constexpr int n_dumps = 20;
    std::atomic<int> n_failed = 0;
    std::vector<std::thread> threads;

    may_end = false;
    for (int i = 0; i < 2; i++) {
        threads.emplace_back([&n_failed] { n_failed += weft_run(storm, nullptr) != 0; });
    }
    threads.emplace_back([&n_failed] { /* loops that come and go */
                                       while (!may_end) {
                                           n_failed += weft_run(leaf, nullptr) != 0;
                                       }
    });
    std::vector<int> codes;
    std::vector<std::string> ends;
    for (int i = 0; i < n_dumps; i++) {
        int code;
        std::string text = dump((WEFT_DUMP_ALL & ~WEFT_DUMP_STACKS) | WEFT_DUMP_JSON, code);
        codes.push_back(code);
        ends.push_back(text.substr(0, 8) + text.substr(text.size() - 2));
    }
    std::thread second([&codes] { /* two at once */
                                  int code;
                                  (void)dump(WEFT_DUMP_ALL & ~WEFT_DUMP_STACKS, code);
                                  codes.push_back(code);
    });
    int code;
    (void)dump(WEFT_DUMP_TREE, code);
    second.join();
    codes.push_back(code);
    may_end = true;
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(n_failed == 0);
    CHECK(codes == std::vector<int>(n_dumps + 2, 0));
    CHECK(ends == std::vector<std::string>(n_dumps, "{\"weft\":}\n"));
}

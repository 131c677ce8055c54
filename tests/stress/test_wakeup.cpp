/*
 * Posts from several threads to loops that sleep and wake: nothing is lost, each
 * thread's order is kept, no wake-up is missed (that would hang), and a loop may
 * close while others still post. Under ThreadSanitizer this is the proof that the
 * floor's own data stay on one thread.
 */

#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "weft/weft.h"

extern "C" {
#include "loop/loop.h"
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD 0
#endif

namespace
{

constexpr int N_POSTERS = 3;
constexpr int N_POSTS = SLOW_BUILD ? 20000 : 150000;

/* What a poster's callbacks find: their numbers, in order. */
struct Lane {
    weft_loop *loop;
    int next = 0;
    int n_out_of_order = 0;
    int *n_left;
};

struct Item {
    Lane *lane;
    int number;
};

int receive(void *data)
{
    auto *item = static_cast<Item *>(data);
    Lane *lane = item->lane;

    lane->n_out_of_order += item->number != lane->next;
    lane->next++;
    if (--*lane->n_left == 0) {
        return weft_loop_stop(lane->loop);
    }
    return 0;
}

} /* namespace */

TEST_CASE("stress: posts of many threads all arrive, in each thread's order", "[stress][loop]")
{
    weft_loop *loop = nullptr;
    int n_left = N_POSTERS * N_POSTS;
    std::atomic<int> n_failed{ 0 };
    std::vector<Lane> lanes(N_POSTERS);
    std::vector<std::vector<Item>> items(N_POSTERS);
    std::vector<std::thread> posters;

    REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
    for (int i = 0; i < N_POSTERS; i++) {
        lanes[i] = { loop, 0, 0, &n_left };
        for (int k = 0; k < N_POSTS; k++) {
            items[i].push_back({ &lanes[i], k });
        }
    }
    for (int i = 0; i < N_POSTERS; i++) {
        posters.emplace_back([&, i] {
            std::mt19937 random(static_cast<unsigned>(i));
            for (Item &item : items[i]) {
                /* Bursts, and pauses in which the loop falls asleep. */
                if (random() % 64 == 0) {
                    std::this_thread::yield();
                }
                n_failed += weft_loop_call_soon_threadsafe(loop, receive, &item, nullptr) != 0;
            }
        });
    }
    REQUIRE(weft_loop_run_forever(loop) == 0);
    for (auto &poster : posters) {
        poster.join();
    }
    REQUIRE(n_failed == 0);
    REQUIRE(n_left == 0);
    for (const Lane &lane : lanes) {
        REQUIRE(lane.n_out_of_order == 0);
        REQUIRE(lane.next == N_POSTS);
    }
    REQUIRE(weft_loop_close(loop) == 0);
    weft_loop_unref(loop);
}

namespace
{

/* One half of a ping-pong between two loops. */
struct Player {
    weft_loop *loop = nullptr;
    Player *other = nullptr;
    int n_left = SLOW_BUILD ? 5000 : 30000;
    int n_failed = 0;
};

int play(void *data)
{
    auto *player = static_cast<Player *>(data);

    if (player->n_left-- == 0) {
        player->n_failed += weft_loop_stop_threadsafe(player->other->loop) != 0;
        return weft_loop_stop(player->loop);
    }
    player->n_failed +=
        weft_loop_call_soon_threadsafe(player->other->loop, play, player->other, nullptr) != 0;
    return 0;
}

} /* namespace */

TEST_CASE("stress: two loops wake each other without missing a turn", "[stress][loop]")
{
    Player a, b;
    /* The spin hides the sleep when it pays, so both ways are gone. */
    bool may_spin = GENERATE(true, false);

    a.other = &b;
    b.other = &a;
    REQUIRE(weft_new_event_loop(nullptr, &a.loop) == 0);
    REQUIRE(weft_new_event_loop(nullptr, &b.loop) == 0);
    if (!may_spin) {
        a.loop->poller.has_cpus = false;
        b.loop->poller.has_cpus = false;
    }
    std::thread thread([&] {
        b.n_failed += weft_set_event_loop(b.loop) != 0;
        b.n_failed += weft_loop_run_forever(b.loop) != 0;
        b.n_failed += weft_loop_close(b.loop) != 0;
    });
    REQUIRE(weft_loop_call_soon(a.loop, play, &a, nullptr) == 0);
    REQUIRE(weft_loop_run_forever(a.loop) == 0);
    thread.join();
    REQUIRE(a.n_failed == 0);
    REQUIRE(b.n_failed == 0);
    REQUIRE(a.n_left == -1);
    REQUIRE(weft_loop_close(a.loop) == 0);
    weft_loop_unref(a.loop);
    weft_loop_unref(b.loop);
}

namespace
{

int count(void *data)
{
    ++*static_cast<int *>(data);
    return 0;
}

} /* namespace */

TEST_CASE("stress: a loop closes while others post to it", "[stress][loop][close]")
{
    constexpr int N_ROUNDS = SLOW_BUILD ? 50 : 200;

    for (int round = 0; round < N_ROUNDS; round++) {
        weft_loop *loop = nullptr;
        int n_ran = 0;
        std::atomic<int> n_accepted{ 0 };
        std::atomic<int> n_odd{ 0 };
        std::vector<std::thread> posters;

        REQUIRE(weft_new_event_loop(nullptr, &loop) == 0);
        for (int i = 0; i < 2; i++) {
            weft_loop_ref(loop);
            posters.emplace_back([&] {
                int r;
                while ((r = weft_loop_call_soon_threadsafe(loop, count, &n_ran, nullptr)) == 0) {
                    if (++n_accepted == 20) {
                        n_odd += weft_loop_stop_threadsafe(loop) != 0;
                    }
                    if (n_accepted > 100000) {
                        break; /* the loop was given no processor: enough */
                    }
                }
                n_odd += r != WEFT_ECLOSED && r != 0;
                weft_loop_unref(loop);
            });
        }
        int ran = weft_loop_run_forever(loop);
        int closed = weft_loop_close(loop);
        weft_loop_unref(loop);
        for (auto &poster : posters) {
            poster.join();
        }
        REQUIRE(ran == 0);
        REQUIRE(closed == 0);
        REQUIRE(n_odd == 0);
        REQUIRE(n_ran <= n_accepted);
        REQUIRE(n_ran > 0);
    }
}

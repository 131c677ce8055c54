/*
 * Seeded stress of the mailbox: producers post at random, the owner takes, spins
 * and sleeps at random, and at last closes while they still post. Every message
 * arrives once and in its producer's order, or was refused.
 */
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <poll.h>
#include <random>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/seed.hpp"

extern "C" {
#include "thread/mailbox.h"
#include "weft/error.h"
}

namespace
{

struct message {
    wf_post post;
    int producer;
    int number;
};

constexpr int n_producers = 3;

struct tally {
    int next[n_producers] = {};
    int n_out_of_order = 0;

    void take(wf_post *first)
    {
        while (first != nullptr) {
            message *m = reinterpret_cast<message *>(first);
            first = first->next;
            n_out_of_order += m->number != next[m->producer];
            next[m->producer] = m->number + 1;
        }
    }
};

/* Sleeps as a loop does: the bell has no memory of its own, so it is read here. */
void sleep_at(const wf_mailbox &box)
{
    pollfd waiting = { box.doorbell, POLLIN, 0 };
    int n_ready;
    do {
        n_ready = poll(&waiting, 1, -1);
    } while (n_ready < 0 && errno == EINTR);
    uint64_t n;
    ssize_t ignored = read(box.doorbell, &n, sizeof n);
    (void)ignored;
}

/* One life of a mailbox. The owner closes after <n_before_close> messages, or at the end. */
void run_life(unsigned seed, int n_messages, int n_before_close)
{
    wf_mailbox box;
    REQUIRE(wf_mailbox_init(&box) == 0);
    std::vector<std::vector<message>> messages(n_producers, std::vector<message>(n_messages));
    std::atomic<int> n_refused[n_producers] = {};
    std::atomic<int> n_bad_codes{ 0 };
    std::vector<std::thread> producers;

    for (int p = 0; p < n_producers; p++) {
        producers.emplace_back([&, p] {
            std::mt19937 random(seed * 31 + p);
            for (int i = 0; i < n_messages; i++) {
                message &m = messages[p][i];
                m.producer = p;
                m.number = i;
                int code = wf_mailbox_post(&box, &m.post);
                n_refused[p] += code == WEFT_ECLOSED;
                n_bad_codes += code != 0 && code != WEFT_ECLOSED;
                if (random() % 16 == 0) {
                    sched_yield();
                }
            }
        });
    }

    std::mt19937 random(seed);
    tally seen;
    int n_wanted =
        n_producers * n_messages < n_before_close ? n_producers * n_messages : n_before_close;
    while (seen.next[0] + seen.next[1] + seen.next[2] < n_wanted) {
        seen.take(wf_mailbox_take(&box));
        if (random() % 3 == 0) {
            (void)wf_mailbox_has_posts(&box);
        } else if (seen.next[0] + seen.next[1] + seen.next[2] < n_wanted &&
                   wf_mailbox_try_sleep(&box)) {
            sleep_at(box);
            wf_mailbox_wake(&box);
        }
    }
    seen.take(wf_mailbox_close(&box));
    for (std::thread &producer : producers) {
        producer.join();
    }
    wf_mailbox_fini(&box);

    REQUIRE(n_bad_codes == 0);
    REQUIRE(seen.n_out_of_order == 0);
    for (int p = 0; p < n_producers; p++) {
        REQUIRE(seen.next[p] + n_refused[p] == n_messages);
    }
}

} // namespace

TEST_CASE("stress mailbox: nothing is lost, doubled or overtaken", "[stress][mailbox]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    for (unsigned round = 0; round < 10; round++) {
        run_life(seed + round, 10000, INT32_MAX);
    }
}

TEST_CASE("stress mailbox: closing under fire", "[stress][mailbox]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    std::mt19937 random(seed);
    for (unsigned round = 0; round < 300; round++) {
        run_life(random(), 100, static_cast<int>(random() % 250));
    }
}

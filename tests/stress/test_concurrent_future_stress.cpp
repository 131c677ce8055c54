/*
 * Seeded stress of the concurrent future (R13): set x cancel x timeout x wait on
 * one future. Exactly one outcome, everybody sees the same one, a value is owned
 * once, a callback is posted once or removed, and nobody sleeps for ever.
 */
#include <catch2/catch.hpp>

#include <atomic>
#include <barrier>
#include <random>
#include <thread>
#include <vector>

#include "support/seed.hpp"

extern "C" {
#include "thread/concurrent_future.h"
#include "weft/error.h"
}

namespace
{

constexpr int n_waiters = 2;
constexpr int n_rounds = 30000;

struct stage {
    weft_concurrent_future *future;
    std::atomic<int> n_destroyed;

    int set_code;
    int cancel_code;
    int waiter_code[n_waiters];
    bool waiter_owns[n_waiters];
    bool is_removed;
    int n_delivered;
};

void count_destroy(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
}

void deliver_nothing(wf_post *)
{
}

void pause_a_little(std::mt19937 &random)
{
    for (unsigned i = random() % 200; i > 0; i--) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
}

void do_set(stage &s, std::mt19937 &random)
{
    if (random() % 2 == 0) {
        int r = weft_concurrent_future_set_running_or_notify_cancel(s.future);
        if (r < 0) {
            s.set_code = r;
            return;
        }
        pause_a_little(random);
    }
    s.set_code =
        weft_concurrent_future_set_result(s.future, weft_value_ptr(&s.n_destroyed, count_destroy));
}

void do_wait(stage &s, int i, std::mt19937 &random)
{
    weft_duration limit =
        random() % 2 == 0 ? WEFT_FOREVER : static_cast<weft_duration>(random() % 2000);
    weft_value value = weft_value_none();
    s.waiter_code[i] = weft_concurrent_future_result(s.future, limit, &value);
    s.waiter_owns[i] = s.waiter_code[i] == 0;
    weft_value_clear(&value);
}

/* The owner of a mailbox adds a callback, and may take it back. */
void do_callback(stage &s, wf_mailbox &box, std::mt19937 &random)
{
    wf_cf_callback callback = {};
    callback.post.deliver = deliver_nothing;
    callback.mailbox = &box;
    s.is_removed = false;
    s.n_delivered = 0;
    (void)wf_concurrent_future_add_callback(s.future, &callback);
    pause_a_little(random);
    if (random() % 2 == 0) {
        s.is_removed = wf_concurrent_future_remove_callback(s.future, &callback);
    }
    for (;;) {
        for (wf_post *post = wf_mailbox_take(&box); post != nullptr; post = post->next) {
            s.n_delivered++;
        }
        if (s.is_removed || s.n_delivered > 0) {
            return;
        }
        std::this_thread::yield();
    }
}

} // namespace

TEST_CASE("stress concurrent future: set x cancel x timeout x wait (R13)", "[stress][cf]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);

    stage s = {};
    wf_mailbox box;
    REQUIRE(wf_mailbox_init(&box) == 0);
    std::barrier gate(3 + n_waiters + 1);
    std::vector<std::thread> threads;
    auto actor = [&](unsigned number, auto act) {
        threads.emplace_back([&, number, act] {
            std::mt19937 random(seed * 101 + number);
            for (int round = 0; round < n_rounds; round++) {
                gate.arrive_and_wait();
                pause_a_little(random);
                act(random);
                gate.arrive_and_wait();
            }
        });
    };
    actor(0, [&](std::mt19937 &random) { do_set(s, random); });
    actor(1, [&](std::mt19937 &) { s.cancel_code = weft_concurrent_future_cancel(s.future); });
    actor(2, [&](std::mt19937 &random) { do_callback(s, box, random); });
    for (int i = 0; i < n_waiters; i++) {
        actor(10 + i, [&, i](std::mt19937 &random) { do_wait(s, i, random); });
    }

    int n_bad = 0;
    int n_cancelled = 0;
    int n_timed_out = 0;
    for (int round = 0; round < n_rounds; round++) {
        n_bad += weft_concurrent_future_create(&s.future) != 0;
        s.n_destroyed = 0;
        gate.arrive_and_wait();
        gate.arrive_and_wait();

        bool is_cancelled = weft_concurrent_future_cancelled(s.future);
        int n_owners = 0;
        n_bad += !weft_concurrent_future_done(s.future);
        n_bad += (s.cancel_code == 0) != is_cancelled;
        n_bad += (s.set_code == 0) == is_cancelled;
        for (int i = 0; i < n_waiters; i++) {
            int code = s.waiter_code[i];
            n_owners += s.waiter_owns[i];
            n_timed_out += code == WEFT_ETIMEDOUT;
            n_bad += code != WEFT_ETIMEDOUT && (code == WEFT_ECANCELED) != is_cancelled;
        }
        n_bad += n_owners > (is_cancelled ? 0 : 1);
        n_bad += s.n_delivered + s.is_removed != 1;
        n_cancelled += is_cancelled;
        weft_concurrent_future_unref(s.future);
        /* Refused by set_running, the value was never made. */
        n_bad += s.n_destroyed != (s.set_code == WEFT_ECANCELED ? 0 : 1);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    (void)wf_mailbox_close(&box);
    wf_mailbox_fini(&box);
    CHECK(n_bad == 0);
    /* The test would say nothing if one side always won. */
    CHECK(n_cancelled > 0);
    CHECK(n_cancelled < n_rounds);
    CHECK(n_timed_out > 0);
}

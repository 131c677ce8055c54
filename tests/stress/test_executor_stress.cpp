/*
 * Seeded stress of the executor: many threads submit, cancel, wait and give up,
 * threads come and go, the queue is full, and at the end it is shut down under
 * fire. Every argument is used exactly once: by its job, or by its destructor.
 */
#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "support/seed.hpp"
#include "weft/error.h"
#include "weft/executor.h"
#include "weft/result.h"

namespace
{

struct tally {
    std::atomic<long> n_made{ 0 };
    std::atomic<long> n_run{ 0 };
    std::atomic<long> n_destroyed{ 0 };
    std::atomic<long> n_values{ 0 }; /* made minus destroyed */
    std::atomic<long> n_bad{ 0 };
    std::atomic<long> n_refused{ 0 };
};

struct job {
    tally *all;
    unsigned work;
};

void destroy_job(void *data)
{
    job *j = static_cast<job *>(data);
    j->all->n_destroyed++;
    delete j;
}

void destroy_value(void *data)
{
    static_cast<tally *>(data)->n_values--;
}

int run_job(void *data)
{
    job *j = static_cast<job *>(data);
    tally *all = j->all;
    unsigned work = j->work;
    delete j;
    all->n_run++;
    for (unsigned i = work % 1000; i > 0; i--) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    if (work % 7 == 0) {
        return weft_fail(WEFT_EUSER(1), "job %u", work);
    }
    all->n_values++;
    return weft_return_ptr(all, destroy_value);
}

job *make_job(tally &all, std::mt19937 &random)
{
    return new job{ &all, static_cast<unsigned>(random()) };
}

void judge(tally &all, int code)
{
    switch (code) {
    case 0:
    case WEFT_ECANCELED:
    case WEFT_ETIMEDOUT:
    case WEFT_EUSER(1):
        break;
    default:
        all.n_bad++;
    }
}

void use_executor(weft_executor *ex, tally &all, unsigned seed, int n_jobs)
{
    std::mt19937 random(seed);
    std::vector<weft_concurrent_future *> held;

    for (int i = 0; i < n_jobs; i++) {
        weft_concurrent_future *f = nullptr;
        all.n_made++;
        int code = weft_executor_submit_with(ex, run_job, make_job(all, random), destroy_job, &f);
        if (code == 0) {
            held.push_back(f);
        } else if (code == WEFT_EQUEUEFULL || code == WEFT_ESHUTDOWN) {
            all.n_refused++;
        } else {
            all.n_bad++;
        }
        while (held.size() > random() % 8) {
            size_t which = random() % held.size();
            f = held[which];
            held.erase(held.begin() + static_cast<long>(which));
            weft_value value = weft_value_none();
            switch (random() % 4) {
            case 0:
                (void)weft_concurrent_future_cancel(f);
                break;
            case 1:
                judge(all, weft_concurrent_future_result(f, random() % 20000, &value));
                break;
            case 2:
                judge(all, weft_concurrent_future_result(f, WEFT_FOREVER, &value));
                break;
            default:
                break; /* nobody asks */
            }
            weft_value_clear(&value);
            weft_concurrent_future_unref(f);
        }
        if (random() % 64 == 0) {
            weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;
            weft_executor_job jobs[4];
            all.n_bad += weft_executor_get_stats(ex, &stats) != 0;
            all.n_bad += stats.n_running > stats.n_threads;
            (void)weft_executor_get_running(ex, jobs, 4);
        }
    }
    for (weft_concurrent_future *f : held) {
        weft_concurrent_future_unref(f);
    }
    weft_raise(nullptr);
}

enum ending {
    LET_RUN,
    CANCEL,
    CANCEL_UNDER_FIRE,
    LAST_REFERENCE
};

void run_life(unsigned seed, ending how, int n_jobs)
{
    std::mt19937 random(seed);
    tally all;
    weft_executor *ex = nullptr;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.min_threads = random() % 2;
    options.max_threads = 1 + random() % 4;
    options.queue_limit = random() % 4;
    options.when_full = random() % 2 ? WEFT_EXECUTOR_WAIT : WEFT_EXECUTOR_REJECT;
    options.idle_exit = random() % 2 ? WEFT_US(50) : WEFT_FOREVER;
    REQUIRE(weft_executor_create(&options, &ex) == 0);

    std::vector<std::thread> users;
    for (unsigned i = 0; i < 3; i++) {
        users.emplace_back([&, i] {
            weft_executor *mine = weft_executor_ref(ex);
            use_executor(mine, all, seed * 17 + i, n_jobs);
            weft_executor_unref(mine);
        });
    }
    weft_executor_shutdown_options end = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    end.cancel_queued = how == CANCEL || how == CANCEL_UNDER_FIRE;
    if (how == CANCEL_UNDER_FIRE) {
        while (all.n_made < n_jobs) {
            std::this_thread::yield();
        }
        all.n_bad += weft_executor_shutdown(ex, &end) != 0;
    }
    for (std::thread &user : users) {
        user.join();
    }
    if (how == LAST_REFERENCE) {
        weft_executor_unref(ex);
        while (all.n_run + all.n_destroyed < all.n_made || all.n_values > 0) {
            std::this_thread::yield(); /* the threads end by themselves */
        }
    } else {
        all.n_bad += weft_executor_shutdown(ex, &end) != 0;
        weft_executor_unref(ex);
    }
    REQUIRE(all.n_bad == 0);
    REQUIRE(all.n_run + all.n_destroyed == all.n_made);
    REQUIRE(all.n_values == 0);
}

} // namespace

TEST_CASE("stress executor: every job runs once or never", "[stress][executor]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 60; round++) {
        run_life(random(), static_cast<ending>(round % 4), 200);
    }
}

namespace
{

int count(void *data)
{
    ++*static_cast<std::atomic<long> *>(data);
    return 0;
}

} // namespace

TEST_CASE("stress executor: a burst at sleeping threads loses no wake-up (R11)",
          "[stress][executor]")
{
    unsigned seed = stress_seed();
    INFO("WEFT_SEED=" << seed);
    std::mt19937 random(seed);
    weft_executor *ex = nullptr;
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    options.max_threads = 3;
    REQUIRE(weft_executor_create(&options, &ex) == 0);
    std::atomic<long> n_run{ 0 };
    long n_submitted = 0;
    for (int round = 0; round < 2000; round++) {
        for (unsigned i = 1 + random() % 6; i > 0; i--) {
            REQUIRE(weft_executor_submit(ex, count, &n_run, nullptr) == 0);
            n_submitted++;
        }
        /* A lost wake-up would hang here, until the time limit of the test. */
        while (random() % 2 == 0 && n_run < n_submitted) {
            std::this_thread::yield();
        }
    }
    REQUIRE(weft_executor_shutdown(ex, nullptr) == 0);
    CHECK(n_run == n_submitted);
    weft_executor_unref(ex);
}

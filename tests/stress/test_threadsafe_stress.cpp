/*
 * Seeded stress of the threadsafe queue, semaphore and event: tasks of two loops and
 * plain threads put, get, take places and wait for the flag, with and without limits;
 * their tasks are cancelled at random, and a third loop is closed again and again while
 * its tasks stand in line. Every item is delivered or destroyed exactly once, each
 * consumer sees each producer's items in order, no place is lost, every wait ends.
 */
#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "support/log_recorder.hpp"
#include "support/seed.hpp"
#include "weft/weft.h"

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

constexpr long N_ITEMS = SLOW_BUILD ? 30000 : 100000;
constexpr int N_PLACES = 2;
constexpr int N_TASKS = 5; /* of each of two loops */
constexpr int N_THREADS = 2;
constexpr int N_WORKERS = 2 * N_TASKS + N_THREADS;

struct scene;

struct item {
    scene *all;
    int producer;
    long number;
    std::atomic<int> n_ends{ 0 };
};

/* One task or thread. Nothing of it is touched by another, but for the atomics. */
struct worker {
    scene *all;
    int index;
    std::minstd_rand random;
    long n_put = 0;
    std::vector<long> last_seen; /* by producer */
};

struct scene {
    weft_threadsafe_queue *queue = nullptr;
    weft_threadsafe_semaphore *semaphore = nullptr;
    weft_threadsafe_event *event = nullptr;
    std::unique_ptr<item[]> items{ new item[N_ITEMS] };
    std::atomic<long> n_made{ 0 };
    std::atomic<long> n_delivered{ 0 };
    std::atomic<long> n_destroyed{ 0 };
    std::atomic<long> n_cancelled{ 0 };
    std::atomic<long> n_bad{ 0 };
    std::atomic<int> n_holders{ 0 };
    std::atomic<int> n_alive{ N_WORKERS };
    std::atomic<bool> is_over{ false };
};

void destroy_item(void *data)
{
    auto *it = static_cast<item *>(data);
    it->n_ends++;
    it->all->n_destroyed++;
}

weft_duration random_limit(worker &me)
{
    switch (me.random() % 4) {
    case 0:
        return 0;
    case 1:
        return WEFT_US(20);
    case 2:
        return WEFT_US(300);
    default:
        return WEFT_FOREVER;
    }
}

/* What an operation may come back with. */
void judge(worker &me, int code)
{
    if (code == WEFT_ECANCELED) {
        me.all->n_cancelled++;
    } else if (code != 0 && code != WEFT_ETIMEDOUT && code != WEFT_EQUEUESHUTDOWN) {
        me.all->n_bad++;
    }
}

void produce(worker &me)
{
    long i = me.all->n_made.fetch_add(1);
    if (i >= N_ITEMS) {
        me.all->n_made--;
        me.all->is_over = true;
        return;
    }
    item *it = &me.all->items[i];
    it->all = me.all;
    it->producer = me.index;
    it->number = me.n_put++;
    weft_value value = weft_value_ptr(it, destroy_item);
    int r = weft_threadsafe_queue_put(me.all->queue, value, random_limit(me));
    if (r < 0) {
        weft_value_clear(&value);
    }
    judge(me, r);
}

void consume(worker &me, weft_duration limit)
{
    weft_value value = weft_value_none();
    int r = weft_threadsafe_queue_get(me.all->queue, limit, &value);
    if (r == 0) {
        auto *it = static_cast<item *>(value.as.ptr);
        it->n_ends++;
        me.all->n_delivered++;
        me.all->n_bad += it->number <= me.last_seen[it->producer];
        me.last_seen[it->producer] = it->number;
    }
    judge(me, r);
}

void hold_place(worker &me, weft_duration limit, bool may_sleep)
{
    int r = weft_threadsafe_semaphore_acquire(me.all->semaphore, limit);
    judge(me, r);
    if (r == 0) {
        me.all->n_bad += me.all->n_holders.fetch_add(1) >= N_PLACES;
        if (may_sleep) {
            judge(me, weft_sleep(0));
        }
        me.all->n_holders--;
        judge(me, weft_threadsafe_semaphore_release(me.all->semaphore));
    }
}

void mind_flag(worker &me)
{
    switch (me.random() % 3) {
    case 0:
        judge(me, weft_threadsafe_event_wait(me.all->event, random_limit(me)));
        break;
    case 1:
        judge(me, weft_threadsafe_event_clear(me.all->event));
        break;
    default:
        judge(me, weft_threadsafe_event_set(me.all->event));
    }
}

void work(worker &me, bool is_task)
{
    while (!me.all->is_over) {
        switch (me.random() % 8) {
        case 0:
        case 1:
        case 2:
            produce(me);
            break;
        case 3:
        case 4:
        case 5:
            consume(me, random_limit(me));
            break;
        case 6:
            hold_place(me, random_limit(me), is_task);
            break;
        default:
            mind_flag(me);
        }
    }
    me.all->n_alive--;
}

int work_as_task(void *arg)
{
    work(*static_cast<worker *>(arg), /* is_task = */ true);
    return 0;
}

struct crew {
    scene *all;
    worker *workers;
    unsigned seed;
};

/* The main task of a loop: starts the tasks and cancels them at random. */
int supervise(void *arg)
{
    auto *mine = static_cast<crew *>(arg);
    std::minstd_rand random(mine->seed);
    weft_task *tasks[N_TASKS];

    for (int i = 0; i < N_TASKS; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(work_as_task, &mine->workers[i]), &tasks[i]));
    }
    WEFT_TRY(weft_sleep(0)); /* a task that is cancelled before its first step never begins */
    while (!mine->all->is_over) {
        (void)weft_task_cancel(tasks[random() % N_TASKS], nullptr); /* done: refused */
        WEFT_TRY(weft_sleep(random() % 2 == 0 ? 0 : WEFT_US(random() % 200)));
    }
    WEFT_TRY(weft_wait(tasks, N_TASKS, WEFT_FOREVER, WEFT_ALL_COMPLETED));
    for (weft_task *task : tasks) {
        weft_future_unref(task);
    }
    return 0;
}

/* A loop whose tasks stand in line when it closes. They hold nothing while they wait. */
struct visitor {
    worker me;
    int kind;
};

int visit(void *arg)
{
    auto *visitor_ = static_cast<visitor *>(arg);
    worker &me = visitor_->me;

    switch (visitor_->kind) {
    case 0:
        consume(me, WEFT_FOREVER);
        break;
    case 1:
        hold_place(me, WEFT_S(10), /* may_sleep = */ false);
        break;
    default:
        judge(me, weft_threadsafe_event_wait(me.all->event, WEFT_FOREVER));
    }
    return 0;
}

void come_and_go(scene &all, unsigned seed)
{
    std::minstd_rand random(seed);

    while (!all.is_over) {
        std::vector<visitor> visitors;
        weft_loop *loop = nullptr;
        if (weft_new_event_loop(nullptr, &loop) != 0) {
            all.n_bad++;
            return;
        }
        for (int kind = 0; kind < 3; kind++) {
            visitors.push_back(
                { { &all, 0, std::minstd_rand(1), 0, std::vector<long>(N_WORKERS, -1) }, kind });
        }
        for (visitor &v : visitors) {
            all.n_bad +=
                weft_loop_create_task(loop, weft_coro_create(visit, &v), nullptr, nullptr) != 0;
        }
        for (unsigned n = random() % 4; n > 0; n--) {
            all.n_bad += weft_loop_run_once(loop, 0) < 0;
        }
        weft_loop_close(loop);
        weft_loop_unref(loop);
    }
}

} // namespace

TEST_CASE("stress: threads and tasks share queue, semaphore and event", "[stress][threadsafe]")
{
    log_recorder log; /* the visitors' tasks are pending when their loop closes */
    scene all;
    unsigned seed = stress_seed();
    std::vector<worker> workers;
    std::vector<std::thread> threads;
    std::atomic<int> n_failed{ 0 };

    INFO("seed " << seed);
    REQUIRE(weft_threadsafe_queue_create(3, &all.queue) == 0);
    REQUIRE(weft_threadsafe_semaphore_create(N_PLACES, &all.semaphore) == 0);
    REQUIRE(weft_threadsafe_event_create(&all.event) == 0);
    for (int i = 0; i < N_WORKERS; i++) {
        workers.push_back({ &all, i, std::minstd_rand(seed * 100 + static_cast<unsigned>(i)), 0,
                            std::vector<long>(N_WORKERS, -1) });
    }
    crew crews[2] = { { &all, &workers[0], seed + 1 }, { &all, &workers[N_TASKS], seed + 2 } };
    for (crew &c : crews) {
        threads.emplace_back([&] {
            weft_loop *loop = nullptr;
            n_failed += weft_new_event_loop(nullptr, &loop) != 0;
            n_failed +=
                weft_loop_run_until_complete(loop, weft_coro_create(supervise, &c), nullptr) != 0;
            weft_loop_close(loop);
            weft_loop_unref(loop);
        });
    }
    for (int i = 0; i < N_THREADS; i++) {
        threads.emplace_back([&, i] { work(workers[2 * N_TASKS + i], /* is_task = */ false); });
    }
    threads.emplace_back([&] { come_and_go(all, seed + 3); });

    while (!all.is_over) {
        std::this_thread::yield();
        weft_threadsafe_event_set(all.event);
    }
    CHECK(weft_threadsafe_queue_shutdown(all.queue, static_cast<int>(seed % 2)) == 0);
    while (all.n_alive > 0) { /* some wait for the flag, without a limit */
        weft_threadsafe_event_set(all.event);
        std::this_thread::yield();
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(weft_threadsafe_semaphore_get_value(all.semaphore) == N_PLACES);
    weft_threadsafe_queue_unref(all.queue);
    weft_threadsafe_semaphore_unref(all.semaphore);
    weft_threadsafe_event_unref(all.event);

    long n_wrong = 0;
    for (long i = 0; i < all.n_made; i++) {
        n_wrong += all.items[i].n_ends != 1;
    }
    CHECK(n_failed == 0);
    CHECK(all.n_bad == 0);
    CHECK(n_wrong == 0);
    CHECK(all.n_made == N_ITEMS);
    CHECK(all.n_delivered + all.n_destroyed == all.n_made);
    CHECK(all.n_delivered > 0);
    CHECK(all.n_cancelled > 0);
}

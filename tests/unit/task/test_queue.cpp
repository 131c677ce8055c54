/* Queues: order, ownership of items, shutdown, and cancels at every point. */
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/io_world.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "support/sync_objects.hpp"
#include "weft/weft.h"

namespace
{

void count_destroy(void *data)
{
    ++*static_cast<int *>(data);
}

weft_queue *make_queue(int64_t maxsize)
{
    weft_queue *queue = nullptr;
    REQUIRE(weft_queue_create(maxsize, &queue) == 0);
    return queue;
}

int put(weft_queue *queue, int64_t number)
{
    return weft_queue_put_nowait(queue, weft_value_int(number));
}

/* The number, or the code. */
int64_t get(weft_queue *queue)
{
    weft_value item = weft_value_none();
    int r = weft_queue_get_nowait(queue, &item);
    return r < 0 ? r : item.as.num;
}

void turns(world &w, int n = 1)
{
    for (int i = 0; i < n; i++) {
        weft_loop_run_once(w.loop, 0);
    }
}

} // namespace

TEST_CASE("queue: misuse is refused", "[task][queue]")
{
    log_recorder log;
    world w;
    weft_event *event = make_event();
    auto *wrong = reinterpret_cast<weft_queue *>(event);
    weft_queue *queue = make_queue(1);
    weft_value item = weft_value_int(5);

    CHECK(weft_queue_create(1, nullptr) == WEFT_EINVAL);
    CHECK(weft_lifo_queue_create(1, nullptr) == WEFT_EINVAL);
    CHECK(weft_priority_queue_create(1, nullptr, nullptr, nullptr) == WEFT_EINVAL);
    CHECK(put(nullptr, 1) == WEFT_EINVAL);
    CHECK(put(wrong, 1) == WEFT_EINVAL);
    CHECK(weft_queue_put(wrong, item) == WEFT_EINVAL);
    CHECK(weft_queue_get(nullptr, &item) == WEFT_EINVAL);
    CHECK(weft_queue_get_nowait(wrong, &item) == WEFT_EINVAL);
    CHECK(weft_queue_task_done(wrong) == WEFT_EINVAL);
    CHECK(weft_queue_join(wrong) == WEFT_EINVAL);
    CHECK(weft_queue_shutdown(wrong, 0) == WEFT_EINVAL);
    CHECK(weft_queue_destroy(wrong) == WEFT_EINVAL);
    CHECK(weft_queue_qsize(wrong) == 0);
    CHECK(weft_queue_maxsize(wrong) == 0);
    CHECK(weft_queue_empty(wrong) == 1);
    CHECK(weft_queue_full(wrong) == 0);
    CHECK(weft_queue_put(queue, item) == WEFT_ERUNTIME); /* outside a task */
    CHECK(weft_queue_get(queue, &item) == WEFT_ERUNTIME);
    CHECK(weft_queue_join(queue) == 0); /* nothing to wait for */
    CHECK(put(queue, 1) == 0);
    CHECK(weft_queue_join(queue) == WEFT_ERUNTIME);
    CHECK(item.as.num == 5);
    CHECK(weft_queue_destroy(queue) == 0);
    CHECK(weft_queue_destroy(nullptr) == 0);
    CHECK(weft_event_destroy(event) == 0);
}

TEST_CASE("queue: it is not destroyed while a task waits in it", "[task][queue]")
{
    world w;
    weft_queue *queue = make_queue(1);

    weft_task *getter = w.spawn([&] { return weft_queue_get(queue, nullptr); });
    turns(w);
    CHECK(weft_queue_destroy(queue) == WEFT_EINVALIDSTATE);
    CHECK(put(queue, 1) == 0);
    CHECK(weft_queue_destroy(queue) == WEFT_EINVALIDSTATE); /* woken, not come yet */
    CHECK(w.run([&] { return weft_await(getter, nullptr); }) == 0);
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("queue: order and bound hold while the ring turns and grows", "[task][queue]")
{
    weft_queue *queue = make_queue(0);
    int64_t in = 0;
    int64_t out = 0;

    CHECK(weft_queue_full(queue) == 0);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < round * 3; i++) {
            REQUIRE(put(queue, in++) == 0);
        }
        for (int i = 0; i < round * 2; i++) {
            REQUIRE(get(queue) == out++);
        }
    }
    CHECK(weft_queue_qsize(queue) == static_cast<size_t>(in - out));
    while (!weft_queue_empty(queue)) {
        REQUIRE(get(queue) == out++);
    }
    CHECK(in == out);
    CHECK(get(queue) == WEFT_EQUEUEEMPTY);
    for (int i = 0; i < 3000; i++) { /* large, then empty, then small again */
        REQUIRE(put(queue, i) == 0);
    }
    for (int i = 0; i < 3000; i++) {
        REQUIRE(get(queue) == i);
    }
    CHECK(put(queue, 1) == 0);
    CHECK(get(queue) == 1);
    CHECK(weft_queue_destroy(queue) == 0);

    queue = make_queue(2);
    CHECK(weft_queue_maxsize(queue) == 2);
    CHECK(put(queue, 1) == 0);
    CHECK(put(queue, 2) == 0);
    CHECK(weft_queue_full(queue) == 1);
    CHECK(put(queue, 3) == WEFT_EQUEUEFULL);
    CHECK(weft_queue_destroy(queue) == 0);
    queue = make_queue(-4);
    CHECK(put(queue, 1) == 0);
    CHECK(weft_queue_full(queue) == 0);
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("queue: the least item first, and equal ones in the order of coming", "[task][queue]")
{
    struct job {
        int priority;
        int number;
    };
    std::vector<job> jobs(500);
    std::vector<job *> expected;
    std::minstd_rand random(3);
    weft_queue *queue = nullptr;
    auto compare = [](const weft_value *a, const weft_value *b, void *data) -> int {
        ++*static_cast<int *>(data);
        return static_cast<job *>(a->as.ptr)->priority - static_cast<job *>(b->as.ptr)->priority;
    };
    int n_compared = 0;

    REQUIRE(weft_priority_queue_create(0, compare, &n_compared, &queue) == 0);
    for (int i = 0; i < 500; i++) {
        jobs[i] = { static_cast<int>(random() % 20), i };
        expected.push_back(&jobs[i]);
        REQUIRE(weft_queue_put_nowait(queue, weft_value_ptr(&jobs[i], nullptr)) == 0);
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const job *a, const job *b) { return a->priority < b->priority; });
    for (job *next : expected) {
        weft_value item = weft_value_none();
        REQUIRE(weft_queue_get_nowait(queue, &item) == 0);
        REQUIRE(item.as.ptr == next);
    }
    CHECK(n_compared > 0);
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("queue: an item has one owner at every moment", "[task][queue]")
{
    world w;
    int n_destroyed = 0;
    weft_value item = weft_value_ptr(&n_destroyed, count_destroy);

    SECTION("a refused put leaves it with the caller")
    {
        weft_queue *queue = make_queue(1);
        CHECK(put(queue, 1) == 0);
        CHECK(weft_queue_put_nowait(queue, item) == WEFT_EQUEUEFULL);
        CHECK(weft_queue_shutdown(queue, 0) == 0);
        CHECK(weft_queue_put_nowait(queue, item) == WEFT_EQUEUESHUTDOWN);
        CHECK(n_destroyed == 0);
        CHECK(weft_queue_destroy(queue) == 0);
        CHECK(n_destroyed == 0);
    }
    SECTION("a cancelled put, too")
    {
        weft_queue *queue = make_queue(1);
        int code = 1;
        CHECK(put(queue, 1) == 0);
        weft_task *task = w.spawn([&] { return code = weft_queue_put(queue, item); });
        turns(w);
        CHECK(get(queue) == 1); /* wakes it */
        weft_task_cancel(task, nullptr);
        turns(w, 2);
        CHECK(code == WEFT_ECANCELED);
        CHECK(weft_queue_empty(queue) == 1);
        CHECK(n_destroyed == 0);
        CHECK(weft_queue_destroy(queue) == 0);
    }
    SECTION("a cancelled get leaves it in the queue")
    {
        weft_queue *queue = make_queue(1);
        weft_value out = weft_value_int(9);
        weft_task *task = w.spawn([&] { return weft_queue_get(queue, &out); });
        turns(w);
        CHECK(weft_queue_put_nowait(queue, item) == 0);
        weft_task_cancel(task, nullptr);
        turns(w, 2);
        CHECK(out.as.num == 9);
        CHECK(weft_queue_qsize(queue) == 1);
        CHECK(n_destroyed == 0);
        CHECK(weft_queue_destroy(queue) == 0);
        CHECK(n_destroyed == 1);
    }
    SECTION("a get without a place destroys it")
    {
        weft_queue *queue = make_queue(1);
        CHECK(weft_queue_put_nowait(queue, item) == 0);
        CHECK(weft_queue_get_nowait(queue, nullptr) == 0);
        CHECK(n_destroyed == 1);
        CHECK(weft_queue_destroy(queue) == 0);
    }
}

TEST_CASE("queue: however consumers and producers are cancelled, no item is lost or doubled",
          "[task][queue]")
{
    log_recorder log;
    constexpr int n_items = 6;

    for (int cancel_at = 0; cancel_at < 24; cancel_at++) {
        world w;
        weft_queue *queue = make_queue(1);
        std::vector<int64_t> got;
        std::vector<int64_t> kept; /* by cancelled producers */
        int64_t next = 0;
        auto produces = [&] {
            while (next < n_items) {
                int64_t mine = next++;
                int r = weft_queue_put(queue, weft_value_int(mine));
                if (r < 0) {
                    kept.push_back(mine);
                    return r;
                }
            }
            return 0;
        };
        auto consumes = [&] {
            for (;;) {
                weft_value item;
                WEFT_TRY(weft_queue_get(queue, &item));
                got.push_back(item.as.num);
                WEFT_TRY(weft_sleep(0));
            }
        };
        weft_task *victims[] = { w.spawn(produces), w.spawn(consumes) };
        w.spawn(produces);
        w.spawn(consumes);
        for (int turn = 0; turn < 40; turn++) {
            if (turn == cancel_at / 2) {
                weft_task_cancel(victims[cancel_at % 2], nullptr);
            }
            turns(w);
        }
        CHECK(weft_queue_shutdown(queue, 0) == 0);
        turns(w, 4);
        got.insert(got.end(), kept.begin(), kept.end());
        std::sort(got.begin(), got.end());
        INFO("cancelled: " << cancel_at);
        CHECK(got == std::vector<int64_t>{ 0, 1, 2, 3, 4, 5 });
        CHECK(weft_queue_destroy(queue) == 0);
    }
}

TEST_CASE("queue: a shutdown ends puts at once and gets when it is empty", "[task][queue]")
{
    log_recorder log;
    world w;
    weft_queue *queue = make_queue(1);
    int put_code = 1;
    std::vector<int> codes;

    CHECK(put(queue, 1) == 0);
    w.spawn([&] { return put_code = weft_queue_put(queue, weft_value_int(2)); });
    turns(w);
    CHECK(weft_queue_shutdown(queue, 0) == 0);
    CHECK(weft_queue_shutdown(queue, 0) == 0);
    CHECK(w.run([&] {
        for (int i = 0; i < 2; i++) {
            codes.push_back(weft_queue_get(queue, nullptr));
        }
        codes.push_back(weft_queue_put(queue, weft_value_int(3)));
        return 0;
    }) == 0);
    CHECK(put_code == WEFT_EQUEUESHUTDOWN);
    CHECK(codes == std::vector<int>{ 0, WEFT_EQUEUESHUTDOWN, WEFT_EQUEUESHUTDOWN });
    CHECK(get(queue) == WEFT_EQUEUESHUTDOWN);
    CHECK(put(queue, 4) == WEFT_EQUEUESHUTDOWN);
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("queue: a shutdown wakes consumers, and joiners when nothing is left to do",
          "[task][queue]")
{
    log_recorder log;
    world w;
    weft_queue *queue = make_queue(0);
    int n_destroyed = 0;
    int get_code = 1;
    int join_code = 1;

    SECTION("immediate: the items count as dealt with")
    {
        for (int i = 0; i < 3; i++) {
            CHECK(weft_queue_put_nowait(queue, weft_value_ptr(&n_destroyed, count_destroy)) == 0);
        }
        w.spawn([&] { return join_code = weft_queue_join(queue); });
        turns(w);
        CHECK(weft_queue_shutdown(queue, 1) == 0);
        CHECK(n_destroyed == 3);
        turns(w);
        CHECK(join_code == 0);
        CHECK(weft_queue_task_done(queue) == WEFT_EINVAL);
    }
    SECTION("immediate, with an item in somebody's hands")
    {
        CHECK(put(queue, 1) == 0);
        CHECK(put(queue, 2) == 0);
        CHECK(get(queue) == 1);
        w.spawn([&] { return join_code = weft_queue_join(queue); });
        turns(w);
        CHECK(weft_queue_shutdown(queue, 1) == 0);
        turns(w);
        CHECK(join_code == 1);
        CHECK(weft_queue_task_done(queue) == 0);
        turns(w);
        CHECK(join_code == 0);
    }
    SECTION("who waits for an item hears of it")
    {
        w.spawn([&] { return get_code = weft_queue_get(queue, nullptr); });
        turns(w);
        CHECK(weft_queue_shutdown(queue, 0) == 0);
        turns(w);
        CHECK(get_code == WEFT_EQUEUESHUTDOWN);
    }
    CHECK(weft_queue_destroy(queue) == 0);
}

TEST_CASE("queue: a destructor may use the queue, and not destroy it", "[task][queue]")
{
    struct note {
        weft_queue *queue;
        int destroy_code;
        int put_code;
        size_t n_left;
    } n{ make_queue(0), 1, 1, 9 };
    auto looks_back = [](void *data) {
        auto *n = static_cast<note *>(data);
        n->n_left = weft_queue_qsize(n->queue);
        n->put_code = put(n->queue, 1);
        n->destroy_code = weft_queue_destroy(n->queue);
    };

    CHECK(weft_queue_put_nowait(n.queue, weft_value_ptr(&n, looks_back)) == 0);
    CHECK(put(n.queue, 2) == 0);
    CHECK(weft_queue_shutdown(n.queue, 1) == 0);
    CHECK(n.n_left == 1);
    CHECK(n.put_code == WEFT_EQUEUESHUTDOWN);
    CHECK(n.destroy_code == WEFT_EINVALIDSTATE);
    CHECK(weft_queue_empty(n.queue) == 1);
    CHECK(weft_queue_destroy(n.queue) == 0);
}

TEST_CASE("queue: without memory a put changes nothing", "[task][queue][oom]")
{
    int n = sweep_out_of_memory([] {
        weft_queue *queue = nullptr;
        int n_destroyed = 0;
        int n_in = 0;
        int r = weft_queue_create(0, &queue);
        for (int i = 0; r == 0 && i < 20; i++) {
            weft_value item = weft_value_ptr(&n_destroyed, count_destroy);
            r = weft_queue_put_nowait(queue, item);
            if (r == 0) {
                n_in++;
            }
        }
        if (queue != nullptr && static_cast<int>(weft_queue_qsize(queue)) != n_in) {
            r = -1;
        }
        weft_queue_destroy(queue);
        weft_raise(nullptr);
        return n_destroyed == n_in ? r : -1;
    });
    CHECK(n == 4); /* the queue, and its ring of 8, 16 and 32 */
}

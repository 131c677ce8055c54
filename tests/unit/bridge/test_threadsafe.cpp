/* Queue, semaphore and event between loops and threads. */
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/io_world.hpp"
#include "support/log_recorder.hpp"
#include "support/sweep.hpp"
#include "weft/threadsafe.h"
#include "weft/weft.h"

extern "C" {
#include "bridge/threadsafe.h"
}

namespace
{

using trace = std::vector<std::string>;

void count_destroy(void *data)
{
    ++*static_cast<std::atomic<int> *>(data);
}

weft_threadsafe_queue *make_queue(int64_t maxsize)
{
    weft_threadsafe_queue *queue = nullptr;
    REQUIRE(weft_threadsafe_queue_create(maxsize, &queue) == 0);
    return queue;
}

weft_threadsafe_semaphore *make_semaphore(int64_t value)
{
    weft_threadsafe_semaphore *semaphore = nullptr;
    REQUIRE(weft_threadsafe_semaphore_create(value, &semaphore) == 0);
    return semaphore;
}

int put(weft_threadsafe_queue *queue, int64_t number, weft_duration limit = WEFT_FOREVER)
{
    return weft_threadsafe_queue_put(queue, weft_value_int(number), limit);
}

/* The number, or the code. */
int64_t get(weft_threadsafe_queue *queue, weft_duration limit = WEFT_FOREVER)
{
    weft_value item = weft_value_none();
    int r = weft_threadsafe_queue_get(queue, limit, &item);
    return r < 0 ? r : item.as.num;
}

int64_t get_nowait(weft_threadsafe_queue *queue)
{
    weft_value item = weft_value_none();
    int r = weft_threadsafe_queue_get_nowait(queue, &item);
    return r < 0 ? r : item.as.num;
}

/* Until <n> stand in <line>: then those threads sleep, or are about to. */
void wait_for_line(wf_shared *shared, wf_list *line, int n)
{
    for (;;) {
        int found = 0;
        wf_shared_lock(shared);
        for (wf_list *link = line->next; link != line; link = link->next) {
            found++;
        }
        wf_shared_unlock(shared);
        if (found >= n) {
            return;
        }
        std::this_thread::yield();
    }
}

} // namespace

TEST_CASE("threadsafe queue: items come out in order, within the bound", "[bridge][threadsafe]")
{
    weft_threadsafe_queue *queue = make_queue(2);

    CHECK(get_nowait(queue) == WEFT_EQUEUEEMPTY);
    CHECK(get(queue, 0) == WEFT_ETIMEDOUT);
    for (int round = 0; round < 3; round++) {
        CHECK(put(queue, 1) == 0);
        CHECK(weft_threadsafe_queue_put_nowait(queue, weft_value_int(2)) == 0);
        CHECK(weft_threadsafe_queue_put_nowait(queue, weft_value_int(3)) == WEFT_EQUEUEFULL);
        CHECK(put(queue, 3, 0) == WEFT_ETIMEDOUT);
        CHECK(weft_threadsafe_queue_qsize(queue) == 2);
        CHECK(get(queue) == 1);
        CHECK(put(queue, 4) == 0);
        CHECK(get(queue) == 2);
        CHECK(get_nowait(queue) == 4);
    }
    CHECK(weft_threadsafe_queue_maxsize(queue) == 2);
    CHECK(weft_threadsafe_queue_unref(queue) == nullptr);
}

TEST_CASE("threadsafe: misuse is refused", "[bridge][threadsafe]")
{
    log_recorder log;
    weft_threadsafe_queue *queue = make_queue(1);
    weft_threadsafe_queue *none = nullptr;
    weft_threadsafe_semaphore *no_semaphore = nullptr;
    auto *wrong = reinterpret_cast<weft_threadsafe_event *>(queue);

    CHECK(weft_threadsafe_queue_create(0, &none) == WEFT_EINVAL);
    CHECK(weft_threadsafe_queue_create(-1, &none) == WEFT_EINVAL);
    CHECK(weft_threadsafe_queue_create(1, nullptr) == WEFT_EINVAL);
    CHECK(none == nullptr);
    CHECK(weft_threadsafe_semaphore_create(-1, &no_semaphore) == WEFT_EINVAL);
    CHECK(weft_threadsafe_event_create(nullptr) == WEFT_EINVAL);
    CHECK(put(nullptr, 1) == WEFT_EINVAL);
    CHECK(get(nullptr) == WEFT_EINVAL);
    CHECK(weft_threadsafe_queue_shutdown(nullptr, 1) == WEFT_EINVAL);
    CHECK(weft_threadsafe_queue_qsize(nullptr) == 0);
    CHECK(weft_threadsafe_queue_maxsize(nullptr) == 0);
    CHECK(weft_threadsafe_event_set(wrong) == WEFT_EINVAL);
    CHECK(weft_threadsafe_event_wait(wrong, 0) == WEFT_EINVAL);
    CHECK(weft_threadsafe_event_is_set(wrong) == 0);
    CHECK(weft_threadsafe_semaphore_release(nullptr) == WEFT_EINVAL);
    CHECK(weft_threadsafe_semaphore_acquire(nullptr, 0) == WEFT_EINVAL);
    CHECK(weft_threadsafe_queue_unref(nullptr) == nullptr);
    CHECK(weft_threadsafe_event_ref(nullptr) == nullptr);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe: a forked child is told so", "[bridge][threadsafe]")
{
    weft_threadsafe_queue *queue = make_queue(1);
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(put(queue, 1) == WEFT_EFORKED ? 0 : 1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe: without memory nothing is made", "[bridge][threadsafe][oom]")
{
    int n = sweep_out_of_memory([] {
        weft_threadsafe_queue *queue = nullptr;
        weft_threadsafe_semaphore *semaphore = nullptr;
        weft_threadsafe_event *event = nullptr;
        int r = weft_threadsafe_queue_create(100, &queue);
        if (r == 0) {
            r = weft_threadsafe_semaphore_create(1, &semaphore);
        }
        if (r == 0) {
            r = weft_threadsafe_event_create(&event);
        }
        for (int i = 0; r == 0 && i < 100; i++) {
            r = put(queue, i); /* needs none */
        }
        weft_threadsafe_queue_unref(queue);
        weft_threadsafe_semaphore_unref(semaphore);
        weft_threadsafe_event_unref(event);
        return r;
    });
    CHECK(n == 4);
}

TEST_CASE("threadsafe: without memory for its timer a wait fails and changes nothing",
          "[bridge][threadsafe][oom]")
{
    world w;
    weft_threadsafe_semaphore *semaphore = make_semaphore(0);
    int code = 1;

    CHECK(w.run([&] {
        wf_alloc_fail_after(0);
        code = weft_threadsafe_semaphore_acquire(semaphore, WEFT_S(1));
        wf_alloc_fail_after(-1);
        return 0;
    }) == 0);
    CHECK(code == WEFT_ENOMEM);
    CHECK(weft_threadsafe_semaphore_release(semaphore) == 0);
    CHECK(weft_threadsafe_semaphore_get_value(semaphore) == 1);
    weft_threadsafe_semaphore_unref(semaphore);
}

TEST_CASE("threadsafe: a callback that had to wait is refused", "[bridge][threadsafe]")
{
    world w;
    struct both {
        weft_threadsafe_queue *queue;
        int put_code;
        int got_code;
        int wait_code;
    } b{ make_queue(1), 1, 1, 1 };

    auto callback = [](void *data) -> int {
        auto *b = static_cast<both *>(data);
        b->put_code = put(b->queue, 1);
        b->wait_code = put(b->queue, 2, WEFT_S(1));
        b->got_code = static_cast<int>(get(b->queue));
        return 0;
    };
    CHECK(weft_loop_call_soon(w.loop, callback, &b, nullptr) == 0);
    CHECK(weft_loop_run_once(w.loop, 0) >= 0);
    CHECK(b.put_code == 0);
    CHECK(b.wait_code == WEFT_EDEADLOCK);
    CHECK(b.got_code == 1);
    weft_threadsafe_queue_unref(b.queue);
}

TEST_CASE("threadsafe queue: tasks of one loop meet in it", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(2);
    std::vector<int64_t> got;

    w.spawn([&] {
        for (int i = 0; i < 600; i++) {
            WEFT_TRY(put(queue, i));
        }
        return weft_threadsafe_queue_shutdown(queue, 0);
    });
    CHECK(w.run([&] {
        for (;;) {
            int64_t item = get(queue);
            if (item < 0) {
                return static_cast<int>(item);
            }
            got.push_back(item);
        }
    }) == WEFT_EQUEUESHUTDOWN);
    REQUIRE(got.size() == 600);
    CHECK(got.front() == 0);
    CHECK(got.back() == 599);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe queue: threads and tasks feed and drain it", "[bridge][threadsafe]")
{
    world w(/* is_virtual = */ false);
    weft_threadsafe_queue *to_loop = make_queue(4);
    weft_threadsafe_queue *to_thread = make_queue(4);
    int64_t sum = 0;
    constexpr int n = 500;

    std::thread producer([&] {
        for (int i = 1; i <= n; i++) {
            put(to_loop, i);
        }
        weft_threadsafe_queue_shutdown(to_loop, 0);
    });
    std::thread consumer([&] {
        for (int64_t item; (item = get(to_thread)) >= 0;) {
            sum += item;
        }
    });
    for (int i = 0; i < 3; i++) {
        w.spawn([&] {
            for (int64_t item; (item = get(to_loop)) >= 0;) {
                WEFT_TRY(put(to_thread, item));
            }
            return 0;
        });
    }
    CHECK(w.run([&] {
        for (int64_t item; (item = get(to_loop)) >= 0;) {
            WEFT_TRY(put(to_thread, item));
        }
        return 0;
    }) == 0);
    producer.join();
    /* The other tasks may still hold one each. */
    CHECK(w.run(
              [&] {
                  while (weft_all_tasks(w.loop, nullptr, 0) > 1) {
                      weft_sleep(0);
                  }
                  return weft_threadsafe_queue_shutdown(to_thread, 0);
              },
              1000000) == 0);
    consumer.join();
    CHECK(sum == int64_t{ n } * (n + 1) / 2);
    weft_threadsafe_queue_unref(to_loop);
    weft_threadsafe_queue_unref(to_thread);
}

TEST_CASE("threadsafe: threads and tasks are served in the order of coming", "[bridge][threadsafe]")
{
    world w(/* is_virtual = */ false);
    weft_threadsafe_semaphore *semaphore = make_semaphore(0);
    trace order;

    auto comes = [&](const char *name) {
        int r = weft_threadsafe_semaphore_acquire(semaphore, WEFT_FOREVER);
        order.emplace_back(name);
        return r < 0 ? r : weft_threadsafe_semaphore_release(semaphore);
    };
    weft_task *first = w.spawn([&] { return comes("task 1"); });
    weft_loop_run_once(w.loop, 0);
    std::thread second([&] { comes("thread 2"); });
    wait_for_line(&semaphore->shared, &semaphore->line, 2);
    weft_task *third = w.spawn([&] { return comes("task 3"); });
    weft_loop_run_once(w.loop, 0);
    std::thread fourth([&] { comes("thread 4"); });
    wait_for_line(&semaphore->shared, &semaphore->line, 4);

    CHECK(weft_threadsafe_semaphore_release(semaphore) == 0);
    CHECK(w.run(
              [&] {
                  weft_task *tasks[] = { first, third };
                  return weft_wait(tasks, 2, WEFT_FOREVER, WEFT_ALL_COMPLETED) < 0 ? -1 : 0;
              },
              1000000) == 0);
    second.join();
    fourth.join();
    CHECK(order == trace{ "task 1", "thread 2", "task 3", "thread 4" });
    CHECK(weft_threadsafe_semaphore_get_value(semaphore) == 1);
    weft_threadsafe_semaphore_unref(semaphore);
}

TEST_CASE("threadsafe queue: a cancelled consumer takes no item with it", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(4);
    int64_t first_got = 1;
    int64_t second_got = 1;

    weft_task *first = w.spawn([&] {
        first_got = get(queue);
        return static_cast<int>(first_got < 0 ? first_got : 0);
    });
    w.spawn([&] {
        second_got = get(queue);
        return 0;
    });
    weft_loop_run_once(w.loop, 0);

    SECTION("while it is in line")
    {
        CHECK(weft_task_cancel(first, nullptr) == 0);
        CHECK(put(queue, 7) == 0);
    }
    SECTION("after the item was promised by its own loop")
    {
        CHECK(put(queue, 7) == 0);
        CHECK(weft_task_cancel(first, nullptr) == 0);
    }
    SECTION("after the item was promised by another thread, before the post came")
    {
        std::thread([&] { put(queue, 7); }).join();
        CHECK(weft_task_cancel(first, nullptr) == 0);
    }
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(first_got == WEFT_ECANCELED);
    CHECK(second_got == 7);
    CHECK(weft_threadsafe_queue_qsize(queue) == 0);
    CHECK(put(queue, 8) == 0);
    CHECK(get_nowait(queue) == 8);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe queue: a cancelled producer keeps its item", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(1);
    std::atomic<int> n_destroyed{ 0 };
    int code = 1;
    int next_code = 1;

    CHECK(put(queue, 1) == 0);
    weft_task *first = w.spawn([&] {
        weft_value mine = weft_value_ptr(&n_destroyed, count_destroy);
        code = weft_threadsafe_queue_put(queue, mine, WEFT_FOREVER);
        if (code < 0) {
            weft_value_clear(&mine);
        }
        return code;
    });
    w.spawn([&] {
        next_code = put(queue, 3);
        return next_code;
    });
    weft_loop_run_once(w.loop, 0);

    SECTION("while it is in line")
    {
        CHECK(weft_task_cancel(first, nullptr) == 0);
        CHECK(get_nowait(queue) == 1);
    }
    SECTION("after the room was promised")
    {
        CHECK(get_nowait(queue) == 1);
        CHECK(weft_task_cancel(first, nullptr) == 0);
    }
    SECTION("after the room was promised by another thread")
    {
        std::thread([&] { get_nowait(queue); }).join();
        CHECK(weft_task_cancel(first, nullptr) == 0);
    }
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(code == WEFT_ECANCELED);
    CHECK(next_code == 0);
    CHECK(n_destroyed == 1);
    CHECK(get_nowait(queue) == 3);
    CHECK(get_nowait(queue) == WEFT_EQUEUEEMPTY);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe: a cancel with a message keeps it", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_semaphore *semaphore = make_semaphore(0);
    std::string message;

    weft_task *task = w.spawn([&] {
        int r = weft_threadsafe_semaphore_acquire(semaphore, WEFT_FOREVER);
        message = weft_current_message(r);
        return r;
    });
    weft_loop_run_once(w.loop, 0);
    CHECK(weft_task_cancel(task, "enough") == 0);
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(message == "enough");
    weft_threadsafe_semaphore_unref(semaphore);
}

TEST_CASE("threadsafe: limits end a wait, and a grant that was first wins", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(1);
    weft_threadsafe_event *event = nullptr;
    REQUIRE(weft_threadsafe_event_create(&event) == 0);

    SECTION("of a task, on its loop's clock")
    {
        weft_time begin = weft_loop_time(w.loop);
        CHECK(w.run([&] { return static_cast<int>(get(queue, WEFT_MS(50))); }) == WEFT_ETIMEDOUT);
        CHECK(weft_loop_time(w.loop) - begin == WEFT_MS(50));
        CHECK(w.run([&] { return weft_threadsafe_event_wait(event, WEFT_MS(1)); }) ==
              WEFT_ETIMEDOUT);
        CHECK(put(queue, 1) == 0);
        CHECK(w.run([&] { return put(queue, 2, WEFT_MS(1)); }) == WEFT_ETIMEDOUT);
        CHECK(get_nowait(queue) == 1);
        CHECK(get_nowait(queue) == WEFT_EQUEUEEMPTY);
    }
    SECTION("of a task, when the item and the limit come in one turn")
    {
        int64_t got = 1;
        w.spawn([&] {
            got = get(queue, WEFT_MS(50));
            return 0;
        });
        weft_loop_run_once(w.loop, 0);
        CHECK(put(queue, 9) == 0);
        CHECK(weft_testing_advance(w.loop, WEFT_MS(60)) == 0);
        CHECK(w.run([] {
            settle();
            return 0;
        }) == 0);
        CHECK(got == 9);
    }
    SECTION("of a thread")
    {
        CHECK(get(queue, WEFT_US(100)) == WEFT_ETIMEDOUT);
        CHECK(weft_threadsafe_event_wait(event, WEFT_US(100)) == WEFT_ETIMEDOUT);
        CHECK(put(queue, 1) == 0);
        CHECK(put(queue, 2, WEFT_US(100)) == WEFT_ETIMEDOUT);
        CHECK(get_nowait(queue) == 1);
    }
    weft_threadsafe_queue_unref(queue);
    weft_threadsafe_event_unref(event);
}

TEST_CASE("threadsafe: a loop that closes hands on what its tasks were promised",
          "[bridge][threadsafe][close]")
{
    log_recorder log;
    world w;
    weft_threadsafe_queue *queue = make_queue(4);
    int64_t got = 1;

    for (int i = 0; i < 2; i++) {
        w.spawn([&] { return static_cast<int>(get(queue, WEFT_S(1))); });
    }
    weft_loop_run_once(w.loop, 0);

    SECTION("nothing: they are in line")
    {
        w.close();
        CHECK(put(queue, 7) == 0);
        got = get_nowait(queue);
    }
    SECTION("an item of their own loop")
    {
        CHECK(put(queue, 7) == 0);
        CHECK(get_nowait(queue) == WEFT_EQUEUEEMPTY); /* it is promised */
        w.close();
        got = get_nowait(queue);
    }
    SECTION("an item of another thread, whose post has not come")
    {
        std::thread([&] { put(queue, 7); }).join();
        w.close();
        got = get_nowait(queue);
    }
    SECTION("an item, and a thread stands behind them")
    {
        CHECK(put(queue, 1) == 0);
        CHECK(put(queue, 7) == 0);
        std::thread thread([&] { got = get(queue) + get(queue); });
        wait_for_line(&queue->shared, &queue->getters, 1);
        w.close();
        thread.join();
        CHECK(got == 8);
        got = 7;
    }
    CHECK(got == 7);
    CHECK(weft_threadsafe_queue_qsize(queue) == 0);
    CHECK(log.count(WEFT_REPORT_PENDING_TASK_DESTROYED) == 2);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe: a task that vanishes gives its reference back",
          "[bridge][threadsafe][close]")
{
    log_recorder log;
    world w;
    weft_threadsafe_queue *queue = make_queue(2);
    weft_threadsafe_semaphore *semaphore = make_semaphore(0);
    std::atomic<int> n_destroyed{ 0 };

    w.spawn([&] { return static_cast<int>(get(queue)); });
    w.spawn([&] { return weft_threadsafe_semaphore_acquire(semaphore, WEFT_S(1)); });
    weft_loop_run_once(w.loop, 0);
    CHECK(weft_threadsafe_queue_put_nowait(queue, weft_value_ptr(&n_destroyed, count_destroy)) ==
          0);
    weft_threadsafe_queue_unref(queue); /* now it is the waiting task's */
    weft_threadsafe_semaphore_unref(semaphore);
    CHECK(n_destroyed == 0);
    w.close();
    CHECK(n_destroyed == 1);
}

TEST_CASE("threadsafe queue: a shutdown ends puts at once and gets when it is empty",
          "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(2);
    int put_code = 1;
    std::vector<int64_t> got;

    CHECK(put(queue, 1) == 0);
    CHECK(put(queue, 2) == 0);
    w.spawn([&] {
        put_code = put(queue, 3);
        return 0;
    });
    weft_loop_run_once(w.loop, 0);
    CHECK(weft_threadsafe_queue_shutdown(queue, 0) == 0);
    CHECK(weft_threadsafe_queue_shutdown(queue, 0) == 0);
    CHECK(put(queue, 4) == WEFT_EQUEUESHUTDOWN);
    CHECK(w.run([&] {
        for (int i = 0; i < 3; i++) {
            got.push_back(get(queue));
        }
        return 0;
    }) == 0);
    CHECK(put_code == WEFT_EQUEUESHUTDOWN);
    CHECK(got == std::vector<int64_t>{ 1, 2, WEFT_EQUEUESHUTDOWN });
    CHECK(get_nowait(queue) == WEFT_EQUEUESHUTDOWN);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe queue: after a shutdown nobody goes while an item may come back",
          "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(2);
    int64_t first = 1;
    int64_t second = 1;

    weft_task *task = w.spawn([&] {
        first = get(queue);
        return 0;
    });
    w.spawn([&] {
        second = get(queue);
        return 0;
    });
    weft_loop_run_once(w.loop, 0);
    CHECK(put(queue, 5) == 0); /* promised to the first */
    CHECK(weft_threadsafe_queue_shutdown(queue, 0) == 0);
    CHECK(weft_task_cancel(task, nullptr) == 0);
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(first == WEFT_ECANCELED);
    CHECK(second == 5);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe queue: an immediate shutdown destroys what is left", "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_queue *queue = make_queue(3);
    std::atomic<int> n_destroyed{ 0 };
    int64_t got = 1;

    w.spawn([&] {
        got = get(queue);
        return 0;
    });
    weft_loop_run_once(w.loop, 0);
    for (int i = 0; i < 3; i++) { /* the first is promised already */
        CHECK(weft_threadsafe_queue_put_nowait(queue,
                                               weft_value_ptr(&n_destroyed, count_destroy)) == 0);
    }
    CHECK(weft_threadsafe_queue_shutdown(queue, 1) == 0);
    CHECK(n_destroyed == 3);
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(got == WEFT_EQUEUESHUTDOWN);
    weft_threadsafe_queue_unref(queue);
}

TEST_CASE("threadsafe queue: the last reference destroys what is left", "[bridge][threadsafe]")
{
    weft_threadsafe_queue *queue = make_queue(3);
    std::atomic<int> n_destroyed{ 0 };

    for (int i = 0; i < 3; i++) {
        CHECK(weft_threadsafe_queue_put_nowait(queue,
                                               weft_value_ptr(&n_destroyed, count_destroy)) == 0);
    }
    CHECK(weft_threadsafe_queue_get_nowait(queue, nullptr) == 0);
    CHECK(n_destroyed == 1);
    CHECK(weft_threadsafe_queue_ref(queue) == queue);
    weft_threadsafe_queue_unref(queue);
    CHECK(n_destroyed == 1);
    weft_threadsafe_queue_unref(queue);
    CHECK(n_destroyed == 3);
}

TEST_CASE("threadsafe event: a set wakes tasks and threads, also when it is cleared at once",
          "[bridge][threadsafe]")
{
    world w(/* is_virtual = */ false);
    weft_threadsafe_event *event = nullptr;
    int task_code = 1;
    int thread_code = 1;

    REQUIRE(weft_threadsafe_event_create(&event) == 0);
    weft_task *task = w.spawn([&] {
        task_code = weft_threadsafe_event_wait(event, WEFT_FOREVER);
        return task_code;
    });
    weft_loop_run_once(w.loop, 0);
    std::thread thread([&] { thread_code = weft_threadsafe_event_wait(event, WEFT_FOREVER); });
    wait_for_line(&event->shared, &event->line, 2);
    std::thread([&] {
        weft_threadsafe_event_set(event);
        weft_threadsafe_event_clear(event);
    }).join();
    CHECK(w.run([&] { return weft_await(task, nullptr); }) == 0);
    thread.join();
    CHECK(task_code == 0);
    CHECK(thread_code == 0);
    CHECK(weft_threadsafe_event_is_set(event) == 0);
    CHECK(weft_threadsafe_event_wait(event, 0) == WEFT_ETIMEDOUT);
    CHECK(weft_threadsafe_event_set(event) == 0);
    CHECK(weft_threadsafe_event_wait(event, 0) == 0);
    weft_threadsafe_event_unref(event);
}

TEST_CASE("threadsafe semaphore: a place whose task was cancelled goes to the next",
          "[bridge][threadsafe]")
{
    world w;
    weft_threadsafe_semaphore *semaphore = make_semaphore(1);
    int code = 1;

    CHECK(weft_threadsafe_semaphore_acquire(semaphore, 0) == 0);
    CHECK(weft_threadsafe_semaphore_acquire(semaphore, 0) == WEFT_ETIMEDOUT);
    weft_task *task = w.spawn([&] {
        code = weft_threadsafe_semaphore_acquire(semaphore, WEFT_FOREVER);
        return code;
    });
    weft_loop_run_once(w.loop, 0);
    CHECK(weft_threadsafe_semaphore_release(semaphore) == 0);
    CHECK(weft_threadsafe_semaphore_get_value(semaphore) == 0);
    CHECK(weft_task_cancel(task, nullptr) == 0);
    CHECK(w.run([] {
        settle();
        return 0;
    }) == 0);
    CHECK(code == WEFT_ECANCELED);
    CHECK(weft_threadsafe_semaphore_get_value(semaphore) == 1);
    weft_threadsafe_semaphore_unref(semaphore);
}

TEST_CASE("threadsafe: a job of an executor may block in it", "[bridge][threadsafe]")
{
    world w(/* is_virtual = */ false);
    struct both {
        weft_threadsafe_queue *queue;
        int64_t got;
    } b{ make_queue(1), 0 };

    CHECK(w.run(
              [&] {
                  weft_future *job = nullptr;
                  auto takes = [](void *data) -> int {
                      auto *b = static_cast<both *>(data);
                      b->got = get(b->queue);
                      return 0;
                  };
                  WEFT_TRY(weft_loop_run_in_executor(nullptr, nullptr, takes, &b, &job));
                  WEFT_TRY(put(b.queue, 5));
                  int r = weft_await(job, nullptr);
                  weft_future_unref(job);
                  return r;
              },
              1000000) == 0);
    CHECK(b.got == 5);
    weft_threadsafe_queue_unref(b.queue);
}

/*
 * Dumps of one loop: every state of a task, everything that it can wait for, in text and in JSON.
 *
 * The dump is made by a task of the loop itself, when all others stand where they should, so
 * that nothing is left to chance.
 */
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "inspect.hpp"
#include "weft/testing.h"
#include "weft/weft.h"

namespace
{

/* One loop with a virtual clock, run until everything but the watcher waits. */
struct stage {
    weft_loop *loop = nullptr;
    std::string text;
    std::string json;
    unsigned flags = WEFT_DUMP_ALL & ~WEFT_DUMP_STACKS;
    weft_lock *lock = nullptr;
    weft_event *event = nullptr;
    weft_condition *condition = nullptr;
    weft_semaphore *semaphore = nullptr;
    weft_barrier *barrier = nullptr;
    weft_queue *queue = nullptr;
    weft_queue *full = nullptr;
    weft_future *future = nullptr;
    int code = 0;
};

stage *now;

int holder(void *)
{
    WEFT_TRY(weft_lock_acquire(now->lock));
    int r = weft_sleep(WEFT_S(1000));
    (void)weft_lock_release(now->lock);
    return r;
}

int wants_lock(void *)
{
    return weft_lock_acquire(now->lock);
}

int wants_event(void *)
{
    return weft_event_wait(now->event);
}

int wants_notify(void *)
{
    WEFT_TRY(weft_condition_acquire(now->condition));
    int r = weft_condition_wait(now->condition);
    (void)weft_condition_release(now->condition);
    return r;
}

int wants_place(void *)
{
    return weft_semaphore_acquire(now->semaphore);
}

int wants_parties(void *)
{
    return weft_barrier_wait(now->barrier, nullptr);
}

int wants_item(void *)
{
    weft_value item;

    return weft_queue_get(now->queue, &item);
}

int wants_room(void *)
{
    return weft_queue_put(now->full, weft_value_int(2));
}

int wants_end(void *)
{
    return weft_queue_join(now->full);
}

int wants_future(void *)
{
    return weft_await(now->future, nullptr);
}

int wants_task(void *)
{
    weft_task *task;
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;

    options.name = "inner";
    WEFT_TRY(
        weft_loop_create_task(nullptr, weft_coro_create(wants_event, nullptr), &options, &task));
    int r = weft_await(task, nullptr);
    (void)weft_future_unref(task);
    return r;
}

int wants_both(void *)
{
    weft_awaitable *both[] = { weft_coro_create(wants_event, nullptr),
                               weft_coro_create(wants_item, nullptr) };
    weft_future *all;

    WEFT_TRY(weft_gather(both, 2, 0, &all));
    int r = weft_await(all, nullptr);
    (void)weft_future_unref(all);
    return r;
}

int wants_shielded(void *)
{
    weft_future *outer;

    WEFT_TRY(weft_shield(now->future, &outer));
    int r = weft_await(outer, nullptr);
    (void)weft_future_unref(outer);
    return r;
}

int wants_any(void *)
{
    weft_future *futures[] = { now->future };

    return weft_wait(futures, 1, WEFT_FOREVER, WEFT_FIRST_COMPLETED) < 0 ? WEFT_ECANCELED : 0;
}

int wants_group(void *)
{
    weft_task_group *group = weft_task_group_create();

    WEFT_TRY(weft_task_group_enter(group));
    (void)weft_task_group_create_task(group, weft_coro_create(wants_event, nullptr), nullptr);
    int r = weft_task_group_exit(group, 0);
    weft_task_group_destroy(group);
    return r;
}

int sleeps(void *)
{
    return weft_sleep(WEFT_S(77));
}

int never_begins(void *)
{
    return 0;
}

int tick(void *)
{
    return 0;
}

/* Of whatever was made: it is cancelled at the end, and nobody asks what it came to. */
void start(weft_coro_fn *fn, const char *name)
{
    weft_task_options options = WEFT_TASK_OPTIONS_INIT;

    options.name = name;
    (void)weft_loop_create_task(nullptr, weft_coro_create(fn, nullptr), &options, nullptr);
}

int all_wait(void *)
{
    start(holder, "holder");
    start(wants_lock, "wants_lock");
    start(wants_event, "wants_event");
    start(wants_notify, "wants_notify");
    start(wants_place, "wants_place");
    start(wants_parties, "wants_parties");
    start(wants_item, "wants_item");
    start(wants_room, "wants_room");
    start(wants_end, "wants_end");
    start(wants_future, "wants_future");
    start(wants_task, "wants_task");
    start(wants_both, "wants_both");
    start(wants_shielded, "wants_shielded");
    start(wants_any, "wants_any");
    start(wants_group, "wants_group");
    start(sleeps, "sleeps");
    WEFT_TRY(weft_sleep(WEFT_S(1)));
    start(never_begins, "never_begins");
    (void)weft_loop_call_soon(nullptr, tick, nullptr, nullptr);
    (void)weft_loop_call_later(nullptr, WEFT_S(5), tick, nullptr, nullptr);
    now->text = inspect::dump(now->flags);
    now->json = inspect::dump(now->flags | WEFT_DUMP_JSON);
    return 0;
}

/* Run <body> as the task "watcher" of a loop on which one of each exists. */
void run(stage &set, weft_coro_fn *body)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_task_options named = WEFT_TASK_OPTIONS_INIT;
    weft_task *task = nullptr;
    weft_testing_leaks leaks = WEFT_TESTING_LEAKS_INIT;

    now = &set;
    weft_testing_begin_leak_check();
    options.name = "stage";
    options.virtual_clock = 1;
    REQUIRE(weft_new_event_loop(&options, &set.loop) == 0);
    REQUIRE(weft_lock_create(&set.lock) == 0);
    REQUIRE(weft_event_create(&set.event) == 0);
    REQUIRE(weft_condition_create(nullptr, &set.condition) == 0);
    REQUIRE(weft_semaphore_create(0, &set.semaphore) == 0);
    REQUIRE(weft_barrier_create(2, &set.barrier) == 0);
    REQUIRE(weft_queue_create(0, &set.queue) == 0);
    REQUIRE(weft_queue_create(1, &set.full) == 0);
    REQUIRE(weft_queue_put_nowait(set.full, weft_value_int(1)) == 0);
    set.future = weft_loop_create_future(set.loop);
    named.name = "watcher";
    REQUIRE(weft_loop_create_task(set.loop, weft_coro_create(body, nullptr), &named, &task) == 0);
    set.code = weft_loop_run_until_complete(set.loop, task, nullptr);
    (void)weft_future_unref(task);

    weft_task *left[64];
    int n = weft_all_tasks(set.loop, left, 64);
    for (int i = 0; i < n && i < 64; i++) {
        (void)weft_task_cancel(left[i], nullptr);
    }
    for (int i = 0; i < 20; i++) {
        (void)weft_loop_run_once(set.loop, 0);
    }
    (void)weft_future_unref(set.future);
    CHECK(weft_lock_destroy(set.lock) == 0);
    CHECK(weft_event_destroy(set.event) == 0);
    CHECK(weft_condition_destroy(set.condition) == 0);
    CHECK(weft_semaphore_destroy(set.semaphore) == 0);
    CHECK(weft_barrier_destroy(set.barrier) == 0);
    CHECK(weft_queue_destroy(set.queue) == 0);
    CHECK(weft_queue_destroy(set.full) == 0);
    CHECK(weft_testing_close_loop(set.loop, &leaks) == 0);
    CHECK(leaks.n_tasks == 0);
    CHECK(leaks.n_blocks == 0);
    CHECK(leaks.n_descriptors == 0);
    CHECK(set.code == 0);
}

json_t *task_of(const inspect::json &all, const char *name)
{
    json_t *task = inspect::find(json_object_get(all.get(), "tasks"), "name", name);

    INFO("task " << name);
    REQUIRE(task != nullptr);
    return task;
}

json_t *wait_of(const inspect::json &all, const char *name)
{
    return json_object_get(task_of(all, name), "wait");
}

/* What the wait of task <name> names: the kind of the first thing. */
std::string kind_of_wait(const inspect::json &all, const char *name)
{
    json_t *on = json_object_get(wait_of(all, name), "on");

    return inspect::text_of(json_array_get(on, 0), "kind");
}

bool has(const std::string &text, const std::string &piece)
{
    return text.find(piece) != std::string::npos;
}

} // namespace

TEST_CASE("inspect: every kind of wait is named with its object", "[inspect]")
{
    stage set;
    run(set, all_wait);
    inspect::json all = inspect::parse(set.json);

    CHECK(kind_of_wait(all, "wants_lock") == "lock");
    CHECK(kind_of_wait(all, "wants_event") == "event");
    CHECK(kind_of_wait(all, "wants_notify") == "condition");
    CHECK(kind_of_wait(all, "wants_place") == "semaphore");
    CHECK(kind_of_wait(all, "wants_parties") == "barrier");
    CHECK(kind_of_wait(all, "wants_item") == "queue");
    CHECK(kind_of_wait(all, "wants_room") == "queue");
    CHECK(kind_of_wait(all, "wants_end") == "queue");
    CHECK(kind_of_wait(all, "wants_future") == "future");
    CHECK(kind_of_wait(all, "wants_task") == "task");
    CHECK(kind_of_wait(all, "wants_both") == "gather");
    CHECK(kind_of_wait(all, "wants_shielded") == "shield");
    CHECK(kind_of_wait(all, "wants_any") == "wait");
    CHECK(kind_of_wait(all, "wants_group") == "group");
    CHECK(kind_of_wait(all, "sleeps") == "sleep");
    CHECK(inspect::text_of(wait_of(all, "wants_room"), "what") == "queue.put");
    CHECK(inspect::text_of(wait_of(all, "wants_item"), "what") == "queue.get");
    CHECK(inspect::text_of(wait_of(all, "wants_end"), "what") == "queue.join");
    CHECK(json_real_value(json_object_get(wait_of(all, "sleeps"), "due_in")) == Approx(76));
}

TEST_CASE("inspect: every state of a task is told", "[inspect]")
{
    stage set;
    run(set, all_wait);
    inspect::json all = inspect::parse(set.json);

    CHECK(inspect::text_of(task_of(all, "watcher"), "state") == "running");
    CHECK(inspect::text_of(task_of(all, "never_begins"), "state") == "new");
    CHECK(inspect::text_of(task_of(all, "sleeps"), "state") == "waiting");

    json_t *loop = json_array_get(json_object_get(all.get(), "loops"), 0);
    json_t *found = inspect::find(json_object_get(all.get(), "loops"), "name", "stage");
    REQUIRE(loop != nullptr);
    REQUIRE(found != nullptr);
    CHECK(inspect::text_of(found, "state") == "running");
    CHECK(json_integer_value(json_object_get(found, "current_task")) ==
          json_integer_value(json_object_get(task_of(all, "watcher"), "id")));
    CHECK(json_is_false(json_object_get(found, "torn")));
}

TEST_CASE("inspect: a task is described in asyncio's words", "[inspect]")
{
    stage set;
    run(set, all_wait);

    CHECK(has(set.text, "<Task pending name='wants_lock' coro=fn() at test_inspect.cpp:"));
    CHECK(has(set.text, " wait_for=<lock held by Task-"));
    CHECK(has(set.text, " wait_for=<Future pending created at test_inspect.cpp:"));
    CHECK(has(set.text, " wait_for=<_GatheringFuture pending created at test_inspect.cpp:"));
    CHECK(has(set.text, " wait_for=<Task pending name='inner' coro=wants_event()"));
    CHECK(has(set.text, "wait_for=sleep created at test_inspect.cpp:"));
    CHECK(has(set.text, "ready: Handle tick() made at test_inspect.cpp:"));
    CHECK(has(set.text, "in 5.000s: Handle tick() made at test_inspect.cpp:"));
}

TEST_CASE("inspect: what a wait says in the process is what the dump says", "[inspect]")
{
    static std::string own;
    static std::string seen;
    stage set;

    run(set, [](void *) -> int {
        char text[512];
        weft_task *task;
        WEFT_TRY(weft_create_task(weft_coro_create(wants_lock, nullptr), &task));
        WEFT_TRY(weft_lock_acquire(now->lock));
        WEFT_TRY(weft_sleep(WEFT_S(1)));
        weft_future_describe(task, text, sizeof text);
        own = text;
        seen = inspect::dump(WEFT_DUMP_TASKS);
        (void)weft_lock_release(now->lock);
        int r = weft_await(task, nullptr);
        (void)weft_future_unref(task);
        (void)weft_lock_release(now->lock);
        return r;
    });
    CHECK(has(own, "wait_for=<lock held by Task-"));
    CHECK(has(seen, own));
}

TEST_CASE("inspect: only what was asked for is told", "[inspect]")
{
    const struct {
        unsigned flag;
        const char *member;
    } parts[] = { { WEFT_DUMP_LOOPS, "loops" },         { WEFT_DUMP_TASKS, "tasks" },
                  { WEFT_DUMP_TREE, "tree" },           { WEFT_DUMP_WAITS, "waits" },
                  { WEFT_DUMP_EXECUTORS, "executors" }, { WEFT_DUMP_TIMERS, "timers" },
                  { WEFT_DUMP_HANDLES, "handles" } };

    for (const auto &part : parts) {
        inspect::json one = inspect::parse(inspect::dump(part.flag | WEFT_DUMP_JSON));
        for (const auto &other : parts) {
            INFO(part.member << ", " << other.member);
            CHECK((json_object_get(one.get(), other.member) != nullptr) ==
                  (other.flag == part.flag));
        }
        CHECK(json_integer_value(json_object_get(one.get(), "pid")) == getpid());
        CHECK(inspect::text_of(one.get(), "weft") == WEFT_VERSION);
    }
}

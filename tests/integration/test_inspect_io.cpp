/*
 * Dumps of what touches the system: streams, servers, sockets, processes, threads' objects; what
 * is open; tasks that are ready, or just being made.
 */
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "inspect.hpp"
#include "support/io_world.hpp"
#include "weft/weft.h"

namespace
{

constexpr unsigned everything = WEFT_DUMP_ALL & ~WEFT_DUMP_STACKS;

bool has(const std::string &text, const std::string &piece)
{
    return text.find(piece) != std::string::npos;
}

json_t *wait_of(const inspect::json &all, const char *name)
{
    json_t *task = inspect::find(json_object_get(all.get(), "tasks"), "name", name);

    INFO("task " << name);
    REQUIRE(task != nullptr);
    return json_object_get(task, "wait");
}

std::string kind_of(const inspect::json &all, const char *name)
{
    return inspect::text_of(json_array_get(json_object_get(wait_of(all, name), "on"), 0), "kind");
}

std::string text_of(const inspect::json &all, const char *name)
{
    return inspect::text_of(wait_of(all, name), "text");
}

body named(const char *name, body what)
{
    return [name, what] {
        WEFT_TRY(weft_task_set_name(weft_current_task(), name));
        return what();
    };
}

/* Each is cancelled, and has ended when this returns. */
void stop(const std::vector<weft_task *> &tasks)
{
    for (weft_task *task : tasks) {
        (void)weft_task_cancel(task, nullptr);
    }
    for (weft_task *task : tasks) {
        (void)weft_await(task, nullptr);
    }
}

} // namespace

TEST_CASE("inspect: waits for the system are named with their objects", "[inspect][io]")
{
    world w(/* is_virtual = */ false);
    std::string json;
    std::string text;
    int fds[2] = { -1, -1 };

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    int code = w.run([&] {
        pair reading;
        pair writing(nullptr, 4096);
        weft_server *server = nullptr;
        weft_process *process = nullptr;
        weft_threadsafe_queue *queue = nullptr;
        weft_process_options piped = WEFT_PROCESS_OPTIONS_INIT;
        const char *const argv[] = { "cat", nullptr };

        piped.in.kind = WEFT_PROCESS_PIPE;
        WEFT_TRY(weft_start_server([](weft_stream *, void *) { return 0; }, nullptr, "127.0.0.1", 0,
                                   nullptr, &server));
        WEFT_TRY(weft_create_subprocess_exec(argv, &piped, &process));
        WEFT_TRY(weft_threadsafe_queue_create(1, &queue));
        std::vector<weft_task *> tasks = {
            w.spawn(named("reads",
                          [&] {
                              char byte;
                              size_t n;
                              return weft_stream_read(reading.stream, &byte, 1, &n);
                          })),
            w.spawn(named("drains",
                          [&] {
                              std::vector<char> much(1 << 20);
                              WEFT_TRY(weft_stream_write(writing.stream, much.data(), much.size()));
                              return weft_stream_drain(writing.stream);
                          })),
            w.spawn(named("serves", [&] { return weft_server_serve_forever(server); })),
            w.spawn(named("receives",
                          [&] {
                              char byte;
                              size_t n;
                              return weft_loop_sock_recv(nullptr, fds[0], &byte, 1, &n);
                          })),
            w.spawn(named("waits", [&] { return weft_process_wait(process, nullptr); })),
            w.spawn(named("gets",
                          [&] { return weft_threadsafe_queue_get(queue, WEFT_S(3600), nullptr); })),
        };
        WEFT_TRY(weft_sleep(WEFT_MS(5)));
        json = inspect::dump(everything | WEFT_DUMP_JSON);
        text = inspect::dump(everything);
        stop(tasks);
        (void)weft_process_kill(process);
        (void)weft_process_wait(process, nullptr);
        weft_process_destroy(process);
        weft_threadsafe_queue_unref(queue);
        weft_server_destroy(server);
        return 0;
    });
    close(fds[0]);
    close(fds[1]);
    CHECK(code == 0);
    inspect::json all = inspect::parse(json);
    CHECK(kind_of(all, "reads") == "stream");
    CHECK(has(text_of(all, "reads"), "read of unix stream fd="));
    CHECK(kind_of(all, "drains") == "stream");
    CHECK(has(text_of(all, "drains"), "drain of unix stream fd="));
    CHECK(kind_of(all, "serves") == "server");
    CHECK(has(text_of(all, "serves"), "serve_forever of server fd="));
    CHECK(kind_of(all, "receives") == "socket");
    CHECK(has(text_of(all, "receives"), "descriptor " + std::to_string(fds[0])));
    CHECK(kind_of(all, "waits") == "process");
    CHECK(kind_of(all, "gets") == "threadsafe");
    CHECK(has(text_of(all, "gets"), "threadsafe queue made at test_inspect_io.cpp:"));

    INFO(text);
    size_t handles = text.find("\nhandles: ");
    REQUIRE(handles != std::string::npos);
    std::string open = text.substr(handles);
    CHECK(has(open, ": unix stream fd="));
    CHECK(has(open, ": server fd="));
    CHECK(has(open, ": process "));
}

TEST_CASE("inspect: who waits for room in an executor waits for its jobs",
          "[inspect][io][executor]")
{
    world w(/* is_virtual = */ false);
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    weft_executor *executor = nullptr;
    int gate[2];
    std::string json;
    std::string text;

    options.name = "narrow";
    options.max_threads = 1;
    options.queue_limit = 1;
    options.when_full = WEFT_EXECUTOR_WAIT;
    REQUIRE(pipe2(gate, O_CLOEXEC) == 0);
    REQUIRE(weft_executor_create(&options, &executor) == 0);
    auto pass = [](void *fd) {
        char byte;
        return read(*static_cast<int *>(fd), &byte, 1) == 1 ? 0 : -EIO;
    };
    int code = w.run([&] {
        std::vector<weft_task *> tasks;
        for (int i = 0; i < 3; i++) {
            tasks.push_back(w.spawn([&] {
                weft_future *future;
                WEFT_TRY(weft_loop_run_in_executor(nullptr, executor, pass, &gate[0], &future));
                int r = weft_await(future, nullptr);
                weft_future_unref(future);
                return r;
            }));
        }
        do { /* until one runs, one is queued and one has no room */
            WEFT_TRY(weft_sleep(WEFT_MS(1)));
            text = inspect::dump(WEFT_DUMP_EXECUTORS | WEFT_DUMP_TREE);
        } while (!has(text, "1 run, 0 idle, 1 queued, 1 wait for room"));
        json = inspect::dump(everything | WEFT_DUMP_JSON);
        if (write(gate[1], "xxx", 3) != 3) {
            return -EIO;
        }
        for (weft_task *task : tasks) {
            WEFT_TRY(weft_await(task, nullptr));
        }
        return 0;
    });
    CHECK(weft_executor_shutdown(executor, nullptr) == 0);
    weft_executor_unref(executor);
    close(gate[0]);
    close(gate[1]);
    CHECK(code == 0);
    INFO(text);
    CHECK(has(text, "room in an executor's queue, executor 'narrow' made at test_inspect_io.cpp:"));
    inspect::json all = inspect::parse(json);
    json_t *narrow = inspect::find(json_object_get(all.get(), "executors"), "name", "narrow");
    json_t *jobs = json_object_get(narrow, "jobs");
    REQUIRE(json_array_size(jobs) == 3);
    CHECK(inspect::text_of(json_array_get(jobs, 0), "state") == "running");
    CHECK(inspect::text_of(json_array_get(jobs, 1), "state") == "queued");
    CHECK(inspect::text_of(json_array_get(jobs, 2), "state") == "waiting");
}

TEST_CASE("inspect: a task that was woken is ready, one that makes an eager one is starting it",
          "[inspect]")
{
    world w;
    std::string ready;
    std::string eager;

    int code = w.run([&] {
        weft_event *event;
        weft_task_options options = WEFT_TASK_OPTIONS_INIT;
        WEFT_TRY(weft_event_create(&event));
        WEFT_TRY(weft_task_set_name(weft_current_task(), "maker"));
        weft_task *task = w.spawn(named("woken", [&] { return weft_event_wait(event); }));
        WEFT_TRY(weft_sleep(WEFT_S(1)));
        WEFT_TRY(weft_event_set(event));
        ready = inspect::dump(WEFT_DUMP_TASKS | WEFT_DUMP_LOOPS | WEFT_DUMP_JSON);
        WEFT_TRY(weft_await(task, nullptr));

        options.name = "eager";
        options.eager_start = 1;
        body look = [&] {
            eager = inspect::dump(WEFT_DUMP_TASKS | WEFT_DUMP_LOOPS | WEFT_DUMP_JSON);
            return 0;
        };
        WEFT_TRY(
            weft_loop_create_task(nullptr, weft_coro_create(run_body, &look), &options, nullptr));
        return weft_event_destroy(event);
    });
    CHECK(code == 0);
    auto state = [](const std::string &dump, const char *name) {
        inspect::json all = inspect::parse(dump);
        return inspect::text_of(inspect::find(json_object_get(all.get(), "tasks"), "name", name),
                                "state");
    };
    CHECK(state(ready, "maker") == "running");
    CHECK(state(ready, "woken") == "ready");
    CHECK(state(eager, "maker") == "starting");
    CHECK(state(eager, "eager") == "running");
}

TEST_CASE("inspect: timers are told in the order of their deadlines", "[inspect]")
{
    world w;
    std::string text;

    int code = w.run([&] {
        for (int i : { 50, 10, 40, 20, 30 }) {
            WEFT_TRY(weft_loop_call_later(nullptr, WEFT_S(i), run_body, nullptr, nullptr));
        }
        text = inspect::dump(WEFT_DUMP_TIMERS);
        return 0;
    });
    CHECK(code == 0);
    INFO(text);
    size_t before = 0;
    for (const char *each :
         { "in 10.000s", "in 20.000s", "in 30.000s", "in 40.000s", "in 50.000s" }) {
        size_t at = text.find(each);
        REQUIRE(at != std::string::npos);
        CHECK(at > before);
        before = at;
    }
}

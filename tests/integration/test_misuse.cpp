/*
 * Every exported function called wrongly, by the tables of misuse_table.cpp: no
 * object, an object of another kind, another thread, a forked child, outside a task,
 * no output, bad arguments. It is refused with the code that its page says, nothing is
 * written to an output, and nothing crashes. A function that stands in no table fails
 * the first test.
 */
#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "misuse.hpp"
#include "support/log_recorder.hpp"

namespace
{

/* ---- completeness ------------------------------------------------------- */

/* Of a daemon's module and of another library; they have tests of their own. */
bool is_of_another_library(const std::string &header)
{
    return header == "service.h" || header.rfind("http", 0) == 0;
}

std::string without_comments(const std::string &text)
{
    return std::regex_replace(text, std::regex("/\\*[^]*?\\*/"), "");
}

std::set<std::string> exported_functions()
{
    const std::filesystem::path folder(WEFT_TEST_SOURCE_DIR "/include/weft");
    std::set<std::string> found;
    const std::regex prototype("WEFT_API[^;{(#]*?(\\w+)\\s*\\(");

    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (is_of_another_library(entry.path().filename())) {
            continue;
        }
        std::ifstream file(entry.path());
        std::stringstream all;
        all << file.rdbuf();
        std::string text = without_comments(all.str());
        for (std::sregex_iterator i(text.begin(), text.end(), prototype), end; i != end; ++i) {
            std::string name = (*i)[1];
            if (name.compare(0, 5, "weft_") == 0) { /* not WEFT_API's own definition */
                found.insert(name);
            }
        }
    }
    return found;
}

/* ---- the cast ----------------------------------------------------------- */

int idle(void *)
{
    return weft_sleep(WEFT_FOREVER);
}

int on_client(weft_stream *, void *)
{
    return 0;
}

/* A protocol that does nothing. */
int make_silent(const weft_protocol **out_protocol, void **out_data, void *)
{
    static weft_protocol silent = {};

    silent.size = sizeof silent;
    *out_protocol = &silent;
    *out_data = nullptr;
    return 0;
}

/* The task of the cast: in a group and in a time-out scope, for ever. */
int stay_in_scopes(void *data)
{
    cast &c = *static_cast<cast *>(data);

    WEFT_TRY(weft_task_group_enter(c.group));
    WEFT_TRY(weft_timeout_enter(c.timeout));
    int r = weft_sleep(WEFT_FOREVER);
    r = weft_timeout_exit(c.timeout, r);
    return weft_task_group_exit(c.group, r);
}

struct wait_arg {
    const cast *c;
    int what;
};

int wait_for_one(void *data)
{
    const wait_arg &w = *static_cast<wait_arg *>(data);
    weft_value value = weft_value_none();

    switch (w.what) {
    case 0:
        return weft_lock_acquire(w.c->lock);
    case 1:
        return weft_event_wait(w.c->event);
    case 2:
        return weft_semaphore_acquire(w.c->semaphore);
    case 3:
        return weft_barrier_wait(w.c->barrier, nullptr);
    case 4:
        return weft_queue_get(w.c->queue, &value);
    default:
        WEFT_TRY(weft_condition_acquire(w.c->condition));
        int r = weft_condition_wait(w.c->condition);
        (void)weft_condition_release(w.c->condition); /* perhaps it was not taken again */
        return r;
    }
}

/* Objects after their ends. */
int end_some(cast &c)
{
    int ends[2];
    weft_executor_shutdown_options at_once = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;

    at_once.wait = false;
    c.done_future = weft_loop_create_future(nullptr);
    WEFT_TRY(weft_future_set_result(c.done_future, weft_value_none()));
    WEFT_TRY(weft_executor_create(nullptr, &c.shut_executor));
    WEFT_TRY(weft_executor_shutdown(c.shut_executor, &at_once));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return WEFT_EUSER(1);
    }
    WEFT_TRY(weft_stream_from_fd(ends[0], nullptr, &c.closed_stream));
    close(ends[1]);
    return weft_stream_close(c.closed_stream);
}

/* Everything that wants a task to be made in, and one wait at each object: now it is the loop's. */
int set_scene(void *data)
{
    cast &c = *static_cast<cast *>(data);
    int ends[2];
    weft_awaitable *one[1];

    c.group = weft_task_group_create();
    c.timeout = weft_timeout_create(WEFT_S(1000));
    WEFT_TRY(weft_create_task(weft_coro_create(stay_in_scopes, &c), &c.task));
    WEFT_TRY(weft_loop_call_later(nullptr, WEFT_S(1000), idle, nullptr, &c.handle));
    c.future = weft_loop_create_future(nullptr);
    one[0] = c.future;
    WEFT_TRY(weft_as_completed(one, 1, WEFT_FOREVER, &c.iterator));
    WEFT_TRY(weft_concurrent_future_create(&c.concurrent));
    WEFT_TRY(weft_executor_create(nullptr, &c.executor));
    c.coro = weft_coro_create(idle, nullptr);
    WEFT_TRY(weft_lock_create(&c.lock));
    WEFT_TRY(weft_event_create(&c.event));
    WEFT_TRY(weft_condition_create(nullptr, &c.condition));
    WEFT_TRY(weft_semaphore_create(0, &c.semaphore));
    WEFT_TRY(weft_barrier_create(2, &c.barrier));
    WEFT_TRY(weft_queue_create(0, &c.queue));
    WEFT_TRY(weft_start_server(on_client, nullptr, "127.0.0.1", 0, nullptr, &c.server));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return WEFT_EUSER(1);
    }
    WEFT_TRY(weft_stream_from_fd(ends[0], nullptr, &c.stream));
    c.peer = ends[1];
    /* It ends with us, also when we crash. */
    const char *const argv[] = { "cat", nullptr };
    weft_process_options with_pipe = WEFT_PROCESS_OPTIONS_INIT;
    with_pipe.in.kind = WEFT_PROCESS_PIPE;
    WEFT_TRY(weft_create_subprocess_exec(argv, &with_pipe, &c.process));

    WEFT_TRY(weft_lock_acquire(c.lock));
    for (int what = 0; what < 6; what++) {
        wait_arg arg = { &c, what };
        int r = weft_wait_for(weft_coro_create(wait_for_one, &arg), WEFT_MS(1), nullptr);
        if (r != WEFT_ETIMEDOUT) {
            return weft_fail(WEFT_EUSER(2), "wait %d: %d", what, r);
        }
    }
    WEFT_TRY(weft_lock_release(c.lock));
    WEFT_TRY(weft_barrier_reset(c.barrier));
    c.context = weft_context_create();
    c.var = weft_context_var_create("x");
    WEFT_TRY(weft_threadsafe_queue_create(1, &c.threadsafe_queue));
    WEFT_TRY(weft_threadsafe_semaphore_create(0, &c.threadsafe_semaphore));
    WEFT_TRY(weft_threadsafe_event_create(&c.threadsafe_event));
    weft_datagram_options any_port = WEFT_DATAGRAM_OPTIONS_INIT;
    any_port.local_addr = "127.0.0.1";
    WEFT_TRY(weft_open_datagram_endpoint(&any_port, &c.datagram));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return WEFT_EUSER(1);
    }
    c.transport_peer = ends[1];
    WEFT_TRY(weft_loop_create_connection_fd(nullptr, make_silent, nullptr, ends[0], nullptr,
                                            &c.transport));
    return end_some(c);
}

/* The objects are still whole: each can be let go of. */
int clear_scene(void *data)
{
    cast &c = *static_cast<cast *>(data);
    int code = 0;

    (void)weft_task_cancel(c.task, nullptr);
    (void)weft_await(c.task, nullptr);
    weft_future_unref(c.task);
    weft_handle_cancel(c.handle);
    weft_handle_unref(c.handle);
    weft_as_completed_destroy(c.iterator);
    weft_future_unref(c.future);
    weft_concurrent_future_unref(c.concurrent);
    weft_executor_unref(c.executor);
    weft_task_group_destroy(c.group);
    weft_timeout_destroy(c.timeout);
    code |= weft_lock_destroy(c.lock);
    code |= weft_event_destroy(c.event);
    code |= weft_condition_destroy(c.condition);
    code |= weft_semaphore_destroy(c.semaphore);
    code |= weft_barrier_destroy(c.barrier);
    code |= weft_queue_destroy(c.queue);
    weft_server_close(c.server);
    weft_server_destroy(c.server);
    weft_stream_close(c.stream);
    weft_stream_destroy(c.stream);
    close(c.peer);
    close(c.transport_peer);
    (void)weft_transport_abort(c.transport); /* already, on a closed loop */
    weft_transport_unref(c.transport);
    weft_context_unref(c.context);
    weft_context_var_unref(c.var);
    weft_threadsafe_queue_unref(c.threadsafe_queue);
    weft_threadsafe_semaphore_unref(c.threadsafe_semaphore);
    weft_threadsafe_event_unref(c.threadsafe_event);
    (void)weft_datagram_transport_close(c.datagram); /* already, on a closed loop */
    weft_datagram_transport_unref(c.datagram);
    code |= weft_process_kill(c.process);
    code |= weft_process_wait(c.process, nullptr);
    weft_process_destroy(c.process);
    weft_coro_close(c.coro);
    weft_future_unref(c.done_future);
    weft_executor_unref(c.shut_executor);
    weft_stream_destroy(c.closed_stream);
    return code;
}

class scene
{
  public:
    scene()
    {
        weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
        options.virtual_clock = 1;
        REQUIRE(weft_new_event_loop(&options, &c.loop) == 0);
        REQUIRE(weft_new_event_loop(nullptr, &c.closed_loop) == 0);
        weft_loop_close(c.closed_loop);
        int r = run(set_scene, &c);
        INFO(weft_current_message(r));
        REQUIRE(r == 0);
        weft_raise(nullptr);
    }
    ~scene()
    {
        if (!weft_loop_is_closed(c.loop)) {
            CHECK(run(clear_scene, &c) == 0);
        } else {
            (void)clear_scene(&c); /* what a closed loop leaves to its users */
        }
        weft_loop_close(c.loop);
        weft_loop_unref(c.loop);
        weft_loop_unref(c.closed_loop);
    }
    scene(const scene &) = delete;
    scene &operator=(const scene &) = delete;

    /* With all in use but the scopes: who is inside one at the close never leaves it. */
    void close()
    {
        REQUIRE(run(
                    [](void *data) {
                        weft_task *task = static_cast<cast *>(data)->task;
                        (void)weft_task_cancel(task, nullptr);
                        (void)weft_await(task, nullptr);
                        return 0;
                    },
                    &c) == 0);
        REQUIRE(weft_loop_close(c.loop) == 0);
    }

    int run(weft_coro_fn *fn, void *data)
    {
        return weft_loop_run_until_complete(c.loop, weft_coro_create(fn, data), nullptr);
    }

    cast c;
};

/* ---- calling ------------------------------------------------------------ */

void fill_output()
{
    std::memset(misuse_out, 0x5a, sizeof misuse_out);
}

bool output_is_untouched()
{
    for (unsigned char byte : misuse_out) {
        if (byte != 0x5a) {
            return false;
        }
    }
    return true;
}

std::string code_name(int64_t code)
{
    return code >= 0 ? std::to_string(code) : weft_error_name(static_cast<int>(code));
}

/* What came of one call, to be looked at on the test's stack. */
struct outcome {
    const char *function;
    int64_t expected;
    int64_t code;
    bool is_untouched;
};

outcome try_row(const misuse_row &row, const cast &c, void *object, int64_t expected)
{
    fill_output();
    int64_t code = row.call(c, object);
    weft_raise(nullptr);
    return { row.function, expected, code, output_is_untouched() };
}

void judge(const std::vector<outcome> &outcomes)
{
    for (const outcome &o : outcomes) {
        INFO(o.function << " gives " << code_name(o.code) << " instead of "
                        << code_name(o.expected));
        CHECK(o.code == o.expected);
        CHECK(o.is_untouched);
    }
}

struct visit {
    const cast *c;
    std::vector<outcome> outcomes;
};

/* In a task. A NULL loop is the running one there, which is no mistake. */
int call_with_nothing(void *data)
{
    visit &v = *static_cast<visit *>(data);

    for (size_t i = 0; i < n_misuse_rows; i++) {
        const misuse_row &row = misuse_rows[i];
        if (row.pick(*v.c) != v.c->loop) {
            v.outcomes.push_back(try_row(row, *v.c, nullptr, row.null_code));
        }
    }
    return 0;
}

/* Memory that was never an object of ours. */
alignas(64) unsigned char alien[8192];

int call_with_alien(void *data)
{
    visit &v = *static_cast<visit *>(data);

    for (size_t i = 0; i < n_misuse_rows; i++) {
        const misuse_row &row = misuse_rows[i];
        bool is_typed = row.pick(*v.c) != nullptr;
        bool has_code = row.how != mode::getter && row.how != mode::gone && row.null_code < 0;
        if (is_typed) {
            std::memset(alien, 0, sizeof alien);
            v.outcomes.push_back(
                try_row(row, *v.c, alien, has_code ? int64_t{ WEFT_EINVAL } : row.null_code));
            /* A NULL is nothing to destroy; this is a mistake, where there is a result to say so.
             */
            outcome &last = v.outcomes.back();
            if (row.how != mode::getter && row.null_code == 0 && last.code == WEFT_EINVAL) {
                last.expected = WEFT_EINVAL;
            }
        }
    }
    return 0;
}

/* The rows that belong to a loop's thread. */
bool is_bound(const misuse_row &row)
{
    return row.how == mode::loop || row.how == mode::task || row.how == mode::getter;
}

int64_t code_on_wrong_thread(const misuse_row &row)
{
    return row.how == mode::getter ? row.null_code : int64_t{ WEFT_EWRONGTHREAD };
}

} // namespace

TEST_CASE("misuse: every exported function stands in the tables", "[misuse]")
{
    std::set<std::string> known;
    for (size_t i = 0; i < n_misuse_rows; i++) {
        known.insert(misuse_rows[i].function);
    }
    for (size_t i = 0; i < n_misuse_bads; i++) {
        known.insert(misuse_bads[i].function);
    }
    std::set<std::string> exported = exported_functions();
    REQUIRE(exported.size() > 200);
    for (const std::string &function : exported) {
        INFO("tests/integration/misuse_table.cpp lacks " << function);
        CHECK(known.count(function) == 1);
    }
    for (const std::string &function : known) {
        INFO("no header has " << function);
        CHECK(exported.count(function) == 1);
    }
}

TEST_CASE("misuse: NULL in place of an object is refused", "[misuse]")
{
    log_recorder log;
    scene s;
    visit v{ &s.c, {} };

    REQUIRE(s.run(call_with_nothing, &v) == 0);
    /* No loop runs: here NULL names no loop either. */
    for (size_t i = 0; i < n_misuse_rows; i++) {
        if (misuse_rows[i].pick(s.c) == s.c.loop) {
            v.outcomes.push_back(try_row(misuse_rows[i], s.c, nullptr, misuse_rows[i].null_code));
        }
    }
    judge(v.outcomes);
}

TEST_CASE("misuse: what is no object of the kind is refused", "[misuse]")
{
    log_recorder log;
    scene s;
    visit v{ &s.c, {} };

    REQUIRE(s.run(call_with_alien, &v) == 0);
    judge(v.outcomes);
}

TEST_CASE("misuse: another thread is refused", "[misuse]")
{
    log_recorder log;
    scene s;
    std::vector<outcome> outcomes;

    std::thread([&] {
        for (size_t i = 0; i < n_misuse_rows; i++) {
            const misuse_row &row = misuse_rows[i];
            if (is_bound(row) && row.pick(s.c) != nullptr) {
                outcomes.push_back(try_row(row, s.c, row.pick(s.c), code_on_wrong_thread(row)));
            }
        }
    }).join();
    judge(outcomes);
}

TEST_CASE("misuse: a forked child is refused", "[misuse]")
{
    log_recorder log;
    scene s;
    const size_t size = sizeof(outcome) * n_misuse_rows;
    outcome *shared = static_cast<outcome *>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

    REQUIRE(shared != MAP_FAILED);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        for (size_t i = 0; i < n_misuse_rows; i++) {
            const misuse_row &row = misuse_rows[i];
            bool is_checked = is_bound(row) || row.how == mode::any;
            if (is_checked && row.pick(s.c) != nullptr) {
                shared[i] =
                    try_row(row, s.c, row.pick(s.c),
                            row.how == mode::getter ? row.null_code : int64_t{ WEFT_EFORKED });
            }
        }
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    std::vector<outcome> outcomes;
    for (size_t i = 0; i < n_misuse_rows; i++) {
        if (shared[i].function != nullptr) {
            outcomes.push_back(shared[i]);
        }
    }
    munmap(shared, size);
    CHECK(outcomes.size() > 100);
    judge(outcomes);
}

TEST_CASE("misuse: what waits is refused outside a task", "[misuse]")
{
    log_recorder log;
    scene s;
    std::vector<outcome> outcomes;

    for (size_t i = 0; i < n_misuse_rows; i++) {
        const misuse_row &row = misuse_rows[i];
        if (row.how == mode::task && row.pick(s.c) != nullptr) {
            outcomes.push_back(try_row(row, s.c, row.pick(s.c), WEFT_ERUNTIME));
        }
    }
    CHECK(outcomes.size() > 10);
    judge(outcomes);
}

TEST_CASE("misuse: a closed loop's objects are refused or do nothing", "[misuse]")
{
    log_recorder log;
    std::vector<outcome> outcomes;

    {
        scene s;
        s.close();
        for (size_t i = 0; i < n_misuse_rows; i++) {
            const misuse_row &row = misuse_rows[i];
            if (row.how == mode::task && row.pick(s.c) != nullptr) {
                outcomes.push_back(try_row(row, s.c, row.pick(s.c), 0));
            }
        }
    }
    CHECK(outcomes.size() > 10);
    for (const outcome &o : outcomes) {
        INFO(o.function << " gives " << code_name(o.code));
        CHECK(o.code < 0);
        CHECK(o.is_untouched);
    }
}

namespace
{

int call_badly(void *data)
{
    visit &v = *static_cast<visit *>(data);

    for (size_t i = 0; i < n_misuse_bads; i++) {
        const misuse_bad &bad = misuse_bads[i];
        if (bad.call == nullptr) {
            continue;
        }
        fill_output();
        int64_t code = bad.call(*v.c);
        weft_raise(nullptr);
        v.outcomes.push_back({ bad.text, bad.code, code, output_is_untouched() });
    }
    return 0;
}

} // namespace

TEST_CASE("misuse: bad arguments and missing outputs are refused", "[misuse]")
{
    log_recorder log;
    scene s;
    visit v{ &s.c, {} };

    REQUIRE(s.run(call_badly, &v) == 0);
    judge(v.outcomes);
}

/*
 * Dumps from outside of what is stuck: two loops whose tasks wait for each other's lock, a loop
 * that is blocked in read(2), a pool full of jobs that do not end; in this process and in
 * another, which may be stopped. And dumps that are refused.
 *
 * The other process is this program again, with one of the hidden test cases below.
 */
#include <catch2/catch.hpp>

#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "inspect.hpp"
#include "support/log_recorder.hpp"
#include "weft/weft.h"

extern "C" {
#include "inspect/root.h"
#include "inspect/snapshot.h"
}

extern char **environ;

namespace
{

/* ---- what is stuck -------------------------------------------------------- */

enum {
    N_JOBS = 3,
    N_QUEUED = 2
};

struct world {
    std::atomic<weft_loop *> loops[3] = {};
    std::thread threads[3];
    weft_executor *pool = nullptr;
    weft_lock *locks[2] = {}; /* each of the loop with its number */
    int pipe[2] = { -1, -1 };
    int jobs[2] = { -1, -1 };
    std::atomic<int> n_holding = 0;
    std::vector<weft_concurrent_future *> futures;
};

world *the;

int serve(int number)
{
    static const char *const names[] = { "left", "right", "blocked" };
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop;

    options.name = names[number];
    int r = weft_new_event_loop(&options, &loop);
    if (r < 0) {
        return r;
    }
    (void)weft_loop_set_slow_callback_duration(loop, WEFT_S(3600)); /* the log stays quiet */
    the->loops[number] = loop;
    r = weft_loop_run_forever(loop);
    (void)weft_loop_close(loop);
    (void)weft_loop_unref(loop);
    return r;
}

int name_me(const char *name)
{
    return weft_task_set_name(weft_current_task(), name);
}

/* Take the lock of loop 0 or 1, made by whoever comes first, and keep it while the other's is
 * tried. */
int take_left(void *)
{
    WEFT_TRY(weft_lock_acquire(the->locks[0]));
    return weft_lock_release(the->locks[0]);
}

int take_right(void *)
{
    WEFT_TRY(weft_lock_acquire(the->locks[1]));
    return weft_lock_release(the->locks[1]);
}

int await_remote(weft_coro *coro, int loop)
{
    weft_concurrent_future *remote;
    weft_future *future;

    WEFT_TRY(weft_run_coroutine_threadsafe(coro, the->loops[loop], &remote));
    WEFT_TRY(weft_wrap_future(remote, nullptr, &future));
    (void)weft_concurrent_future_unref(remote);
    int r = weft_await(future, nullptr);
    (void)weft_future_unref(future);
    return r;
}

/* Both hold theirs before either wants the other's. */
int meet()
{
    the->n_holding++;
    while (the->n_holding < 2) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    }
    return 0;
}

int hold_left(void *)
{
    WEFT_TRY(name_me("hold_left"));
    WEFT_TRY(weft_lock_acquire(the->locks[0]));
    WEFT_TRY(meet());
    int r = await_remote(weft_coro_create(take_right, nullptr), 1);
    (void)weft_lock_release(the->locks[0]);
    return r;
}

int hold_right(void *)
{
    WEFT_TRY(name_me("hold_right"));
    WEFT_TRY(weft_lock_acquire(the->locks[1]));
    WEFT_TRY(meet());
    int r = await_remote(weft_coro_create(take_left, nullptr), 0);
    (void)weft_lock_release(the->locks[1]);
    return r;
}

int read_it(void *)
{
    char byte;

    WEFT_TRY(name_me("read_it"));
    return read(the->pipe[0], &byte, 1) == 1 ? 0 : -EIO;
}

int job_that_stays(void *)
{
    char byte;

    return read(the->jobs[0], &byte, 1) == 1 ? 0 : -EIO;
}

int wait_for_job(void *)
{
    weft_future *future;

    WEFT_TRY(weft_loop_run_in_executor(nullptr, the->pool, job_that_stays, nullptr, &future));
    int r = weft_await(future, nullptr);
    (void)weft_future_unref(future);
    return r;
}

weft_concurrent_future *submit(weft_coro_fn *fn, int loop)
{
    weft_concurrent_future *future = nullptr;

    REQUIRE(weft_run_coroutine_threadsafe(weft_coro_create(fn, nullptr), the->loops[loop],
                                          &future) == 0);
    return future;
}

void begin(world &all)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;

    the = &all;
    options.name = "pool";
    options.max_threads = N_JOBS;
    REQUIRE(weft_executor_create(&options, &all.pool) == 0);
    REQUIRE(pipe(all.pipe) == 0);
    REQUIRE(pipe(all.jobs) == 0);
    REQUIRE(weft_lock_create(&all.locks[0]) == 0);
    REQUIRE(weft_lock_create(&all.locks[1]) == 0);
    for (int i = 0; i < 3; i++) {
        all.threads[i] = std::thread([i] { (void)serve(i); });
        while (all.loops[i] == nullptr) {
            std::this_thread::yield();
        }
    }
    all.futures.push_back(submit(hold_left, 0));
    all.futures.push_back(submit(hold_right, 1));
    for (int i = 0; i < N_JOBS + N_QUEUED; i++) {
        all.futures.push_back(submit(wait_for_job, 0));
    }
    all.futures.push_back(submit(read_it, 2));
}

bool has(const std::string &text, const std::string &piece)
{
    return text.find(piece) != std::string::npos;
}

/* "#3 read_it at ...", where the compiler's name may have more around it. */
bool has_frame(const std::string &text, const std::string &function)
{
    return std::regex_search(text, std::regex("#[0-9]+ [^ ]*" + function));
}

/* All of it is stuck, as far as a dump can tell. */
bool is_stuck(const std::string &text)
{
    return has(text, "CYCLE: ") && has(text, "blocked in read") &&
           has(text, "executor 'pool': all 3 threads run, 2 jobs queued");
}

void end(world &all)
{
    log_recorder log;

    for (int i = 0; i < N_JOBS + N_QUEUED; i++) {
        CHECK(write(all.jobs[1], "x", 1) == 1);
    }
    CHECK(write(all.pipe[1], "x", 1) == 1);
    (void)weft_concurrent_future_cancel(all.futures[0]);
    (void)weft_concurrent_future_cancel(all.futures[1]);
    for (weft_concurrent_future *future : all.futures) {
        (void)weft_concurrent_future_result(future, WEFT_S(30), nullptr);
        (void)weft_concurrent_future_unref(future);
    }
    for (int i = 0; i < 2; i++) { /* on the thread of its loop */
        weft_concurrent_future *done = submit(
            i == 0 ? [](void *) { return weft_lock_destroy(the->locks[0]); }
                   : [](void *) { return weft_lock_destroy(the->locks[1]); },
            i);
        CHECK(weft_concurrent_future_result(done, WEFT_S(30), nullptr) == 0);
        (void)weft_concurrent_future_unref(done);
    }
    for (int i = 0; i < 3; i++) {
        (void)weft_loop_stop_threadsafe(all.loops[i]);
        all.threads[i].join();
    }
    (void)weft_executor_shutdown(all.pool, nullptr);
    (void)weft_executor_unref(all.pool);
    for (int fd : { all.pipe[0], all.pipe[1], all.jobs[0], all.jobs[1] }) {
        close(fd);
    }
}

/* Look until it is stuck: the dump is the only one who can tell. */
std::string dump_until_stuck(const std::function<std::string()> &look)
{
    weft_time limit = weft_clock_now() + WEFT_S(60);
    std::string text = look();

    while (!is_stuck(text) && weft_clock_now() < limit) {
        std::this_thread::yield();
        text = look();
    }
    return text;
}

/* Everything that a dump must explain of it. */
void check_explained(const std::string &text)
{
    INFO(text);
    CHECK(is_stuck(text));
    CHECK(has(text, "loop blocked runs Task-"));
    CHECK(has(text, "'read_it', blocked in read"));
    CHECK(has(text, " 'hold_left' -> Future pending made at test_inspect_hang.cpp:"));
    CHECK(has(text, "lock made at test_inspect_hang.cpp:"));
    CHECK(has(text, ", held by Task-"));
    CHECK(has(text, "job job_that_stays() made at test_inspect_hang.cpp:"));
    CHECK(has(text, "in executor 'pool': running for "));
    CHECK(has(text, "in executor 'pool': queued for "));
    CHECK(has(text, "(above)"));
}

/* ---- the other process ---------------------------------------------------- */

struct target {
    pid_t pid = -1;
    int in = -1; /* its standard input: it ends when that does */

    explicit target(const char *test_case)
    {
        int input[2];
        int output[2];
        char self[] = "/proc/self/exe";
        std::string name = test_case;
        char *arguments[] = { self, name.data(), nullptr };
        posix_spawn_file_actions_t actions;
        std::string said;
        char piece[256];
        ssize_t n;

        REQUIRE(pipe2(input, O_CLOEXEC) == 0);
        REQUIRE(pipe2(output, O_CLOEXEC) == 0);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input[0], 0);
        posix_spawn_file_actions_adddup2(&actions, output[1], 1);
        int r = posix_spawn(&pid, self, &actions, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        close(input[0]);
        close(output[1]);
        in = input[1];
        REQUIRE(r == 0);
        while (!has(said, "ready\n") && (n = read(output[0], piece, sizeof piece)) > 0) {
            said.append(piece, static_cast<size_t>(n));
        }
        close(output[0]);
        INFO(said);
        REQUIRE(has(said, "ready\n"));
    }
    ~target()
    {
        int status;

        close(in);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    target(const target &) = delete;
    target &operator=(const target &) = delete;

    std::string dump(unsigned flags, int *out_code = nullptr) const
    {
        int code = 0;
        std::string text = inspect::written(
            [this, flags](int fd) { return weft_dump_process(fd, pid, flags); }, code);
        if (out_code != nullptr) {
            *out_code = code;
        } else {
            CHECK(code == 0);
        }
        return text;
    }
};

void say_ready_and_stay()
{
    char byte;

    CHECK(write(1, "ready\n", 6) == 6);
    while (read(0, &byte, 1) > 0) {
    }
}

/* ---- a root that is laid out otherwise ------------------------------------- */

/* A file as it lies in memory: head, one program header, one note; then a root with a loop. */
struct planted {
    Elf64_Ehdr file;
    Elf64_Phdr header;
    struct {
        Elf64_Nhdr head;
        char name[8];
        int64_t distance;
    } __attribute__((packed)) note;
    struct wf_inspect_root root;
    struct wf_inspect_field field;
    struct {
        void *next;
        void *prev;
    } list[2];
};

void plant_root()
{
    void *memory =
        mmap(nullptr, sizeof(planted), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto *image = static_cast<planted *>(memory);

    memcpy(image->file.e_ident, ELFMAG, SELFMAG);
    image->file.e_ident[EI_CLASS] = ELFCLASS64;
    image->file.e_phoff = offsetof(planted, header);
    image->file.e_phentsize = sizeof image->header;
    image->file.e_phnum = 1;
    image->header.p_type = PT_NOTE;
    image->header.p_vaddr = offsetof(planted, note);
    image->header.p_filesz = sizeof image->note;
    image->note.head = { 5, 8, 1 };
    memcpy(image->note.name, "weft", 5);
    image->note.distance = static_cast<int64_t>(offsetof(planted, root)) -
                           static_cast<int64_t>(offsetof(planted, note) + sizeof(Elf64_Nhdr) +
                                                sizeof image->note.name);
    image->root = weft_inspect_root_v1;
    strcpy(image->root.version, "9.8.7");
    image->field = weft_inspect_root_v1.fields[0];
    image->field.size += 8;
    image->root.fields = &image->field;
    image->list[0] = { &image->list[1], &image->list[1] };
    image->list[1] = { &image->list[0], &image->list[0] };
    image->root.loops = reinterpret_cast<struct wf_list *>(&image->list[0]);
}

} // namespace

TEST_CASE("inspect target: stuck", "[.]")
{
    world all;
    begin(all);
    CHECK(is_stuck(dump_until_stuck([] { return inspect::dump(WEFT_DUMP_WAITS); })));
    say_ready_and_stay();
    _exit(0);
}

TEST_CASE("inspect target: planted", "[.]")
{
    plant_root();
    say_ready_and_stay();
    _exit(0);
}

TEST_CASE("inspect: a hang over loops and executors is explained by one dump", "[inspect][threads]")
{
    world all;
    begin(all);
    std::string text = dump_until_stuck(
        [] { return inspect::dump(WEFT_DUMP_TREE | WEFT_DUMP_WAITS | WEFT_DUMP_LOOPS); });
    inspect::json json = inspect::parse(inspect::dump(WEFT_DUMP_ALL | WEFT_DUMP_JSON));
    end(all);
    check_explained(text);

    json_t *cycles = json_object_get(json_object_get(json.get(), "waits"), "cycles");
    REQUIRE(json_array_size(cycles) == 1);
    /* Two tasks that hold, two that want, two locks, two wrapped futures and their sources. */
    CHECK(json_array_size(json_array_get(cycles, 0)) == 10);
    json_t *pool = inspect::find(json_object_get(json.get(), "executors"), "name", "pool");
    REQUIRE(pool != nullptr);
    CHECK(json_array_size(json_object_get(pool, "jobs")) == N_JOBS + N_QUEUED);
    CHECK(json_integer_value(json_object_get(pool, "running")) == N_JOBS);
    json_t *blocked = inspect::find(json_object_get(json.get(), "loops"), "name", "blocked");
    REQUIRE(blocked != nullptr);
    CHECK(inspect::text_of(blocked, "system_call") == "read");
    CHECK(json_is_false(json_object_get(blocked, "torn")));
}

TEST_CASE("inspect: stacks of suspended and running tasks name the user's functions",
          "[inspect][threads][stack]")
{
    world all;
    begin(all);
    (void)dump_until_stuck([] { return inspect::dump(WEFT_DUMP_WAITS); });
    std::string text = inspect::dump(WEFT_DUMP_TASKS | WEFT_DUMP_EXECUTORS | WEFT_DUMP_STACKS);
    end(all);
    INFO(text);
    CHECK(has(text, "hold_left"));
    size_t suspended = text.find("'hold_left' on left: waiting");
    REQUIRE(suspended != std::string::npos);
    CHECK(has_frame(text.substr(suspended, 2000), "await_remote"));
    size_t running = text.find("'read_it' on blocked: running");
    REQUIRE(running != std::string::npos);
    CHECK(has_frame(text.substr(running, 2000), "read_it"));
    size_t job = text.find("running for ", text.find("executors:"));
    REQUIRE(job != std::string::npos);
    CHECK(has_frame(text.substr(job, 2000), "job_that_stays"));
}

TEST_CASE("inspect: one task is told with its chain and who waits for it", "[inspect][threads]")
{
    world all;
    int code = 0;
    begin(all);
    (void)dump_until_stuck([] { return inspect::dump(WEFT_DUMP_WAITS); });
    inspect::json json = inspect::parse(inspect::dump(WEFT_DUMP_TASKS | WEFT_DUMP_JSON));
    json_t *task = inspect::find(json_object_get(json.get(), "tasks"), "name", "hold_left");
    auto id = static_cast<uint64_t>(json_integer_value(json_object_get(task, "id")));
    std::string text = inspect::written([id](int fd) { return weft_dump_task(fd, id, 0); }, code);
    std::string missing =
        inspect::written([](int fd) { return weft_dump_task(fd, UINT64_MAX, 0); }, code);
    int missing_code = code;
    std::string one =
        inspect::written([id](int fd) { return weft_dump_task(fd, id, WEFT_DUMP_JSON); }, code);
    end(all);

    INFO(text);
    CHECK(has(text, "'hold_left' on left: waiting"));
    CHECK(has(text, "awaited by\n    lock made at"));
    CHECK(has(text, "waits for\n    Future pending made at"));
    CHECK(has(text, "'hold_left' (again)"));
    CHECK(has(text, "CYCLE: "));
    CHECK(missing.empty());
    CHECK(missing_code == WEFT_ELOOKUP);
    inspect::json parsed = inspect::parse(one);
    CHECK(json_array_size(json_object_get(parsed.get(), "tasks")) == 1);
}

TEST_CASE("inspect: another process is read from outside, also a stopped one",
          "[inspect][threads][process]")
{
    target other("inspect target: stuck");

    SECTION("while it runs")
    {
        check_explained(other.dump(WEFT_DUMP_TREE | WEFT_DUMP_WAITS | WEFT_DUMP_LOOPS));
    }
    SECTION("while it is stopped")
    {
        int status;
        REQUIRE(kill(other.pid, SIGSTOP) == 0);
        REQUIRE(waitpid(other.pid, &status, WUNTRACED) == other.pid);
        REQUIRE(WIFSTOPPED(status));
        check_explained(other.dump(WEFT_DUMP_TREE | WEFT_DUMP_WAITS | WEFT_DUMP_LOOPS));
        inspect::json json = inspect::parse(other.dump(WEFT_DUMP_ALL | WEFT_DUMP_JSON));
        CHECK(json_integer_value(json_object_get(json.get(), "pid")) == other.pid);
        (void)kill(other.pid, SIGCONT);
    }
}

TEST_CASE("inspect: a process that cannot be understood is refused", "[inspect][process]")
{
    int code = 0;

    SECTION("laid out otherwise")
    {
        target other("inspect target: planted");
        std::string text = other.dump(WEFT_DUMP_ALL, &code);
        CHECK(code == WEFT_EINVALIDSTATE);
        CHECK(text.empty());
        std::string message = weft_error_get_message(weft_current_error());
        CHECK(has(message, "libweft 9.8.7"));
        CHECK(has(message, "libweft " WEFT_VERSION));
    }
    SECTION("without libweft")
    {
        pid_t pid;
        char name[] = "cat";
        char *arguments[] = { name, nullptr };
        int input[2];
        posix_spawn_file_actions_t actions;
        REQUIRE(pipe2(input, O_CLOEXEC) == 0);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input[0], 0);
        REQUIRE(posix_spawnp(&pid, name, &actions, nullptr, arguments, environ) == 0);
        posix_spawn_file_actions_destroy(&actions);
        std::string text = inspect::written(
            [pid](int fd) { return weft_dump_process(fd, pid, WEFT_DUMP_ALL); }, code);
        close(input[0]);
        close(input[1]);
        int status;
        (void)waitpid(pid, &status, 0);
        CHECK(code == WEFT_ELOOKUP);
        CHECK(text.empty());
    }
    SECTION("without a process")
    {
        (void)inspect::written(
            [](int fd) { return weft_dump_process(fd, 0x7ffffff0, WEFT_DUMP_ALL); }, code);
        CHECK(code == -ESRCH);
    }
    SECTION("to a pipe that nobody reads")
    {
        int ends[2];
        REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
        close(ends[0]);
        CHECK(weft_dump(ends[1], WEFT_DUMP_ALL) == -EPIPE);
        close(ends[1]);
    }
}

TEST_CASE("inspect: a forked child tells of what it made itself", "[inspect][process]")
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *loop;
    int fd = memfd_create("child", MFD_CLOEXEC);

    options.name = "the-parents";
    REQUIRE(weft_new_event_loop(&options, &loop) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        weft_loop *own;
        options.name = "the-childs";
        int code = weft_new_event_loop(&options, &own);
        code = code < 0 ? code : weft_dump(fd, WEFT_DUMP_LOOPS);
        _exit(code == 0 ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    int code = 0;
    std::string text = inspect::written(
        [fd](int to) {
            char bytes[8192];
            ssize_t n = pread(fd, bytes, sizeof bytes, 0);
            return n > 0 && write(to, bytes, static_cast<size_t>(n)) == n ? 0 : -1;
        },
        code);
    close(fd);
    CHECK(has(text, "the-childs, thread"));
    CHECK_FALSE(has(text, "the-parents, thread"));
    CHECK(has(text, "of the process that this one was forked from"));
    CHECK(weft_loop_close(loop) == 0);
    (void)weft_loop_unref(loop);
}

namespace
{

std::atomic<bool> is_spinning;
std::atomic<bool> may_end;

int nap(void *)
{
    return weft_sleep(WEFT_S(3600));
}

/* It runs and runs: its thread has to be parked. */
int spin(void *)
{
    constexpr int n_tasks = 1000;

    for (int i = 0; i < n_tasks; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(nap, nullptr), nullptr));
    }
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    is_spinning = true;
    while (!may_end) {
    }
    weft_task *all[n_tasks + 8];
    int n = weft_all_tasks(nullptr, all, n_tasks + 8);
    for (int i = 0; i < n; i++) {
        if (all[i] != weft_current_task()) {
            (void)weft_task_cancel(all[i], nullptr);
        }
    }
    return weft_sleep(0);
}

} // namespace

TEST_CASE("inspect: a thousand tasks are read within the bound of a hold", "[inspect][threads]")
{
    is_spinning = false;
    may_end = false;
    std::thread thread([] { (void)weft_run(spin, nullptr); });
    while (!is_spinning) {
        std::this_thread::yield();
    }
    struct wf_snapshot_options options = {};
    struct wf_snapshot *snapshot = nullptr;
    options.parts = WEFT_DUMP_ALL;
    int code = wf_snapshot_take(&options, &snapshot);
    may_end = true;
    thread.join();
    REQUIRE(code == 0);
    CHECK(snapshot->n_tasks == 1001);
    CHECK(snapshot->longest_hold < WEFT_MS(60)); /* the thread's own timer ends it after 50 ms */
    size_t n_stacks = 0;
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        n_stacks += snapshot->tasks[i].sample != nullptr;
    }
    CHECK(n_stacks >= 1000);
    wf_snapshot_free(snapshot);
}

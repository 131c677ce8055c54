/*
 * Real programs as processes: their pipes, their ends, and what is left behind by
 * none of them: no zombie, no descriptor, no handler of somebody else.
 */
#include "support/processes.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <sys/resource.h>

#include "support/sweep.hpp"
#include "weft/runtime.h"

extern "C" {
#include "io/io.h"
#include "loop/loop.h"
}

namespace
{

/* End the starter's thread, which may still hold what it has just handed over. */
void end_starter(weft_loop *loop)
{
    struct wf_io *io = static_cast<struct wf_io *>(loop->slots[WF_LOOP_SLOT_IO].data);

    if (io != nullptr && io->starter != nullptr) {
        weft_executor_shutdown(io->starter, nullptr);
        io->starter = weft_executor_unref(io->starter);
    }
}

/* Run <what> on a loop that is made and closed here, so that nothing of it is kept. */
int run_on_own_loop(body what)
{
    weft_loop *loop = nullptr;
    int code = weft_new_event_loop(nullptr, &loop);

    if (code < 0) {
        return code;
    }
    code = weft_loop_run_until_complete(loop, weft_coro_create(run_body, &what), nullptr);
    for (int i = 0; i < 5000 && has_child(); i++) {
        weft_loop_run_once(loop, WEFT_MS(1)); /* what failed late is reaped in the background */
    }
    end_starter(loop);
    weft_loop_close(loop);
    weft_loop_unref(loop);
    return code;
}

/* Nothing is left when it goes: checked by its user, on the test's own stack. */
struct inventory {
    int before = n_descriptors();
    /* What an abandoned start made is cleaned up by its own thread, in its own time. */
    bool is_clean() const
    {
        for (int i = 0; i < 5000 && !is_clean_now(); i++) {
            block_a_little();
        }
        return is_clean_now();
    }
    bool is_clean_now() const
    {
        return n_threads_named("weft-start") == 0 && !has_child() && n_descriptors() == before;
    }
};

} // namespace

TEST_CASE("process: output, exit code, signals and their refusal after the end", "[process]")
{
    inventory left;
    std::vector<int> codes;
    std::string line;
    int64_t pid = 0;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(in_pipe | out_pipe, "echo $$; read x; exit 7", &p));
            pid = weft_process_get_pid(p);
            codes.push_back(weft_process_get_returncode(p));
            line = read_line(weft_process_get_stdout(p));
            WEFT_TRY(weft_stream_write(weft_process_get_stdin(p), "\n", 1));
            int code = 0;
            WEFT_TRY(weft_process_wait(p, &code));
            codes.push_back(code);
            WEFT_TRY(weft_process_wait(p, nullptr));
            codes.push_back(weft_process_get_returncode(p));
            codes.push_back(weft_process_kill(p));
            codes.push_back(weft_process_send_signal(p, -1));
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(codes == std::vector<int>{ WEFT_PROCESS_RUNNING, 7, 7, -ESRCH, WEFT_EINVAL });
    REQUIRE(line == std::to_string(pid) + "\n");
    REQUIRE(left.is_clean());
}

TEST_CASE("process: what cannot be started is a code, and says which program", "[process]")
{
    inventory left;
    std::vector<int> codes;
    std::vector<std::string> messages;
    {
        world w(/* is_virtual = */ false);
        const char *const no_path[] = { "PATH=/nonexistent:/also-not", nullptr };
        const char *const odd_path[] = { "PATH=/nonexistent::/bin", nullptr };
        auto try_start = [&](const weft_process_options &options, const char *program) {
            weft_process *p = nullptr;
            codes.push_back(start(options, { program }, &p));
            messages.emplace_back(weft_current_message(codes.back()));
            if (p != nullptr) {
                weft_process_wait(p, nullptr);
                weft_process_destroy(p);
            }
        };
        int r = w.run([&] {
            weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
            try_start(options, "/nonexistent/program");
            try_start(options, "no-program-of-this-name");
            try_start(options, "/etc");
            try_start(options, "/etc/passwd");
            options.env = no_path;
            try_start(options, "true");
            options.env = odd_path;
            try_start(options, "true");
            options.env = nullptr;
            options.cwd = "/nonexistent/folder";
            try_start(options, "true");
            options.cwd = "/etc/passwd";
            try_start(options, "true");
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(codes ==
            std::vector<int>{ -ENOENT, -ENOENT, -EACCES, -EACCES, -ENOENT, 0, -ENOENT, -ENOTDIR });
    REQUIRE(messages[0] == "No such file or directory: '/nonexistent/program'");
    REQUIRE(messages[6] == "No such file or directory: '/nonexistent/folder'");
    REQUIRE(left.is_clean());
}

TEST_CASE("process: every wrong argument is refused before anything happens", "[process]")
{
    inventory left;
    log_recorder log;
    std::vector<int> codes;
    weft_process *untouched = nullptr;
    {
        world w(/* is_virtual = */ false);
        const char *const argv[] = { "true", nullptr };
        const char *const none[] = { nullptr };
        const char *const empty[] = { "", nullptr };
        weft_process_fd twice[] = { { 1, 5 }, { 2, 5 } };
        weft_process_fd low[] = { { 1, 2 } };
        weft_process_fd closed[] = { { 999, 5 } };
        auto refuse = [&](const weft_process_options *options, const char *const *words) {
            codes.push_back(weft_create_subprocess_exec(words, options, &untouched));
        };
        /* Outside a task. */
        codes.push_back(weft_create_subprocess_exec(argv, nullptr, &untouched));
        int r = w.run([&] {
            weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;
            refuse(nullptr, nullptr);
            refuse(nullptr, none);
            refuse(nullptr, empty);
            codes.push_back(weft_create_subprocess_shell(nullptr, nullptr, &untouched));
            codes.push_back(weft_create_subprocess_exec(argv, nullptr, nullptr));
            options.size = 0;
            refuse(&options, argv);
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.out.kind = WEFT_PROCESS_STDOUT;
            refuse(&options, argv);
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.in.kind = static_cast<enum weft_process_stdio_kind>(9);
            refuse(&options, argv);
            options.in = { WEFT_PROCESS_FD, -1 };
            refuse(&options, argv);
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.kill_group = true;
            refuse(&options, argv);
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.fds = twice;
            options.n_fds = 2;
            refuse(&options, argv);
            options.fds = low;
            options.n_fds = 1;
            refuse(&options, argv);
            options.fds = nullptr;
            refuse(&options, argv);
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.stream.low_water = 1000000;
            refuse(&options, argv);
            for (int code : codes) {
                if (code != WEFT_EINVAL && code != WEFT_ERUNTIME && code != WEFT_ENOLOOP) {
                    return WEFT_EUSER(1);
                }
            }
            options = WEFT_PROCESS_OPTIONS_INIT;
            options.fds = closed;
            options.n_fds = 1;
            return weft_create_subprocess_exec(argv, &options, &untouched) == -EBADF ? 0 : 1;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(untouched == nullptr);
    REQUIRE(weft_process_get_returncode(nullptr) == WEFT_PROCESS_RUNNING);
    REQUIRE(weft_process_get_pid(nullptr) == 0);
    REQUIRE(weft_process_get_stdin(nullptr) == nullptr);
    REQUIRE(weft_process_kill(nullptr) == WEFT_EINVAL);
    weft_process_destroy(nullptr);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: refused while a task is inside, and on another thread", "[process]")
{
    inventory left;
    log_recorder log;
    std::vector<int> codes;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(in_pipe | out_pipe, "cat; exit 3", &p));
            weft_task *waiter = w.spawn([&] { return weft_process_wait(p, nullptr); });
            weft_task *talker =
                w.spawn([&] { return weft_process_communicate(p, nullptr, 0, nullptr, nullptr); });
            WEFT_TRY(weft_sleep(0));
            weft_process_destroy(p); /* misuse: reported, and nothing happens */
            codes.push_back(weft_process_communicate(p, nullptr, 0, nullptr, nullptr));
            std::thread([&] { codes.push_back(weft_process_kill(p)); }).join();
            WEFT_TRY(weft_await(waiter, nullptr));
            WEFT_TRY(weft_await(talker, nullptr));
            codes.push_back(weft_process_get_returncode(p));
            weft_process_destroy(p);
            WEFT_TRY(start_shell(0, "exit 0", &p));
            codes.push_back(weft_process_communicate(p, "x", 1, nullptr, nullptr));
            WEFT_TRY(weft_process_communicate(p, nullptr, 0, nullptr, nullptr));
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(codes == std::vector<int>{ WEFT_ERUNTIME, WEFT_EWRONGTHREAD, 3, WEFT_EINVAL });
    REQUIRE(left.is_clean());
}

TEST_CASE("process: it starts or fails cleanly wherever memory ends", "[process][oom]")
{
    inventory left;
    int n = sweep_out_of_memory(
        [&] {
            return run_on_own_loop([&] {
                weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
                weft_process *p = nullptr;
                weft_bytes *out = nullptr;
                options.cwd = "/";
                WEFT_TRY(start(options, { "cat" }, &p));
                int r = weft_process_communicate(p, "hello", 5, &out, nullptr);
                if (r < 0) {
                    weft_process_kill(p);
                    weft_process_wait(p, nullptr);
                }
                weft_process_destroy(p);
                weft_bytes_destroy(out);
                return r;
            });
        },
        { -EMFILE, -ENOSPC, -EAGAIN }); /* of the loop, its poller, the thread */
    REQUIRE(n > 20);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: a cancel at any moment of the start leaves nothing", "[process][cancel]")
{
    inventory left;
    log_recorder log;
    std::vector<int> codes;
    int n_started = 0;
    {
        world w(/* is_virtual = */ false);
        for (int n = 0; n < 10; n++) {
            for (int waits = 0; waits < 2; waits++) {
                int r = w.run([&] {
                    weft_process *p = nullptr;
                    weft_task *starter = w.spawn([&] {
                        weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
                        return start(options, { "sleep", "60" }, &p);
                    });
                    WEFT_TRY(weft_sleep(0));
                    while (waits && !wf_mailbox_has_posts(&w.loop->mailbox)) {
                        sched_yield(); /* the child runs, and its news is on the way */
                    }
                    settle(n);
                    weft_task_cancel(starter, nullptr);
                    codes.push_back(weft_await(starter, nullptr));
                    if (p != nullptr) {
                        n_started++;
                        WEFT_TRY(weft_process_kill(p));
                        WEFT_TRY(weft_process_wait(p, nullptr));
                        weft_process_destroy(p);
                    }
                    return wait_for_no_child() ? 0 : WEFT_EUSER(1);
                });
                REQUIRE(r == 0);
            }
        }
    }
    for (int code : codes) {
        REQUIRE((code == 0 || code == WEFT_ECANCELED));
    }
    REQUIRE(n_started > 0);
    REQUIRE(n_started < 20);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: a loop that closes during the start leaves nothing", "[process][close]")
{
    inventory left;
    log_recorder log;

    for (int turns = 1; turns < 6; turns++) {
        world w(/* is_virtual = */ false);
        weft_process *p = nullptr;
        body begin = [&] { /* its stack is dropped: nothing on it may own memory */
                           const char *const argv[] = { "sleep", "60", nullptr };
                           weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
                           return weft_create_subprocess_exec(argv, &options, &p);
        };
        REQUIRE(weft_loop_create_task(w.loop, weft_coro_create(run_body, &begin), nullptr,
                                      nullptr) == 0);
        for (int i = 0; i < turns; i++) {
            REQUIRE(weft_loop_run_once(w.loop, 0) >= 0);
        }
        w.close();
        weft_process_destroy(p);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process: two hundred at once, each with its own code", "[process]")
{
    inventory left;
    std::vector<int> codes(200, -1);
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            std::vector<weft_task *> tasks;
            for (int i = 0; i < 200; i++) {
                tasks.push_back(w.spawn([&codes, i] {
                    weft_process *p = nullptr;
                    std::string line = "exit " + std::to_string(i);
                    WEFT_TRY(start_shell(i % 8 == 0 ? out_pipe : 0, line.c_str(), &p));
                    int code = weft_process_wait(p, &codes[static_cast<size_t>(i)]);
                    weft_process_destroy(p);
                    return code;
                }));
            }
            for (weft_task *task : tasks) {
                WEFT_TRY(weft_await(task, nullptr));
            }
            return 0;
        });
        REQUIRE(r == 0);
    }
    for (int i = 0; i < 200; i++) {
        REQUIRE(codes[static_cast<size_t>(i)] == i);
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process: communicate moves much both ways, and forgives a deaf child", "[process]")
{
    inventory left;
    std::string input(1500000, ' ');
    std::string out;
    std::string err;
    std::string early;

    for (size_t i = 0; i < input.size(); i++) {
        input[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
    }
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            weft_bytes *bytes = nullptr;
            weft_bytes *errors = nullptr;
            WEFT_TRY(start_shell(in_pipe | out_pipe | err_pipe, "tee /dev/stderr", &p));
            WEFT_TRY(weft_process_communicate(p, input.data(), input.size(), &bytes, &errors));
            out = text_of(bytes);
            err = text_of(errors);
            weft_process_destroy(p);
            WEFT_TRY(start_shell(in_pipe | out_pipe, "exec 0<&-; echo bye", &p));
            WEFT_TRY(weft_process_communicate(p, input.data(), input.size(), &bytes, &errors));
            early = text_of(bytes) + text_of(errors);
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(out == input);
    REQUIRE(err == input);
    REQUIRE(early == "bye\n(none)");
    REQUIRE(left.is_clean());
}

TEST_CASE("process: communicate without input closes the input, and goes on after a limit",
          "[process][cancel]")
{
    inventory left;
    std::vector<int> codes;
    std::string out;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            weft_bytes *bytes = nullptr;
            int ends[2];
            if (pipe2(ends, O_CLOEXEC) < 0) {
                return -errno;
            }
            weft_process_options options = pipes(out_pipe);
            options.in = { WEFT_PROCESS_FD, ends[0] };
            WEFT_TRY(start(options, { "sh", "-c", "echo one; read x; echo two" }, &p));
            close(ends[0]);
            weft_task *talker =
                w.spawn([&] { return weft_process_communicate(p, nullptr, 0, &bytes, nullptr); });
            settle();
            weft_sleep(WEFT_MS(5)); /* mostly the first line is there by then */
            weft_task_cancel(talker, nullptr);
            codes.push_back(weft_await(talker, nullptr));
            codes.push_back(weft_process_get_returncode(p));
            if (write(ends[1], "\n", 1) != 1) {
                return -errno;
            }
            close(ends[1]);
            WEFT_TRY(weft_process_communicate(p, nullptr, 0, &bytes, nullptr));
            out = text_of(bytes);
            weft_process_destroy(p);
            WEFT_TRY(start_shell(in_pipe | out_pipe, "cat", &p));
            WEFT_TRY(weft_process_communicate(p, nullptr, 0, &bytes, nullptr));
            out += text_of(bytes) + "|";
            WEFT_TRY(weft_process_communicate(p, nullptr, 0, &bytes, nullptr)); /* once more */
            out += text_of(bytes) + "|";
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(codes == std::vector<int>{ WEFT_ECANCELED, WEFT_PROCESS_RUNNING });
    REQUIRE(out == "one\ntwo\n||");
    REQUIRE(left.is_clean());
}

TEST_CASE("process: output past its limit is an error, and the pipe is closed", "[process]")
{
    inventory left;
    int code = 0;
    int returncode = 0;
    std::string just;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process_options options = pipes(out_pipe);
            weft_process *p = nullptr;
            weft_bytes *bytes = nullptr;
            options.output_limit = 1000;
            just = output_of(options, { "sh", "-c", "head -c 1000 /dev/zero | tr '\\0' x" });
            WEFT_TRY(start(options, { "sh", "-c", "exec cat /dev/zero" }, &p));
            code = weft_process_communicate(p, nullptr, 0, &bytes, nullptr);
            WEFT_TRY(weft_process_wait(p, &returncode));
            weft_process_destroy(p);
            return bytes == nullptr ? 0 : WEFT_EUSER(1);
        });
        REQUIRE(r == 0);
    }
    REQUIRE(just == std::string(1000, 'x'));
    REQUIRE(code == WEFT_ELIMITOVERRUN);
    REQUIRE(returncode == -SIGPIPE);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: a whole group is killed, by call and by cancel", "[process][group]")
{
    inventory left;
    std::vector<int> codes;
    std::string rest;
    int64_t group = 0;
    int64_t session = 0;
    int64_t pid = 0;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            const char *line = "sleep 100 & sleep 100 & echo up; wait";
            weft_process_options options = pipes(out_pipe);
            weft_process *p = nullptr;
            options.new_process_group = true;
            options.kill_group = true;
            WEFT_TRY(start(options, { "sh", "-c", line }, &p));
            pid = weft_process_get_pid(p);
            group = getpgid(static_cast<pid_t>(pid));
            rest = read_line(weft_process_get_stdout(p));
            WEFT_TRY(weft_process_kill(p));
            int code = 0;
            WEFT_TRY(weft_process_wait(p, &code));
            codes.push_back(code);
            rest += read_text(weft_process_get_stdout(p)); /* the end: no grandchild has it */
            weft_process_destroy(p);

            options.new_process_group = false;
            options.start_new_session = true;
            options.kill_on_cancel = true;
            WEFT_TRY(start(options, { "sh", "-c", line }, &p));
            session = getsid(static_cast<pid_t>(weft_process_get_pid(p)));
            session -= weft_process_get_pid(p);
            rest += read_line(weft_process_get_stdout(p));
            weft_task *waiter = w.spawn([&] { return weft_process_wait(p, nullptr); });
            settle();
            weft_task_cancel(waiter, nullptr);
            codes.push_back(weft_await(waiter, nullptr));
            WEFT_TRY(weft_process_wait(p, &code));
            codes.push_back(code);
            rest += read_text(weft_process_get_stdout(p));
            weft_process_destroy(p);

            options.out.kind = WEFT_PROCESS_DEVNULL;
            WEFT_TRY(start(options, { "sh", "-c", line }, &p));
            waiter =
                w.spawn([&] { return weft_process_communicate(p, nullptr, 0, nullptr, nullptr); });
            settle();
            weft_task_cancel(waiter, nullptr);
            codes.push_back(weft_await(waiter, nullptr));
            WEFT_TRY(weft_process_wait(p, &code));
            codes.push_back(code);
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    REQUIRE(group == pid);
    REQUIRE(session == 0);
    REQUIRE(rest == "up\nup\n");
    REQUIRE(codes ==
            std::vector<int>{ -SIGKILL, WEFT_ECANCELED, -SIGKILL, WEFT_ECANCELED, -SIGKILL });
    REQUIRE(left.is_clean());
}

TEST_CASE("process: wait ends at the exit, though a grandchild holds the pipe", "[process]")
{
    inventory left;
    int code = -1;
    std::string pid;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(out_pipe, "sleep 100 & echo $!; exit 4", &p));
            WEFT_TRY(weft_process_wait(p, &code));
            pid = read_line(weft_process_get_stdout(p));
            weft_process_destroy(p);
            return 0;
        });
        REQUIRE(r == 0);
    }
    kill(static_cast<pid_t>(atoi(pid.c_str())), SIGKILL);
    REQUIRE(code == 4);
    REQUIRE(left.is_clean());
}

namespace
{
volatile sig_atomic_t n_sigchld;
void count_sigchld(int)
{
    n_sigchld = n_sigchld + 1;
}
} // namespace

TEST_CASE("process: SIGCHLD and other children of the host are its own", "[process][host]")
{
    inventory left;
    struct sigaction counting = {};
    struct sigaction before = {};
    struct sigaction after = {};
    int returncode = -1;
    int status = -1;

    counting.sa_handler = count_sigchld;
    sigaction(SIGCHLD, &counting, &before);
    pid_t own = fork();
    if (own == 0) {
        _exit(9);
    }
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(0, "exit 5", &p));
            int code = weft_process_wait(p, &returncode);
            weft_process_destroy(p);
            return code;
        });
        REQUIRE(r == 0);
    }
    sigaction(SIGCHLD, &before, &after);
    REQUIRE(after.sa_handler == count_sigchld);
    REQUIRE(waitpid(own, &status, 0) == own);
    REQUIRE(WEXITSTATUS(status) == 9);
    REQUIRE(returncode == 5);
    REQUIRE(n_sigchld > 0);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: an exit that the host took is 255, and reported", "[process][host]")
{
    inventory left;
    log_recorder log;
    struct sigaction ignoring = {};
    struct sigaction before = {};
    int returncode = -1;
    {
        world w(/* is_virtual = */ false);
        ignoring.sa_handler = SIG_IGN;
        sigaction(SIGCHLD, &ignoring, &before);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(0, "exit 5", &p));
            int code = weft_process_wait(p, &returncode);
            weft_process_destroy(p);
            return code;
        });
        sigaction(SIGCHLD, &before, nullptr);
        REQUIRE(r == 0);
    }
    REQUIRE(returncode == 255);
    REQUIRE(log.count(WEFT_REPORT_MESSAGE) == 1);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: one that is dropped while it runs is reaped all the same", "[process]")
{
    inventory left;
    log_recorder log;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process *p = nullptr;
            WEFT_TRY(start_shell(in_pipe | out_pipe, "read x; exit 1", &p));
            weft_process_destroy(p);
            return wait_for_no_child() ? 0 : WEFT_EUSER(1);
        });
        REQUIRE(r == 0);
    }
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 0);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: the closing loop reports and kills what still runs", "[process][close]")
{
    inventory left;
    log_recorder log;
    bool is_dropped = GENERATE(false, true);
    weft_process *p = nullptr;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
            WEFT_TRY(start(options, { "sleep", "60" }, &p));
            if (is_dropped) {
                weft_process_destroy(p);
            }
            return 0;
        });
        REQUIRE(r == 0);
        body wait = [&] { return is_dropped ? 0 : weft_process_wait(p, nullptr); };
        REQUIRE(weft_loop_create_task(w.loop, weft_coro_create(run_body, &wait), nullptr,
                                      nullptr) == 0);
        REQUIRE(weft_loop_run_once(w.loop, 0) >= 0);
        w.close();
        REQUIRE_FALSE(has_child());
        if (!is_dropped) {
            REQUIRE(weft_process_get_returncode(p) == -SIGKILL);
            REQUIRE(weft_process_kill(p) == -ESRCH);
            weft_process_destroy(p);
        }
    }
    REQUIRE(log.count(WEFT_REPORT_UNCLOSED_TRANSPORT) == 1);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: the child has the descriptors it was given, and no other", "[process][fd]")
{
    inventory left;
    std::string listed;
    std::string merged;
    std::string given;
    {
        world w(/* is_virtual = */ false);
        int open_one = open("/dev/null", O_RDONLY); /* not close-on-exec */
        int r = w.run([&] {
            weft_process_options options = pipes(out_pipe);
            int ends[2];
            if (pipe2(ends, O_CLOEXEC) < 0) {
                return -errno;
            }
            weft_process_fd fds[] = { { ends[1], 7 }, { open_one, 4 } };
            listed = output_of(options, { "sh", "-c", "echo /proc/$$/fd/*" });
            options.fds = fds;
            options.n_fds = 2;
            listed += output_of(options, { "sh", "-c", "echo given >&7; echo /proc/$$/fd/*" });
            close(ends[1]);
            char text[32];
            ssize_t n = read(ends[0], text, sizeof text);
            given.assign(text, n > 0 ? static_cast<size_t>(n) : 0);
            n = read(ends[0], text, sizeof text); /* nobody has the other end any more */
            given += n == 0 ? "end" : "more";
            close(ends[0]);
            options = pipes(out_pipe);
            options.err.kind = WEFT_PROCESS_STDOUT;
            merged = output_of(options, { "sh", "-c", "echo a; echo b >&2; echo c" });
            return 0;
        });
        close(open_one);
        REQUIRE(r == 0);
    }
    size_t n = 0;
    for (size_t at = 0; (at = listed.find("/fd/", at)) != std::string::npos; at++) {
        n++;
    }
    INFO(listed);
    REQUIRE(n == 4 + 6); /* 0 1 2, then 0 1 2 4 7, and the folder that the shell reads */
    REQUIRE(listed.find("/fd/4") != std::string::npos);
    REQUIRE(listed.find("/fd/7") != std::string::npos);
    REQUIRE(given == "given\nend");
    REQUIRE(merged == "a\nb\nc\n");
    REQUIRE(left.is_clean());
}

TEST_CASE("process: the child's signals are fresh, unless they are to be kept", "[process]")
{
    inventory left;
    struct sigaction ignoring = {};
    struct sigaction before = {};
    sigset_t some;
    sigset_t mask;
    std::string fresh;
    std::string kept;

    ignoring.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignoring, &before);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &some, &mask);
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            weft_process_options options = pipes(out_pipe);
            const char *line = "grep -E 'SigBlk|SigIgn' /proc/self/status";
            fresh = output_of(options, { "sh", "-c", line });
            options.keep_signals = true;
            kept = output_of(options, { "sh", "-c", line });
            return 0;
        });
        REQUIRE(r == 0);
    }
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    sigaction(SIGPIPE, &before, nullptr);
    auto bits = [](const std::string &text, const char *name) {
        size_t at = text.find(name);
        return at == std::string::npos ? ~0ull : strtoull(text.c_str() + at + 8, nullptr, 16);
    };
    REQUIRE(bits(fresh, "SigBlk:") == 0);
    REQUIRE((bits(fresh, "SigIgn:") & (1ull << (SIGPIPE - 1))) == 0);
    REQUIRE((bits(kept, "SigIgn:") & (1ull << (SIGPIPE - 1))) != 0);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: loops on several threads start processes side by side", "[process][threads]")
{
    inventory left;
    std::vector<int> sums(3, 0);
    std::vector<std::thread> threads;

    for (size_t t = 0; t < sums.size(); t++) {
        threads.emplace_back([&sums, t] {
            body run = [&sums, t] {
                for (int i = 1; i <= 8; i++) {
                    weft_process *p = nullptr;
                    int code = 0;
                    std::string line = "exit " + std::to_string(i);
                    WEFT_TRY(start_shell(in_pipe, line.c_str(), &p));
                    WEFT_TRY(weft_process_wait(p, &code));
                    weft_process_destroy(p);
                    sums[t] += code;
                }
                return 0;
            };
            (void)weft_run(run_body, &run);
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    REQUIRE(sums == std::vector<int>(3, 36));
    REQUIRE(left.is_clean());
}

/* ---- callbacks ---------------------------------------------------------- */

namespace
{

struct recorded {
    std::vector<std::string> events;
    std::string out;
    weft_future *done = nullptr;
    bool destroys_at_exit = false;
    bool closes_when_made = false;
    bool destroys_when_made = false;
};

int made(weft_process *process, void *data)
{
    recorded *self = static_cast<recorded *>(data);
    self->events.emplace_back("made");
    if (self->destroys_when_made) {
        weft_process_destroy(process); /* too early: reported, and nothing happens */
    }
    return self->closes_when_made ? weft_process_close(process) : 0;
}

int received(weft_process *, int fd, const void *bytes, size_t size, void *data)
{
    recorded *self = static_cast<recorded *>(data);
    self->out += std::to_string(fd) + ":" + std::string(static_cast<const char *>(bytes), size);
    return 0;
}

int pipe_lost(weft_process *, int fd, int code, void *data)
{
    recorded *self = static_cast<recorded *>(data);
    self->events.push_back("lost " + std::to_string(fd) + (code != 0 ? " with an error" : ""));
    return 0;
}

int exited(weft_process *process, void *data)
{
    recorded *self = static_cast<recorded *>(data);
    self->events.emplace_back("exited");
    if (self->destroys_at_exit) {
        weft_process_destroy(process);
        return weft_future_set_result(self->done, weft_value_none());
    }
    return 0;
}

int lost(weft_process *, int, void *data)
{
    recorded *self = static_cast<recorded *>(data);
    self->events.emplace_back("lost");
    return weft_future_set_result(self->done, weft_value_none());
}

const weft_subprocess_protocol recording = {
    sizeof(weft_subprocess_protocol), made, received, pipe_lost, exited, lost
};

int run_recorded(recorded *self, const char *line, const char *input, int *out_returncode)
{
    weft_process *p = nullptr;

    self->done = weft_loop_create_future(nullptr);
    int code = weft_loop_subprocess_shell(nullptr, &recording, self, line, nullptr, &p);
    if (code < 0) {
        weft_future_unref(self->done);
        return code;
    }
    bool is_made = !self->events.empty();
    if (input != nullptr) {
        WEFT_TRY(weft_stream_write(weft_process_get_stdin(p), input, strlen(input)));
        WEFT_TRY(weft_stream_close(weft_process_get_stdin(p)));
    }
    WEFT_TRY(weft_await(self->done, nullptr));
    weft_future_unref(self->done);
    if (!self->destroys_at_exit) {
        *out_returncode = weft_process_get_returncode(p);
        weft_process_destroy(p);
    }
    return is_made ? 0 : WEFT_EUSER(1);
}

} // namespace

TEST_CASE("process protocol: made first, lost last, and all that was written",
          "[process][protocol]")
{
    inventory left;
    recorded talk;
    recorded deaf;
    int codes[2] = { -1, -1 };
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            WEFT_TRY(run_recorded(&talk, "cat; exit 2", "hello", &codes[0]));
            return run_recorded(&deaf, "exec 0<&-; echo x", nullptr, &codes[1]);
        });
        REQUIRE(r == 0);
    }
    REQUIRE(talk.events.size() == 6);
    REQUIRE(talk.events.front() == "made");
    REQUIRE(talk.events.back() == "lost");
    REQUIRE(talk.out == "1:hello");
    REQUIRE(codes[0] == 2);
    REQUIRE(deaf.events.size() == 6);
    REQUIRE(deaf.events.back() == "lost");
    REQUIRE(deaf.out == "1:x\n");
    REQUIRE(codes[1] == 0);
    REQUIRE(left.is_clean());
}

TEST_CASE("process protocol: close kills, and a callback may destroy", "[process][protocol]")
{
    inventory left;
    recorded closing;
    recorded destroying;
    int code = 0;
    int unused = 0;

    closing.closes_when_made = true;
    destroying.destroys_at_exit = true;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] {
            WEFT_TRY(run_recorded(&closing, "sleep 60", nullptr, &code));
            WEFT_TRY(run_recorded(&destroying, "echo x; exit 0", nullptr, &unused));
            return wait_for_no_child() ? 0 : WEFT_EUSER(1);
        });
        REQUIRE(r == 0);
    }
    REQUIRE(closing.events.back() == "lost");
    REQUIRE(closing.events.size() == 6);
    REQUIRE(code == -SIGKILL);
    REQUIRE(destroying.events.back() == "exited");
    REQUIRE(left.is_clean());
}

TEST_CASE("process protocol: its creator has it first", "[process][protocol]")
{
    inventory left;
    log_recorder log;
    recorded early;
    recorded closed;
    int code = -1;

    early.destroys_when_made = true;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] { return run_recorded(&early, "exit 8", nullptr, &code); });
        REQUIRE(r == 0);
        /* The loop closes at every moment before the creator has it. */
        weft_process *late = nullptr;
        body begin = [&] {
            return weft_loop_subprocess_shell(nullptr, &recording, &closed, "sleep 60", nullptr,
                                              &late);
        };
        REQUIRE(weft_loop_create_task(w.loop, weft_coro_create(run_body, &begin), nullptr,
                                      nullptr) == 0);
        for (int i = 0; i < 10000 && !has_child(); i++) {
            REQUIRE(weft_loop_run_once(w.loop, WEFT_MS(1)) >= 0);
        }
        int turns = GENERATE(0, 1, 2, 3);
        for (int i = 0; i < turns && closed.events.empty(); i++) {
            REQUIRE(weft_loop_run_once(w.loop, WEFT_MS(1)) >= 0);
        }
        w.close();
        weft_process_destroy(late); /* if it came so far */
    }
    REQUIRE(code == 8);
    REQUIRE(early.events.back() == "lost");
    REQUIRE(log.count(WEFT_REPORT_MISUSE) == 1);
    REQUIRE(left.is_clean());
}

TEST_CASE("process: without descriptors it fails cleanly", "[process][fd]")
{
    inventory left;
    struct rlimit before = {};
    std::vector<int> codes;
    {
        world w(/* is_virtual = */ false);
        int r = w.run([&] { return output_of(pipes(out_pipe), { "true" }).empty() ? 0 : 1; });
        REQUIRE(r == 0);
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        r = w.run([&] {
            for (int limit = 4; limit < 40; limit++) {
                struct rlimit low = { static_cast<rlim_t>(limit), before.rlim_max };
                weft_process *p = nullptr;
                setrlimit(RLIMIT_NOFILE, &low);
                const char *const argv[] = { "true", nullptr };
                weft_process_options options = pipes(in_pipe | out_pipe | err_pipe);
                int code = weft_create_subprocess_exec(argv, &options, &p);
                setrlimit(RLIMIT_NOFILE, &before);
                codes.push_back(code);
                if (code == 0) {
                    WEFT_TRY(weft_process_wait(p, nullptr));
                    weft_process_destroy(p);
                }
            }
            return 0;
        });
        setrlimit(RLIMIT_NOFILE, &before);
        REQUIRE(r == 0);
    }
    REQUIRE(codes.front() == -EMFILE);
    REQUIRE(codes.back() == 0);
    for (int code : codes) {
        REQUIRE((code == 0 || code == -EMFILE));
    }
    REQUIRE(left.is_clean());
}

TEST_CASE("process protocol: refusals, no memory, and a loop that closes", "[process][protocol]")
{
    inventory left;
    log_recorder log;
    std::vector<int> codes;
    {
        world w(/* is_virtual = */ false);
        weft_process *p = nullptr;
        recorded self;
        int r = w.run([&] {
            weft_subprocess_protocol bad = recording;
            bad.size = 0;
            codes.push_back(
                weft_loop_subprocess_shell(nullptr, nullptr, nullptr, "true", nullptr, &p));
            codes.push_back(
                weft_loop_subprocess_shell(nullptr, &bad, nullptr, "true", nullptr, &p));
            codes.push_back(
                weft_loop_subprocess_shell(nullptr, &recording, nullptr, nullptr, nullptr, &p));
            codes.push_back(
                weft_loop_subprocess_shell(nullptr, &recording, nullptr, "true", nullptr, nullptr));
            return 0;
        });
        REQUIRE(r == 0);
        REQUIRE(codes == std::vector<int>(4, WEFT_EINVAL));
        int n = sweep_out_of_memory(
            [&] {
                return run_on_own_loop([&] {
                    weft_process *own = nullptr;
                    recorded events;
                    WEFT_TRY(weft_loop_subprocess_shell(nullptr, &recording, &events, "sleep 60",
                                                        nullptr, &own));
                    weft_process_kill(own);
                    int code = weft_process_wait(own, nullptr);
                    weft_process_destroy(own);
                    return code;
                });
            },
            { -EMFILE, -ENOSPC, -EAGAIN, 0 }); /* of the loop, ...; 0: a pipe was given up */
        REQUIRE(n > 8);
        r = w.run([&] {
            return weft_loop_subprocess_shell(nullptr, &recording, &self, "cat", nullptr, &p);
        });
        REQUIRE(r == 0);
        w.close();
        weft_process_destroy(p);
    }
    REQUIRE(left.is_clean());
}

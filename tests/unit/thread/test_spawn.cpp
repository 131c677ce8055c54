/*
 * Starting a process and taking its exit, on a plain thread.
 */
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "support/sweep.hpp"

extern "C" {
#include "thread/spawn.h"
}

namespace
{

/* A spawn of "/bin/sh -c LINE" whose output is our pipe. */
struct shell {
    struct wf_spawn spawn;
    struct wf_child child = WF_CHILD_INIT;
    int ends[2] = { -1, -1 };

    explicit shell(const char *line, int target = 1)
    {
        const char *const argv[] = { "/bin/sh", "-c", line, nullptr };
        wf_spawn_init(&spawn);
        code = wf_spawn_set_program(&spawn, argv, nullptr);
        code = code < 0 ? code : pipe2(ends, O_CLOEXEC);
        code = code < 0 ? code : wf_spawn_add_fd(&spawn, ends[1], target, 100);
    }
    ~shell()
    {
        wf_child_end(&child, /* has_group = */ false);
        wf_spawn_fini(&spawn);
        wf_spawn_fini(&spawn); /* twice is harmless */
        close(ends[0]);
        if (ends[1] >= 0) {
            close(ends[1]);
        }
    }
    shell(const shell &) = delete;
    shell &operator=(const shell &) = delete;

    int start()
    {
        code = code < 0 ? code : wf_spawn_run(&spawn, &child);
        wf_spawn_fini(&spawn);
        close(ends[1]);
        ends[1] = -1;
        return code;
    }
    std::string output() const
    {
        std::string all;
        char piece[256];
        ssize_t n;
        while ((n = read(ends[0], piece, sizeof piece)) > 0) {
            all.append(piece, static_cast<size_t>(n));
        }
        return all;
    }
    int reap() const
    {
        int returncode = WF_CHILD_LOST;
        return wf_child_wait(&child, 60000) && wf_child_try_reap(&child, &returncode)
                   ? returncode
                   : WF_CHILD_LOST;
    }
    int code = 0;
};

} // namespace

TEST_CASE("spawn: output and exit of a program", "[spawn]")
{
    shell s("echo hello; exit 3");

    REQUIRE(s.start() == 0);
    REQUIRE(s.output() == "hello\n");
    REQUIRE(s.reap() == 3);
}

TEST_CASE("spawn: a running child is no exit, and a killed one is its signal", "[spawn]")
{
    shell s("exec sleep 60");
    int returncode = 77;

    REQUIRE(s.start() == 0);
    REQUIRE_FALSE(wf_child_wait(&s.child, 0));
    REQUIRE_FALSE(wf_child_try_reap(&s.child, &returncode));
    REQUIRE(returncode == 77);
    REQUIRE(wf_child_signal(&s.child, SIGTERM, /* to_group = */ false) == 0);
    REQUIRE(s.reap() == -SIGTERM);
    REQUIRE(wf_child_signal(&s.child, SIGTERM, /* to_group = */ false) == -ESRCH);
    wf_child_close(&s.child);
    REQUIRE(wf_child_signal(&s.child, SIGTERM, /* to_group = */ false) == -ESRCH);
    REQUIRE(wf_child_end(&s.child, /* has_group = */ false) == WF_CHILD_LOST);
}

TEST_CASE("spawn: descriptors between the targets are closed", "[spawn]")
{
    int open_one = open("/dev/null", O_RDONLY); /* without close-on-exec */
    shell s("for fd in 3 4 5 6 7 8 9 10; do [ -e /proc/$$/fd/$fd ] && echo $fd >&9; done", 9);

    wf_spawn_add_special(&s.spawn, -1, 5);
    REQUIRE(s.start() == 0);
    REQUIRE(s.output() == "5\n9\n");
    REQUIRE(s.reap() == 1); /* that of the last test: 10 is not there */
    close(open_one);
}

TEST_CASE("spawn: what is missing is said by name", "[spawn]")
{
    const char *const argv[] = { "no-program-of-this-name", nullptr };
    const char *const no_env[] = { nullptr };
    struct wf_spawn spawn;
    struct wf_child child = WF_CHILD_INIT;

    wf_spawn_init(&spawn);
    REQUIRE(wf_spawn_set_cwd(&spawn, "/nonexistent") == -ENOENT);
    REQUIRE(wf_spawn_set_program(&spawn, argv, no_env) == 0);
    REQUIRE(wf_spawn_add_fd(&spawn, 9999, 3, 4) == -EBADF);
    REQUIRE(wf_spawn_run(&spawn, &child) == -ENOENT); /* without a PATH: the default one */
    REQUIRE(child.pidfd == -1);
    wf_spawn_fini(&spawn);
}

TEST_CASE("spawn: its copies fail cleanly without memory", "[spawn][oom]")
{
    int n = sweep_out_of_memory([] {
        shell s("exit 0");
        return s.code;
    });
    REQUIRE(n == 3); /* arguments, environment, descriptor */
}

TEST_CASE("spawn: signals have names", "[spawn]")
{
    char buffer[32];

    REQUIRE(std::string(wf_signal_name(SIGKILL, buffer, sizeof buffer)) == "SIGKILL");
    REQUIRE(std::string(wf_signal_name(9999, buffer, sizeof buffer)) == "signal 9999");
}

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recorder.h"

/* Two connected, non-blocking descriptors. */
struct Pair {
    int near = -1, far = -1;

    Pair()
    {
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0) {
            near = fds[0];
            far = fds[1];
        }
    }
    ~Pair()
    {
        close_far();
        if (near >= 0) {
            close(near);
        }
    }
    Pair(const Pair &) = delete;
    Pair &operator=(const Pair &) = delete;

    bool send(const char *text) const
    {
        ssize_t size = static_cast<ssize_t>(strlen(text));
        return write(far, text, static_cast<size_t>(size)) == size;
    }
    void close_far()
    {
        if (far >= 0) {
            close(far);
            far = -1;
        }
    }
};

/* Reads two bytes a time, and writes them down. */
struct Reader {
    int fd;
    Trace *trace;
    int (*then)(void *) = nullptr;
    void *data = nullptr;
};

static int read_two(void *data)
{
    auto *reader = static_cast<Reader *>(data);
    char text[3] = "";
    ssize_t n = read(reader->fd, text, 2);

    reader->trace->names.push_back(n > 0 ? text : n == 0 ? "end" : "error");
    return reader->then != nullptr ? reader->then(reader->data) : 0;
}

TEST_CASE("fds: a reader runs in each turn that finds data", "[loop][fds]")
{
    Loop loop;
    Pair pair;
    Trace trace;
    Reader reader{ pair.near, &trace };

    REQUIRE(weft_loop_add_reader(loop, pair.near, read_two, &reader) == 0);
    loop.turns(2);
    REQUIRE(trace.names.empty());
    REQUIRE(pair.send("abcdef"));
    loop.turns(2);
    REQUIRE(trace.joined() == "ab cd");
    loop.turns(3);
    REQUIRE(trace.joined() == "ab cd ef");
    REQUIRE(weft_loop_remove_reader(loop, pair.near) == 1);
    REQUIRE(weft_loop_remove_reader(loop, pair.near) == 0);
    REQUIRE(pair.send("gh"));
    loop.turns(2);
    REQUIRE(trace.joined() == "ab cd ef");
}

TEST_CASE("fds: within a turn queued callbacks, then I/O, then timers", "[loop][fds][turn]")
{
    Loop loop;
    Pair pair;
    Trace trace;
    Reader reader{ pair.near, &trace };
    Step soon{ &trace, "soon" }, timer{ &trace, "timer" };

    weft_loop_call_later(loop, 0, record, &timer, nullptr);
    weft_loop_add_reader(loop, pair.near, read_two, &reader);
    REQUIRE(pair.send("io"));
    weft_loop_call_soon(loop, record, &soon, nullptr);
    loop.turns(1);
    REQUIRE(trace.joined() == "soon io timer");
}

TEST_CASE("fds: a second reader replaces the first", "[loop][fds]")
{
    Loop loop;
    Pair pair;
    Trace old_trace, trace;
    Reader old_reader{ pair.near, &old_trace };
    Reader reader{ pair.near, &trace };

    weft_loop_add_reader(loop, pair.near, read_two, &old_reader);
    weft_loop_add_reader(loop, pair.near, read_two, &reader);
    REQUIRE(pair.send("xy"));
    loop.turns(2);
    REQUIRE(old_trace.names.empty());
    REQUIRE(trace.joined() == "xy");
    REQUIRE(weft_loop_remove_reader(loop, pair.near) == 1);
}

struct Remover {
    weft_loop *loop;
    int fd;
    int removed = -1;
};

static int remove_reader(void *data)
{
    auto *remover = static_cast<Remover *>(data);

    remover->removed = weft_loop_remove_reader(remover->loop, remover->fd);
    return 0;
}

TEST_CASE("fds: removed in the very turn that found it ready", "[loop][fds]")
{
    Loop loop;
    Pair pair;
    Trace trace;
    Remover remover{ loop, pair.near };
    Reader reader{ pair.near, &trace };

    SECTION("by a callback before it")
    {
        weft_loop_add_reader(loop, pair.near, read_two, &reader);
        weft_loop_call_soon(loop, remove_reader, &remover, nullptr);
        REQUIRE(pair.send("no"));
        loop.turns(2);
        REQUIRE(trace.names.empty());
    }
    SECTION("by itself")
    {
        reader.then = remove_reader;
        reader.data = &remover;
        weft_loop_add_reader(loop, pair.near, read_two, &reader);
        REQUIRE(pair.send("once"));
        loop.turns(3);
        REQUIRE(trace.joined() == "on");
    }
    REQUIRE(remover.removed == 1);
}

TEST_CASE("fds: reader and writer of one descriptor are apart", "[loop][fds]")
{
    Loop loop;
    Pair pair;
    Trace trace;
    Reader reader{ pair.near, &trace };
    Step writer{ &trace, "w" };

    REQUIRE(weft_loop_add_reader(loop, pair.near, read_two, &reader) == 0);
    REQUIRE(weft_loop_add_writer(loop, pair.near, record, &writer) == 0);
    loop.turns(2);
    REQUIRE(trace.joined() == "w w");
    REQUIRE(pair.send("ab"));
    loop.turns(1);
    REQUIRE(trace.joined() == "w w ab w");
    REQUIRE(weft_loop_remove_writer(loop, pair.near) == 1);
    REQUIRE(weft_loop_remove_writer(loop, pair.near) == 0);
    REQUIRE(pair.send("cd"));
    loop.turns(2);
    REQUIRE(trace.joined() == "w w ab w cd");
    REQUIRE(weft_loop_remove_reader(loop, pair.near) == 1);
}

TEST_CASE("fds: a hang-up is readable and writable", "[loop][fds]")
{
    Loop loop;
    Pair pair;
    Trace trace;
    Reader reader{ pair.near, &trace };
    Step writer{ &trace, "w" };

    weft_loop_add_reader(loop, pair.near, read_two, &reader);
    weft_loop_add_writer(loop, pair.near, record, &writer);
    pair.close_far();
    loop.turns(1);
    REQUIRE(trace.joined() == "end w");
}

TEST_CASE("fds: what cannot be watched is refused", "[loop][fds]")
{
    Loop loop;
    Trace trace;
    Step step{ &trace, "never" };
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    int regular = open(__FILE__, O_RDONLY | O_CLOEXEC);

    REQUIRE(weft_loop_add_reader(loop, -1, record, &step) == WEFT_EINVAL);
    REQUIRE(weft_loop_add_reader(loop, 1 << 20, record, &step) == -EBADF);
    if (regular >= 0) { /* the source may be elsewhere */
        REQUIRE(weft_loop_add_reader(loop, regular, record, &step) == -EPERM);
        REQUIRE(weft_loop_remove_reader(loop, regular) == 0);
        close(regular);
    }
    REQUIRE(weft_loop_remove_reader(loop, -1) == 0);
    REQUIRE(weft_loop_remove_writer(loop, 4711) == 0);
    close(file);
    loop.turns(1);
    REQUIRE(trace.names.empty());
}

TEST_CASE("fds: a number that was closed too early can be watched again", "[loop][fds][regress]")
{
    Loop loop;
    Trace trace;
    int number;
    {
        Pair gone;
        Reader reader{ gone.near, &trace };
        REQUIRE(weft_loop_add_reader(loop, gone.near, read_two, &reader) == 0);
        number = gone.near;
    }
    Pair pair;
    REQUIRE(dup2(pair.near, number) == number);
    Reader reader{ number, &trace };
    REQUIRE(weft_loop_add_reader(loop, number, read_two, &reader) == 0);
    REQUIRE(pair.send("ok"));
    loop.turns(1);
    REQUIRE(trace.joined() == "ok");
    REQUIRE(weft_loop_remove_reader(loop, number) == 1);
    if (number != pair.near) {
        close(number);
    }
}

TEST_CASE("fds: data from outside wakes a loop that sleeps", "[loop][fds]")
{
    Loop loop(/* is_virtual = */ false);
    int fds[2];
    Trace trace;

    REQUIRE(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    Reader reader{ fds[0], &trace, stop_loop };
    REQUIRE(weft_loop_add_reader(loop, fds[0], read_two, &reader) == 0);
    weft_loop_call_later(
        loop, WEFT_US(200),
        [](void *fd) { return write(*static_cast<int *>(fd), "hi", 2) == 2 ? 0 : WEFT_ERUNTIME; },
        &fds[1], nullptr);
    REQUIRE(weft_loop_run_forever(loop) == 0);
    REQUIRE(trace.joined() == "hi");
    weft_loop_remove_reader(loop, fds[0]);
    close(fds[0]);
    close(fds[1]);
}

TEST_CASE("fds: a failing reader is reported and stays", "[loop][fds][report]")
{
    Loop loop;
    Log log;
    Pair pair;
    Trace trace;
    Step writer{ &trace, "w", nullptr, nullptr, WEFT_EUSER(1) };

    weft_loop_add_writer(loop, pair.near, record, &writer);
    loop.turns(2);
    REQUIRE(trace.joined() == "w w");
    REQUIRE(log.entries.size() == 2);
    REQUIRE(log.entries[0].message == "Exception in callback record()");
    REQUIRE(log.entries[0].code == WEFT_EUSER(1));
}

TEST_CASE("fds: without memory nothing is watched and nothing leaks", "[loop][fds][oom]")
{
    Pair pair;
    Trace trace;
    Step writer{ &trace, "w" };
    Blocks blocks;
    long n = 0;
    int r;

    do {
        Loop loop;
        weft_testing_fail_allocation_after(n++);
        r = weft_loop_add_writer(loop, pair.near, record, &writer);
        weft_testing_fail_allocation_after(-1);
        CHECK((r == 0 || r == WEFT_ENOMEM || r == -ENOSPC));
        REQUIRE(weft_loop_remove_writer(loop, pair.near) == (r == 0));
    } while (r != 0 && n < 20);
    REQUIRE(r == 0);
    REQUIRE(n == 4); /* the table, the record, the registration, and none */
    REQUIRE(blocks.held() == 0);
}

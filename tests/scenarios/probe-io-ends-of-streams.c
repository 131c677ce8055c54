/*
 * probe-io-ends-of-streams: our own close and abort are an end to who reads; wait_closed may be
 * asked before; many drain.
 */
#include "support/scenario.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    N_DRAINS = 3,
    MANY = 1000000
};

static char many[MANY];

static int make_pair(weft_stream **out_stream)
{
    int ends[2];

    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    MUST(fcntl(ends[1], F_SETFL, O_NONBLOCK));
    MUST(weft_stream_from_fd(ends[0], NULL, out_stream));
    return ends[1];
}

static int read_line(void *stream)
{
    char *line;
    size_t n;
    int code = weft_stream_readline(stream, &line, &n);

    trace("line %s", code == 0 ? show(line, n) : err(code));
    return code;
}

static int read_ten(void *stream)
{
    char bytes[10];
    size_t n = 0;
    int code = weft_stream_readexactly(stream, bytes, sizeof bytes, &n);

    trace("exactly %s %s", err(code), show(bytes, n));
    return code;
}

static int drain(void *stream)
{
    return weft_stream_drain(stream);
}

static int wait_closed(void *stream)
{
    return weft_stream_wait_closed(stream);
}

static void say_closed(int code)
{
    trace("closed %s", code == 0 ? "done" : err(code));
}

static void end_pair(weft_stream *stream, int peer)
{
    weft_stream_destroy(stream);
    close(peer);
}

static void read_after_close(void)
{
    weft_stream *stream;
    int peer = make_pair(&stream);

    MUST((int)send(peer, "one\ntwo\n", 8, 0));
    read_line(stream);
    MUST(weft_stream_close(stream));
    read_line(stream);
    read_line(stream);
    trace("at end %d", weft_stream_at_eof(stream));
    say_closed(weft_stream_wait_closed(stream));
    end_pair(stream, peer);
}

static void close_while_reading(void)
{
    weft_stream *stream;
    int peer = make_pair(&stream);
    weft_task *task = spawn(read_line, stream);
    weft_task *closed = spawn(wait_closed, stream);

    weft_sleep(0);
    trace("done %d %d", weft_future_done(task), weft_future_done(closed));
    MUST(weft_stream_close(stream));
    join(task, NULL);
    say_closed(join(closed, NULL));
    end_pair(stream, peer);
}

static void abort_while_reading(void)
{
    weft_stream *stream;
    int peer = make_pair(&stream);

    MUST((int)send(peer, "abc", 3, 0));
    weft_task *task = spawn(read_ten, stream);
    weft_sleep(WEFT_MS(10));
    MUST(weft_stream_abort(stream));
    join(task, NULL);
    say_closed(weft_stream_wait_closed(stream));
    end_pair(stream, peer);
}

static void many_drain(void)
{
    weft_stream *stream;
    int peer = make_pair(&stream);
    weft_task *tasks[N_DRAINS];
    size_t n = 0;

    MUST(weft_stream_write(stream, many, sizeof many));
    for (int i = 0; i < N_DRAINS; i++) {
        tasks[i] = spawn(drain, stream);
    }
    weft_sleep(0);
    MUST(weft_task_cancel(tasks[1], NULL));
    for (size_t got; n < MANY; n += got) {
        MUST(weft_loop_sock_recv(NULL, peer, many, sizeof many, &got));
    }
    for (int i = 0; i < N_DRAINS; i++) {
        int code = join(tasks[i], NULL);
        trace("drain %s", code == 0 ? "done" : err(code));
    }
    say_closed(end_stream(stream));
    close(peer);
}

static int story(void *arg)
{
    (void)arg;
    read_after_close();
    close_while_reading();
    abort_while_reading();
    many_drain();
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

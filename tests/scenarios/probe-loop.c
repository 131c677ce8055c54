/*
 * probe-loop: Callbacks of a loop that stop, cancel, close, add and fail.
 */
#include "support/scenario.h"

#include "support/datagrams.h"

#include <sys/socket.h>
#include <unistd.h>

/* ---- the order of a turn ---- */

static int first(void *loop)
{
    trace("first");
    MUST(weft_loop_call_later(loop, 0, say, "timer from first", NULL));
    MUST(weft_loop_call_soon(loop, say, "soon from first", NULL));
    MUST(weft_loop_call_later(loop, WEFT_S(-1), say, "past timer from first", NULL));
    return weft_loop_call_soon_threadsafe(loop, say, "threadsafe from first", NULL);
}

static void order(void)
{
    weft_loop *loop = make_real_loop();

    MUST(weft_loop_call_at(loop, weft_loop_time(loop) - WEFT_S(5), say, "overdue", NULL));
    MUST(weft_loop_call_soon(loop, first, loop, NULL));
    MUST(weft_loop_call_later(loop, 0, say, "zero", NULL));
    run_one_turn(loop);
    trace("-- 1");
    run_one_turn(loop);
    trace("-- 2");
    run_one_turn(loop);
    trace("-- 3");
    end_loop(loop);
}

/* ---- stops ---- */

static int stop_twice(void *loop)
{
    trace("stops");
    MUST(weft_loop_stop(loop));
    MUST(weft_loop_stop(loop));
    return weft_loop_call_soon(loop, say, "left over", NULL);
}

static int stop_and_fail(void *loop)
{
    MUST(weft_loop_stop(loop));
    return weft_fail(VALUE_ERROR, "x");
}

static int done_and_stop(void *future)
{
    set_text(future, "value");
    return weft_loop_stop(weft_future_get_loop(future));
}

static void run_until(weft_loop *loop, weft_future *future)
{
    weft_value value;
    int r = weft_loop_run_until_complete(loop, future, &value);

    if (r == 0) {
        trace("%s", text_of(value));
    } else {
        trace("%s %s", err(r), message(r));
    }
}

static void stop_cases(void)
{
    weft_loop *loop = make_real_loop();

    MUST(weft_loop_call_soon(loop, stop_twice, loop, NULL));
    MUST(weft_loop_call_soon(loop, say, "same turn", NULL));
    MUST(weft_loop_run_forever(loop));
    trace("back");
    run_one_turn(loop);
    MUST(weft_loop_call_soon(loop, stop_and_fail, loop, NULL));
    MUST(weft_loop_run_forever(loop));
    trace("back after failure");

    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));
    MUST(weft_loop_call_soon(loop, done_and_stop, future, NULL));
    run_until(loop, future);
    run_until(loop, future);
    weft_future_unref(future);
    MUST(weft_loop_stop(loop));
    future = MUST_HAVE(weft_loop_create_future(loop));
    set_text(future, "v2");
    run_until(loop, future);
    weft_future_unref(future);
    MUST(weft_loop_stop(loop));
    future = MUST_HAVE(weft_loop_create_future(loop));
    run_until(loop, future);
    trace("f3 done %s", truth(weft_future_done(future)));
    weft_future_unref(future);
    end_loop(loop);
}

/* ---- handles ---- */

static void trace_cancelled(const char *label, weft_handle *one, weft_handle *two)
{
    trace("%s %s %s", label, truth(weft_handle_cancelled(one)), truth(weft_handle_cancelled(two)));
}

static int self_cancel(void *place)
{
    weft_handle *handle = *(weft_handle **)place;

    MUST(weft_handle_cancel(handle));
    trace("self cancelled %s", truth(weft_handle_cancelled(handle)));
    return 0;
}

static int kill_second(void *place)
{
    trace("kill");
    return weft_handle_cancel(*(weft_handle **)place);
}

static void handles(void)
{
    weft_loop *loop = make_real_loop();
    weft_handle *soon, *timer;

    MUST(weft_loop_call_soon(loop, say, "h", &soon));
    MUST(weft_loop_call_later(loop, WEFT_S(60), say, "t", &timer));
    trace_cancelled("cancelled", soon, timer);
    MUST(weft_handle_cancel(timer));
    MUST(weft_handle_cancel(timer));
    MUST(weft_handle_cancel(soon));
    trace_cancelled("cancelled", soon, timer);
    run_one_turn(loop);
    weft_handle_unref(soon);
    weft_handle_unref(timer);

    MUST(weft_loop_call_soon(loop, say, "ran", &soon));
    run_one_turn(loop);
    MUST(weft_handle_cancel(soon));
    trace("cancelled after run %s", truth(weft_handle_cancelled(soon)));
    weft_handle_unref(soon);

    MUST(weft_loop_call_soon(loop, self_cancel, &soon, &soon));
    run_one_turn(loop);
    weft_handle_unref(soon);

    weft_time now = weft_loop_time(loop);
    MUST(weft_loop_call_at(loop, now - WEFT_S(2), kill_second, &timer, NULL));
    MUST(weft_loop_call_at(loop, now - WEFT_S(1), say, "never", &timer));
    run_one_turn(loop);
    weft_handle_unref(timer);

    MUST(weft_loop_call_soon(loop, say, "never", &soon));
    MUST(weft_loop_call_later(loop, WEFT_S(60), say, "never", &timer));
    MUST(weft_loop_close(loop));
    trace_cancelled("after close", soon, timer);
    MUST(weft_handle_cancel(soon));
    MUST(weft_handle_cancel(timer));
    trace_cancelled("after cancel", soon, timer);
    weft_handle_unref(soon);
    weft_handle_unref(timer);
    weft_loop_unref(loop);
}

/* ---- a closed loop ---- */

static void trace_call(const char *name, int r)
{
    if (r < 0) {
        trace("%s %s %s", name, err(r), message(r));
    } else {
        trace("%s ok", name);
    }
}

static void closed(void)
{
    weft_loop *loop = make_real_loop();
    weft_future *future = NULL;
    int ends[2];

    MUST(weft_loop_close(loop));
    MUST(weft_loop_close(loop));
    trace("closed %s %s", truth(weft_loop_is_closed(loop)), truth(weft_loop_is_running(loop)));
    MUST(weft_loop_stop(loop));
    trace("stop is fine");
    trace_call("soon", weft_loop_call_soon(loop, say, "x", NULL));
    trace_call("later", weft_loop_call_later(loop, WEFT_S(1), say, "x", NULL));
    trace_call("at", weft_loop_call_at(loop, 1, say, "x", NULL));
    trace_call("threadsafe", weft_loop_call_soon_threadsafe(loop, say, "x", NULL));
    trace_call("forever", weft_loop_run_forever(loop));
    trace_call("executor", weft_loop_run_in_executor(loop, NULL, say, "x", &future));
    MUST(pipe(ends));
    trace_call("add_reader", weft_loop_add_reader(loop, ends[0], say, "x"));
    trace("remove_reader %s", truth(weft_loop_remove_reader(loop, ends[0])));
    trace("remove_writer %s", truth(weft_loop_remove_writer(loop, ends[1])));
    trace_call("add_writer", weft_loop_add_writer(loop, ends[1], say, "x"));
    close(ends[0]);
    close(ends[1]);
    weft_loop_unref(loop);
}

/* ---- descriptors ---- */

struct watched {
    weft_loop *loop;
    int fd;
};

static int read_once(void *data)
{
    struct watched *w = data;

    trace("reader 1");
    int one = weft_loop_remove_reader(w->loop, w->fd);
    trace("removed %s %s", truth(one), truth(weft_loop_remove_reader(w->loop, w->fd)));
    return weft_loop_call_soon(w->loop, say, "soon of reader", NULL);
}

static int remove_it(void *data)
{
    struct watched *w = data;

    trace("rm %s", truth(weft_loop_remove_reader(w->loop, w->fd)));
    return 0;
}

static int replace_it(void *data)
{
    struct watched *w = data;

    MUST(weft_loop_add_reader(w->loop, w->fd, say, "new"));
    trace("replaced");
    return 0;
}

static int bad(void *unused)
{
    (void)unused;
    trace("bad");
    return weft_fail(VALUE_ERROR, "bad");
}

static int writer_removes_both(void *data)
{
    struct watched *w = data;

    trace("w removes r %s", truth(weft_loop_remove_reader(w->loop, w->fd)));
    return weft_loop_remove_writer(w->loop, w->fd);
}

static void one_turn(weft_loop *loop, const char *after)
{
    run_one_turn(loop);
    trace("%s", after);
}

static void fds(void)
{
    weft_loop *loop = make_real_loop();
    int ends[2];

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    struct watched w = { loop, ends[0] };
    MUST(weft_loop_add_reader(loop, w.fd, read_once, &w));
    MUST(weft_loop_add_writer(loop, w.fd, say, "writer"));
    MUST((int)write(ends[1], "x", 1));
    MUST(weft_loop_call_soon(loop, say, "soon", NULL));
    MUST(weft_loop_call_later(loop, 0, say, "timer", NULL));
    one_turn(loop, "--");
    one_turn(loop, "--");
    int one = weft_loop_remove_writer(loop, w.fd);
    trace("removed %s %s", truth(one), truth(weft_loop_remove_writer(loop, w.fd)));
    one_turn(loop, "-- quiet");

    MUST(weft_loop_add_reader(loop, w.fd, say, "never"));
    MUST(weft_loop_call_soon(loop, remove_it, &w, NULL));
    one_turn(loop, "--");
    MUST(weft_loop_add_reader(loop, w.fd, say, "old"));
    MUST(weft_loop_call_soon(loop, replace_it, &w, NULL));
    one_turn(loop, "--");
    one_turn(loop, "--");

    MUST(weft_loop_add_reader(loop, w.fd, bad, NULL));
    run_one_turn(loop);
    run_one_turn(loop);

    MUST(weft_loop_add_reader(loop, w.fd, say, "r of both"));
    MUST(weft_loop_add_writer(loop, w.fd, writer_removes_both, &w));
    one_turn(loop, "--");
    one_turn(loop, "--");
    MUST(weft_loop_add_reader(loop, w.fd, say, "r at eof"));
    close(ends[1]);
    run_one_turn(loop);
    MUST(weft_loop_remove_reader(loop, w.fd));
    end_loop(loop);
    close(ends[0]);
}

/* ---- runs inside runs ---- */

static int run_inside(void *future)
{
    weft_loop *loop = weft_future_get_loop(future);

    trace_call("forever", weft_loop_run_forever(loop));
    trace_call("close", weft_loop_close(loop));
    trace_call("until", weft_loop_run_until_complete(loop, future, NULL));
    return weft_loop_stop(loop);
}

static int run_other(void *other)
{
    int r = weft_loop_run_forever(other);

    trace("other %s", message(r));
    MUST(weft_loop_call_soon(other, say, "queued on the other", NULL));
    return weft_loop_stop(NULL);
}

static void nested(void)
{
    weft_loop *loop = make_real_loop();
    weft_loop *other = make_real_loop();
    weft_future *future = MUST_HAVE(weft_loop_create_future(loop));

    MUST(weft_loop_call_soon(loop, run_inside, future, NULL));
    MUST(weft_loop_run_forever(loop));
    MUST(weft_loop_call_soon(loop, run_other, other, NULL));
    MUST(weft_loop_run_forever(loop));
    run_one_turn(other);
    weft_future_unref(future);
    end_loop(other);
    end_loop(loop);
}

int main(void)
{
    watch_logs();
    trace("== order");
    order();
    trace("== stop_cases");
    stop_cases();
    trace("== handles");
    handles();
    trace("== closed");
    closed();
    trace("== fds");
    fds();
    trace("== nested");
    nested();
    return 0;
}

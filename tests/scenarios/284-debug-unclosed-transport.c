/*
 * 284-debug-unclosed-transport: A transport that was not closed before its loop was closed and
 * it was released is reported.
 */
#include "support/scenario.h"

#include <sys/socket.h>
#include <unistd.h>

static int open_stream(void *arg)
{
    int fd = *(const int *)arg;
    weft_stream *stream;

    MUST(weft_stream_from_fd(fd, NULL, &stream));
    return weft_return_ptr(stream, NULL);
}

static void try_it(int closes)
{
    weft_loop *loop = make_real_loop();
    int ends[2];
    weft_value value;

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    MUST(weft_loop_run_until_complete(loop, weft_coro_create(open_stream, &ends[0]), &value));
    weft_stream *stream = value.as.ptr;
    if (closes) {
        MUST(weft_stream_close(stream));
    }
    run_one_turn(loop);
    trace("transport closed=%d, closing the loop", weft_stream_is_closing(stream));
    MUST(weft_loop_close(loop));
    close(ends[1]);
    weft_stream_destroy(stream);
    weft_loop_unref(loop);
}

int main(void)
{
    watch_logs();
    try_it(1);
    try_it(0);
    trace("end");
    return 0;
}

/*
 * 284-debug-unclosed-transport: A transport that was not closed before its loop was closed and
 * it was released is reported.
 */
#include "support/scenario.h"

#include <sys/socket.h>
#include <unistd.h>

static int connect_socket(void *arg)
{
    struct maker maker = { &silent_protocol, NULL };
    int fd = *(const int *)arg;
    weft_transport *transport;

    MUST(weft_loop_create_connection_fd(NULL, make_from, &maker, fd, NULL, &transport));
    return weft_return_ptr(transport, NULL);
}

static void try_it(int closes)
{
    weft_loop *loop = make_real_loop();
    int ends[2];
    weft_value value;

    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    MUST(weft_loop_run_until_complete(loop, weft_coro_create(connect_socket, &ends[0]), &value));
    weft_transport *transport = value.as.ptr;
    if (closes) {
        MUST(weft_transport_close(transport));
    }
    run_one_turn(loop);
    trace("transport closed=%d, closing the loop", weft_transport_is_closing(transport));
    MUST(weft_loop_close(loop));
    close(ends[1]);
    weft_transport_unref(transport);
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

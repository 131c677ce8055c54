/* Closed and given back; connection_lost comes in a later turn. */
#include <sys/socket.h>
#include <weft/weft.h>

static int make_protocol(const weft_protocol **out_protocol, void **out_data, void *arg)
{
    static const weft_protocol silent = { .size = sizeof silent };

    (void)arg;
    *out_protocol = &silent;
    *out_data = NULL;
    return 0;
}

static int main_task(void *arg)
{
    weft_transport *transport;
    int *fds = arg;

    WEFT_TRY(weft_loop_create_connection_fd(NULL, make_protocol, NULL, fds[0], NULL, &transport));
    weft_transport_close(transport);
    weft_transport_unref(transport);
    return weft_sleep(0);
}

int main(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return 1;
    }
    return weft_run(main_task, fds) == 0 ? 0 : 1;
}

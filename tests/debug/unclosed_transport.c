/* A protocol's transport outlives its loop. */
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

    return weft_loop_create_connection_fd(NULL, make_protocol, NULL, fds[0], NULL, &transport);
}

int main(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return 1;
    }
    return weft_run(main_task, fds) == 0 ? 0 : 1;
}

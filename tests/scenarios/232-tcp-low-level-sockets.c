/*
 * 232-tcp-low-level-sockets: sock_connect, sock_accept, sock_sendall and sock_recv work directly on
 * non-blocking sockets.
 */
#include "support/scenario.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <sys/socket.h>
#include <unistd.h>

static int server_side(void *arg)
{
    const int *listener = arg;
    char data[100];
    size_t n;
    int fd;

    WEFT_TRY(weft_loop_sock_accept(NULL, *listener, NULL, NULL, &fd));
    for (;;) {
        MUST(weft_loop_sock_recv(NULL, fd, data, sizeof data, &n));
        if (n == 0) {
            break;
        }
        trace("server got %s", show(data, n));
        for (size_t i = 0; i < n; i++) {
            data[i] = (char)toupper((unsigned char)data[i]);
        }
        MUST(weft_loop_sock_sendall(NULL, fd, data, n));
    }
    trace("server eof");
    close(fd);
    return 0;
}

static int story(void *arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    char data[100];
    size_t n;

    (void)arg;
    int listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(bind(listener, (struct sockaddr *)&address, size));
    MUST(listen(listener, 8));
    MUST(getsockname(listener, (struct sockaddr *)&address, &size));
    weft_task *task = spawn(server_side, &listener);
    int client = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    MUST(weft_loop_sock_connect(NULL, client, (struct sockaddr *)&address, size));
    for (int i = 0; i < 2; i++) {
        MUST(weft_loop_sock_sendall(NULL, client, i == 0 ? "ping" : "pong", 4));
        MUST(weft_loop_sock_recv(NULL, client, data, sizeof data, &n));
        trace("client got %s", show(data, n));
    }
    close(client);
    MUST(join(task, NULL));
    close(listener);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

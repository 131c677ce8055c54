/*
 * sock-accept-cancel: A cancelled sock_accept leaves the connection to the next one.
 */
#include "support/scenario.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int accept_one(void *listener)
{
    int fd;

    return weft_loop_sock_accept(NULL, *(const int *)listener, NULL, NULL, &fd);
}

static int story(void *arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct sockaddr_in own;
    struct sockaddr_in peer;
    socklen_t size = sizeof address;
    size_t peer_size = sizeof peer;
    char byte;
    size_t n;
    int fd;

    (void)arg;
    int listener = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(bind(listener, (struct sockaddr *)&address, size));
    MUST(listen(listener, 8));
    MUST(getsockname(listener, (struct sockaddr *)&address, &size));
    weft_task *task = spawn(accept_one, &listener);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    int e = join(task, NULL);
    if (e == WEFT_ECANCELED) {
        trace("first %s", err(e));
    }
    int client = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    MUST(weft_loop_sock_connect(NULL, client, (struct sockaddr *)&address, size));
    MUST(weft_loop_sock_accept(NULL, listener, (struct sockaddr *)&peer, &peer_size, &fd));
    MUST(getsockname(client, (struct sockaddr *)&own, &size));
    trace("second %s", memcmp(&own, &peer, size) == 0 ? "True" : "False");
    close(client);
    MUST(weft_loop_sock_recv(NULL, fd, &byte, 1, &n));
    trace("end %s", show(&byte, n));
    close(fd);
    close(listener);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

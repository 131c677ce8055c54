/*
 * 218-tcp-connection-refused: Connecting to a port nobody listens on fails with
 * ConnectionRefusedError.
 */
#include "support/scenario.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    int probe = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    weft_stream *stream;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(bind(probe, (struct sockaddr *)&address, size));
    MUST(getsockname(probe, (struct sockaddr *)&address, &size));
    int r = weft_open_connection("127.0.0.1", ntohs(address.sin_port), NULL, &stream);
    if (r == 0) {
        trace("connected (must not)");
    } else {
        trace("%s", err(r));
    }
    close(probe);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

#include "datagrams.h"

#include "trace.h"

#include <string.h>
#include <sys/socket.h>

int make_datagram_protocol(const weft_datagram_protocol **out_protocol, void **out_data, void *user)
{
    const struct datagram_user *u = user;

    *out_protocol = u->protocol;
    *out_data = u->data;
    return 0;
}

void datagram_pair(int ends[2])
{
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
}

weft_datagram_transport *endpoint_on(int fd, const weft_datagram_protocol *protocol, void *data)
{
    struct datagram_user user = { protocol, data };
    weft_datagram_transport *transport = NULL;

    MUST(weft_loop_create_datagram_endpoint_fd(NULL, make_datagram_protocol, &user, fd, NULL,
                                               &transport));
    return transport;
}

void send_datagram(int fd, const char *text)
{
    MUST(send(fd, text, strlen(text), 0) < 0 ? -1 : 0);
}

void end_endpoint(weft_datagram_transport *transport)
{
    MUST(weft_datagram_transport_close(transport));
    weft_datagram_transport_unref(transport);
}

int sleep_turns(int n)
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_sleep(0));
    }
    return 0;
}

int print_made(weft_datagram_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("made");
    return 0;
}

int print_lost(weft_datagram_transport *transport, int code, void *data)
{
    (void)transport;
    (void)data;
    trace("lost %s", code == 0 ? "None" : weft_error_asyncio_name(code));
    return 0;
}

int print_datagram(weft_datagram_transport *transport, const void *bytes, size_t n,
                   const weft_address *from, void *data)
{
    (void)transport;
    (void)from;
    (void)data;
    trace("got %.*s", (int)n, (const char *)bytes);
    return 0;
}

int print_pause(weft_datagram_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("pause");
    return 0;
}

int print_resume(weft_datagram_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("resume");
    return 0;
}

const char *truth(int value)
{
    return value ? "True" : "False";
}

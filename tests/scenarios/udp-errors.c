/*
 * udp-errors: which calls are refused, and as what.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const weft_datagram_protocol silent = { .size = sizeof silent };

static const char *name_of(int code)
{
    return code == -EADDRINUSE ? "OSError" : weft_error_asyncio_name(code);
}

static void attempt(const char *label, const weft_datagram_options *options, int fd)
{
    struct datagram_user user = { &silent, NULL };
    weft_datagram_transport *transport;
    int code = fd >= 0 ? weft_loop_create_datagram_endpoint_fd(NULL, make_datagram_protocol, &user,
                                                               fd, options, &transport)
                       : weft_loop_create_datagram_endpoint(NULL, make_datagram_protocol, &user,
                                                            options, &transport);

    if (code == 0) {
        end_endpoint(transport);
    }
    trace("%s %s", label, code == 0 ? "ok" : name_of(code));
}

/* To <address>, which is that of <fd>; what comes where. */
static int send_around(int fd, const weft_address *address)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    struct datagram_user user = { &silent, NULL };
    weft_datagram_transport *transport;
    weft_address other;
    char byte;

    options.remote_addr = "127.0.0.1";
    options.remote_port = weft_address_get_port(address);
    WEFT_TRY(weft_loop_create_datagram_endpoint(NULL, make_datagram_protocol, &user, &options,
                                                &transport));
    WEFT_TRY(weft_address_set(&other, "127.0.0.1", 1));
    int code = weft_datagram_transport_sendto(transport, "x", 1, &other);
    trace("other address %s", code == 0 ? "ok" : name_of(code));
    WEFT_TRY(weft_datagram_transport_sendto(transport, "x", 1, address));
    MUST(recv(fd, &byte, 1, 0) == 1 ? 0 : -1);
    trace("same address %c", byte);
    weft_datagram_transport_close(transport);
    WEFT_TRY(weft_datagram_transport_sendto(transport, "y", 1, NULL));
    WEFT_TRY(weft_sleep(0));
    WEFT_TRY(weft_datagram_transport_sendto(transport, "z", 1, NULL));
    if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1) {
        trace("after close %c", byte);
    } else {
        trace("after close nothing");
    }
    weft_datagram_transport_unref(transport);
    return 0;
}

static int story(void *arg)
{
    weft_datagram_options none = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_address address;

    (void)arg;
    attempt("nothing", &none, -1);
    options.local_addr = "127.0.0.1";
    options.remote_addr = "::1";
    options.remote_port = 9;
    attempt("mixed", &options, -1);
    options = none;
    options.family = AF_INET;
    attempt("family", &options, -1);

    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    WEFT_TRY(weft_address_set(&address, "127.0.0.1", 0));
    MUST(bind(fd, &address.as.any, (socklen_t)address.len));
    socklen_t len = sizeof address.as;
    MUST(getsockname(fd, &address.as.any, &len));
    options = none;
    options.local_addr = "127.0.0.1";
    options.local_port = weft_address_get_port(&address);
    attempt("in use", &options, -1);
    options = none;
    options.allow_broadcast = 1;
    attempt("both", &options, fd);
    attempt("stream", &none, stream);
    WEFT_TRY(send_around(fd, &address));
    close(fd);
    close(stream);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

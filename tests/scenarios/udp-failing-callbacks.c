/*
 * udp-failing-callbacks: an exception in datagram_received or connection_lost is logged; the
 * endpoint goes on.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <unistd.h>

static int got(weft_datagram_transport *transport, const void *bytes, size_t n,
               const weft_address *from, void *data)
{
    print_datagram(transport, bytes, n, from, data);
    return weft_fail(WEFT_EINVAL, "%.*s", (int)n, (const char *)bytes);
}

static int lost(weft_datagram_transport *transport, int code, void *data)
{
    print_lost(transport, code, data);
    return weft_fail(WEFT_EINVAL, "lost");
}

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .datagram_received = got,
    .connection_lost = lost,
};

static int report(weft_loop *loop, const weft_report *context, void *data)
{
    (void)loop;
    (void)data;
    trace("report %s", weft_error_asyncio_name(context->code));
    return 0;
}

static int story(void *arg)
{
    int ends[2];

    (void)arg;
    WEFT_TRY(weft_loop_set_exception_handler(NULL, report, NULL));
    datagram_pair(ends);
    weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, NULL);
    send_datagram(ends[1], "1");
    send_datagram(ends[1], "2");
    WEFT_TRY(sleep_turns(4));
    trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    end_endpoint(transport);
    WEFT_TRY(sleep_turns(2));
    close(ends[1]);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

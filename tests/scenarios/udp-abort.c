/*
 * udp-abort: abort drops what is queued; connection_lost comes with None, once.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <unistd.h>

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .pause_writing = print_pause,
    .resume_writing = print_resume,
    .connection_lost = print_lost,
};

static int story(void *arg)
{
    int ends[2];

    (void)arg;
    datagram_pair(ends);
    weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, NULL);
    while (weft_datagram_transport_get_write_buffer_size(transport) == 0) {
        WEFT_TRY(weft_datagram_transport_sendto(transport, "xxxxxxxxxx", 10, NULL));
    }
    trace("queued %s", truth(weft_datagram_transport_get_write_buffer_size(transport) > 0));
    weft_datagram_transport_abort(transport);
    trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    weft_datagram_transport_abort(transport);
    weft_datagram_transport_close(transport);
    trace("aborted");
    WEFT_TRY(sleep_turns(2));
    trace("end");
    weft_datagram_transport_unref(transport);
    close(ends[1]);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

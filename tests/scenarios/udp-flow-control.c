/*
 * udp-flow-control: a full socket pauses the protocol, which resumes when all is sent; order is
 * kept; what is queued at close is still sent before connection_lost.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const weft_datagram_protocol protocol = {
    .size = sizeof protocol,
    .pause_writing = print_pause,
    .resume_writing = print_resume,
    .connection_lost = print_lost,
};

static int send_number(weft_datagram_transport *transport, int number)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", number);

    return weft_datagram_transport_sendto(transport, text, (size_t)len, NULL);
}

static int story(void *arg)
{
    size_t low;
    size_t high;
    int ends[2];
    int n_sent = 0;
    int in_order = 1;

    (void)arg;
    datagram_pair(ends);
    weft_datagram_transport *transport = endpoint_on(ends[0], &protocol, NULL);
    WEFT_TRY(weft_datagram_transport_set_write_buffer_limits(transport, 0, SIZE_MAX));
    WEFT_TRY(weft_datagram_transport_get_write_buffer_limits(transport, &low, &high));
    trace("limits (%zu, %zu)", low, high);
    while (weft_datagram_transport_get_write_buffer_size(transport) == 0) {
        WEFT_TRY(send_number(transport, n_sent++));
    }
    WEFT_TRY(send_number(transport, n_sent++));
    weft_datagram_transport_close(transport);
    trace("closing %s", truth(weft_datagram_transport_is_closing(transport)));
    int n_got = 0;
    while (n_got < n_sent) {
        char text[16] = "";
        if (recv(ends[1], text, sizeof text - 1, MSG_DONTWAIT) < 0) {
            WEFT_TRY(weft_sleep(0));
        } else {
            in_order = in_order && atoi(text) == n_got++;
        }
    }
    trace("all %s in order %s", truth(n_got == n_sent), truth(in_order));
    WEFT_TRY(sleep_turns(3));
    weft_datagram_transport_unref(transport);
    close(ends[1]);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

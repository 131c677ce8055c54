/*
 * transport-write-eof: write_eof takes effect after what is queued; later writes are refused, data
 * still comes in.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SIZE = 150000
};

static void try_to_write(struct tracer *a, const char *text)
{
    int r = weft_transport_write(a->transport, text, strlen(text));

    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a" };
    char *bytes = MUST_HAVE(calloc(1, SIZE));
    int peer = connect_tracer(&a);
    size_t n = 0;
    char byte;

    trace("can %d", weft_transport_can_write_eof(a.transport));
    MUST(weft_transport_write(a.transport, bytes, SIZE));
    free(bytes);
    MUST(weft_transport_write_eof(a.transport));
    MUST(weft_transport_write_eof(a.transport));
    try_to_write(&a, "more");
    try_to_write(&a, "");
    while (weft_transport_get_write_buffer_size(a.transport) > 0) {
        n += receive(peer, NULL, 0);
        WEFT_TRY(weft_sleep(0));
    }
    n += receive(peer, NULL, 0);
    trace("received %zu", n);
    trace("at the end %d", read(peer, &byte, 1) == 0);
    peer_send(peer, "still heard");
    WEFT_TRY(turns(3));
    trace("closing %d", weft_transport_is_closing(a.transport));
    close(peer);
    WEFT_TRY(turns(4));
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

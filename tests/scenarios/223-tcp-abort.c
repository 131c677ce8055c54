/*
 * 223-tcp-abort: abort() drops buffered data; the local protocol hears connection_lost without
 * an error.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 20000000
};

static int on_lost(weft_transport *transport, int code, void *lost)
{
    (void)transport;
    trace("lost, error none=%d", code == 0);
    return open_gate(lost);
}

static const weft_protocol client = { .size = sizeof client, .connection_lost = on_lost };

static weft_transport *silent;

static int on_made(weft_transport *transport, void *data)
{
    (void)data;
    silent = weft_transport_ref(transport);
    return weft_transport_pause_reading(transport);
}

static const weft_protocol sleeper = { .size = sizeof sleeper, .connection_made = on_made };

static int story(void *arg)
{
    (void)arg;
    weft_future *lost = make_future();
    struct maker server_maker = { &sleeper, NULL };
    struct maker client_maker = { &client, lost };
    weft_server *server = serve_protocol(&server_maker);
    weft_transport *transport = connect_protocol(server, &client_maker);
    char *bytes = MUST_HAVE(malloc(SIZE));

    memset(bytes, 'x', SIZE);
    MUST(weft_transport_write(transport, bytes, SIZE));
    free(bytes);
    trace("buffered=%d", weft_transport_get_write_buffer_size(transport) > 0);
    MUST(weft_transport_abort(transport));
    WEFT_TRY(join(lost, NULL));
    trace("buffer size %d", (int)weft_transport_get_write_buffer_size(transport));
    weft_transport_unref(transport);
    while (silent == NULL) {
        WEFT_TRY(weft_sleep(WEFT_MS(10)));
    }
    MUST(weft_transport_abort(silent));
    weft_transport_unref(silent);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}

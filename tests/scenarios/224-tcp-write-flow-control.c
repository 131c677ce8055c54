/*
 * 224-tcp-write-flow-control: pause_writing comes when the buffer passes the high mark,
 * resume_writing when it falls to the low mark.
 */
#include "support/scenario.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 20000000
};

static char log_text[64];
static weft_future *made;

static int on_pause(weft_transport *transport, void *data)
{
    (void)transport;
    (void)data;
    strcat(log_text, log_text[0] != '\0' ? " pause_writing" : "pause_writing");
    return 0;
}

static int on_resume(weft_transport *transport, void *resumed)
{
    (void)transport;
    strcat(log_text, log_text[0] != '\0' ? " resume_writing" : "resume_writing");
    return open_gate(resumed);
}

static const weft_protocol client = { .size = sizeof client,
                                      .pause_writing = on_pause,
                                      .resume_writing = on_resume };

static int on_made(weft_transport *transport, void *data)
{
    (void)data;
    MUST(weft_transport_pause_reading(transport));
    return weft_future_set_result(made, weft_value_ptr(weft_transport_ref(transport), NULL));
}

static const weft_protocol sleeper = { .size = sizeof sleeper, .connection_made = on_made };

static int story(void *arg)
{
    (void)arg;
    made = make_future();
    weft_future *resumed = make_future();
    struct maker server_maker = { &sleeper, NULL };
    struct maker client_maker = { &client, resumed };
    weft_server *server = serve_protocol(&server_maker);
    weft_transport *transport = connect_protocol(server, &client_maker);
    weft_value peer;
    char *bytes = MUST_HAVE(malloc(SIZE));

    memset(bytes, 'x', SIZE);
    MUST(weft_transport_set_write_buffer_limits(transport, 1000, 10));
    WEFT_TRY(join(made, &peer));
    send_text(transport, "small");
    trace("%s%d", log_text, (int)strlen(log_text));
    MUST(weft_transport_write(transport, bytes, SIZE));
    free(bytes);
    trace("%s", log_text);
    MUST(weft_transport_resume_reading(peer.as.ptr));
    WEFT_TRY(join(resumed, NULL));
    trace("%s", log_text);
    MUST(weft_transport_close(transport));
    MUST(weft_transport_close(peer.as.ptr));
    weft_transport_unref(transport);
    weft_transport_unref(peer.as.ptr);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * 236-udp-echo: Datagrams keep their boundaries; each answer goes back to its sender.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer(weft_datagram_transport *transport, const void *bytes, size_t n,
                  const weft_address *from, void *data)
{
    char text[64];

    (void)data;
    int len = snprintf(text, sizeof text, "re:%.*s", (int)n, (const char *)bytes);
    return weft_datagram_transport_sendto(transport, text, (size_t)len, from);
}

static const weft_datagram_protocol server_protocol = {
    .size = sizeof server_protocol,
    .datagram_received = answer,
};

static int make_server(const weft_datagram_protocol **out_protocol, void **out_data, void *arg)
{
    *out_protocol = &server_protocol;
    *out_data = arg;
    return 0;
}

static int keep(weft_datagram_transport *transport, const void *bytes, size_t n,
                const weft_address *from, void *data)
{
    (void)transport;
    (void)from;
    return weft_queue_put_nowait(data, weft_value_ptr(strndup(bytes, n), free));
}

static const weft_datagram_protocol client_protocol = {
    .size = sizeof client_protocol,
    .datagram_received = keep,
};

static int make_client(const weft_datagram_protocol **out_protocol, void **out_data, void *queue)
{
    *out_protocol = &client_protocol;
    *out_data = queue;
    return 0;
}

static int story(void *arg)
{
    static const char *const texts[] = { "a", "bb", "ccc" };
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    weft_datagram_transport *server;
    weft_datagram_transport *client;
    weft_address address;
    weft_queue *queue;

    (void)arg;
    WEFT_TRY(weft_queue_create(0, &queue));
    options.local_addr = "127.0.0.1";
    WEFT_TRY(weft_loop_create_datagram_endpoint(NULL, make_server, NULL, &options, &server));
    WEFT_TRY(weft_datagram_transport_get_sockname(server, &address));
    options.local_addr = NULL;
    options.remote_addr = "127.0.0.1";
    options.remote_port = weft_address_get_port(&address);
    WEFT_TRY(weft_loop_create_datagram_endpoint(NULL, make_client, queue, &options, &client));
    for (int i = 0; i < 3; i++) {
        weft_value text;
        WEFT_TRY(weft_datagram_transport_sendto(client, texts[i], strlen(texts[i]), NULL));
        WEFT_TRY(weft_queue_get(queue, &text));
        trace("%s", show(text.as.ptr, strlen(text.as.ptr)));
        weft_value_clear(&text);
    }
    weft_datagram_transport_close(client);
    weft_datagram_transport_close(server);
    weft_datagram_transport_unref(client);
    weft_datagram_transport_unref(server);
    weft_queue_destroy(queue);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * 221-tcp-protocol-callback-order: Callbacks of one connection come in the fixed order made,
 * data, eof, lost, on both sides.
 */
#include "support/scenario.h"

#include <stdio.h>

enum {
    MAX_LINES = 8
};

struct side {
    const char *name;
    char log[MAX_LINES][64];
    int n_lines;
    weft_future *lost;
};

#define LOG(side, ...) \
    snprintf((side)->log[(side)->n_lines++ % MAX_LINES], sizeof(side)->log[0], __VA_ARGS__)

static int on_made(weft_transport *transport, void *data)
{
    struct side *side = data;

    LOG(side, "%s made", side->name);
    if (side->name[0] == 'c') {
        send_text(transport, "hello");
        MUST(weft_transport_write_eof(transport));
    }
    return 0;
}

static int on_data(weft_transport *transport, const void *bytes, size_t n, void *data)
{
    struct side *side = data;

    (void)transport;
    LOG(side, "%s data %s", side->name, show(bytes, n));
    return 0;
}

static int on_eof(weft_transport *transport, void *data)
{
    struct side *side = data;

    (void)transport;
    LOG(side, "%s eof", side->name);
    return 0;
}

static int on_lost(weft_transport *transport, int code, void *data)
{
    struct side *side = data;

    (void)transport;
    LOG(side, "%s lost, error none=%d", side->name, code == 0);
    if (!weft_future_done(side->lost)) {
        MUST(weft_future_set_result(side->lost, weft_value_none()));
    }
    return 0;
}

static const weft_protocol protocol = { .size = sizeof protocol,
                                        .connection_made = on_made,
                                        .connection_lost = on_lost,
                                        .data_received = on_data,
                                        .eof_received = on_eof };

static void print_log(const struct side *side)
{
    for (int i = 0; i < side->n_lines; i++) {
        trace("%s", side->log[i]);
    }
}

static int story(void *arg)
{
    (void)arg;
    static struct side server_side = { .name = "server" };
    static struct side client_side = { .name = "client" };
    struct maker server_maker = { &protocol, &server_side };
    struct maker client_maker = { &protocol, &client_side };

    server_side.lost = make_future();
    client_side.lost = make_future();
    weft_future *lost[] = { client_side.lost, server_side.lost };
    weft_server *server = serve_protocol(&server_maker);
    weft_transport *transport = connect_protocol(server, &client_maker);
    wait_all(lost, 2);
    print_log(&server_side);
    print_log(&client_side);
    weft_transport_unref(transport);
    drop_all(lost, 2);
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}

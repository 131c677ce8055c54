/*
 * udp-unix-names: unix datagrams with names; a stale socket file is no hindrance and is left
 * behind.
 */
#include "support/datagrams.h"
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct user {
    const char *name;
    weft_event *done; /* NULL: the server */
};

static int got(weft_datagram_transport *transport, const void *bytes, size_t n,
               const weft_address *from, void *data)
{
    const struct user *user = data;
    char sender[160];
    char answer[64];

    WEFT_TRY(weft_address_format(&from->as.any, from->len, sender, sizeof sender));
    trace("%s got %.*s from %s", user->name, (int)n, (const char *)bytes, strrchr(sender, '/') + 1);
    if (user->done != NULL) {
        return weft_event_set(user->done);
    }
    int len = snprintf(answer, sizeof answer, "re:%.*s", (int)n, (const char *)bytes);
    return weft_datagram_transport_sendto(transport, answer, (size_t)len, from);
}

static const weft_datagram_protocol protocol = { .size = sizeof protocol,
                                                 .datagram_received = got };

static int open_endpoint(struct user *user, const char *local, const char *remote,
                         weft_datagram_transport **out_transport)
{
    weft_datagram_options options = WEFT_DATAGRAM_OPTIONS_INIT;
    struct datagram_user made = { &protocol, user };

    options.family = AF_UNIX;
    options.local_addr = local;
    options.remote_addr = remote;
    return weft_loop_create_datagram_endpoint(NULL, make_datagram_protocol, &made, &options,
                                              out_transport);
}

static int try_once(const char *server_path, const char *client_path)
{
    weft_datagram_transport *server;
    weft_datagram_transport *client;
    struct user serving = { "server", NULL };
    struct user asking = { "client", NULL };

    asking.done = make_event();
    WEFT_TRY(open_endpoint(&serving, server_path, NULL, &server));
    WEFT_TRY(open_endpoint(&asking, client_path, server_path, &client));
    WEFT_TRY(weft_datagram_transport_sendto(client, "hello", 5, NULL));
    WEFT_TRY(weft_event_wait(asking.done));
    end_endpoint(server);
    end_endpoint(client);
    WEFT_TRY(weft_sleep(0));
    trace("left %s", truth(access(server_path, F_OK) == 0));
    weft_event_destroy(asking.done);
    return 0;
}

static int story(void *arg)
{
    char folder[] = "/tmp/weft-scenario-XXXXXX";
    char server_path[64];
    char client_path[64];

    (void)arg;
    MUST_HAVE(mkdtemp(folder));
    snprintf(server_path, sizeof server_path, "%s/server", folder);
    snprintf(client_path, sizeof client_path, "%s/client", folder);
    WEFT_TRY(try_once(server_path, client_path));
    WEFT_TRY(try_once(server_path, client_path));
    unlink(server_path);
    unlink(client_path);
    rmdir(folder);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * 229-tcp-many-clients: Several clients served concurrently; each gets its own answers.
 */
#include "support/scenario.h"

#include <stdio.h>

enum {
    N_CLIENTS = 5
};

struct client {
    weft_server *server;
    int i;
    char answer[64];
    size_t n;
};

static int serve(weft_stream *stream, void *data)
{
    char *line;
    char name[64];
    size_t n;

    (void)data;
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    snprintf(name, sizeof name, "hello %.*s", (int)n, line);
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    write_text(stream, name);
    return weft_stream_close(stream);
}

static int client(void *arg)
{
    struct client *me = arg;
    weft_stream *stream = connect_to(me->server);
    char name[32];

    snprintf(name, sizeof name, "client%d\n", me->i);
    write_text(stream, name);
    WEFT_TRY(read_all(stream, me->answer, sizeof me->answer, &me->n));
    return end_stream(stream);
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);
    struct client clients[N_CLIENTS];
    weft_awaitable *all[N_CLIENTS];
    weft_future *group;

    for (int i = 0; i < N_CLIENTS; i++) {
        clients[i] = (struct client){ .server = server, .i = i };
        all[i] = weft_coro_create(client, &clients[i]);
    }
    MUST(weft_gather(all, N_CLIENTS, 0, &group));
    WEFT_TRY(join(group, NULL));
    for (int i = 0; i < N_CLIENTS; i++) {
        trace("%s", show(clients[i].answer, clients[i].n));
    }
    return end_server(server);
}

int main(void)
{
    return scenario_main_real(story);
}

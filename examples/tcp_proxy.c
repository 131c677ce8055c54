/* A TCP proxy with back-pressure, before an echo server of its own; a line goes through and back.
 */
#include <stdio.h>
#include <weft/weft.h>

struct upstream {
    const char *host;
    int port;
};

struct way {
    weft_stream *from, *to;
};

/* One direction. It reads on only when the other side has taken what was read. */
static int copy(void *arg)
{
    struct way *way = arg;
    char *data;
    size_t n;

    for (;;) {
        WEFT_TRY(weft_stream_read_view(way->from, &data, &n));
        if (n == 0) {
            return weft_stream_write_eof(way->to); /* half closed: the answer may go on */
        }
        WEFT_TRY(weft_stream_write(way->to, data, n));
        WEFT_TRY(weft_stream_drain(way->to)); /* the back-pressure */
    }
}

static int forward(weft_stream *client, void *data)
{
    struct upstream *upstream = data;
    weft_stream *server;

    WEFT_TRY(weft_open_connection(upstream->host, upstream->port, NULL, &server));
    struct way there = { client, server }, back = { server, client };
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);
    if (r == 0) {
        weft_task_group_create_task(group, weft_coro_create(copy, &there), NULL);
        weft_task_group_create_task(group, weft_coro_create(copy, &back), NULL);
        r = weft_task_group_exit(group, 0); /* one that fails cancels the other */
    }
    weft_task_group_destroy(group);
    weft_stream_close(server);
    weft_stream_destroy(server);
    return r;
}

static int echo(weft_stream *client, void *data)
{
    (void)data;
    return copy(&(struct way){ client, client });
}

static int demo(int port)
{
    weft_stream *stream;
    char *line;
    size_t n;

    WEFT_TRY(weft_open_connection("127.0.0.1", port, NULL, &stream));
    WEFT_TRY(weft_stream_write(stream, "through and back\n", 17));
    int r = weft_stream_readline(stream, &line, &n);
    if (r == 0) {
        printf("%.*s", (int)n, line);
    }
    weft_stream_close(stream);
    weft_stream_destroy(stream);
    return r;
}

static int proxy(void *arg)
{
    struct upstream upstream = { "127.0.0.1", 0 };
    weft_server *behind, *server;

    (void)arg;
    WEFT_TRY(weft_start_server(echo, NULL, upstream.host, 0, NULL, &behind));
    upstream.port = weft_server_get_port(behind);
    WEFT_TRY(weft_start_server(forward, &upstream, "127.0.0.1", 0, NULL, &server));
    int r = demo(weft_server_get_port(server)); /* a service: weft_server_serve_forever(server) */
    weft_server_destroy(server);
    weft_server_destroy(behind);
    return r;
}

int main(void)
{
    return weft_run(proxy, NULL) == 0 ? 0 : 1;
}

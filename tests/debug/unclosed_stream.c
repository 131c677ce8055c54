/* A connection is opened and forgotten. */
#include <weft/weft.h>

static int on_client(weft_stream *client, void *data)
{
    char byte;
    size_t n;

    (void)data;
    return weft_stream_read(client, &byte, 1, &n); /* the server closes its streams itself */
}

static int main_task(void *arg)
{
    weft_server *server;
    weft_stream *stream;

    (void)arg;
    WEFT_TRY(weft_start_server(on_client, NULL, "127.0.0.1", 0, NULL, &server));
    WEFT_TRY(weft_open_connection("127.0.0.1", weft_server_get_port(server), NULL, &stream));
    weft_server_close(server);
    weft_server_destroy(server);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

/* A server is closed, its clients are waited for. */
#include <weft/weft.h>

static int on_client(weft_stream *client, void *data)
{
    (void)client;
    (void)data;
    return 0;
}

static int main_task(void *arg)
{
    weft_server *server;

    (void)arg;
    WEFT_TRY(weft_start_server(on_client, NULL, "127.0.0.1", 0, NULL, &server));
    weft_server_close(server);
    int r = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

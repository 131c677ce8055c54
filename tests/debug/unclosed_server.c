/* A server is still listening when its loop is closed. */
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
    return weft_start_server(on_client, NULL, "127.0.0.1", 0, NULL, &server);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

/*
 * 228-tcp-serve-forever-cancelled: serve_forever runs until its task is cancelled; then the
 * server is closed.
 */
#include "support/scenario.h"

static int serve(weft_stream *stream, void *data)
{
    (void)data;
    return weft_stream_close(stream);
}

static int serve_forever(void *server)
{
    return weft_server_serve_forever(server);
}

static int story(void *arg)
{
    (void)arg;
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;
    weft_server *server;

    options.start_serving = -1;
    MUST(weft_start_server(serve, NULL, "127.0.0.1", 0, &options, &server));
    trace("serving=%d", weft_server_is_serving(server));
    weft_task *task = spawn(serve_forever, server);
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    trace("serving=%d", weft_server_is_serving(server));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("serving=%d cancelled=%d", weft_server_is_serving(server), weft_future_cancelled(task));
    weft_future_unref(task);
    weft_server_destroy(server);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

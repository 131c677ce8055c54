/*
 * 230-tcp-handler-error-logged: An error in a connection handler is logged; the server goes on
 * serving.
 */
#include "support/scenario.h"

#include <string.h>

struct errors {
    int codes[4];
    int n;
};

static int serve(weft_stream *stream, void *data)
{
    char *line;
    size_t n;

    (void)data;
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    int is_bad = n == 4 && memcmp(line, "bad\n", 4) == 0;
    write_text(stream, "ok\n");
    WEFT_TRY(weft_stream_close(stream));
    return is_bad ? weft_fail(VALUE_ERROR, "handler failed") : 0;
}

static int ask(weft_server *server, const char *line)
{
    weft_stream *stream = connect_to(server);
    char bytes[16];
    size_t n;

    write_text(stream, line);
    WEFT_TRY(read_all(stream, bytes, sizeof bytes, &n));
    trace("client done with %s", show(line, strlen(line)));
    return end_stream(stream);
}

static int story(void *arg)
{
    (void)arg;
    weft_server *server = serve_on_loopback(serve, NULL);

    WEFT_TRY(ask(server, "bad\n"));
    WEFT_TRY(ask(server, "good\n"));
    return end_server(server);
}

static int on_error(weft_loop *loop, const weft_report *context, void *data)
{
    struct errors *errors = data;

    (void)loop;
    errors->codes[errors->n++ % 4] = context->code;
    return 0;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    struct errors errors = { .n = 0 };

    MUST(weft_loop_set_exception_handler(loop, on_error, &errors));
    MUST(weft_loop_run_until_complete(loop, weft_coro_create(story, NULL), NULL));
    end_loop(loop);
    for (int i = 0; i < errors.n; i++) {
        trace("handler errors: %s", err(errors.codes[i % 4]));
    }
    return 0;
}

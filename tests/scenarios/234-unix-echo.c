/*
 * 234-unix-echo: Client and server over a Unix socket; a stale socket file does not hinder the
 * next server.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int serve(weft_stream *stream, void *data)
{
    char *line;
    char reversed[16];
    size_t n;

    (void)data;
    WEFT_TRY(weft_stream_readline(stream, &line, &n));
    for (size_t i = 0; i < n; i++) {
        reversed[i] = line[n - 1 - i];
    }
    WEFT_TRY(weft_stream_write(stream, reversed, n));
    return weft_stream_close(stream);
}

static int try_once(const char *path, const char *attempt)
{
    weft_server *server;
    weft_stream *stream;

    WEFT_TRY(weft_start_unix_server(serve, NULL, path, NULL, &server));
    trace("exists=%d", access(path, F_OK) == 0);
    WEFT_TRY(weft_open_unix_connection(path, NULL, &stream));
    write_text(stream, "abc\n");
    WEFT_TRY(trace_rest(attempt, stream));
    WEFT_TRY(end_stream(stream));
    return end_server(server);
}

static int story(void *arg)
{
    (void)arg;
    char folder[] = "/tmp/weft-scenario-XXXXXX";
    char path[64];

    MUST_HAVE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sock", folder);
    WEFT_TRY(try_once(path, "1"));
    WEFT_TRY(try_once(path, "2"));
    unlink(path);
    rmdir(folder);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

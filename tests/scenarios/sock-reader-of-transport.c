/*
 * sock-reader-of-transport: Descriptors of transports take no readers and writers of one's own.
 */
#include "support/scenario.h"

#include <sys/socket.h>
#include <unistd.h>

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static const char *truth(int result)
{
    return result != 0 ? "True" : "False";
}

static int story(void *arg)
{
    weft_connect_options connect = WEFT_CONNECT_OPTIONS_INIT;
    weft_stream_options options = WEFT_STREAM_OPTIONS_INIT;
    weft_stream *stream;
    int ends[2];

    (void)arg;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    connect.sock = ends[0];
    options.connect = &connect;
    MUST(weft_open_connection(NULL, 0, &options, &stream));
    int e = weft_loop_add_reader(NULL, ends[0], nothing, NULL);
    trace("add_reader %s", err(e));
    e = weft_loop_remove_reader(NULL, ends[0]);
    trace("remove_reader %s", err(e));
    e = weft_loop_add_writer(NULL, ends[0], nothing, NULL);
    trace("add_writer %s", err(e));
    e = weft_loop_remove_writer(NULL, ends[0]);
    trace("remove_writer %s", err(e));
    WEFT_TRY(end_stream(stream));
    trace("%s", truth(weft_loop_remove_reader(NULL, ends[1])));
    MUST(weft_loop_add_reader(NULL, ends[1], nothing, NULL));
    MUST(weft_loop_add_reader(NULL, ends[1], nothing, NULL));
    int first = weft_loop_remove_reader(NULL, ends[1]);
    trace("%s %s", truth(first), truth(weft_loop_remove_reader(NULL, ends[1])));
    close(ends[1]);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

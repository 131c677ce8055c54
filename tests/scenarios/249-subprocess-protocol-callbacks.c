/*
 * 249-subprocess-protocol-callbacks: protocol view of a child: connection_made first, data in
 * between, connection_lost after exit and both pipes' ends.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct proto {
    weft_future *done;
    char log[8][32];
    size_t n_logged;
    char out[64];
    size_t n_out;
};

static void note(struct proto *self, const char *text)
{
    snprintf(self->log[self->n_logged++], sizeof self->log[0], "%s", text);
}

static int connection_made(weft_process *transport, void *data)
{
    (void)transport;
    note(data, "made");
    return 0;
}

static int pipe_data_received(weft_process *transport, int fd, const void *bytes, size_t size,
                              void *data)
{
    struct proto *self = data;

    (void)transport;
    (void)fd;
    memcpy(self->out + self->n_out, bytes, size);
    self->n_out += size;
    return 0;
}

static int pipe_connection_lost(weft_process *transport, int fd, int code, void *data)
{
    char text[32];

    (void)transport;
    (void)code;
    snprintf(text, sizeof text, "pipe %d lost", fd);
    note(data, text);
    return 0;
}

static int process_exited(weft_process *transport, void *data)
{
    (void)transport;
    note(data, "exited");
    return 0;
}

static int connection_lost(weft_process *transport, int code, void *data)
{
    struct proto *self = data;
    char text[32];

    (void)transport;
    snprintf(text, sizeof text, "lost, error none=%d", code == 0);
    note(self, text);
    return weft_future_set_result(self->done, weft_value_none());
}

static const weft_subprocess_protocol protocol = {
    .size = sizeof protocol,
    .connection_made = connection_made,
    .pipe_data_received = pipe_data_received,
    .pipe_connection_lost = pipe_connection_lost,
    .process_exited = process_exited,
    .connection_lost = connection_lost,
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int story(void *arg)
{
    (void)arg;
    weft_process_options options = with_pipes(PIPE_OUT | PIPE_ERR);
    struct proto proto = { .done = make_future() };
    weft_process *transport;

    WEFT_TRY(weft_loop_subprocess_exec(NULL, &protocol, &proto,
                                       WEFT_ARGV("/bin/sh", "-c", "echo out; exit 6"), &options,
                                       &transport));
    WEFT_TRY(join(proto.done, NULL));
    trace("first: %s", proto.log[0]);
    qsort(proto.log[1], proto.n_logged - 2, sizeof proto.log[0], by_text);
    trace("between: %s, %s, %s", proto.log[1], proto.log[2], proto.log[3]);
    trace("last: %s", proto.log[proto.n_logged - 1]);
    trace("out %s exit code %d", show(proto.out, proto.n_out),
          weft_process_get_returncode(transport));
    MUST(weft_process_close(transport));
    weft_process_destroy(transport);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * subprocess-protocol-talk: the protocol form with a dialogue: input is written, output comes in
 * callbacks.
 */
#include "support/scenario.h"

#include <string.h>

struct talk {
    weft_future *done;
    char text[64];
    size_t n;
};

static int connection_made(weft_process *transport, void *data)
{
    (void)data;
    trace("made, running %s", yes_or_no(is_running(transport)));
    write_text(weft_process_get_stdin(transport), "ping\n");
    return 0;
}

static int pipe_data_received(weft_process *transport, int fd, const void *bytes, size_t size,
                              void *data)
{
    struct talk *self = data;

    memcpy(self->text + self->n, bytes, size);
    self->n += size;
    if (strcmp(self->text, "ping\n") == 0) {
        trace("fd %d says %.4s", fd, self->text);
        return weft_stream_close(weft_process_get_stdin(transport));
    }
    return 0;
}

static int process_exited(weft_process *transport, void *data)
{
    (void)transport;
    (void)data;
    trace("exited");
    return 0;
}

static int connection_lost(weft_process *transport, int code, void *data)
{
    const struct talk *self = data;

    (void)transport;
    trace("lost %s", code == 0 ? "None" : err(code));
    return weft_future_set_result(self->done, weft_value_none());
}

static const weft_subprocess_protocol protocol = {
    .size = sizeof protocol,
    .connection_made = connection_made,
    .pipe_data_received = pipe_data_received,
    .process_exited = process_exited,
    .connection_lost = connection_lost,
};

static int story(void *arg)
{
    (void)arg;
    struct talk talk = { .done = make_future() };
    weft_process *transport;

    WEFT_TRY(weft_loop_subprocess_exec(NULL, &protocol, &talk, WEFT_ARGV("cat"), NULL, &transport));
    WEFT_TRY(join(talk.done, NULL));
    trace("text %.4s code %d", talk.text, weft_process_get_returncode(transport));
    weft_process_destroy(transport);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

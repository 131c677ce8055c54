/*
 * subprocess-write-to-dead-child: writing to a program that has gone fails, not with a signal.
 */
#include "support/scenario.h"

#include <errno.h>

static char data[100000];

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("exit 0", PIPE_IN);
    weft_stream *in = weft_process_get_stdin(proc);
    int r = 0;

    exit_code(proc);
    for (int i = 0; i < 3 && r == 0; i++) {
        r = weft_stream_write(in, data, sizeof data);
        r = r == 0 ? weft_stream_drain(in) : r;
    }
    trace(r == -EPIPE ? "the pipe is broken" : "no error");
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * subprocess-deaf-child: a program that does not read its input is no error of communicate.
 */
#include "support/scenario.h"

static char data[1000000];

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("exec 0<&-; echo not listening; exit 3", PIPE_IN | PIPE_OUT);
    weft_bytes *out;

    WEFT_TRY(weft_process_communicate(proc, data, sizeof data, &out, NULL));
    trace("out %.*s", (int)out->size - 1, out->data);
    trace("returncode %d", weft_process_get_returncode(proc));
    weft_bytes_destroy(out);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

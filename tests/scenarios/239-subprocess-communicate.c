/*
 * 239-subprocess-communicate: communicate feeds the input, closes it, and collects output and
 * error output to the end.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("tr a-z A-Z; echo oops >&2", PIPE_IN | PIPE_OUT | PIPE_ERR);
    weft_bytes *out;
    weft_bytes *errors;

    WEFT_TRY(weft_process_communicate(proc, "some input\n", 11, &out, &errors));
    trace("out %s", show_bytes(out));
    trace("err %s", show_bytes(errors));
    trace("returncode %d", weft_process_get_returncode(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

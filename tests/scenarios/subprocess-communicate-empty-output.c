/*
 * subprocess-communicate-empty-output: a pipe into which nothing was written gives no bytes, not
 * nothing.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("exit 0", PIPE_OUT | PIPE_ERR);
    weft_bytes *out;
    weft_bytes *errors;

    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, &errors));
    trace("out %zu errors %zu", out->size, errors->size);
    weft_bytes_destroy(out);
    weft_bytes_destroy(errors);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * subprocess-communicate-without-pipes: communicate without pipes waits for the exit; there is no
 * output.
 */
#include "support/scenario.h"

static const char *or_none(const void *pointer)
{
    return pointer == NULL ? "None" : "some";
}

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("exit 4", NO_PIPE);
    weft_bytes *out;
    weft_bytes *errors;

    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, &errors));
    trace("out %s errors %s", or_none(out), or_none(errors));
    trace("returncode %d", weft_process_get_returncode(proc));
    trace("stdin %s stdout %s stderr %s", or_none(weft_process_get_stdin(proc)),
          or_none(weft_process_get_stdout(proc)), or_none(weft_process_get_stderr(proc)));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * 245-subprocess-stderr-into-stdout: error output can be sent into the same pipe as output, in the
 * order written.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process_options options = with_pipes(PIPE_OUT);
    weft_process *proc;
    weft_bytes *out;
    weft_bytes *errors;

    options.err.kind = WEFT_PROCESS_STDOUT;
    WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("/bin/sh", "-c", "echo a; echo b >&2; echo c"),
                                         &options, &proc));
    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, &errors));
    trace("%s stderr none=%d", show_bytes(out), errors == NULL);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

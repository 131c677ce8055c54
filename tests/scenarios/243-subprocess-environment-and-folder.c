/*
 * 243-subprocess-environment-and-folder: the child runs with the given environment and in the
 * given folder.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    static const char *const env[] = { "COLOUR=green", NULL };
    weft_process_options options = with_pipes(PIPE_OUT);
    weft_process *proc;
    weft_bytes *out;

    options.env = env;
    options.cwd = "/";
    WEFT_TRY(weft_create_subprocess_exec(
        WEFT_ARGV("/bin/sh", "-c", "echo $COLOUR; echo ${HOME:-unset}; pwd"), &options, &proc));
    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, NULL));
    trace("%s", show_bytes(out));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

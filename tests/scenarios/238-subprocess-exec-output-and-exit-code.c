/*
 * 238-subprocess-exec-output-and-exit-code: run a program, read its output line by line to EOF,
 * then collect its exit code.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("echo one; echo two; exit 3", PIPE_OUT);
    char *line;
    size_t n;

    for (;;) {
        WEFT_TRY(weft_stream_readline(weft_process_get_stdout(proc), &line, &n));
        if (n == 0) {
            break;
        }
        trace("line %s", show(line, n));
    }
    trace("exit code %d", exit_code(proc));
    trace("returncode %d", weft_process_get_returncode(proc));
    trace("wait again %d", exit_code(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

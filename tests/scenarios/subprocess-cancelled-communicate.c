/*
 * subprocess-cancelled-communicate: a cancelled wait leaves the program running; communicate goes
 * on.
 */
#include "support/scenario.h"

static int wait_for_exit(void *proc)
{
    return weft_process_wait(proc, NULL);
}

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_program("cat", NULL, PIPE_IN | PIPE_OUT);
    weft_bytes *out;
    char *line;
    size_t n;

    write_text(weft_process_get_stdin(proc), "first\n");
    WEFT_TRY(weft_stream_readline(weft_process_get_stdout(proc), &line, &n));
    trace("line %.*s", (int)n - 1, line);
    weft_task *task = spawn(wait_for_exit, proc);
    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    if (join(task, NULL) == WEFT_ECANCELED) {
        trace("cancelled, running %s", yes_or_no(is_running(proc)));
    }
    WEFT_TRY(weft_process_communicate(proc, "second\n", 7, &out, NULL));
    trace("out %.*s returncode %d", (int)out->size - 1, out->data,
          weft_process_get_returncode(proc));
    weft_bytes_destroy(out);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

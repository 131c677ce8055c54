/*
 * 240-subprocess-interactive-stdin: talk to a running program: write a line, read its answer,
 * close its input, see it end.
 */
#include "support/scenario.h"

static int story(void *arg)
{
    (void)arg;
    static const char *const texts[] = { "first\n", "second\n" };
    weft_process *proc = start_program("cat", NULL, PIPE_IN | PIPE_OUT);
    weft_stream *in = weft_process_get_stdin(proc);
    weft_stream *out = weft_process_get_stdout(proc);
    char *line;
    size_t n;

    for (size_t i = 0; i < 2; i++) {
        write_text(in, texts[i]);
        WEFT_TRY(weft_stream_drain(in));
        WEFT_TRY(weft_stream_readline(out, &line, &n));
        trace("answer %s", show(line, n));
    }
    MUST(weft_stream_close(in));
    WEFT_TRY(trace_rest("after close", out));
    trace("exit code %d", exit_code(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

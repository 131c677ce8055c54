/*
 * subprocess-stdin-devnull-and-file: input from nowhere, output to a descriptor of one's own, which
 * stays open.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;
    weft_process *proc;
    char number[32];
    char word[32];
    int ends[2];

    MUST(pipe(ends));
    options.in.kind = WEFT_PROCESS_DEVNULL;
    options.out = (weft_process_stdio){ WEFT_PROCESS_FD, ends[1] };
    options.err.kind = WEFT_PROCESS_DEVNULL;
    WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("/bin/sh", "-c", "wc -c; echo error >&2"),
                                         &options, &proc));
    trace("exit code %d", exit_code(proc));
    MUST((int)write(ends[1], "still open\n", 11));
    close(ends[1]);
    FILE *f = MUST_HAVE(fdopen(ends[0], "r"));
    MUST(fscanf(f, " %31s %31[^\n]", number, word));
    trace("['%s', '%s']", number, word);
    fclose(f);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

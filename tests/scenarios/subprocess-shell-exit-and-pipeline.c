/*
 * subprocess-shell-exit-and-pipeline: the shell form runs a line: pipelines, variables, exit codes.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <string.h>

/* The words of a text as Python prints a list of them. */
static void show_words(char *text, char *list, size_t size)
{
    char *rest = NULL;
    int used = snprintf(list, size, "[");

    for (char *word = strtok_r(text, " \n", &rest); word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        used += snprintf(list + used, size - (size_t)used, "%s'%s'", used > 1 ? ", " : "", word);
    }
    snprintf(list + used, size - (size_t)used, "]");
}

static int run(const char *line)
{
    weft_process_options options = with_pipes(PIPE_OUT);
    weft_process *proc;
    weft_bytes *out;
    char list[128];

    WEFT_TRY(weft_create_subprocess_shell(line, &options, &proc));
    WEFT_TRY(weft_process_communicate(proc, NULL, 0, &out, NULL));
    show_words(out->data, list, sizeof list);
    trace("out %s code %d", list, weft_process_get_returncode(proc));
    weft_bytes_destroy(out);
    weft_process_destroy(proc);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    WEFT_TRY(run("printf 'b\\na\\nb\\n' | sort | uniq -c"));
    WEFT_TRY(run("x=5; echo $((x * 2)); exit $x"));
    WEFT_TRY(run("exit 300"));
    return run("kill -9 $$");
}

int main(void)
{
    return scenario_main_real(story);
}

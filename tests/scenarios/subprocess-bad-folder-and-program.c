/*
 * subprocess-bad-folder-and-program: errors of the start are those of the system, for program and
 * folder.
 */
#include "support/scenario.h"

static void attempt(const char *name, const char *program, const weft_process_options *options)
{
    weft_process *proc;

    trace("%s %s", name, err(weft_create_subprocess_exec(WEFT_ARGV(program), options, &proc)));
}

static int story(void *arg)
{
    (void)arg;
    static const char *const other_path[] = { "PATH=/nonexistent", NULL };
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;

    attempt("no program", "/nonexistent/program", NULL);
    attempt("not in PATH", "no-program-of-this-name", NULL);
    attempt("a folder", "/etc", NULL);
    attempt("not executable", "/etc/passwd", NULL);
    options.cwd = "/nonexistent/folder";
    attempt("no folder", "true", &options);
    options.cwd = "/etc/passwd";
    attempt("a file as folder", "true", &options);
    options.cwd = NULL;
    options.env = other_path;
    attempt("other PATH", "true", &options);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

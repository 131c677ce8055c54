/*
 * Shorthands for programs that a scenario starts.
 */

#include "processes.h"

#include "trace.h"

weft_process_options with_pipes(unsigned pipes)
{
    weft_process_options options = WEFT_PROCESS_OPTIONS_INIT;

    options.in.kind = pipes & PIPE_IN ? WEFT_PROCESS_PIPE : WEFT_PROCESS_INHERIT;
    options.out.kind = pipes & PIPE_OUT ? WEFT_PROCESS_PIPE : WEFT_PROCESS_INHERIT;
    options.err.kind = pipes & PIPE_ERR ? WEFT_PROCESS_PIPE : WEFT_PROCESS_INHERIT;
    return options;
}

weft_process *start_program_at(const weft_origin *origin, const char *program, const char *argument,
                               unsigned pipes)
{
    weft_process_options options = with_pipes(pipes);
    weft_process *process = NULL;

    MUST(weft_create_subprocess_exec_at(origin, WEFT_ARGV(program, argument), &options, &process));
    return process;
}

weft_process *start_shell_at(const weft_origin *origin, const char *line, unsigned pipes)
{
    weft_process_options options = with_pipes(pipes);
    weft_process *process = NULL;

    MUST(weft_create_subprocess_exec_at(origin, WEFT_ARGV("/bin/sh", "-c", line), &options,
                                        &process));
    return process;
}

int exit_code(weft_process *process)
{
    int code = 0;

    MUST(weft_process_wait(process, &code));
    return code;
}

int is_running(const weft_process *process)
{
    return weft_process_get_returncode(process) == WEFT_PROCESS_RUNNING;
}

const char *yes_or_no(int is_true)
{
    return is_true ? "True" : "False";
}

const char *show_bytes(weft_bytes *bytes)
{
    const char *text = bytes != NULL ? show(bytes->data, bytes->size) : "none";

    weft_bytes_destroy(bytes);
    return text;
}

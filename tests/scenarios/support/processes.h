#ifndef WEFT_SCENARIO_PROCESSES_H
#define WEFT_SCENARIO_PROCESSES_H

/*
 * processes.h: shorthands for programs that a scenario starts.
 */

#include "weft/weft.h"

/** Which of its standard descriptors are pipes. */
enum pipes {
    NO_PIPE = 0,
    PIPE_IN = 1,
    PIPE_OUT = 2,
    PIPE_ERR = 4
};

/** create_subprocess_exec(program, argument, stdin=PIPE...); <argument> may be NULL. */
#define start_program(program, argument, pipes) \
    start_program_at(WEFT_ORIGIN(NULL), (program), (argument), (pipes))
weft_process *start_program_at(const weft_origin *origin, const char *program, const char *argument,
                               unsigned pipes);
/** create_subprocess_exec("/bin/sh", "-c", line, stdin=PIPE...). */
#define start_shell(line, pipes) start_shell_at(WEFT_ORIGIN(NULL), (line), (pipes))
weft_process *start_shell_at(const weft_origin *origin, const char *line, unsigned pipes);
/** Options with these pipes. */
weft_process_options with_pipes(unsigned pipes);

/** await proc.wait(). */
int exit_code(weft_process *process);
/** proc.returncode is None. */
int is_running(const weft_process *process);
/** A bool as Python prints it. */
const char *yes_or_no(int is_true);
/** Bytes as show() does it, "none" for NULL; they are released. */
const char *show_bytes(weft_bytes *bytes);

#endif

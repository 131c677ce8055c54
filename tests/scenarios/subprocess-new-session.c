/*
 * subprocess-new-session: a new session makes the child the leader of its own session and group.
 */
#include "support/scenario.h"

#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    for (int is_new = 0; is_new < 2; is_new++) {
        weft_process_options options = with_pipes(PIPE_IN);
        weft_process *proc;
        options.start_new_session = is_new;
        WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("cat"), &options, &proc));
        pid_t pid = (pid_t)weft_process_get_pid(proc);
        trace("new %d leads %d %d", is_new, getsid(pid) == pid, getpgid(pid) == pid);
        MUST(weft_stream_close(weft_process_get_stdin(proc)));
        trace("exit code %d", exit_code(proc));
        weft_process_destroy(proc);
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

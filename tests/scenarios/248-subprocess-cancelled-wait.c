/*
 * 248-subprocess-cancelled-wait: cancelling a task that waits for a child leaves the child
 * running.
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
    weft_task *task = spawn(wait_for_exit, proc);
    weft_bytes *out;

    WEFT_TRY(weft_sleep(0));
    MUST(weft_task_cancel(task, NULL));
    wait_one(task);
    trace("waiter cancelled=%d", weft_future_cancelled(task));
    weft_future_unref(task);
    WEFT_TRY(weft_process_communicate(proc, "child is alive", 14, &out, NULL));
    trace("%s exit code %d", show_bytes(out), weft_process_get_returncode(proc));
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

/*
 * 253-signal-graceful-shutdown: The usual daemon pattern: SIGTERM sets an event, the workers are
 * cancelled and cleaned up.
 */
#include "support/scenario.h"

#include <signal.h>
#include <unistd.h>

static int worker(void *name)
{
    int r = weft_sleep(WEFT_S(60));

    trace("%s cleaned up", (const char *)name);
    return r;
}

static int send_sigterm(void *data)
{
    (void)data;
    MUST(kill(getpid(), SIGTERM));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    weft_event *stop = make_event();
    weft_future *group;

    MUST(weft_loop_add_signal_handler(NULL, SIGTERM, set_event, stop));
    weft_task *tasks[] = { spawn(worker, "w1"), spawn(worker, "w2") };
    weft_awaitable *both[] = { tasks[0], tasks[1] };
    MUST(weft_loop_call_later(NULL, WEFT_MS(20), send_sigterm, NULL, NULL));
    WEFT_TRY(weft_event_wait(stop));
    trace("stopping");
    for (int i = 0; i < 2; i++) {
        MUST(weft_task_cancel(tasks[i], NULL));
    }
    MUST(weft_gather(both, 2, WEFT_GATHER_RETURN_EXCEPTIONS, &group));
    WEFT_TRY(join(group, NULL));
    trace("bye");
    drop_all(tasks, 2);
    return weft_event_destroy(stop);
}

int main(void)
{
    return scenario_main_real(story);
}

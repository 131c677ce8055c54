/*
 * 247-subprocess-several-waiters: several tasks may wait for the same child; all get the exit
 * code.
 */
#include "support/scenario.h"

struct waiting {
    const char *name;
    weft_process *proc;
};

static int waiter(void *arg)
{
    const struct waiting *self = arg;
    int code;

    WEFT_TRY(weft_process_wait(self->proc, &code));
    return weft_return_int(code);
}

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_shell("read line; exit 5", PIPE_IN);
    struct waiting waiting[] = { { "a", proc }, { "b", proc } };
    weft_task *tasks[2];
    weft_value value;

    for (size_t i = 0; i < 2; i++) {
        tasks[i] = spawn(waiter, &waiting[i]);
    }
    WEFT_TRY(weft_sleep(0));
    write_text(weft_process_get_stdin(proc), "go\n");
    for (size_t i = 0; i < 2; i++) {
        WEFT_TRY(join(tasks[i], &value));
        trace("%s %d", waiting[i].name, (int)value.as.num);
    }
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

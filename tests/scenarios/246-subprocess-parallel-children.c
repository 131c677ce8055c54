/*
 * 246-subprocess-parallel-children: several children at once: each waiter gets its own child's
 * exit code.
 */
#include "support/scenario.h"

#include <stdio.h>

static int run(void *arg)
{
    char line[32];

    snprintf(line, sizeof line, "exit %d", *(int *)arg);
    weft_process *proc = start_shell(line, NO_PIPE);
    int code = exit_code(proc);
    weft_process_destroy(proc);
    return weft_return_int(code);
}

static int story(void *arg)
{
    (void)arg;
    static int codes[] = { 0, 1, 7, 42 };
    weft_awaitable *coros[4];
    weft_future *all;
    weft_value value;

    for (size_t i = 0; i < 4; i++) {
        coros[i] = weft_coro_create(run, &codes[i]);
    }
    WEFT_TRY(weft_gather(coros, 4, 0, &all));
    WEFT_TRY(join(all, &value));
    const weft_outcomes *outcomes = value.as.ptr;
    trace("%d %d %d %d", (int)outcomes->items[0].value.as.num, (int)outcomes->items[1].value.as.num,
          (int)outcomes->items[2].value.as.num, (int)outcomes->items[3].value.as.num);
    weft_value_clear(&value);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

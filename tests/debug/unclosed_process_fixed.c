/* Ended, waited for, destroyed. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_process *process;

    (void)arg;
    WEFT_TRY(weft_create_subprocess_exec(WEFT_ARGV("sleep", "1000"), NULL, &process));
    WEFT_TRY(weft_process_terminate(process));
    int r = weft_process_wait(process, NULL);
    weft_process_destroy(process);
    return r;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

/* A child process still runs when the loop is closed: it is killed. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_process *process;

    (void)arg;
    return weft_create_subprocess_exec(WEFT_ARGV("sleep", "1000"), NULL, &process);
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

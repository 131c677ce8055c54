/* How long the loop slept, as asked and as it was: a line for each sleep in level full. */
#include <weft/weft.h>

static int main_task(void *arg)
{
    (void)arg;
    weft_log_set_level(WEFT_LOG_DEBUG);
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    weft_log_set_level(WEFT_LOG_INFO);
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

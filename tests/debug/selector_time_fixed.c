/* The figures of all sleeps, without a line for each: weft_loop_get_stats. */
#include <stdio.h>
#include <weft/weft.h>

static int main_task(void *arg)
{
    weft_loop_stats stats = WEFT_LOOP_STATS_INIT;

    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    WEFT_TRY(weft_loop_get_stats(NULL, &stats));
    printf("sleeps with a limit: %s\n", stats.poll_actual.n >= 1 ? "some" : "none");
    return 0;
}

int main(void)
{
    return weft_run(main_task, NULL) == 0 ? 0 : 1;
}

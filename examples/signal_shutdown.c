/* A service that ends well: SIGTERM lets the work in hand finish, cancels what takes too long
 * and leaves nothing behind. Without arguments it sends itself the signal. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

static int on_sigterm(void *stop)
{
    printf("SIGTERM: no new work\n");
    return weft_event_set(stop);
}

static int job(void *arg)
{
    weft_duration takes = *(weft_duration *)arg;
    int r = weft_sleep(takes);
    if (r == WEFT_ECANCELED) {
        printf("the long job cleans up\n"); /* it may wait here, too */
        return r;
    }
    printf("the short job is done\n");
    return r;
}

static int service(void *arg)
{
    weft_duration takes[] = { WEFT_MS(50), WEFT_S(3600) };
    weft_future *jobs[2];
    weft_event *stop;

    (void)arg;
    WEFT_TRY(weft_event_create(&stop));
    WEFT_TRY(weft_loop_add_signal_handler(NULL, SIGTERM, on_sigterm, stop));
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_create_task(weft_coro_create(job, &takes[i]), &jobs[i]));
    }
    kill(getpid(), SIGTERM); /* an operator would do this */
    WEFT_TRY(weft_event_wait(stop));

    int done = weft_wait(jobs, 2, WEFT_MS(200), WEFT_ALL_COMPLETED); /* the grace */
    printf("%d of 2 ended in time\n", done);
    for (int i = 0; i < 2; i++) {
        weft_task_cancel(jobs[i], "shutting down"); /* harmless for what is done */
        weft_await(jobs[i], NULL);
        weft_future_unref(jobs[i]);
    }
    weft_loop_remove_signal_handler(NULL, SIGTERM);
    weft_event_destroy(stop);
    return done < 0 ? done : 0;
}

int main(void)
{
    return weft_run(service, NULL) == 0 ? 0 : 1;
}

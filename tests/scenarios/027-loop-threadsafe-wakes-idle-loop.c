/*
 * 027-loop-threadsafe-wakes-idle-loop: call_soon_threadsafe wakes a loop that has nothing else
 * to do.
 */
#include "support/scenario.h"

#include <pthread.h>

struct story {
    weft_loop *loop;
    struct flag *ready;
    pthread_t main_thread;
};

static int from_thread(void *data)
{
    struct story *story = data;

    trace("callback in loop thread=%d", pthread_equal(pthread_self(), story->main_thread) != 0);
    return weft_loop_stop(NULL);
}

static void *other_thread(void *data)
{
    struct story *story = data;

    flag_wait(story->ready);
    MUST(weft_loop_call_soon_threadsafe(story->loop, from_thread, story, NULL));
    return NULL;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    struct story story = { loop, flag_create(), pthread_self() };
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, other_thread, &story));
    MUST(weft_loop_call_later(loop, WEFT_MS(50), set_flag, story.ready, NULL));
    MUST(weft_loop_run_forever(loop));
    pthread_join(thread, NULL);
    trace("woken");
    flag_destroy(story.ready);
    end_loop(loop);
    return 0;
}

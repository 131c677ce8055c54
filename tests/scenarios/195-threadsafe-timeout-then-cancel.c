/*
 * 195-threadsafe-timeout-then-cancel: A thread that loses patience gets TimeoutError; cancelling
 * the handle cancels the task in the loop.
 */
#include "support/scenario.h"

struct story {
    weft_loop *loop;
    weft_event *ended;
    int result;       /* what the thread's wait came to */
    int cancel;       /* and its cancel */
    int is_cancelled; /* and what the handle said then */
    int is_done;
};

static int slow(void *arg)
{
    struct story *story = arg;
    int r = weft_sleep(WEFT_S(60));

    if (r < 0) {
        trace("task %s", err(r));
    }
    MUST(weft_event_set(story->ended));
    return r;
}

static int worker(void *arg)
{
    struct story *story = arg;
    weft_concurrent_future *future;

    MUST(weft_run_coroutine_threadsafe(weft_coro_create(slow, story), story->loop, &future));
    story->result = weft_concurrent_future_result(future, WEFT_MS(50), NULL);
    story->cancel = weft_concurrent_future_cancel(future);
    story->is_cancelled = weft_concurrent_future_cancelled(future);
    story->is_done = weft_concurrent_future_done(future);
    weft_concurrent_future_unref(future);
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct story story = { .loop = weft_get_running_loop(), .ended = make_event() };
    weft_future *job;

    MUST(weft_loop_run_in_executor(NULL, NULL, worker, &story, &job));
    WEFT_TRY(weft_event_wait(story.ended));
    trace("loop side ended");
    WEFT_TRY(join(job, NULL));
    trace("thread: %s", err(story.result));
    trace("thread: cancel=%d", story.cancel == 0);
    trace("thread: cancelled=%d done=%d", story.is_cancelled, story.is_done);
    return weft_event_destroy(story.ended);
}

int main(void)
{
    return scenario_main_real(story);
}

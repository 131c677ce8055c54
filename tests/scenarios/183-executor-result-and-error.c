/*
 * 183-executor-result-and-error: A function run in the thread pool hands its result or its error
 * to the awaiting task.
 */
#include "support/scenario.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_t loop_thread;

static int work(void *arg)
{
    int n = *(const int *)arg;

    if (n < 0) {
        return weft_fail(VALUE_ERROR, "negative");
    }
    char *text = MUST_HAVE(malloc(64));
    snprintf(text, 64, "n=%d in loop thread=%d", n,
             pthread_equal(pthread_self(), loop_thread) != 0);
    return weft_return_ptr(text, free);
}

static int story(void *arg)
{
    (void)arg;
    int good = 3;
    int bad = -1;
    weft_future *future;
    weft_value value;

    loop_thread = pthread_self();
    MUST(weft_loop_run_in_executor(NULL, NULL, work, &good, &future));
    WEFT_TRY(join(future, &value));
    trace("%s", text_of(value));
    weft_value_clear(&value);
    MUST(weft_loop_run_in_executor(NULL, NULL, work, &bad, &future));
    int r = join(future, NULL);
    if (r < 0) {
        trace("%s %s", err(r), message(r));
    }
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

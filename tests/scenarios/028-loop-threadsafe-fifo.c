/*
 * 028-loop-threadsafe-fifo: Callbacks handed over by one thread keep their order, and a handed-
 * over handle can be cancelled from the loop.
 */
#include "support/scenario.h"

#include <pthread.h>

enum {
    N_ITEMS = 5
};

struct story {
    weft_loop *loop;
    weft_handle *handles[N_ITEMS];
    int numbers[N_ITEMS];
};

static int print_item(void *data)
{
    const int *number = data;

    trace("item %d", *number);
    return 0;
}

static void *other_thread(void *data)
{
    struct story *story = data;

    for (int i = 0; i < N_ITEMS; i++) {
        story->numbers[i] = i;
        MUST(weft_loop_call_soon_threadsafe(story->loop, print_item, &story->numbers[i],
                                            &story->handles[i]));
    }
    return NULL;
}

int main(void)
{
    weft_loop *loop = make_real_loop();
    struct story story = { .loop = loop };
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, other_thread, &story));
    pthread_join(thread, NULL);
    MUST(weft_handle_cancel(story.handles[3]));
    MUST(weft_loop_call_soon(loop, stop_loop, NULL, NULL));
    MUST(weft_loop_run_forever(loop));
    for (int i = 0; i < N_ITEMS; i++) {
        weft_handle_unref(story.handles[i]);
    }
    end_loop(loop);
    return 0;
}

/*
 * 199-threadsafe-queue-fed-by-thread: A thread feeds a loop-side queue through
 * call_soon_threadsafe.
 */
#include "support/scenario.h"

#include <pthread.h>
#include <string.h>

struct feeder {
    weft_loop *loop;
    weft_queue *q;
};

/* What a call carries to the loop: the queue and the item. */
struct delivery {
    weft_queue *q;
    const char *item;
};

static int deliver(void *arg)
{
    const struct delivery *delivery = arg;

    put_text(delivery->q, delivery->item);
    return 0;
}

static struct delivery deliveries[5];

static void *feed(void *arg)
{
    static const char *const items[] = { "0", "1", "2", "3", "end" };
    const struct feeder *me = arg;

    for (int i = 0; i < 5; i++) {
        deliveries[i] = (struct delivery){ me->q, items[i] };
        MUST(weft_loop_call_soon_threadsafe(me->loop, deliver, &deliveries[i], NULL));
    }
    return NULL;
}

static int story(void *arg)
{
    (void)arg;
    struct feeder feeder = { weft_get_running_loop(), make_queue(0) };
    weft_value item = weft_value_ptr("", NULL);
    pthread_t thread;

    MUST(-pthread_create(&thread, NULL, feed, &feeder));
    while (strcmp(text_of(item), "end") != 0) {
        WEFT_TRY(weft_queue_get(feeder.q, &item));
        trace("got %s", text_of(item));
    }
    pthread_join(thread, NULL);
    return weft_queue_destroy(feeder.q);
}

int main(void)
{
    return scenario_main_real(story);
}

/* Producers and consumers over a queue of four places, which holds the fast back for the slow. */
#include <stdio.h>
#include <weft/weft.h>

enum {
    N_PRODUCERS = 2,
    N_CONSUMERS = 3,
    N_ITEMS = 50,
    PLACES = 4
};

static weft_queue *queue;
static int64_t sum;
static size_t most;

static int produce(void *arg)
{
    (void)arg;
    for (int i = 1; i <= N_ITEMS; i++) {
        WEFT_TRY(weft_queue_put(queue, weft_value_int(i))); /* waits while it is full */
        most = weft_queue_qsize(queue) > most ? weft_queue_qsize(queue) : most;
    }
    return 0;
}

static int consume(void *arg)
{
    weft_value item;
    int r;

    (void)arg;
    while ((r = weft_queue_get(queue, &item)) == 0) {
        WEFT_TRY(weft_sleep(WEFT_US(100))); /* some work */
        sum += item.as.num;
        WEFT_TRY(weft_queue_task_done(queue));
    }
    return r == WEFT_EQUEUESHUTDOWN ? 0 : r; /* no more will come */
}

static int work(void *arg)
{
    weft_future *produced;
    weft_awaitable *producers[N_PRODUCERS];
    weft_task_group *consumers = weft_task_group_create();

    (void)arg;
    WEFT_TRY(weft_queue_create(PLACES, &queue));
    WEFT_TRY(weft_task_group_enter(consumers));
    for (int i = 0; i < N_CONSUMERS; i++) {
        weft_task_group_create_task(consumers, weft_coro_create(consume, NULL), NULL);
    }
    for (int i = 0; i < N_PRODUCERS; i++) {
        producers[i] = weft_coro_create(produce, NULL);
    }
    int r = weft_gather(producers, N_PRODUCERS, 0, &produced);
    if (r == 0) {
        r = weft_await(produced, NULL);
        weft_future_unref(produced);
    }
    if (r == 0) {
        r = weft_queue_join(queue); /* until all of it is done */
    }
    weft_queue_shutdown(queue, /* immediate = */ 0);
    r = weft_task_group_exit(consumers, r);
    weft_task_group_destroy(consumers);
    weft_queue_destroy(queue);
    printf("sum %lld, at most %zu in the queue\n", (long long)sum, most);
    return r;
}

int main(void)
{
    return weft_run(work, NULL) == 0 ? 0 : 1;
}

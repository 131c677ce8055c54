/* Producers and consumers: `producer_consumer` has two producers fill a queue of four places,
 * and three consumers empty it; the queue holds the fast back for the slow. */
#include <stdio.h>
#include <weft/weft.h>

enum {
    N_PRODUCERS = 2,
    N_CONSUMERS = 3,
    N_ITEMS = 50,
    PLACES = 4
};

struct works {
    weft_queue *queue;
    int64_t sum;
    size_t most_queued;
    int n_consumed;
};

static int produce(void *arg)
{
    struct works *works = arg;

    for (int i = 1; i <= N_ITEMS; i++) {
        WEFT_TRY(weft_queue_put(works->queue, weft_value_int(i))); /* waits while it is full */
        size_t n = weft_queue_qsize(works->queue);
        works->most_queued = n > works->most_queued ? n : works->most_queued;
    }
    return 0;
}

static int consume(void *arg)
{
    struct works *works = arg;
    weft_value item;

    for (;;) {
        int r = weft_queue_get(works->queue, &item);
        if (r == WEFT_EQUEUESHUTDOWN) {
            return 0; /* no more will come */
        }
        WEFT_TRY(r);
        WEFT_TRY(weft_sleep(WEFT_US(100))); /* some work */
        works->sum += item.as.num;
        works->n_consumed++;
        WEFT_TRY(weft_queue_task_done(works->queue));
    }
}

static int produce_all(void *arg)
{
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);

    if (r == 0) {
        for (int i = 0; i < N_PRODUCERS; i++) {
            weft_task_group_create_task(group, weft_coro_create(produce, arg), NULL);
        }
        r = weft_task_group_exit(group, 0);
    }
    weft_task_group_destroy(group);
    return r;
}

static int work(void *arg)
{
    struct works *works = arg;

    WEFT_TRY(weft_queue_create(PLACES, &works->queue));
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);
    if (r == 0) {
        for (int i = 0; i < N_CONSUMERS; i++) {
            weft_task_group_create_task(group, weft_coro_create(consume, works), NULL);
        }
        r = produce_all(works);
        if (r == 0) {
            r = weft_queue_join(works->queue); /* until all of it is done */
        }
        weft_queue_shutdown(works->queue, /* immediate = */ 0);
        r = weft_task_group_exit(group, r);
    }
    weft_task_group_destroy(group);
    weft_queue_destroy(works->queue);
    return r;
}

int main(void)
{
    struct works works = { 0 };

    if (weft_run(work, &works) < 0) {
        return 1;
    }
    printf("%d items, sum %lld, at most %zu in the queue\n", works.n_consumed, (long long)works.sum,
           works.most_queued);
    return works.n_consumed == N_PRODUCERS * N_ITEMS &&
                   works.sum == (int64_t)N_PRODUCERS * N_ITEMS * (N_ITEMS + 1) / 2 &&
                   works.most_queued <= PLACES
               ? 0
               : 1;
}

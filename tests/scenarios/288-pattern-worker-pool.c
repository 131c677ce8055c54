/*
 * 288-pattern-worker-pool: Three workers drain one queue; join waits for the last item, then the
 * idle workers are cancelled.
 */
#include "support/scenario.h"

#include <stdlib.h>

enum {
    N_WORKERS = 3,
    N_ITEMS = 8
};

struct pool {
    weft_queue *q;
    int results[N_ITEMS];
    int n_results;
};

static int worker(void *arg)
{
    struct pool *pool = arg;

    for (;;) {
        int n;
        WEFT_TRY(wait_get(pool->q, &n));
        WEFT_TRY(weft_sleep(0));
        pool->results[pool->n_results++] = n * n;
        MUST(weft_queue_task_done(pool->q));
    }
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int story(void *arg)
{
    (void)arg;
    struct pool pool = { .q = make_queue(0) };
    const int *r = pool.results;
    weft_awaitable *workers[N_WORKERS];
    weft_future *all = NULL;
    weft_value value = weft_value_none();
    int n_cancelled = 0;

    for (int i = 0; i < N_WORKERS; i++) {
        workers[i] = spawn(worker, &pool);
    }
    for (int n = 0; n < N_ITEMS; n++) {
        put_number(pool.q, n);
    }
    WEFT_TRY(weft_queue_join(pool.q));
    qsort(pool.results, N_ITEMS, sizeof pool.results[0], by_size);
    trace("%d %d %d %d %d %d %d %d", r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
    for (int i = 0; i < N_WORKERS; i++) {
        MUST(weft_task_cancel(workers[i], NULL));
    }
    MUST(weft_gather(workers, N_WORKERS, WEFT_GATHER_RETURN_EXCEPTIONS, &all));
    WEFT_TRY(join(all, &value));
    const weft_outcomes *ends = value.as.ptr;
    for (size_t i = 0; i < ends->n; i++) {
        n_cancelled += ends->items[i].code == WEFT_ECANCELED;
        weft_future_unref(workers[i]);
    }
    trace("cancelled workers %d", n_cancelled);
    weft_value_clear(&value);
    return weft_queue_destroy(pool.q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * sync-queue-get-with-limit: Time limits around get and put: what is late changes nothing.
 */
#include "support/scenario.h"

static int get_late(void *q)
{
    return weft_queue_get(q, NULL);
}

static int put_late(void *q)
{
    return weft_queue_put(q, weft_value_ptr("late", NULL));
}

static int get_one(void *q)
{
    weft_value item;

    WEFT_TRY(weft_queue_get(q, &item));
    return weft_return(item);
}

static int put_in_time(void *q)
{
    return weft_queue_put_nowait(q, weft_value_ptr("in time", NULL));
}

static int in_time(weft_coro_fn *fn, weft_queue *q, weft_value *out_item)
{
    weft_timeout *scope = MUST_HAVE(weft_timeout_create(WEFT_S(1)));

    WEFT_TRY(weft_timeout_enter(scope));
    int r = weft_timeout_exit(scope, weft_call(fn, q, out_item));
    weft_timeout_destroy(scope);
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(1);
    weft_value item = weft_value_none();

    if (in_time(get_late, q, NULL) == WEFT_ETIMEDOUT) {
        trace("get TimeoutError size %zu", weft_queue_qsize(q));
    }
    put_text(q, "first");
    if (in_time(put_late, q, NULL) == WEFT_ETIMEDOUT) {
        trace("put TimeoutError size %zu", weft_queue_qsize(q));
    }
    trace("got %s", get_text(q));
    MUST(weft_loop_call_later(NULL, WEFT_MS(500), put_in_time, q, NULL));
    WEFT_TRY(in_time(get_one, q, &item));
    trace("got %s", text_of(item));
    if (weft_wait_for(weft_coro_create(get_one, q), 0, NULL) == WEFT_ETIMEDOUT) {
        trace("zero TimeoutError");
    }
    put_text(q, "there");
    WEFT_TRY(weft_wait_for(weft_coro_create(get_one, q), WEFT_S(5), &item));
    trace("got %s size %zu", text_of(item), weft_queue_qsize(q));
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

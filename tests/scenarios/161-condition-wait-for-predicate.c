/*
 * 161-condition-wait-for-predicate: wait_for goes back to waiting until its predicate holds.
 */
#include "support/scenario.h"

struct shop {
    weft_condition *cond;
    const char *items[2];
    int n_items;
};

static int enough(void *data)
{
    const struct shop *shop = data;

    trace("predicate with %d", shop->n_items);
    return shop->n_items >= 2;
}

static int consumer(void *arg)
{
    struct shop *shop = arg;

    WEFT_TRY(weft_condition_acquire(shop->cond));
    int r = weft_condition_wait_for(shop->cond, enough, shop);
    if (r == 0) {
        trace("consumer has %s %s", shop->items[0], shop->items[1]);
    }
    MUST(weft_condition_release(shop->cond));
    return r;
}

static int story(void *arg)
{
    (void)arg;
    static const char *const names[] = { "x", "y" };
    struct shop shop = { .cond = make_condition(NULL) };
    weft_task *task = spawn(consumer, &shop);

    WEFT_TRY(weft_sleep(0));
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_condition_acquire(shop.cond));
        shop.items[shop.n_items++] = names[i];
        MUST(weft_condition_notify(shop.cond, 1));
        MUST(weft_condition_release(shop.cond));
        WEFT_TRY(turns(4));
    }
    WEFT_TRY(join(task, NULL));
    return weft_condition_destroy(shop.cond);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * sync-queue-stolen-room: A woken producer whose room was filled meanwhile goes back to the end
 * of the line.
 */
#include "support/scenario.h"

struct party {
    const char *name;
    weft_queue *q;
};

static int producer(void *arg)
{
    const struct party *me = arg;
    int item = me->name[0] - '0';
    int r = wait_put(me->q, item);

    trace("%d %s", item, r < 0 ? err(r) : "put");
    return r;
}

static int story(void *arg)
{
    (void)arg;
    weft_queue *q = make_queue(1);
    struct party parties[] = { { "1", q }, { "2", q }, { "3", q } };
    weft_task *tasks[3];

    put_number(q, 0);
    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(producer, &parties[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(8);
    trace("got %d", get_number(q));
    put_number(q, 9);
    WEFT_TRY(weft_sleep(0));
    for (int i = 0; i < 4; i++) {
        int item = 0;
        WEFT_TRY(wait_get(q, &item));
        trace("got %d", item);
        WEFT_TRY(weft_sleep(0));
    }
    wait_all(tasks, 3);
    trace("size %zu", weft_queue_qsize(q));
    drop_all(tasks, 3);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

/*
 * sync-queue-priority-decides-late: A priority queue decides at the moment of taking, not of
 * waking; and waits when it is full.
 */
#include "support/scenario.h"

struct job {
    int prio;
    const char *text;
};

struct party {
    const char *name;
    weft_queue *q;
    struct job *job;
};

static int compare(const weft_value *a, const weft_value *b, void *data)
{
    const struct job *first = a->as.ptr;
    const struct job *second = b->as.ptr;

    (void)data;
    return first->prio - second->prio;
}

static int consumer(void *arg)
{
    const struct party *me = arg;
    weft_value item;

    WEFT_TRY(weft_queue_get(me->q, &item));
    const struct job *job = item.as.ptr;
    trace("%s got %d %s", me->name, job->prio, job->text);
    return 0;
}

static int producer(void *arg)
{
    const struct party *me = arg;

    WEFT_TRY(weft_queue_put(me->q, weft_value_ptr(me->job, NULL)));
    trace("put %d %s size %zu", me->job->prio, me->job->text, weft_queue_qsize(me->q));
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct job jobs[] = { { 5, "five" }, { 1, "one" },  { 3, "three" },
                          { 4, "four" }, { 0, "zero" }, { 2, "two" } };
    weft_queue *q = NULL;
    MUST(weft_priority_queue_create(3, compare, NULL, &q));
    struct party parties[] = { { "a", q, NULL },    { "b", q, NULL },    { "c", q, NULL },
                               { "", q, &jobs[3] }, { "", q, &jobs[4] }, { "", q, &jobs[5] } };
    weft_task *tasks[6];

    for (int i = 0; i < 3; i++) {
        tasks[i] = spawn(consumer, &parties[i]);
    }
    WEFT_TRY(weft_sleep(0));
    start_ticks(3);
    for (int i = 0; i < 3; i++) {
        MUST(weft_queue_put_nowait(q, weft_value_ptr(&jobs[i], NULL)));
    }
    trace("full=%d", weft_queue_full(q));
    for (int i = 3; i < 6; i++) {
        tasks[i] = spawn(producer, &parties[i]);
    }
    wait_all(tasks, 6);
    while (!weft_queue_empty(q)) {
        weft_value item = weft_value_none();
        MUST(weft_queue_get_nowait(q, &item));
        const struct job *job = item.as.ptr;
        trace("%d %s", job->prio, job->text);
    }
    drop_all(tasks, 6);
    return weft_queue_destroy(q);
}

int main(void)
{
    return scenario_main(story);
}

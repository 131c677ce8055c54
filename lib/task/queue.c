/*
 * Queue: items between producers and consumers, as asyncio's, with the shutdown of
 * CPython 3.13.
 *
 * A woken waiter leaves its line at once and has no claim: whoever asks first gets
 * the item or the room, and the woken one goes to the end of the line. If it is
 * cancelled instead it wakes the next, so that no item stays with a sleeping
 * consumer. An item is taken out at the moment it is handed over, never before.
 *
 * Invariant: unfinished = items in the queue + items taken out and not reported done.
 *
 * Thread: the home's (sync.h).
 */

#include "weft/queue.h"

#include "base/alloc.h"
#include "base/mutant.h"
#include "task/items.h"
#include "task/sync.h"

#define MAGIC 0x77665155u

struct weft_queue {
    struct wf_line line;    /* first; its waiters are the consumers */
    struct wf_list putters; /* of struct wf_line_waiter.link */
    struct wf_list joiners; /* as above; these stay in it until they resume */
    struct wf_items items;
    int64_t maxsize;
    uint64_t n_unfinished;
    bool is_shut_down;
};

/* ---- life --------------------------------------------------------------- */

static int create(const weft_origin *origin, int64_t maxsize, enum wf_items_order order,
                  weft_compare_fn *compare, void *data, weft_queue **out_queue)
{
    if (out_queue == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "no place for the queue");
    }
    weft_queue *queue = wf_new(weft_queue);
    if (queue == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a queue");
    }
    wf_line_init(&queue->line, MAGIC, "queue", origin);
    wf_list_init(&queue->putters);
    wf_list_init(&queue->joiners);
    wf_items_init(&queue->items, order, compare, data);
    queue->maxsize = maxsize;
    *out_queue = queue;
    return 0;
}

int weft_queue_create_at(const weft_origin *origin, int64_t maxsize, weft_queue **out_queue)
{
    return create(origin, maxsize, WF_ITEMS_FIFO, NULL, NULL, out_queue);
}

int weft_lifo_queue_create_at(const weft_origin *origin, int64_t maxsize, weft_queue **out_queue)
{
    return create(origin, maxsize, WF_ITEMS_LIFO, NULL, NULL, out_queue);
}

int weft_priority_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                  weft_compare_fn *compare, void *data, weft_queue **out_queue)
{
    return create(origin, maxsize, WF_ITEMS_PRIORITY, compare, data, out_queue);
}

static int check(const weft_queue *queue)
{
    return wf_line_check(queue, MAGIC, "queue");
}

/* Before a change. */
static int enter(weft_queue *queue)
{
    int r = check(queue);

    if (r == 0) {
        wf_line_settle(&queue->line, /* is_free = */ true);
    }
    return r;
}

int weft_queue_destroy(weft_queue *queue)
{
    if (queue == NULL) {
        return 0;
    }
    int r = check(queue);
    if (r == 0) {
        r = wf_line_fini(&queue->line);
    }
    if (r == 0) {
        wf_items_fini(&queue->items);
        wf_free(queue);
    }
    return r;
}

/* ---- waiting ------------------------------------------------------------ */

static bool is_full(const weft_queue *queue)
{
    return queue->maxsize > 0 && queue->items.n >= (size_t)queue->maxsize;
}

static bool is_empty(const weft_queue *queue)
{
    return queue->items.n == 0;
}

/* Wake the first who is not cancelled; it leaves the line. */
static void wake_next(struct wf_list *list)
{
    struct wf_list *link;

    while ((link = wf_list_take_first(list)) != NULL && !wf_line_wake(link)) {
    }
}

static void wake_all(struct wf_list *list)
{
    struct wf_list *link;

    while ((link = wf_list_take_first(list)) != NULL) {
        (void)wf_line_wake(link); /* cancelled already: fine */
    }
}

static int refuse_shut_down(void)
{
    return weft_fail(WEFT_EQUEUESHUTDOWN, "the queue is shut down");
}

/* ---- putting ------------------------------------------------------------ */

static int put_now(weft_queue *queue, weft_value item)
{
    if (queue->is_shut_down) {
        return refuse_shut_down();
    }
    if (is_full(queue)) {
        return weft_fail(WEFT_EQUEUEFULL, "the queue is full");
    }
    int r = wf_items_reserve(&queue->items);
    if (r < 0) {
        wake_next(&queue->putters); /* the room that we may have been woken for */
        return weft_fail(r, "no memory for an item of the queue");
    }
    wf_items_add(&queue->items, item);
    queue->n_unfinished++;
    wake_next(&queue->line.waiters);
    return 0;
}

int weft_queue_put_nowait(weft_queue *queue, weft_value item)
{
    int r = enter(queue);

    return r < 0 ? r : put_now(queue, item);
}

int weft_queue_put(weft_queue *queue, weft_value item)
{
    struct wf_task *task;
    bool is_woken;
    int r = enter(queue);

    if (r == 0) {
        r = wf_task_require("weft_queue_put", &task);
    }
    if (r < 0) {
        return r;
    }
    while (is_full(queue)) {
        if (queue->is_shut_down) {
            return refuse_shut_down();
        }
        r = wf_line_wait(&queue->line, &queue->putters, "queue.put", &is_woken);
        if (r < 0) {
            if (is_woken && !is_full(queue)) {
                wake_next(&queue->putters); /* the room is somebody else's */
            }
            return r;
        }
    }
    return put_now(queue, item);
}

/* ---- getting ------------------------------------------------------------ */

static int get_now(weft_queue *queue, weft_value *out_item)
{
    if (is_empty(queue)) {
        return queue->is_shut_down ? refuse_shut_down()
                                   : weft_fail(WEFT_EQUEUEEMPTY, "the queue is empty");
    }
    weft_value item = wf_items_take(&queue->items);
    wake_next(&queue->putters);
    if (out_item != NULL) {
        *out_item = item;
    } else {
        weft_value_clear(&item);
    }
    return 0;
}

int weft_queue_get_nowait(weft_queue *queue, weft_value *out_item)
{
    int r = enter(queue);

    return r < 0 ? r : get_now(queue, out_item);
}

int weft_queue_get(weft_queue *queue, weft_value *out_item)
{
    struct wf_task *task;
    bool is_woken;
    int r = enter(queue);

    if (r == 0) {
        r = wf_task_require("weft_queue_get", &task);
    }
    if (r < 0) {
        return r;
    }
    while (is_empty(queue)) {
        if (queue->is_shut_down) {
            return refuse_shut_down();
        }
        r = wf_line_wait(&queue->line, &queue->line.waiters, "queue.get", &is_woken);
        if (r < 0) {
            if (is_woken && !is_empty(queue) && !WF_MUTANT("queue-forgets-next-getter")) {
                wake_next(&queue->line.waiters); /* the item is somebody else's */
            }
            return r;
        }
    }
    return get_now(queue, out_item);
}

/* ---- being done --------------------------------------------------------- */

static void wake_joiners(weft_queue *queue)
{
    struct wf_list *joiners = &queue->joiners;

    for (struct wf_list *link = joiners->next; link != joiners; link = link->next) {
        (void)wf_line_wake(link); /* woken already: fine */
    }
}

int weft_queue_task_done(weft_queue *queue)
{
    int r = enter(queue);

    if (r < 0) {
        return r;
    }
    if (queue->n_unfinished == 0) {
        return weft_fail(WEFT_EINVAL, "task_done() called too many times");
    }
    if (--queue->n_unfinished == 0) {
        wake_joiners(queue);
    }
    return 0;
}

int weft_queue_join(weft_queue *queue)
{
    struct wf_task *task;
    bool is_woken;
    int r = enter(queue);

    if (r < 0 || (WF_MUTANT("join-counts-items") ? is_empty(queue) : queue->n_unfinished == 0)) {
        return r;
    }
    r = wf_task_require("weft_queue_join", &task);
    return r < 0 ? r : wf_line_wait(&queue->line, &queue->joiners, "queue.join", &is_woken);
}

/* The items go one by one: a destructor may use the queue, but not destroy it. */
static void drop_items(weft_queue *queue)
{
    queue->line.n_inside++;
    while (!is_empty(queue)) {
        weft_value item = wf_items_take(&queue->items);
        if (queue->n_unfinished > 0) {
            queue->n_unfinished--;
        }
        weft_value_clear(&item);
    }
    queue->line.n_inside--;
    if (queue->n_unfinished == 0) {
        wake_joiners(queue);
    }
}

int weft_queue_shutdown(weft_queue *queue, int immediate)
{
    int r = enter(queue);

    if (r < 0) {
        return r;
    }
    queue->is_shut_down = true;
    if (immediate) {
        drop_items(queue);
    }
    wake_all(&queue->line.waiters);
    wake_all(&queue->putters);
    return 0;
}

/* ---- looking ------------------------------------------------------------ */

size_t weft_queue_qsize(const weft_queue *queue)
{
    return check(queue) == 0 ? queue->items.n : 0;
}

int64_t weft_queue_maxsize(const weft_queue *queue)
{
    return check(queue) == 0 ? queue->maxsize : 0;
}

int weft_queue_empty(const weft_queue *queue)
{
    return check(queue) < 0 || is_empty(queue);
}

int weft_queue_full(const weft_queue *queue)
{
    return check(queue) == 0 && is_full(queue);
}

/*
 * The threadsafe queue: a ring of items, and two lines.
 *
 * What a waiter is granted is a number, not an item: one of the items for a consumer
 * (promised), one of the free slots for a producer (reserved). It takes or puts the
 * item itself when it comes back, so that nothing is on its way while nobody holds
 * it: a waiter that does not come gives its number back, and no item has moved.
 *
 *     ring     [ promised | free to take |      | reserved | free to fill ]
 *
 * Invariant, whenever the mutex is let go: consumers are in line only when every
 * item is promised, producers only when every slot is used or reserved; and nobody
 * is in line for what a shutdown has made impossible. settle() restores it.
 *
 * Thread: any.
 */

#include "base/alloc.h"
#include "bridge/threadsafe.h"

static weft_threadsafe_queue *queue_of(struct wf_shared *shared)
{
    return WF_CONTAINER_OF(shared, weft_threadsafe_queue, shared);
}

/* ---- under the mutex ---------------------------------------------------- */

static bool has_item(const weft_threadsafe_queue *queue)
{
    return queue->n > queue->n_promised;
}

static bool has_room(const weft_threadsafe_queue *queue)
{
    return queue->n + queue->n_reserved < queue->capacity;
}

static void refuse_all(struct wf_list *line)
{
    while (!wf_list_is_empty(line)) {
        (void)wf_shared_wake(line, WEFT_EQUEUESHUTDOWN); /* or its loop has closed: out as well */
    }
}

/* Grant what there is, in the order of coming. */
static void settle(weft_threadsafe_queue *queue)
{
    while (has_item(queue) && !wf_list_is_empty(&queue->getters)) {
        queue->n_promised += wf_shared_wake(&queue->getters, 0);
    }
    if (queue->is_shut_down) {
        refuse_all(&queue->putters);
        if (queue->n == 0) {
            refuse_all(&queue->getters);
        }
        return;
    }
    while (has_room(queue) && !wf_list_is_empty(&queue->putters)) {
        queue->n_reserved += wf_shared_wake(&queue->putters, 0);
    }
}

static void put_item(weft_threadsafe_queue *queue, weft_value item)
{
    size_t place = queue->first + queue->n++;

    queue->ring[place < queue->capacity ? place : place - queue->capacity] = item;
    settle(queue);
}

static weft_value take_item(weft_threadsafe_queue *queue)
{
    weft_value item = queue->ring[queue->first];

    queue->first = queue->first + 1 < queue->capacity ? queue->first + 1 : 0;
    queue->n--;
    settle(queue);
    return item;
}

/* A waiter that was granted something has vanished with its loop. */
static void hand_on(struct wf_shared *shared, struct wf_list *line)
{
    weft_threadsafe_queue *queue = queue_of(shared);

    if (line == &queue->getters) {
        queue->n_promised--;
    } else {
        queue->n_reserved--;
    }
    settle(queue);
}

/* ---- life --------------------------------------------------------------- */

static void destroy(struct wf_shared *shared)
{
    weft_threadsafe_queue *queue = queue_of(shared);

    for (; queue->n > 0; queue->n--) {
        weft_value_clear(&queue->ring[queue->first]);
        queue->first = queue->first + 1 < queue->capacity ? queue->first + 1 : 0;
    }
    wf_free(queue->ring);
    wf_free(queue);
}

static const struct wf_shared_ops ops = { "threadsafe queue", 0x77665451u, hand_on, destroy };

int weft_threadsafe_queue_create_at(const weft_origin *origin, int64_t maxsize,
                                    weft_threadsafe_queue **out_queue)
{
    if (out_queue == NULL || maxsize < 1) {
        return weft_fail_at(origin, WEFT_EINVAL,
                            out_queue == NULL ? "no place for the queue"
                                              : "a threadsafe queue is bounded: maxsize >= 1");
    }
    weft_threadsafe_queue *queue = wf_new(weft_threadsafe_queue);
    if (queue != NULL) {
        queue->ring = wf_new_array(weft_value, (size_t)maxsize);
    }
    if (queue == NULL || queue->ring == NULL) {
        wf_free(queue);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a threadsafe queue");
    }
    wf_shared_init(&queue->shared, &ops, origin);
    wf_list_init(&queue->getters);
    wf_list_init(&queue->putters);
    queue->capacity = (size_t)maxsize;
    *out_queue = queue;
    return 0;
}

weft_threadsafe_queue *weft_threadsafe_queue_ref(weft_threadsafe_queue *queue)
{
    return wf_shared_ref(queue, &ops);
}

weft_threadsafe_queue *weft_threadsafe_queue_unref(weft_threadsafe_queue *queue)
{
    wf_shared_unref(queue, &ops);
    return NULL;
}

/* ---- putting ------------------------------------------------------------ */

/* With the mutex held. */
static int wait_and_put(weft_threadsafe_queue *queue, weft_value item, weft_duration limit,
                        struct wf_stay *stay)
{
    int r = wf_shared_wait(&queue->shared, &queue->putters, limit, stay);

    if (stay->is_granted) {
        queue->n_reserved--;
    }
    if (r == 0 && queue->is_shut_down) {
        r = WEFT_EQUEUESHUTDOWN;
    }
    if (r == 0) {
        put_item(queue, item);
    } else {
        settle(queue);
    }
    return r;
}

/* With the mutex held: 0, WEFT_EQUEUESHUTDOWN or WEFT_EQUEUEFULL. */
static int put_now(weft_threadsafe_queue *queue, weft_value item)
{
    if (queue->is_shut_down) {
        return WEFT_EQUEUESHUTDOWN;
    }
    if (!has_room(queue)) {
        return WEFT_EQUEUEFULL;
    }
    put_item(queue, item);
    return 0;
}

int weft_threadsafe_queue_put(weft_threadsafe_queue *queue, weft_value item, weft_duration limit)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_enter(queue, &ops);

    if (r < 0) {
        return r;
    }
    r = put_now(queue, item);
    if (r == WEFT_EQUEUEFULL) {
        r = wait_and_put(queue, item, limit, &stay);
    }
    return wf_shared_leave(&queue->shared, &stay, r);
}

int weft_threadsafe_queue_put_nowait(weft_threadsafe_queue *queue, weft_value item)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_check(queue, &ops);

    if (r < 0) {
        return r;
    }
    wf_shared_lock(&queue->shared);
    return wf_shared_leave(&queue->shared, &stay, put_now(queue, item));
}

/* ---- getting ------------------------------------------------------------ */

/* With the mutex held. */
static int wait_and_get(weft_threadsafe_queue *queue, weft_duration limit, struct wf_stay *stay,
                        weft_value *out_item)
{
    int r = wf_shared_wait(&queue->shared, &queue->getters, limit, stay);

    if (stay->is_granted) {
        queue->n_promised--;
    }
    if (r == 0 && queue->n == 0) { /* an immediate shutdown took what was promised */
        r = WEFT_EQUEUESHUTDOWN;
    }
    if (r == 0) {
        *out_item = take_item(queue);
    } else {
        settle(queue);
    }
    return r;
}

/* With the mutex held: 0, WEFT_EQUEUESHUTDOWN or WEFT_EQUEUEEMPTY. */
static int get_now(weft_threadsafe_queue *queue, weft_value *out_item)
{
    if (!has_item(queue)) {
        return queue->is_shut_down && queue->n == 0 ? WEFT_EQUEUESHUTDOWN : WEFT_EQUEUEEMPTY;
    }
    *out_item = take_item(queue);
    return 0;
}

/* Without the mutex: hand the item over. */
static int deliver_item(int r, weft_value item, weft_value *out_item)
{
    if (r == 0 && out_item != NULL) {
        *out_item = item;
    } else {
        weft_value_clear(&item);
    }
    return r;
}

int weft_threadsafe_queue_get(weft_threadsafe_queue *queue, weft_duration limit,
                              weft_value *out_item)
{
    struct wf_stay stay = { 0 };
    weft_value item = weft_value_none();
    int r = wf_shared_enter(queue, &ops);

    if (r < 0) {
        return r;
    }
    r = get_now(queue, &item);
    if (r == WEFT_EQUEUEEMPTY) {
        r = wait_and_get(queue, limit, &stay, &item);
    }
    return deliver_item(wf_shared_leave(&queue->shared, &stay, r), item, out_item);
}

int weft_threadsafe_queue_get_nowait(weft_threadsafe_queue *queue, weft_value *out_item)
{
    struct wf_stay stay = { 0 };
    weft_value item = weft_value_none();
    int r = wf_shared_check(queue, &ops);

    if (r < 0) {
        return r;
    }
    wf_shared_lock(&queue->shared);
    r = get_now(queue, &item);
    return deliver_item(wf_shared_leave(&queue->shared, &stay, r), item, out_item);
}

/* ---- the end ------------------------------------------------------------ */

int weft_threadsafe_queue_shutdown(weft_threadsafe_queue *queue, int immediate)
{
    struct wf_stay stay = { 0 };
    int r = wf_shared_check(queue, &ops);

    if (r < 0) {
        return r;
    }
    wf_shared_lock(&queue->shared);
    wf_shared_keep(&queue->shared, &stay);
    queue->is_shut_down = true;
    settle(queue);
    while (immediate && queue->n > 0) { /* nothing comes in any more */
        weft_value item = take_item(queue);
        wf_shared_unlock(&queue->shared);
        weft_value_clear(&item);
        wf_shared_lock(&queue->shared);
    }
    return wf_shared_leave(&queue->shared, &stay, 0);
}

/* ---- looking ------------------------------------------------------------ */

size_t weft_threadsafe_queue_qsize(weft_threadsafe_queue *queue)
{
    if (wf_shared_check(queue, &ops) < 0) {
        return 0;
    }
    wf_shared_lock(&queue->shared);
    size_t n = queue->n;
    wf_shared_unlock(&queue->shared);
    return n;
}

int64_t weft_threadsafe_queue_maxsize(const weft_threadsafe_queue *queue)
{
    return wf_shared_check(queue, &ops) < 0 ? 0 : (int64_t)queue->capacity;
}

/*
 * Items in order: a ring, a stack or a binary heap in one growing array.
 *
 * The heap orders by (what compare says, sequence), so that equal items come out in
 * the order in which they came; heapq leaves that to the items themselves. Adding and
 * taking cost O(1), in the heap O(log n). An array that has become large is given
 * back when it is empty.
 *
 * Thread: whoever owns the items.
 */

#include "task/items.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/mutant.h"

#include <string.h>

enum {
    FIRST_CAPACITY = 8,
    KEPT_CAPACITY = 1024
};

void wf_items_init(struct wf_items *items, enum wf_items_order order, weft_compare_fn *compare,
                   void *data)
{
    *items = (struct wf_items){ .order = order, .compare = compare, .compare_data = data };
}

int wf_items_reserve(struct wf_items *items)
{
    if (items->n < items->capacity) {
        return 0;
    }
    size_t capacity = items->capacity > 0 ? 2 * items->capacity : FIRST_CAPACITY;
    struct wf_item *ring = wf_new_array(struct wf_item, capacity);
    if (ring == NULL) {
        return WEFT_ENOMEM;
    }
    if (items->n > 0) { /* full: from the first to the end, then the rest */
        size_t n_tail = items->n - items->first;
        memcpy(ring, items->ring + items->first, n_tail * sizeof *ring);
        memcpy(ring + n_tail, items->ring, items->first * sizeof *ring);
    }
    wf_free(items->ring);
    items->ring = ring;
    items->first = 0;
    items->capacity = capacity;
    return 0;
}

/* ---- the heap ----------------------------------------------------------- */

static bool is_before(const struct wf_items *items, const struct wf_item *a,
                      const struct wf_item *b)
{
    int order = 0;

    if (items->compare != NULL) {
        order = items->compare(&a->value, &b->value, items->compare_data);
    } else if (a->value.as.num != b->value.as.num) {
        order = a->value.as.num < b->value.as.num ? -1 : 1;
    }
    return order != 0 ? order < 0 : a->sequence < b->sequence;
}

static void swap(struct wf_item *a, struct wf_item *b)
{
    struct wf_item other = *a;

    *a = *b;
    *b = other;
}

static void sift_up(struct wf_items *items, size_t i)
{
    struct wf_item *heap = items->ring;

    while (i > 0 && is_before(items, &heap[i], &heap[(i - 1) / 2])) {
        swap(&heap[i], &heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct wf_items *items)
{
    struct wf_item *heap = items->ring;
    size_t i = 0;

    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < items->n; child++) {
            if (is_before(items, &heap[child], &heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

/* ---- in and out --------------------------------------------------------- */

void wf_items_add(struct wf_items *items, weft_value value)
{
    size_t place = (items->first + items->n) & (items->capacity - 1);

    WF_ASSERT(items->n < items->capacity);
    items->ring[place] = (struct wf_item){ value, items->next_sequence++ };
    items->n++;
    if (items->order == WF_ITEMS_PRIORITY) {
        sift_up(items, place);
    }
}

static weft_value take_first(struct wf_items *items)
{
    weft_value value = items->ring[items->first].value;

    items->first = (items->first + 1) & (items->capacity - 1);
    items->n--;
    return value;
}

static weft_value take_least(struct wf_items *items)
{
    weft_value value = items->ring[0].value;

    items->ring[0] = items->ring[--items->n];
    sift_down(items);
    return value;
}

static void drop_ring(struct wf_items *items)
{
    wf_free(items->ring);
    items->ring = NULL;
    items->first = 0;
    items->capacity = 0;
}

weft_value wf_items_take(struct wf_items *items)
{
    weft_value value;

    WF_ASSERT(items->n > 0);
    if (items->order == WF_ITEMS_PRIORITY) {
        value = take_least(items);
    } else if (items->order == WF_ITEMS_LIFO || WF_MUTANT("lifo-queue")) {
        value = items->ring[(items->first + --items->n) & (items->capacity - 1)].value;
    } else {
        value = take_first(items);
    }
    if (items->n == 0 && items->capacity > KEPT_CAPACITY) {
        drop_ring(items);
    }
    return value;
}

void wf_items_fini(struct wf_items *items)
{
    while (items->n > 0) {
        weft_value value = wf_items_take(items);
        weft_value_clear(&value);
    }
    drop_ring(items);
}

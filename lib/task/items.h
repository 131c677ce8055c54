#ifndef WF_TASK_ITEMS_H
#define WF_TASK_ITEMS_H

/*
 * The items of a queue in the order in which they come out: a ring for first in
 * first out, a stack, or a heap. It grows as needed; memory is taken before an item
 * is added, so that adding and taking cannot fail.
 *
 * Thread: whoever owns it.
 */

#include "weft/queue.h"

#include <stddef.h>
#include <stdint.h>

enum wf_items_order {
    WF_ITEMS_FIFO,
    WF_ITEMS_LIFO,
    WF_ITEMS_PRIORITY
};

struct wf_item {
    weft_value value;
    uint64_t sequence; /* of coming: equal ones come out in this order */
};

struct wf_items {
    enum wf_items_order order;
    weft_compare_fn *compare; /* NULL: they are numbers */
    void *compare_data;
    struct wf_item *ring; /* owned; a stack or heap begins at 0 */
    size_t first;         /* of a ring */
    size_t n;
    size_t capacity; /* a power of 2, or 0 */
    uint64_t next_sequence;
};

void wf_items_init(struct wf_items *items, enum wf_items_order order, weft_compare_fn *compare,
                   void *data);
/* Room for one item more: 0 or WEFT_ENOMEM. */
int wf_items_reserve(struct wf_items *items);
/* After wf_items_reserve. */
void wf_items_add(struct wf_items *items, weft_value value);
/* The next one; there must be one. */
weft_value wf_items_take(struct wf_items *items);
/* Destroy all that is left, and the memory. */
void wf_items_fini(struct wf_items *items);

#endif

#ifndef WF_BASE_HEAP_H
#define WF_BASE_HEAP_H

/*
 * A 4-ary min-heap of timers, ordered by (deadline, sequence), so that equal
 * deadlines come out in the order they went in. The key stands beside the
 * pointer: sifting touches the array only, and the object once, to tell it its
 * new place. Adding and removing cost O(log n) with a quarter of a binary
 * heap's cache lines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lives in the object. index is SIZE_MAX while outside the heap. */
struct wf_heap_node {
    size_t index;
};

struct wf_heap_entry {
    int64_t key;
    uint64_t sequence;
    struct wf_heap_node *node; /* borrowed: removed before it goes */
};

struct wf_heap {
    struct wf_heap_entry *entries; /* owned */
    size_t n_entries;
    size_t capacity;
    uint64_t next_sequence;
};

#define WF_HEAP_NOWHERE SIZE_MAX

void wf_heap_init(struct wf_heap *heap);
void wf_heap_fini(struct wf_heap *heap);
/* WEFT_ENOMEM, and nothing is changed. */
int wf_heap_add(struct wf_heap *heap, int64_t key, struct wf_heap_node *node);
/* No-op for a node outside. */
void wf_heap_remove(struct wf_heap *heap, struct wf_heap_node *node);
/* The least entry, or NULL. */
const struct wf_heap_entry *wf_heap_peek(const struct wf_heap *heap);

static inline void wf_heap_node_init(struct wf_heap_node *node)
{
    node->index = WF_HEAP_NOWHERE;
}

static inline bool wf_heap_node_is_linked(const struct wf_heap_node *node)
{
    return node->index != WF_HEAP_NOWHERE;
}

#endif

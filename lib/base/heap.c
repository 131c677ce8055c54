/*
 * The timer heap. See heap.h for the shape.
 *
 * Invariant: entries[i].node->index == i, and no child is less than its parent.
 */

#include "base/heap.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "weft/error.h"

enum {
    ARITY = 4,
    FIRST_CAPACITY = 64,
    /* A heap that is larger and nearly empty gives memory back. */
    LEAST_SHRUNK = 4096
};

void wf_heap_init(struct wf_heap *heap)
{
    *heap = (struct wf_heap){ 0 };
}

void wf_heap_fini(struct wf_heap *heap)
{
    wf_free(heap->entries);
    wf_heap_init(heap);
}

static bool is_less(const struct wf_heap_entry *a, const struct wf_heap_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->sequence < b->sequence);
}

static void place(struct wf_heap *heap, size_t i, struct wf_heap_entry entry)
{
    heap->entries[i] = entry;
    entry.node->index = i;
}

static void sift_up(struct wf_heap *heap, size_t i, struct wf_heap_entry entry)
{
    while (i > 0) {
        size_t parent = (i - 1) / ARITY;
        if (!is_less(&entry, &heap->entries[parent])) {
            break;
        }
        place(heap, i, heap->entries[parent]);
        i = parent;
    }
    place(heap, i, entry);
}

static size_t least_child(const struct wf_heap *heap, size_t first)
{
    size_t end = first + ARITY < heap->n_entries ? first + ARITY : heap->n_entries;
    size_t least = first;

    for (size_t i = first + 1; i < end; i++) {
        if (is_less(&heap->entries[i], &heap->entries[least])) {
            least = i;
        }
    }
    return least;
}

static void sift_down(struct wf_heap *heap, size_t i, struct wf_heap_entry entry)
{
    for (;;) {
        size_t first = i * ARITY + 1;
        if (first >= heap->n_entries) {
            break;
        }
        size_t child = least_child(heap, first);
        if (!is_less(&heap->entries[child], &entry)) {
            break;
        }
        place(heap, i, heap->entries[child]);
        i = child;
    }
    place(heap, i, entry);
}

static int grow(struct wf_heap *heap)
{
    size_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity * 2;
    struct wf_heap_entry *entries = wf_realloc(heap->entries, capacity * sizeof *entries);

    if (entries == NULL) {
        return WEFT_ENOMEM;
    }
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

/* After a spike. Half of the capacity stays free, so that growing and shrinking do not alternate.
 */
static void shrink(struct wf_heap *heap)
{
    size_t capacity = heap->capacity / 4;
    struct wf_heap_entry *entries = wf_realloc(heap->entries, capacity * sizeof *entries);

    if (entries != NULL) {
        heap->entries = entries;
        heap->capacity = capacity;
    }
}

static void maybe_shrink(struct wf_heap *heap)
{
    if (heap->capacity > LEAST_SHRUNK && heap->n_entries < heap->capacity / 8) {
        shrink(heap);
    }
}

int wf_heap_add(struct wf_heap *heap, int64_t key, struct wf_heap_node *node)
{
    WF_ASSERT(node->index == WF_HEAP_NOWHERE);
    if (heap->n_entries == heap->capacity) {
        int r = grow(heap);
        if (r < 0) {
            return r;
        }
    }
    struct wf_heap_entry entry = { key, heap->next_sequence++, node };
    sift_up(heap, heap->n_entries++, entry);
    return 0;
}

void wf_heap_remove(struct wf_heap *heap, struct wf_heap_node *node)
{
    size_t i = node->index;

    if (i == WF_HEAP_NOWHERE) {
        return;
    }
    WF_ASSERT(i < heap->n_entries && heap->entries[i].node == node);
    node->index = WF_HEAP_NOWHERE;
    struct wf_heap_entry last = heap->entries[--heap->n_entries];
    if (i < heap->n_entries) {
        if (i > 0 && is_less(&last, &heap->entries[(i - 1) / ARITY])) {
            sift_up(heap, i, last);
        } else {
            sift_down(heap, i, last);
        }
    }
    maybe_shrink(heap);
}

const struct wf_heap_entry *wf_heap_peek(const struct wf_heap *heap)
{
    return heap->n_entries > 0 ? &heap->entries[0] : NULL;
}

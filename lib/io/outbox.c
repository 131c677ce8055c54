/*
 * The queue of bytes that wait to be sent.
 *
 * Small writes share a chunk; what is larger than a chunk gets one of its own
 * size, so that an append makes one allocation at most.
 *
 * Thread: the owner's.
 */

#include "io/outbox.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

enum {
    CHUNK_SIZE = 16384 /* of a chunk for small writes, with its head */
};

struct wf_outbox_chunk {
    struct wf_outbox_chunk *next; /* owned */
    size_t start;
    size_t end;
    size_t capacity;
    char data[]; /* data[start..end) waits */
};

/* A last chunk with room for <size> more bytes. NULL without memory. */
static struct wf_outbox_chunk *room_for(struct wf_outbox *outbox, size_t size)
{
    struct wf_outbox_chunk *last = outbox->last;
    size_t capacity = CHUNK_SIZE - sizeof *last;

    if (last != NULL && last->capacity - last->end >= size) {
        return last;
    }
    if (capacity < size) {
        capacity = size;
    }
    struct wf_outbox_chunk *chunk = wf_alloc(sizeof *chunk + capacity);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (struct wf_outbox_chunk){ NULL, 0, 0, capacity };
    if (last != NULL) {
        last->next = chunk;
    } else {
        outbox->first = chunk;
    }
    outbox->last = chunk;
    return chunk;
}

int wf_outbox_append(struct wf_outbox *outbox, const weft_buffer *buffers, size_t n, size_t total,
                     size_t skip)
{
    WF_ASSERT(skip < total);
    struct wf_outbox_chunk *chunk = room_for(outbox, total - skip);

    if (chunk == NULL) {
        return WEFT_ENOMEM;
    }
    outbox->size += total - skip;
    for (size_t i = 0; i < n; i++) {
        if (skip >= buffers[i].size) {
            skip -= buffers[i].size;
            continue;
        }
        size_t len = buffers[i].size - skip;
        memcpy(chunk->data + chunk->end, (const char *)buffers[i].data + skip, len);
        chunk->end += len;
        skip = 0;
    }
    return 0;
}

size_t wf_outbox_peek(const struct wf_outbox *outbox, struct iovec *pieces, size_t n,
                      size_t *out_total)
{
    size_t n_pieces = 0;

    *out_total = 0;
    for (struct wf_outbox_chunk *c = outbox->first; c != NULL && n_pieces < n; c = c->next) {
        pieces[n_pieces++] = (struct iovec){ c->data + c->start, c->end - c->start };
        *out_total += c->end - c->start;
    }
    return n_pieces;
}

static void drop_first(struct wf_outbox *outbox)
{
    struct wf_outbox_chunk *chunk = outbox->first;

    outbox->first = chunk->next;
    if (outbox->first == NULL) {
        outbox->last = NULL;
    }
    wf_free(chunk);
}

void wf_outbox_consume(struct wf_outbox *outbox, size_t n)
{
    WF_ASSERT(n <= outbox->size);
    outbox->size -= n;
    while (n > 0) {
        struct wf_outbox_chunk *chunk = outbox->first;
        size_t len = chunk->end - chunk->start;
        if (n < len) {
            chunk->start += n;
            return;
        }
        n -= len;
        drop_first(outbox);
    }
}

void wf_outbox_clear(struct wf_outbox *outbox)
{
    while (outbox->first != NULL) {
        drop_first(outbox);
    }
    outbox->size = 0;
}

/*
 * The queue of bytes that wait to be sent.
 *
 * Small writes share a chunk. What the last chunk has no room for goes on in a new
 * one, of its size where that is more than a chunk's: each but the last is full, so
 * that the queue takes no more memory than its bytes and one chunk, and an append
 * makes one allocation at most.
 *
 * Thread: the owner's.
 */

#include "io/outbox.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

enum {
    CHUNK_SIZE = 8192 /* of a chunk for small writes, with its head */
};

struct wf_outbox_chunk {
    struct wf_outbox_chunk *next; /* owned */
    size_t start;
    size_t end;
    size_t capacity;
    char data[]; /* data[start..end) waits */
};

static size_t room_of(const struct wf_outbox_chunk *chunk)
{
    return chunk == NULL ? 0 : chunk->capacity - chunk->end;
}

/* A new last chunk with room for <size> bytes. NULL without memory. */
static struct wf_outbox_chunk *add_chunk(struct wf_outbox *outbox, size_t size)
{
    size_t capacity = CHUNK_SIZE - sizeof(struct wf_outbox_chunk);

    if (capacity < size) {
        capacity = size;
    }
    struct wf_outbox_chunk *chunk = wf_alloc(sizeof *chunk + capacity);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (struct wf_outbox_chunk){ NULL, 0, 0, capacity };
    if (outbox->last != NULL) {
        outbox->last->next = chunk;
    } else {
        outbox->first = chunk;
    }
    outbox->last = chunk;
    return chunk;
}

/* Copy to the end of <chunk>, and what it has no room for to the one behind it, which is left. */
static struct wf_outbox_chunk *fill(struct wf_outbox_chunk *chunk, const char *data, size_t size)
{
    while (size > 0) {
        size_t len = room_of(chunk) < size ? room_of(chunk) : size;
        memcpy(chunk->data + chunk->end, data, len);
        chunk->end += len;
        data += len;
        size -= len;
        if (size > 0) {
            chunk = chunk->next;
        }
    }
    return chunk;
}

int wf_outbox_append(struct wf_outbox *outbox, const weft_buffer *buffers, size_t n, size_t total,
                     size_t skip)
{
    WF_ASSERT(skip < total);
    struct wf_outbox_chunk *chunk = outbox->last;
    size_t room = room_of(chunk);

    if (total - skip > room) {
        struct wf_outbox_chunk *more = add_chunk(outbox, total - skip - room);
        if (more == NULL) {
            return WEFT_ENOMEM;
        }
        chunk = room > 0 ? chunk : more;
    }
    outbox->size += total - skip;
    for (size_t i = 0; i < n; i++) {
        size_t left_out = skip < buffers[i].size ? skip : buffers[i].size;
        skip -= left_out;
        if (left_out < buffers[i].size) {
            chunk =
                fill(chunk, (const char *)buffers[i].data + left_out, buffers[i].size - left_out);
        }
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

#ifndef WF_IO_OUTBOX_H
#define WF_IO_OUTBOX_H

/*
 * Bytes that wait to be sent, in order: a chain of chunks, filled at the one end
 * and sent from the other.
 *
 * Invariant: <size> is the sum of the chunks' bytes; no chunk in the chain is empty.
 *
 * Thread: the owner's.
 */

#include "weft/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct wf_outbox_chunk;

struct wf_outbox {
    struct wf_outbox_chunk *first; /* owned */
    struct wf_outbox_chunk *last;
    size_t size;
};

static inline bool wf_outbox_is_empty(const struct wf_outbox *outbox)
{
    return outbox->size == 0;
}

/*
 * Append all but the first <skip> of the buffers' <total> bytes, of which some must be left.
 * WEFT_ENOMEM, with nothing appended.
 */
int wf_outbox_append(struct wf_outbox *outbox, const weft_buffer *buffers, size_t n, size_t total,
                     size_t skip);
/* The first bytes, in at most <n> pieces: how many pieces, and how many bytes. */
size_t wf_outbox_peek(const struct wf_outbox *outbox, struct iovec *pieces, size_t n,
                      size_t *out_total);
/* The first <n> bytes were sent. */
void wf_outbox_consume(struct wf_outbox *outbox, size_t n);
/* Drop all. */
void wf_outbox_clear(struct wf_outbox *outbox);

#endif

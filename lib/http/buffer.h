#ifndef WF_HTTP_BUFFER_H
#define WF_HTTP_BUFFER_H

/*
 * Bytes that grow at the end. All zero is an empty buffer without memory.
 */

#include <stdbool.h>
#include <stddef.h>

struct wf_http_buffer {
    char *data; /* owned */
    size_t len;
    size_t cap;
};

/* The slow half of wf_http_buffer_reserve. */
int wf_http_buffer_grow(struct wf_http_buffer *buffer, size_t n);

/* Make room for <n> more bytes. Errors: WEFT_ENOMEM, the buffer is as it was. */
static inline int wf_http_buffer_reserve(struct wf_http_buffer *buffer, size_t n)
{
    return n <= buffer->cap - buffer->len ? 0 : wf_http_buffer_grow(buffer, n);
}

/* Append a copy of <size> bytes. Errors: WEFT_ENOMEM, the buffer is as it was. */
int wf_http_buffer_append(struct wf_http_buffer *buffer, const void *data, size_t size);
/* Empty it; keep its memory unless that is more than <keep> bytes. */
void wf_http_buffer_clear(struct wf_http_buffer *buffer, size_t keep);
void wf_http_buffer_fini(struct wf_http_buffer *buffer);

#endif

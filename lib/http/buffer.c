/*
 * Bytes that grow at the end, by doubling, so that appending is linear in all.
 * The first block is small: a client that sends its head a byte a minute must
 * not cost more than what it sends.
 */

#include "buffer.h"

#include "weft/alloc.h"
#include "weft/error.h"

#include <stdint.h>
#include <string.h>

enum {
    SMALLEST = 1024
};

int wf_http_buffer_grow(struct wf_http_buffer *buffer, size_t n)
{
    if (n > SIZE_MAX / 2 - buffer->len) {
        return WEFT_ENOMEM;
    }

    size_t cap = buffer->cap < SMALLEST ? SMALLEST : buffer->cap;
    while (cap - buffer->len < n) {
        cap *= 2;
    }
    char *data = weft_realloc(buffer->data, cap);
    if (data == NULL) {
        return WEFT_ENOMEM;
    }
    buffer->data = data;
    buffer->cap = cap;
    return 0;
}

int wf_http_buffer_append(struct wf_http_buffer *buffer, const void *data, size_t size)
{
    int r = wf_http_buffer_reserve(buffer, size);

    if (r < 0) {
        return r;
    }
    if (size > 0) {
        memcpy(buffer->data + buffer->len, data, size);
        buffer->len += size;
    }
    return 0;
}

void wf_http_buffer_clear(struct wf_http_buffer *buffer, size_t keep)
{
    buffer->len = 0;
    if (buffer->cap > keep) {
        wf_http_buffer_fini(buffer);
    }
}

void wf_http_buffer_fini(struct wf_http_buffer *buffer)
{
    weft_free(buffer->data);
    *buffer = (struct wf_http_buffer){ 0 };
}

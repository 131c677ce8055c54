/*
 * Bytes that are handed over whole: a head and the data in one block.
 *
 * Thread: any; one owner at a time.
 */

#include "weft/bytes.h"

#include "base/alloc.h"

#include <string.h>

weft_bytes *weft_bytes_create(const void *data, size_t size)
{
    size_t total;

    if (__builtin_add_overflow(size, sizeof(weft_bytes) + 1, &total)) {
        return NULL;
    }
    weft_bytes *bytes = wf_alloc(total);
    if (bytes == NULL) {
        return NULL;
    }
    bytes->size = size;
    bytes->data = (char *)(bytes + 1);
    if (data != NULL) {
        memcpy(bytes->data, data, size);
    } else {
        memset(bytes->data, 0, size);
    }
    bytes->data[size] = '\0';
    return bytes;
}

void weft_bytes_destroy(void *bytes)
{
    wf_free(bytes);
}

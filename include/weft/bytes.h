#ifndef WEFT_BYTES_H
#define WEFT_BYTES_H

/*
 * bytes.h: a piece of memory that is handed over whole.
 *
 * What a program wrote, what a job in another process answered: Python's
 * `bytes`. One block, never changed in size, with one owner; it travels in a
 * weft_value with weft_bytes_destroy as its destructor.
 *
 *     weft_bytes *text = weft_bytes_create("hello", 5);
 *     return weft_return_ptr(text, weft_bytes_destroy);
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/** <size> bytes at <data>, with a zero byte behind them that is not counted. */
typedef struct weft_bytes {
    size_t size;
    char *data; /* in the same block */
} weft_bytes;

/**
 * Make a copy of <size> bytes at <data>; NULL data makes bytes that are zero.
 *
 * Thread: any.
 * Owns:   the caller owns the result: weft_bytes_destroy.
 * Errors: NULL without memory.
 */
WEFT_API WEFT_NODISCARD weft_bytes *weft_bytes_create(const void *data, size_t size);

/** Release <bytes>, a weft_bytes; NULL is a no-op. Thread: any. Owns: consumes. */
WEFT_API void weft_bytes_destroy(void *bytes);

WEFT_END_DECLS

#endif

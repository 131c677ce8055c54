#ifndef WEFT_ALLOC_H
#define WEFT_ALLOC_H

/*
 * alloc.h: where the library's memory comes from.
 *
 * The default is malloc, so a program decides by what it links (jemalloc must
 * be linked into the executable, not into a library). A program that wants
 * another source names it before the first other call.
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/** Three functions with the contract of malloc, realloc and free. */
typedef struct weft_allocator {
    void *(*alloc)(size_t size, void *data);
    void *(*realloc)(void *pointer, size_t size, void *data);
    void (*free)(void *pointer, void *data);
    void *data;
} weft_allocator;

/**
 * Let all memory of the library come from <allocator>.
 *
 * Thread: during init, before any other call of the library.
 * Owns:   the struct is copied; NULL restores malloc.
 * Errors: WEFT_EINVAL when a function is missing; WEFT_EINVALIDSTATE when memory was
 *         already handed out.
 */
WEFT_API int weft_set_allocator(const weft_allocator *allocator);

/**
 * Memory from that source, for libraries that are built on this one.
 *
 * Thread: any.
 * Owns:   the caller owns the block and gives it to weft_free.
 * Errors: NULL without memory.
 */
WEFT_API void *weft_malloc(size_t size);
/** As realloc(3); on failure <pointer> stays valid. Thread: any. Owns: consumes <pointer> on
 * success; the caller owns the result. */
WEFT_API void *weft_realloc(void *pointer, size_t size);
/** Give a block back; NULL is a no-op. Thread: any. Owns: consumes. */
WEFT_API void weft_free(void *pointer);

WEFT_END_DECLS

#endif

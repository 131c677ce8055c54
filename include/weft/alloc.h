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

WEFT_END_DECLS

#endif

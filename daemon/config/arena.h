/*
 * Memory that is freed all at once: a loaded config and everything it points to has one owner.
 *
 * What is handed out is zeroed. A request that fails, for want of memory or because the limit is
 * reached, gives NULL and sets <failed> for good, so that a caller deep in a recursion may just
 * return and whoever started it looks at the flag.
 *
 * Thread: any, one at a time.
 */
#ifndef WEFT_DAEMON_CONFIG_ARENA_H
#define WEFT_DAEMON_CONFIG_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct config_chunk;

struct config_arena {
    struct config_chunk *chunks; /* owned */
    size_t used;                 /* bytes handed out */
    size_t limit;
    bool failed;
};

void config_arena_init(struct config_arena *arena, size_t limit);
void config_arena_fini(struct config_arena *arena);

/** <size> zeroed bytes, aligned for anything, or NULL. */
void *config_arena_alloc(struct config_arena *arena, size_t size);

/** Zeroed memory for <count> elements, or NULL; the product is checked. */
void *config_arena_array(struct config_arena *arena, size_t count, size_t size);

/** A copy with a NUL behind it, or NULL. */
char *config_arena_copy(struct config_arena *arena, const char *text, size_t length);

char *config_arena_printf(struct config_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *config_arena_vprintf(struct config_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif

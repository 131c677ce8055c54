/*
 * The arena: a list of chunks, filled from the front.
 *
 * A chunk's size is CHUNK_SIZE or, for a larger request, the request's. Nothing is ever given
 * back before the end; a config is small and lives as a whole.
 */
#include "config/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_SIZE = 16 * 1024,
    ALIGNMENT = 16
};

struct config_chunk {
    struct config_chunk *next;
    size_t used;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

void config_arena_init(struct config_arena *arena, size_t limit)
{
    memset(arena, 0, sizeof *arena);
    arena->limit = limit;
}

void config_arena_fini(struct config_arena *arena)
{
    struct config_chunk *chunk = arena->chunks;

    while (chunk != NULL) {
        struct config_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena->chunks = NULL;
}

static struct config_chunk *chunk_with_room(struct config_arena *arena, size_t size)
{
    struct config_chunk *chunk = arena->chunks;

    if (chunk != NULL && chunk->size - chunk->used >= size) {
        return chunk;
    }

    size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    chunk = calloc(1, sizeof *chunk + room);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->size = room;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *config_arena_alloc(struct config_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size == 0) {
        size = ALIGNMENT;
    }
    if (arena->failed || size > arena->limit - arena->used) {
        arena->failed = true;
        return NULL;
    }

    struct config_chunk *chunk = chunk_with_room(arena, size);
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    arena->used += size;
    return memory;
}

void *config_arena_array(struct config_arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        arena->failed = true;
        return NULL;
    }
    return config_arena_alloc(arena, total);
}

char *config_arena_copy(struct config_arena *arena, const char *text, size_t length)
{
    char *copy = config_arena_alloc(arena, length + 1);

    if (copy != NULL && length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *config_arena_vprintf(struct config_arena *arena, const char *format, va_list arguments)
{
    va_list again;

    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : config_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

char *config_arena_printf(struct config_arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = config_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

/*
 * Pieces of memory that a snapshot is made of: structs, texts, places, lists, stacks.
 *
 * Texts and origins that never change are read once and known by their address: most tasks are
 * made at a few places, and so cost no further reads.
 *
 * Thread: that of the snapshot.
 */

#include "inspect/reader.h"

#include "base/list.h"
#include "base/text.h"
#include "coro/context.h"
#include "weft/base.h"

#include <string.h>

enum {
    MAX_STATIC_TEXT = 256,
    N_PROBES = 16 /* places that are looked at for a known text */
};

bool wf_see(struct wf_reader *reader, uint64_t address, void *to, size_t size)
{
    return address != 0 && wf_memory_read(&reader->memory, address, to, size) == 0;
}

bool wf_is_asked(const struct wf_reader *reader, unsigned part)
{
    return (reader->options->parts & part) != 0;
}

/* ---- texts -------------------------------------------------------------- */

const char *wf_keep_text(struct wf_reader *reader, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wf_arena_take(reader->arena, size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

const char *wf_see_text(struct wf_reader *reader, uint64_t address, size_t max)
{
    char text[MAX_STATIC_TEXT];
    size_t size = max < sizeof text ? max + 1 : sizeof text;

    if (address == 0 || wf_memory_read_text(&reader->memory, address, text, size) < 0) {
        return NULL;
    }
    return wf_keep_text(reader, text);
}

static size_t hash_of(uint64_t address)
{
    return (size_t)((address * 0x9e3779b97f4a7c15u) >> 32);
}

const char *wf_see_static_text(struct wf_reader *reader, uint64_t address)
{
    size_t at = hash_of(address);
    struct wf_known_text *known = NULL;

    for (size_t i = 0; i < N_PROBES; i++) {
        known = &reader->texts[(at + i) % WF_READER_N_KNOWN];
        if (known->address == address) {
            return known->text;
        }
        if (known->address == 0) {
            break;
        }
    }
    const char *text = wf_see_text(reader, address, MAX_STATIC_TEXT - 1);
    if (known->address == 0 && address != 0) {
        *known = (struct wf_known_text){ address, text };
    }
    return text;
}

static struct wf_seen_place read_place(struct wf_reader *reader, uint64_t address)
{
    struct wf_seen_place place = { NULL, NULL, NULL, 0 };
    weft_origin origin;

    if (wf_see(reader, address, &origin, sizeof origin)) {
        place.function = wf_see_static_text(reader, WF_ADDRESS(origin.function));
        place.file = wf_see_static_text(reader, WF_ADDRESS(origin.file));
        place.what = wf_see_static_text(reader, WF_ADDRESS(origin.what));
        place.line = origin.line;
        if (place.file != NULL) {
            place.file = wf_text_file_name(place.file);
        }
    }
    return place;
}

struct wf_seen_place wf_see_place(struct wf_reader *reader, uint64_t address)
{
    size_t at = hash_of(address);
    struct wf_known_place *known = NULL;

    for (size_t i = 0; i < N_PROBES; i++) {
        known = &reader->places[(at + i) % WF_READER_N_KNOWN];
        if (known->address == address) {
            return known->place;
        }
        if (known->address == 0) {
            break;
        }
    }
    struct wf_seen_place place = read_place(reader, address);
    if (known->address == 0 && address != 0) {
        *known = (struct wf_known_place){ address, place };
    }
    return place;
}

/* ---- lists -------------------------------------------------------------- */

static bool see_node(struct wf_reader *reader, uint64_t node, struct wf_list *out_node)
{
    return wf_see(reader, node, out_node, sizeof *out_node);
}

/*
 * From the end back to the break: only what forward did not reach, so it stops at <last>, the last
 * one that was seen. What was taken out or put in meanwhile is missing or, at worst, seen twice.
 */
static void walk_backward(struct wf_reader *reader, uint64_t head, uint64_t last, size_t max,
                          wf_see_fn *see, void *data)
{
    struct wf_list at;
    uint64_t next = head;

    if (!see_node(reader, head, &at)) {
        return;
    }
    for (uint64_t node = WF_ADDRESS(at.prev); node != head && node != last && max > 0; max--) {
        if (!see_node(reader, node, &at) || WF_ADDRESS(at.next) != next ||
            !see(reader, node, data)) {
            return;
        }
        next = node;
        node = WF_ADDRESS(at.prev);
    }
}

bool wf_walk(struct wf_reader *reader, uint64_t head, size_t max, wf_see_fn *see, void *data)
{
    struct wf_list at;
    uint64_t before = head;

    if (!see_node(reader, head, &at)) {
        return false;
    }
    for (uint64_t node = WF_ADDRESS(at.next); node != head;) {
        if (max-- == 0) {
            return true;
        }
        if (!see_node(reader, node, &at) || WF_ADDRESS(at.prev) != before) {
            walk_backward(reader, head, before, max, see, data);
            return false;
        }
        if (!see(reader, node, data)) {
            return true;
        }
        before = node;
        node = WF_ADDRESS(at.next);
    }
    return true;
}

/* ---- stacks ------------------------------------------------------------- */

struct wf_stack_sample *wf_see_stack(struct wf_reader *reader, const struct wf_registers *registers,
                                     uint64_t stack_high)
{
    struct wf_stack_sample *sample = wf_arena_take(reader->arena, sizeof *sample);
    size_t size = WF_STACK_SLICE;

    if (stack_high > registers->sp && stack_high - registers->sp < size) {
        size = (size_t)(stack_high - registers->sp);
    }
    char *bytes = sample != NULL ? wf_arena_take(reader->arena, size) : NULL;
    if (bytes == NULL) {
        return NULL;
    }
    /* Without bytes it still names one frame. */
    (void)wf_stack_take(&reader->memory, registers, stack_high, bytes, size, sample);
    return sample;
}

#ifndef WF_INSPECT_ROOT_H
#define WF_INSPECT_ROOT_H

/*
 * The root: where a reader begins, from inside, from outside, or on a core file.
 *
 * One exported symbol, weft_inspect_root_v1, names where the lists of loops and executors begin,
 * and tells for each field that a reader needs its offset and size. A debugger's script walks by
 * the names; the reader in this library is compiled with the structs, and refuses a process whose
 * table is not its own. A note in the file (.note.weft) tells where the root lies, for readers
 * without symbols.
 *
 * Names are "struct.field"; "struct" alone has offset 0 and the size of the whole. Lists are
 * circular and doubly linked: "list.next", "list.prev"; a field whose name ends in "link" is a
 * node, and the object begins at the node's address less its offset. "context.*" is the layout of
 * what lies at "fiber.sp" of a task that is suspended.
 *
 * The layout of this struct never changes under this name; fields come and go in the table.
 */

#include <stdint.h>

#define WF_INSPECT_MAGIC "weft-inspect-v1"

struct wf_list;

struct wf_inspect_field {
    char name[40];
    uint32_t offset;
    uint32_t size;
};

/* A number with a name: of a state, a kind, a magic. */
struct wf_inspect_constant {
    char name[40];
    uint64_t value;
};

struct wf_inspect_root {
    char magic[16];
    uint32_t size; /* of this struct */
    uint32_t n_fields;
    uint32_t n_constants;
    uint32_t machine; /* EM_X86_64 or EM_AARCH64 */
    char version[32]; /* of the library */
    const struct wf_inspect_field *fields;
    const struct wf_inspect_constant *constants;
    const struct wf_list *loops;     /* of "loop.registry_link" */
    const struct wf_list *executors; /* of "executor.registry_link" */
    const uint32_t *fork_generation; /* objects with another "...forks" are of before a fork */
    uint64_t spare[8];               /* 0 */
};

extern const struct wf_inspect_root weft_inspect_root_v1;

/* 0, or WEFT_EINVALIDSTATE with a message that names both versions. */
struct wf_memory;
int wf_root_compare(struct wf_memory *memory, const struct wf_inspect_root *theirs);
/* Find the root of a process and read it. WEFT_ELOOKUP: it does not use libweft. */
int wf_root_find(struct wf_memory *memory, struct wf_inspect_root *out_root);

#endif

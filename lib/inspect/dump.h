#ifndef WF_INSPECT_DUMP_H
#define WF_INSPECT_DUMP_H

/*
 * The two forms of a dump, among the files that write them.
 */

#include "inspect/out.h"
#include "inspect/snapshot.h"
#include "inspect/stack.h"

struct wf_dump {
    struct wf_out out;
    const struct wf_snapshot *snapshot;
    unsigned flags;
    uint64_t only_task; /* 0: all */
    struct wf_stack_text stack;
    uint8_t *is_printed; /* of each node: the tree has it */
    uint32_t
        *waiter; /* of each node: the first edge of `waiters` that is its; one more at the end */
    uint32_t *waiters; /* tasks (indices) that wait for a node, by node */
};

void wf_dump_text(struct wf_dump *dump);
void wf_dump_json(struct wf_dump *dump);

/* In seconds, for people: "1.204s", "3m20s". */
void wf_dump_duration(char *to, size_t size, weft_duration duration);

static inline bool wf_dump_has(const struct wf_dump *dump, unsigned part)
{
    return (dump->flags & part) != 0;
}

#endif

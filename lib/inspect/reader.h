#ifndef WF_INSPECT_READER_H
#define WF_INSPECT_READER_H

/*
 * The inside of a snapshot that is being taken: for the files that take it.
 *
 *     snapshot.c      the arena, the loops one by one, holding their threads, taking it again
 *     see.c           pieces of memory: texts, places, lists, stacks
 *     see_loop.c      a loop, its tasks, what is queued and timed and open
 *     see_wait.c      what is waited for: the nodes of the await graph
 *     see_executor.c  executors and their jobs
 *     graph.c         edges to holders, cycles: after everything was let go
 *
 * Nothing here allocates. What does not fit sets arena->is_full, and all is taken again with
 * more room. Addresses are read through `memory` only.
 */

#include "inspect/hold.h"
#include "inspect/memory.h"
#include "inspect/root.h"
#include "inspect/snapshot.h"
#include "inspect/stack.h"

/* One mapping; taken from its begin, never given back piece by piece. */
struct wf_arena {
    char *base;
    size_t size;
    size_t used;
    bool is_full; /* something did not fit */
};

/* Zeroed. NULL, and is_full, when it does not fit. */
void *wf_arena_take(struct wf_arena *arena, size_t n);

enum {
    WF_READER_N_BUCKETS = 16384, /* of nodes, by address */
    WF_READER_N_KNOWN = 4096,    /* static texts, and origins, that were read before */
    WF_READER_MAX_ENTRIES = 4096 /* of one list of one loop */
};

struct wf_known_text {
    uint64_t address; /* 0: free */
    const char *text;
};

struct wf_known_place {
    uint64_t address;
    struct wf_seen_place place;
};

struct wf_reader {
    struct wf_memory memory;
    struct wf_inspect_root root;
    const struct wf_snapshot_options *options;
    struct wf_snapshot *snapshot;
    struct wf_arena *arena;
    uint32_t max_tasks; /* places in the arrays of the snapshot */
    uint32_t max_entries;
    uint32_t max_nodes;
    uint32_t max_edges;
    uint32_t max_jobs;
    uint32_t max_loops;
    uint32_t max_cycles;
    uint32_t max_executors;
    uint32_t n_expanded;      /* nodes whose edges are known */
    uint32_t *buckets;        /* the first node of each; WF_SEEN_NONE: none */
    uint32_t *next_in_bucket; /* of each node */
    struct wf_known_text *texts;
    struct wf_known_place *places;
    struct wf_hold *hold; /* of the loop that is read; NULL: let go */
    weft_time let_go_at;  /* when the hold should end at the latest */
    bool is_broken;       /* a list of the loop that is read was broken */
    uint32_t fork_generation;
};

/* ---- memory (see.c) ------------------------------------------------------ */

#define WF_ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

/* A whole struct at an address; false: it cannot be read. */
bool wf_see(struct wf_reader *reader, uint64_t address, void *to, size_t size);
/* A text that never changes: read once. NULL when it is none or cannot be read. */
const char *wf_see_static_text(struct wf_reader *reader, uint64_t address);
/* A text that may change, copied, at most <max> bytes. NULL as above. */
const char *wf_see_text(struct wf_reader *reader, uint64_t address, size_t max);
/* Where it was made; <origin> is the address of a weft_origin, or 0. */
struct wf_seen_place wf_see_place(struct wf_reader *reader, uint64_t origin);
/* Copy <text> into the arena. */
const char *wf_keep_text(struct wf_reader *reader, const char *text);

/*
 * Walk the list whose head is at <head>: see(reader, address of a node, data) for each, until it
 * returns false or <max> were seen. Forward; where the list is broken, backward from the end, until
 * one that was seen. False when it was broken.
 */
typedef bool wf_see_fn(struct wf_reader *reader, uint64_t node, void *data);
bool wf_walk(struct wf_reader *reader, uint64_t head, size_t max, wf_see_fn *see, void *data);

bool wf_is_asked(const struct wf_reader *reader, unsigned part);

/* A sample in the arena; NULL when there is none. <stack_high> 0: not known. */
struct wf_stack_sample *wf_see_stack(struct wf_reader *reader, const struct wf_registers *registers,
                                     uint64_t stack_high);

/* ---- nodes (see_wait.c) -------------------------------------------------- */

/* The node of what lies at <address>, made when there is none; WF_SEEN_NONE: no room. */
uint32_t wf_node_get(struct wf_reader *reader, uint64_t address, enum wf_seen_kind kind);
/* The same without making one. */
uint32_t wf_node_find(const struct wf_reader *reader, uint64_t address);
/* From the one node whose edges are being added to another. */
void wf_node_add_edge(struct wf_reader *reader, uint32_t from, uint32_t to);
/* What lies at <object>, which is of <kind> (enum wf_wait_kind); WF_SEEN_NONE: nothing. */
uint32_t wf_node_of_wait(struct wf_reader *reader, unsigned kind, uint64_t object);
/* Find the edges of all nodes that are new. */
void wf_nodes_expand(struct wf_reader *reader);
/* Undo all nodes since there were <n>, and their edges. */
void wf_nodes_forget(struct wf_reader *reader, uint32_t n, uint32_t n_edges);

/* ---- the rest ------------------------------------------------------------ */

/* see_loop.c: one loop, whose thread is <held>. */
void wf_see_loop(struct wf_reader *reader, struct wf_seen_loop *loop, const struct wf_held *held);
/* Let the loop go if its time is up. */
void wf_mind_hold(struct wf_reader *reader);
/* see_executor.c: all of them. */
void wf_see_executors(struct wf_reader *reader);
/* graph.c */
void wf_graph_finish(struct wf_reader *reader);

#endif

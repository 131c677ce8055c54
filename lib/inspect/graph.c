/*
 * The await graph once everything is read: edges that need all tasks, and cycles.
 *
 * Cycles are found by walking depth first. An edge to a node that stands on the path closes one.
 * Each node is entered once, so every knot of the graph shows at least one of its cycles, and the
 * walk is linear.
 *
 * Thread: that of the snapshot; nobody is held any more.
 */

#include "inspect/reader.h"

#include <stdlib.h>

/* ---- tasks by number ----------------------------------------------------- */

struct by_id {
    uint32_t *places; /* indices in tasks; WF_SEEN_NONE: free */
    size_t mask;
};

static bool index_tasks(struct wf_reader *reader, struct by_id *ids)
{
    const struct wf_snapshot *snapshot = reader->snapshot;
    size_t size = 16;

    while (size < 2 * (size_t)snapshot->n_tasks) {
        size *= 2;
    }
    ids->mask = size - 1;
    ids->places = wf_arena_take(reader->arena, size * sizeof *ids->places);
    if (ids->places == NULL) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        ids->places[i] = WF_SEEN_NONE;
    }
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        size_t at = snapshot->tasks[i].id & ids->mask;
        while (ids->places[at] != WF_SEEN_NONE) {
            at = (at + 1) & ids->mask;
        }
        ids->places[at] = i;
    }
    return true;
}

static uint32_t find_id(const struct wf_snapshot *snapshot, const struct by_id *ids, uint64_t id)
{
    size_t at = id & ids->mask;

    while (ids->places[at] != WF_SEEN_NONE && snapshot->tasks[ids->places[at]].id != id) {
        at = (at + 1) & ids->mask;
    }
    return ids->places[at];
}

/* ---- edges that were open ------------------------------------------------- */

/* A lock is released by the task that holds it. */
static void lead_to_holders(struct wf_reader *reader, const struct by_id *ids)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        if (snapshot->nodes[i].holder == 0) {
            continue;
        }
        uint32_t task = find_id(snapshot, ids, snapshot->nodes[i].holder);
        if (task != WF_SEEN_NONE) {
            wf_node_add_edge(reader, i, snapshot->tasks[task].node);
        }
    }
}

/* Room in an executor, or its end, comes when a job that runs ends. */
static void lead_to_jobs(struct wf_reader *reader)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    for (uint32_t i = 0; i < snapshot->n_executors; i++) {
        const struct wf_seen_executor *executor = &snapshot->executors[i];
        uint32_t node = wf_node_find(reader, executor->address);
        for (uint32_t k = 0; node != WF_SEEN_NONE && k < executor->n_jobs; k++) {
            const struct wf_seen_job *job = &snapshot->jobs[executor->first_job + k];
            if (job->state == WF_SEEN_JOB_RUNNING) {
                wf_node_add_edge(reader, node, job->node);
            }
        }
    }
}

/* ---- cycles -------------------------------------------------------------- */

enum color {
    WHITE, /* not entered */
    GRAY,  /* on the path */
    BLACK
};

struct step {
    uint32_t node;
    uint32_t next_edge;
};

struct walk {
    struct wf_reader *reader;
    uint8_t *colors;
    struct step *path;
    uint32_t n;
};

/* From the node that the edge leads back to, to the end of the path. */
static void add_cycle(struct walk *walk, uint32_t back_to)
{
    struct wf_snapshot *snapshot = walk->reader->snapshot;
    uint32_t start = walk->n - 1;

    while (walk->path[start].node != back_to) { /* it is gray: it is on the path */
        start--;
    }
    struct wf_seen_cycle *cycle = &snapshot->cycles[snapshot->n_cycles++];
    *cycle = (struct wf_seen_cycle){ snapshot->n_cycle_nodes, walk->n - start };
    for (uint32_t i = start; i < walk->n; i++) {
        uint32_t node = walk->path[i].node;
        snapshot->cycle_nodes[snapshot->n_cycle_nodes++] = node;
        if (snapshot->nodes[node].kind == WF_SEEN_TASK &&
            snapshot->nodes[node].task != WF_SEEN_NONE) {
            snapshot->tasks[snapshot->nodes[node].task].is_in_cycle = true;
        }
    }
}

static bool has_room(const struct walk *walk)
{
    const struct wf_snapshot *snapshot = walk->reader->snapshot;

    return snapshot->n_cycles < walk->reader->max_cycles &&
           snapshot->n_cycle_nodes + walk->n <= snapshot->n_nodes;
}

static void enter(struct walk *walk, uint32_t node)
{
    walk->colors[node] = GRAY;
    walk->path[walk->n++] = (struct step){ node, 0 };
}

static void follow(struct walk *walk)
{
    const struct wf_snapshot *snapshot = walk->reader->snapshot;
    struct step *step = &walk->path[walk->n - 1];
    const struct wf_seen_node *node = &snapshot->nodes[step->node];

    if (step->next_edge == node->n_edges) {
        walk->colors[step->node] = BLACK;
        walk->n--;
        return;
    }
    uint32_t to = snapshot->edges[node->first_edge + step->next_edge++];
    if (walk->colors[to] == WHITE) {
        enter(walk, to);
    } else if (walk->colors[to] == GRAY && has_room(walk)) {
        add_cycle(walk, to);
    }
}

static void find_cycles(struct wf_reader *reader)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    struct walk walk = { .reader = reader };
    size_t n = (size_t)snapshot->n_nodes + 1;

    walk.colors = wf_arena_take(reader->arena, n);
    walk.path = wf_arena_take(reader->arena, n * sizeof *walk.path);
    snapshot->cycles = wf_arena_take(reader->arena, reader->max_cycles * sizeof *snapshot->cycles);
    snapshot->cycle_nodes = wf_arena_take(reader->arena, n * sizeof *snapshot->cycle_nodes);
    if (walk.colors == NULL || walk.path == NULL || snapshot->cycles == NULL ||
        snapshot->cycle_nodes == NULL) {
        return;
    }
    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        if (walk.colors[i] == WHITE) {
            enter(&walk, i);
        }
        while (walk.n > 0) {
            follow(&walk);
        }
    }
}

/* ---- timers ------------------------------------------------------------- */

static int compare_timers(const void *left, const void *right)
{
    const struct wf_seen_entry *a = left;
    const struct wf_seen_entry *b = right;

    return a->when < b->when ? -1 : a->when > b->when;
}

/* The timers of a loop are neighbours, in the order of its heap. */
static void sort_timers(struct wf_snapshot *snapshot)
{
    struct wf_seen_entry *entries = snapshot->entries;

    for (uint32_t i = 0; i < snapshot->n_entries;) {
        uint32_t end = i + 1;
        while (end < snapshot->n_entries && entries[end].kind == entries[i].kind &&
               entries[end].loop == entries[i].loop) {
            end++;
        }
        if (entries[i].kind == WF_SEEN_ENTRY_TIMER) {
            qsort(entries + i, end - i, sizeof *entries, compare_timers);
        }
        i = end;
    }
}

/* ---- all of it ----------------------------------------------------------- */

static void count_waiters(struct wf_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->n_edges; i++) {
        snapshot->nodes[snapshot->edges[i]].n_waiters++;
    }
}

void wf_graph_finish(struct wf_reader *reader)
{
    struct by_id ids;

    if (!index_tasks(reader, &ids)) {
        return;
    }
    lead_to_holders(reader, &ids);
    lead_to_jobs(reader);
    count_waiters(reader->snapshot);
    find_cycles(reader);
    sort_timers(reader->snapshot);
}

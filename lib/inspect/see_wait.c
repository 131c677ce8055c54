/*
 * What tasks wait for: the nodes of the await graph and their edges.
 *
 * A task has at most one edge, to what its wait names. That is found first and put into a line;
 * then each node of the line is read, which adds the nodes that it leads to, until none is new. So
 * the edges of one node are neighbours, and nothing recurs.
 *
 * Nodes are known by their address. A future that embeds more (a task, a gather) begins with it, so
 * both have one address; what it really is, is seen when it is read.
 *
 * Thread: that of the snapshot.
 */

#include "inspect/reader.h"

#include "bridge/bridge.h"
#include "bridge/threadsafe.h"
#include "io/datagram.h"
#include "io/process.h"
#include "io/server.h"
#include "io/stream.h"
#include "io/transport.h"
#include "task/sync.h"
#include "task/waits.h"
#include "thread/executor_parts.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_CHILDREN = 100000,
    TEXT_SIZE = 256
};

/* ---- nodes -------------------------------------------------------------- */

static uint32_t *bucket_of(const struct wf_reader *reader, uint64_t address)
{
    return &reader->buckets[((address >> 4) * 0x9e3779b97f4a7c15u >> 40) % WF_READER_N_BUCKETS];
}

uint32_t wf_node_find(const struct wf_reader *reader, uint64_t address)
{
    uint32_t node = *bucket_of(reader, address);

    while (node != WF_SEEN_NONE && reader->snapshot->nodes[node].address != address) {
        node = reader->next_in_bucket[node];
    }
    return node;
}

uint32_t wf_node_get(struct wf_reader *reader, uint64_t address, enum wf_seen_kind kind)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    uint32_t node = wf_node_find(reader, address);

    if (node != WF_SEEN_NONE) {
        return node;
    }
    if (snapshot->n_nodes == reader->max_nodes) {
        reader->arena->is_full = true;
        return WF_SEEN_NONE;
    }
    node = snapshot->n_nodes++;
    snapshot->nodes[node] = (struct wf_seen_node){
        .address = address,
        .kind = kind,
        .task = WF_SEEN_NONE,
        .job = WF_SEEN_NONE,
        .deadline = WEFT_FOREVER,
        .fd = -1,
    };
    uint32_t *bucket = bucket_of(reader, address);
    reader->next_in_bucket[node] = *bucket;
    *bucket = node;
    return node;
}

/* The newest stands first in its bucket. */
void wf_nodes_forget(struct wf_reader *reader, uint32_t n, uint32_t n_edges)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    while (snapshot->n_nodes > n) {
        uint32_t node = --snapshot->n_nodes;
        *bucket_of(reader, snapshot->nodes[node].address) = reader->next_in_bucket[node];
    }
    snapshot->n_edges = n_edges;
    reader->n_expanded = n;
}

void wf_node_add_edge(struct wf_reader *reader, uint32_t from, uint32_t to)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    struct wf_seen_node *node = &snapshot->nodes[from];

    if (to == WF_SEEN_NONE) {
        return;
    }
    if (snapshot->n_edges == reader->max_edges) {
        reader->arena->is_full = true;
        return;
    }
    if (node->n_edges == 0) {
        node->first_edge = snapshot->n_edges;
    }
    node->n_edges++;
    snapshot->edges[snapshot->n_edges++] = to;
}

/* ---- futures ------------------------------------------------------------ */

static void lead_to_future(struct wf_reader *reader, uint32_t from, const weft_future *future)
{
    if (future != NULL) {
        wf_node_add_edge(reader, from, wf_node_get(reader, WF_ADDRESS(future), WF_SEEN_FUTURE));
    }
}

static bool is_pending(struct wf_reader *reader, const weft_future *future)
{
    weft_future copy;

    return wf_see(reader, WF_ADDRESS(future), &copy, sizeof copy) &&
           copy.magic == WF_FUTURE_MAGIC && copy.state == WF_FUTURE_PENDING;
}

static void expand_gather(struct wf_reader *reader, uint32_t node, uint64_t address)
{
    struct wf_gather gather;

    if (!wf_see(reader, address, &gather, sizeof gather)) {
        return;
    }
    for (size_t i = 0; i < gather.n && i < MAX_CHILDREN; i++) {
        struct wf_gather_child child;
        uint64_t at = address + offsetof(struct wf_gather, children) + i * sizeof child;
        if (wf_see(reader, at, &child, sizeof child) && !child.is_duplicate &&
            is_pending(reader, child.future)) {
            lead_to_future(reader, node, child.future);
        }
    }
}

static void expand_shield(struct wf_reader *reader, uint32_t node, uint64_t address)
{
    struct wf_shield shield;

    if (wf_see(reader, address, &shield, sizeof shield)) {
        lead_to_future(reader, node, shield.inner);
    }
}

static void expand_wrapped(struct wf_reader *reader, uint32_t node, uint64_t address)
{
    struct wf_wrapped wrapped;

    if (wf_see(reader, address, &wrapped, sizeof wrapped) && wrapped.follower.source != NULL) {
        wf_node_add_edge(
            reader, node,
            wf_node_get(reader, WF_ADDRESS(wrapped.follower.source), WF_SEEN_CONCURRENT));
    }
}

/* Also a task: one that has ended, or of a loop that comes later, is known by its name only. */
static void describe_future(struct wf_reader *reader, struct wf_seen_node *node,
                            const weft_future *future, const char *kind)
{
    char text[TEXT_SIZE];
    uint8_t state = future->state;

    snprintf(text, sizeof text, "%s %s", kind != NULL ? kind : "Future",
             state <= WF_FUTURE_CANCELLED ? wf_future_state_name(state) : "?");
    node->text = wf_keep_text(reader, text);
    node->made = wf_see_place(reader, WF_ADDRESS(future->origin));
}

static void expand_future(struct wf_reader *reader, uint32_t index)
{
    struct wf_seen_node *node = &reader->snapshot->nodes[index];
    uint64_t address = node->address;
    struct wf_future_ops ops;
    weft_future future;

    if (!wf_see(reader, address, &future, sizeof future) || future.magic != WF_FUTURE_MAGIC ||
        !wf_see(reader, WF_ADDRESS(future.ops), &ops, sizeof ops)) {
        return;
    }
    describe_future(reader, node, &future, wf_see_static_text(reader, WF_ADDRESS(ops.kind)));
    switch (ops.tag) {
    case WF_FUTURE_TASK:
        node->kind = WF_SEEN_TASK;
        break;
    case WF_FUTURE_GATHER:
        node->kind = WF_SEEN_GATHER;
        expand_gather(reader, index, address);
        break;
    case WF_FUTURE_SHIELD:
        node->kind = WF_SEEN_SHIELD;
        expand_shield(reader, index, address);
        break;
    case WF_FUTURE_WRAPPED:
        node->kind = WF_SEEN_WRAPPED;
        expand_wrapped(reader, index, address);
        break;
    default:
        break;
    }
}

/* A task that the list of its loop did not name: it has ended, or its loop is not read. */
static void expand_task(struct wf_reader *reader, struct wf_seen_node *node)
{
    struct wf_task task;
    char text[TEXT_SIZE];
    const char *name;

    if (node->task != WF_SEEN_NONE || !wf_see(reader, node->address, &task, sizeof task)) {
        return;
    }
    name = wf_see_text(reader, WF_ADDRESS(task.name), 64);
    snprintf(text, sizeof text, "Task-%llu%s%s%s", (unsigned long long)task.number,
             name != NULL ? " '" : "", name != NULL ? name : "", name != NULL ? "'" : "");
    node->text = wf_keep_text(reader, text);
    node->made = wf_see_place(reader, WF_ADDRESS(task.future.origin));
}

/* ---- futures of threads -------------------------------------------------- */

static void expand_remote(struct wf_reader *reader, uint32_t node, uint64_t address)
{
    struct wf_remote remote;

    if (wf_see(reader, address, &remote, sizeof remote)) {
        lead_to_future(reader, node, remote.task);
    }
}

static void expand_concurrent(struct wf_reader *reader, uint32_t index)
{
    struct wf_seen_node *node = &reader->snapshot->nodes[index];
    struct weft_concurrent_future future;
    struct wf_cf_ops ops = { .tag = WF_CF_PLAIN };

    if (!wf_see(reader, node->address, &future, sizeof future)) {
        return;
    }
    node->made = wf_see_place(reader, WF_ADDRESS(future.origin));
    (void)wf_see(reader, WF_ADDRESS(future.ops), &ops, sizeof ops); /* or it has none */
    switch (ops.tag) {
    case WF_CF_JOB:
        node->kind = WF_SEEN_JOB;
        node->text = "job";
        break;
    case WF_CF_REMOTE:
        node->kind = WF_SEEN_REMOTE;
        node->text = "coroutine from another thread";
        expand_remote(reader, index, node->address);
        break;
    default:
        node->text = "concurrent future";
        break;
    }
}

/* ---- several ------------------------------------------------------------ */

static void expand_several(struct wf_reader *reader, uint32_t index)
{
    uint64_t address = reader->snapshot->nodes[index].address;
    struct wf_several_wait wait;

    reader->snapshot->nodes[index].text = "wait";
    if (!wf_see(reader, address, &wait, sizeof wait)) {
        return;
    }
    for (size_t i = 0; i < wait.n && i < MAX_CHILDREN; i++) {
        struct wf_several_member member;
        if (wf_see(reader, WF_ADDRESS(wait.members) + i * sizeof member, &member, sizeof member) &&
            is_pending(reader, member.future)) {
            lead_to_future(reader, index, member.future);
        }
    }
}

static bool see_group_child(struct wf_reader *reader, uint64_t link, void *data)
{
    struct wf_group_child child;
    uint64_t address = link - offsetof(struct wf_group_child, link);

    if (wf_see(reader, address, &child, sizeof child) && is_pending(reader, child.task)) {
        lead_to_future(reader, *(uint32_t *)data, child.task);
    }
    return !reader->arena->is_full;
}

static void expand_group(struct wf_reader *reader, uint32_t index)
{
    uint64_t address = reader->snapshot->nodes[index].address;

    reader->snapshot->nodes[index].text = "task group";
    (void)wf_walk(reader, address + offsetof(struct weft_task_group, children), MAX_CHILDREN,
                  see_group_child, &index); /* broken: the loop's list of tasks tells */
}

static void expand_as_completed(struct wf_reader *reader, uint32_t index)
{
    uint64_t address = reader->snapshot->nodes[index].address;
    struct weft_as_completed iterator;

    reader->snapshot->nodes[index].text = "as_completed";
    if (!wf_see(reader, address, &iterator, sizeof iterator)) {
        return;
    }
    for (size_t i = 0; i < iterator.n && i < MAX_CHILDREN; i++) {
        struct wf_as_completed_member member;
        uint64_t at = address + offsetof(struct weft_as_completed, members) + i * sizeof member;
        if (wf_see(reader, at, &member, sizeof member) && member.is_to_come) {
            lead_to_future(reader, index, member.future);
        }
    }
}

/* ---- locks, queues and their kin ----------------------------------------- */

static enum wf_seen_kind kind_of_line(const char *kind)
{
    static const enum wf_seen_kind kinds[] = { WF_SEEN_LOCK,      WF_SEEN_EVENT,
                                               WF_SEEN_CONDITION, WF_SEEN_SEMAPHORE,
                                               WF_SEEN_BARRIER,   WF_SEEN_QUEUE };

    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, wf_seen_kind_name(kinds[i])) == 0) {
            return kinds[i];
        }
    }
    return WF_SEEN_OTHER;
}

static void expand_line(struct wf_reader *reader, struct wf_seen_node *node)
{
    struct wf_line line;

    if (!wf_see(reader, node->address, &line, sizeof line)) {
        return;
    }
    node->text = wf_see_static_text(reader, WF_ADDRESS(line.kind));
    node->kind = kind_of_line(node->text);
    node->holder = line.holder;
    node->made = wf_see_place(reader, WF_ADDRESS(line.origin));
}

static void expand_threadsafe(struct wf_reader *reader, struct wf_seen_node *node)
{
    struct wf_shared shared;
    struct wf_shared_ops ops;

    if (wf_see(reader, node->address, &shared, sizeof shared) &&
        wf_see(reader, WF_ADDRESS(shared.ops), &ops, sizeof ops)) {
        node->text = wf_see_static_text(reader, WF_ADDRESS(ops.kind));
        node->made = wf_see_place(reader, WF_ADDRESS(shared.origin));
    }
}

static void expand_executor(struct wf_reader *reader, struct wf_seen_node *node)
{
    struct weft_executor executor;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &executor, sizeof executor)) {
        snprintf(text, sizeof text, "executor '%.*s'", (int)sizeof executor.name, executor.name);
        node->text = wf_keep_text(reader, text);
        node->made = wf_see_place(reader, WF_ADDRESS(executor.origin));
    }
}

/* ---- io ----------------------------------------------------------------- */

/* The describers read the struct alone, but take its state for good. */
static void expand_stream(struct wf_reader *reader, struct wf_seen_node *node)
{
    weft_stream stream;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &stream, sizeof stream) && stream.state <= WF_STREAM_CLOSED) {
        wf_stream_describe(&stream, text, sizeof text);
        node->text = wf_keep_text(reader, text);
        node->made = wf_see_place(reader, WF_ADDRESS(stream.origin));
        node->fd = stream.fd;
    }
}

static void expand_transport(struct wf_reader *reader, struct wf_seen_node *node)
{
    weft_transport transport;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &transport, sizeof transport)) {
        wf_transport_describe(&transport, text, sizeof text);
        node->text = wf_keep_text(reader, text);
        node->made = wf_see_place(reader, WF_ADDRESS(transport.origin));
        node->fd = transport.fd;
    }
}

static void expand_datagram(struct wf_reader *reader, struct wf_seen_node *node)
{
    weft_datagram_transport transport;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &transport, sizeof transport)) {
        snprintf(text, sizeof text, "datagram transport fd=%d", transport.fd);
        node->text = wf_keep_text(reader, text);
        node->made = wf_see_place(reader, WF_ADDRESS(transport.origin));
        node->fd = transport.fd;
    }
}

static void expand_server(struct wf_reader *reader, struct wf_seen_node *node)
{
    weft_server server;
    struct wf_listener listener = { .fd = -1 };
    char text[TEXT_SIZE];

    if (!wf_see(reader, node->address, &server, sizeof server)) {
        return;
    }
    if (server.n_listeners > 0) {
        (void)wf_see(reader, WF_ADDRESS(server.listeners), &listener, sizeof listener);
    }
    snprintf(text, sizeof text, "server fd=%d, %zu %s", listener.fd, server.n_listeners,
             server.n_listeners == 1 ? "listener" : "listeners");
    node->text = wf_keep_text(reader, text);
    node->made = wf_see_place(reader, WF_ADDRESS(server.origin));
    node->fd = listener.fd;
}

static void expand_socket(struct wf_reader *reader, struct wf_seen_node *node)
{
    struct wf_fd_wait wait;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &wait, sizeof wait)) {
        snprintf(text, sizeof text, "descriptor %d", wait.fd);
        node->text = wf_keep_text(reader, text);
        node->fd = wait.fd;
    }
}

static void expand_process(struct wf_reader *reader, struct wf_seen_node *node)
{
    weft_process process;
    char text[TEXT_SIZE];

    if (wf_see(reader, node->address, &process, sizeof process)) {
        snprintf(text, sizeof text, "process %d", (int)process.child.pid);
        node->text = wf_keep_text(reader, text);
        node->made = wf_see_place(reader, WF_ADDRESS(process.origin));
    }
}

/* ---- the line of those whose edges are to be found ------------------------ */

static void expand(struct wf_reader *reader, uint32_t index)
{
    struct wf_seen_node *node = &reader->snapshot->nodes[index];

    switch (node->kind) {
    case WF_SEEN_FUTURE:
        expand_future(reader, index);
        if (node->kind == WF_SEEN_TASK) {
            expand_task(reader, node);
        }
        break;
    case WF_SEEN_CONCURRENT:
        expand_concurrent(reader, index);
        break;
    case WF_SEEN_WAIT:
        expand_several(reader, index);
        break;
    case WF_SEEN_GROUP:
        expand_group(reader, index);
        break;
    case WF_SEEN_AS_COMPLETED:
        expand_as_completed(reader, index);
        break;
    case WF_SEEN_LOCK:
        expand_line(reader, node);
        break;
    case WF_SEEN_THREADSAFE:
        expand_threadsafe(reader, node);
        break;
    case WF_SEEN_EXECUTOR:
        expand_executor(reader, node);
        break;
    case WF_SEEN_STREAM:
        expand_stream(reader, node);
        break;
    case WF_SEEN_TRANSPORT:
        expand_transport(reader, node);
        break;
    case WF_SEEN_DATAGRAM:
        expand_datagram(reader, node);
        break;
    case WF_SEEN_SERVER:
        expand_server(reader, node);
        break;
    case WF_SEEN_SOCKET:
        expand_socket(reader, node);
        break;
    case WF_SEEN_PROCESS:
        expand_process(reader, node);
        break;
    default: /* tasks and jobs in their lists; a sleep is complete */
        break;
    }
}

void wf_nodes_expand(struct wf_reader *reader)
{
    while (reader->n_expanded < reader->snapshot->n_nodes && !reader->arena->is_full) {
        expand(reader, reader->n_expanded++);
    }
}

/* ---- a wait ------------------------------------------------------------- */

uint32_t wf_node_of_wait(struct wf_reader *reader, unsigned kind, uint64_t object)
{
    static const uint8_t kinds[] = {
        [WF_WAIT_FUTURE] = WF_SEEN_FUTURE,
        [WF_WAIT_SEVERAL] = WF_SEEN_WAIT,
        [WF_WAIT_GROUP] = WF_SEEN_GROUP,
        [WF_WAIT_AS_COMPLETED] = WF_SEEN_AS_COMPLETED,
        [WF_WAIT_LINE] = WF_SEEN_LOCK,
        [WF_WAIT_SLEEP] = WF_SEEN_SLEEP,
        [WF_WAIT_THREADSAFE] = WF_SEEN_THREADSAFE,
        [WF_WAIT_EXECUTOR] = WF_SEEN_EXECUTOR,
        [WF_WAIT_STREAM] = WF_SEEN_STREAM,
        [WF_WAIT_TRANSPORT] = WF_SEEN_TRANSPORT,
        [WF_WAIT_DATAGRAM] = WF_SEEN_DATAGRAM,
        [WF_WAIT_SERVER] = WF_SEEN_SERVER,
        [WF_WAIT_SOCKET] = WF_SEEN_SOCKET,
        [WF_WAIT_PROCESS] = WF_SEEN_PROCESS,
    };

    if (object == 0 || kind == WF_WAIT_OTHER || kind >= sizeof kinds) {
        return WF_SEEN_NONE;
    }
    return wf_node_get(reader, object, kinds[kind]);
}

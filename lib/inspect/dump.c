/*
 * The dump: a snapshot is taken, everybody goes on, and what it says is written.
 *
 * One dump is written after the other, so that two to one descriptor do not mix. Naming stacks
 * needs more stack than a task has, so a task's dump is made on a thread of its own while the task
 * blocks.
 *
 * Thread: any.
 */

#include "inspect/dump.h"

#include "base/alloc.h"
#include "io/sigpipe.h"
#include "task/task.h"
#include "thread/registry.h"
#include "thread/role.h"
#include "thread/start.h"
#include "weft/error.h"
#include "weft/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_PASSAGES = 64
};

/* ---- one after the other -------------------------------------------------- */

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static uint32_t turn_forks; /* guarded by the registry: the fork generation that `turn` is of */

/* Whoever had it at a fork is not in the child. */
static void take_turn(void)
{
    wf_registry_lock();
    if (turn_forks != wf_fork_generation) {
        turn = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        turn_forks = wf_fork_generation;
    }
    wf_registry_unlock();
    pthread_mutex_lock(&turn);
}

/* ---- what the forms need --------------------------------------------------- */

/* It only hands on what something else comes to. */
static bool is_passage(const struct wf_seen_node *node)
{
    return node->n_edges == 1 && (node->kind == WF_SEEN_WRAPPED || node->kind == WF_SEEN_SHIELD ||
                                  node->kind == WF_SEEN_REMOTE);
}

/* The node that a task waits for in the end. */
static uint32_t target_of(const struct wf_snapshot *snapshot, uint32_t task)
{
    uint32_t node = snapshot->tasks[task].node;

    if (node == WF_SEEN_NONE || snapshot->nodes[node].n_edges == 0) {
        return WF_SEEN_NONE;
    }
    node = snapshot->edges[snapshot->nodes[node].first_edge];
    for (int i = 0; i < MAX_PASSAGES && is_passage(&snapshot->nodes[node]); i++) {
        node = snapshot->edges[snapshot->nodes[node].first_edge];
    }
    return node;
}

/* Which tasks wait for which node; those that wait for none stand at the end. */
static void sort_waiters(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    uint32_t *first = dump->waiter;

    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        uint32_t to = target_of(snapshot, i);
        first[to != WF_SEEN_NONE ? to : snapshot->n_nodes]++;
    }
    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        first[i + 1] += first[i];
    }
    /* Each is the end of its node's now, and becomes the begin; from behind the order stays. */
    for (uint32_t i = snapshot->n_tasks; i-- > 0;) {
        uint32_t to = target_of(snapshot, i);
        dump->waiters[--first[to != WF_SEEN_NONE ? to : snapshot->n_nodes]] = i;
    }
}

static bool make_room(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    size_t n = (size_t)snapshot->n_nodes + 2;

    dump->is_printed = wf_new_array(uint8_t, n);
    dump->waiter = wf_new_array(uint32_t, n);
    dump->waiters = wf_new_array(uint32_t, (size_t)snapshot->n_tasks + 1);
    return dump->is_printed != NULL && dump->waiter != NULL && dump->waiters != NULL;
}

static void free_dump(struct wf_dump *dump)
{
    wf_free(dump->is_printed);
    wf_free(dump->waiter);
    wf_free(dump->waiters);
    wf_free(dump);
}

/* ---- writing ------------------------------------------------------------ */

struct request {
    int fd;
    unsigned flags;
    pid_t pid;          /* 0: this process */
    uint64_t only_task; /* 0: all */
    int code;
    char message[256];
};

static int write_snapshot(const struct request *request, const struct wf_snapshot *snapshot)
{
    struct wf_sigpipe guard;
    struct wf_dump *dump = wf_new(struct wf_dump);

    if (dump == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for a dump");
    }
    dump->snapshot = snapshot;
    dump->flags = request->flags;
    dump->only_task = request->only_task;
    if (!make_room(dump)) {
        free_dump(dump);
        return weft_fail(WEFT_ENOMEM, "no memory for a dump");
    }
    sort_waiters(dump);
    wf_out_begin(&dump->out, request->fd);
    wf_sigpipe_block(&guard);
    if ((request->flags & WEFT_DUMP_JSON) != 0) {
        wf_dump_json(dump);
    } else {
        wf_dump_text(dump);
    }
    int r = wf_out_end(&dump->out);
    wf_sigpipe_restore(&guard, r == -EPIPE);
    free_dump(dump);
    return r < 0 ? weft_fail(r, "a dump cannot be written: %s", weft_strerror(r)) : 0;
}

static int dump_now(const struct request *request)
{
    struct wf_snapshot_options options = {
        .pid = request->pid,
        .parts = request->flags,
        .only_task = request->only_task,
    };
    struct wf_snapshot *snapshot = NULL;

    take_turn();
    int r = wf_snapshot_take(&options, &snapshot);
    if (r == 0 && request->only_task != 0 &&
        wf_snapshot_find_task(snapshot, request->only_task) == NULL) {
        r = weft_fail(WEFT_ELOOKUP, "no task %llu", (unsigned long long)request->only_task);
    }
    if (r == 0) {
        r = write_snapshot(request, snapshot);
    }
    pthread_mutex_unlock(&turn);
    wf_snapshot_free(snapshot);
    return r;
}

/* ---- on which stack? ------------------------------------------------------- */

static void *run_request(void *data)
{
    struct request *request = data;

    request->code = dump_now(request);
    if (request->code < 0) {
        const weft_error *error = weft_current_error();
        snprintf(request->message, sizeof request->message, "%s",
                 error != NULL ? weft_error_get_message(error) : "");
    }
    return NULL;
}

static int dump_somewhere(struct request *request)
{
    pthread_t thread;

    if (wf_task_current == NULL) {
        return dump_now(request);
    }
    int r = wf_thread_start(&thread, run_request, request);
    if (r < 0) {
        return weft_fail(r, "no thread for a dump: %s", weft_strerror(r));
    }
    pthread_join(thread, NULL);
    return request->code < 0 ? weft_fail(request->code, "%s", request->message) : 0;
}

/* ---- the public calls ----------------------------------------------------- */

static int check(int fd, unsigned flags)
{
    if ((flags & ~(unsigned)(WEFT_DUMP_ALL | WEFT_DUMP_JSON)) != 0) {
        return weft_fail(WEFT_EINVAL, "0x%x are no flags of a dump", flags);
    }
    if ((flags & WEFT_DUMP_ALL) == 0) {
        return weft_fail(WEFT_EINVAL, "a dump of no part");
    }
    if (fcntl(fd, F_GETFL) < 0) {
        return weft_fail(WEFT_EINVAL, "%d is no open descriptor", fd);
    }
    return 0;
}

int weft_dump(int fd, unsigned flags)
{
    struct request request = { .fd = fd, .flags = flags };
    int r = check(fd, flags);

    return r < 0 ? r : dump_somewhere(&request);
}

int weft_dump_task(int fd, uint64_t id, unsigned flags)
{
    struct request request = { .fd = fd, .only_task = id };
    int r = check(fd, flags | WEFT_DUMP_TASKS);

    if (r == 0 && id == 0) {
        r = weft_fail(WEFT_ELOOKUP, "no task 0");
    }
    request.flags = WEFT_DUMP_TASKS | WEFT_DUMP_WAITS | WEFT_DUMP_STACKS | (flags & WEFT_DUMP_JSON);
    return r < 0 ? r : dump_somewhere(&request);
}

int weft_dump_process(int fd, pid_t pid, unsigned flags)
{
    struct request request = { .fd = fd, .flags = flags, .pid = pid };
    int r = check(fd, flags);

    if (r == 0 && pid <= 0) {
        r = weft_fail(WEFT_EINVAL, "%d is no process", (int)pid);
    }
    return r < 0 ? r : dump_somewhere(&request);
}

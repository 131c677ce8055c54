/*
 * Taking a snapshot. See snapshot.h; reader.h says which file reads what.
 *
 *     find the root -> how much is there? -> a mapping -> executors
 *         -> for each loop: hold its thread, read, let go -> edges and cycles
 *
 * In this process the registry is locked meanwhile: no loop and no executor goes away, and one
 * snapshot is taken after the other. Loops are held one by one, so that none waits for
 * another's turn; what several of them wait for from each other is true all the same, since
 * who waits stands still.
 *
 * A part that was not at rest (a blocked thread went on, a list was broken) is undone and taken
 * again, three times at most; then it is kept and marked as torn.
 *
 * Thread: any.
 */

#include "inspect/snapshot.h"

#include "base/list.h"
#include "inspect/reader.h"
#include "loop/loop.h"
#include "thread/executor_parts.h"
#include "thread/registry.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAX_LOOPS = 4096,
    MAX_EXECUTORS = 4096,
    MAX_CYCLES = 1000,
    MAX_SCALE = 4096,
    N_ATTEMPTS = 3,
    ROOM_FOR_ALL = 1 << 20 /* bytes besides what is counted */
};

/* Before WF_HOLD_BOUND, so that nobody goes on unseen. */
#define LET_GO_AFTER WEFT_MS(35)

/* ---- names -------------------------------------------------------------- */

const char *wf_seen_kind_name(enum wf_seen_kind kind)
{
    static const char *const names[] = {
#define NAME(name, text) [WF_SEEN_##name] = (text),
        WF_SEEN_KIND_MAP(NAME)
#undef NAME
    };
    return kind < WF_SEEN_N_KINDS ? names[kind] : "?";
}

const char *wf_seen_loop_state_name(enum wf_seen_loop_state state)
{
    static const char *const names[] = { "not running", "polling", "running", "stopping",
                                         "closed" };

    return names[state];
}

const char *wf_seen_task_state_name(enum wf_seen_task_state state)
{
    static const char *const names[] = { "new", "ready", "running", "waiting", "starting" };

    return names[state];
}

const char *wf_seen_job_state_name(enum wf_seen_job_state state)
{
    static const char *const names[] = { "queued", "waiting", "running" };

    return names[state];
}

/* ---- the arena ---------------------------------------------------------- */

void *wf_arena_take(struct wf_arena *arena, size_t n)
{
    size_t padded = (n + 15) & ~(size_t)15;

    if (padded < n || padded > arena->size - arena->used) {
        arena->is_full = true;
        return NULL;
    }
    void *place = arena->base + arena->used;
    arena->used += padded;
    return place;
}

/* Its own head is the first thing in it. */
static struct wf_arena *make_arena(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t padded = (size + page - 1) / page * page;
    void *base = mmap(NULL, padded, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED) {
        return NULL;
    }
    struct wf_arena *arena = base;
    *arena = (struct wf_arena){ .base = base, .size = padded };
    (void)wf_arena_take(arena, sizeof *arena); /* it fits */
    return arena;
}

static void free_arena(struct wf_arena *arena)
{
    if (arena != NULL) {
        munmap(arena->base, arena->size);
    }
}

void wf_snapshot_free(struct wf_snapshot *snapshot)
{
    if (snapshot != NULL) {
        free_arena(snapshot->arena);
    }
}

/* ---- how much is there? ---------------------------------------------------- */

struct amount {
    size_t n_loops;
    size_t n_tasks;
    size_t n_timers;
    size_t n_executors;
    size_t n_jobs;
};

static bool count_loop(struct wf_reader *reader, uint64_t link, void *data)
{
    struct amount *amount = data;
    weft_loop loop;

    amount->n_loops++;
    if (wf_see(reader, link - offsetof(weft_loop, registry_link), &loop, sizeof loop) &&
        loop.magic == WF_LOOP_MAGIC) {
        amount->n_tasks += wf_loop_count_tasks(&loop);
        amount->n_timers += loop.timers.n_entries;
    }
    return true;
}

static bool count_executor(struct wf_reader *reader, uint64_t link, void *data)
{
    struct amount *amount = data;
    weft_executor executor;

    amount->n_executors++;
    if (wf_see(reader, link - offsetof(weft_executor, registry_link), &executor, sizeof executor) &&
        executor.magic == WF_EXECUTOR_MAGIC) {
        amount->n_jobs +=
            executor.n_queued + executor.intake.n + executor.n_waiting + executor.max_threads;
    }
    return true;
}

static void count(struct wf_reader *reader, struct amount *amount)
{
    *amount = (struct amount){ 0 };
    (void)wf_walk(reader, WF_ADDRESS(reader->root.loops), MAX_LOOPS, count_loop, amount);
    (void)wf_walk(reader, WF_ADDRESS(reader->root.executors), MAX_EXECUTORS, count_executor,
                  amount);
}

/* ---- the mapping ---------------------------------------------------------- */

/* A count that a broken memory may have given. */
static uint32_t capped(size_t n)
{
    return n < (1u << 28) ? (uint32_t)n : 1u << 28;
}

static void choose_sizes(struct wf_reader *reader, const struct amount *amount, size_t scale)
{
    size_t n_tasks = amount->n_tasks + amount->n_tasks / 8 + 64;
    size_t n_jobs = amount->n_jobs + 64;

    reader->max_loops = capped(amount->n_loops + 16);
    reader->max_executors = capped(amount->n_executors + 16);
    reader->max_cycles = MAX_CYCLES;
    reader->max_tasks = capped(n_tasks * scale);
    reader->max_jobs = capped(n_jobs * scale);
    reader->max_nodes = capped((3 * n_tasks + n_jobs + 512) * scale);
    reader->max_edges = capped((4 * n_tasks + n_jobs + 512) * scale);
    reader->max_entries = capped((amount->n_timers + n_tasks + 1024) * scale);
}

static size_t size_of_all(const struct wf_reader *reader, size_t scale)
{
    size_t of_task = wf_is_asked(reader, WEFT_DUMP_STACKS) ? 5 * 1024 : 512;

    return ROOM_FOR_ALL * scale + sizeof(struct wf_snapshot) +
           reader->max_loops * (sizeof(struct wf_seen_loop) + of_task) +
           reader->max_executors * sizeof(struct wf_seen_executor) +
           reader->max_tasks * (sizeof(struct wf_seen_task) + of_task) +
           reader->max_jobs * (sizeof(struct wf_seen_job) + of_task) +
           reader->max_entries * (sizeof(struct wf_seen_entry) + 64) +
           reader->max_nodes * (sizeof(struct wf_seen_node) + 128) +
           (size_t)reader->max_edges * sizeof(uint32_t) +
           reader->max_cycles * sizeof(struct wf_seen_cycle) +
           WF_READER_N_BUCKETS * sizeof(uint32_t) +
           WF_READER_N_KNOWN * (sizeof(struct wf_known_text) + sizeof(struct wf_known_place));
}

#define TAKE(arena, place, n) ((place) = wf_arena_take((arena), (size_t)(n) * sizeof *(place)))

/* The arrays of a new snapshot; false: no memory. */
static bool make_snapshot(struct wf_reader *reader, size_t scale)
{
    struct wf_arena *arena = make_arena(size_of_all(reader, scale));
    struct wf_snapshot *snapshot;

    if (arena == NULL) {
        return false;
    }
    TAKE(arena, snapshot, 1); /* all of these fit: the arena was made for them */
    snapshot->arena = arena;
    TAKE(arena, snapshot->loops, reader->max_loops);
    TAKE(arena, snapshot->executors, reader->max_executors);
    TAKE(arena, snapshot->tasks, reader->max_tasks);
    TAKE(arena, snapshot->jobs, reader->max_jobs);
    TAKE(arena, snapshot->entries, reader->max_entries);
    TAKE(arena, snapshot->nodes, reader->max_nodes);
    TAKE(arena, snapshot->edges, reader->max_edges);
    TAKE(arena, reader->next_in_bucket, reader->max_nodes);
    TAKE(arena, reader->buckets, WF_READER_N_BUCKETS);
    TAKE(arena, reader->texts, WF_READER_N_KNOWN);
    TAKE(arena, reader->places, WF_READER_N_KNOWN);
    memset(reader->buckets, 0xff, WF_READER_N_BUCKETS * sizeof *reader->buckets);
    reader->arena = arena;
    reader->snapshot = snapshot;
    reader->n_expanded = 0;
    return true;
}

/* ---- threads ------------------------------------------------------------- */

/* As the kernel knows it; after everybody was let go. */
static const char *see_thread_name(struct wf_reader *reader, int tid)
{
    char path[64];
    char name[32];

    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)reader->memory.pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    return n > 0 ? wf_keep_text(reader, name) : NULL;
}

/* Those in which a thread is found that should not block. */
static const char *call_name(long number)
{
    static const struct {
        long number;
        const char *name;
    } calls[] = {
#define CALL(name) { SYS_##name, #name }
        CALL(read),         CALL(write),           CALL(readv),         CALL(writev),
        CALL(pread64),      CALL(pwrite64),        CALL(recvfrom),      CALL(recvmsg),
        CALL(sendto),       CALL(sendmsg),         CALL(connect),       CALL(accept),
        CALL(accept4),      CALL(ppoll),           CALL(pselect6),      CALL(epoll_pwait),
        CALL(epoll_pwait2), CALL(futex),           CALL(nanosleep),     CALL(clock_nanosleep),
        CALL(openat),       CALL(fsync),           CALL(fdatasync),     CALL(flock),
        CALL(fcntl),        CALL(ioctl),           CALL(wait4),         CALL(waitid),
        CALL(getdents64),   CALL(rt_sigtimedwait), CALL(rt_sigsuspend), CALL(sendfile),
        CALL(splice),       CALL(statfs),
#ifdef SYS_poll
        CALL(poll),         CALL(select),          CALL(epoll_wait),    CALL(open),
        CALL(pause),
#endif
#undef CALL
    };

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (calls[i].number == number) {
            return calls[i].name;
        }
    }
    return "a system call";
}

/* ---- one loop ------------------------------------------------------------ */

struct mark {
    uint32_t n_tasks;
    uint32_t n_entries;
    uint32_t n_nodes;
    uint32_t n_edges;
};

static struct mark mark_all(const struct wf_reader *reader)
{
    const struct wf_snapshot *snapshot = reader->snapshot;

    return (struct mark){ snapshot->n_tasks, snapshot->n_entries, snapshot->n_nodes,
                          snapshot->n_edges };
}

/* Texts stay where they are: they may be known by now. */
static void undo(struct wf_reader *reader, const struct mark *mark)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    for (uint32_t i = mark->n_tasks; i < snapshot->n_tasks; i++) {
        uint32_t node = snapshot->tasks[i].node;
        if (node != WF_SEEN_NONE) { /* it may have been there before, for others wait for it */
            snapshot->nodes[node].task = WF_SEEN_NONE;
            snapshot->nodes[node].n_edges = 0;
        }
    }
    snapshot->n_tasks = mark->n_tasks;
    snapshot->n_entries = mark->n_entries;
    wf_nodes_forget(reader, mark->n_nodes, mark->n_edges);
}

void wf_mind_hold(struct wf_reader *reader)
{
    if (reader->hold != NULL && weft_clock_now() > reader->let_go_at) {
        (void)wf_hold_end(reader->hold); /* what is read from here on is told to be torn */
        reader->hold = NULL;
    }
}

static void clear_loop(struct wf_seen_loop *loop)
{
    *loop = (struct wf_seen_loop){ .address = loop->address,
                                   .tid = loop->tid,
                                   .current_task = WF_SEEN_NONE };
}

/* Has a loop that nobody held run on since it was read? */
static bool has_run_on(struct wf_reader *reader, const struct wf_seen_loop *seen)
{
    weft_loop loop;

    return !wf_see(reader, seen->address, &loop, sizeof loop) || loop.n_run != seen->n_run ||
           loop.n_turns != seen->n_turns || seen->state == WF_SEEN_LOOP_RUNNING;
}

/* True: it was at rest. */
static bool see_at_rest(struct wf_reader *reader, struct wf_seen_loop *loop)
{
    struct wf_held held = { .tid = loop->tid };
    struct wf_hold hold;

    reader->is_broken = false;
    reader->let_go_at = weft_clock_now() + LET_GO_AFTER;
    (void)wf_hold_begin(&hold, reader->memory.is_own ? 0 : reader->memory.pid, &held, 1,
                        WF_HOLD_BOUND); /* <held> tells */
    reader->hold = &hold;
    wf_see_loop(reader, loop, &held);
    bool is_late = reader->hold == NULL;
    if (!is_late) {
        (void)wf_hold_end(&hold); /* <held> tells */
        reader->hold = NULL;
    }
    loop->held_for = held.held_for;
    if (held.held_for > reader->snapshot->longest_hold) {
        reader->snapshot->longest_hold = held.held_for;
    }
    if ((held.state == WF_HOLD_BLOCKED || held.state == WF_HOLD_STOPPED) && held.system_call >= 0) {
        loop->call = call_name(held.system_call);
    }
    loop->is_torn = is_late || held.is_torn || reader->is_broken ||
                    (held.state == WF_HOLD_LOOSE && has_run_on(reader, loop));
    return !loop->is_torn || is_late || reader->arena->is_full;
}

static void see_one(struct wf_reader *reader, struct wf_seen_loop *loop)
{
    struct mark mark = mark_all(reader);

    for (int i = 0; i < N_ATTEMPTS; i++) {
        clear_loop(loop);
        if (see_at_rest(reader, loop)) {
            break;
        }
        if (i + 1 < N_ATTEMPTS) {
            undo(reader, &mark);
        }
    }
    if (loop->name == NULL) {
        loop->name = "?";
    }
    loop->thread = see_thread_name(reader, loop->tid);
    if (!loop->is_virtual_clock) {
        loop->now = weft_clock_now();
    }
}

static bool find_loop(struct wf_reader *reader, uint64_t link, void *data)
{
    struct wf_snapshot *snapshot = reader->snapshot;
    uint64_t address = link - offsetof(weft_loop, registry_link);
    weft_loop loop;

    (void)data;
    if (!wf_see(reader, address, &loop, sizeof loop) || loop.magic != WF_LOOP_MAGIC ||
        (reader->options->only_loop != NULL && address != WF_ADDRESS(reader->options->only_loop))) {
        return true;
    }
    if (loop.forks != reader->fork_generation) {
        snapshot->n_before_fork++;
        return true;
    }
    if (snapshot->n_loops == reader->max_loops) {
        reader->arena->is_full = true;
        return false;
    }
    snapshot->loops[snapshot->n_loops++] =
        (struct wf_seen_loop){ .address = address, .tid = loop.owner_tid };
    return true;
}

/* ---- jobs that run ---------------------------------------------------------- */

static void see_job_stacks(struct wf_reader *reader)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    if (!wf_is_asked(reader, WEFT_DUMP_STACKS) || reader->options->only_task != 0) {
        return;
    }
    for (uint32_t i = 0; i < snapshot->n_jobs && !reader->arena->is_full; i++) {
        struct wf_seen_job *job = &snapshot->jobs[i];
        struct wf_held held = { .tid = job->tid };
        struct wf_hold hold;
        if (job->tid == 0) {
            continue;
        }
        (void)wf_hold_begin(&hold, reader->memory.is_own ? 0 : reader->memory.pid, &held, 1,
                            WF_HOLD_BOUND); /* <held> tells */
        if (held.registers.pc != 0) {
            job->sample = wf_see_stack(reader, &held.registers, 0);
        }
        (void)wf_hold_end(&hold);
    }
}

/* ---- all of it ----------------------------------------------------------- */

static void see_all(struct wf_reader *reader)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    snapshot->pid = reader->memory.pid;
    snapshot->is_own = reader->memory.is_own;
    snapshot->taken_at = weft_clock_now();
    reader->root.version[sizeof reader->root.version - 1] = '\0';
    snapshot->version = wf_keep_text(reader, reader->root.version);
    wf_see_executors(reader);
    (void)wf_walk(reader, WF_ADDRESS(reader->root.loops), MAX_LOOPS, find_loop, NULL);
    for (uint32_t i = 0; i < snapshot->n_loops && !reader->arena->is_full; i++) {
        see_one(reader, &snapshot->loops[i]);
    }
    see_job_stacks(reader);
    wf_graph_finish(reader);
}

static int take(struct wf_reader *reader)
{
    struct amount amount;

    for (size_t scale = 1; scale <= MAX_SCALE; scale *= 4) {
        count(reader, &amount);
        choose_sizes(reader, &amount, scale);
        if (!make_snapshot(reader, scale)) {
            return weft_fail(WEFT_ENOMEM, "no memory for a snapshot of %zu tasks", amount.n_tasks);
        }
        see_all(reader);
        if (!reader->arena->is_full) {
            return 0;
        }
        free_arena(reader->arena);
    }
    return weft_fail(WEFT_ENOMEM, "what is there to see has no end");
}

static int open_root(struct wf_reader *reader)
{
    int r = wf_root_find(&reader->memory, &reader->root);

    if (r == 0) {
        r = wf_root_compare(&reader->memory, &reader->root);
    }
    if (r == 0 && !wf_see(reader, WF_ADDRESS(reader->root.fork_generation),
                          &reader->fork_generation, sizeof reader->fork_generation)) {
        r = weft_fail(-EPERM, "the memory of process %d cannot be read", (int)reader->memory.pid);
    }
    return r;
}

int wf_snapshot_take(const struct wf_snapshot_options *options, struct wf_snapshot **out_snapshot)
{
    struct wf_reader reader = { .options = options };
    int r = wf_memory_open(&reader.memory, options->pid);

    if (r < 0) {
        return weft_fail(r, "there is no process %d", (int)options->pid);
    }
    if (reader.memory.is_own) {
        (void)wf_hold_prepare(); /* without it running threads are read as they are */
        wf_registry_lock();
    }
    r = open_root(&reader);
    if (r == 0) {
        r = take(&reader);
    }
    if (reader.memory.is_own) {
        wf_registry_unlock();
    }
    wf_memory_close(&reader.memory);
    if (r == 0) {
        *out_snapshot = reader.snapshot;
    }
    return r;
}

const struct wf_seen_task *wf_snapshot_find_task(const struct wf_snapshot *snapshot, uint64_t id)
{
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        if (snapshot->tasks[i].id == id) {
            return &snapshot->tasks[i];
        }
    }
    return NULL;
}

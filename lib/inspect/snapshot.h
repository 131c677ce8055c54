#ifndef WF_INSPECT_SNAPSHOT_H
#define WF_INSPECT_SNAPSHOT_H

/*
 * A snapshot: what the loops, tasks and executors of a process are and do, as plain arrays.
 *
 *     root --memory--> snapshot --> stacks named --> text | JSON | a report
 *
 * Everything lies in one mapping that is made before a thread is held: taking it allocates
 * nothing, and a snapshot that did not fit is taken again with more room. Pointers point into it;
 * addresses (uint64_t) are the inspected process's and are compared, never followed.
 *
 * The await graph is nodes and edges. Each task is a node; so is each thing that a task waits for,
 * or that such a thing waits for: a gather for its children, a lock for its holder, a future that
 * follows a job for the job. An edge says "is ended by".
 *
 * Threads are held one loop at a time (hold.h). What could not be read at rest is marked is_torn.
 *
 * Thread: any; snapshots are taken one after the other (a mutex).
 */

#include "weft/inspect.h"
#include "weft/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wf_stack_sample;

#define WF_SEEN_NONE UINT32_MAX

/* Where something was made or handed over; file NULL: nobody said. */
struct wf_seen_place {
    const char *function;
    const char *file; /* without folders */
    const char *what; /* the text of the argument that names the work, or NULL */
    int line;
};

/* What a node of the await graph is. */
#define WF_SEEN_KIND_MAP(X)                               \
    X(OTHER, "other")                                     \
    X(TASK, "task")                                       \
    X(FUTURE, "future")                                   \
    X(GATHER, "gather")                                   \
    X(SHIELD, "shield")                                   \
    X(WRAPPED, "wrapped")                                 \
    X(WAIT, "wait")                                       \
    X(GROUP, "group")                                     \
    X(AS_COMPLETED, "as_completed")                       \
    X(LOCK, "lock")                                       \
    X(EVENT, "event")                                     \
    X(CONDITION, "condition")                             \
    X(SEMAPHORE, "semaphore")                             \
    X(BARRIER, "barrier")                                 \
    X(QUEUE, "queue")                                     \
    X(SLEEP, "sleep")                                     \
    X(STREAM, "stream")                                   \
    X(TRANSPORT, "transport")                             \
    X(DATAGRAM, "datagram")                               \
    X(SERVER, "server")                                   \
    X(SOCKET, "socket")                                   \
    X(PROCESS, "process")                                 \
    X(THREADSAFE, "threadsafe")                           \
    X(EXECUTOR, "executor")                               \
    X(CONCURRENT, "concurrent") /* a concurrent future */ \
    X(JOB, "job")                                         \
    X(REMOTE, "remote") /* a coroutine that another thread gave to a loop */

enum wf_seen_kind {
#define WF_SEEN_KIND_ENUM(name, text) WF_SEEN_##name,
    WF_SEEN_KIND_MAP(WF_SEEN_KIND_ENUM)
#undef WF_SEEN_KIND_ENUM
    WF_SEEN_N_KINDS
};

const char *wf_seen_kind_name(enum wf_seen_kind kind);

struct wf_seen_node {
    uint64_t address;
    enum wf_seen_kind kind;
    const char *text; /* "lock", "Future pending", "TCP stream fd=7 ...": without place */
    struct wf_seen_place made;
    uint32_t task;       /* TASK, and SLEEP: of the sleeper: index in tasks; else WF_SEEN_NONE */
    uint32_t job;        /* JOB: index in jobs; else WF_SEEN_NONE */
    uint32_t first_edge; /* index in edges */
    uint32_t n_edges;
    uint32_t n_waiters; /* edges to it */
    uint64_t holder;    /* LOCK: the id of the task that has it, which may have ended; else 0 */
    weft_time deadline; /* SLEEP and limits: on the loop's clock; WEFT_FOREVER: none */
    int fd;             /* STREAM, SOCKET, SERVER; -1: none */
};

enum wf_seen_loop_state {
    WF_SEEN_LOOP_NEW,     /* does not run */
    WF_SEEN_LOOP_POLLING, /* sleeps, or looks for events */
    WF_SEEN_LOOP_RUNNING, /* runs a callback or a task */
    WF_SEEN_LOOP_STOPPING,
    WF_SEEN_LOOP_CLOSED
};

const char *wf_seen_loop_state_name(enum wf_seen_loop_state state);

struct wf_seen_loop {
    uint64_t address;
    const char *name;
    const char *thread; /* of its owner, as the kernel knows it */
    int tid;
    enum wf_seen_loop_state state;
    const char *debug; /* "off", "cheap", "full" */
    bool is_virtual_clock;
    bool is_torn; /* it ran on while it was read */
    uint64_t n_turns;
    uint64_t n_run;
    size_t n_ready; /* callbacks and steps that wait to run */
    size_t n_timers;
    size_t n_tasks;
    weft_duration slow_callback_duration;
    weft_time now;       /* of its clock, when it was read */
    weft_time polled_at; /* on its clock: when it last asked the kernel; 0: not known */
    weft_time
        busy_since; /* CLOCK_MONOTONIC: since when it has not asked; 0: it does, or not known */
    const char *current;   /* what it runs: "<Handle tick() created at main.c:12>"; NULL: nothing */
    uint32_t current_task; /* WF_SEEN_NONE: a callback, or nothing */
    uint32_t first_task;   /* its tasks are neighbours in tasks */
    uint32_t n_seen_tasks; /* those that were read */
    struct wf_stack_sample *sample; /* of its thread; NULL: not asked for, or not possible */
    const char *call;               /* "read": its thread is blocked in this system call; NULL */
    weft_duration held_for;         /* how long its thread was held; 0: it was not */
};

enum wf_seen_task_state {
    WF_SEEN_TASK_NEW,     /* has not taken its first step */
    WF_SEEN_TASK_READY,   /* its step is queued */
    WF_SEEN_TASK_RUNNING, /* on its loop's thread now */
    WF_SEEN_TASK_WAITING,
    WF_SEEN_TASK_STARTING /* made another task eagerly, which runs now */
};

const char *wf_seen_task_state_name(enum wf_seen_task_state state);

struct wf_seen_task {
    uint64_t address;
    uint64_t id;
    const char *name;          /* "Task-3" when it has none */
    const char *coro_name;     /* "fetch" */
    struct wf_seen_place coro; /* where the coroutine object was made */
    struct wf_seen_place made; /* where the task was */
    enum wf_seen_task_state state;
    bool must_cancel; /* a cancel is on its way to it */
    bool is_torn;     /* it ran on while it was read */
    bool is_in_cycle;
    uint32_t n_cancels;
    uint32_t loop;         /* index in loops */
    uint32_t node;         /* index in nodes: what it waits for are the edges of that */
    const char *waits_for; /* "queue.get", "read", "sleep", ...; NULL: it does not wait */
    weft_time since;       /* its wait began about then (the last poll before it); 0: not known */
    uint64_t stack_low;    /* 0: it has none yet */
    uint64_t stack_high;
    uint64_t sp;                    /* of one that is suspended, the address of struct wf_context */
    struct wf_stack_sample *sample; /* NULL: not asked for, or not possible */
};

enum wf_seen_job_state {
    WF_SEEN_JOB_QUEUED,
    WF_SEEN_JOB_WAITING, /* for room in the queue */
    WF_SEEN_JOB_RUNNING
};

const char *wf_seen_job_state_name(enum wf_seen_job_state state);

struct wf_seen_job {
    uint64_t address;
    enum wf_seen_job_state state;
    struct wf_seen_place made; /* where it was submitted; what: its function */
    uint64_t function;
    uint32_t executor; /* index in executors */
    uint32_t node;
    bool is_abandoned;
    weft_time submitted_at; /* coarse, CLOCK_MONOTONIC */
    weft_time started_at;   /* the same; 0: not yet */
    const char *thread;     /* RUNNING: its name */
    int tid;                /* the same; 0: not known */
    struct wf_stack_sample *sample;
};

struct wf_seen_executor {
    uint64_t address;
    const char *name;
    struct wf_seen_place made;
    unsigned min_threads;
    unsigned max_threads;
    size_t n_threads;
    size_t n_running;
    size_t n_idle;
    size_t n_queued;
    size_t n_waiting;
    size_t queue_limit; /* 0: none */
    uint64_t n_done;
    uint64_t n_cancelled;
    uint64_t n_rejected;
    bool is_shut;
    bool is_torn;
    uint32_t first_job; /* its jobs are neighbours in jobs: those that run, then the queue */
    uint32_t n_jobs;
};

/* What is queued, timed or open in a loop. */
enum wf_seen_entry_kind {
    WF_SEEN_ENTRY_READY, /* queued: runs in this turn or the next */
    WF_SEEN_ENTRY_TIMER,
    WF_SEEN_ENTRY_OPEN /* a stream, server, transport, ... */
};

struct wf_seen_entry {
    enum wf_seen_entry_kind kind;
    uint64_t address;
    uint32_t loop;
    const char *text;  /* "Handle", "TCP stream fd=7 ..."; NULL: only <function> is known */
    uint64_t function; /* what runs, when it is queued or due */
    uint32_t task;     /* whose step or sleep it is, or WF_SEEN_NONE */
    struct wf_seen_place made;
    weft_time when;    /* TIMER: its deadline on the loop's clock */
    weft_time made_at; /* OPEN: 0: not known */
    int fd;            /* OPEN: -1: none */
};

/* A circle of the await graph: nodes, each ended by the next, the last by the first. */
struct wf_seen_cycle {
    uint32_t first; /* index in cycle_nodes */
    uint32_t n;
};

struct wf_arena;

struct wf_snapshot {
    pid_t pid;
    bool is_own;
    const char *version; /* of its library */
    weft_time taken_at;  /* CLOCK_MONOTONIC */
    struct wf_seen_loop *loops;
    struct wf_seen_task *tasks;
    struct wf_seen_executor *executors;
    struct wf_seen_job *jobs;
    struct wf_seen_entry *entries;
    struct wf_seen_node *nodes;
    uint32_t *edges; /* indices in nodes */
    struct wf_seen_cycle *cycles;
    uint32_t *cycle_nodes;
    uint32_t n_loops;
    uint32_t n_tasks;
    uint32_t n_executors;
    uint32_t n_jobs;
    uint32_t n_entries;
    uint32_t n_nodes;
    uint32_t n_edges;
    uint32_t n_cycles;
    uint32_t n_cycle_nodes;
    uint32_t n_before_fork; /* loops that were made before a fork, and belong to the parent */
    weft_duration longest_hold;
    const char *note; /* what is missing and why, or NULL */
    struct wf_arena *arena;
};

struct wf_snapshot_options {
    pid_t pid;             /* 0: this process */
    unsigned parts;        /* WEFT_DUMP_... : what will be asked for */
    const void *only_loop; /* its address: leave the others out; NULL: all */
    uint64_t only_task;    /* stacks of this task only; 0: of all */
};

/* Errors as weft_dump_process, with a message. On failure *out_snapshot is untouched. */
int wf_snapshot_take(const struct wf_snapshot_options *options, struct wf_snapshot **out_snapshot);
/* NULL is a no-op. */
void wf_snapshot_free(struct wf_snapshot *snapshot);

/* The task whose id is <id>, or NULL. */
const struct wf_seen_task *wf_snapshot_find_task(const struct wf_snapshot *snapshot, uint64_t id);

/*
 * "<Task pending name='fetch-3' coro=fetch() at client.c:41 wait_for=<...> created at
 * main.c:12>": asyncio's description, into <to>; cut with "...".
 */
size_t wf_seen_describe_task(const struct wf_snapshot *snapshot, const struct wf_seen_task *task,
                             char *to, size_t size);

#endif

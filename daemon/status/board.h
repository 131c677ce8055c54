#ifndef WEFT_DAEMON_STATUS_BOARD_H
#define WEFT_DAEMON_STATUS_BOARD_H

/*
 * The board: figures of all processes in one piece of shared memory.
 *
 *     supervisor --state, retired totals--.
 *     worker, generation 7 --its slot-----+--> board --> status process: /metrics, /readyz
 *     worker, generation 8 --its slot-----'         `--> supervisor: GET /metrics
 *
 * The supervisor makes it, once, as a memfd that can neither grow nor shrink. A worker maps the
 * slot of its generation and nothing else of it; the status process gets a descriptor that cannot
 * be mapped for writing. Reading needs nobody's help, so it works while every worker is stuck or
 * stopped: what one sees then is old, and says how old.
 *
 * Numbers are 64-bit words, stored and loaded one by one as relaxed atomics. A worker that dies in
 * the middle of writing leaves numbers of two moments, each of them whole. A slot is used once
 * <is_published>, its counts of rows and their names do not change after that.
 *
 * Counters survive the generations that counted: when one is gone, the supervisor adds its last
 * figures to the slot of the retired, under a sequence lock, so that a reader sees them either
 * here or there. All series are thus sums over generations, and only ever grow.
 *
 * Thread: each function says it; one writer for each slot.
 */

#include "weft/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BOARD_NAME_SIZE = 40, /* of a service, listener or executor; a multiple of 8 */
    BOARD_MAX_LOOPS = 256,
    BOARD_MAX_EXECUTORS = 80,
    BOARD_MAX_SERVERS = 512,
    BOARD_N_SLOTS = 73, /* of the retired, and of as many generations as may live */
    BOARD_RETIRED = 0,
    BOARD_NO_SLOT = -1
};

/* Words as in the weft_loop_stats. */
struct board_loop {
    uint64_t n_turns;
    uint64_t n_run;
    uint64_t n_tasks_made;
    uint64_t n_tasks_finished;
    uint64_t n_tasks_cancelled;
    uint64_t n_tasks_failed;
    uint64_t n_late_polls;
    weft_histogram poll_asked;
    weft_histogram poll_actual;
    weft_histogram turn;
    weft_histogram lag;
    /* gauges */
    uint64_t n_tasks;
    uint64_t n_ready;
    uint64_t n_timers;
    uint64_t busy_for;   /* nanoseconds */
    uint64_t counted_at; /* when the loop last counted what only it knows */
};

/* Words as in the weft_executor_stats. */
struct board_executor {
    char name[BOARD_NAME_SIZE];
    uint64_t n_done;
    uint64_t n_cancelled;
    uint64_t n_rejected;
    uint64_t n_threads_made;
    uint64_t n_long;
    uint64_t n_ended_abandoned;
    weft_histogram wait;
    weft_histogram run;
    /* gauges */
    uint64_t n_threads;
    uint64_t n_idle;
    uint64_t n_queued;
    uint64_t n_waiting;
    uint64_t n_running;
    uint64_t n_abandoned;
    uint64_t head_age; /* nanoseconds */
};

/* A service on one of its listeners, over all loops. One without listeners has an empty name. */
struct board_server {
    char service[BOARD_NAME_SIZE];
    char listener[BOARD_NAME_SIZE];
    uint64_t n_accepted;
    uint64_t n_accept_errors;
    uint64_t n_shed;
    uint64_t n_read;    /* bytes */
    uint64_t n_written; /* bytes */
    uint64_t n_restarts;
    /* gauge */
    uint64_t n_connections;
};

/* What a worker says of itself. */
struct board_worker {
    uint64_t generation;
    uint64_t pid;
    uint64_t published_at; /* monotonic clock */
    uint64_t cpu;          /* nanoseconds, a counter */
    uint64_t resident;     /* bytes */
    uint64_t n_loops;
    uint64_t n_executors;
    uint64_t n_servers;
};

struct board_slot {
    uint64_t is_published; /* release and acquire */
    struct board_worker worker;
    struct board_loop loops[BOARD_MAX_LOOPS];
    struct board_executor executors[BOARD_MAX_EXECUTORS];
    struct board_server servers[BOARD_MAX_SERVERS];
};

/* How a generation stands; the words are those of the policy, after "free". */
enum board_state {
    BOARD_FREE,
    BOARD_STARTING,
    BOARD_SERVING,
    BOARD_DRAINING,
    BOARD_ENDING,
    BOARD_N_STATES
};

/* What the supervisor says. */
struct board_supervisor {
    uint64_t beat_at;    /* monotonic clock: it turned last */
    uint64_t started_at; /* seconds of the real clock */
    uint64_t pid;
    uint64_t is_ready; /* a generation serves and nobody told the daemon to stop */
    char state[24];    /* "serving", ... */
    uint64_t generation;
    uint64_t n_deaths;
    uint64_t n_stalls;
    uint64_t n_reloads;
    uint64_t n_failed_reloads;
    uint64_t is_last_reload_good; /* also when there was none */
    uint64_t last_reload_at;      /* seconds of the real clock: the configuration in force */
    uint64_t n_status_restarts;
    uint64_t states[BOARD_N_SLOTS]; /* enum board_state, of each slot */
};

struct board;

/* ---- the supervisor ------------------------------------------------------ */

/** Make one. Owns: board_destroy. Errors: system codes. */
int board_create(struct board **out_board);
void board_destroy(struct board *board);
/** The descriptor that a worker maps its slot from. Owns: the board's. */
int board_get_fd(const struct board *board);
/** One for those who only read. Owns: the caller closes it. Errors: system codes. */
int board_open_reader(const struct board *board);
/** A slot for a new generation, or BOARD_NO_SLOT. */
int board_claim(struct board *board);
/** The generation of <slot> is gone: its counters go to the retired, the slot is free. */
void board_retire(struct board *board, int slot);
/** Say how things stand. */
void board_set_supervisor(struct board *board, const struct board_supervisor *supervisor);

/* ---- a worker ------------------------------------------------------------ */

/** Map <slot>. Owns: *out_slot is unmapped with board_unmap_slot; <fd> may be closed. Errors:
 * -EINVAL; system codes. */
int board_map_slot(int fd, int slot, struct board_slot **out_slot);
void board_unmap_slot(struct board_slot *slot);
/** Copy <size> bytes, a multiple of 8, word by word. */
void board_store(void *to, const void *from, size_t size);
void board_load(void *to, const void *from, size_t size);

/* ---- a reader ------------------------------------------------------------ */

/** Map the whole of it, for reading. Errors: -EPROTO when it is none; system codes. */
int board_map(int fd, const struct board **out_board);
void board_unmap(const struct board *board);

/* All generations together. */
struct board_sample {
    weft_time at;
    struct board_supervisor supervisor;
    struct board_loop *loops; /* owned; number i of all generations */
    size_t n_loops;
    struct board_executor *executors; /* owned */
    size_t n_executors;
    struct board_server *servers; /* owned */
    size_t n_servers;
    uint64_t cpu;      /* nanoseconds, of all workers that ever were */
    uint64_t resident; /* bytes, of those that live */
    uint64_t n_generations[BOARD_N_STATES];
    uint64_t n_samples[BOARD_N_STATES]; /* of those, with figures */
    weft_duration age[BOARD_N_STATES];  /* of the oldest of those figures */
};

/** Add everything up. Thread: any. Owns: board_sample_fini. Errors: -ENOMEM. */
int board_take(const struct board *board, struct board_sample *out_sample);
void board_sample_fini(struct board_sample *sample);
/** What the supervisor said last. */
void board_get_supervisor(const struct board *board, struct board_supervisor *out);

const char *board_state_name(enum board_state state);

#ifdef __cplusplus
}
#endif

#endif

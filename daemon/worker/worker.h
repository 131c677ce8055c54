#ifndef WEFT_DAEMON_WORKER_WORKER_H
#define WEFT_DAEMON_WORKER_WORKER_H

/*
 * A worker process: every service of the config on every loop.
 *
 *     main thread, before the runtime   heritage, config, modules
 *     control thread (control.c)        channel, signals, heartbeat, status
 *     dump thread (dump.c)              from the first request on: tells what goes on
 *     loop 0..N-1 (part.c)              services (service.c), connections
 *     loop 0 besides (worker.c)         start all, say READY, wait, drain all
 *
 *     starting --all started--> serving --drain--> draining --nothing left--> gone
 *         `--failed--------------- `----failed-------`
 */

#include "channel.h"
#include "config/config.h"
#include "heritage.h"
#include "restart.h"

#include "weft/service.h"
#include "weft/weft.h"

#include <stdatomic.h>
#include <stdbool.h>

struct worker;
struct part;
struct control;
struct publisher;

enum {
    WORKER_WHY_SIZE = 512
};

/* One listener of a service, on one loop; [0] of one without. Relaxed, each a number of its own. */
struct server_counters {
    atomic_uint_fast64_t n_accepted;
    atomic_uint_fast64_t n_accept_errors;
    atomic_uint_fast64_t n_shed;
    atomic_uint_fast64_t n_connections;
    atomic_uint_fast64_t n_read;
    atomic_uint_fast64_t n_written;
};

/* One service on one loop. */
struct weft_service {
    uint32_t magic;
    const struct config_service *config;
    const weft_service_descriptor *descriptor;
    struct part *part;     /* borrowed */
    void *data;            /* the module's */
    weft_server **servers; /* owned, one per listener */
    size_t n_servers;
    struct server_counters *counters; /* owned: one per listener, and one more */
    atomic_uint_fast64_t n_restarts;  /* of <run>; relaxed */
    weft_task *runner;                /* owned: supervises <run>; NULL without */
    struct restart_state restart;
    bool is_started;
    bool is_draining;
    bool is_stuck; /* a connection or the root task does not end */
};

/* What a loop tells the control thread. Relaxed: each is a number of its own. */
struct part_counters {
    atomic_uint_fast64_t n_beats; /* answered; release and acquire, all else is relaxed */
    atomic_uint_fast64_t n_tasks;
    atomic_uint_fast64_t n_connections;
    atomic_uint_fast64_t n_accepted;
    atomic_uint_fast64_t n_shed;
    atomic_uint_fast64_t n_accept_errors;
    atomic_uint_fast64_t n_restarts;
    atomic_llong counted_at; /* when it wrote these */
};

/* One loop with its services. Loop thread only, but the counters. */
struct part {
    struct worker *worker;
    int index;
    weft_loop *loop;               /* borrowed: the runtime's */
    struct weft_service *services; /* owned: as many as the config has */
    weft_timeout *grace;           /* borrowed: the scope of a drain that waits, or NULL */
    atomic_llong deadline;         /* of the drain; relaxed: its posting orders it */
    bool is_draining;
    size_t n_cut; /* connections that the drain had to cut */
    struct part_counters counters;
    /* Control thread only. */
    uint64_t n_beats_asked;
    weft_time beat_asked_at;
    bool is_reported; /* as stalled, since it last answered */
    /* Monitor's thread only. */
    bool is_stall_told;        /* the supervisor knows of this one */
    char why[WORKER_WHY_SIZE]; /* of a failed start; read when the start is over */
};

struct worker {
    const struct heritage *heritage;
    const struct config *config;
    const weft_service_descriptor **descriptors; /* owned array: of each service */
    weft_executor **executors;                   /* owned: of each executor in the config */
    weft_runtime *runtime;
    struct part *parts; /* owned */
    int n_loops;
    struct control *control;
    atomic_int debug;            /* relaxed: the level that was asked for last */
    struct publisher *publisher; /* owned; control thread, and loop 0 at the end; NULL: none */

    /* Loop 0 only. */
    weft_event *stop;
    char why[WORKER_WHY_SIZE]; /* of a failure */
};

/* ---- worker.c ---- */

/**
 * Run the worker until it has drained.
 *
 * Thread:  main.
 * Errors:  0 after a drain; negative after a failure, which was logged and told to the supervisor.
 */
int worker_run(const struct heritage *heritage, const struct config *config);

/** Drain within <grace>; again, with a shorter one, to hasten. Thread: any. */
void worker_drain_threadsafe(struct worker *worker, weft_duration grace);
/** The worker cannot go on, for the reason <why>. Thread: any. */
void worker_fail_threadsafe(struct worker *worker, const char *why);

/* ---- part.c ---- */

int part_init(struct part *part, struct worker *worker, int index);
void part_fini(struct part *part);
/** Start all services of the loop. A weft_coro_fn; <arg> is the part. */
int part_start(void *arg);
/** Drain all services of the loop until part->deadline. A weft_coro_fn; <arg> is the part. */
int part_drain(void *arg);
/** Let the drain end at part->deadline, if that is earlier now. A weft_callback_fn. */
int part_hasten(void *arg);
/** Publish the counters. Thread: the loop's. */
void part_count(struct part *part);

/* ---- service.c ---- */

/** Start the service: start, servers, run. In a task. Errors: negative, with part->why written. */
int service_start(struct weft_service *service);
/** Accept no more, stop, end run. In a task. */
int service_begin_drain(struct weft_service *service);
/** Wait until its last connection has ended. In a task. Errors: WEFT_ECANCELED. */
int service_wait_drained(struct weft_service *service);
/** Cancel what is left, and abort what does not end by itself; how many connections were cut. */
size_t service_cut(struct weft_service *service);
/** Count what its servers counted. */
void service_count(struct weft_service *service);
/** Release what it holds. */
void service_gone(struct weft_service *service);

/* ---- control.c ---- */

/** Start the control thread. Owns: *out_control: control_stop. Errors: system codes. */
int control_start(struct worker *worker, struct control **out_control);
/** End the thread and wait for it. NULL is a no-op. Thread: any but its own. */
void control_stop(struct control *control);
/** Release it once no loop runs any more that it may have asked. NULL is a no-op. */
void control_destroy(struct control *control);
/** Tell the supervisor something of <kind>; <text> may be NULL. Thread: any. */
void control_say(const struct heritage *heritage, enum channel_kind kind, const char *text);

/* ---- dump.c ---- */

struct dumper;
/** NULL without memory. The thread comes with the first request. Owns: dumper_destroy. */
struct dumper *dumper_create(const struct heritage *heritage);
/** Take a DUMP; DUMPED follows. Thread: control. */
void dumper_request(struct dumper *dumper, const struct channel_packet *packet);
/** Ends the thread, after the dump that it is at. NULL is a no-op. */
void dumper_destroy(struct dumper *dumper);

/* ---- publish.c ---- */

/** Where the heritage says, if it does. Owns: publisher_destroy. Errors: system codes; 1: nowhere.
 */
int publisher_create(const struct heritage *heritage, struct publisher **out_publisher);
/** Write down how everything stands, asking no loop. NULL is a no-op. Thread: one at a time. */
void publisher_publish(struct publisher *publisher, const struct worker *worker);
/** Release it; what was published stays. NULL is a no-op. */
void publisher_destroy(struct publisher *publisher);

#endif

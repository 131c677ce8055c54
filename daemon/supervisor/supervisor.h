#ifndef WEFT_DAEMON_SUPERVISOR_SUPERVISOR_H
#define WEFT_DAEMON_SUPERVISOR_SUPERVISOR_H

/*
 * The supervisor: policy, listeners, children and the world tied together.
 *
 *     signals, control --.                    .--> children: spawn, tell, kill
 *     packets, deaths ---+--> policy_step() --+--> listeners: who holds which view
 *     the clock ---------'                    '--> log, service manager, reloads
 *
 * Everything that happens becomes an event of the policy, and everything that is
 * done is one of its actions (supervisor.c). The rest reads this struct: reload.c
 * brings a new configuration in, status.c writes down what there is, control.c
 * lets others ask for both.
 *
 * Thread: all of it on the one loop of the one thread.
 */

#include "channel.h"
#include "config/config.h"
#include "status/board.h"
#include "supervisor/child.h"
#include "supervisor/listeners.h"
#include "supervisor/policy.h"
#include "supervisor/sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <weft/future.h>
#include <weft/http.h>
#include <weft/loop.h>
#include <weft/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

struct control;
struct observer;
struct status_plan;
struct supervisor;

/* A worker process and what we know of it. */
struct generation {
    struct generation *next;
    struct supervisor *owner; /* borrowed */
    uint64_t number;
    struct child *child;         /* owned; NULL: it could not be born */
    struct listeners_view *view; /* ref */
    int pid;                     /* for people */
    weft_time started_at;
    struct channel_status status;
    weft_time status_at; /* 0: none came */
    uint64_t n_stalls;
    int64_t n_pings;                    /* asked so far */
    weft_time ping_at;                  /* of the one that is not answered; 0: none */
    bool has_control;                   /* it was ready, so it has a thread that answers */
    bool is_stop_noted;                 /* the log knows that it is stopped */
    int slot;                           /* of the board, or BOARD_NO_SLOT */
    weft_handle *silence;               /* owned: it fell silent and should be dead soon */
    char last_words[CHANNEL_TEXT_SIZE]; /* why it failed, as it says */
    char how[320];                      /* it died */
};

/* A configuration and what was made of it. */
struct version {
    struct config *config;       /* owned */
    struct listeners_view *view; /* ref */
    int json;                    /* owned memfd for the workers; -1: none */
    struct status_plan *status;  /* owned; NULL: no status process is wanted */
};

/* How a reload went. */
struct reload_outcome {
    bool is_ok;
    bool is_refused;     /* the configuration is wrong; else its generation failed */
    uint64_t generation; /* that serves now */
    char text[8 * 1024]; /* for people; may have several lines */
};

struct supervisor_options {
    const char *config_path;
    const char *worker;    /* path of the worker's program */
    struct config *config; /* taken */
    bool is_foreground;    /* say on stdout what to try */
};

enum {
    SUPERVISOR_MAX_EVENTS = 16
};

struct supervisor {
    const char *config_path;
    const char *worker;
    bool is_foreground;
    weft_time started_at;

    struct policy policy;
    struct policy_actions actions;
    struct policy_event events[SUPERVISOR_MAX_EVENTS]; /* that came while it decides */
    size_t n_events;
    bool is_deciding;
    weft_handle *timer; /* owned: the policy's next deadline */
    weft_handle *watchdog;
    weft_handle *pinger; /* owned: the next PING */
    weft_time pinged_at;

    struct listeners *listeners; /* owned */
    struct version version;      /* in force */
    struct version candidate;    /* of the reload that is under way; config NULL: none */
    struct generation *generations;
    struct control *control;   /* owned */
    struct observer *observer; /* owned */
    int debug;                 /* enum weft_debug_level; -1: as the configuration says */
    struct dump *dumps;        /* borrowed: the open questions of dumps.c */
    int64_t n_dumps;           /* asked so far */

    weft_lock *reload_lock;        /* one reload at a time */
    weft_future *reload_future;    /* ref: the candidate's end */
    struct reload_outcome *reload; /* borrowed from who waits for reload_future */
    bool is_reload_signalled;
    struct reload_outcome last_reload;
    weft_time last_reload_at; /* 0: never */
    uint64_t n_reloads;
    uint64_t n_failed_reloads;
    time_t config_taken_at; /* of the last good reload; 0: none */
    uint64_t n_deaths;
    uint64_t n_stalls;
    char death[1024]; /* the last one's sentence */

    weft_future *done; /* ref: the policy's EXIT */
    bool is_ready;     /* the service manager knows */
    bool is_told_to_stop;
    weft_handle *announcement; /* owned: the end of drain.announce; NULL: none is under way */
    int exit_code;
};

/** Run until told to stop. Errors: the exit code of the program. Owns: takes options->config. */
int supervisor_run(const struct supervisor_options *options);

/** Feed the policy and do what it says; events that this causes follow at once. */
void supervisor_decide(struct supervisor *supervisor, enum policy_event_kind kind,
                       uint64_t generation);

/** Drain and end; a second time: faster. */
void supervisor_stop(struct supervisor *supervisor);

/** The generation <number>, or NULL. */
struct generation *supervisor_find(struct supervisor *supervisor, uint64_t number);

/** "starting", "serving", "reloading", "restarting", "holding" or "stopping". */
const char *supervisor_state(const struct supervisor *supervisor);

/** Loops of a worker with <config>. */
size_t supervisor_n_loops(const struct config *config);

/** How long a worker with <config> may take until it is READY. */
int64_t supervisor_ready_within(const struct config *config);

/** <config> as JSON in a memfd, which the caller closes. Errors: system codes. */
int config_to_memfd(const struct config *config, int *out_fd);
/** Make what workers get of version->config. Errors: system codes. */
int version_write_json(struct version *version);
void version_clear(struct version *version);

/** Let the keys that need no new generation hold: log level, limits of the policy. */
void supervisor_apply_live(struct supervisor *supervisor);

/** The debug level of all loops, also of workers to come, until the next reload. */
void supervisor_set_debug(struct supervisor *supervisor, enum weft_debug_level level);

/** Write <duration> ns as `98 ms` or `3.2 s`. */
const char *format_duration(int64_t duration, char *out, size_t size);

/* ---- reload.c ------------------------------------------------------------ */

/**
 * Load the file anew and bring it into force; wait until that is done or has failed.
 *
 * Thread:  loop thread, in a task. One that comes while another is under way waits for it first.
 * Owns:    *out_outcome is freed by the caller with free().
 * Errors:  0, also for a reload that failed; WEFT_ECANCELED, and the reload goes on; WEFT_ENOMEM.
 */
int reload_run(struct supervisor *supervisor, struct reload_outcome **out_outcome);

/** The candidate's end; called by the action of the policy. <why> is NULL when it serves. */
void reload_finish(struct supervisor *supervisor, const char *why);

/** What a reload would change, as text, without doing it. Errors: -EINVAL, and the text says why.
 */
int reload_plan(struct supervisor *supervisor, char *out, size_t size);

/** Start one nobody waits for; the log says how it went. */
void reload_start(struct supervisor *supervisor);

/* ---- status.c ------------------------------------------------------------ */

/** The whole state as JSON. Owns: freed by the caller with free(); NULL without memory. */
char *status_to_json(const struct supervisor *supervisor);
/** One line for the service manager. */
void status_to_line(const struct supervisor *supervisor, char *out, size_t size);
/** What is served and what to try, for a terminal. */
void status_print_greeting(const struct supervisor *supervisor);

/* ---- inspect.c ----------------------------------------------------------- */

/** Whether GET <path> asks what goes on in the workers. */
bool inspect_is_path(const char *path);
/** Answer it. Thread: loop thread, in a task. Errors: of the response; WEFT_ECANCELED. */
int inspect_answer(struct supervisor *supervisor, weft_http_request *request,
                   weft_http_response *response);

/* ---- status_process.c ---------------------------------------------------- */

/**
 * What <config> wants of the status process: its socket is bound, nothing is started.
 *
 * Owns:    status_plan_destroy; *out_plan stays NULL when it wants none.
 * Errors:  -EINVAL when the address cannot be had, and <errors> says so; system codes.
 */
int status_plan_make(struct supervisor *supervisor, const struct config *config,
                     struct config_errors *errors, struct status_plan **out_plan);
void status_plan_destroy(struct status_plan *plan);

/** Make the board, and begin to write it. Errors: system codes. */
int observer_open(struct supervisor *supervisor);
/** Start, replace or end the status process, as supervisor->version.status wants it. */
void observer_apply(struct supervisor *supervisor);
/** Write down how things stand. */
void observer_update(struct supervisor *supervisor);
/** A place on the board for a worker that is about to be born, and the end of its use. */
void observer_lend_slot(struct supervisor *supervisor, struct generation *generation,
                        struct child_options *options);
void observer_retire_slot(struct supervisor *supervisor, const struct generation *generation);
/** What /metrics would say. Owns: *out_text is freed with free(). Errors: -ENOMEM. */
int observer_get_metrics(const struct supervisor *supervisor, char **out_text, size_t *out_length);
/** Whether there is to be a status process; its pid is 0 between two lives. */
bool observer_describe(const struct supervisor *supervisor, int *out_pid, uint64_t *out_n_restarts,
                       char *out_address, size_t size);
/** End the process and wait for that. In a task. */
void observer_close(struct supervisor *supervisor);

/* ---- control.c ----------------------------------------------------------- */

/**
 * Listen on config->control.
 *
 * Errors:  system codes and weft's, with <why>.
 */
int control_open(struct supervisor *supervisor, const struct config_control *config,
                 struct control **out_control, char *why, size_t why_size);
/** Stop listening, remove the socket's file. NULL is a no-op. Thread: loop thread, in a task. */
void control_close(struct control *control);

#ifdef __cplusplus
}
#endif

#endif

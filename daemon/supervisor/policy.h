#ifndef WEFT_DAEMON_SUPERVISOR_POLICY_H
#define WEFT_DAEMON_SUPERVISOR_POLICY_H

/*
 * All decisions of the supervisor about its workers, as one pure function:
 *
 *     (state, event, now) -> (state, actions)
 *
 * It knows generations by number and nothing of processes, sockets or clocks.
 *
 *                          READY                 newer one READY, or STOP
 *        SPAWN -> STARTING ------> SERVING ---------------------> DRAINING
 *                    |                |                              |
 *                    | FAILED, late   | FAILED                       | DRAINED, late
 *                    `----------------+--------> ENDING <------------'
 *                                                   |
 *     EXITED from any state: RETIRE, and if it was wanted, RETRY after a wait
 *     STUCK in any state but ENDING: ABORT, and force when it does not die of that
 *
 * A generation starts either because of a reload (a candidate: when it fails the
 * reload failed and nothing changes) or because none serves (a restart: when it
 * fails the next one waits longer). At most one of each starts at a time, and at
 * most one serves. The older one is told to drain only after the newer one is
 * READY, so somebody accepts at every moment.
 *
 * Waits double from backoff.first to backoff.max with each death in a row, less a
 * random part of up to a half. More deaths than the tolerance within its period:
 * if no generation ever served the supervisor gives up, for then its caller wants
 * to know; else it *holds*: one try per period, for ever, and a reload tries at
 * once.
 *
 * Thread: none; it is a value.
 * Units:  nanoseconds of one clock that never goes back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POLICY_NEVER INT64_MAX

enum {
    POLICY_MAX_GENERATIONS = 72, /* living ones: the 64 that a config allows and some that end */
    POLICY_MAX_FAILURES = 128,   /* a greater tolerance counts as this */
    POLICY_MAX_ACTIONS = 2 * POLICY_MAX_GENERATIONS + 8
};

#define POLICY_STATE_LIST(X) \
    X(STARTING, "starting")  \
    X(SERVING, "serving")    \
    X(DRAINING, "draining")  \
    X(ENDING, "ending")

enum policy_state {
#define X(member, text) POLICY_##member,
    POLICY_STATE_LIST(X)
#undef X
};

#define POLICY_PHASE_LIST(X)                              \
    X(IDLE, "idle")                                       \
    X(RUNNING, "running")                                 \
    X(STOPPING, "stopping") /* drains with the grace */   \
    X(HASTENED, "hastened") /* a second STOP: no grace */ \
    X(ENDED, "ended")

enum policy_phase {
#define X(member, text) POLICY_##member,
    POLICY_PHASE_LIST(X)
#undef X
};

#define POLICY_EVENT_LIST(X)                                            \
    X(START, "start")     /* once */                                    \
    X(READY, "ready")     /* <generation> accepts */                    \
    X(FAILED, "failed")   /* <generation> says that it cannot go on */  \
    X(DRAINED, "drained") /* <generation> has nothing left to do */     \
    X(EXITED, "exited")   /* <generation> is dead, or was never born */ \
    X(STUCK, "stuck")     /* <generation> stands still for too long */  \
    X(RELOAD, "reload")   /* a checked config wants a new generation */ \
    X(STOP, "stop")       /* again: faster */                           \
    X(TIMER, "timer")     /* policy_next_deadline() may be due */

enum policy_event_kind {
#define X(member, text) POLICY_EVENT_##member,
    POLICY_EVENT_LIST(X)
#undef X
    POLICY_N_EVENTS
};

struct policy_event {
    enum policy_event_kind kind;
    uint64_t generation;
};

#define POLICY_ACTION_LIST(X)                                                              \
    X(SPAWN, "spawn")   /* <generation>, with the candidate's config if <is_candidate> */  \
    X(SERVE, "serve")   /* <generation> is it now; <is_candidate>: the reload succeeded */ \
    X(DRAIN, "drain")   /* tell <generation>, with <duration> of grace */                  \
    X(STOP, "stop")     /* tell <generation>, with none */                                 \
    X(KILL, "kill")     /* <generation> by force, for <reason> */                          \
    X(ABORT, "abort")   /* <generation>, so that it leaves a core */                       \
    X(RETIRE, "retire") /* <generation> is gone, and with it its use of listeners */       \
    X(RETRY, "retry")   /* a new one comes after <duration>; <count> deaths counted */     \
    X(RELOAD_FAILED, "reload-failed") /* for <reason> */                                   \
    X(EXIT, "exit")                   /* nothing is left; <is_failure>: it gave up */

enum policy_action_kind {
#define X(member, text) POLICY_ACTION_##member,
    POLICY_ACTION_LIST(X)
#undef X
};

#define POLICY_REASON_LIST(X)                              \
    X(NONE, "for no reason")                               \
    X(BUSY, "another reload is under way")                 \
    X(STOPPING, "the daemon is stopping")                  \
    X(FAILED, "the new generation could not start")        \
    X(DIED, "the new generation died before it was ready") \
    X(LATE, "the new generation was not ready in time")    \
    X(FULL, "too many generations are still ending")       \
    X(GRACE, "its grace is over")                          \
    X(CAP, "too many generations live")                    \
    X(STUCK, "it is stuck")                                \
    X(OBSOLETE, "a newer configuration serves")            \
    X(HASTE, "it was asked to stop a third time")

enum policy_reason {
#define X(member, text) POLICY_REASON_##member,
    POLICY_REASON_LIST(X)
#undef X
};

struct policy_action {
    enum policy_action_kind kind;
    uint64_t generation;
    enum policy_reason reason;
    bool is_candidate;
    bool is_held;
    bool is_failure;
    int64_t duration;
    size_t count;
};

struct policy_actions {
    struct policy_action items[POLICY_MAX_ACTIONS];
    size_t count;
};

/* What the config says, and one margin of ours. */
struct policy_limits {
    int64_t tolerance;        /* deaths within ... */
    int64_t tolerance_period; /* ... this */
    int64_t backoff_first;
    int64_t backoff_max;
    int64_t ready_within;
    int64_t grace;
    int64_t margin; /* between the end of the grace, or a STOP, and force */
    size_t max_generations;
};

struct policy_generation {
    uint64_t number;
    enum policy_state state;
    bool is_candidate;
    bool is_wanted; /* its death is a failure */
    bool is_killed;
    int64_t started_at;
    int64_t served_at; /* POLICY_NEVER: not yet */
    int64_t deadline;
};

struct policy {
    struct policy_limits limits;
    enum policy_phase phase;
    struct policy_generation generations[POLICY_MAX_GENERATIONS]; /* oldest first */
    size_t n_generations;
    uint64_t last_number;
    int64_t retry_at;
    int64_t failures[POLICY_MAX_FAILURES]; /* times of deaths, oldest first */
    size_t n_failures;
    unsigned n_in_a_row;
    bool is_held;
    bool has_served;
    bool is_failure;
    uint64_t random;
};

void policy_init(struct policy *policy, const struct policy_limits *limits, uint64_t seed);

/** Other limits from now on; what is under way keeps its deadline. */
void policy_set_limits(struct policy *policy, const struct policy_limits *limits);

/** Decide. *out_actions are to be done in their order. */
void policy_step(struct policy *policy, const struct policy_event *event, int64_t now,
                 struct policy_actions *out_actions);

/** When TIMER is due; POLICY_NEVER: not at all. */
int64_t policy_next_deadline(const struct policy *policy);

/** The generation <number>, or NULL; borrowed until the next step. */
const struct policy_generation *policy_find(const struct policy *policy, uint64_t number);
/** The one that serves, or NULL. */
const struct policy_generation *policy_serving(const struct policy *policy);

const char *policy_state_name(enum policy_state state);
const char *policy_phase_name(enum policy_phase phase);
const char *policy_event_name(enum policy_event_kind kind);
const char *policy_action_name(enum policy_action_kind kind);
const char *policy_reason_text(enum policy_reason reason);

#ifdef __cplusplus
}
#endif

#endif

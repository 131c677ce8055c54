/*
 * policy.c: see policy.h for the states and their arrows.
 *
 * Nothing here has an effect: no clock, no random source, no memory but the
 * struct. So the tests run every short sequence of events through it and check
 * after each step what must always hold: one serves at most; while the daemon
 * runs, one serves, starts, or is due; nobody is told to drain before its
 * successor is ready.
 *
 * Each event costs a walk over the living generations; they are few.
 */
#include "supervisor/policy.h"

#include <string.h>

#define NAME_FUNCTION(function, type, list, prefix)          \
    const char *function(type value)                         \
    {                                                        \
        static const char *const names[] = { list(NAME) };   \
        size_t n = sizeof names / sizeof names[0];           \
                                                             \
        return (size_t)value < n ? names[value] : "unknown"; \
    }
#define NAME(member, text) text,

NAME_FUNCTION(policy_state_name, enum policy_state, POLICY_STATE_LIST, POLICY_)
NAME_FUNCTION(policy_phase_name, enum policy_phase, POLICY_PHASE_LIST, POLICY_)
NAME_FUNCTION(policy_event_name, enum policy_event_kind, POLICY_EVENT_LIST, POLICY_EVENT_)
NAME_FUNCTION(policy_action_name, enum policy_action_kind, POLICY_ACTION_LIST, POLICY_ACTION_)
NAME_FUNCTION(policy_reason_text, enum policy_reason, POLICY_REASON_LIST, POLICY_REASON_)

/* ------------------------------------------------------------------------------- pieces */

static int64_t later(int64_t now, int64_t duration)
{
    return duration > INT64_MAX - now ? INT64_MAX : now + duration;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct policy_action *act(struct policy_actions *actions, enum policy_action_kind kind,
                                 uint64_t generation)
{
    struct policy_action *action = &actions->items[actions->count++];

    *action = (struct policy_action){ .kind = kind, .generation = generation };
    return action;
}

static struct policy_generation *find(struct policy *policy, uint64_t number)
{
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (policy->generations[i].number == number) {
            return &policy->generations[i];
        }
    }
    return NULL;
}

static struct policy_generation *find_serving(struct policy *policy)
{
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (policy->generations[i].state == POLICY_SERVING) {
            return &policy->generations[i];
        }
    }
    return NULL;
}

static struct policy_generation *find_starting(struct policy *policy, bool is_candidate)
{
    for (size_t i = 0; i < policy->n_generations; i++) {
        struct policy_generation *generation = &policy->generations[i];

        if (generation->state == POLICY_STARTING && generation->is_candidate == is_candidate) {
            return generation;
        }
    }
    return NULL;
}

static void reload_failed(struct policy_actions *actions,
                          const struct policy_generation *generation, enum policy_reason reason)
{
    uint64_t number = generation != NULL ? generation->number : 0;

    act(actions, POLICY_ACTION_RELOAD_FAILED, number)->reason = reason;
}

/* ------------------------------------------------------------------- ends of generations */

static void kill_generation(struct policy_generation *generation, enum policy_reason reason,
                            struct policy_actions *actions)
{
    generation->state = POLICY_ENDING;
    generation->deadline = POLICY_NEVER;
    if (!generation->is_killed) {
        generation->is_killed = true;
        act(actions, POLICY_ACTION_KILL, generation->number)->reason = reason;
    }
}

/* It is about to exit by itself; if it does not, force follows. */
static void let_end(struct policy *policy, struct policy_generation *generation, int64_t now)
{
    generation->state = POLICY_ENDING;
    generation->deadline = later(now, policy->limits.margin);
}

static void stop_generation(struct policy *policy, struct policy_generation *generation,
                            int64_t now, struct policy_actions *actions)
{
    act(actions, POLICY_ACTION_STOP, generation->number);
    generation->is_wanted = false;
    let_end(policy, generation, now);
}

static void drain_generation(struct policy *policy, struct policy_generation *generation,
                             int64_t now, struct policy_actions *actions)
{
    generation->state = POLICY_DRAINING;
    generation->is_wanted = false;
    generation->deadline = later(later(now, policy->limits.grace), policy->limits.margin);
    act(actions, POLICY_ACTION_DRAIN, generation->number)->duration = policy->limits.grace;
}

/* ----------------------------------------------------------------- births of generations */

/* The oldest that drains makes room. One that serves or starts never does. */
static void keep_below_cap(struct policy *policy, struct policy_actions *actions)
{
    size_t n_living = 0;

    for (size_t i = 0; i < policy->n_generations; i++) {
        n_living += policy->generations[i].state != POLICY_ENDING;
    }
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (n_living < policy->limits.max_generations) {
            return;
        }
        if (policy->generations[i].state == POLICY_DRAINING) {
            kill_generation(&policy->generations[i], POLICY_REASON_CAP, actions);
            n_living--;
        }
    }
}

static bool spawn(struct policy *policy, bool is_candidate, int64_t now,
                  struct policy_actions *actions)
{
    struct policy_generation *generation;

    keep_below_cap(policy, actions);
    if (policy->n_generations == POLICY_MAX_GENERATIONS) {
        return false;
    }
    generation = &policy->generations[policy->n_generations++];
    *generation = (struct policy_generation){
        .number = ++policy->last_number,
        .state = POLICY_STARTING,
        .is_candidate = is_candidate,
        .is_wanted = !is_candidate,
        .started_at = now,
        .served_at = POLICY_NEVER,
        .deadline = later(now, policy->limits.ready_within),
    };
    act(actions, POLICY_ACTION_SPAWN, generation->number)->is_candidate = is_candidate;
    return true;
}

/* ------------------------------------------------------------------------------ failures */

/* xorshift64*: no secret depends on it, it only keeps restarts of many hosts apart. */
static uint64_t next_random(struct policy *policy)
{
    uint64_t x = policy->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    policy->random = x;
    return x * UINT64_C(2685821657736338717);
}

static int64_t backoff(struct policy *policy)
{
    int64_t wait = policy->limits.backoff_first;

    for (unsigned i = 1; i < policy->n_in_a_row && wait < policy->limits.backoff_max; i++) {
        wait = wait > INT64_MAX / 2 ? INT64_MAX : 2 * wait;
    }
    wait = earlier(wait, policy->limits.backoff_max);
    return wait - (int64_t)(next_random(policy) % (uint64_t)(wait / 2 + 1));
}

static void forget_failures(struct policy *policy, size_t n)
{
    policy->n_failures -= n;
    memmove(policy->failures, policy->failures + n,
            policy->n_failures * sizeof policy->failures[0]);
}

static void remember_failure(struct policy *policy, int64_t now)
{
    size_t n_old = 0;

    while (n_old < policy->n_failures &&
           now - policy->failures[n_old] >= policy->limits.tolerance_period) {
        n_old++;
    }
    if (n_old == 0 && policy->n_failures == POLICY_MAX_FAILURES) {
        n_old = 1;
    }
    forget_failures(policy, n_old);
    policy->failures[policy->n_failures++] = now;
}

static void forgive(struct policy *policy)
{
    policy->n_failures = 0;
    policy->n_in_a_row = 0;
    policy->is_held = false;
}

static void give_up(struct policy *policy, struct policy_actions *actions)
{
    policy->phase = POLICY_ENDED;
    policy->is_failure = true;
    act(actions, POLICY_ACTION_EXIT, 0)->is_failure = true;
}

/* A generation that was wanted is dead. */
static void fail(struct policy *policy, const struct policy_generation *dead, int64_t now,
                 struct policy_actions *actions)
{
    int64_t tolerance = earlier(policy->limits.tolerance, POLICY_MAX_FAILURES - 1);
    int64_t served_for = dead->served_at == POLICY_NEVER ? 0 : now - dead->served_at;
    struct policy_action *action;
    int64_t wait;

    if (dead->served_at != POLICY_NEVER && served_for >= policy->limits.tolerance_period) {
        forgive(policy);
    } else if (dead->served_at != POLICY_NEVER && served_for >= policy->limits.backoff_max) {
        policy->n_in_a_row = 0;
    }
    policy->n_in_a_row++;
    remember_failure(policy, now);

    if ((int64_t)policy->n_failures > tolerance) {
        if (!policy->has_served && policy->n_generations == 0) {
            give_up(policy, actions);
            return;
        }
        policy->is_held = true;
    }
    wait = backoff(policy);
    if (policy->is_held) {
        wait = policy->limits.tolerance_period > policy->limits.backoff_max
                   ? policy->limits.tolerance_period
                   : policy->limits.backoff_max;
    }
    policy->retry_at = later(now, wait);
    action = act(actions, POLICY_ACTION_RETRY, dead->number);
    action->duration = wait;
    action->count = policy->n_failures;
    action->is_held = policy->is_held;
}

/* -------------------------------------------------------------------------------- events */

static void maybe_exit(struct policy *policy, struct policy_actions *actions)
{
    if (policy->n_generations == 0) {
        policy->phase = POLICY_ENDED;
        act(actions, POLICY_ACTION_EXIT, 0);
    }
}

static void on_ready(struct policy *policy, struct policy_generation *generation, int64_t now,
                     struct policy_actions *actions)
{
    struct policy_generation *old = find_serving(policy);
    struct policy_generation *rival = find_starting(policy, /* is_candidate = */ false);

    if (generation->state != POLICY_STARTING) {
        return;
    }
    for (size_t i = 0; i < policy->n_generations; i++) {
        policy->generations[i].is_wanted = &policy->generations[i] == generation;
    }
    generation->state = POLICY_SERVING;
    generation->served_at = now;
    generation->deadline = POLICY_NEVER;
    policy->has_served = true;
    policy->retry_at = POLICY_NEVER;
    act(actions, POLICY_ACTION_SERVE, generation->number)->is_candidate = generation->is_candidate;
    if (old != NULL) {
        drain_generation(policy, old, now, actions);
    }
    if (generation->is_candidate) {
        forgive(policy);
        /* It was to replace a death under the former configuration. */
        if (rival != NULL) {
            kill_generation(rival, POLICY_REASON_OBSOLETE, actions);
        }
    }
    generation->is_candidate = false;
}

/* FAILED and DRAINED: both are last words. */
static void on_last_words(struct policy *policy, struct policy_generation *generation, int64_t now,
                          struct policy_actions *actions)
{
    if (generation->state == POLICY_ENDING) {
        return;
    }
    if (generation->state == POLICY_STARTING && generation->is_candidate) {
        reload_failed(actions, generation, POLICY_REASON_FAILED);
    }
    let_end(policy, generation, now);
}

static void on_stuck(struct policy *policy, struct policy_generation *generation, int64_t now,
                     struct policy_actions *actions)
{
    if (generation->state == POLICY_ENDING) {
        return;
    }
    if (generation->state == POLICY_STARTING && generation->is_candidate) {
        reload_failed(actions, generation, POLICY_REASON_STUCK);
    }
    act(actions, POLICY_ACTION_ABORT, generation->number)->reason = POLICY_REASON_STUCK;
    let_end(policy, generation, now);
}

static void on_exited(struct policy *policy, struct policy_generation *generation, int64_t now,
                      struct policy_actions *actions)
{
    struct policy_generation dead = *generation;
    size_t index = (size_t)(generation - policy->generations);

    policy->n_generations--;
    memmove(generation, generation + 1,
            (policy->n_generations - index) * sizeof policy->generations[0]);
    act(actions, POLICY_ACTION_RETIRE, dead.number);

    if (policy->phase != POLICY_RUNNING) {
        maybe_exit(policy, actions);
        return;
    }
    if (dead.is_candidate && dead.state == POLICY_STARTING) {
        reload_failed(actions, &dead, POLICY_REASON_DIED);
    }
    if (dead.is_wanted) {
        fail(policy, &dead, now, actions);
    }
}

static void on_reload(struct policy *policy, int64_t now, struct policy_actions *actions)
{
    if (policy->phase != POLICY_RUNNING) {
        reload_failed(actions, NULL, POLICY_REASON_STOPPING);
    } else if (find_starting(policy, /* is_candidate = */ true) != NULL) {
        reload_failed(actions, NULL, POLICY_REASON_BUSY);
    } else if (!spawn(policy, /* is_candidate = */ true, now, actions)) {
        reload_failed(actions, NULL, POLICY_REASON_FULL);
    }
}

static void begin_stop(struct policy *policy, struct policy_generation *generation, int64_t now,
                       struct policy_actions *actions)
{
    int64_t limit = later(later(now, policy->limits.grace), policy->limits.margin);

    switch (generation->state) {
    case POLICY_STARTING:
        if (generation->is_candidate) {
            reload_failed(actions, generation, POLICY_REASON_STOPPING);
        }
        stop_generation(policy, generation, now, actions);
        break;
    case POLICY_SERVING:
        drain_generation(policy, generation, now, actions);
        break;
    case POLICY_DRAINING:
        generation->deadline = earlier(generation->deadline, limit);
        break;
    case POLICY_ENDING:
        break;
    }
}

static void hasten(struct policy *policy, struct policy_generation *generation, int64_t now,
                   struct policy_actions *actions)
{
    if (policy->phase == POLICY_HASTENED) {
        kill_generation(generation, POLICY_REASON_HASTE, actions);
    } else if (generation->state == POLICY_DRAINING) {
        stop_generation(policy, generation, now, actions);
    }
}

static void on_stop(struct policy *policy, int64_t now, struct policy_actions *actions)
{
    if (policy->phase == POLICY_ENDED) {
        return;
    }
    policy->retry_at = POLICY_NEVER;
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (policy->phase == POLICY_RUNNING) {
            begin_stop(policy, &policy->generations[i], now, actions);
        } else {
            hasten(policy, &policy->generations[i], now, actions);
        }
    }
    policy->phase = policy->phase == POLICY_STOPPING || policy->phase == POLICY_HASTENED
                        ? POLICY_HASTENED
                        : POLICY_STOPPING;
    maybe_exit(policy, actions);
}

static void on_late(struct policy_generation *generation, struct policy_actions *actions)
{
    bool is_start = generation->state == POLICY_STARTING;

    if (is_start && generation->is_candidate) {
        reload_failed(actions, generation, POLICY_REASON_LATE);
    }
    kill_generation(generation, is_start ? POLICY_REASON_LATE : POLICY_REASON_GRACE, actions);
}

static void on_timer(struct policy *policy, int64_t now, struct policy_actions *actions)
{
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (policy->generations[i].deadline <= now) {
            on_late(&policy->generations[i], actions);
        }
    }
    if (policy->phase == POLICY_RUNNING && policy->retry_at <= now) {
        policy->retry_at = POLICY_NEVER;
        if (!spawn(policy, /* is_candidate = */ false, now, actions)) {
            policy->retry_at = later(now, policy->limits.backoff_max);
        }
    }
}

/* -------------------------------------------------------------------------------- public */

void policy_init(struct policy *policy, const struct policy_limits *limits, uint64_t seed)
{
    memset(policy, 0, sizeof *policy);
    policy->retry_at = POLICY_NEVER;
    policy->random = seed != 0 ? seed : 1; /* xorshift stays at zero for ever */
    policy_set_limits(policy, limits);
}

void policy_set_limits(struct policy *policy, const struct policy_limits *limits)
{
    policy->limits = *limits;
}

void policy_step(struct policy *policy, const struct policy_event *event, int64_t now,
                 struct policy_actions *out_actions)
{
    struct policy_generation *generation = find(policy, event->generation);

    out_actions->count = 0;
    switch (event->kind) {
    case POLICY_EVENT_START:
        if (policy->phase == POLICY_IDLE) {
            policy->phase = POLICY_RUNNING;
            (void)spawn(policy, /* is_candidate = */ false, now, out_actions); /* room is there */
        }
        break;
    case POLICY_EVENT_READY:
        if (generation != NULL && policy->phase == POLICY_RUNNING) {
            on_ready(policy, generation, now, out_actions);
        }
        break;
    case POLICY_EVENT_FAILED:
    case POLICY_EVENT_DRAINED:
        if (generation != NULL) {
            on_last_words(policy, generation, now, out_actions);
        }
        break;
    case POLICY_EVENT_EXITED:
        if (generation != NULL) {
            on_exited(policy, generation, now, out_actions);
        }
        break;
    case POLICY_EVENT_STUCK:
        if (generation != NULL) {
            on_stuck(policy, generation, now, out_actions);
        }
        break;
    case POLICY_EVENT_RELOAD:
        on_reload(policy, now, out_actions);
        break;
    case POLICY_EVENT_STOP:
        on_stop(policy, now, out_actions);
        break;
    case POLICY_EVENT_TIMER:
        on_timer(policy, now, out_actions);
        break;
    case POLICY_N_EVENTS:
        break;
    }
}

int64_t policy_next_deadline(const struct policy *policy)
{
    int64_t deadline = policy->retry_at;

    for (size_t i = 0; i < policy->n_generations; i++) {
        deadline = earlier(deadline, policy->generations[i].deadline);
    }
    return deadline;
}

const struct policy_generation *policy_find(const struct policy *policy, uint64_t number)
{
    return find((struct policy *)policy, number);
}

const struct policy_generation *policy_serving(const struct policy *policy)
{
    return find_serving((struct policy *)policy);
}

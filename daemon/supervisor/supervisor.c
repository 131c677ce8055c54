/*
 * supervisor.c: events in, actions out, and the life of the process around them.
 *
 * Whatever happens is turned into an event and given to supervisor_decide(); it
 * asks the policy and carries the actions out one by one. An action may itself
 * cause an event, as a fork that fails: it waits in a small queue until the
 * actions before it are done, so the policy never sees half a step.
 *
 * A version is a configuration with its sockets and its JSON. Two exist at most:
 * the one in force and a reload's candidate, which takes its place at the moment
 * its generation serves.
 *
 * Thread: the loop's.
 */
#include "supervisor/supervisor.h"

#include "log.h"
#include "supervisor/dumps.h"
#include "supervisor/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <weft/runtime.h>
#include <weft/signal.h>
#include <weft/task.h>

#define MARGIN        WEFT_S(5)    /* from the end of a grace to force */
#define PING_PERIOD   WEFT_S(2)    /* at most, from one question to a control thread to the next */
#define START_MARGIN  WEFT_S(2)    /* for a worker's start besides its services' */
#define SILENCE_LIMIT WEFT_MS(500) /* from the end of the channel to death */
#define STATUS_PERIOD WEFT_S(5)    /* of the line for the service manager */
#define DEFAULT_START WEFT_S(10)   /* when there is no service to ask */
#define TASK_STACK    (256 * 1024) /* the configuration is parsed in a task */

/* ---------------------------------------------------------------------------------- helpers */

const char *format_duration(int64_t duration, char *out, size_t size)
{
    double seconds = (double)duration / 1e9;

    if (duration < WEFT_MS(1)) {
        snprintf(out, size, "%lld us", (long long)(duration / 1000));
    } else if (duration < WEFT_S(1)) {
        snprintf(out, size, "%lld ms", (long long)(duration / 1000000));
    } else if (duration < WEFT_S(60)) {
        snprintf(out, size, "%.1f s", seconds);
    } else if (duration < WEFT_S(3600)) {
        snprintf(out, size, "%.0f min", seconds / 60);
    } else {
        snprintf(out, size, "%.1f h", seconds / 3600);
    }
    return out;
}

struct generation *supervisor_find(struct supervisor *supervisor, uint64_t number)
{
    for (struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        if (i->number == number) {
            return i;
        }
    }
    return NULL;
}

size_t supervisor_n_loops(const struct config *config)
{
    return config->loops.count > 0 ? (size_t)config->loops.count
                                   : (size_t)weft_available_parallelism();
}

const char *supervisor_state(const struct supervisor *supervisor)
{
    const struct policy *policy = &supervisor->policy;

    if (supervisor->is_told_to_stop) {
        return "stopping";
    }
    if (policy->phase != POLICY_RUNNING) {
        return policy->phase == POLICY_IDLE ? "starting" : "stopping";
    }
    for (size_t i = 0; i < policy->n_generations; i++) {
        if (policy->generations[i].state == POLICY_STARTING &&
            policy->generations[i].is_candidate) {
            return "reloading";
        }
    }
    return policy_serving(policy) != NULL ? "serving"
           : !policy->has_served          ? "starting"
           : policy->is_held              ? "holding"
                                          : "restarting";
}

/* --------------------------------------------------------------------------------- versions */

int config_to_memfd(const struct config *config, int *out_fd)
{
    char *text;
    size_t length;
    int rc = config_to_json(config, &text, &length);
    int fd;

    if (rc != 0) {
        return rc;
    }
    fd = memfd_create("weft-config", MFD_CLOEXEC);
    if (fd < 0) {
        rc = -errno;
    }
    for (size_t done = 0; rc == 0 && done < length;) {
        ssize_t n = pwrite(fd, text + done, length - done, (off_t)done);

        if (n < 0 && errno != EINTR) {
            rc = -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    free(text);
    if (rc != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    *out_fd = fd;
    return 0;
}

int version_write_json(struct version *version)
{
    return config_to_memfd(version->config, &version->json);
}

void version_clear(struct version *version)
{
    config_destroy(version->config);
    (void)listeners_view_unref(version->view);
    status_plan_destroy(version->status);
    if (version->json >= 0) {
        close(version->json);
    }
    *version = (struct version){ .json = -1 };
}

int64_t supervisor_ready_within(const struct config *config)
{
    int64_t longest = config->n_services > 0 ? 0 : DEFAULT_START;

    for (size_t i = 0; i < config->n_services; i++) {
        if (config->services[i].ready_within > longest) {
            longest = config->services[i].ready_within;
        }
    }
    return longest + START_MARGIN;
}

static struct policy_limits limits_of(const struct config *config)
{
    return (struct policy_limits){
        .tolerance = config->restart.tolerance.count,
        .tolerance_period = config->restart.tolerance.period,
        .backoff_first = config->restart.backoff.first,
        .backoff_max = config->restart.backoff.max,
        .ready_within = supervisor_ready_within(config),
        .grace = config->drain.grace,
        .margin = MARGIN,
        .max_generations = (size_t)config->generations.max,
    };
}

/* One that does not read gets the configuration's level with its next life. */
static void send_debug(const struct supervisor *supervisor, enum weft_debug_level level)
{
    for (struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        if (i->child != NULL) {
            (void)child_send(i->child, CHANNEL_DEBUG, level);
        }
    }
}

void supervisor_apply_live(struct supervisor *supervisor)
{
    const struct config *config = supervisor->version.config;
    struct policy_limits limits = limits_of(config);
    enum weft_log_level level = log_level_of(config->log.level);

    supervisor->debug = -1;
    policy_set_limits(&supervisor->policy, &limits);
    weft_log_set_level(level);
    for (struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        if (i->child != NULL) {
            /* One that does not read gets the level with its next life. */
            (void)child_send(i->child, CHANNEL_LOG_LEVEL, level);
        }
    }
    send_debug(supervisor, (enum weft_debug_level)config->loops.debug);
    observer_apply(supervisor);
}

void supervisor_set_debug(struct supervisor *supervisor, enum weft_debug_level level)
{
    supervisor->debug = (int)level;
    send_debug(supervisor, level);
}

/* --------------------------------------------------------------------- what children tell us */

/* A loop of it is held up; once too long. The supervisor does not ask the same process twice. */
static void on_stalled(struct generation *generation, const struct channel_packet *packet)
{
    struct supervisor *supervisor = generation->owner;
    int64_t limit = supervisor->version.config->stall.abort_after;
    bool is_over = limit > 0 && packet->number >= limit;

    if ((packet->flags & 1) != 0) {
        generation->n_stalls++;
        supervisor->n_stalls++;
        observer_update(supervisor);
    }
    if ((packet->flags & 1) != 0 || is_over) {
        log_warning("generation %llu (pid %d): loop %u does not turn: %s",
                    (unsigned long long)generation->number, generation->pid, packet->index,
                    packet->text);
    }
    if (is_over) {
        snprintf(generation->last_words, sizeof generation->last_words, "loop %u was stuck: %.440s",
                 packet->index, packet->text);
        supervisor_decide(supervisor, POLICY_EVENT_STUCK, generation->number);
    }
}

static void on_packet(const struct channel_packet *packet, void *data)
{
    struct generation *generation = data;
    struct supervisor *supervisor = generation->owner;

    switch ((enum channel_kind)packet->kind) {
    case CHANNEL_READY:
        generation->has_control = true;
        supervisor_decide(supervisor, POLICY_EVENT_READY, generation->number);
        break;
    case CHANNEL_FAILED:
        snprintf(generation->last_words, sizeof generation->last_words, "%s", packet->text);
        supervisor_decide(supervisor, POLICY_EVENT_FAILED, generation->number);
        break;
    case CHANNEL_DRAINED:
        supervisor_decide(supervisor, POLICY_EVENT_DRAINED, generation->number);
        break;
    case CHANNEL_STATUS:
        generation->status = packet->status;
        generation->status_at = weft_loop_time(NULL);
        break;
    case CHANNEL_STALLED:
        on_stalled(generation, packet);
        break;
    case CHANNEL_PONG:
        generation->ping_at = 0;
        generation->is_stop_noted = false;
        break;
    case CHANNEL_DRAIN:
    case CHANNEL_STOP:
    case CHANNEL_LOG_LEVEL:
    case CHANNEL_PING:
    case CHANNEL_DUMP:
    case CHANNEL_DUMPED:
    case CHANNEL_DEBUG:
    case CHANNEL_N_KINDS:
        break; /* nothing that a worker has to tell us */
    }
}

static void on_dump(const struct channel_packet *packet, int fd, void *data)
{
    struct generation *generation = data;

    dump_take_answer(generation->owner, generation->number, packet, fd);
}

/* It has been silent for long enough to be dead and is not. On the loop. */
static int on_silence(void *data)
{
    struct generation *generation = data;

    generation->silence = weft_handle_unref(generation->silence);
    snprintf(generation->last_words, sizeof generation->last_words, "it closed its channel");
    supervisor_decide(generation->owner, POLICY_EVENT_FAILED, generation->number);
    return 0;
}

/* The channel is closed. Nearly always the death follows at once, and says more. */
static void on_silent(void *data)
{
    struct generation *generation = data;

    if (generation->silence == NULL && weft_loop_call_later(NULL, SILENCE_LIMIT, on_silence,
                                                            generation, &generation->silence) < 0) {
        supervisor_decide(generation->owner, POLICY_EVENT_FAILED, generation->number);
    }
}

static void on_exit_of_child(const char *how, void *data)
{
    struct generation *generation = data;

    snprintf(generation->how, sizeof generation->how, "%s", how);
    supervisor_decide(generation->owner, POLICY_EVENT_EXITED, generation->number);
}

/* ------------------------------------------------------------------------- actions: one each */

static void do_spawn(struct supervisor *supervisor, const struct policy_action *action)
{
    const struct version *version =
        action->is_candidate ? &supervisor->candidate : &supervisor->version;
    struct generation *generation = calloc(1, sizeof *generation);
    struct child_options options;
    char why[256] = "out of memory";
    int rc = -ENOMEM;

    if (generation != NULL) {
        generation->number = action->generation;
        generation->owner = supervisor;
        generation->started_at = weft_loop_time(NULL);
        generation->view = listeners_view_ref(version->view);
        generation->next = supervisor->generations;
        supervisor->generations = generation;
        options = (struct child_options){
            .program = supervisor->worker,
            .generation = action->generation,
            .config = version->json,
            .listeners = version->view->items,
            .n_listeners = version->view->n_items,
            .on_packet = on_packet,
            .on_dump = on_dump,
            .on_silent = on_silent,
            .on_exit = on_exit_of_child,
            .data = generation,
        };
        observer_lend_slot(supervisor, generation, &options);
        rc = child_spawn(&options, &generation->child, why, sizeof why);
    }
    if (rc != 0) {
        if (generation != NULL) {
            snprintf(generation->how, sizeof generation->how, "could not be started (%s)", why);
        }
        supervisor_decide(supervisor, POLICY_EVENT_EXITED, action->generation);
        return;
    }
    generation->pid = child_get_pid(generation->child);
    log_info("generation %llu (pid %d) starts%s", (unsigned long long)action->generation,
             generation->pid, action->is_candidate ? " with the new configuration" : "");
}

static void do_serve(struct supervisor *supervisor, const struct policy_action *action)
{
    struct generation *generation = supervisor_find(supervisor, action->generation);
    char text[32];

    if (action->is_candidate) {
        version_clear(&supervisor->version);
        supervisor->version = supervisor->candidate;
        supervisor->candidate = (struct version){ .json = -1 };
        listeners_refresh(supervisor->version.view, supervisor->version.config);
        supervisor_apply_live(supervisor);
    }
    log_info("generation %llu (pid %d) serves, ready after %s",
             (unsigned long long)action->generation, generation->pid,
             format_duration(weft_loop_time(NULL) - generation->started_at, text, sizeof text));
    if (supervisor->debug >= 0) { /* it was born with the configuration's */
        (void)child_send(generation->child, CHANNEL_DEBUG, supervisor->debug);
    }
    if (action->is_candidate) {
        reload_finish(supervisor, NULL);
    }
    if (!supervisor->is_ready) {
        supervisor->is_ready = true;
        notify_ready();
        if (supervisor->is_foreground) {
            status_print_greeting(supervisor);
        }
    }
}

static void do_tell(struct supervisor *supervisor, const struct policy_action *action)
{
    struct generation *generation = supervisor_find(supervisor, action->generation);
    bool is_drain = action->kind == POLICY_ACTION_DRAIN;
    char text[32];

    if (generation == NULL || generation->child == NULL) {
        return;
    }
    if (is_drain) {
        log_info("generation %llu (pid %d) drains, for at most %s",
                 (unsigned long long)generation->number, generation->pid,
                 format_duration(action->duration, text, sizeof text));
    } else {
        log_info("generation %llu (pid %d) is told to stop at once",
                 (unsigned long long)generation->number, generation->pid);
    }
    /* What cannot be told is done by force when the time is over. */
    (void)child_send(generation->child, is_drain ? CHANNEL_DRAIN : CHANNEL_STOP, action->duration);
}

static void do_kill(struct supervisor *supervisor, const struct policy_action *action)
{
    struct generation *generation = supervisor_find(supervisor, action->generation);

    if (generation == NULL || generation->child == NULL) {
        return;
    }
    log_warning("generation %llu (pid %d) is ended by force: %s",
                (unsigned long long)generation->number, generation->pid,
                policy_reason_text(action->reason));
    child_kill(generation->child);
}

static void do_abort(struct supervisor *supervisor, const struct policy_action *action)
{
    struct generation *generation = supervisor_find(supervisor, action->generation);

    if (generation != NULL && generation->child != NULL) {
        log_error("generation %llu (pid %d) is aborted: %s", (unsigned long long)generation->number,
                  generation->pid, generation->last_words);
        child_abort(generation->child);
    }
}

/* What follows a death, as the end of its sentence. */
static void describe_next(const struct supervisor *supervisor, const struct generation *dead,
                          const struct policy_action *next, char *out, size_t size)
{
    const struct policy_limits *limits = &supervisor->policy.limits;
    const struct policy_generation *serving = policy_serving(&supervisor->policy);
    char wait[32];
    char period[32];

    if (next != NULL && next->kind == POLICY_ACTION_RETRY) {
        format_duration(next->duration, wait, sizeof wait);
        format_duration(limits->tolerance_period, period, sizeof period);
        snprintf(out, size, "; %sthe next one starts in %s (death %zu of %lld in %s)",
                 next->is_held ? "that is too often, from now on slowly: " : "", wait, next->count,
                 (long long)limits->tolerance, period);
    } else if (next != NULL && next->kind == POLICY_ACTION_EXIT) {
        snprintf(out, size, "; %s",
                 next->is_failure ? "nothing ever served, and the daemon gives up"
                                  : "it was the last one");
    } else if (next == NULL && dead->last_words[0] == '\0') {
        snprintf(out, size, ", as it was told");
    } else if (serving != NULL) {
        snprintf(out, size, "; generation %llu serves on", (unsigned long long)serving->number);
    } else {
        snprintf(out, size, "; the former configuration stays");
    }
}

/* Who, how, after how long, what next: one sentence. */
static void log_death(struct supervisor *supervisor, const struct generation *dead,
                      const struct policy_action *next)
{
    bool is_expected = next == NULL || (next->kind == POLICY_ACTION_EXIT && !next->is_failure);
    bool has_words = dead->last_words[0] != '\0';
    char sentence[sizeof supervisor->death];
    char after[32];
    char then[256];
    char who[64] = "";

    describe_next(supervisor, dead, next, then, sizeof then);
    if (dead->pid != 0) {
        snprintf(who, sizeof who, " (pid %d)", dead->pid);
    }
    snprintf(sentence, sizeof sentence, "generation %llu%s %s%s%s%s after %s",
             (unsigned long long)dead->number, who, dead->how, has_words ? " (" : "",
             dead->last_words, has_words ? ")" : "",
             format_duration(weft_loop_time(NULL) - dead->started_at, after, sizeof after));
    weft_log(is_expected ? WEFT_LOG_INFO : WEFT_LOG_ERROR, "weftd", "%s%s", sentence, then);
    if (!is_expected) {
        supervisor->n_deaths++;
        memcpy(supervisor->death, sentence, sizeof sentence);
    }
}

static void do_retire(struct supervisor *supervisor, const struct policy_action *action,
                      const struct policy_action *next)
{
    struct generation **link = &supervisor->generations;
    struct generation *dead;

    while (*link != NULL && (*link)->number != action->generation) {
        link = &(*link)->next;
    }
    dead = *link;
    if (dead == NULL) { /* no memory for it */
        snprintf(supervisor->death, sizeof supervisor->death,
                 "generation %llu could not be started (out of memory)",
                 (unsigned long long)action->generation);
        return;
    }
    *link = dead->next;
    dump_forget(supervisor, dead->number);
    log_death(supervisor, dead, next);
    if (dead->silence != NULL) {
        (void)weft_handle_cancel(dead->silence);
        (void)weft_handle_unref(dead->silence);
    }
    child_destroy(dead->child);
    observer_retire_slot(supervisor, dead);
    (void)listeners_view_unref(dead->view); /* closes what nobody else has */
    free(dead);
}

static void do_reload_failed(struct supervisor *supervisor, const struct policy_action *action)
{
    const struct generation *generation = supervisor_find(supervisor, action->generation);
    char why[sizeof supervisor->death + 128];

    if (action->reason == POLICY_REASON_DIED) {
        snprintf(why, sizeof why, "%s: %s", policy_reason_text(action->reason), supervisor->death);
    } else if (generation != NULL && generation->last_words[0] != '\0') {
        snprintf(why, sizeof why, "%s: %s", policy_reason_text(action->reason),
                 generation->last_words);
    } else {
        snprintf(why, sizeof why, "%s", policy_reason_text(action->reason));
    }
    reload_finish(supervisor, why);
}

static void do_exit(struct supervisor *supervisor, const struct policy_action *action)
{
    supervisor->exit_code = action->is_failure ? EX_UNAVAILABLE : EX_OK;
    (void)weft_future_set_result(supervisor->done, weft_value_none()); /* once by the policy */
}

static void act(struct supervisor *supervisor, size_t i)
{
    const struct policy_actions *actions = &supervisor->actions;
    const struct policy_action *action = &actions->items[i];

    switch (action->kind) {
    case POLICY_ACTION_SPAWN:
        do_spawn(supervisor, action);
        break;
    case POLICY_ACTION_SERVE:
        do_serve(supervisor, action);
        break;
    case POLICY_ACTION_DRAIN:
    case POLICY_ACTION_STOP:
        do_tell(supervisor, action);
        break;
    case POLICY_ACTION_KILL:
        do_kill(supervisor, action);
        break;
    case POLICY_ACTION_ABORT:
        do_abort(supervisor, action);
        break;
    case POLICY_ACTION_RETIRE:
        do_retire(supervisor, action, i + 1 < actions->count ? action + 1 : NULL);
        break;
    case POLICY_ACTION_RETRY:
        break; /* the sentence about the death says it */
    case POLICY_ACTION_RELOAD_FAILED:
        do_reload_failed(supervisor, action);
        break;
    case POLICY_ACTION_EXIT:
        do_exit(supervisor, action);
        break;
    }
}

/* ---------------------------------------------------------------------------------- deciding */

/* The policy's deadline has come. On the loop. */
static int on_timer(void *data)
{
    supervisor_decide(data, POLICY_EVENT_TIMER, 0);
    return 0;
}

static void rearm(struct supervisor *supervisor)
{
    int64_t deadline = policy_next_deadline(&supervisor->policy);

    if (supervisor->timer != NULL) {
        (void)weft_handle_cancel(supervisor->timer);
        supervisor->timer = weft_handle_unref(supervisor->timer);
    }
    if (deadline != POLICY_NEVER &&
        weft_loop_call_at(NULL, deadline, on_timer, supervisor, &supervisor->timer) < 0) {
        log_critical("out of memory: a deadline is missed until the next event");
    }
}

void supervisor_decide(struct supervisor *supervisor, enum policy_event_kind kind,
                       uint64_t generation)
{
    char line[256];

    if (supervisor->n_events == SUPERVISOR_MAX_EVENTS) {
        /* Only failed forks queue, and one step forks once. */
        log_critical("too many events at once: '%s' is lost", policy_event_name(kind));
        return;
    }
    supervisor->events[supervisor->n_events++] =
        (struct policy_event){ .kind = kind, .generation = generation };
    if (supervisor->is_deciding) {
        return;
    }
    supervisor->is_deciding = true;
    while (supervisor->n_events > 0) {
        struct policy_event event = supervisor->events[0];

        supervisor->n_events--;
        memmove(supervisor->events, supervisor->events + 1,
                supervisor->n_events * sizeof supervisor->events[0]);
        policy_step(&supervisor->policy, &event, weft_loop_time(NULL), &supervisor->actions);
        for (size_t i = 0; i < supervisor->actions.count; i++) {
            act(supervisor, i);
        }
    }
    supervisor->is_deciding = false;
    rearm(supervisor);
    observer_update(supervisor);
    status_to_line(supervisor, line, sizeof line);
    notify_status("%s", line);
}

/* ------------------------------------------------------------------------- the process's life */

static void end_announcement(struct supervisor *supervisor)
{
    if (supervisor->announcement != NULL) {
        (void)weft_handle_cancel(supervisor->announcement);
        supervisor->announcement = weft_handle_unref(supervisor->announcement);
    }
}

static void begin_to_drain(struct supervisor *supervisor)
{
    end_announcement(supervisor);
    if (supervisor->policy.phase == POLICY_RUNNING) {
        log_info("told to stop: draining for at most %lld s",
                 (long long)(supervisor->policy.limits.grace / WEFT_S(1)));
        notify_stopping();
        notify_extend_timeout(supervisor->policy.limits.grace + 2 * MARGIN);
    } else {
        log_info("told to stop again: hastening");
    }
    supervisor_decide(supervisor, POLICY_EVENT_STOP, 0);
}

/* Whoever looks at /readyz has had the time. On the loop. */
static int on_announced(void *data)
{
    begin_to_drain(data);
    return 0;
}

/* Unready, and still serving: true when that is to last for a while. */
static bool announce(struct supervisor *supervisor)
{
    weft_duration span = supervisor->version.config->drain.announce;
    char text[32];

    if (supervisor->is_told_to_stop || supervisor->policy.phase != POLICY_RUNNING || span == 0 ||
        weft_loop_call_later(NULL, span, on_announced, supervisor, &supervisor->announcement) < 0) {
        return false;
    }
    log_info("told to stop: unready, and draining in %s", format_duration(span, text, sizeof text));
    notify_stopping();
    notify_extend_timeout(span + supervisor->policy.limits.grace + 2 * MARGIN);
    return true;
}

void supervisor_stop(struct supervisor *supervisor)
{
    bool is_announced = announce(supervisor);

    supervisor->is_told_to_stop = true;
    observer_update(supervisor); /* unready before a listener closes */
    if (!is_announced) {
        begin_to_drain(supervisor);
    }
}

/* SIGTERM or SIGINT. On the loop. */
static int on_stop_signal(void *data)
{
    supervisor_stop(data);
    return 0;
}

/* SIGHUP. On the loop. */
static int on_reload_signal(void *data)
{
    reload_start(data);
    return 0;
}

/* The line for the service manager, and its watchdog. On the loop, again and again. */
static int on_heartbeat(void *data)
{
    struct supervisor *supervisor = data;
    int64_t period = notify_watchdog_interval();
    char line[256];

    supervisor->watchdog = weft_handle_unref(supervisor->watchdog);
    if (period > 0) {
        notify_watchdog();
    }
    status_to_line(supervisor, line, sizeof line);
    notify_status("%s", line);
    return weft_loop_call_later(NULL, period > 0 && period < STATUS_PERIOD ? period : STATUS_PERIOD,
                                on_heartbeat, supervisor, &supervisor->watchdog);
}

/* It owes an answer. One that is stopped cannot give it, and is left to who stopped it. */
static void judge_silence(struct generation *generation, weft_time now, int64_t limit)
{
    if (now - generation->ping_at < limit) {
        return;
    }
    if (child_is_stopped(generation->child)) {
        if (!generation->is_stop_noted) {
            generation->is_stop_noted = true;
            log_warning("generation %llu (pid %d) is stopped, and does not answer",
                        (unsigned long long)generation->number, generation->pid);
        }
        generation->ping_at = now;
        return;
    }
    snprintf(generation->last_words, sizeof generation->last_words,
             "its control thread did not answer");
    supervisor_decide(generation->owner, POLICY_EVENT_STUCK, generation->number);
}

static void ping(struct generation *generation, weft_time now, bool was_late, int64_t limit)
{
    if (generation->child == NULL) {
        return;
    }
    if (generation->ping_at == 0) {
        if (child_ping(generation->child, ++generation->n_pings) == 0) {
            generation->ping_at = now;
        }
    } else if (was_late) {
        generation->ping_at = now; /* this process stood still, and perhaps that one, too */
    } else if (generation->has_control) {
        judge_silence(generation, now, limit);
    }
}

/* Are the control threads alive? On the loop, again and again. */
static int on_ping(void *data)
{
    struct supervisor *supervisor = data;
    int64_t limit = supervisor->version.config->stall.abort_after;
    int64_t period = limit > 0 && limit / 4 < PING_PERIOD ? limit / 4 : PING_PERIOD;
    weft_time now = weft_loop_time(NULL);
    bool was_late = supervisor->pinged_at != 0 && now - supervisor->pinged_at > 2 * PING_PERIOD;
    struct generation *next;

    supervisor->pinger = weft_handle_unref(supervisor->pinger);
    supervisor->pinged_at = now;
    for (struct generation *i = supervisor->generations; limit > 0 && i != NULL; i = next) {
        next = i->next; /* it stays: a stuck one dies later */
        ping(i, now, was_late, limit);
    }
    return weft_loop_call_later(NULL, period, on_ping, supervisor, &supervisor->pinger);
}

static int handle_signals(struct supervisor *supervisor)
{
    WEFT_TRY(weft_loop_add_signal_handler(NULL, SIGTERM, on_stop_signal, supervisor));
    WEFT_TRY(weft_loop_add_signal_handler(NULL, SIGINT, on_stop_signal, supervisor));
    WEFT_TRY(weft_loop_add_signal_handler(NULL, SIGHUP, on_reload_signal, supervisor));
    return 0;
}

/* Ours or root's, and not everybody's: what is in it is trusted. */
static int prepare_run_directory(const char *path)
{
    struct stat status;
    mode_t before = umask(0027); /* the group may come in: the sockets' modes say to which */
    int rc = mkdir(path, 0750);

    umask(before);
    if (rc != 0 && errno != EEXIST) {
        log_critical("cannot make the run directory %s: %s", path, strerror(errno));
        return -errno;
    }
    if (lstat(path, &status) != 0) {
        log_critical("cannot look at the run directory %s: %s", path, strerror(errno));
        return -errno;
    }
    if (!S_ISDIR(status.st_mode)) {
        log_critical("the run directory %s is no directory", path);
        return -ENOTDIR;
    }
    if ((status.st_uid != geteuid() && status.st_uid != 0) ||
        ((status.st_mode & 0002) != 0 && (status.st_mode & S_ISVTX) == 0)) {
        log_critical("the run directory %s belongs to uid %u with mode %04o; it must be ours or "
                     "root's, and not writable by everybody",
                     path, status.st_uid, status.st_mode & 07777);
        return -EPERM;
    }
    return 0;
}

/* Sockets from the service manager: those of its socket units, and ours from a former life. */
static int adopt_sockets(struct listeners *listeners)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(/* unset_environment = */ 1, &names);

    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        int rc = listeners_is_stored_name(names[i]) ? listeners_restore(listeners, names[i], fd)
                                                    : listeners_adopt(listeners, names[i], fd);

        if (rc != 0) {
            log_warning("descriptor %d ('%s') from the service manager does not listen; closed", fd,
                        names[i]);
            close(fd);
        }
        free(names[i]);
    }
    free(names);
    return n < 0 ? n : 0;
}

static int open_listeners(struct supervisor *supervisor)
{
    static const struct listeners_store store = { notify_keep, notify_drop };
    struct version *version = &supervisor->version;
    struct config_errors errors;
    const char *unused;
    int rc = listeners_create(&store, &supervisor->listeners);

    if (rc != 0) {
        return rc;
    }
    rc = adopt_sockets(supervisor->listeners);
    if (rc != 0) {
        log_critical("cannot take over sockets of the service manager: %s", strerror(-rc));
        return rc;
    }
    config_errors_init(&errors);
    rc = listeners_prepare(supervisor->listeners, version->config,
                           supervisor_n_loops(version->config), &errors, &version->view);
    if (rc == 0) {
        rc = status_plan_make(supervisor, version->config, &errors, &version->status);
    }
    config_errors_print(stderr, &errors);
    config_errors_fini(&errors);
    for (size_t i = 0; rc == 0; i++) {
        unused = listeners_unused(supervisor->listeners, version->view, i);
        if (unused == NULL) {
            break;
        }
        log_warning("socket '%s' from the service manager belongs to no listener", unused);
    }
    return rc;
}

/* Everything that may fail, before the first worker. Errors: an exit code. */
static int set_up(struct supervisor *supervisor)
{
    const struct config *config = supervisor->version.config;
    struct policy_limits limits = limits_of(config);
    uint64_t seed = 0;
    char why[256] = "";
    int rc;

    if (prepare_run_directory(config->run_directory) != 0) {
        return EX_CANTCREAT;
    }
    if (open_listeners(supervisor) != 0) {
        return EX_UNAVAILABLE;
    }
    rc = control_open(supervisor, &config->control, &supervisor->control, why, sizeof why);
    if (rc != 0) {
        log_critical("cannot open the control socket %s: %s", config->control.socket, why);
        return EX_UNAVAILABLE;
    }
    rc = version_write_json(&supervisor->version);
    if (rc == 0) {
        rc = handle_signals(supervisor);
    }
    if (rc == 0) {
        supervisor->done = weft_loop_create_future(NULL);
        rc = supervisor->done == NULL ? WEFT_ENOMEM : weft_lock_create(&supervisor->reload_lock);
    }
    if (rc < 0) {
        log_critical("cannot start: %s", weft_strerror(rc));
        return EX_OSERR;
    }
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint64_t)weft_clock_now(); /* it only spreads restarts */
    }
    policy_init(&supervisor->policy, &limits, seed);
    rc = observer_open(supervisor);
    if (rc != 0) {
        log_critical("cannot make room for figures: %s", weft_strerror(rc));
        return EX_OSERR;
    }
    observer_apply(supervisor);
    return EX_OK;
}

static void tear_down(struct supervisor *supervisor)
{
    struct generation *next;

    control_close(supervisor->control);
    end_announcement(supervisor);
    (void)weft_loop_remove_signal_handler(NULL, SIGTERM);
    (void)weft_loop_remove_signal_handler(NULL, SIGINT);
    (void)weft_loop_remove_signal_handler(NULL, SIGHUP);
    /* Reloads that wait are told that we stop; behind the last of them the lock is ours. */
    if (supervisor->reload_lock != NULL && weft_lock_acquire(supervisor->reload_lock) == 0) {
        (void)weft_lock_release(supervisor->reload_lock);
    }
    (void)weft_lock_destroy(supervisor->reload_lock);
    if (supervisor->timer != NULL) {
        (void)weft_handle_cancel(supervisor->timer);
        supervisor->timer = weft_handle_unref(supervisor->timer);
    }
    if (supervisor->pinger != NULL) {
        (void)weft_handle_cancel(supervisor->pinger);
        supervisor->pinger = weft_handle_unref(supervisor->pinger);
    }
    if (supervisor->watchdog != NULL) {
        (void)weft_handle_cancel(supervisor->watchdog);
        supervisor->watchdog = weft_handle_unref(supervisor->watchdog);
    }
    observer_close(supervisor);
    listeners_leave(supervisor->listeners);
    for (struct generation *i = supervisor->generations; i != NULL; i = next) {
        next = i->next;
        if (i->child != NULL) {
            child_kill(i->child); /* only when we end out of turn */
        }
        child_destroy(i->child);
        (void)listeners_view_unref(i->view);
        free(i);
    }
    supervisor->generations = NULL;
    version_clear(&supervisor->candidate);
    version_clear(&supervisor->version);
    listeners_destroy(supervisor->listeners);
    (void)weft_future_unref(supervisor->done);
    supervisor->done = NULL;
}

/* The main coroutine. */
static int supervise(void *arg)
{
    struct supervisor *supervisor = arg;
    int rc = 0;

    supervisor->started_at = weft_loop_time(NULL);
    supervisor->exit_code = set_up(supervisor);
    if (supervisor->exit_code == EX_OK) {
        (void)on_heartbeat(supervisor);
        (void)on_ping(supervisor);
        supervisor_decide(supervisor, POLICY_EVENT_START, 0);
        rc = weft_await(supervisor->done, NULL);
        if (rc < 0) {
            log_critical("the supervisor is interrupted: %s", weft_strerror(rc));
            supervisor->exit_code = EX_SOFTWARE;
        } else {
            log_info("weftd ends with status %d", supervisor->exit_code);
        }
    }
    notify_stopping();
    tear_down(supervisor);
    return 0;
}

int supervisor_run(const struct supervisor_options *options)
{
    weft_loop_options loop_options = WEFT_LOOP_OPTIONS_INIT;
    struct supervisor *supervisor = calloc(1, sizeof *supervisor);
    int exit_code;
    int rc;

    if (supervisor == NULL) {
        config_destroy(options->config);
        return EX_OSERR;
    }
    supervisor->debug = -1;
    supervisor->config_path = options->config_path;
    supervisor->worker = options->worker;
    supervisor->is_foreground = options->is_foreground;
    supervisor->version = (struct version){ .config = options->config, .json = -1 };
    supervisor->candidate = (struct version){ .json = -1 };
    loop_options.name = "supervisor";
    loop_options.stack_size = TASK_STACK;
    rc = weft_run_with(supervise, supervisor, &loop_options, NULL);
    exit_code = supervisor->exit_code;
    if (rc < 0) {
        log_critical("the loop failed: %s", weft_strerror(rc));
        exit_code = EX_SOFTWARE;
    }
    free(supervisor);
    return exit_code;
}

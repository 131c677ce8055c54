/*
 * The control thread: the one that talks to the supervisor and takes signals,
 * so that both work while a loop is stuck.
 *
 *     supervisor --DRAIN, STOP, PING, LOG_LEVEL--> this --orders--> loop 0
 *         `------DUMP----------------------------> this --requests--> dump.c
 *         ^----PONG, STATUS, STALLED-------------- this <--beats--- every loop
 *
 * Every second each loop is asked to count (`on_beat`, a callback in a turn of
 * its own); the counters are sent as they are then. A loop that does not answer
 * for STALL_LIMIT is reported once per stall; what holds it up is told by the library's
 * monitor (on_stall), each second, so that the supervisor can act. A PING is answered when every
 * loop has answered a beat that was asked after it: no PONG means a stuck loop.
 *
 * The supervisor's end of the channel closes with it, and the kernel sends
 * SIGTERM then: the worker drains within the configured grace, and if even that
 * does not end, the process does.
 *
 * Thread: its own; on_beat on the loops.
 */

#include "worker.h"

#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK        WEFT_S(1)
#define STALL_LIMIT WEFT_S(1)
/* The same for loops that the monitor watches: it may see one that only gets no processor. */
#define UNSEEN_LIMIT WEFT_S(10)
/* A poll that came back so late: the process stood still. */
#define STANDSTILL WEFT_MS(500)
/* Beyond the grace, before a worker without supervisor ends itself by force. */
#define ORPHAN_LIMIT WEFT_S(10)

struct control {
    struct worker *worker;
    struct dumper *dumper; /* owned */
    pthread_t thread;
    int bell;                /* eventfd: rung by control_stop and by beats */
    int signals;             /* signalfd */
    atomic_bool is_stopping; /* release by control_stop, acquire by the thread */
    weft_time next_tick;
    bool is_count_due; /* figures are to be published when all loops have answered */
    bool is_orphan;
    weft_time orphan_deadline;
    int n_terms;
    bool has_ping;
    int64_t ping;
};

/* ---- talking to the supervisor -------------------------------------------------------- */

static void send_packet(const struct heritage *heritage, struct channel_packet *packet)
{
    packet->version = CHANNEL_VERSION;
    /* A supervisor that does not read or is gone misses a packet; nothing depends on it. */
    (void)channel_send(heritage->channel, packet);
}

void control_say(const struct heritage *heritage, enum channel_kind kind, const char *text)
{
    struct channel_packet packet = { .kind = (uint16_t)kind };

    if (text != NULL) {
        snprintf(packet.text, sizeof packet.text, "%s", text);
    }
    send_packet(heritage, &packet);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void collect_executors(struct worker *worker, struct channel_status *status)
{
    for (size_t i = 0; i < worker->config->n_executors; i++) {
        weft_executor_stats stats = WEFT_EXECUTOR_STATS_INIT;
        if (weft_executor_get_stats(worker->executors[i], &stats) == 0) {
            status->n_jobs_queued += stats.n_queued + stats.n_waiting;
            status->n_jobs_running += stats.n_running;
            status->n_jobs_done += stats.n_done;
        }
    }
}

static void send_status(struct control *control, enum channel_kind kind, int64_t number)
{
    struct worker *worker = control->worker;
    struct channel_packet packet = { .kind = (uint16_t)kind, .number = number };
    struct channel_status *status = &packet.status;

    status->n_loops = (uint32_t)worker->n_loops;
    for (int i = 0; i < worker->n_loops; i++) {
        const struct part_counters *counters = &worker->parts[i].counters;
        status->n_tasks += (uint32_t)load(&counters->n_tasks);
        status->n_connections += load(&counters->n_connections);
        status->n_accepted += load(&counters->n_accepted);
        status->n_shed += load(&counters->n_shed);
        status->n_accept_errors += load(&counters->n_accept_errors);
        status->n_service_restarts += load(&counters->n_restarts);
    }
    collect_executors(worker, status);
    send_packet(worker->heritage, &packet);
}

/* ---- beats ------------------------------------------------------------------------------- */

static void ring(const struct control *control)
{
    uint64_t one = 1;

    (void)!write(control->bell, &one, sizeof one); /* Full means that it rings already. */
}

/* In a turn of each loop. */
static int on_beat(void *data)
{
    struct part *part = data;

    part_count(part);
    atomic_fetch_add_explicit(&part->counters.n_beats, 1, memory_order_release);
    ring(part->worker->control);
    return 0;
}

static bool has_answered(const struct part *part)
{
    /* Pairs with the release in on_beat. */
    return atomic_load_explicit(&part->counters.n_beats, memory_order_acquire) ==
           part->n_beats_asked;
}

static void ask_beats(struct control *control)
{
    struct worker *worker = control->worker;

    for (int i = 0; i < worker->n_loops; i++) {
        struct part *part = &worker->parts[i];
        if (has_answered(part) &&
            weft_loop_call_soon_threadsafe(part->loop, on_beat, part, NULL) == 0) {
            part->n_beats_asked++;
            part->beat_asked_at = weft_clock_now();
            part->is_reported = false;
        }
    }
}

/* Then the monitor says more, and sooner. */
static bool is_monitored(const struct worker *worker)
{
    return worker->config->loops.debug != CONFIG_DEBUG_OFF;
}

/*
 * The stack in one line: "#0 a at x.c:1\n #1 b ..." becomes "a at x.c:1 < b ...". What does not
 * fit is cut at its end, the outermost.
 */
static void put_stack(char *text, size_t size, const char *stack)
{
    size_t used = strlen(text);
    const char *frame = stack != NULL ? strchr(stack, '#') : NULL;

    for (bool is_first = true; frame != NULL && used + 1 < size; is_first = false) {
        const char *name = strchr(frame, ' ');
        if (name == NULL) {
            return;
        }
        int len = (int)strcspn(name, "\n");
        int n = snprintf(text + used, size - used, "%s%.*s", is_first ? ", in" : " <", len, name);
        used += n > 0 ? (size_t)n : 0;
        frame = strchr(name, '#');
    }
}

/*
 * The monitor's thread, while a loop is held up: at first, after a second, and each second on. The
 * supervisor hears of it from STALL_LIMIT on, and decides.
 */
static void on_stall(const weft_stall *stall, void *data)
{
    struct worker *worker = data;
    int i = 0;

    while (i < worker->n_loops && worker->parts[i].loop != stall->loop) {
        i++;
    }
    if (i == worker->n_loops || stall->cause == WEFT_STALL_STARVED) {
        return;
    }
    struct part *part = &worker->parts[i];
    part->is_stall_told = part->is_stall_told && stall->n > 1;
    if (stall->lasts < STALL_LIMIT) {
        return;
    }
    struct channel_packet packet = { .kind = CHANNEL_STALLED,
                                     .index = (uint32_t)i,
                                     .number = stall->lasts,
                                     .flags = part->is_stall_told ? 0 : 1 };
    snprintf(packet.text, sizeof packet.text, "%s%s%.300s",
             stall->label != NULL ? stall->label : "", stall->label != NULL ? ": " : "",
             stall->message);
    put_stack(packet.text, sizeof packet.text, stall->stack);
    part->is_stall_told = true;
    send_packet(worker->heritage, &packet);
}

static void report_stalls(struct control *control)
{
    struct worker *worker = control->worker;
    weft_time now = weft_clock_now();

    for (int i = 0; i < worker->n_loops; i++) {
        struct part *part = &worker->parts[i];
        weft_duration age = now - part->beat_asked_at;
        weft_duration limit = is_monitored(worker) ? UNSEEN_LIMIT : STALL_LIMIT;
        if (has_answered(part) || part->is_reported || age < limit) {
            continue;
        }
        part->is_reported = true;
        struct channel_packet packet = {
            .kind = CHANNEL_STALLED, .index = (uint32_t)i, .number = age, .flags = 1
        };
        snprintf(packet.text, sizeof packet.text, "loop %d has not turned for %lld ms", i,
                 (long long)(age / 1000000));
        log_error("%s", packet.text);
        send_packet(worker->heritage, &packet);
    }
}

static bool have_all_answered(const struct control *control)
{
    for (int i = 0; i < control->worker->n_loops; i++) {
        if (!has_answered(&control->worker->parts[i])) {
            return false;
        }
    }
    return true;
}

/* ---- orders -------------------------------------------------------------------------------- */

static void become_orphan(struct control *control)
{
    weft_duration grace = control->worker->config->drain.grace;

    control->is_orphan = true;
    control->orphan_deadline = weft_clock_now() + grace + ORPHAN_LIMIT;
    log_warning("the supervisor is gone: the worker drains and ends");
    worker_drain_threadsafe(control->worker, grace);
}

/* In a turn of each loop, which may come late: then it takes what was said last. */
static int on_debug(void *data)
{
    struct part *part = data;
    int level = atomic_load_explicit(&part->worker->debug, memory_order_relaxed);

    return weft_loop_set_debug(NULL, (enum weft_debug_level)level);
}

static void set_debug(struct worker *worker, int64_t level)
{
    if (level < WEFT_DEBUG_OFF || level > WEFT_DEBUG_FULL) {
        return;
    }
    atomic_store_explicit(&worker->debug, (int)level, memory_order_relaxed);
    for (int i = 0; i < worker->n_loops; i++) {
        struct part *part = &worker->parts[i];
        /* One that is closed needs no level any more. */
        (void)weft_loop_call_soon_threadsafe(part->loop, on_debug, part, NULL);
    }
}

static void handle_packet(struct control *control, const struct channel_packet *packet)
{
    switch ((enum channel_kind)packet->kind) {
    case CHANNEL_DRAIN:
        worker_drain_threadsafe(control->worker, packet->number < 0 ? 0 : packet->number);
        break;
    case CHANNEL_STOP:
        worker_drain_threadsafe(control->worker, 0);
        break;
    case CHANNEL_LOG_LEVEL:
        weft_log_set_level((enum weft_log_level)packet->number);
        break;
    case CHANNEL_PING:
        if ((packet->flags & 1) != 0) { /* It asks for this thread only. */
            struct channel_packet pong = { .kind = CHANNEL_PONG,
                                           .number = packet->number,
                                           .flags = 1 };
            send_packet(control->worker->heritage, &pong);
            break;
        }
        control->has_ping = true;
        control->ping = packet->number;
        ask_beats(control);
        break;
    case CHANNEL_DEBUG:
        set_debug(control->worker, packet->number);
        break;
    case CHANNEL_DUMP:
        dumper_request(control->dumper, packet);
        break;
    default:
        break; /* Not for us. */
    }
}

static void read_channel(struct control *control)
{
    struct channel_packet packet;

    for (;;) {
        int r = channel_receive(control->worker->heritage->channel, &packet);
        if (r == 0) {
            handle_packet(control, &packet);
        } else if (r == -EPROTO) {
            log_warning("a packet from the supervisor was malformed");
        } else {
            if (r != -EAGAIN) {
                become_orphan(control);
            }
            return;
        }
    }
}

/* The first SIGTERM drains, the second one hastens. */
static void read_signals(struct control *control)
{
    struct signalfd_siginfo info;

    while (read(control->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        control->n_terms++;
        worker_drain_threadsafe(control->worker,
                                control->n_terms > 1 ? 0 : control->worker->config->drain.grace);
    }
}

static void read_bell(const struct control *control)
{
    uint64_t count;

    (void)!read(control->bell, &count, sizeof count); /* Empty means that it did not ring. */
}

/* ---- the thread -------------------------------------------------------------------------------
 */

static void tick(struct control *control)
{
    weft_time now = weft_clock_now();

    if (control->is_orphan && now >= control->orphan_deadline) {
        log_critical("the worker could not end in time without its supervisor; it ends now");
        _exit(1);
    }
    report_stalls(control);
    if (now < control->next_tick) {
        return;
    }
    control->next_tick = now + TICK;
    if (control->is_count_due) { /* a loop owes its beat: publish what there is */
        publisher_publish(control->worker->publisher, control->worker);
    }
    ask_beats(control);
    control->is_count_due = true;
    send_status(control, CHANNEL_STATUS, 0);
}

/* Until the next tick, or until a loop that owes an answer has owed it for too long. */
static int wait_time_ms(const struct control *control)
{
    weft_time until = control->next_tick;

    for (int i = 0; i < control->worker->n_loops; i++) {
        const struct part *part = &control->worker->parts[i];
        if (!has_answered(part) && !part->is_reported &&
            part->beat_asked_at + STALL_LIMIT < until) {
            until = part->beat_asked_at + STALL_LIMIT;
        }
    }
    weft_duration left = until - weft_clock_now();
    return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

/* This thread was late by <late>: if the process was stopped, the loops owe nothing for that. */
static void forgive_standstill(struct control *control, weft_duration late)
{
    if (late < STANDSTILL) {
        return;
    }
    for (int i = 0; i < control->worker->n_loops; i++) {
        control->worker->parts[i].beat_asked_at += late;
    }
}

static void *control_main(void *data)
{
    struct control *control = data;

    sigset_t signals;

    (void)pthread_setname_np(pthread_self(), "weft-control");
    /* Handlers that a module installs run here; SIGTERM comes by its descriptor. */
    sigfillset(&signals);
    sigdelset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    /* Pairs with the release in control_stop. */
    while (!atomic_load_explicit(&control->is_stopping, memory_order_acquire)) {
        struct pollfd fds[] = {
            { .fd = control->bell, .events = POLLIN },
            { .fd = control->signals, .events = POLLIN },
            { .fd = control->is_orphan ? -1 : control->worker->heritage->channel,
              .events = POLLIN },
        };
        int wait_ms = wait_time_ms(control);
        weft_time until = weft_clock_now() + WEFT_MS(wait_ms);
        if (poll(fds, 3, wait_ms) < 0 && errno != EINTR) {
            log_critical("poll failed in the control thread: %s", strerror(errno));
            abort();
        }
        forgive_standstill(control, weft_clock_now() - until);
        read_bell(control);
        read_signals(control);
        if (!control->is_orphan) {
            read_channel(control);
        }
        tick(control);
        if (control->is_count_due && have_all_answered(control)) {
            control->is_count_due = false;
            publisher_publish(control->worker->publisher, control->worker);
        }
        if (control->has_ping && have_all_answered(control)) {
            control->has_ping = false;
            send_status(control, CHANNEL_PONG, control->ping);
        }
    }
    return NULL;
}

void control_destroy(struct control *control)
{
    if (control == NULL) {
        return;
    }
    if (control->bell >= 0) {
        close(control->bell);
    }
    if (control->signals >= 0) {
        close(control->signals);
    }
    dumper_destroy(control->dumper);
    free(control);
}

int control_start(struct worker *worker, struct control **out_control)
{
    struct control *control = calloc(1, sizeof *control);
    sigset_t signals;

    if (control == NULL) {
        return WEFT_ENOMEM;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    control->worker = worker;
    control->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    control->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    int r = control->bell < 0 || control->signals < 0 ? -errno : 0;
    control->dumper = dumper_create(worker->heritage);
    if (r == 0 && control->dumper == NULL) {
        r = WEFT_ENOMEM;
    }
    if (r == 0) {
        *out_control = control; /* Before the first beat. */
        weft_set_stall_handler(on_stall, worker);
        r = -pthread_create(&control->thread, NULL, control_main, control);
    }
    if (r < 0) {
        *out_control = NULL;
        control_destroy(control);
    }
    return r; /* NOLINT(clang-analyzer-unix.Malloc): *out_control has it, or nobody */
}

void control_stop(struct control *control)
{
    if (control == NULL) {
        return;
    }
    /* Pairs with the acquire in control_main. */
    atomic_store_explicit(&control->is_stopping, true, memory_order_release);
    weft_set_stall_handler(NULL, NULL);
    ring(control);
    pthread_join(control->thread, NULL);
}

/*
 * The monitor: one thread that looks at all loops that are watched.
 *
 *     first loop runs --> thread --look, sleep, look ...--> last loop closes --> joined
 *                            |   all loops idle for a while        ^
 *                            `--> asleep <--------a loop rings-----'
 *
 * A look reads what loops show (loop/watch.h) and the CPU clocks of their threads
 * from outside, and judges it (stall.c). Before it sleeps for good it hangs a bell on
 * every loop and looks once more; a barrier in all threads of the process between
 * the two makes sure that a loop which it saw idle will see the bell. A loop pays for
 * that only when it rings.
 *
 * What is logged is put together under the lock and sent without it. The lock is
 * held for microseconds, but for the time in which a stack is copied.
 *
 * Locks: `life` around the start and the end of the thread, which never takes it;
 * `mu` for the rest. A fork leaves the child without the thread and with both locks
 * free; its parent's loops are none of its own.
 *
 * Thread: begin, end, ring and the notes on the loops' threads; the rest on its own.
 */

#include "inspect/monitor.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "future/future.h"
#include "inspect/culprit.h"
#include "inspect/live_stack.h"
#include "inspect/notice.h"
#include "inspect/stall.h"
#include "inspect/task_watch.h"
#include "loop/loop.h"
#include "thread/bell.h"
#include "thread/executor.h"
#include "thread/futex.h"
#include "thread/start.h"
#include "weft/inspect.h"
#include "weft/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_LOOKS = 8, /* in a row, before it sleeps for good */
    MANY_TASKS = 2000,
    HOLD_SHARE = 1000 /* loops are held for that part of the time at most */
};

#define LEAST_THRESHOLD WEFT_MS(1)
#define MOST_THRESHOLD  WEFT_S(1)
/* Where threads cannot be told apart from idle ones for sure: look now and then. */
#define SLEEP_WITHOUT_BARRIER WEFT_MS(500)
#define EXECUTOR_PERIOD       WEFT_S(1)
/* Snapshots of tasks: at most so often, and rarely where there are many or they held a loop. */
#define LEAST_TASKS_PERIOD WEFT_MS(200)
#define MOST_TASKS_PERIOD  WEFT_S(5)
#define MANY_TASKS_PERIOD  WEFT_S(60)
#define CANCEL_IGNORED     WEFT_S(10)
#define WAITING            WEFT_S(5)

/* What is known of one loop, in weft_loop.watch.track. Guarded by mu. */
struct track {
    struct wf_stall_track stall;
    struct wf_stall_limit limit;
    struct wf_culprit culprit; /* of the flagged work, or of the last one of the flagged turn */
    uint64_t culprit_number;   /* n_run of it; 0: none */
};

_Static_assert(sizeof(struct track) <= WF_LOOP_TRACK_SIZE, "a track has to fit into a loop");

static struct {
    pthread_mutex_t life;
    pthread_t thread; /* guarded by life */
    bool has_thread;  /* guarded by life; atomic for tests */

    pthread_mutex_t mu;
    struct wf_list loops; /* guarded by mu; of weft_loop.watch.link */
    size_t n_loops;       /* guarded by mu; atomic for tests */
    bool is_stopping;     /* guarded by mu */
    weft_time planned;    /* guarded by mu: the next look; WEFT_FOREVER: when a loop rings */
    weft_duration slept_at_delay; /* guarded by mu: of its own thread, when it fell asleep */
    bool has_barrier;             /* guarded by mu */
    bool wants_stacks;            /* guarded by mu: there may be one to take soon */
    bool are_bells_hung;          /* guarded by mu */
    weft_time executors_at;       /* guarded by mu: look at executors then */
    weft_time tasks_at;           /* guarded by mu: look at tasks then */
    bool wants_tasks;             /* guarded by mu: to look at them is not in vain */
    uint64_t n_run_then;          /* guarded by mu: of all loops, when tasks were looked at last */
    bool is_asleep;               /* atomic: for tests */
} monitor = {
    .life = PTHREAD_MUTEX_INITIALIZER,
    .mu = PTHREAD_MUTEX_INITIALIZER,
    .loops = { &monitor.loops, &monitor.loops },
    .planned = WEFT_FOREVER,
};

static struct track *track_of(weft_loop *loop)
{
    return (struct track *)(void *)loop->watch.track;
}

/* ---- readings ------------------------------------------------------------ */

/* The CPU clock of thread <tid>, as clock_getcpuclockid(3) builds it; it may have ended. */
static weft_duration read_cpu(int tid)
{
    enum {
        PER_THREAD = 4,
        BY_SCHEDULER = 2
    };
    clockid_t clock = (clockid_t)(~(unsigned)tid << 3) | PER_THREAD | BY_SCHEDULER;
    struct timespec time;

    return tid > 0 && clock_gettime(clock, &time) == 0
               ? (weft_duration)time.tv_sec * 1000000000 + time.tv_nsec
               : WF_STALL_UNKNOWN;
}

/* The text of a file of thread <tid> under /proc; false when there is none. */
static bool read_thread_file(int tid, const char *name, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* How long thread <tid> waited for a processor so far. */
static weft_duration read_delay(int tid)
{
    char text[96];
    long long cpu;
    long long delay;

    return read_thread_file(tid, "schedstat", text, sizeof text) &&
                   sscanf(text, "%lld %lld", &cpu, &delay) == 2
               ? delay
               : WF_STALL_UNKNOWN;
}

/* It runs, waits for a processor, or is stopped. */
static bool read_runnable(int tid)
{
    char text[256];
    const char *name_end =
        read_thread_file(tid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;

    return name_end != NULL && name_end[1] == ' ' && strchr("RTt", name_end[2]) != NULL;
}

static weft_duration threshold_of(const weft_loop *loop)
{
    weft_duration threshold = __atomic_load_n(&loop->slow_callback_duration, __ATOMIC_RELAXED);

    return threshold > LEAST_THRESHOLD ? threshold : LEAST_THRESHOLD;
}

/* Current and n_run are read apart; what matters is that they were the same at two looks. */
static struct wf_stall_sample read_loop(const weft_loop *loop, weft_time now, weft_duration missed)
{
    struct wf_stall_sample sample = {
        .now = now,
        .missed = missed,
        .n_run = __atomic_load_n(&loop->n_run, __ATOMIC_RELAXED),
        .n_turns = __atomic_load_n(&loop->n_turns, __ATOMIC_RELAXED),
        .is_working = __atomic_load_n(&loop->current, __ATOMIC_RELAXED) != NULL,
        .cpu = WF_STALL_UNKNOWN,
        .delay = WF_STALL_UNKNOWN,
    };

    if (sample.is_working) {
        sample.is_runnable = read_runnable(loop->watch.tid);
        sample.cpu = read_cpu(loop->watch.tid);
        sample.delay = read_delay(loop->watch.tid);
    }
    return sample;
}

/* ---- looking at loops: under mu --------------------------------------------- */

/* Name what <loop> runs, unless that is known. */
static void name_culprit(weft_loop *loop, struct track *track, uint64_t n_run)
{
    if (track->culprit_number != n_run && wf_culprit_read(loop, n_run, &track->culprit)) {
        track->culprit_number = n_run;
    }
}

static void fill_notice(struct wf_notice *notice, weft_loop *loop, struct track *track,
                        const struct wf_stall_verdict *verdict, weft_time now)
{
    notice->is_due = true;
    notice->is_turn = verdict->is_turn;
    notice->is_starved = verdict->is_starved;
    notice->loop = loop;
    notice->times = verdict->times;
    notice->n = verdict->told->n_told;
    notice->n_kept = 0;
    notice->is_logged =
        verdict->is_starved ||
        (verdict->is_loud && wf_stall_may_pass(&track->limit, now, &notice->n_kept));
    notice->culprit = track->culprit;
    notice->has_stack =
        !verdict->is_starved && wf_live_stack_take(loop, loop->watch.tid, track->culprit_number);
    snprintf(notice->loop_name, sizeof notice->loop_name, "%s", loop->name);
}

/* One look at <loop>. At most one notice is filled; the next look finds the next. */
static weft_time look_at(weft_loop *loop, weft_time now, weft_duration missed,
                         struct wf_notice *notice)
{
    struct track *track = track_of(loop);
    struct wf_stall_sample sample = read_loop(loop, now, missed);
    struct wf_stall_verdict verdict;

    wf_stall_look(&track->stall, &sample, threshold_of(loop), &verdict);
    if (verdict.flags_work || verdict.flags_turn || verdict.told != NULL) {
        name_culprit(loop, track, sample.n_run);
        monitor.wants_stacks = true;
        wf_loop_ask_attention(loop, (verdict.flags_work ? WF_ATTENTION_WORK : 0u) |
                                        (verdict.flags_turn ? WF_ATTENTION_TURN : 0u));
    }
    if (verdict.told != NULL && track->culprit_number == sample.n_run) {
        fill_notice(notice, loop, track, &verdict, now);
        return now;
    }
    return verdict.next;
}

/* When to look again. */
static weft_time look_at_all(weft_time now, weft_duration missed, struct wf_notice *notice)
{
    weft_time next = now + MOST_THRESHOLD / 4;

    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops && !notice->is_due;
         link = link->next) {
        weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, watch.link);
        weft_time wanted = look_at(loop, now, missed, notice);
        next = wanted < next ? wanted : next;
    }
    return next > now + LEAST_THRESHOLD / 4 ? next : now + LEAST_THRESHOLD / 4;
}

/* ---- sleeping: under mu ------------------------------------------------------ */

static bool have_been_idle(void)
{
    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops; link = link->next) {
        if (track_of(WF_CONTAINER_OF(link, weft_loop, watch.link))->stall.n_idle < IDLE_LOOKS) {
            return false;
        }
    }
    return true;
}

static bool are_idle(void)
{
    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops; link = link->next) {
        weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, watch.link);
        if (__atomic_load_n(&loop->current, __ATOMIC_RELAXED) != NULL) {
            return false;
        }
    }
    return true;
}

static void hang_bells(bool are_hung)
{
    if (are_hung == monitor.are_bells_hung) {
        return;
    }
    monitor.are_bells_hung = are_hung;
    (void)wf_u32_exchange_acq_rel(&wf_bell_is_hung, are_hung);
    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops; link = link->next) {
        weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, watch.link);
        if (are_hung) {
            wf_loop_ask_attention(loop, WF_ATTENTION_BELL);
        } else {
            wf_loop_clear_attention(loop, WF_ATTENTION_BELL);
        }
    }
}

/* Every running thread of the process passes a full barrier. */
static bool pass_barriers(void)
{
    return monitor.has_barrier &&
           syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Until when to sleep, given that the next look is wanted at <next>. */
static weft_time choose_sleep(weft_time now, weft_time next)
{
    if (!have_been_idle()) {
        return next;
    }
    hang_bells(/* are_hung = */ true);
    bool is_sure = pass_barriers();
    if (!are_idle()) {
        hang_bells(/* are_hung = */ false);
        return next;
    }
    weft_time limit = is_sure ? WEFT_FOREVER : now + SLEEP_WITHOUT_BARRIER;
    if (wf_executors_are_active() && monitor.executors_at < limit) {
        limit = monitor.executors_at;
    }
    if (monitor.tasks_at != 0 && monitor.tasks_at < limit && monitor.wants_tasks) {
        limit = monitor.tasks_at;
    }
    return limit;
}

/* Leaves mu meanwhile. */
static void sleep_until(weft_time planned, uint32_t heard)
{
    monitor.planned = planned;
    monitor.slept_at_delay = read_delay(gettid());
    __atomic_store_n(&monitor.is_asleep, planned == WEFT_FOREVER, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&monitor.mu);
    if (planned == WEFT_FOREVER) {
        wf_live_stack_forget(); /* megabytes, which a stall of long ago should not cost */
    }
    while (wf_u32_load_acquire(&wf_bell) == heard &&
           wf_futex_wait(&wf_bell, heard, WF_FUTEX_LOCK, planned)) {
    }
    pthread_mutex_lock(&monitor.mu);
    __atomic_store_n(&monitor.is_asleep, false, __ATOMIC_RELAXED);
}

/* ---- the thread ---------------------------------------------------------- */

/* What nobody saw, because this thread did not run when it should have. */
static weft_duration count_missed(weft_time now)
{
    if (monitor.planned == WEFT_FOREVER || now <= monitor.planned) {
        return 0;
    }
    weft_duration delay = read_delay(gettid());
    weft_duration own = delay == WF_STALL_UNKNOWN || monitor.slept_at_delay == WF_STALL_UNKNOWN
                            ? 0
                            : delay - monitor.slept_at_delay;
    return wf_stall_missed(monitor.planned, now, own);
}

/* Leaves mu meanwhile, for the log. */
static void look_at_executors(weft_time now)
{
    if (now < monitor.executors_at) {
        return;
    }
    monitor.executors_at = now + EXECUTOR_PERIOD;
    pthread_mutex_unlock(&monitor.mu);
    (void)wf_executors_look(); /* whether they sleep is asked before this thread does */
    pthread_mutex_lock(&monitor.mu);
}

/* ---- looking at tasks: under mu ---------------------------------------------- */

/* The monitor's own; they are too large for its stack and never used twice at once. */
static struct wf_task_watch task_watch;
static struct wf_task_news task_news[WF_TASK_NEWS];

static weft_duration or_default(const weft_duration *limit, weft_duration usual)
{
    weft_duration given = __atomic_load_n(limit, __ATOMIC_RELAXED);

    return given != 0 ? given : usual;
}

static struct wf_task_limits task_limits_of(const weft_loop *loop)
{
    return (struct wf_task_limits){
        .cancel_ignored = or_default(&loop->watch.cancel_ignored, CANCEL_IGNORED),
        .waiting = or_default(&loop->watch.waiting, WAITING),
    };
}

/* Without mu. */
static bool find_task_limits(uint64_t address, struct wf_task_limits *out_limits)
{
    bool is_watched = false;

    pthread_mutex_lock(&monitor.mu);
    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops && !is_watched;
         link = link->next) {
        const weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, watch.link);
        if ((uintptr_t)loop == address) {
            *out_limits = task_limits_of(loop);
            is_watched = true;
        }
    }
    pthread_mutex_unlock(&monitor.mu);
    return is_watched;
}

/* What all loops together have run, how many tasks they have, and how soon to look at those. */
static weft_duration measure_loops(uint64_t *out_n_run)
{
    weft_duration period = WEFT_FOREVER;
    size_t n_tasks = 0;

    *out_n_run = 0;
    for (struct wf_list *link = monitor.loops.next; link != &monitor.loops; link = link->next) {
        const weft_loop *loop = WF_CONTAINER_OF(link, weft_loop, watch.link);
        struct wf_task_limits limits = task_limits_of(loop);
        weft_duration least =
            limits.waiting < limits.cancel_ignored ? limits.waiting : limits.cancel_ignored;
        period = least < period ? least : period;
        n_tasks += wf_loop_count_tasks(loop);
        *out_n_run += __atomic_load_n(&loop->n_run, __ATOMIC_RELAXED);
    }
    if (period == WEFT_FOREVER || n_tasks == 0) {
        return WEFT_FOREVER;
    }
    if (n_tasks > MANY_TASKS) {
        return MANY_TASKS_PERIOD;
    }
    period = period > LEAST_TASKS_PERIOD ? period : LEAST_TASKS_PERIOD;
    return period < MOST_TASKS_PERIOD ? period : MOST_TASKS_PERIOD;
}

/* Without mu. How long a loop was held for it. */
static weft_duration judge_tasks(void)
{
    struct wf_snapshot_options options = { .parts = WEFT_DUMP_TASKS | WEFT_DUMP_WAITS };
    struct wf_snapshot *snapshot = NULL;

    if (wf_snapshot_take(&options, &snapshot) < 0) {
        return 0; /* without memory: another time */
    }
    weft_duration held = snapshot->longest_hold;
    size_t n = wf_task_watch_judge(&task_watch, snapshot, find_task_limits, task_news);
    wf_snapshot_free(snapshot);
    for (size_t i = 0; i < n; i++) {
        wf_task_news_report(&task_news[i]);
    }
    return held;
}

/* Whether there is a reason to: something ran since the last time, or something looked wrong. */
static bool wants_tasks(uint64_t n_run)
{
    return n_run != monitor.n_run_then || task_watch.is_pending;
}

/* When a look at tasks is due: WEFT_FOREVER when nothing can have changed. Leaves mu meanwhile. */
static void look_at_tasks(weft_time now)
{
    uint64_t n_run;
    weft_duration period = measure_loops(&n_run);

    if (monitor.tasks_at == 0 || period == WEFT_FOREVER) {
        monitor.tasks_at = period == WEFT_FOREVER ? 0 : now + period;
        return;
    }
    monitor.wants_tasks = wants_tasks(n_run);
    if (now < monitor.tasks_at || !monitor.wants_tasks) {
        return;
    }
    monitor.n_run_then = n_run;
    pthread_mutex_unlock(&monitor.mu);
    weft_duration held = judge_tasks();
    pthread_mutex_lock(&monitor.mu);
    period = held * HOLD_SHARE > period ? held * HOLD_SHARE : period;
    monitor.tasks_at = weft_clock_now() + period;
    monitor.wants_tasks = task_watch.is_pending;
}

/* Leaves mu meanwhile: once, when something has lasted for half the threshold. */
static void prepare_stacks(void)
{
    if (monitor.wants_stacks) {
        pthread_mutex_unlock(&monitor.mu);
        wf_live_stack_prepare();
        pthread_mutex_lock(&monitor.mu);
    }
}

/* One round: look, say, sleep. Under mu, which it leaves meanwhile. */
static void work_one_round(struct wf_notice *notice)
{
    uint32_t heard = wf_u32_load_acquire(&wf_bell);
    weft_time now = weft_clock_now();
    weft_duration missed = count_missed(now);

    monitor.planned = WEFT_FOREVER; /* it is awake: nothing is missed */
    hang_bells(/* are_hung = */ false);
    notice->is_due = false;
    weft_time next = look_at_all(now, missed, notice);
    if (notice->is_due || missed >= WF_LONG_STANDSTILL) {
        pthread_mutex_unlock(&monitor.mu);
        if (missed >= WF_LONG_STANDSTILL) {
            wf_notice_standstill(missed);
        }
        if (notice->is_due) {
            wf_notice_send(notice);
        }
        pthread_mutex_lock(&monitor.mu);
        return;
    }
    look_at_executors(now);
    look_at_tasks(now);
    prepare_stacks();
    sleep_until(choose_sleep(now, next), heard);
}

static void *monitor_main(void *data)
{
    struct wf_notice notice = { 0 };

    (void)data;
    wf_thread_set_name("weft-monitor");
    (void)wf_thread_be_punctual(); /* the thread is ours */
    pthread_mutex_lock(&monitor.mu);
    monitor.has_barrier =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    while (!monitor.is_stopping) {
        work_one_round(&notice);
    }
    pthread_mutex_unlock(&monitor.mu);
    return NULL;
}

/* Under life. */
static void start_thread(void)
{
    monitor.is_stopping = false; /* no thread, no other user */
    monitor.planned = WEFT_FOREVER;
    bool is_there = wf_thread_start_unseen(&monitor.thread, monitor_main, NULL) == 0;
    __atomic_store_n(&monitor.has_thread, is_there, __ATOMIC_RELAXED); /* without: unwatched */
}

/* Under life. */
static void stop_thread(void)
{
    if (!monitor.has_thread || pthread_equal(pthread_self(), monitor.thread)) {
        return;
    }
    pthread_mutex_lock(&monitor.mu);
    monitor.is_stopping = true;
    pthread_mutex_unlock(&monitor.mu);
    wf_bell_ring();
    pthread_join(monitor.thread, NULL);
    __atomic_store_n(&monitor.has_thread, false, __ATOMIC_RELAXED);
}

/* ---- forks and the end of the process --------------------------------------- */

static void on_fork_in_child(void)
{
    pthread_mutex_init(&monitor.life, NULL);
    pthread_mutex_init(&monitor.mu, NULL);
    wf_notice_begin_child();
    wf_list_init(&monitor.loops);
    monitor.n_loops = 0;
    monitor.has_thread = false;
    monitor.is_stopping = false;
    monitor.is_asleep = false;
    monitor.are_bells_hung = false;
    monitor.tasks_at = 0;
    monitor.planned = WEFT_FOREVER;
}

static void watch_forks(void)
{
    /* Fails without memory only; then a child is not watched. */
    (void)pthread_atfork(NULL, NULL, on_fork_in_child);
}

/* Loops that nobody closed: their watch ends with the process. */
__attribute__((destructor)) static void end_with_process(void)
{
    pthread_mutex_lock(&monitor.life);
    stop_thread();
    pthread_mutex_unlock(&monitor.life);
}

/* ---- the loop's side ------------------------------------------------------ */

static void begin(weft_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&monitor.life);
    pthread_mutex_lock(&monitor.mu);
    *track_of(loop) = (struct track){ 0 }; /* also for one that changed its thread */
    loop->watch.tid = loop->owner_tid;
    if (!loop->watch.is_watched) {
        loop->watch.is_watched = true;
        wf_list_append(&monitor.loops, &loop->watch.link);
        __atomic_store_n(&monitor.n_loops, monitor.n_loops + 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&monitor.mu);
    if (!monitor.has_thread) {
        start_thread();
    } else {
        wf_bell_ring();
    }
    pthread_mutex_unlock(&monitor.life);
}

static void end(weft_loop *loop)
{
    if (!loop->watch.is_watched) {
        return;
    }
    pthread_mutex_lock(&monitor.life);
    pthread_mutex_lock(&monitor.mu);
    loop->watch.is_watched = false;
    wf_list_remove(&loop->watch.link);
    __atomic_store_n(&monitor.n_loops, monitor.n_loops - 1, __ATOMIC_RELAXED);
    bool is_last = monitor.n_loops == 0;
    pthread_mutex_unlock(&monitor.mu);
    wf_loop_clear_attention(loop, WF_ATTENTION_BELL | WF_ATTENTION_WORK | WF_ATTENTION_TURN);
    if (is_last) {
        stop_thread();
    }
    pthread_mutex_unlock(&monitor.life);
}

/* Now, for a span of this thread's loop. Under mu. */
static struct wf_stall_sample read_own(const weft_loop *loop, weft_duration delay_before)
{
    struct wf_stall_sample sample = {
        .now = weft_clock_now(),
        .cpu = read_cpu(loop->watch.tid),
        .delay = read_delay(loop->watch.tid),
    };
    /* Where this thread waited for a processor the monitor may have done so, too. */
    weft_duration waited = delay_before == WF_STALL_UNKNOWN || sample.delay == WF_STALL_UNKNOWN
                               ? 0
                               : sample.delay - delay_before;

    if (monitor.planned != WEFT_FOREVER) {
        sample.missed = wf_stall_missed(monitor.planned, sample.now, waited);
    }
    return sample;
}

/* What became of a span, for its report. */
struct ending {
    bool is_slow;    /* by what counts */
    bool is_starved; /* it was long, but that does not count */
    struct wf_notice notice;
};

/* Under mu. */
static void measure_end(weft_loop *loop, struct wf_stall_span *span, weft_duration told,
                        struct ending *ending)
{
    struct track *track = track_of(loop);
    struct wf_stall_sample sample = read_own(loop, span->delay);
    struct wf_notice *notice = &ending->notice;
    weft_duration threshold = threshold_of(loop);

    wf_stall_measure(span, &sample, &notice->times);
    span->is_open = false;
    notice->culprit = track->culprit;
    snprintf(notice->loop_name, sizeof notice->loop_name, "%s", loop->name);
    ending->is_slow = notice->times.counted - told >= threshold;
    ending->is_starved =
        !ending->is_slow && told == 0 &&
        notice->times.counted + notice->times.delay + notice->times.missed >= threshold;
}

static bool measure_work(weft_loop *loop, struct ending *ending)
{
    struct wf_stall_span *span = &track_of(loop)->stall.work;
    uint64_t n_run = loop->current != NULL ? loop->n_run - 1 : loop->n_run;

    if (!span->is_open || !span->is_flagged || span->number != n_run ||
        track_of(loop)->culprit_number != n_run) {
        return false; /* it was flagged too late */
    }
    measure_end(loop, span, span->told, ending);
    if (ending->is_slow) {
        track_of(loop)->stall.turn.told += ending->notice.times.counted;
    }
    return true;
}

static bool measure_turn(weft_loop *loop, struct ending *ending)
{
    struct wf_stall_span *span = &track_of(loop)->stall.turn;

    if (!span->is_open || !span->is_flagged || span->number != loop->n_turns) {
        return false;
    }
    measure_end(loop, span, span->told, ending);
    ending->is_starved = false; /* its work tells of that */
    return true;
}

static void note_end(weft_loop *loop, enum wf_attention what)
{
    struct ending ending = { 0 };

    pthread_mutex_lock(&monitor.mu);
    bool is_known =
        loop->watch.is_watched &&
        (what == WF_ATTENTION_WORK ? measure_work(loop, &ending) : measure_turn(loop, &ending));
    pthread_mutex_unlock(&monitor.mu);
    if (!is_known) {
        return;
    }
    if (ending.is_slow && what == WF_ATTENTION_TURN) {
        wf_notice_turn(&ending.notice);
    } else if (ending.is_slow) {
        wf_notice_slow(&ending.notice.culprit, &ending.notice.times);
    } else if (ending.is_starved) {
        wf_notice_starved(ending.notice.loop_name, &ending.notice.culprit, &ending.notice.times);
    }
}

/* Under mu: what does not count of the work that the loop timed. */
static void divide_exactly(weft_loop *loop, const struct wf_work_times *work,
                           struct wf_stall_times *times)
{
    struct wf_stall_span *span = &track_of(loop)->stall.work;
    weft_duration took = work->end - work->start;

    if (!loop->watch.is_watched) { /* a virtual clock, too */
        *times = (struct wf_stall_times){ .took = took, .counted = took, .cpu = work->cpu };
        return;
    }
    struct wf_stall_sample now = read_own(loop, span->is_open ? span->delay : WF_STALL_UNKNOWN);
    weft_duration delay = 0;
    weft_duration missed = now.missed;
    if (span->is_open && span->number == loop->n_run && span->seen_at >= work->start) {
        delay = now.delay != WF_STALL_UNKNOWN && span->delay != WF_STALL_UNKNOWN
                    ? now.delay - span->delay
                    : 0;
        missed += span->missed;
        span->is_open = false;
        track_of(loop)->stall.turn.told += took;
    }
    wf_stall_divide(took, work->cpu, delay, missed, times);
}

static void note_slow(weft_loop *loop, const struct wf_work_info *info,
                      const struct wf_work_times *work)
{
    struct wf_culprit culprit = { .info = *info };
    struct wf_stall_times times;

    pthread_mutex_lock(&monitor.mu);
    if (loop->watch.is_watched && track_of(loop)->culprit_number == loop->n_run) {
        memcpy(culprit.label, track_of(loop)->culprit.label, sizeof culprit.label);
    }
    divide_exactly(loop, work, &times);
    pthread_mutex_unlock(&monitor.mu);
    if (times.counted >= loop->slow_callback_duration) {
        wf_notice_slow(&culprit, &times);
    } else {
        wf_notice_starved(loop->name, &culprit, &times);
    }
}

static void note_report(weft_loop *loop, weft_duration took)
{
    pthread_mutex_lock(&monitor.mu);
    if (loop->watch.is_watched) {
        track_of(loop)->stall.turn.told += took;
        track_of(loop)->stall.work.told += took;
    }
    pthread_mutex_unlock(&monitor.mu);
}

const struct wf_loop_watcher wf_loop_watcher = { begin,    end,       wf_bell_ring,
                                                 note_end, note_slow, note_report };

/* ---- the public half -------------------------------------------------------- */

int weft_loop_set_monitor_limits(weft_loop *loop, const weft_monitor_limits *given)
{
    weft_monitor_limits limits = WEFT_MONITOR_LIMITS_INIT;
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        r = wf_options_read("monitor limits", given, &limits, sizeof limits);
    }
    if (r < 0) {
        return r;
    }
    if (limits.cancel_ignored < 0 || limits.waiting < 0 || limits.error_unread < 0) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a limit cannot be negative");
    }
    __atomic_store_n(&loop->watch.cancel_ignored, limits.cancel_ignored, __ATOMIC_RELAXED);
    __atomic_store_n(&loop->watch.waiting, limits.waiting, __ATOMIC_RELAXED);
    wf_loop_set_unread_limit(loop, limits.error_unread);
    return 0;
}

size_t wf_monitor_count_loops(void)
{
    return __atomic_load_n(&monitor.n_loops, __ATOMIC_RELAXED);
}

bool wf_monitor_has_thread(void)
{
    return __atomic_load_n(&monitor.has_thread, __ATOMIC_RELAXED);
}

bool wf_monitor_is_asleep(void)
{
    return __atomic_load_n(&monitor.is_asleep, __ATOMIC_RELAXED);
}

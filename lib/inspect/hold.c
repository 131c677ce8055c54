/*
 * Holding threads (hold.h).
 *
 * A thread that runs is parked thus:
 *
 *     holder                                       thread
 *     word = ARMED                                 runs
 *     a timer on the thread's CPU time
 *                                 <- the tick ->   signal; word = SAVING, registers, PARKED
 *     reads what it wants                          sleeps on the word, at most the bound
 *     word = FREE, wake                            returns
 *
 * The timer is what makes it harmless: it ends while the thread is on a processor, and
 * the kernel raises its signal on the thread's way back to its own code (since 5.9, where
 * CONFIG_POSIX_CPU_TIMERS_TASK_WORK is set, as on x86-64 and AArch64). A signal sent
 * by tgkill could meet a thread that just begins to sleep, and cut that short.
 *
 * A signal may come late, when nobody holds any more: its value has the number of the
 * hold, and the word no longer fits.
 *
 * Invariant: a slot's word is (number of the hold, phase); only the handler goes from
 * ARMED to PARKED and to LEFT, only the holder does the rest, each by
 * compare-and-swap. Slots are static, so that a late handler always finds one.
 *
 * Thread: any; a mutex lets one hold be at a time. The handler runs on the thread held,
 * makes its system calls itself and calls nothing else.
 */

#include "inspect/hold.h"

#include "inspect/ptrace.h"
#include "inspect/raw_call.h"
#include "thread/hold_signal.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum phase {
    FREE,
    ARMED,
    SAVING,
    PARKED,
    LEFT /* the bound was over */
};

enum {
    PHASE_BITS = 3,
    STATUS_SIZE = 4096,
    LOOK_AGAIN_MS = 3, /* at threads that were armed: they may sleep by now */
    LAST_CHANCE_MS = 2,
    JUST_MS = 500
};

#define NO_SLOT UINT32_MAX

struct slot {
    uint32_t word; /* atomic: publishes the rest; the sleepers' futex */
    pid_t tid;     /* the holder's, of the last one that it was for */
    timer_t timer; /* the holder's */
    weft_duration bound;
    /* Written by the handler before PARKED. */
    struct wf_registers registers;
    weft_time parked_at;
};

static pthread_mutex_t holding = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[WF_HOLD_MAX];
static uint32_t number;     /* of the hold; the holder's */
static uint32_t n_arrivals; /* atomic: a futex on which the holder sleeps */

static const char *const state_names[] = {
    [WF_HOLD_LOOSE] = "loose",     [WF_HOLD_PARKED] = "parked", [WF_HOLD_BLOCKED] = "blocked",
    [WF_HOLD_STOPPED] = "stopped", [WF_HOLD_SELF] = "self",     [WF_HOLD_GONE] = "gone",
};

const char *wf_hold_state_name(enum wf_hold_state state)
{
    return state_names[state];
}

/* ---- the handler --------------------------------------------------------- */

static inline uint32_t make_word(uint32_t hold, enum phase phase)
{
    return hold << PHASE_BITS | phase;
}

#define WF_HANDLER static inline __attribute__((always_inline)) WF_NO_SANITIZE

WF_HANDLER bool change(struct slot *slot, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&slot->word, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

WF_HANDLER weft_time read_clock(void)
{
    struct timespec now;

    (void)wf_raw_call2(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now); /* cannot fail */
    return now.tv_sec * WEFT_S(1) + now.tv_nsec;
}

/* Until the word changes or the bound is over; true: it changed. */
WF_HANDLER bool sleep_on(const struct slot *slot, uint32_t word, weft_time deadline)
{
    struct timespec limit = { .tv_sec = deadline / WEFT_S(1), .tv_nsec = deadline % WEFT_S(1) };

    while (__atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) == word) {
        if (wf_raw_call6(SYS_futex, (long)&slot->word, FUTEX_WAIT_BITSET_PRIVATE, (long)word,
                         (long)&limit, 0, -1) == -ETIMEDOUT) {
            return false;
        }
    }
    return true;
}

/* On the thread held, in the middle of anything. */
WF_NO_SANITIZE static bool on_hold(const siginfo_t *info, const void *ucontext)
{
    uintptr_t value = (uintptr_t)info->si_value.sival_ptr;
    uint32_t hold = (uint32_t)(value >> 16);
    uint32_t index = (uint32_t)(value & 0xffff);

    if (info->si_code != SI_TIMER || index >= WF_HOLD_MAX || hold == 0) {
        return false; /* holds count from 1 */
    }
    struct slot *slot = &slots[index];
    if (!change(slot, hold << PHASE_BITS | ARMED, hold << PHASE_BITS | SAVING)) {
        return true; /* too late */
    }
    wf_registers_of_signal(&slot->registers, ucontext);
    slot->parked_at = read_clock();
    weft_time deadline = slot->parked_at + slot->bound;
    uint32_t parked = hold << PHASE_BITS | PARKED;
    if (!change(slot, hold << PHASE_BITS | SAVING, parked)) {
        return true; /* the holder gave up */
    }
    __atomic_fetch_add(&n_arrivals, 1, __ATOMIC_RELEASE);
    (void)wf_raw_call6(SYS_futex, (long)&n_arrivals, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);

    if (!sleep_on(slot, parked, deadline)) {
        (void)change(slot, parked, hold << PHASE_BITS | LEFT);
    }
    return true;
}

/* ---- what the kernel says of a thread ----------------------------------------- */

static ssize_t read_proc(const struct wf_hold *hold, pid_t tid, const char *what, char *to,
                         size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)hold->pid, (int)tid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t n = read(fd, to, size - 1);
    int code = n < 0 ? -errno : 0;
    close(fd);
    to[n < 0 ? 0 : n] = '\0';
    return code < 0 ? code : n;
}

static uint64_t get_field(const char *text, const char *name, int base)
{
    const char *at = strstr(text, name);

    return at != NULL ? strtoull(at + strlen(name), NULL, base) : 0;
}

struct status {
    char state;
    uint64_t n_switches;
    uint64_t blocked_signals;
};

static int read_status(const struct wf_hold *hold, pid_t tid, struct status *out_status)
{
    char text[STATUS_SIZE];
    ssize_t n = read_proc(hold, tid, "status", text, sizeof text);
    const char *state = n > 0 ? strstr(text, "\nState:") : NULL;

    if (n < 0 || state == NULL) {
        return n < 0 ? (int)n : -EIO;
    }
    state += strlen("\nState:");
    out_status->state = state[strspn(state, " \t")];
    /* "\nvoluntary" is none of "nonvoluntary". */
    out_status->n_switches = get_field(text, "\nvoluntary_ctxt_switches:", 10) +
                             get_field(text, "\nnonvoluntary_ctxt_switches:", 10);
    out_status->blocked_signals = get_field(text, "\nSigBlk:", 16);
    return 0;
}

/* "running", "-1 SP PC", or "NUMBER ARGUMENT... SP PC". 1: it runs. */
static int parse_call(const char *text, struct wf_held *held)
{
    uint64_t values[8];
    size_t n = 0;
    char *end;

    if (strncmp(text, "running", 7) == 0) {
        return 1;
    }
    held->system_call = strtol(text, &end, 0);
    while (n < 8 && *end == ' ') {
        values[n++] = strtoull(end, &end, 0);
    }
    if (n != 2 && n != 8) {
        return -EIO;
    }
    for (size_t i = 0; i + 2 < n; i++) {
        held->arguments[i] = values[i];
    }
    wf_registers_of_call(&held->registers, values[n - 1], values[n - 2]);
    return 0;
}

static int read_call(const struct wf_hold *hold, struct wf_held *held)
{
    char text[256];
    ssize_t n = read_proc(hold, held->tid, "syscall", text, sizeof text);

    return n < 0 ? (int)n : parse_call(text, held);
}

static void set_loose(struct wf_held *held, int code, const char *why)
{
    held->state = WF_HOLD_LOOSE;
    held->code = code;
    held->why = why;
}

static const char *explain_proc(int code)
{
    switch (code) {
    case -EMFILE:
    case -ENFILE:
        return "no descriptor is free to read /proc";
    case -EACCES:
    case -EPERM:
        return "it is not allowed to read its registers from /proc";
    default:
        return "the kernel does not tell its registers in /proc";
    }
}

/* True: it runs; what becomes of it is not decided. */
static bool classify(const struct wf_hold *hold, struct wf_held *held, struct status *out_status)
{
    int r = read_status(hold, held->tid, out_status);

    if (r == -ENOENT || r == -ESRCH) {
        held->state = WF_HOLD_GONE;
        return false;
    }
    if (r < 0) {
        set_loose(held, r, explain_proc(r));
        return false;
    }
    held->kernel_state = out_status->state;
    held->n_switches = out_status->n_switches;
    if (strchr("ZXx", out_status->state) != NULL) {
        held->state = WF_HOLD_GONE;
        return false;
    }
    if (out_status->state == 'R') {
        return true;
    }
    r = read_call(hold, held);
    if (r < 0) {
        set_loose(held, r, explain_proc(r));
    } else if (r == 0) {
        held->state = strchr("Tt", out_status->state) != NULL ? WF_HOLD_STOPPED : WF_HOLD_BLOCKED;
    }
    return r == 1;
}

/* ---- parking ---------------------------------------------------------------- */

/* The clock of another thread's CPU time: as the C library makes it, for a number. */
static clockid_t get_cpu_clock(pid_t tid)
{
    return (clockid_t)((~(unsigned)tid << 3) | 6u);
}

static int start_timer(struct slot *slot, uint32_t index, pid_t tid)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
                              .sigev_signo = wf_hold_signal_get() };
    const struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };
    uintptr_t value = (uintptr_t)number << 16 | index;
    int timer; /* the kernel's, which the C library wraps */

    event.sigev_value.sival_ptr = (void *)value;
    event._sigev_un._tid = tid;
    if (syscall(SYS_timer_create, get_cpu_clock(tid), &event, &timer) < 0) {
        return -errno;
    }
    slot->timer = (timer_t)(intptr_t)timer;
    if (syscall(SYS_timer_settime, timer, 0, &at_once, NULL) < 0) {
        int code = -errno;
        (void)syscall(SYS_timer_delete, timer); /* it was made above */
        return code;
    }
    return 0;
}

static void stop_timer(const struct slot *slot)
{
    (void)syscall(SYS_timer_delete, (int)(intptr_t)slot->timer); /* it was made by start_timer */
}

/* One that was let go a moment ago may be in the handler yet, where all signals are blocked. */
static bool is_just_let_go(pid_t tid)
{
    for (size_t i = 0; i < WF_HOLD_MAX && slots[i].tid != 0; i++) {
        if (slots[i].tid == tid && slots[i].parked_at + WEFT_MS(JUST_MS) > weft_clock_now()) {
            return true;
        }
    }
    return false;
}

static void arm(struct wf_hold *hold, struct wf_held *held, uint32_t index,
                const struct status *status)
{
    int signal = wf_hold_signal_get();
    int r = wf_hold_signal_check();

    if (r < 0) {
        set_loose(held, r,
                  r == -ENOSYS ? "the signal that would park it is off"
                               : "the signal that would park it is used by the program");
        return;
    }
    if ((status->blocked_signals >> (signal - 1) & 1) != 0 && !is_just_let_go(held->tid)) {
        set_loose(held, -EBUSY, "it blocks the signal that would park it");
        return;
    }
    struct slot *slot = &slots[index];
    slot->bound = hold->bound;
    slot->tid = held->tid;
    __atomic_store_n(&slot->word, make_word(number, ARMED), __ATOMIC_RELEASE);
    r = start_timer(slot, index, held->tid);
    if (r < 0) {
        __atomic_store_n(&slot->word, make_word(number, FREE), __ATOMIC_RELEASE);
        set_loose(held, r, "no timer could be made to park it");
        return;
    }
    held->slot = index;
    set_loose(held, -ETIMEDOUT, "it got no processor in time"); /* until it is parked */
}

/* Take it back from <phase>; false: it went on from there. */
static bool disarm(struct slot *slot, enum phase phase)
{
    if (!change(slot, make_word(number, phase), make_word(number, FREE))) {
        return false;
    }
    stop_timer(slot);
    return true;
}

static enum phase get_phase(const struct slot *slot)
{
    return (enum phase)(__atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) & ((1u << PHASE_BITS) - 1));
}

static void note_parked(struct wf_held *held)
{
    const struct slot *slot = &slots[held->slot];

    held->state = WF_HOLD_PARKED;
    held->code = 0;
    held->why = NULL;
    held->kernel_state = 'R';
    held->registers = slot->registers;
}

/* One that was armed may have gone to sleep before its timer ended: then it is let be. */
static bool look_again(const struct wf_hold *hold, struct wf_held *held)
{
    struct slot *slot = &slots[held->slot];
    struct status status;
    struct wf_held now = { .tid = held->tid };

    if (classify(hold, &now, &status) || !disarm(slot, ARMED)) {
        return false;
    }
    now.slot = NO_SLOT;
    *held = now;
    return true;
}

/* Whether <held> was armed and has not come yet; notes it when it has. */
static bool is_awaited(struct wf_held *held)
{
    if (held->slot == NO_SLOT || held->state != WF_HOLD_LOOSE) {
        return false;
    }
    enum phase phase = get_phase(&slots[held->slot]);
    if (phase == PARKED || phase == LEFT) {
        note_parked(held);
    }
    return held->state == WF_HOLD_LOOSE;
}

static size_t count_awaited(struct wf_hold *hold, bool looks_again)
{
    size_t n = 0;

    for (size_t i = 0; i < hold->n; i++) {
        struct wf_held *held = &hold->threads[i];
        if (is_awaited(held) && !(looks_again && look_again(hold, held))) {
            n++;
        }
    }
    return n;
}

static void sleep_for_arrival(uint32_t seen, weft_time deadline)
{
    struct timespec limit = { .tv_sec = deadline / WEFT_S(1), .tv_nsec = deadline % WEFT_S(1) };

    (void)syscall(SYS_futex, &n_arrivals, FUTEX_WAIT_BITSET_PRIVATE, seen, &limit, NULL,
                  FUTEX_BITSET_MATCH_ANY); /* whatever woke us, we look */
}

/* Who is parked already is to be read in the other half of its bound. */
static weft_time find_limit(const struct wf_hold *hold)
{
    weft_time limit = hold->begun_at + hold->bound;

    for (size_t i = 0; i < hold->n; i++) {
        const struct wf_held *held = &hold->threads[i];
        if (held->slot != NO_SLOT && held->state == WF_HOLD_PARKED &&
            slots[held->slot].parked_at + hold->bound / 2 < limit) {
            limit = slots[held->slot].parked_at + hold->bound / 2;
        }
    }
    return limit;
}

/* Those that are in <phase> stay loose. */
static void give_up(struct wf_hold *hold, enum phase phase)
{
    for (size_t i = 0; i < hold->n; i++) {
        struct wf_held *held = &hold->threads[i];
        if (is_awaited(held) && disarm(&slots[held->slot], phase)) {
            held->slot = NO_SLOT;
        }
    }
}

static void await_parked(struct wf_hold *hold)
{
    weft_time looked_at = weft_clock_now();

    for (;;) {
        uint32_t seen = __atomic_load_n(&n_arrivals, __ATOMIC_ACQUIRE);
        weft_time now = weft_clock_now();
        bool looks_again = now - looked_at >= WEFT_MS(LOOK_AGAIN_MS);
        looked_at = looks_again ? now : looked_at;
        if (count_awaited(hold, looks_again) == 0) {
            return;
        }
        weft_time limit = find_limit(hold);
        if (now >= limit) {
            break;
        }
        weft_time next = now + WEFT_MS(LOOK_AGAIN_MS);
        sleep_for_arrival(seen, next < limit ? next : limit);
    }
    give_up(hold, ARMED);
    if (count_awaited(hold, /* looks_again = */ false) > 0) { /* they save their registers */
        sleep_for_arrival(__atomic_load_n(&n_arrivals, __ATOMIC_ACQUIRE),
                          weft_clock_now() + WEFT_MS(LAST_CHANCE_MS));
        give_up(hold, SAVING);
        (void)count_awaited(hold, /* looks_again = */ false); /* notes who came */
    }
}

/* ---- holding ------------------------------------------------------------------ */

int wf_hold_prepare(void)
{
    wf_hold_signal_set_function(on_hold);
    int r = wf_hold_signal_claim();

    if (r == -EBUSY) {
        return weft_fail(r,
                         "signal %d is used by the program: running threads cannot be held "
                         "(WEFT_HOLD_SIGNAL chooses another)",
                         wf_hold_signal_get());
    }
    return r < 0 ? weft_fail(r, "no signal to hold running threads by (WEFT_HOLD_SIGNAL)") : 0;
}

static void stop_other(struct wf_hold *hold, struct wf_held *held)
{
    int r = wf_ptrace_stop(held->tid, hold->begun_at + hold->bound, &held->registers);

    if (r == 0) {
        held->state = WF_HOLD_PARKED;
    } else if (r == -ESRCH) {
        held->state = WF_HOLD_GONE;
    } else {
        set_loose(held, r,
                  r == -ETIMEDOUT ? "it got no processor in time"
                                  : "it runs, and to stop it is not allowed");
    }
}

static void begin_one(struct wf_hold *hold, struct wf_held *held, uint32_t *n_slots)
{
    struct status status;

    *held = (struct wf_held){ .tid = held->tid, .slot = NO_SLOT, .system_call = -1 };
    if (hold->is_own && held->tid == gettid()) {
        held->state = WF_HOLD_SELF;
    } else if (!classify(hold, held, &status)) {
        return;
    } else if (!hold->is_own) {
        stop_other(hold, held);
    } else if (*n_slots == WF_HOLD_MAX) {
        set_loose(held, -EAGAIN, "too many threads run to park all");
    } else {
        arm(hold, held, (*n_slots)++, &status);
    }
}

size_t wf_hold_begin(struct wf_hold *hold, pid_t pid, struct wf_held *threads, size_t n,
                     weft_duration bound)
{
    bool is_own = pid == 0 || pid == getpid();
    uint32_t n_slots = 0;
    size_t n_held = 0;

    if (is_own) {
        wf_hold_signal_set_function(on_hold);
        (void)wf_hold_signal_claim(); /* arm looks for itself */
    }
    pthread_mutex_lock(&holding);
    number = (number + 1) & (UINT32_MAX >> PHASE_BITS);
    number += number == 0;
    *hold = (struct wf_hold){ .pid = is_own ? getpid() : pid,
                              .threads = threads,
                              .n = n,
                              .bound = bound,
                              .begun_at = weft_clock_now(),
                              .is_own = is_own };
    for (size_t i = 0; i < n; i++) {
        begin_one(hold, &threads[i], &n_slots);
    }
    if (n_slots > 0) {
        await_parked(hold);
    }
    for (size_t i = 0; i < n; i++) {
        n_held += threads[i].state != WF_HOLD_LOOSE && threads[i].state != WF_HOLD_GONE;
    }
    return n_held;
}

static bool is_asleep_since(const struct wf_hold *hold, const struct wf_held *held)
{
    struct status status;

    return read_status(hold, held->tid, &status) == 0 && status.state != 'R' &&
           status.n_switches == held->n_switches;
}

bool wf_hold_check(struct wf_hold *hold, size_t i)
{
    const struct wf_held *held = &hold->threads[i];

    switch (held->state) {
    case WF_HOLD_PARKED:
        return !hold->is_own || get_phase(&slots[held->slot]) == PARKED;
    case WF_HOLD_BLOCKED:
    case WF_HOLD_STOPPED:
        return is_asleep_since(hold, held);
    case WF_HOLD_SELF:
        return true;
    default:
        return false;
    }
}

static void let_go(struct wf_held *held)
{
    struct slot *slot = &slots[held->slot];

    held->held_for = weft_clock_now() - slot->parked_at;
    held->is_torn = !change(slot, make_word(number, PARKED), make_word(number, FREE));
    if (held->is_torn) {
        __atomic_store_n(&slot->word, make_word(number, FREE), __ATOMIC_RELEASE); /* it was LEFT */
        return;
    }
    (void)syscall(SYS_futex, &slot->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); /* cannot fail */
}

size_t wf_hold_end(struct wf_hold *hold)
{
    size_t n_torn = 0;

    for (size_t i = 0; i < hold->n; i++) { /* first those that wait for it */
        struct wf_held *held = &hold->threads[i];
        if (held->state == WF_HOLD_PARKED && hold->is_own) {
            let_go(held);
        } else if (held->state == WF_HOLD_PARKED) {
            wf_ptrace_release(held->tid);
            held->held_for = weft_clock_now() - hold->begun_at;
        }
    }
    for (size_t i = 0; i < hold->n; i++) {
        struct wf_held *held = &hold->threads[i];
        if (held->state == WF_HOLD_PARKED && hold->is_own) {
            stop_timer(&slots[held->slot]);
        } else if (held->state != WF_HOLD_PARKED && held->state != WF_HOLD_GONE) {
            held->is_torn = !wf_hold_check(hold, i);
        }
        n_torn += held->is_torn;
    }
    pthread_mutex_unlock(&holding);
    return n_torn;
}

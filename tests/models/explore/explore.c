/*
 * The explorer. A run is a list of decisions; the first run takes the first
 * choice everywhere, each later one repeats its predecessor up to the last
 * decision that has a choice left, takes that, and goes on with first choices.
 *
 * The first choice is always to let the running thread go on. Choosing another
 * while it could go on is a preemption and counts against the bound; when it
 * cannot go on, choosing is free. A thread that sleeps with a limit can always be
 * chosen: its time is up then.
 *
 * The kernel's part is modelled here: the futex, the doorbell, sched_yield; and for
 * the executor mutexes, conditions and the threads that it makes. What is kept per
 * thread changes hands with the switch.
 */

#include "explore.h"

#include "base/assert.h"
#include "base/frame.h"
#include "thread/doorbell.h"
#include "thread/futex.h"
#include "thread/role.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum {
    STACK_SIZE = 64 * 1024,
    MAX_DECISIONS = 2000
};

enum state {
    READY,
    ASLEEP, /* on the futex */
    AT_BELL,
    YIELDED, /* until another has run */
    DONE,
    SPARE /* not started yet */
};

struct thread {
    ucontext_t context;
    enum state state;
    const void *word; /* on which it sleeps */
    enum wf_futex_channel channel;
    bool has_limit;
    bool is_late;             /* its limit has passed */
    void *(*body)(void *arg); /* NULL: the scenario's */
    void *arg;
    struct weft_executor *executor; /* its own of what is kept per thread */
    struct wf_frame *frame;
    char stack[STACK_SIZE];
};

static struct thread threads[EXPLORE_MAX_THREADS];
static const struct explore_scenario *scenario;
static ucontext_t outside;
static int running = -1; /* -1: nobody, outside of a run */
static int n_all;        /* with the spare ones */
static bool bell;
static bool bell_is_gone;

static int bound;
static int n_preemptions;
static unsigned char choices[MAX_DECISIONS];
static unsigned char n_choices[MAX_DECISIONS];
static int n_decisions; /* known for this run */
static int position;    /* made in this run */
static struct explore_result result;
static size_t schedule_len;

/* ---- failing ------------------------------------------------------------- */

void explore_expect(bool holds, const char *text)
{
    if (holds) {
        return;
    }
    if (result.failure[0] == '\0') {
        snprintf(result.failure, sizeof result.failure, "%s", text);
    }
    if (running >= 0) {
        running = -1;
        setcontext(&outside);
    }
}

/* What wf_assert_failed is compiled to. */
void wf_assert_failed(const char *file, int line, const char *condition)
{
    char text[200];

    snprintf(text, sizeof text, "%s:%d: assertion failed: %s", file, line, condition);
    explore_expect(/* holds = */ false, text);
    __builtin_trap(); /* in a check: there is no run to leave */
}

/* ---- deciding ------------------------------------------------------------ */

static int decide(int n)
{
    if (n == 1) {
        return 0;
    }
    explore_expect(position < MAX_DECISIONS, "the run does not come to an end");
    if (position == n_decisions) {
        choices[position] = 0;
        n_choices[position] = (unsigned char)n;
        n_decisions++;
    }
    explore_expect(n_choices[position] == n, "a run cannot be repeated");
    return choices[position++];
}

static bool can_run(const struct thread *thread)
{
    bool sleeps = thread->state == ASLEEP || thread->state == AT_BELL;

    return thread->state == READY || (sleeps && thread->has_limit);
}

static void note_switch(int to)
{
    if (schedule_len + 2 < sizeof result.schedule) {
        result.schedule[schedule_len++] = (char)('A' + to);
        result.schedule[schedule_len] = '\0';
    }
}

static void switch_to(int to)
{
    int from = running;
    struct thread *next = &threads[to];

    if (next->state == ASLEEP || next->state == AT_BELL) {
        next->is_late = true;
        next->state = READY;
    }
    if (from == to) {
        return;
    }
    running = to;
    note_switch(to);
    threads[from].executor = wf_thread_executor;
    threads[from].frame = wf_frame_running;
    wf_thread_executor = next->executor;
    wf_frame_running = next->frame;
    swapcontext(&threads[from].context, &next->context);
}

/* The running thread has made a step since they yielded. */
static void wake_yielded(void)
{
    for (int i = 0; i < n_all; i++) {
        if (i != running && threads[i].state == YIELDED) {
            threads[i].state = READY;
        }
    }
}

/* Who goes on? Called by the running thread, which may be unable to. */
static void reschedule(void)
{
    int candidates[EXPLORE_MAX_THREADS];
    int n = 0;
    bool goes_on = threads[running].state == READY;

    wake_yielded();
    if (goes_on) {
        candidates[n++] = running;
        if (n_preemptions == bound) {
            return;
        }
    }
    for (int i = 0; i < n_all; i++) {
        if (!(i == running && goes_on) && can_run(&threads[i])) {
            candidates[n++] = i;
        }
    }
    explore_expect(n > 0, "all threads that are left sleep for ever");
    int chosen = candidates[decide(n)];
    n_preemptions += goes_on && chosen != running;
    switch_to(chosen);
}

void wf_explore_point(void)
{
    if (running >= 0) {
        reschedule();
    }
}

/* ---- the kernel's part --------------------------------------------------- */

bool wf_futex_wait(wf_atomic_u32 *word, uint32_t expected, enum wf_futex_channel channel,
                   weft_time deadline)
{
    struct thread *thread = &threads[running];

    wf_explore_point();
    if (word->raw != expected) {
        return true;
    }
    thread->state = ASLEEP;
    thread->word = word;
    thread->channel = channel;
    thread->has_limit = deadline != WEFT_FOREVER;
    thread->is_late = false;
    reschedule();
    return !thread->is_late;
}

void wf_futex_wake(wf_atomic_u32 *word, int n, enum wf_futex_channel channel)
{
    wf_explore_point();
    for (int i = 0; i < n_all && n > 0; i++) {
        struct thread *thread = &threads[i];
        if (thread->state == ASLEEP && thread->word == word && thread->channel == channel) {
            thread->state = READY;
            n--;
        }
    }
}

weft_time wf_futex_deadline(weft_duration span)
{
    return span == WEFT_FOREVER ? WEFT_FOREVER : 1;
}

int wf_doorbell_open(void)
{
    bell = false;
    bell_is_gone = false;
    return 0;
}

void wf_doorbell_close(int doorbell)
{
    (void)doorbell;
    bell_is_gone = true;
}

void wf_doorbell_ring(int doorbell)
{
    (void)doorbell;
    wf_explore_point();
    explore_expect(!bell_is_gone, "a ring at a doorbell that is gone");
    bell = true;
    for (int i = 0; i < n_all; i++) {
        if (threads[i].state == AT_BELL) {
            threads[i].state = READY;
        }
    }
}

void explore_wait_for_bell(bool has_limit)
{
    struct thread *thread = &threads[running];

    thread->is_late = false;
    wf_explore_point();
    while (!bell && !thread->is_late) {
        thread->state = AT_BELL;
        thread->has_limit = has_limit;
        reschedule();
    }
    bell = false;
}

int explore_yield(void)
{
    threads[running].state = YIELDED;
    reschedule();
    return 0;
}

/* ---- pthreads -------------------------------------------------------------- */

/* The first word of a mutex is 0 when it is made, and this model's own after that. */
static int *held(pthread_mutex_t *mutex)
{
    return &mutex->__data.__lock;
}

static void sleep_on(const void *word, bool has_limit)
{
    struct thread *thread = &threads[running];

    thread->state = ASLEEP;
    thread->word = word;
    thread->channel = WF_FUTEX_LOCK;
    thread->has_limit = has_limit;
    thread->is_late = false;
    reschedule();
}

static void wake_all(const void *word)
{
    for (int i = 0; i < n_all; i++) {
        if (threads[i].state == ASLEEP && threads[i].word == word) {
            threads[i].state = READY;
        }
    }
}

int explore_mutex_lock(pthread_mutex_t *mutex)
{
    wf_explore_point();
    while (*held(mutex) != 0) {
        sleep_on(mutex, /* has_limit = */ false);
    }
    *held(mutex) = 1;
    return 0;
}

int explore_mutex_unlock(pthread_mutex_t *mutex)
{
    explore_expect(*held(mutex) != 0, "a mutex is unlocked that nobody holds");
    *held(mutex) = 0;
    wake_all(mutex);
    return 0;
}

int explore_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    (void)explore_mutex_unlock(mutex);
    sleep_on(cond, /* has_limit = */ false);
    return explore_mutex_lock(mutex);
}

int explore_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *moment)
{
    (void)moment;
    (void)explore_mutex_unlock(mutex);
    sleep_on(cond, /* has_limit = */ true);
    bool is_late = threads[running].is_late;
    (void)explore_mutex_lock(mutex);
    return is_late ? ETIMEDOUT : 0;
}

int explore_cond_broadcast(pthread_cond_t *cond)
{
    wake_all(cond);
    return 0;
}

static void make_thread(int index);

int explore_start(pthread_t *out_thread, void *(*body)(void *arg), void *arg)
{
    for (int i = scenario->n_threads; i < n_all; i++) {
        if (threads[i].state == SPARE) {
            threads[i].body = body;
            threads[i].arg = arg;
            make_thread(i);
            *out_thread = (pthread_t)i;
            return 0;
        }
    }
    return -EAGAIN;
}

int explore_join(pthread_t thread, void **out_result)
{
    (void)out_result;
    while (running >= 0 && threads[thread].state != DONE) {
        sleep_on(&threads[thread], /* has_limit = */ false);
    }
    return 0;
}

int explore_detach(pthread_t thread)
{
    (void)thread;
    return 0;
}

pthread_t explore_self(void)
{
    return (pthread_t)running;
}

void explore_set_name(const char *name)
{
    (void)name;
}

int explore_pause(void)
{
    wf_explore_point();
    return 0;
}

int64_t explore_now(void)
{
    return 1000000000;
}

int explore_clock_gettime(clockid_t clock, struct timespec *out_now)
{
    (void)clock;
    *out_now = (struct timespec){ .tv_sec = 1 };
    return 0;
}

/* ---- runs ---------------------------------------------------------------- */

/* The bottom of a thread's stack. */
static void run_thread(int index)
{
    if (threads[index].body != NULL) {
        (void)threads[index].body(threads[index].arg);
    } else {
        scenario->threads[index]();
    }
    threads[index].state = DONE;
    wake_all(&threads[index]);
    for (int i = 0; i < n_all; i++) {
        if (threads[i].state != DONE && threads[i].state != SPARE) {
            reschedule(); /* does not come back */
        }
    }
    running = -1;
    setcontext(&outside);
}

static void make_thread(int index)
{
    struct thread *thread = &threads[index];

    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = thread->stack;
    thread->context.uc_stack.ss_size = sizeof thread->stack;
    thread->context.uc_link = NULL;
    thread->executor = NULL;
    thread->frame = NULL;
    makecontext(&thread->context, (void (*)(void))run_thread, 1, index);
    thread->state = READY;
}

static void make_run(void)
{
    /* Volatile: setcontext comes back here with the registers of before. */
    static volatile bool is_started;

    n_preemptions = 0;
    position = 0;
    schedule_len = 0;
    result.schedule[0] = '\0';
    n_all = scenario->n_threads + scenario->n_spare;
    scenario->begin();
    for (int i = 0; i < n_all; i++) {
        threads[i].body = NULL;
        threads[i].state = SPARE;
        if (i < scenario->n_threads) {
            make_thread(i);
        }
    }
    wf_thread_executor = NULL;
    wf_frame_running = NULL;
    is_started = false;
    getcontext(&outside);
    if (!is_started) {
        is_started = true;
        running = decide(scenario->n_threads);
        note_switch(running);
        setcontext(&threads[running].context);
    }
    wf_thread_executor = NULL;
    wf_frame_running = NULL;
    if (result.failure[0] == '\0') {
        scenario->check();
    }
}

/* The next run: the last decision that has a choice left takes it. False: that was all. */
static bool advance(void)
{
    while (n_decisions > 0) {
        int last = n_decisions - 1;
        if (choices[last] + 1 < n_choices[last]) {
            choices[last]++;
            return true;
        }
        n_decisions--;
    }
    return false;
}

struct explore_result explore(const struct explore_scenario *what, int most_preemptions)
{
    scenario = what;
    bound = most_preemptions;
    n_decisions = 0;
    memset(&result, 0, sizeof result);
    do {
        make_run();
        result.n_runs++;
        if (result.failure[0] != '\0') {
            return result;
        }
    } while (advance());
    result.is_exhausted = true;
    return result;
}

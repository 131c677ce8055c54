/*
 * N loops on N threads as one thing.
 *
 *                  main is done            all are quiet         loop 0 is closed
 *     SERVING ------------------> WINDING ---------------> ENDING ----------------> gone
 *
 * Loop 0 runs on the calling thread and leads; each other loop has a thread that
 * follows the phase: it serves, cancels its tasks and says that it is quiet, serves
 * on (what is left of the others may still ask it), and closes its loop. A change
 * of phase is told by stopping the loops, which anybody may do at any time: the
 * phase decides what a loop that was stopped does next.
 *
 * All of it stands under one deadline. Who does not come to the end of its part is
 * named in the log and left behind. The runtime's memory goes with the last of the
 * threads that use it, which may then be such a one, much later.
 *
 * Invariant: the runtime and its loops do not change while it serves, so any
 * thread may read them.
 *
 * Thread: as said at each function.
 */

#include "runtime/runtime.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "future/future.h"
#include "task/state.h"
#include "task/task.h"
#include "thread/atomic.h"
#include "thread/futex.h"
#include "thread/start.h"
#include "weft/bridge.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_LIMIT WEFT_S(10)
/* A thread that is quiet closes its loop in no time; so long it may take after the deadline. */
#define GRACE WEFT_S(1)

enum {
    MAX_LOOPS = 1024,
    NAME_SIZE = 16
};

enum phase {
    SERVING,
    WINDING,
    ENDING
};

enum stage {
    AT_WORK,
    QUIET,
    ENDED
};

struct member {
    weft_runtime *runtime; /* borrowed: outlives its threads */
    weft_loop *loop;       /* ref */
    pthread_t thread;
    wf_atomic_u32 stage;  /* atomic: enum stage, and the futex of who waits for the end */
    wf_atomic_u32 n_left; /* atomic: tasks left behind; read when quiet */
    struct wf_post quiet; /* to loop 0: look who is quiet now */
    int index;
    bool has_thread;
    char name[NAME_SIZE];
};

struct weft_runtime {
    struct member *members; /* owned, n_loops of them; constant while it serves */
    int n_loops;
    bool pins;
    weft_duration limit;
    weft_executor *executor; /* ref */
    weft_runtime_main_fn *main;
    void *arg;
    weft_time deadline;      /* of the end; written before the phase */
    wf_atomic_u32 phase;     /* atomic: enum phase; publishes the deadline */
    wf_atomic_u32 next_pick; /* atomic: counts, no data behind it */
    wf_atomic_u32 n_to_meet; /* atomic: loops that have not collected their tasks; a futex */
    wf_atomic_u32 n_users;   /* atomic: threads that use this; the last one frees it */
};

/* ---- memory -------------------------------------------------------------- */

static void destroy(weft_runtime *runtime)
{
    for (int i = 0; runtime->members != NULL && i < runtime->n_loops; i++) {
        (void)weft_loop_unref(runtime->members[i].loop); /* closed, or never made; always NULL */
    }
    (void)weft_executor_unref(runtime->executor); /* always NULL */
    wf_free(runtime->members);
    wf_free(runtime);
}

/* One thread less uses it; the release of the others pairs with the acquire of the last. */
static void release(weft_runtime *runtime)
{
    if (wf_u32_sub_acq_rel(&runtime->n_users, 1) == 1) {
        destroy(runtime);
    }
}

/* ---- a loop's thread ----------------------------------------------------- */

static enum phase phase_of(const weft_runtime *runtime)
{
    return (enum phase)wf_u32_load_acquire(&runtime->phase);
}

static enum stage stage_of(const struct member *member)
{
    return (enum stage)wf_u32_load_acquire(&member->stage);
}

/* The n-th of the CPUs that this process may use, round and round. */
static void pin_thread(int index)
{
    cpu_set_t allowed;
    cpu_set_t one;

    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0 || CPU_COUNT(&allowed) == 0) {
        return;
    }
    int n = index % CPU_COUNT(&allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && n-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)sched_setaffinity(0, sizeof one, &one); /* unpinned is slower, not wrong */
            return;
        }
    }
}

/* Until the phase is not <phase> any more; being stopped by somebody else changes nothing. */
static void serve(struct member *member, enum phase phase)
{
    while (phase_of(member->runtime) == phase && weft_loop_run_forever(member->loop) == 0) {
    }
}

static void set_stage(struct member *member, enum stage stage)
{
    wf_u32_store_release(&member->stage, stage); /* pairs with the acquire in stage_of */
}

/* The append phase of loop 0, which looks at the stages when the turn is over. */
static void deliver_quiet(struct wf_post *post)
{
    (void)post;
}

/*
 * Wait until every loop knows whom it has to cancel; not for ever, since one may
 * be stuck in a callback.
 */
static void meet(void *data)
{
    weft_runtime *runtime = data;
    weft_time deadline = wf_futex_deadline(runtime->limit / 10);

    if (wf_u32_sub_acq_rel(&runtime->n_to_meet, 1) == 1) {
        wf_futex_wake(&runtime->n_to_meet, INT_MAX, WF_FUTEX_OUTCOME);
        return;
    }
    for (;;) {
        uint32_t n = wf_u32_load_acquire(&runtime->n_to_meet);
        if (n == 0 || !wf_futex_wait(&runtime->n_to_meet, n, WF_FUTEX_OUTCOME, deadline)) {
            return;
        }
    }
}

/* Runs on a thread of the runtime, from its start to its end. */
static void *run_member(void *data)
{
    struct member *member = data;
    weft_runtime *runtime = member->runtime;

    wf_thread_set_name(member->name);
    (void)wf_thread_be_punctual(); /* the thread is ours */
    if (runtime->pins) {
        pin_thread(member->index);
    }
    (void)weft_set_event_loop(member->loop); /* it does not run */
    serve(member, SERVING);
    size_t n_left = wf_shutdown_tasks(member->loop, runtime->deadline, meet, runtime);
    wf_u32_store_release(&member->n_left, (uint32_t)n_left);
    set_stage(member, QUIET);
    (void)wf_loop_post(runtime->members[0].loop, &member->quiet); /* closed: nobody waits */
    serve(member, WINDING);
    (void)weft_loop_close(member->loop); /* it is ours and does not run */
    set_stage(member, ENDED);
    wf_futex_wake(&member->stage, 1, WF_FUTEX_OUTCOME);
    release(runtime);
    return NULL;
}

/* All signals go to the calling thread. */
static int make_thread(struct member *member)
{
    (void)wf_u32_add_relaxed(&member->runtime->n_users, 1); /* the new thread's */
    int r = wf_thread_start(&member->thread, run_member, member);
    member->has_thread = r == 0;
    if (r != 0) {
        (void)wf_u32_sub_acq_rel(&member->runtime->n_users, 1); /* not the last: ours is there */
    }
    return r;
}

/* ---- making ------------------------------------------------------------- */

static int read_options(const weft_runtime_options *given, weft_runtime_options *options)
{
    static const weft_runtime_options defaults = WEFT_RUNTIME_OPTIONS_INIT;

    *options = defaults;
    int r = wf_options_read("runtime options", given, options, sizeof *options);
    if (r < 0) {
        return r;
    }
    if (options->n_loops < 0 || options->n_loops > MAX_LOOPS || options->shutdown_limit < 0) {
        return weft_fail(WEFT_EINVAL, "the runtime's n_loops or shutdown_limit is out of range");
    }
    if (options->n_loops == 0) {
        options->n_loops = weft_available_parallelism();
    }
    if (options->shutdown_limit == 0) {
        options->shutdown_limit = DEFAULT_LIMIT;
    }
    if (options->name == NULL) {
        options->name = "weft";
    }
    return 0;
}

/* NAME-7, the name cut where the number needs the room. */
static void name_member(struct member *member, const char *name)
{
    char number[16];
    size_t number_len = (size_t)snprintf(number, sizeof number, "-%d", member->index);
    size_t name_len = strnlen(name, sizeof member->name - 1 - number_len);

    memcpy(member->name, name, name_len);
    memcpy(member->name + name_len, number, number_len + 1);
}

static int make_loop(const weft_origin *origin, weft_runtime *runtime, int index,
                     const weft_runtime_options *options)
{
    struct member *member = &runtime->members[index];
    weft_loop_options loop_options = WEFT_LOOP_OPTIONS_INIT;

    member->runtime = runtime;
    member->index = index;
    member->quiet.deliver = deliver_quiet;
    name_member(member, options->name);
    loop_options.name = member->name;
    loop_options.stack_size = options->stack_size;
    int r = weft_new_event_loop_at(origin, &loop_options, &member->loop);
    if (r < 0) {
        return r;
    }
    member->loop->slots[WF_LOOP_SLOT_RUNTIME].data = member;
    /* Made now, since other threads ask it how many tasks there are. */
    if (wf_task_state_get(member->loop) == NULL) {
        return WEFT_ENOMEM;
    }
    return weft_loop_set_default_executor(member->loop, runtime->executor);
}

/* The loops that no thread has taken over yet. */
static void close_idle_loops(weft_runtime *runtime)
{
    for (int i = 0; runtime->members != NULL && i < runtime->n_loops; i++) {
        struct member *member = &runtime->members[i];
        if (member->loop != NULL && !member->has_thread) {
            (void)weft_loop_close(member->loop); /* ours, and it does not run */
        }
    }
}

static int make_loops(const weft_origin *origin, weft_runtime *runtime,
                      const weft_runtime_options *options)
{
    int r = weft_executor_create_at(origin, &options->executor, &runtime->executor);

    for (int i = 0; r == 0 && i < runtime->n_loops; i++) {
        r = make_loop(origin, runtime, i, options);
    }
    return r;
}

static int create(const weft_origin *origin, const weft_runtime_options *options,
                  weft_runtime **out_runtime)
{
    weft_runtime *runtime = wf_new(weft_runtime);

    if (runtime == NULL) {
        return WEFT_ENOMEM;
    }
    runtime->n_users.raw = 1;
    runtime->n_loops = options->n_loops;
    runtime->pins = options->pin != 0;
    runtime->limit = options->shutdown_limit;
    runtime->members = wf_new_array(struct member, options->n_loops);
    int r = runtime->members != NULL ? make_loops(origin, runtime, options) : WEFT_ENOMEM;
    if (r < 0) {
        close_idle_loops(runtime);
        release(runtime);
        return r;
    }
    *out_runtime = runtime;
    return 0;
}

/* ---- the end ------------------------------------------------------------- */

/* Everybody but loop 0, which does it. */
static void tell_phase(weft_runtime *runtime, enum phase phase)
{
    wf_u32_store_release(&runtime->phase, phase); /* pairs with the acquire in phase_of */
    for (int i = 1; i < runtime->n_loops; i++) {
        if (runtime->members[i].has_thread) {
            (void)weft_loop_stop_threadsafe(runtime->members[i].loop); /* closed: it knows */
        }
    }
}

static bool are_quiet(const weft_runtime *runtime)
{
    for (int i = 1; i < runtime->n_loops; i++) {
        if (stage_of(&runtime->members[i]) == AT_WORK) {
            return false;
        }
    }
    return true;
}

/* Loop 0 serves on: who becomes quiet wakes it. */
static void wait_until_quiet(weft_runtime *runtime)
{
    weft_loop *loop = runtime->members[0].loop;

    while (!are_quiet(runtime)) {
        weft_duration rest = runtime->deadline - weft_clock_now();
        if (rest <= 0 || weft_loop_run_once(loop, rest) < 0) {
            return;
        }
    }
}

static void report_stuck(const struct member *member)
{
    weft_report report = WEFT_REPORT_INIT;
    char message[160];

    snprintf(message, sizeof message,
             "thread '%s' does not come back from what its loop runs: it is left behind",
             member->name);
    report.kind = WEFT_REPORT_SHUTDOWN_SURVIVOR;
    report.message = message;
    report.subject = member->name;
    wf_report(&report);
}

/* Until its thread has ended, or the time is up. */
static bool join_member(struct member *member, weft_time deadline)
{
    bool in_time = true;

    while (in_time && stage_of(member) != ENDED) {
        uint32_t stage = wf_u32_load_acquire(&member->stage);
        if (stage != ENDED) {
            in_time = wf_futex_wait(&member->stage, stage, WF_FUTEX_OUTCOME, deadline);
        }
    }
    if (stage_of(member) != ENDED) {
        pthread_detach(member->thread);
        report_stuck(member);
        return false;
    }
    pthread_join(member->thread, NULL);
    return true;
}

/* How many threads are left behind. */
static int join_all(weft_runtime *runtime)
{
    weft_time deadline = weft_clock_now() + GRACE;
    int n_stuck = 0;

    if (runtime->deadline > deadline) {
        deadline = runtime->deadline;
    }
    for (int i = 1; i < runtime->n_loops; i++) {
        struct member *member = &runtime->members[i];
        n_stuck += member->has_thread && !join_member(member, deadline);
    }
    return n_stuck;
}

static size_t count_left_tasks(const weft_runtime *runtime)
{
    size_t n = 0;

    for (int i = 1; i < runtime->n_loops; i++) {
        n += wf_u32_load_acquire(&runtime->members[i].n_left);
    }
    return n;
}

/*
 * The default executor of loop 0 ends while the loops serve. It is the runtime's own, unless the
 * program has set another there; then that of the runtime only begins to end.
 */
static bool end_executor(weft_runtime *runtime)
{
    weft_executor_shutdown_options options = WEFT_EXECUTOR_SHUTDOWN_OPTIONS_INIT;
    weft_duration rest = runtime->deadline - weft_clock_now();

    bool is_clean = wf_shutdown_executor(runtime->members[0].loop, rest) == 0;
    options.wait = false;
    (void)weft_executor_shutdown(runtime->executor, &options); /* only begins: no failure */
    return is_clean;
}

static uint32_t count_threads(const weft_runtime *runtime)
{
    uint32_t n = 0;

    for (int i = 0; i < runtime->n_loops; i++) {
        n += runtime->members[i].has_thread;
    }
    return n;
}

/* Shut down in order; false when somebody was left behind. The runtime is released. */
static bool shut_down(weft_runtime *runtime)
{
    weft_loop *loop = runtime->members[0].loop;

    runtime->deadline = wf_futex_deadline(runtime->limit);
    wf_u32_store_release(&runtime->n_to_meet, 1 + count_threads(runtime));
    tell_phase(runtime, WINDING);
    size_t n_left = wf_shutdown_tasks(loop, runtime->deadline, meet, runtime);
    wait_until_quiet(runtime);
    bool is_clean = end_executor(runtime);
    tell_phase(runtime, ENDING);
    (void)weft_loop_close(loop); /* it is ours and does not run */
    int n_stuck = join_all(runtime);
    n_left += count_left_tasks(runtime);
    release(runtime);
    return is_clean && n_stuck == 0 && n_left == 0;
}

/* ---- the run ------------------------------------------------------------- */

static int start_threads(weft_runtime *runtime)
{
    int r = 0;

    for (int i = 1; r == 0 && i < runtime->n_loops; i++) {
        r = make_thread(&runtime->members[i]);
    }
    return r;
}

/* Not all threads could be made: those that run end at once. */
static void call_off(weft_runtime *runtime)
{
    runtime->deadline = wf_futex_deadline(runtime->limit);
    wf_u32_store_release(&runtime->n_to_meet, count_threads(runtime));
    tell_phase(runtime, ENDING);
    close_idle_loops(runtime);
    (void)join_all(runtime); /* nothing of the program has run: they all come */
    release(runtime);
}

/* The main task. */
static int run_main(void *data)
{
    weft_runtime *runtime = data;

    return runtime->main(runtime, runtime->arg);
}

static int run(const weft_origin *origin, weft_runtime *runtime, bool handle_sigint)
{
    cpu_set_t before;
    bool is_pinned = runtime->pins && sched_getaffinity(0, sizeof before, &before) == 0;

    if (is_pinned) {
        pin_thread(0);
    }
    weft_coro *coro = weft_coro_create_at(origin, run_main, runtime, NULL);
    int r = wf_run_main(origin, runtime->members[0].loop, coro, NULL, handle_sigint, NULL);
    /* What the end brings must not take the place of main's own error. */
    const weft_error *error = r < 0 ? weft_error_ref(weft_current_error()) : NULL;
    bool is_clean = shut_down(runtime);
    if (is_pinned) {
        (void)sched_setaffinity(0, sizeof before, &before); /* they were allowed before */
    }
    (void)weft_raise(error);       /* its code is returned */
    (void)weft_error_unref(error); /* always NULL */
    if (r == 0 && !is_clean) {
        return weft_fail_at(origin, WEFT_ETIMEDOUT,
                            "the shutdown left tasks, jobs or threads behind; the log names them");
    }
    return r;
}

int weft_runtime_run_at(const weft_origin *origin, const weft_runtime_options *given,
                        weft_runtime_main_fn *main, void *arg)
{
    weft_runtime_options options;
    weft_runtime *runtime = NULL;

    if (main == NULL) {
        return weft_fail_at(origin, WEFT_EINVAL, "weft_runtime_run needs a main function");
    }
    if (wf_loop_running != NULL && wf_loop_running->forks == wf_fork_generation) {
        return weft_fail_at(origin, WEFT_ERUNTIME,
                            "weft_runtime_run() cannot be called from a running event loop");
    }
    int r = read_options(given, &options);
    if (r == 0) {
        r = create(origin, &options, &runtime);
    }
    if (r != 0) {
        return r;
    }
    runtime->main = main;
    runtime->arg = arg;
    r = start_threads(runtime);
    if (r < 0) {
        call_off(runtime);
        return weft_fail_at(origin, r, "not all %d threads could be made", options.n_loops);
    }
    return run(origin, runtime, options.handle_sigint != 0);
}

/* ---- asking -------------------------------------------------------------- */

int weft_runtime_get_n_loops(const weft_runtime *runtime)
{
    return runtime != NULL ? runtime->n_loops : 0;
}

weft_loop *weft_runtime_get_loop(weft_runtime *runtime, int index)
{
    bool is_there = runtime != NULL && index >= 0 && index < runtime->n_loops;

    return is_there ? runtime->members[index].loop : NULL;
}

weft_executor *weft_runtime_get_executor(weft_runtime *runtime)
{
    return runtime != NULL ? runtime->executor : NULL;
}

static const struct member *running_member(void)
{
    return wf_loop_running != NULL ? wf_loop_running->slots[WF_LOOP_SLOT_RUNTIME].data : NULL;
}

weft_runtime *weft_get_running_runtime(void)
{
    const struct member *member = running_member();

    return member != NULL ? member->runtime : NULL;
}

int weft_get_running_loop_index(void)
{
    const struct member *member = running_member();

    return member != NULL ? member->index : -1;
}

static weft_loop *pick_least_tasks(weft_runtime *runtime)
{
    weft_loop *least = runtime->members[0].loop;
    size_t n_least = wf_task_count(least);

    for (int i = 1; i < runtime->n_loops; i++) {
        weft_loop *loop = runtime->members[i].loop;
        size_t n = wf_task_count(loop);
        if (n < n_least) {
            least = loop;
            n_least = n;
        }
    }
    return least;
}

weft_loop *weft_runtime_pick_loop(weft_runtime *runtime, enum weft_pick_policy policy)
{
    if (runtime == NULL) {
        return NULL;
    }
    if (policy == WEFT_PICK_LEAST_TASKS) {
        return pick_least_tasks(runtime);
    }
    uint32_t n = wf_u32_add_relaxed(&runtime->next_pick, 1);
    return runtime->members[n % (uint32_t)runtime->n_loops].loop;
}

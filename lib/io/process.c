/*
 * The life of a process object.
 *
 * Its pidfd stands in the loop's poller. Readiness queues the process's own work,
 * which takes the exit with waitid(P_PIDFD) and wakes who waits, in the order of
 * coming. Nothing here needs SIGCHLD, and nobody else's children are touched.
 *
 * A released process that still runs stays in the slot's list until its exit
 * was taken: there is no zombie that nobody waits for. When the loop closes first it
 * is reported, killed and reaped.
 *
 * Invariant: in RUNNING the pidfd is watched or the work is queued; in EXITED there is no
 * pidfd any more.
 *
 * Thread: the loop's.
 */

#include "io/process.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum {
    LOST_RETURNCODE = 255 /* as in CPython */
};

/* On the stack of a task that waits for the exit. */
struct exit_wait {
    struct wf_wait wait;
    struct wf_list link; /* in process->waiters; outside once woken */
    weft_process *process;
};

/* ---- refusing ----------------------------------------------------------- */

int wf_process_check(const weft_process *process)
{
    if (process == NULL || process->magic != WF_PROCESS_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a process");
    }
    return wf_loop_check(process->loop);
}

int wf_process_check_task(const weft_process *process, const char *what)
{
    struct wf_task *task;
    int code = wf_process_check(process);

    if (code < 0 || (code = wf_task_require(what, &task)) < 0) {
        return code;
    }
    return task->future.loop == process->loop ? 0
                                              : wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME,
                                                          "%s on a process of another loop", what);
}

/* ---- the memory --------------------------------------------------------- */

static void free_process(weft_process *process)
{
    weft_loop *loop = process->loop;

    for (int fd = 0; fd < 3; fd++) {
        weft_bytes_destroy(process->collected[fd].bytes);
    }
    wf_free(process->events);
    wf_list_remove(&process->link);
    wf_loop_take_back(&process->work);
    wf_creation_free(process->creation);
    process->magic = 0;
    wf_free(process);
    wf_loop_let_go(loop);
}

static void maybe_free(weft_process *process)
{
    if (process->is_released && process->state == WF_PROCESS_EXITED) {
        free_process(process);
    }
}

static void close_streams(weft_process *process)
{
    for (int fd = 0; fd < 3; fd++) {
        weft_stream *stream = process->streams[fd];
        process->streams[fd] = NULL;
        if (stream != NULL) {
            (void)weft_stream_close(stream); /* what was written to it still goes out */
            weft_stream_destroy(stream);
        }
    }
}

void wf_process_release(weft_process *process)
{
    wf_process_mute(process);
    close_streams(process);
    process->is_released = true;
    if (process->state == WF_PROCESS_STARTING) {
        process->state = WF_PROCESS_EXITED;
    }
    maybe_free(process);
}

/* ---- the exit ----------------------------------------------------------- */

static void wake(struct exit_wait *waiter, int code)
{
    wf_list_remove(&waiter->link);
    wf_wait_wake(&waiter->wait, code);
}

static void report_lost(const weft_process *process)
{
    char message[128];
    weft_report report = WEFT_REPORT_INIT;

    (void)snprintf(message, sizeof message,
                   "child process pid %d exit status already read: will report returncode 255",
                   (int)process->child.pid);
    report.message = message;
    report.origin = process->origin;
    wf_loop_report(process->loop, &report);
}

static void finish(weft_process *process, int returncode)
{
    process->state = WF_PROCESS_EXITED;
    process->returncode = returncode != WF_CHILD_LOST ? returncode : LOST_RETURNCODE;
    wf_child_close(&process->child);
    for (struct wf_list *link; (link = wf_list_take_first(&process->waiters)) != NULL;) {
        wake(WF_CONTAINER_OF(link, struct exit_wait, link), 0);
    }
}

static void on_pidfd(struct wf_watch *watch, uint32_t events);

/* The process's own work, in a turn: it has exited. */
static void on_exit_work(struct wf_work *work)
{
    weft_process *process = WF_CONTAINER_OF(work, weft_process, work);
    int returncode;

    wf_watch_remove(&process->loop->poller, &process->watch);
    if (!wf_child_try_reap(&process->child, &returncode)) {
        /* Not yet, whatever the edge was for: look again, if need be in the next turn. */
        if (wf_watch_add(&process->loop->poller, &process->watch, process->child.pidfd, on_pidfd) <
            0) {
            wf_loop_run_soon(process->loop, work);
        }
        return;
    }
    if (returncode == WF_CHILD_LOST) {
        report_lost(process);
    }
    finish(process, returncode);
    wf_process_tell_exit(process);
    maybe_free(process);
}

/* The pidfd is readable. Append phase. */
static void on_pidfd(struct wf_watch *watch, uint32_t events)
{
    weft_process *process = WF_CONTAINER_OF(watch, weft_process, watch);

    (void)events;
    if (!wf_work_is_queued(&process->work)) {
        wf_loop_run_soon(process->loop, &process->work);
    }
}

/* ---- making ------------------------------------------------------------- */

weft_process *wf_process_create(struct wf_io *io, const weft_origin *origin)
{
    weft_process *process = wf_new(weft_process);

    if (process == NULL) {
        return NULL;
    }
    process->magic = WF_PROCESS_MAGIC;
    process->state = WF_PROCESS_STARTING;
    process->is_released = true;
    process->loop = io->loop;
    process->io = io;
    process->origin = origin;
    process->created_at = wf_loop_now(io->loop);
    process->creation = wf_loop_capture_creation(io->loop);
    process->child = WF_CHILD_INIT;
    process->returncode = WEFT_PROCESS_RUNNING;
    process->watch.fd = -1;
    wf_work_init(&process->work, on_exit_work);
    wf_list_init(&process->waiters);
    wf_list_append(&io->processes, &process->link);
    wf_loop_hold(io->loop);
    return process;
}

int wf_process_adopt(weft_process *process, struct wf_child *child)
{
    WF_ASSERT(process->state == WF_PROCESS_STARTING);
    if (child->pidfd >= 0) {
        int code = wf_watch_add(&process->loop->poller, &process->watch, child->pidfd, on_pidfd);
        if (code < 0) {
            (void)wf_child_end(child, process->kill_group); /* what it came to is not asked */
            return code;
        }
    } else {
        wf_loop_run_soon(process->loop, &process->work); /* it has come and gone */
    }
    process->child = *child;
    *child = WF_CHILD_INIT;
    process->state = WF_PROCESS_RUNNING;
    return 0;
}

/* ---- waiting ------------------------------------------------------------ */

static bool cancel_wait(struct wf_wait *wait, const char *message)
{
    struct exit_wait *waiter = WF_CONTAINER_OF(wait, struct exit_wait, wait);

    (void)message; /* the task keeps it */
    if (waiter->process->kill_on_cancel) {
        wf_process_kill_now(waiter->process);
    }
    wake(waiter, WEFT_ECANCELED);
    return true;
}

int weft_process_wait(weft_process *process, int *out_returncode)
{
    int code = wf_process_check_task(process, "weft_process_wait");

    if (code < 0) {
        return code;
    }
    if (process->state == WF_PROCESS_EXITED) {
        code = wf_task_spend();
    } else {
        struct exit_wait waiter = { .wait =
                                        WF_WAIT_INIT_FOR(cancel_wait, NULL, "the exit of a process",
                                                         WF_WAIT_PROCESS, process),
                                    .process = process };
        wf_list_append(&process->waiters, &waiter.link);
        code = wf_task_wait(&waiter.wait);
    }
    if (code == 0 && out_returncode != NULL) {
        *out_returncode = process->returncode;
    }
    return code;
}

/* ---- signals ------------------------------------------------------------ */

void wf_process_kill_now(weft_process *process)
{
    if (process->state == WF_PROCESS_RUNNING) {
        (void)wf_child_signal(&process->child, SIGKILL, process->kill_group); /* it may be dead */
    }
}

int weft_process_send_signal(weft_process *process, int signum)
{
    int code = wf_process_check(process);

    if (code < 0) {
        return code;
    }
    if (signum < 0 || signum >= NSIG) {
        return weft_fail(WEFT_EINVAL, "%d is no signal", signum);
    }
    return process->state == WF_PROCESS_RUNNING
               ? wf_child_signal(&process->child, signum, process->kill_group)
               : -ESRCH;
}

int weft_process_terminate(weft_process *process)
{
    return weft_process_send_signal(process, SIGTERM);
}

int weft_process_kill(weft_process *process)
{
    return weft_process_send_signal(process, SIGKILL);
}

/* ---- facts -------------------------------------------------------------- */

int weft_process_get_returncode(const weft_process *process)
{
    return wf_process_check(process) < 0 ? WEFT_PROCESS_RUNNING : process->returncode;
}

int64_t weft_process_get_pid(const weft_process *process)
{
    return wf_process_check(process) < 0 ? 0 : process->child.pid;
}

static weft_stream *get_stream(const weft_process *process, int fd)
{
    return wf_process_check(process) < 0 ? NULL : process->streams[fd];
}

weft_stream *weft_process_get_stdin(const weft_process *process)
{
    return get_stream(process, 0);
}

weft_stream *weft_process_get_stdout(const weft_process *process)
{
    return get_stream(process, 1);
}

weft_stream *weft_process_get_stderr(const weft_process *process)
{
    return get_stream(process, 2);
}

/* ---- the end ------------------------------------------------------------ */

int weft_process_close(weft_process *process)
{
    int code = wf_process_check(process);

    if (code < 0 || process->is_closing) {
        return code;
    }
    process->is_closing = true;
    for (int fd = 0; fd < 3; fd++) {
        if (process->streams[fd] != NULL) {
            (void)weft_stream_close(process->streams[fd]); /* the thread is ours */
        }
    }
    wf_process_close_raw(process);
    wf_process_kill_now(process);
    return 0;
}

int weft_process_is_closing(const weft_process *process)
{
    return wf_process_check(process) < 0 || process->is_closing;
}

void weft_process_destroy(weft_process *process)
{
    if (process == NULL || wf_process_check(process) < 0) {
        return;
    }
    if (process->is_released || process->is_communicating || process->is_beginning ||
        !wf_list_is_empty(&process->waiters)) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVALIDSTATE, "%s",
                        process->is_released ? "the process was destroyed before"
                                             : "a task still waits for the process");
        return;
    }
    wf_process_release(process);
}

static void report_unclosed(const weft_process *process)
{
    char description[96];

    (void)snprintf(description, sizeof description, "process pid=%d running",
                   (int)process->child.pid);
    wf_io_report_unclosed(process->loop, "transport", description, process->created_at,
                          process->origin, process->creation);
}

/* Its pipes go without a report of their own: the process is what was left open. */
static void abort_streams(weft_process *process)
{
    for (int fd = 0; fd < 3; fd++) {
        if (process->streams[fd] != NULL) {
            (void)weft_stream_abort(process->streams[fd]); /* the thread is ours */
        }
    }
}

static void close_with_loop(weft_process *process)
{
    if (process->state == WF_PROCESS_RUNNING) {
        report_unclosed(process);
        wf_watch_remove(&process->loop->poller, &process->watch);
        wf_loop_take_back(&process->work);
        int returncode = wf_child_end(&process->child, process->kill_group);
        process->returncode = returncode != WF_CHILD_LOST ? returncode : LOST_RETURNCODE;
    }
    process->starting = weft_future_unref(process->starting); /* NULL; its outcome cleans up */
    for (struct wf_list *link; (link = wf_list_take_first(&process->waiters)) != NULL;) {
        wf_wait_disown(&WF_CONTAINER_OF(link, struct exit_wait, link)->wait);
    }
    for (int fd = 0; fd < 3; fd++) {
        process->pumps[fd].task = weft_future_unref(process->pumps[fd].task); /* NULL */
    }
    process->is_communicating = false;
    process->is_released |= process->is_beginning; /* nobody was handed it */
    wf_process_mute(process);
    abort_streams(process);
    if (process->is_released) {
        close_streams(process);
    }
    process->state = WF_PROCESS_EXITED;
    process->io = NULL;
    maybe_free(process);
}

void wf_processes_close_all(struct wf_io *io)
{
    for (struct wf_list *link; (link = wf_list_take_first(&io->processes)) != NULL;) {
        close_with_loop(WF_CONTAINER_OF(link, weft_process, link));
    }
}

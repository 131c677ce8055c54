/*
 * The end of a loop's tasks and of its executor.
 *
 * As in asyncio, the tasks that there are now are cancelled, all of them, and then
 * waited for; what they start meanwhile is not. The loop is driven turn by turn
 * from outside, so that ending needs no memory but the list of the tasks, and
 * without even that it goes in pieces.
 *
 * A task that has not ended a while after its cancel is named in the log.
 *
 * Thread: the loop's.
 */

#include "base/alloc.h"
#include "base/log.h"
#include "bridge/bridge.h"
#include "future/future.h"
#include "runtime/runtime.h"
#include "task/task.h"

#include <stdio.h>

#define REMIND_AFTER WEFT_S(10)

enum {
    PIECE = 32
};

/* ---- tasks --------------------------------------------------------------- */

struct leftovers {
    weft_task **tasks; /* refs */
    size_t n;
    size_t n_ended; /* those before it have ended; the one there perhaps not */
    weft_task *piece[PIECE];
};

static void collect(weft_loop *loop, struct leftovers *left)
{
    size_t n = wf_task_count(loop);

    if (n == 0) {
        left->tasks = left->piece;
        return;
    }
    left->tasks = wf_new_array(weft_task *, n);
    left->n = n;
    if (left->tasks == NULL) { /* no memory: the first ones, and the others later */
        left->tasks = left->piece;
        left->n = n < PIECE ? n : PIECE;
    }
    (void)weft_all_tasks(loop, left->tasks, left->n); /* there are n or more */
    for (size_t i = 0; i < left->n; i++) {
        (void)weft_future_ref(left->tasks[i]); /* returns its argument */
    }
}

static void cancel_all(weft_loop *loop, struct leftovers *left)
{
    wf_loop_permute(loop, left->tasks, left->n, sizeof(weft_task *));
    for (size_t i = 0; i < left->n; i++) {
        (void)weft_task_cancel(left->tasks[i], NULL); /* they have not ended */
    }
}

static bool have_ended(struct leftovers *left)
{
    while (left->n_ended < left->n && wf_future_is_done(left->tasks[left->n_ended])) {
        left->n_ended++;
    }
    return left->n_ended == left->n;
}

static void report_slow(weft_loop *loop, weft_task *task, const char *message)
{
    char description[512];
    weft_report report = WEFT_REPORT_INIT;

    weft_future_describe(task, description, sizeof description);
    report.kind = WEFT_REPORT_SHUTDOWN_SURVIVOR;
    report.message = message;
    report.subject = weft_task_get_coro_name(task);
    report.object = description;
    report.origin = task->origin;
    report.source = task;
    wf_loop_report(loop, &report);
}

static void run_until_ended(weft_loop *loop, struct leftovers *left, weft_time deadline)
{
    weft_duration patience = REMIND_AFTER;
    weft_time reminder = wf_loop_deadline(loop, patience);

    while (!have_ended(left)) {
        weft_time now = wf_loop_now(loop);
        if (now >= deadline) {
            return;
        }
        if (now >= reminder && !loop->poller.is_virtual) {
            report_slow(loop, left->tasks[left->n_ended],
                        "a task does not end after its cancel; the shutdown waits for it");
            patience *= 2;
            reminder = wf_loop_deadline(loop, patience);
        }
        weft_time until = deadline < reminder || loop->poller.is_virtual ? deadline : reminder;
        weft_duration limit = until == WEFT_FOREVER ? WEFT_FOREVER : until - now;
        if (weft_loop_run_once(loop, limit) < 0) {
            return;
        }
    }
}

static void report_failure(weft_loop *loop, weft_task *task)
{
    char description[512];
    weft_report report = WEFT_REPORT_INIT;

    weft_future_describe(task, description, sizeof description);
    report.kind = WEFT_REPORT_RUN_SHUTDOWN_EXCEPTION;
    report.message = "unhandled exception during asyncio.run() shutdown";
    report.subject = weft_task_get_name(task);
    report.object = description;
    report.error = task->error;
    report.code = task->code;
    report.origin = task->origin;
    report.source = task;
    wf_loop_report(loop, &report);
    wf_future_set_retrieved(task);
}

/* Tell what became of them, and how many are left behind. */
static size_t account(weft_loop *loop, struct leftovers *left)
{
    size_t n_left = 0;

    for (size_t i = 0; i < left->n; i++) {
        weft_task *task = left->tasks[i];
        if (!wf_future_is_done(task)) {
            report_slow(loop, task, "a task did not end after its cancel: it is left behind");
            n_left++;
        } else if (task->state == WF_FUTURE_FINISHED && task->code < 0) {
            report_failure(loop, task);
        }
        (void)weft_future_unref(task); /* always NULL */
    }
    if (left->tasks != left->piece) {
        wf_free(left->tasks);
    }
    return n_left;
}

size_t wf_shutdown_tasks(weft_loop *loop, weft_time deadline, void (*meet)(void *data), void *data)
{
    size_t n_left = 0;
    bool is_piece;

    do {
        struct leftovers left = { 0 };
        collect(loop, &left);
        if (meet != NULL) {
            meet(data);
            meet = NULL;
        }
        is_piece = left.tasks == left.piece && left.n == PIECE;
        cancel_all(loop, &left);
        run_until_ended(loop, &left, deadline);
        n_left = account(loop, &left);
    } while (is_piece && n_left == 0);
    return n_left;
}

/* ---- the executor -------------------------------------------------------- */

static int end_executor(void *data)
{
    const weft_duration *limit = data;

    return weft_loop_shutdown_default_executor(NULL, *limit);
}

/* Turn by turn, since a callback may still stop the loop. */
static int run_to_end(weft_loop *loop, weft_task *task)
{
    int r = 0;

    while (r >= 0 && !wf_future_is_done(task)) {
        r = weft_loop_run_once(loop, WEFT_FOREVER);
    }
    return r < 0 ? r : weft_future_result(task, NULL);
}

int wf_shutdown_executor(weft_loop *loop, weft_duration limit)
{
    weft_task *task;

    if (!wf_bridge_has_executor(loop)) {
        return 0;
    }
    int r = weft_loop_create_task(loop, weft_coro_create(end_executor, &limit), NULL, &task);
    if (r < 0) {
        return r; /* without memory for it the executor ends by itself, after the loop */
    }
    r = run_to_end(loop, task);
    (void)weft_future_unref(task); /* always NULL */
    return r;
}

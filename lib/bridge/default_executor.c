/*
 * The executor that a loop uses when none is named: made at the first use, or
 * set; and its end, which a task can wait for.
 *
 * The wait ends by the executor's post, by its time limit or by a cancel. Whoever
 * comes second finds that the waiter is posted already and leaves it to the post.
 *
 * Thread: the loop's.
 */

#include "bridge/bridge.h"

#include "base/log.h"
#include "task/task.h"

enum {
    MAX_NAMED = 32
};

/* ---- making and setting -------------------------------------------------- */

int wf_bridge_get_executor(weft_loop *loop, weft_executor **out_executor)
{
    weft_executor_options options = WEFT_EXECUTOR_OPTIONS_INIT;
    struct wf_bridge *bridge = wf_bridge_get(loop);

    if (bridge == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for the default executor");
    }
    if (bridge->is_default_executor_ended) { /* another that was set since changes nothing */
        return weft_fail(WEFT_ESHUTDOWN, "Executor shutdown has been called");
    }
    if (bridge->executor == NULL) {
        options.name = "weft-default";
        int r = weft_executor_create_at(NULL, &options, &bridge->executor);
        if (r < 0) {
            return r;
        }
        bridge->is_own_executor = true;
    }
    *out_executor = bridge->executor;
    return 0;
}

bool wf_bridge_has_executor(const weft_loop *loop)
{
    const struct wf_bridge *bridge = loop->slots[WF_LOOP_SLOT_BRIDGE].data;

    return bridge != NULL && bridge->executor != NULL;
}

int weft_loop_set_default_executor(weft_loop *loop, weft_executor *executor)
{
    int r = wf_loop_resolve(&loop);

    if (r < 0) {
        return r;
    }
    struct wf_bridge *bridge = wf_bridge_get(loop);
    if (bridge == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for the default executor");
    }
    weft_executor *before = bridge->executor;
    bridge->executor = weft_executor_ref(executor);
    bridge->is_own_executor = false;
    (void)weft_executor_unref(before); /* its jobs go on; always NULL */
    return 0;
}

/* ---- the end ------------------------------------------------------------- */

/* On the stack of the task that waits. */
struct ending {
    struct wf_wait wait;
    struct wf_end_waiter waiter;
    struct wf_timer timer;
    weft_loop *loop;
    weft_executor *executor; /* ref */
};

/* The append phase: the last thread has ended. */
static void deliver_end(struct wf_post *post)
{
    struct wf_end_waiter *waiter = WF_CONTAINER_OF(post, struct wf_end_waiter, post);
    struct ending *ending = WF_CONTAINER_OF(waiter, struct ending, waiter);

    wf_timer_stop(ending->loop, &ending->timer);
    wf_wait_wake(&ending->wait, 0);
}

/* The time is up. */
static void on_limit(struct wf_work *work)
{
    struct ending *ending = WF_CONTAINER_OF(work, struct ending, timer.work);

    if (wf_executor_forget_end(ending->executor, &ending->waiter)) {
        wf_wait_wake(&ending->wait, WEFT_ETIMEDOUT);
    }
}

static bool cancel_ending(struct wf_wait *wait, const char *message)
{
    struct ending *ending = WF_CONTAINER_OF(wait, struct ending, wait);

    (void)message; /* the task keeps it */
    if (!wf_executor_forget_end(ending->executor, &ending->waiter)) {
        return false;
    }
    wf_timer_stop(ending->loop, &ending->timer);
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

static void abandon_ending(struct wf_wait *wait)
{
    struct ending *ending = WF_CONTAINER_OF(wait, struct ending, wait);

    (void)wf_executor_forget_end(ending->executor, &ending->waiter); /* or it came, and woke us */
    wf_timer_stop(ending->loop, &ending->timer);
    (void)weft_executor_unref(ending->executor); /* always NULL */
}

/* Name those who are still there. */
static int report_survivors(weft_loop *loop, weft_executor *executor)
{
    weft_executor_job jobs[MAX_NAMED];
    size_t n = weft_executor_get_running(executor, jobs, MAX_NAMED);

    wf_executor_stop_running(executor);
    for (size_t i = 0; i < n && i < MAX_NAMED; i++) {
        weft_report report = WEFT_REPORT_INIT;
        char message[256];
        wf_executor_fill_survivor(&jobs[i], message, sizeof message, &report);
        wf_loop_report(loop, &report);
    }
    return weft_fail(WEFT_ETIMEDOUT, "executor '%s': %zu jobs still run",
                     weft_executor_get_name(executor), n);
}

int weft_loop_shutdown_default_executor(weft_loop *loop, weft_duration limit)
{
    struct wf_task *task;
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        r = wf_task_require("weft_loop_shutdown_default_executor", &task);
    }
    if (r < 0) {
        return r;
    }
    struct wf_bridge *bridge = wf_bridge_get(loop);
    if (bridge == NULL) {
        return weft_fail(WEFT_ENOMEM, "no memory for the end of the default executor");
    }
    bridge->is_default_executor_ended = true;
    if (bridge->executor == NULL) {
        return 0;
    }

    struct ending ending = {
        .wait = WF_WAIT_INIT_FOR(cancel_ending, abandon_ending, "the end of the default executor",
                                 WF_WAIT_EXECUTOR, bridge->executor),
        .waiter = { .post = { .deliver = deliver_end }, .mailbox = &loop->mailbox },
        .loop = loop,
        .executor = weft_executor_ref(bridge->executor),
    };
    wf_timer_init(&ending.timer, on_limit);
    r = wf_timer_start(loop, &ending.timer, wf_loop_deadline(loop, limit));
    if (r == 0) {
        (void)wf_executor_shutdown_start(ending.executor, /* cancel_queued = */ false,
                                         &ending.waiter); /* our mailbox is open */
        wf_loop_owe(loop, 1);
        r = wf_task_wait(&ending.wait);
        wf_loop_owe(loop, -1);
    }
    if (r == WEFT_ETIMEDOUT) {
        r = report_survivors(loop, ending.executor);
    }
    (void)weft_executor_unref(ending.executor); /* always NULL */
    return r;
}

/*
 * From a loop to an executor and back: a job is submitted, and a future of the
 * loop follows its outcome.
 *
 * A full queue that lets wait makes a task wait here. The job has its place by
 * then; the waiter in the executor only tells that it has moved up. A cancel takes
 * the waiter back and cancels the job. If the waiter was posted already, it is in
 * our mailbox: then the task is woken by it, and the cancel is delivered there.
 *
 * Thread: the loop's.
 */

#include "bridge/bridge.h"
#include "task/task.h"
#include "thread/concurrent_future.h"

/* On the stack of the task that waits for room. */
struct room {
    struct wf_wait wait;
    struct wf_space_waiter waiter;
    weft_executor *executor; /* ref */
    struct wf_wrapped *wrapped;
    weft_concurrent_future *job; /* ref */
};

/* The append phase: the job has moved up, or was cancelled or dropped. */
static void deliver_room(struct wf_post *post)
{
    struct wf_space_waiter *waiter = WF_CONTAINER_OF(post, struct wf_space_waiter, post);

    wf_wait_wake(&WF_CONTAINER_OF(waiter, struct room, waiter)->wait, 0);
}

static void give_up(struct room *room)
{
    if (weft_concurrent_future_cancel(room->job) < 0) {
        wf_executor_abandon(room->job); /* it began in the meantime */
    }
    (void)weft_concurrent_future_unref(room->job); /* always NULL */
    (void)weft_executor_unref(room->executor);     /* always NULL */
    wf_wrapped_give_up(room->wrapped);
}

static bool cancel_room(struct wf_wait *wait, const char *message)
{
    struct room *room = WF_CONTAINER_OF(wait, struct room, wait);

    (void)message; /* the task keeps it */
    if (!wf_executor_forget_space(room->executor, &room->waiter)) {
        return false;
    }
    if (weft_loop_is_closed(wait->task->future.loop)) {
        give_up(room); /* the task is being dropped: it will not do it itself */
    }
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

/* In a task: submit, and suspend until there is room. */
static int submit_and_wait(const weft_origin *origin, struct wf_wrapped *wrapped,
                           weft_executor *executor, weft_job_fn *fn, void *arg,
                           weft_destroy_fn *destroy, weft_future **out_future)
{
    weft_loop *loop = wf_task_current->future.loop;
    struct room room = {
        .wait = WF_WAIT_INIT(cancel_room, "room in an executor's queue"),
        .waiter = { .post = { .deliver = deliver_room }, .mailbox = &loop->mailbox },
        .executor = executor,
        .wrapped = wrapped,
    };

    int r = wf_executor_submit(origin, executor, fn, arg, destroy, &room.waiter, &room.job);
    if (r < 0) {
        wf_wrapped_give_up(wrapped);
        return r;
    }
    if (r == WF_EXECUTOR_WAITS) {
        (void)weft_executor_ref(executor); /* returns its argument */
        wf_loop_owe(loop, 1);
        r = wf_task_wait(&room.wait);
        wf_loop_owe(loop, -1);
        if (r < 0) {
            give_up(&room);
            return r;
        }
        (void)weft_executor_unref(executor); /* always NULL */
    }
    *out_future = wf_wrapped_follow(wrapped, room.job);
    return 0;
}

/* In a callback nobody can wait. */
static int submit_now(const weft_origin *origin, struct wf_wrapped *wrapped,
                      weft_executor *executor, weft_job_fn *fn, void *arg, weft_destroy_fn *destroy,
                      weft_future **out_future)
{
    weft_concurrent_future *job;
    int r = wf_executor_submit(origin, executor, fn, arg, destroy, NULL, &job);

    if (r < 0) {
        wf_wrapped_give_up(wrapped);
        return r;
    }
    *out_future = wf_wrapped_follow(wrapped, job);
    return 0;
}

int weft_loop_run_in_executor_at(const weft_origin *origin, weft_loop *loop,
                                 weft_executor *executor, weft_job_fn *fn, void *arg,
                                 weft_destroy_fn *destroy, weft_future **out_future)
{
    struct wf_wrapped *wrapped = NULL;
    int r = wf_loop_resolve(&loop);

    if (r == 0 && out_future == NULL) {
        r = weft_fail_at(origin, WEFT_EINVAL, "no place for the future");
    }
    if (r == 0 && executor == NULL) {
        r = wf_bridge_get_executor(loop, &executor);
    }
    if (r == 0) {
        wrapped = wf_wrapped_create(origin, loop);
        r = wrapped != NULL ? 0 : weft_fail_at(origin, WEFT_ENOMEM, "no memory for a future");
    }
    if (r < 0) {
        if (destroy != NULL) {
            destroy(arg);
        }
        return r;
    }
    bool may_wait = wf_task_current != NULL && wf_task_current->future.loop == loop;
    return may_wait ? submit_and_wait(origin, wrapped, executor, fn, arg, destroy, out_future)
                    : submit_now(origin, wrapped, executor, fn, arg, destroy, out_future);
}

int weft_to_thread_at(const weft_origin *origin, weft_job_fn *fn, void *arg, weft_value *out_value)
{
    struct wf_task *task;
    weft_future *future;
    int r = wf_task_require("weft_to_thread", &task);

    if (r == 0) {
        r = weft_loop_run_in_executor_at(origin, task->future.loop, NULL, fn, arg, NULL, &future);
    }
    if (r < 0) {
        return r;
    }
    r = weft_await_at(origin, future, out_value);
    (void)weft_future_unref(future); /* always NULL */
    return r;
}

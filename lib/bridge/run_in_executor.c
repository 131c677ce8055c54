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

#include "base/alloc.h"
#include "base/context.h"
#include "bridge/bridge.h"
#include "task/task.h"
#include "thread/concurrent_future.h"

/* On the stack of the task that waits for room. */
struct room {
    struct wf_wait wait;
    struct wf_space_waiter waiter;
    weft_executor *executor;     /* ref */
    weft_future *future;         /* ref */
    weft_concurrent_future *job; /* ref, while it waits: the future may have let go of it */
};

/* The append phase: the job has moved up, or was cancelled or dropped. */
static void deliver_room(struct wf_post *post)
{
    struct wf_space_waiter *waiter = WF_CONTAINER_OF(post, struct wf_space_waiter, post);

    wf_wait_wake(&WF_CONTAINER_OF(waiter, struct room, waiter)->wait, 0);
}

/* The job has its place, or runs by now: cancelling what follows it does the right thing. */
static void give_up(struct room *room)
{
    (void)wf_future_request_cancel(room->future, NULL); /* done: its outcome is not wanted */
    (void)weft_concurrent_future_cancel(room->job);     /* or it is, or runs */
    (void)weft_concurrent_future_unref(room->job);      /* always NULL */
    (void)weft_future_unref(room->future);              /* always NULL */
    (void)weft_executor_unref(room->executor);          /* always NULL */
}

static bool cancel_room(struct wf_wait *wait, const char *message)
{
    struct room *room = WF_CONTAINER_OF(wait, struct room, wait);

    (void)message; /* the task keeps it */
    if (!wf_executor_forget_space(room->executor, &room->waiter)) {
        return false;
    }
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

static void abandon_room(struct wf_wait *wait)
{
    struct room *room = WF_CONTAINER_OF(wait, struct room, wait);

    (void)wf_executor_forget_space(room->executor, &room->waiter); /* or it came, and woke us */
    give_up(room);
}

/* In a task: suspend until there is room. */
static int wait_for_room(struct room *room)
{
    (void)weft_executor_ref(room->executor); /* both return their argument */
    (void)weft_concurrent_future_ref(room->job);
    int r = wf_task_wait(&room->wait);
    if (r < 0) {
        give_up(room);
        return r;
    }
    (void)weft_concurrent_future_unref(room->job); /* both always NULL */
    (void)weft_executor_unref(room->executor);
    return 0;
}

/* Consumes <wrapped>. In a task it may suspend; in a callback nobody can wait. */
static int submit(const weft_origin *origin, struct wf_wrapped *wrapped, weft_loop *loop,
                  weft_executor *executor, weft_job_fn *fn, void *arg, weft_destroy_fn *destroy,
                  weft_future **out_future)
{
    bool may_wait = wf_task_current != NULL && wf_task_current->future.loop == loop;
    struct room room = {
        .wait = WF_WAIT_INIT_FOR(cancel_room, abandon_room, "room in an executor's queue",
                                 WF_WAIT_EXECUTOR, executor),
        .waiter = { .post = { .deliver = deliver_room }, .mailbox = &loop->mailbox },
        .executor = executor,
    };

    int r = wf_executor_submit(origin, executor, fn, arg, destroy, may_wait ? &room.waiter : NULL,
                               wf_wrapped_get_callback(wrapped), &room.job);
    if (r < 0) {
        wf_wrapped_give_up(wrapped);
        return r;
    }
    room.future = wf_wrapped_follow(wrapped, room.job);
    if (r == WF_EXECUTOR_WAITS) {
        r = wait_for_room(&room);
        if (r < 0) {
            return r;
        }
    }
    *out_future = room.future;
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
    return submit(origin, wrapped, loop, executor, fn, arg, destroy, out_future);
}

/* What to_thread submits when context variables are set: the job, and what it is to see. */
struct visitor {
    weft_job_fn *fn;
    void *arg;
    struct wf_vars *vars; /* ref */
};

static void drop_visitor(void *data)
{
    struct visitor *visitor = data;
    struct wf_vars *vars = visitor->vars;

    wf_free(visitor);
    wf_vars_drop(vars);
}

/* The executor's thread. */
static int run_visitor(void *data)
{
    struct visitor visitor = *(struct visitor *)data;

    wf_free(data);
    wf_vars_drop(wf_vars_swap(visitor.vars)); /* the job's frame drops it */
    return visitor.fn(visitor.arg);
}

static int submit_to_thread(const weft_origin *origin, weft_loop *loop, weft_job_fn *fn, void *arg,
                            weft_future **out_future)
{
    struct wf_vars *vars = wf_vars_copy_current();

    if (vars == NULL || fn == NULL) {
        wf_vars_drop(vars);
        return weft_loop_run_in_executor_at(origin, loop, NULL, fn, arg, NULL, out_future);
    }
    struct visitor *visitor = wf_alloc(sizeof *visitor);
    if (visitor == NULL) {
        wf_vars_drop(vars);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a job");
    }
    *visitor = (struct visitor){ fn, arg, vars };
    return weft_loop_run_in_executor_at(origin, loop, NULL, run_visitor, visitor, drop_visitor,
                                        out_future);
}

int weft_to_thread_at(const weft_origin *origin, weft_job_fn *fn, void *arg, weft_value *out_value)
{
    struct wf_task *task;
    weft_future *future = NULL;
    int r = wf_task_require("weft_to_thread", &task);

    if (r == 0) {
        r = submit_to_thread(origin, task->future.loop, fn, arg, &future);
    }
    if (r != 0) {
        return r;
    }
    r = weft_await_at(origin, future, out_value);
    (void)weft_future_unref(future); /* always NULL */
    return r;
}

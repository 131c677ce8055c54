/*
 * Task groups: children that live inside a scope of their parent.
 *
 *     made --enter--> open --exit, or a failure--> aborting/leaving --last child--> over
 *
 * A failing child cancels its siblings and, when the parent is still in the body,
 * the parent, once; that request is the group's own and is taken back at the exit.
 * A cancel from outside cancels the children too. Errors come before cancels.
 * Semantics as in CPython 3.13.
 *
 * Thread: the loop's.
 */

#include "weft/group.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/mutant.h"
#include "task/coro.h"
#include "task/waits.h"

#include <string.h>

#define GROUP_MAGIC 0x77664752u

weft_task_group *weft_task_group_create(void)
{
    weft_task_group *group = wf_new(weft_task_group);

    if (group == NULL) {
        (void)weft_fail(WEFT_ENOMEM, "no memory for a task group"); /* NULL says it */
        return NULL;
    }
    group->magic = GROUP_MAGIC;
    wf_list_init(&group->children);
    return group;
}

static int check(const weft_task_group *group)
{
    if (group == NULL) {
        return weft_fail(WEFT_ENOMEM, "no task group: it was not made");
    }
    if (group->magic != GROUP_MAGIC) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "not a task group, or one destroyed");
    }
    return group->parent != NULL ? wf_loop_check(group->parent->future.loop) : 0;
}

void weft_task_group_destroy(weft_task_group *group)
{
    if (group == NULL || check(group) < 0) {
        return;
    }
    if (group->is_entered && !group->is_over) {
        (void)wf_misuse(WEFT_REPORT_MISUSE, WEFT_ERUNTIME,
                        "a task group was destroyed inside its scope; exit it first");
        return; /* it leaks, but nothing dangles */
    }
    for (size_t i = 0; i < group->n_errors; i++) {
        wf_error_unref(group->errors[i]);
    }
    wf_free(group->errors);
    group->magic = WF_DEAD_MAGIC;
    wf_free(group);
}

int weft_task_group_enter(weft_task_group *group)
{
    int r = check(group);

    if (r < 0) {
        return r;
    }
    if (group->is_entered) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup has already been entered");
    }
    if (wf_task_current == NULL) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup cannot determine the parent task");
    }
    group->parent = wf_task_current;
    group->parent->future.n_refs++;
    group->is_entered = true;
    return 0;
}

/* ---- errors ------------------------------------------------------------- */

/* Keep an error; without memory its code still counts. Takes a reference of its own. */
static void add_error(weft_task_group *group, int code, weft_error *error)
{
    if (group->first_code == 0) {
        group->first_code = code;
    }
    weft_error *kept = error != NULL ? wf_error_ref(error) : wf_error_create(code, NULL, "");
    if (kept == NULL) {
        return;
    }
    if (group->n_errors == group->errors_capacity) {
        size_t capacity = group->errors_capacity == 0 ? 4 : group->errors_capacity * 2;
        weft_error **errors = wf_realloc(group->errors, capacity * sizeof *errors);
        if (errors == NULL) {
            wf_error_unref(kept);
            return;
        }
        group->errors = errors;
        group->errors_capacity = capacity;
    }
    group->errors[group->n_errors++] = kept;
}

static int raise_errors(weft_task_group *group)
{
    weft_error *error = wf_error_create_group(WEFT_EGROUP, group->errors, group->n_errors);

    (void)weft_raise(error); /* its code is returned below, also without memory */
    if (error != NULL) {
        wf_error_unref(error);
    }
    return WEFT_EGROUP;
}

/* ---- children ----------------------------------------------------------- */

static void abort_children(weft_task_group *group)
{
    group->is_aborting = true;
    wf_loop_permute_list(group->parent->future.loop, &group->children);
    for (struct wf_list *link = group->children.next; link != &group->children; link = link->next) {
        struct wf_group_child *child = WF_CONTAINER_OF(link, struct wf_group_child, link);
        (void)wf_future_request_cancel(child->task, NULL); /* done already: nothing to cancel */
    }
}

static void report_orphan(const weft_task_group *group, weft_task *task)
{
    char description[512];
    weft_report report = WEFT_REPORT_INIT;

    weft_future_describe(task, description, sizeof description);
    report.message = "a task of a group failed after its parent task was completed";
    report.object = description;
    report.error = task->error;
    report.code = task->code;
    report.origin = task->origin;
    report.source = task;
    wf_loop_report(group->parent->future.loop, &report);
}

static void take_failure(weft_task_group *group, weft_task *task)
{
    wf_future_set_retrieved(task);
    add_error(group, task->code, task->error);
    if (wf_future_is_done(&group->parent->future)) {
        report_orphan(group, task);
        return;
    }
    if (!group->is_aborting && !group->has_cancelled_parent) {
        abort_children(group);
        group->has_cancelled_parent = true;
        (void)wf_future_request_cancel(&group->parent->future, NULL); /* it is pending */
    }
}

static void release_child(struct wf_group_child *child)
{
    wf_list_remove(&child->link);
    (void)weft_future_unref(child->task); /* always NULL */
    wf_free(child);
}

static void on_child_done(struct wf_future_callback *callback)
{
    struct wf_group_child *child = WF_CONTAINER_OF(callback, struct wf_group_child, callback);
    weft_task_group *group = child->group;
    weft_task *task = child->task;

    wf_list_remove(&child->link);
    if (wf_list_is_empty(&group->children) && group->leaver != NULL && !group->leaver->is_woken) {
        wf_wait_wake(group->leaver, 0);
    }
    if (task->state == WF_FUTURE_FINISHED && task->code < 0) {
        take_failure(group, task);
    }
    release_child(child);
}

/* The loop closes. */
static void drop_child(struct wf_future_callback *callback)
{
    release_child(WF_CONTAINER_OF(callback, struct wf_group_child, callback));
}

static int refuse_task(const weft_task_group *group)
{
    if (!group->is_entered) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup has not been entered");
    }
    if (group->is_over || (group->is_exiting && wf_list_is_empty(&group->children))) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup is finished");
    }
    if (group->is_aborting) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup is shutting down");
    }
    return 0;
}

static int add_child(const weft_origin *origin, weft_task_group *group, weft_coro *coro,
                     const weft_task_options *options, weft_task **out_task)
{
    struct wf_group_child *child = wf_alloc(sizeof *child);

    if (child == NULL) {
        wf_coro_drop(coro);
        return weft_fail_at(origin, WEFT_ENOMEM, "no memory for a task");
    }
    int r = wf_task_create(origin, group->parent->future.loop, coro, options, &child->task);
    if (r < 0) {
        wf_free(child);
        return r;
    }
    child->group = group;
    child->callback.run = on_child_done;
    child->callback.drop = drop_child;
    wf_list_append(&group->children, &child->link);
    wf_future_add_callback(child->task, &child->callback);
    if (out_task != NULL) {
        *out_task = weft_future_ref(child->task);
    }
    return 0;
}

int weft_task_group_create_task_at(const weft_origin *origin, weft_task_group *group,
                                   weft_coro *coro, const weft_task_options *options,
                                   weft_task **out_task)
{
    if (coro == NULL) {
        return weft_fail_at(origin, WEFT_ENOMEM, "no coroutine object");
    }
    if (!wf_coro_is(coro)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a coroutine object is needed");
    }
    wf_coro_take(coro);
    int r = check(group);
    if (r == 0) {
        r = refuse_task(group);
    }
    if (r < 0) {
        wf_coro_drop(coro);
        return r;
    }
    return add_child(origin, group, coro, options, out_task);
}

/* ---- the exit ----------------------------------------------------------- */

static bool cancel_leave(struct wf_wait *wait, const char *message)
{
    (void)message; /* the task keeps it */
    wf_wait_wake(wait, WEFT_ECANCELED);
    return true;
}

/* How the parent was cancelled from outside, and with which message. */
struct cancellation {
    bool is_there;
    weft_error *error; /* ref, or NULL */
};

/* Wait until no child is left; a cancel meanwhile is passed on to the children, once. */
static void wait_for_children(weft_task_group *group, struct cancellation *cancellation)
{
    while (!wf_list_is_empty(&group->children)) {
        struct wf_wait wait =
            WF_WAIT_INIT_FOR(cancel_leave, NULL, "children of a task group", WF_WAIT_GROUP, group);
        group->leaver = &wait;
        int r = wf_task_wait(&wait);
        group->leaver = NULL;
        if (r == WEFT_ECANCELED && !group->is_aborting) {
            *cancellation = (struct cancellation){ true, wf_frame_take_error(wf_frame_current(),
                                                                             WEFT_ECANCELED) };
            abort_children(group);
        }
    }
}

static void drop_error(weft_error *error)
{
    if (error != NULL) {
        wf_error_unref(error);
    }
}

static int raise_outcome(weft_task_group *group, const struct cancellation *cancellation)
{
    struct wf_task *parent = group->parent;

    if (group->first_code != 0) {
        /* A request from outside is still to be delivered: at the parent's next wait. */
        if (parent->n_cancels > 0) {
            (void)weft_task_uncancel(&parent->future);
            (void)wf_future_request_cancel(&parent->future, NULL);
        }
        return raise_errors(group);
    }
    if (cancellation->is_there) {
        (void)weft_raise(cancellation->error); /* with its message; the code is returned */
        return WEFT_ECANCELED;
    }
    return 0;
}

static int leave(weft_task_group *group, int result)
{
    weft_error *error = wf_frame_take_error(wf_frame_current(), result);
    struct cancellation cancellation = { 0 };

    group->is_exiting = true;
    if (result == WEFT_ECANCELED) {
        cancellation = (struct cancellation){ true, error };
        error = NULL;
    }
    if (result < 0 && !group->is_aborting) {
        abort_children(group);
    }
    wait_for_children(group, &cancellation);
    if (group->has_cancelled_parent && !WF_MUTANT("group-keeps-its-cancel") &&
        weft_task_uncancel(&group->parent->future) == 0) {
        cancellation.is_there = false;
    }
    if (result < 0 && result != WEFT_ECANCELED) {
        add_error(group, result, error);
    }
    int code = raise_outcome(group, &cancellation);
    drop_error(error);
    drop_error(cancellation.error);
    return code;
}

int weft_task_group_exit(weft_task_group *group, int result)
{
    int r = check(group);

    if (r < 0) {
        return r;
    }
    if (!group->is_entered || group->is_over || group->is_exiting) {
        return weft_fail(WEFT_ERUNTIME, group->is_entered ? "TaskGroup is finished"
                                                          : "TaskGroup has not been entered");
    }
    if (group->parent != wf_task_current) {
        return weft_fail(WEFT_ERUNTIME, "TaskGroup is left by another task than entered it");
    }
    r = leave(group, result);
    struct wf_task *parent = group->parent;
    group->is_over = true;
    group->parent = NULL;
    (void)weft_future_unref(&parent->future); /* always NULL */
    return r;
}

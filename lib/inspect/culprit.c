/*
 * What a loop runs at this moment: see culprit.h.
 *
 * A user's callback is named by its origin, which is static and which the loop
 * shows while it runs; a step by a copy of its task. Of other work there is no more
 * to tell than that it is the library's.
 *
 * Thread: the monitor's.
 */

#include "inspect/culprit.h"

#include "base/context.h"
#include "task/state.h"
#include "task/task.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static size_t read_some(const void *from, void *to, size_t n)
{
    struct iovec local = { to, n };
    struct iovec remote = { (void *)(uintptr_t)from, n };
    ssize_t n_read = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

    return n_read > 0 ? (size_t)n_read : 0;
}

static bool read_memory(const void *from, void *to, size_t n)
{
    return read_some(from, to, n) == n;
}

/* Behind the text there may be memory that is not there. */
static void read_text(const char *from, char *to, size_t size)
{
    size_t n = from != NULL ? read_some(from, to, size - 1) : 0;

    to[n] = '\0';
    to[strnlen(to, n)] = '\0';
}

static void read_label(const struct wf_vars *vars, char *label)
{
    label[0] = '\0';
    if (vars != NULL) {
        read_text(wf_vars_find_label(vars, read_memory), label, WF_LABEL_SIZE);
    }
}

/* <task> is a copy; what it points to is static, or is put in its place here. */
static void describe_task(struct wf_task *task, struct wf_culprit *culprit)
{
    char name[sizeof culprit->info.subject];
    struct wf_text text;

    if (task->name != NULL) {
        read_text(task->name, name, sizeof name);
        task->name = name;
    }
    task->wait = NULL;
    wf_text_init(&text, culprit->info.object, sizeof culprit->info.object);
    wf_future_describe(&task->future, &text, /* is_nested = */ true);
    wf_text_init(&text, culprit->info.subject, sizeof culprit->info.subject);
    task->future.ops->add_name(&task->future, &text);
    culprit->info.origin = task->future.origin;
    culprit->task = task->number;
    read_label(task->frame.vars, culprit->label);
}

static bool read_task(const struct wf_work *work, struct wf_task *task)
{
    const struct wf_task *there = WF_CONTAINER_OF(work, const struct wf_task, step);
    wf_work_fn *run;

    return read_memory(&work->run, &run, sizeof run) && run == wf_task_step_kind.run &&
           read_memory(there, task, sizeof *task) && task->future.magic == WF_FUTURE_MAGIC &&
           task->future.is_task && task->future.state == WF_FUTURE_PENDING;
}

static bool still_runs(const weft_loop *loop, uint64_t n_run, const struct wf_work *work)
{
    return __atomic_load_n(&loop->n_run, __ATOMIC_ACQUIRE) == n_run &&
           __atomic_load_n(&loop->current, __ATOMIC_ACQUIRE) == work;
}

bool wf_culprit_read(const weft_loop *loop, uint64_t n_run, struct wf_culprit *out_culprit)
{
    struct wf_culprit *culprit = out_culprit;
    struct wf_work *work = __atomic_load_n(&loop->current, __ATOMIC_ACQUIRE);
    const weft_origin *callback = __atomic_load_n(&loop->current_origin, __ATOMIC_ACQUIRE);
    struct wf_task task;

    if (work == NULL) {
        return false;
    }
    *culprit = (struct wf_culprit){ .info = { "<work of the library>", "", NULL } };
    if (callback != NULL) {
        struct wf_vars *vars = NULL;
        wf_work_info_set(&culprit->info, "Handle", callback);
        if (read_memory(&loop->frame.vars, &vars, sizeof vars)) {
            read_label(vars, culprit->label);
        }
    } else if (read_task(work, &task)) {
        describe_task(&task, culprit);
    }
    return still_runs(loop, n_run, work);
}

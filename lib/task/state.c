/*
 * The task floor's part of a loop: made at its first task, closed with the loop.
 *
 * Closing drops tasks that are still pending. Their bodies do not run any more,
 * so what stands on their stacks is lost; each is reported with what it waited
 * for. Before its stack goes, a task is taken out of whatever could wake it.
 */

#include "task/state.h"

#include "base/alloc.h"
#include "base/creation.h"
#include "base/log.h"
#include "task/coro.h"
#include "task/task.h"

enum {
    MAX_CACHED = 8192
};

static void report_pending(struct wf_task *task)
{
    char description[512];
    char name[64];
    char creation[WF_CREATION_TEXT_SIZE];
    struct wf_text text;
    weft_report report = WEFT_REPORT_INIT;

    wf_text_init(&text, name, sizeof name);
    task->future.ops->add_name(&task->future, &text);
    wf_text_init(&text, description, sizeof description);
    wf_future_describe(&task->future, &text, /* is_nested = */ false);
    report.kind = WEFT_REPORT_PENDING_TASK_DESTROYED;
    report.message = "Task was destroyed but it is pending!";
    report.subject = name;
    report.object = description;
    report.origin = task->future.origin;
    report.source = &task->future;
    report.source_traceback = wf_creation_describe(task->future.creation, "Object", creation);
    wf_loop_report(task->future.loop, &report);
}

/* Take the task out of what could wake it, and out of the queue. */
static void detach(struct wf_task *task)
{
    struct wf_wait *wait = task->wait;

    if (wait != NULL && wait->abandon != NULL) {
        wait->abandon(wait);
    } else if (wait != NULL && !wait->is_woken) {
        (void)wait->cancel(wait, NULL); /* it wakes, but never runs again */
    }
    wf_loop_take_back(&task->step);
    task->wait = NULL;
}

static void drop(struct wf_task_state *state, struct wf_task *task)
{
    wf_list_remove(&task->link);
    wf_meter_count(&state->loop->meter.n_tasks_cancelled);
    if (task->fiber.stack != NULL) {
        wf_fiber_fini(&task->fiber, state->stacks);
    } else {
        wf_stack_pool_unreserve(state->stacks, task->stack_class);
    }
    if (task->coro != NULL) {
        wf_coro_drop(task->coro);
        task->coro = NULL;
    }
    wf_coro_report_all(&task->coros);
    wf_frame_fini(&task->frame);
    wf_future_abandon(&task->future);
    (void)weft_future_unref(&task->future); /* the runtime's own reference; always NULL */
}

static void close_state(weft_loop *loop, void *data)
{
    struct wf_task_state *state = data;
    struct wf_list *tasks = &state->tasks;

    for (struct wf_list *link = tasks->next; link != tasks; link = link->next) {
        report_pending(WF_CONTAINER_OF(link, struct wf_task, link));
    }
    for (struct wf_list *link = tasks->next; link != tasks; link = link->next) {
        detach(WF_CONTAINER_OF(link, struct wf_task, link));
    }
    wf_loop_drop_everything(loop); /* timers stand on the stacks that go now */
    while (!wf_list_is_empty(tasks)) {
        drop(state, WF_CONTAINER_OF(tasks->next, struct wf_task, link));
    }
    wf_coro_report_all(&state->coros);
    wf_stack_pool_destroy(state->stacks);
    state->stacks = NULL;
}

void wf_task_free_cached(struct wf_task_state *state, size_t keep)
{
    while (state->n_cached > keep) {
        struct wf_task *task = state->cached;
        state->cached = (struct wf_task *)(void *)task->wait;
        state->n_cached--;
        wf_free(task);
    }
}

static void free_state(void *data)
{
    struct wf_task_state *state = data;

    wf_task_free_cached(state, 0);
    wf_coro_free_cached(state, 0);
    wf_free(state);
}

static const struct wf_loop_slot_ops slot_ops = { close_state, free_state };

struct wf_task_state *wf_task_state_get(weft_loop *loop)
{
    struct wf_loop_slot *slot = &loop->slots[WF_LOOP_SLOT_TASK];

    if (__builtin_expect(slot->data != NULL, 1)) {
        return slot->data;
    }
    struct wf_task_state *state =
        wf_fiber_check_thread() == 0 ? wf_new(struct wf_task_state) : NULL;
    if (state == NULL || wf_stack_pool_create(loop->stack_size, &state->stacks) < 0) {
        wf_free(state);
        return NULL;
    }
    state->loop = loop;
    wf_list_init(&state->tasks);
    wf_list_init(&state->coros);
    wf_task_init_trimming(state);
    wf_loop_know_work(loop, &wf_task_step_kind);
    loop->holder = &wf_task_step_holder;
    *slot = (struct wf_loop_slot){ state, &slot_ops };
    return state;
}

struct wf_task *wf_task_get_memory(struct wf_task_state *state)
{
    struct wf_task *task = state->cached;

    if (task == NULL || wf_alloc_may_fail_now()) {
        return wf_alloc(sizeof *task);
    }
    state->cached = (struct wf_task *)(void *)task->wait;
    state->n_cached--;
    return task;
}

void wf_task_give_back(struct wf_task *task)
{
    struct wf_task_state *state = task->future.loop->slots[WF_LOOP_SLOT_TASK].data;

    if (state == NULL || state->stacks == NULL || state->n_cached >= MAX_CACHED) {
        wf_free(task);
        return;
    }
    task->wait = (struct wf_wait *)(void *)state->cached;
    state->cached = task;
    state->n_cached++;
}

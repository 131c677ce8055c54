/*
 * What was seen, in one line each, in asyncio's words.
 *
 * Thread: any; it reads the snapshot only.
 */

#include "inspect/describe.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void add_place(struct wf_text *text, const char *word, const struct wf_seen_place *place)
{
    if (place->file != NULL) {
        wf_text_add(text, " %s %s:%d", word, place->file, place->line);
    }
}

static const struct wf_seen_node *first_target(const struct wf_snapshot *snapshot,
                                               const struct wf_seen_node *node)
{
    return node->n_edges > 0 ? &snapshot->nodes[snapshot->edges[node->first_edge]] : NULL;
}

static void add_job_name(struct wf_text *text, const struct wf_seen_node *node)
{
    wf_text_add(text, "%s()", node->made.what != NULL ? node->made.what : "?");
}

/* ---- a task ------------------------------------------------------------- */

static void add_head(const struct wf_seen_task *task, struct wf_text *text)
{
    wf_text_add(text, "<Task pending name='%s' coro=%s()", task->name != NULL ? task->name : "?",
                task->coro.what != NULL ? task->coro.what : "?");
    add_place(text, "at", &task->coro);
}

static void add_nested_task(const struct wf_snapshot *snapshot, const struct wf_seen_node *node,
                            struct wf_text *text)
{
    if (node->task == WF_SEEN_NONE) {
        wf_text_add(text, "<%s", node->text != NULL ? node->text : "Task");
    } else {
        add_head(&snapshot->tasks[node->task], text);
    }
    add_place(text, "created at", &node->made);
    wf_text_add(text, ">");
}

/* "lock held by Task-4", "queue.get", "read of TCP stream fd=7 ...": without brackets and place. */
static void add_what(const struct wf_snapshot *snapshot, const struct wf_seen_node *node,
                     const char *what, struct wf_text *text)
{
    const struct wf_seen_node *target = first_target(snapshot, node);

    switch (node->kind) {
    case WF_SEEN_LOCK:
    case WF_SEEN_EVENT:
    case WF_SEEN_CONDITION:
    case WF_SEEN_SEMAPHORE:
    case WF_SEEN_BARRIER:
    case WF_SEEN_QUEUE:
    case WF_SEEN_WAIT:
    case WF_SEEN_AS_COMPLETED:
    case WF_SEEN_SLEEP:
        wf_text_add(text, "%s", what != NULL ? what : node->text);
        break;
    case WF_SEEN_STREAM:
    case WF_SEEN_TRANSPORT:
    case WF_SEEN_DATAGRAM:
    case WF_SEEN_SERVER:
    case WF_SEEN_SOCKET:
        wf_text_add(text, "%s%s%s", what != NULL ? what : "", what != NULL ? " of " : "",
                    node->text != NULL ? node->text : wf_seen_kind_name(node->kind));
        break;
    case WF_SEEN_EXECUTOR:
        wf_text_add(text, "%s, %s", what != NULL ? what : "executor",
                    node->text != NULL ? node->text : "");
        break;
    default:
        wf_text_add(text, "%s", node->text != NULL ? node->text : wf_seen_kind_name(node->kind));
        break;
    }
    if (node->kind == WF_SEEN_WRAPPED && target != NULL && target->kind == WF_SEEN_JOB) {
        wf_text_add(text, " job=");
        add_job_name(text, target);
    }
    if (node->holder != 0) {
        wf_text_add(text, " held by Task-%llu", (unsigned long long)node->holder);
    }
}

static void add_wait(const struct wf_snapshot *snapshot, const struct wf_seen_task *task,
                     struct wf_text *text)
{
    const struct wf_seen_node *node =
        task->node != WF_SEEN_NONE ? first_target(snapshot, &snapshot->nodes[task->node]) : NULL;

    if (task->waits_for == NULL) {
        return;
    }
    wf_text_add(text, " wait_for=");
    if (node == NULL || node->kind == WF_SEEN_SLEEP) {
        wf_text_add(text, "%s", task->waits_for);
    } else if (node->kind == WF_SEEN_TASK) {
        add_nested_task(snapshot, node, text);
    } else {
        wf_text_add(text, "<");
        add_what(snapshot, node, task->waits_for, text);
        add_place(text, "created at", &node->made);
        wf_text_add(text, ">");
    }
}

size_t wf_seen_describe_task(const struct wf_snapshot *snapshot, const struct wf_seen_task *task,
                             char *to, size_t size)
{
    struct wf_text text;

    wf_text_init(&text, to, size);
    add_head(task, &text);
    add_wait(snapshot, task, &text);
    add_place(&text, "created at", &task->made);
    wf_text_add(&text, ">");
    return text.used;
}

/* ---- short -------------------------------------------------------------- */

void wf_seen_name_task(const struct wf_seen_task *task, char *to, size_t size)
{
    char number[32];

    snprintf(number, sizeof number, "Task-%llu", (unsigned long long)task->id);
    if (task->name == NULL || strcmp(task->name, number) == 0) {
        snprintf(to, size, "%s", number);
    } else {
        snprintf(to, size, "%s '%s'", number, task->name);
    }
}

void wf_seen_name_node(const struct wf_snapshot *snapshot, uint32_t index, char *to, size_t size)
{
    const struct wf_seen_node *node = &snapshot->nodes[index];
    struct wf_text text;

    wf_text_init(&text, to, size);
    if (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE) {
        wf_seen_name_task(&snapshot->tasks[node->task], to, size);
        return;
    }
    if (node->kind == WF_SEEN_SLEEP && node->task != WF_SEEN_NONE) {
        wf_text_add(&text, "sleep");
        return;
    }
    if (node->kind == WF_SEEN_JOB) {
        wf_text_add(&text, "job ");
        add_job_name(&text, node);
    } else {
        wf_text_add(&text, "%s", node->text != NULL ? node->text : wf_seen_kind_name(node->kind));
    }
    add_place(&text, "made at", &node->made);
}

void wf_seen_describe_wait(const struct wf_snapshot *snapshot, const struct wf_seen_task *task,
                           char *to, size_t size)
{
    const struct wf_seen_node *node =
        task->node != WF_SEEN_NONE ? first_target(snapshot, &snapshot->nodes[task->node]) : NULL;
    struct wf_text text;

    wf_text_init(&text, to, size);
    if (node == NULL) {
        wf_text_add(&text, "%s", task->waits_for != NULL ? task->waits_for : "?");
    } else if (node->kind == WF_SEEN_TASK) {
        wf_seen_name_node(snapshot, (uint32_t)(node - snapshot->nodes), to, size);
    } else {
        add_what(snapshot, node, task->waits_for, &text);
        add_place(&text, "made at", &node->made);
    }
}

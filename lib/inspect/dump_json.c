/*
 * A dump for machines: one JSON object, with the parts that were asked for.
 *
 * Times are seconds; ages count back from the dump. Tasks are referred to by their id, everything
 * else that is waited for by the number of its node ("node"), which holds within one dump only.
 *
 * Thread: one at a time; nobody is held.
 */

#include "inspect/describe.h"
#include "inspect/dump.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    TEXT_SIZE = 1024
};

/* ---- members ------------------------------------------------------------ */

/* What stands between two members or items. */
static const char *comma(bool *is_first)
{
    const char *text = *is_first ? "" : ",";

    *is_first = false;
    return text;
}

static void add_text(struct wf_dump *dump, const char *name, const char *text)
{
    wf_out_print(&dump->out, ",\"%s\":", name);
    wf_out_json(&dump->out, text);
}

static void add_number(struct wf_dump *dump, const char *name, uint64_t number)
{
    wf_out_print(&dump->out, ",\"%s\":%" PRIu64, name, number);
}

static void add_bool(struct wf_dump *dump, const char *name, bool is_so)
{
    wf_out_print(&dump->out, ",\"%s\":%s", name, is_so ? "true" : "false");
}

static void add_seconds(struct wf_dump *dump, const char *name, weft_duration duration)
{
    bool is_negative = duration < 0;
    uint64_t us = (uint64_t)(is_negative ? -(duration / 1000) : duration / 1000);

    wf_out_print(&dump->out, ",\"%s\":%s%" PRIu64 ".%06" PRIu64, name, is_negative ? "-" : "",
                 us / 1000000, us % 1000000);
}

/* How long ago; left out when that is not known. */
static void add_age(struct wf_dump *dump, const char *name, weft_time then, weft_time now)
{
    if (then > 0) {
        add_seconds(dump, name, now > then ? now - then : 0);
    }
}

static void add_address(struct wf_dump *dump, const char *name, uint64_t address)
{
    wf_out_print(&dump->out, ",\"%s\":\"0x%" PRIx64 "\"", name, address);
}

static void add_place(struct wf_dump *dump, const char *name, const struct wf_seen_place *place)
{
    if (place->file == NULL) {
        return;
    }
    wf_out_print(&dump->out, ",\"%s\":{\"file\":", name);
    wf_out_json(&dump->out, place->file);
    wf_out_print(&dump->out, ",\"line\":%d", place->line);
    add_text(dump, "function", place->function);
    add_text(dump, "what", place->what);
    wf_out_print(&dump->out, "}");
}

static void add_frame(struct wf_dump *dump, const struct wf_stack_frame *frame)
{
    wf_out_print(&dump->out, "{\"pc\":\"0x%" PRIx64 "\"", frame->pc);
    add_text(dump, "function", frame->function);
    if (frame->file != NULL) {
        add_text(dump, "file", frame->file);
        wf_out_print(&dump->out, ",\"line\":%d", frame->line);
    }
    if (frame->module != NULL) {
        add_text(dump, "module", frame->module);
    }
    add_number(dump, "offset", frame->offset);
    add_bool(dump, "inlined", frame->is_inlined);
    add_bool(dump, "guessed", frame->is_guessed);
    wf_out_print(&dump->out, "}");
}

static void add_stack(struct wf_dump *dump, const struct wf_stack_sample *sample)
{
    bool is_first = true;

    if (!wf_dump_has(dump, WEFT_DUMP_STACKS)) {
        return;
    }
    wf_out_print(&dump->out, ",\"stack\":[");
    if (sample != NULL) {
        (void)wf_stack_symbolize(sample, &dump->stack); /* there is always a frame */
        for (size_t i = 0; i < dump->stack.n; i++) {
            wf_out_print(&dump->out, "%s", comma(&is_first));
            add_frame(dump, &dump->stack.frames[i]);
        }
    }
    wf_out_print(&dump->out, "]");
    if (sample != NULL && dump->stack.note != NULL) {
        add_text(dump, "stack_note", dump->stack.note);
    }
}

/* ---- loops -------------------------------------------------------------- */

static void add_loop(struct wf_dump *dump, const struct wf_seen_loop *loop)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "{\"name\":");
    wf_out_json(&dump->out, loop->name);
    add_address(dump, "address", loop->address);
    add_text(dump, "thread", loop->thread);
    wf_out_print(&dump->out, ",\"tid\":%d", loop->tid);
    add_text(dump, "state", wf_seen_loop_state_name(loop->state));
    add_text(dump, "debug", loop->debug);
    add_number(dump, "tasks", loop->n_tasks);
    add_number(dump, "ready", loop->n_ready);
    add_number(dump, "timers", loop->n_timers);
    add_number(dump, "turns", loop->n_turns);
    add_number(dump, "callbacks", loop->n_run);
    add_seconds(dump, "slow_callback_duration", loop->slow_callback_duration);
    add_bool(dump, "virtual_clock", loop->is_virtual_clock);
    if (loop->current_task != WF_SEEN_NONE) {
        add_number(dump, "current_task", snapshot->tasks[loop->current_task].id);
    } else if (loop->current != NULL) {
        add_text(dump, "current", loop->current);
    }
    if (loop->call != NULL) {
        add_text(dump, "system_call", loop->call);
    }
    add_age(dump, "busy_for", loop->busy_since, snapshot->taken_at);
    add_seconds(dump, "held_for", loop->held_for);
    add_bool(dump, "torn", loop->is_torn);
    add_stack(dump, loop->sample);
    wf_out_print(&dump->out, "}");
}

/* ---- tasks -------------------------------------------------------------- */

/* A node, as the end of an edge. */
static void add_target(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];
    char text[TEXT_SIZE];

    wf_out_print(&dump->out, "{\"node\":%u", index);
    add_text(dump, "kind", wf_seen_kind_name(node->kind));
    if (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE) {
        add_number(dump, "task", snapshot->tasks[node->task].id);
    }
    wf_seen_name_node(snapshot, index, text, sizeof text);
    add_text(dump, "text", text);
    wf_out_print(&dump->out, "}");
}

static void add_edges(struct wf_dump *dump, const char *name, const struct wf_seen_node *node)
{
    bool is_first = true;

    wf_out_print(&dump->out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < node->n_edges; i++) {
        wf_out_print(&dump->out, "%s", comma(&is_first));
        add_target(dump, dump->snapshot->edges[node->first_edge + i]);
    }
    wf_out_print(&dump->out, "]");
}

static void add_wait(struct wf_dump *dump, const struct wf_seen_task *task)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_loop *loop = &snapshot->loops[task->loop];
    char text[TEXT_SIZE];

    if (task->state != WF_SEEN_TASK_WAITING) {
        return;
    }
    wf_seen_describe_wait(snapshot, task, text, sizeof text);
    wf_out_print(&dump->out, ",\"wait\":{\"what\":");
    wf_out_json(&dump->out, task->waits_for);
    add_text(dump, "text", text);
    add_age(dump, "for", task->since, loop->now);
    if (task->node != WF_SEEN_NONE && snapshot->nodes[task->node].n_edges > 0) {
        const struct wf_seen_node *node =
            &snapshot->nodes[snapshot->edges[snapshot->nodes[task->node].first_edge]];
        if (node->deadline != WEFT_FOREVER) {
            add_seconds(dump, "due_in", node->deadline - loop->now);
        }
        add_edges(dump, "on", &snapshot->nodes[task->node]);
    }
    wf_out_print(&dump->out, "}");
}

static void add_task(struct wf_dump *dump, const struct wf_seen_task *task)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[TEXT_SIZE];

    wf_out_print(&dump->out, "{\"id\":%" PRIu64, task->id);
    add_text(dump, "name", task->name);
    add_address(dump, "address", task->address);
    add_text(dump, "state", wf_seen_task_state_name(task->state));
    add_text(dump, "loop", snapshot->loops[task->loop].name);
    add_place(dump, "coro", &task->coro);
    add_place(dump, "made", &task->made);
    add_number(dump, "cancels", task->n_cancels);
    add_bool(dump, "must_cancel", task->must_cancel);
    add_bool(dump, "in_cycle", task->is_in_cycle);
    add_bool(dump, "torn", task->is_torn);
    add_wait(dump, task);
    wf_seen_describe_task(snapshot, task, text, sizeof text);
    add_text(dump, "text", text);
    add_stack(dump, task->sample);
    wf_out_print(&dump->out, "}");
}

/* ---- waits -------------------------------------------------------------- */

static void add_node(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];
    bool is_first = true;
    char text[TEXT_SIZE];

    wf_out_print(&dump->out, "{\"node\":%u", index);
    add_text(dump, "kind", wf_seen_kind_name(node->kind));
    wf_seen_name_node(snapshot, index, text, sizeof text);
    add_text(dump, "text", text);
    add_address(dump, "address", node->address);
    add_place(dump, "made", &node->made);
    if (node->holder != 0) {
        add_number(dump, "holder", node->holder);
    }
    if (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE) {
        add_number(dump, "task", snapshot->tasks[node->task].id);
    }
    add_edges(dump, "ended_by", node);
    wf_out_print(&dump->out, ",\"waiters\":[");
    for (uint32_t i = dump->waiter[index]; i < dump->waiter[index + 1]; i++) {
        wf_out_print(&dump->out, "%s%" PRIu64, comma(&is_first),
                     snapshot->tasks[dump->waiters[i]].id);
    }
    wf_out_print(&dump->out, "]}");
}

static void add_cycles(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "\"cycles\":[");
    for (uint32_t i = 0; i < snapshot->n_cycles; i++) {
        wf_out_print(&dump->out, "%s[", i > 0 ? "," : "");
        for (uint32_t k = 0; k < snapshot->cycles[i].n; k++) {
            wf_out_print(&dump->out, "%s", k > 0 ? "," : "");
            add_target(dump, snapshot->cycle_nodes[snapshot->cycles[i].first + k]);
        }
        wf_out_print(&dump->out, "]");
    }
    wf_out_print(&dump->out, "]");
}

static void add_waits(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    bool is_first = true;

    wf_out_print(&dump->out, ",\"waits\":{\"objects\":[");
    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        if (snapshot->nodes[i].n_waiters > 0) {
            wf_out_print(&dump->out, "%s", comma(&is_first));
            add_node(dump, i);
        }
    }
    wf_out_print(&dump->out, "],");
    add_cycles(dump);
    wf_out_print(&dump->out, "}");
}

/* ---- the tree: for each task the tasks and jobs that it waits for --------- */

/* Over what lies between, as a line of ids; of jobs their node. */
static void add_below(struct wf_dump *dump, uint32_t index, bool *is_first, unsigned depth)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];

    for (uint32_t i = 0; i < node->n_edges; i++) {
        uint32_t to = snapshot->edges[node->first_edge + i];
        const struct wf_seen_node *target = &snapshot->nodes[to];
        if ((target->kind == WF_SEEN_TASK && target->task != WF_SEEN_NONE) ||
            target->kind == WF_SEEN_JOB) {
            wf_out_print(&dump->out, "%s", comma(is_first));
            add_target(dump, to);
        } else if (depth < 16) {
            add_below(dump, to, is_first, depth + 1);
        }
    }
}

static void add_tree(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, ",\"tree\":[");
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        const struct wf_seen_task *task = &snapshot->tasks[i];
        bool is_first = true;
        wf_out_print(&dump->out, "%s{\"task\":%" PRIu64, i > 0 ? "," : "", task->id);
        add_text(dump, "name", task->name);
        add_bool(dump, "root",
                 task->node == WF_SEEN_NONE || snapshot->nodes[task->node].n_waiters == 0);
        wf_out_print(&dump->out, ",\"waits_for\":[");
        if (task->node != WF_SEEN_NONE) {
            add_below(dump, task->node, &is_first, 0);
        }
        wf_out_print(&dump->out, "]}");
    }
    wf_out_print(&dump->out, "]");
}

/* ---- executors ---------------------------------------------------------- */

static void add_job(struct wf_dump *dump, const struct wf_seen_job *job)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "{\"state\":");
    wf_out_json(&dump->out, wf_seen_job_state_name(job->state));
    wf_out_print(&dump->out, ",\"node\":%u", job->node);
    add_address(dump, "address", job->address);
    add_place(dump, "submitted", &job->made);
    add_bool(dump, "abandoned", job->is_abandoned);
    add_age(dump, "submitted_for", job->submitted_at, snapshot->taken_at);
    add_age(dump, "running_for", job->started_at, snapshot->taken_at);
    if (job->thread != NULL) {
        add_text(dump, "thread", job->thread);
        wf_out_print(&dump->out, ",\"tid\":%d", job->tid);
    }
    add_stack(dump, job->sample);
    wf_out_print(&dump->out, "}");
}

static void add_executor(struct wf_dump *dump, const struct wf_seen_executor *executor)
{
    wf_out_print(&dump->out, "{\"name\":");
    wf_out_json(&dump->out, executor->name);
    add_address(dump, "address", executor->address);
    add_place(dump, "made", &executor->made);
    add_number(dump, "min_threads", executor->min_threads);
    add_number(dump, "max_threads", executor->max_threads);
    add_number(dump, "threads", executor->n_threads);
    add_number(dump, "running", executor->n_running);
    add_number(dump, "idle", executor->n_idle);
    add_number(dump, "queued", executor->n_queued);
    add_number(dump, "waiting", executor->n_waiting);
    add_number(dump, "queue_limit", executor->queue_limit);
    add_number(dump, "done", executor->n_done);
    add_number(dump, "cancelled", executor->n_cancelled);
    add_number(dump, "rejected", executor->n_rejected);
    add_bool(dump, "shut_down", executor->is_shut);
    add_bool(dump, "torn", executor->is_torn);
    wf_out_print(&dump->out, ",\"jobs\":[");
    for (uint32_t i = 0; i < executor->n_jobs; i++) {
        wf_out_print(&dump->out, "%s", i > 0 ? "," : "");
        add_job(dump, &dump->snapshot->jobs[executor->first_job + i]);
    }
    wf_out_print(&dump->out, "]}");
}

/* ---- timers and handles -------------------------------------------------- */

static void add_entry(struct wf_dump *dump, const struct wf_seen_entry *entry)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_loop *loop = &snapshot->loops[entry->loop];

    wf_out_print(&dump->out, "{\"loop\":");
    wf_out_json(&dump->out, loop->name);
    add_text(dump, "kind", entry->kind == WF_SEEN_ENTRY_OPEN ? "open" : "callback");
    add_text(dump, "text", entry->text);
    add_address(dump, "address", entry->address);
    if (entry->kind == WF_SEEN_ENTRY_TIMER) {
        add_seconds(dump, "due_in", entry->when - loop->now);
    }
    if (entry->function != 0) {
        add_address(dump, "function", entry->function);
    }
    if (entry->task != WF_SEEN_NONE) {
        add_number(dump, "task", snapshot->tasks[entry->task].id);
    }
    if (entry->fd >= 0) {
        add_number(dump, "fd", (uint64_t)entry->fd);
    }
    add_place(dump, "made", &entry->made);
    wf_out_print(&dump->out, "}");
}

static void add_entries(struct wf_dump *dump, const char *name, bool timers)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    bool is_first = true;

    wf_out_print(&dump->out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < snapshot->n_entries; i++) {
        if ((snapshot->entries[i].kind == WF_SEEN_ENTRY_TIMER) == timers) {
            wf_out_print(&dump->out, "%s", comma(&is_first));
            add_entry(dump, &snapshot->entries[i]);
        }
    }
    wf_out_print(&dump->out, "]");
}

/* ---- all of it ----------------------------------------------------------- */

static void add_loops(struct wf_dump *dump)
{
    wf_out_print(&dump->out, ",\"loops\":[");
    for (uint32_t i = 0; i < dump->snapshot->n_loops; i++) {
        wf_out_print(&dump->out, "%s", i > 0 ? "," : "");
        add_loop(dump, &dump->snapshot->loops[i]);
    }
    wf_out_print(&dump->out, "]");
}

static void add_tasks(struct wf_dump *dump)
{
    bool is_first = true;

    wf_out_print(&dump->out, ",\"tasks\":[");
    for (uint32_t i = 0; i < dump->snapshot->n_tasks; i++) {
        const struct wf_seen_task *task = &dump->snapshot->tasks[i];
        if (dump->only_task == 0 || dump->only_task == task->id) {
            wf_out_print(&dump->out, "%s", comma(&is_first));
            add_task(dump, task);
        }
    }
    wf_out_print(&dump->out, "]");
}

static void add_executors(struct wf_dump *dump)
{
    wf_out_print(&dump->out, ",\"executors\":[");
    for (uint32_t i = 0; i < dump->snapshot->n_executors; i++) {
        wf_out_print(&dump->out, "%s", i > 0 ? "," : "");
        add_executor(dump, &dump->snapshot->executors[i]);
    }
    wf_out_print(&dump->out, "]");
}

void wf_dump_json(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "{\"weft\":");
    wf_out_json(&dump->out, snapshot->version);
    wf_out_print(&dump->out, ",\"pid\":%d", (int)snapshot->pid);
    add_seconds(dump, "longest_hold", snapshot->longest_hold);
    if (wf_dump_has(dump, WEFT_DUMP_LOOPS)) {
        add_loops(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TASKS)) {
        add_tasks(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TREE)) {
        add_tree(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_WAITS)) {
        add_waits(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_EXECUTORS)) {
        add_executors(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TIMERS)) {
        add_entries(dump, "timers", /* timers = */ true);
    }
    if (wf_dump_has(dump, WEFT_DUMP_HANDLES)) {
        add_entries(dump, "handles", /* timers = */ false);
    }
    wf_out_print(&dump->out, "}\n");
}

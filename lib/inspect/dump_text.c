/*
 * A dump for people.
 *
 * Each part begins with its name; what belongs to one thing is indented below it. The tree goes
 * from those that wait to those that are waited for, leaves the things between two tasks to the
 * line of the one that waits, prints a task once, and refers to it by its id after that.
 *
 * Thread: one at a time; nobody is held.
 */

#include "inspect/describe.h"
#include "inspect/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    NAME_SIZE = 160,
    LINE_SIZE = 1024,
    MAX_DEPTH = 64, /* of the tree, where it is cut and goes on below */
    MAX_BETWEEN = 16,
    MAX_NAMED = 20 /* tasks that are named where many wait for one thing */
};

void wf_dump_duration(char *to, size_t size, weft_duration duration)
{
    weft_duration seconds = duration / WEFT_S(1);

    if (duration < 0) {
        snprintf(to, size, "0.000s");
    } else if (seconds < 60) {
        snprintf(to, size, "%d.%03ds", (int)seconds, (int)(duration % WEFT_S(1) / WEFT_MS(1)));
    } else if (seconds < 3600) {
        snprintf(to, size, "%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
    } else {
        snprintf(to, size, "%" PRId64 "h%02dm", (int64_t)(seconds / 3600),
                 (int)(seconds / 60 % 60));
    }
}

/* " for 1.204s", or "" when it is not known. */
static const char *since(char *to, size_t size, weft_time then, weft_time now)
{
    char duration[32];

    to[0] = '\0';
    if (then > 0) {
        wf_dump_duration(duration, sizeof duration, now - then);
        snprintf(to, size, " for %s", duration);
    }
    return to;
}

static void print_stack(struct wf_dump *dump, const struct wf_stack_sample *sample,
                        const char *indent)
{
    char line[LINE_SIZE];

    if (sample == NULL || !wf_dump_has(dump, WEFT_DUMP_STACKS)) {
        return;
    }
    (void)wf_stack_symbolize(sample, &dump->stack); /* there is always something to print */
    for (size_t i = 0; i < dump->stack.n; i++) {
        wf_stack_print(&dump->stack, i, line, sizeof line);
        wf_out_print(&dump->out, "%s%s\n", indent, line);
    }
    if (dump->stack.note != NULL) {
        wf_out_print(&dump->out, "%s(%s)\n", indent, dump->stack.note);
    }
}

static void print_place(struct wf_dump *dump, const char *words, const struct wf_seen_place *place)
{
    if (place->file != NULL) {
        wf_out_print(&dump->out, "%s%s:%d", words, place->file, place->line);
    }
}

static const char *torn(bool is_torn)
{
    return is_torn ? " (it went on while it was read)" : "";
}

/* ---- loops -------------------------------------------------------------- */

static void print_current(struct wf_dump *dump, const struct wf_seen_loop *loop)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char name[NAME_SIZE];

    if (loop->current_task != WF_SEEN_NONE) {
        wf_seen_name_task(&snapshot->tasks[loop->current_task], name, sizeof name);
        wf_out_print(&dump->out, " %s", name);
    } else if (loop->current != NULL) {
        wf_out_print(&dump->out, " %s", loop->current);
    }
    if (loop->call != NULL && loop->state == WF_SEEN_LOOP_RUNNING) {
        wf_out_print(&dump->out, ", blocked in %s", loop->call);
    }
}

static void print_loop(struct wf_dump *dump, const struct wf_seen_loop *loop)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[64];

    wf_out_print(&dump->out, "  %s, thread %s (%d): %s", loop->name,
                 loop->thread != NULL ? loop->thread : "that has ended", loop->tid,
                 wf_seen_loop_state_name(loop->state));
    if (loop->state == WF_SEEN_LOOP_RUNNING) {
        print_current(dump, loop);
        wf_out_print(&dump->out, "%s",
                     since(text, sizeof text, loop->busy_since, snapshot->taken_at));
    }
    wf_out_print(&dump->out, "%s\n", torn(loop->is_torn));
    wf_out_print(&dump->out,
                 "    %zu tasks, %zu ready, %zu timers, %" PRIu64 " turns, %" PRIu64
                 " callbacks, debug %s%s\n",
                 loop->n_tasks, loop->n_ready, loop->n_timers, loop->n_turns, loop->n_run,
                 loop->debug != NULL ? loop->debug : "?",
                 loop->is_virtual_clock ? ", virtual clock" : "");
    print_stack(dump, loop->sample, "    ");
}

static void print_loops(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "loops: %u\n", snapshot->n_loops);
    for (uint32_t i = 0; i < snapshot->n_loops; i++) {
        print_loop(dump, &snapshot->loops[i]);
    }
    if (snapshot->n_before_fork > 0) {
        wf_out_print(&dump->out, "  and %u of the process that this one was forked from\n",
                     snapshot->n_before_fork);
    }
}

/* ---- tasks -------------------------------------------------------------- */

static const struct wf_seen_node *target_of(const struct wf_snapshot *snapshot,
                                            const struct wf_seen_task *task)
{
    const struct wf_seen_node *node =
        task->node != WF_SEEN_NONE ? &snapshot->nodes[task->node] : NULL;

    return node != NULL && node->n_edges > 0 ? &snapshot->nodes[snapshot->edges[node->first_edge]]
                                             : NULL;
}

/* "waiting for 1.204s: lock made at x.c:9", "running", "ready, cancelled". */
static void print_state(struct wf_dump *dump, const struct wf_seen_task *task)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_loop *loop = &snapshot->loops[task->loop];
    const struct wf_seen_node *target = target_of(snapshot, task);
    char text[LINE_SIZE];

    wf_out_print(&dump->out, "%s", wf_seen_task_state_name(task->state));
    if (task->state == WF_SEEN_TASK_WAITING) {
        wf_out_print(&dump->out, "%s", since(text, sizeof text, task->since, loop->now));
        wf_seen_describe_wait(snapshot, task, text, sizeof text);
        wf_out_print(&dump->out, ": %s", text);
        if (target != NULL && target->deadline != WEFT_FOREVER) {
            wf_dump_duration(text, sizeof text, target->deadline - loop->now);
            wf_out_print(&dump->out, ", due in %s", text);
        }
    } else if (task->state == WF_SEEN_TASK_RUNNING) {
        wf_out_print(
            &dump->out, "%s%s%s", since(text, sizeof text, loop->busy_since, snapshot->taken_at),
            loop->call != NULL ? ", blocked in " : "", loop->call != NULL ? loop->call : "");
    }
    if (task->must_cancel || task->n_cancels > 0) {
        wf_out_print(&dump->out, ", cancelled %u times", task->n_cancels);
    }
}

static void print_task(struct wf_dump *dump, const struct wf_seen_task *task)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[LINE_SIZE];

    wf_seen_name_task(task, text, sizeof text);
    wf_out_print(&dump->out, "  %s on %s: ", text, snapshot->loops[task->loop].name);
    print_state(dump, task);
    wf_seen_describe_task(snapshot, task, text, sizeof text);
    wf_out_print(&dump->out, "\n    %s\n", text);
    print_stack(dump, task->sample, "    ");
}

static void print_tasks(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "tasks: %u\n", snapshot->n_tasks);
    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        print_task(dump, &snapshot->tasks[i]);
    }
}

/* ---- the tree ----------------------------------------------------------- */

struct branch {
    struct wf_dump *dump;
    char indent[MAX_DEPTH * 4 + 1];
    size_t depth;
};

static void print_job_line(struct wf_dump *dump, const struct wf_seen_node *node)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[NAME_SIZE];

    wf_seen_name_node(snapshot, (uint32_t)(node - snapshot->nodes), text, sizeof text);
    wf_out_print(&dump->out, "%s", text);
    if (node->job == WF_SEEN_NONE) {
        return;
    }
    const struct wf_seen_job *job = &snapshot->jobs[node->job];
    weft_time then = job->state == WF_SEEN_JOB_RUNNING ? job->started_at : job->submitted_at;
    wf_out_print(&dump->out, " in executor '%s': %s%s", snapshot->executors[job->executor].name,
                 wf_seen_job_state_name(job->state),
                 since(text, sizeof text, then, snapshot->taken_at));
    if (job->thread != NULL) {
        wf_out_print(&dump->out, " on %s (%d)", job->thread, job->tid);
    }
}

static bool is_line_of_tree(const struct wf_seen_node *node)
{
    return (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE) || node->kind == WF_SEEN_JOB;
}

static void print_node(struct branch *branch, uint32_t index, bool is_last);

/*
 * Below the line of a task: the tasks and jobs that its wait leads to, over whatever lies between.
 * Few things lie between two tasks.
 */
static void print_below(struct branch *branch, uint32_t index, bool is_last, size_t n_between)
{
    const struct wf_snapshot *snapshot = branch->dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];

    for (uint32_t i = 0; i < node->n_edges; i++) {
        uint32_t to = snapshot->edges[node->first_edge + i];
        bool is_final = is_last && i + 1 == node->n_edges;
        if (is_line_of_tree(&snapshot->nodes[to])) {
            print_node(branch, to, is_final);
        } else if (n_between < MAX_BETWEEN) {
            print_below(branch, to, is_final, n_between + 1);
        }
    }
}

static void print_task_line(struct wf_dump *dump, const struct wf_seen_task *task)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[NAME_SIZE];

    wf_seen_name_task(task, text, sizeof text);
    wf_out_print(&dump->out, "%s coro=%s()", text, task->coro.what != NULL ? task->coro.what : "?");
    print_place(dump, " at ", &task->coro);
    wf_out_print(&dump->out, snapshot->n_loops > 1 ? " on %s, " : ", ",
                 snapshot->loops[task->loop].name);
    print_state(dump, task);
}

static void print_node(struct branch *branch, uint32_t index, bool is_last)
{
    struct wf_dump *dump = branch->dump;
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];
    char name[NAME_SIZE];

    wf_out_print(&dump->out, "  %s%s", branch->indent, is_last ? "`-- " : "|-- ");
    if (dump->is_printed[index] != 0) {
        wf_seen_name_node(snapshot, index, name, sizeof name);
        wf_out_print(&dump->out, "%s (above)\n", name);
        return;
    }
    if (node->kind == WF_SEEN_JOB) {
        dump->is_printed[index] = 1;
        print_job_line(dump, node);
        wf_out_print(&dump->out, "\n");
        return;
    }
    if (branch->depth == MAX_DEPTH) { /* not printed yet: it becomes a root */
        wf_seen_name_node(snapshot, index, name, sizeof name);
        wf_out_print(&dump->out, "%s (goes on below)\n", name);
        return;
    }
    dump->is_printed[index] = 1;
    print_task_line(dump, &snapshot->tasks[node->task]);
    wf_out_print(&dump->out, "\n");
    memcpy(branch->indent + branch->depth++ * 4, is_last ? "    " : "|   ", 5);
    print_below(branch, index, /* is_last = */ true, 0);
    branch->indent[--branch->depth * 4] = '\0';
}

/* Each that nobody waits for, then what stands in a circle and was not reached. */
static void print_roots(struct branch *branch, bool with_waiters)
{
    struct wf_dump *dump = branch->dump;
    const struct wf_snapshot *snapshot = dump->snapshot;

    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        uint32_t node = snapshot->tasks[i].node;
        if (node == WF_SEEN_NONE || dump->is_printed[node] != 0 ||
            (!with_waiters && snapshot->nodes[node].n_waiters > 0)) {
            continue;
        }
        dump->is_printed[node] = 1;
        wf_out_print(&dump->out, "  ");
        print_task_line(dump, &snapshot->tasks[i]);
        wf_out_print(&dump->out, "\n");
        print_below(branch, node, /* is_last = */ true, 0);
    }
}

static void print_cycles(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char name[NAME_SIZE];

    for (uint32_t i = 0; i < snapshot->n_cycles; i++) {
        const struct wf_seen_cycle *cycle = &snapshot->cycles[i];
        wf_out_print(&dump->out, "CYCLE: ");
        for (uint32_t k = 0; k <= cycle->n; k++) {
            wf_seen_name_node(snapshot, snapshot->cycle_nodes[cycle->first + k % cycle->n], name,
                              sizeof name);
            wf_out_print(&dump->out, "%s%s", k > 0 ? " -> " : "", name);
        }
        wf_out_print(&dump->out, "\n");
    }
}

static void print_tree(struct wf_dump *dump)
{
    struct branch branch = { .dump = dump };

    wf_out_print(&dump->out, "tree: who waits for whom\n");
    print_roots(&branch, /* with_waiters = */ false);
    print_roots(&branch, /* with_waiters = */ true);
    print_cycles(dump);
}

/* ---- waits -------------------------------------------------------------- */

static void print_waiters(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    uint32_t first = dump->waiter[index];
    uint32_t n = dump->waiter[index + 1] - first;
    char text[NAME_SIZE];

    for (uint32_t i = 0; i < n && i < MAX_NAMED; i++) {
        const struct wf_seen_task *task = &snapshot->tasks[dump->waiters[first + i]];
        wf_seen_name_task(task, text, sizeof text);
        wf_out_print(&dump->out, "    %s on %s", text, snapshot->loops[task->loop].name);
        wf_out_print(&dump->out, "%s%s%s",
                     since(text, sizeof text, task->since, snapshot->loops[task->loop].now),
                     task->waits_for != NULL ? ": " : "",
                     task->waits_for != NULL ? task->waits_for : "");
        wf_out_print(&dump->out, "\n");
    }
    if (n > MAX_NAMED) {
        wf_out_print(&dump->out, "    and %u more\n", n - MAX_NAMED);
    }
}

/* Who could end it, in the same line. */
static void print_enders(struct wf_dump *dump, const struct wf_seen_node *node)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char name[NAME_SIZE];

    if (node->holder != 0 && node->n_edges == 0) {
        wf_out_print(&dump->out, ", held by Task-%" PRIu64 ", which has ended", node->holder);
    }
    for (uint32_t i = 0; i < node->n_edges && i < MAX_NAMED; i++) {
        uint32_t to = snapshot->edges[node->first_edge + i];
        const char *words = node->holder != 0 ? ", held by " : i == 0 ? ", ended by " : ", ";
        wf_seen_name_node(snapshot, to, name, sizeof name);
        wf_out_print(&dump->out, "%s%s", words, name);
    }
    if (node->n_edges > MAX_NAMED) {
        wf_out_print(&dump->out, " and %u more", node->n_edges - MAX_NAMED);
    }
}

static void print_awaited(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];
    char text[NAME_SIZE];

    wf_out_print(&dump->out, "  ");
    if (node->kind == WF_SEEN_JOB) {
        print_job_line(dump, node);
    } else {
        wf_seen_name_node(snapshot, index, text, sizeof text);
        wf_out_print(&dump->out, "%s", text);
    }
    if (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE) {
        wf_out_print(&dump->out, ", ");
        print_state(dump, &snapshot->tasks[node->task]);
    } else {
        print_enders(dump, node);
    }
    wf_out_print(&dump->out, "\n");
    print_waiters(dump, index);
}

static void print_sleepers(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    uint32_t n = 0;
    weft_duration next = WEFT_FOREVER;
    char text[32];

    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        const struct wf_seen_node *node = &snapshot->nodes[i];
        if (node->kind == WF_SEEN_SLEEP && node->task != WF_SEEN_NONE) {
            weft_time now = snapshot->loops[snapshot->tasks[node->task].loop].now;
            n++;
            if (node->deadline != WEFT_FOREVER && node->deadline - now < next) {
                next = node->deadline - now;
            }
        }
    }
    if (n > 0 && next == WEFT_FOREVER) {
        wf_out_print(&dump->out, "  sleep: %u task%s for ever\n", n, n == 1 ? "" : "s");
    } else if (n > 0) {
        wf_dump_duration(text, sizeof text, next);
        wf_out_print(&dump->out, "  sleep: %u task%s, the next is due in %s\n", n,
                     n == 1 ? "" : "s", text);
    }
}

/* Waits that name nothing: the reason alone. */
static void print_nameless(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[NAME_SIZE];

    for (uint32_t i = 0; i < snapshot->n_tasks; i++) {
        const struct wf_seen_task *task = &snapshot->tasks[i];
        if (task->state != WF_SEEN_TASK_WAITING || target_of(snapshot, task) != NULL) {
            continue;
        }
        wf_seen_name_task(task, text, sizeof text);
        wf_out_print(&dump->out, "  %s: %s on %s",
                     task->waits_for != NULL ? task->waits_for : "something", text,
                     snapshot->loops[task->loop].name);
        wf_out_print(&dump->out, "%s\n",
                     since(text, sizeof text, task->since, snapshot->loops[task->loop].now));
    }
}

/* Ready, but their loop is busy with something else. */
static void print_busy_loops(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char text[64];

    for (uint32_t i = 0; i < snapshot->n_loops; i++) {
        const struct wf_seen_loop *loop = &snapshot->loops[i];
        if (loop->state != WF_SEEN_LOOP_RUNNING) {
            continue;
        }
        wf_out_print(&dump->out, "  loop %s runs", loop->name);
        print_current(dump, loop);
        wf_out_print(&dump->out, "%s, %zu ready wait for it\n",
                     since(text, sizeof text, loop->busy_since, snapshot->taken_at), loop->n_ready);
    }
}

static void print_full_executors(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    for (uint32_t i = 0; i < snapshot->n_executors; i++) {
        const struct wf_seen_executor *executor = &snapshot->executors[i];
        if (executor->n_queued + executor->n_waiting == 0 ||
            executor->n_running < executor->max_threads) {
            continue;
        }
        wf_out_print(
            &dump->out, "  executor '%s': all %u threads run, %zu jobs queued, %zu wait for room\n",
            executor->name, executor->max_threads, executor->n_queued, executor->n_waiting);
    }
}

static void print_waits(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "waits\n");
    print_busy_loops(dump);
    print_full_executors(dump);
    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        if (snapshot->nodes[i].kind != WF_SEEN_SLEEP && dump->waiter[i + 1] > dump->waiter[i]) {
            print_awaited(dump, i);
        }
    }
    print_nameless(dump);
    print_sleepers(dump);
    if (!wf_dump_has(dump, WEFT_DUMP_TREE)) {
        print_cycles(dump);
    }
}

/* ---- executors ---------------------------------------------------------- */

static void print_job(struct wf_dump *dump, const struct wf_seen_job *job)
{
    weft_time then = job->state == WF_SEEN_JOB_RUNNING ? job->started_at : job->submitted_at;
    char text[64];

    wf_out_print(&dump->out, "    %s%s: %s()", wf_seen_job_state_name(job->state),
                 since(text, sizeof text, then, dump->snapshot->taken_at),
                 job->made.what != NULL ? job->made.what : "?");
    print_place(dump, " submitted at ", &job->made);
    if (job->thread != NULL) {
        wf_out_print(&dump->out, " on %s (%d)", job->thread, job->tid);
    }
    wf_out_print(&dump->out, "%s\n", job->is_abandoned ? ", abandoned" : "");
    print_stack(dump, job->sample, "      ");
}

static void print_executor(struct wf_dump *dump, const struct wf_seen_executor *executor)
{
    wf_out_print(&dump->out, "  '%s'", executor->name);
    print_place(dump, " made at ", &executor->made);
    wf_out_print(&dump->out,
                 ": %zu of %u threads, %zu run, %zu idle, %zu queued, %zu wait for room",
                 executor->n_threads, executor->max_threads, executor->n_running, executor->n_idle,
                 executor->n_queued, executor->n_waiting);
    wf_out_print(&dump->out, ", %" PRIu64 " done%s%s\n", executor->n_done,
                 executor->is_shut ? ", shut down" : "", torn(executor->is_torn));
    for (uint32_t i = 0; i < executor->n_jobs; i++) {
        print_job(dump, &dump->snapshot->jobs[executor->first_job + i]);
    }
}

static void print_executors(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "executors: %u\n", snapshot->n_executors);
    for (uint32_t i = 0; i < snapshot->n_executors; i++) {
        print_executor(dump, &snapshot->executors[i]);
    }
}

/* ---- timers and handles -------------------------------------------------- */

static void print_entry(struct wf_dump *dump, const struct wf_seen_entry *entry)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_loop *loop = &snapshot->loops[entry->loop];
    char text[NAME_SIZE];

    wf_out_print(&dump->out, "  %s", loop->name);
    if (entry->kind == WF_SEEN_ENTRY_TIMER) {
        wf_dump_duration(text, sizeof text,
                         entry->when >= loop->now ? entry->when - loop->now
                                                  : loop->now - entry->when);
        wf_out_print(&dump->out, entry->when >= loop->now ? " in %s" : " overdue since %s", text);
    } else if (entry->kind == WF_SEEN_ENTRY_READY) {
        wf_out_print(&dump->out, " ready");
    }
    wf_out_print(&dump->out, ": ");
    if (entry->text != NULL) {
        wf_out_print(&dump->out, "%s", entry->text);
    } else if (snapshot->is_own && entry->function != 0) {
        void *pc = (void *)(uintptr_t)(entry->function + 1); /* names take return addresses */
        (void)wf_stack_name(&pc, 1, &dump->stack);
        wf_out_print(&dump->out, "%s of the library",
                     dump->stack.n > 0 && dump->stack.frames[0].function != NULL
                         ? dump->stack.frames[0].function
                         : "work");
    } else {
        wf_out_print(&dump->out, "work of the library");
    }
    if (entry->made.what != NULL && entry->kind != WF_SEEN_ENTRY_OPEN) {
        wf_out_print(&dump->out, " %s()", entry->made.what);
    }
    if (entry->task != WF_SEEN_NONE) {
        wf_seen_name_task(&snapshot->tasks[entry->task], text, sizeof text);
        wf_out_print(&dump->out, " of %s", text);
    }
    print_place(dump, " made at ", &entry->made);
    wf_out_print(&dump->out, "\n");
}

static uint32_t count_entries(const struct wf_snapshot *snapshot, bool timers)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < snapshot->n_entries; i++) {
        n += (snapshot->entries[i].kind == WF_SEEN_ENTRY_TIMER) == timers;
    }
    return n;
}

static void print_entries(struct wf_dump *dump, bool timers)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "%s: %u\n", timers ? "timers" : "handles",
                 count_entries(snapshot, timers));
    for (uint32_t i = 0; i < snapshot->n_entries; i++) {
        if ((snapshot->entries[i].kind == WF_SEEN_ENTRY_TIMER) == timers) {
            print_entry(dump, &snapshot->entries[i]);
        }
    }
}

/* ---- one task ------------------------------------------------------------ */

/* What it waits for, what that waits for, ... until nothing, or a node that was named. */
static void print_chain(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_node *node = &snapshot->nodes[index];
    char name[NAME_SIZE];

    wf_out_print(&dump->out, "  waits for\n");
    while (node->n_edges > 0) {
        index = snapshot->edges[node->first_edge];
        uint32_t n_more = node->n_edges - 1;
        node = &snapshot->nodes[index];
        wf_seen_name_node(snapshot, index, name, sizeof name);
        wf_out_print(&dump->out, "    %s", name);
        if (node->kind == WF_SEEN_TASK && node->task != WF_SEEN_NONE &&
            dump->is_printed[index] == 0) {
            wf_out_print(&dump->out, ", %s",
                         wf_seen_task_state_name(snapshot->tasks[node->task].state));
        }
        if (n_more > 0) {
            wf_out_print(&dump->out, ", and %u more", n_more);
        }
        wf_out_print(&dump->out, "%s\n", dump->is_printed[index] != 0 ? " (again)" : "");
        if (dump->is_printed[index] != 0) {
            break;
        }
        dump->is_printed[index] = 1;
    }
}

/* The tasks that wait for it, over whatever lies between. */
static void print_awaited_by(struct wf_dump *dump, uint32_t index)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    char name[NAME_SIZE];
    uint32_t n = 0;

    for (uint32_t i = 0; i < snapshot->n_nodes; i++) {
        const struct wf_seen_node *node = &snapshot->nodes[i];
        for (uint32_t k = 0; k < node->n_edges; k++) {
            if (snapshot->edges[node->first_edge + k] != index) {
                continue;
            }
            if (n++ == 0) {
                wf_out_print(&dump->out, "  awaited by\n");
            }
            wf_seen_name_node(snapshot, i, name, sizeof name);
            wf_out_print(&dump->out, "    %s\n", name);
        }
    }
}

static void print_only_task(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;
    const struct wf_seen_task *task = wf_snapshot_find_task(snapshot, dump->only_task);

    if (task == NULL) {
        return; /* told by the caller */
    }
    print_task(dump, task);
    if (task->node != WF_SEEN_NONE) {
        dump->is_printed[task->node] = 1;
        print_awaited_by(dump, task->node);
        if (snapshot->nodes[task->node].n_edges > 0) {
            print_chain(dump, task->node);
        }
    }
    print_cycles(dump);
}

/* ---- all of it ----------------------------------------------------------- */

void wf_dump_text(struct wf_dump *dump)
{
    const struct wf_snapshot *snapshot = dump->snapshot;

    wf_out_print(&dump->out, "weft %s, process %d\n", snapshot->version, (int)snapshot->pid);
    if (dump->only_task != 0) {
        print_only_task(dump);
        return;
    }
    if (wf_dump_has(dump, WEFT_DUMP_LOOPS)) {
        print_loops(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TASKS)) {
        print_tasks(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TREE)) {
        print_tree(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_WAITS)) {
        print_waits(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_EXECUTORS)) {
        print_executors(dump);
    }
    if (wf_dump_has(dump, WEFT_DUMP_TIMERS)) {
        print_entries(dump, /* timers = */ true);
    }
    if (wf_dump_has(dump, WEFT_DUMP_HANDLES)) {
        print_entries(dump, /* timers = */ false);
    }
}

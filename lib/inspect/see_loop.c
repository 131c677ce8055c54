/*
 * A loop as it is at one moment: what it runs, its tasks, what is queued, timed and open.
 *
 * Its thread is held while it is read (snapshot.c). It may have been held at any instruction:
 * inside a list operation, between a task's wake-up and its resume. So a list may be broken
 * (wf_walk), and a task's state is told from several of its fields at once.
 *
 * With very many tasks the time is up before all are read. Then the loop is let go and the rest is
 * read while it goes on; each task is checked for itself (its tag, its loop).
 *
 * Thread: that of the snapshot.
 */

#include "inspect/reader.h"

#include "coro/context.h"
#include "io/io.h"
#include "io/process.h"
#include "io/server.h"
#include "io/stream.h"
#include "io/transport.h"
#include "loop/loop.h"
#include "task/state.h"
#include "task/task.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_NAME = 63,
    MAX_TASKS = 10000000
};

/* What is kept of the loop while its parts are read. */
struct seeing {
    struct wf_seen_loop *seen;
    weft_loop copy;
    uint32_t index; /* of the loop */
    const struct wf_held *held;
    struct wf_work_kind kinds[WF_LOOP_MAX_KINDS];
    size_t n_kinds;
    uint64_t starting[8]; /* tasks that made another eagerly, which runs now */
    size_t n_starting;
};

/* ---- a task ------------------------------------------------------------- */

static bool runs_now(const struct seeing *seeing, const struct wf_task *task, uint64_t address)
{
    return WF_ADDRESS(seeing->copy.current) == address + offsetof(struct wf_task, step) ||
           task->starter != NULL;
}

static enum wf_seen_task_state state_of(const struct seeing *seeing, const struct wf_task *task,
                                        uint64_t address, const struct wf_wait *wait)
{
    bool is_queued = WF_ADDRESS(task->step.link.next) !=
                     address + offsetof(struct wf_task, step) + offsetof(struct wf_work, link);

    if (wait != NULL && !wait->is_woken) {
        return WF_SEEN_TASK_WAITING;
    }
    if (!is_queued && runs_now(seeing, task, address)) {
        return WF_SEEN_TASK_RUNNING;
    }
    return task->coro != NULL ? WF_SEEN_TASK_NEW : WF_SEEN_TASK_READY;
}

/* The first step of an eager task: who made it stands still, and neither waits nor is queued. */
static void note_starter(struct wf_reader *reader, struct seeing *seeing,
                         const struct wf_task *task)
{
    struct wf_starter starter;

    if (task->starter != NULL && seeing->n_starting < 8 &&
        wf_see(reader, WF_ADDRESS(task->starter), &starter, sizeof starter) &&
        starter.task != NULL) {
        seeing->starting[seeing->n_starting++] = WF_ADDRESS(starter.task);
    }
}

static void see_name(struct wf_reader *reader, struct wf_seen_task *seen,
                     const struct wf_task *task)
{
    char name[32];

    seen->name = wf_see_text(reader, WF_ADDRESS(task->name), MAX_NAME);
    if (seen->name == NULL) {
        snprintf(name, sizeof name, "Task-%llu", (unsigned long long)task->number);
        seen->name = wf_keep_text(reader, name);
    }
}

static void see_wait(struct wf_reader *reader, struct wf_seen_task *seen,
                     const struct wf_wait *wait, const struct seeing *seeing)
{
    uint32_t node = wf_node_of_wait(reader, wait->kind, WF_ADDRESS(wait->object));
    struct wf_timer timer;
    struct wf_heap_entry entry;

    seen->waits_for = wf_see_static_text(reader, WF_ADDRESS(wait->what));
    seen->since = wait->since;
    wf_node_add_edge(reader, seen->node, node);
    if (node == WF_SEEN_NONE || wait->kind != WF_WAIT_SLEEP) {
        return;
    }
    struct wf_seen_node *sleep = &reader->snapshot->nodes[node];
    sleep->text = "sleep";
    sleep->task = (uint32_t)(seen - reader->snapshot->tasks);
    if (wf_see(reader, WF_ADDRESS(wait->object), &timer, sizeof timer) &&
        timer.node.index < seeing->copy.timers.n_entries &&
        wf_see(reader, WF_ADDRESS(seeing->copy.timers.entries + timer.node.index), &entry,
               sizeof entry)) {
        sleep->deadline = entry.key;
    }
}

static void see_task_stack(struct wf_reader *reader, struct wf_seen_task *seen,
                           const struct wf_task *task, const struct seeing *seeing)
{
    struct wf_stack stack;
    struct wf_context context;
    struct wf_registers registers;

    if (task->fiber.stack == NULL ||
        !wf_see(reader, WF_ADDRESS(task->fiber.stack), &stack, sizeof stack)) {
        return;
    }
    seen->stack_low = WF_ADDRESS(stack.low);
    seen->stack_high = WF_ADDRESS(stack.high);
    bool is_asked = wf_is_asked(reader, WEFT_DUMP_STACKS) &&
                    (reader->options->only_task == 0 || reader->options->only_task == seen->id);
    if (seen->state == WF_SEEN_TASK_RUNNING) {
        if (is_asked && seeing->held != NULL && seeing->held->registers.pc != 0) {
            seen->sample = wf_see_stack(reader, &seeing->held->registers, seen->stack_high);
        }
        return;
    }
    seen->sp = WF_ADDRESS(task->fiber.sp);
    if (is_asked && wf_see(reader, seen->sp, &context, sizeof context)) {
        wf_registers_of_context(&registers, &context, seen->sp);
        seen->sample = wf_see_stack(reader, &registers, seen->stack_high);
    }
}

static void fill_task(struct wf_reader *reader, struct seeing *seeing, struct wf_seen_task *seen,
                      uint64_t address, const struct wf_task *task)
{
    struct wf_wait wait;
    bool has_wait = wf_see(reader, WF_ADDRESS(task->wait), &wait, sizeof wait);

    *seen = (struct wf_seen_task){
        .address = address,
        .id = task->number,
        .must_cancel = task->must_cancel,
        .n_cancels = task->n_cancels,
        .loop = seeing->index,
        .coro = wf_see_place(reader, WF_ADDRESS(task->coro_origin)),
        .made = wf_see_place(reader, WF_ADDRESS(task->future.origin)),
        .state = state_of(seeing, task, address, has_wait ? &wait : NULL),
        .node = wf_node_get(reader, address, WF_SEEN_TASK),
    };
    see_name(reader, seen, task);
    if (seen->node == WF_SEEN_NONE) {
        return;
    }
    struct wf_seen_node *node = &reader->snapshot->nodes[seen->node];
    node->kind = WF_SEEN_TASK; /* it may have been met as a future before */
    node->task = (uint32_t)(seen - reader->snapshot->tasks);
    if (seen->state == WF_SEEN_TASK_WAITING) {
        see_wait(reader, seen, &wait, seeing);
    }
    note_starter(reader, seeing, task);
    see_task_stack(reader, seen, task, seeing);
    wf_nodes_expand(reader);
}

static bool see_task(struct wf_reader *reader, uint64_t link, void *data)
{
    struct seeing *seeing = data;
    struct wf_snapshot *snapshot = reader->snapshot;
    uint64_t address = link - offsetof(struct wf_task, link);
    struct wf_task task;

    wf_mind_hold(reader);
    if (!wf_see(reader, address, &task, sizeof task) || task.future.magic != WF_FUTURE_MAGIC ||
        WF_ADDRESS(task.future.loop) != seeing->seen->address) {
        reader->is_broken = true;
        return true; /* its neighbour tells whether the list goes on */
    }
    uint32_t known = wf_node_find(reader, address);
    if (known != WF_SEEN_NONE && snapshot->nodes[known].task != WF_SEEN_NONE &&
        snapshot->nodes[known].kind == WF_SEEN_TASK) {
        return true; /* a list that is read while it changes may show it twice */
    }
    if (snapshot->n_tasks == reader->max_tasks) {
        reader->arena->is_full = true;
        return false;
    }
    fill_task(reader, seeing, &snapshot->tasks[snapshot->n_tasks++], address, &task);
    return !reader->arena->is_full;
}

static void see_tasks(struct wf_reader *reader, struct seeing *seeing)
{
    uint64_t state = WF_ADDRESS(seeing->copy.slots[WF_LOOP_SLOT_TASK].data);
    struct wf_seen_loop *seen = seeing->seen;

    seen->first_task = reader->snapshot->n_tasks;
    if (state != 0 && !wf_walk(reader, state + offsetof(struct wf_task_state, tasks), MAX_TASKS,
                               see_task, seeing)) {
        reader->is_broken = true;
    }
    seen->n_seen_tasks = reader->snapshot->n_tasks - seen->first_task;
    seen->n_tasks = seen->n_seen_tasks;
    for (uint32_t i = 0; i < seen->n_seen_tasks; i++) {
        struct wf_seen_task *task = &reader->snapshot->tasks[seen->first_task + i];
        for (size_t k = 0; k < seeing->n_starting; k++) {
            if (task->address == seeing->starting[k]) {
                task->state = WF_SEEN_TASK_STARTING;
            }
        }
        if (task->state == WF_SEEN_TASK_RUNNING) {
            seen->current_task = seen->first_task + i;
        }
    }
}

/* ---- work --------------------------------------------------------------- */

static void see_kinds(struct wf_reader *reader, struct seeing *seeing)
{
    for (size_t i = 0; i < WF_LOOP_MAX_KINDS && seeing->copy.kinds[i] != NULL; i++) {
        if (wf_see(reader, WF_ADDRESS(seeing->copy.kinds[i]), &seeing->kinds[seeing->n_kinds],
                   sizeof seeing->kinds[0])) {
            seeing->n_kinds++;
        }
    }
}

static const struct wf_work_kind *find_kind(const struct seeing *seeing, const struct wf_work *work)
{
    for (size_t i = 0; i < seeing->n_kinds; i++) {
        if (seeing->kinds[i].run == work->run) {
            return &seeing->kinds[i];
        }
    }
    return NULL;
}

/* Whose step <work> at <address> is, among the tasks that were seen. */
static uint32_t task_of_step(const struct wf_reader *reader, uint64_t address)
{
    uint32_t node = wf_node_find(reader, address - offsetof(struct wf_task, step));

    return node != WF_SEEN_NONE ? reader->snapshot->nodes[node].task : WF_SEEN_NONE;
}

static void see_work(struct wf_reader *reader, const struct seeing *seeing, uint64_t address,
                     const struct wf_work *work, struct wf_seen_entry *entry)
{
    const struct wf_work_kind *kind = find_kind(seeing, work);
    const weft_origin *origin;

    entry->function = WF_ADDRESS(work->run);
    if (kind == NULL) {
        return;
    }
    entry->text = wf_see_static_text(reader, WF_ADDRESS(kind->what));
    if (entry->text != NULL && strcmp(entry->text, WF_TASK_STEP) == 0) {
        entry->task = task_of_step(reader, address);
    }
    if (kind->origin_at != 0 &&
        wf_see(reader, address + (uint64_t)(int64_t)kind->origin_at, &origin, sizeof origin)) {
        entry->made = wf_see_place(reader, WF_ADDRESS(origin));
    }
}

static struct wf_seen_entry *add_entry(struct wf_reader *reader, const struct seeing *seeing,
                                       enum wf_seen_entry_kind kind, uint64_t address)
{
    struct wf_snapshot *snapshot = reader->snapshot;

    if (snapshot->n_entries == reader->max_entries) {
        reader->arena->is_full = true;
        return NULL;
    }
    struct wf_seen_entry *entry = &snapshot->entries[snapshot->n_entries++];
    *entry = (struct wf_seen_entry){
        .kind = kind, .address = address, .loop = seeing->index, .task = WF_SEEN_NONE, .fd = -1
    };
    return entry;
}

static bool see_ready(struct wf_reader *reader, uint64_t link, void *data)
{
    struct seeing *seeing = data;
    uint64_t address = link - offsetof(struct wf_work, link);
    struct wf_work work;

    seeing->seen->n_ready++;
    if (!wf_is_asked(reader, WEFT_DUMP_HANDLES) || !wf_see(reader, address, &work, sizeof work)) {
        return true;
    }
    struct wf_seen_entry *entry = add_entry(reader, seeing, WF_SEEN_ENTRY_READY, address);
    if (entry != NULL) {
        see_work(reader, seeing, address, &work, entry);
    }
    return entry != NULL;
}

static void see_queues(struct wf_reader *reader, struct seeing *seeing)
{
    uint64_t loop = seeing->seen->address;
    bool is_whole = wf_walk(reader, loop + offsetof(weft_loop, batch), WF_READER_MAX_ENTRIES,
                            see_ready, seeing);

    is_whole &= wf_walk(reader, loop + offsetof(weft_loop, ready), WF_READER_MAX_ENTRIES, see_ready,
                        seeing);
    reader->is_broken |= !is_whole;
}

static void see_timer(struct wf_reader *reader, struct seeing *seeing,
                      const struct wf_heap_entry *from)
{
    uint64_t address = WF_ADDRESS(from->node);
    struct wf_timer timer;

    if (!wf_see(reader, address, &timer, sizeof timer)) {
        return;
    }
    struct wf_seen_entry *entry = add_entry(reader, seeing, WF_SEEN_ENTRY_TIMER, address);
    if (entry == NULL) {
        return;
    }
    see_work(reader, seeing, address + offsetof(struct wf_timer, work), &timer.work, entry);
    entry->when = from->key;
    uint32_t node = wf_node_find(reader, address);
    if (node != WF_SEEN_NONE && reader->snapshot->nodes[node].kind == WF_SEEN_SLEEP) {
        entry->text = "sleep";
        entry->task = reader->snapshot->nodes[node].task;
    }
}

static void see_timers(struct wf_reader *reader, struct seeing *seeing)
{
    const struct wf_heap *heap = &seeing->copy.timers;

    seeing->seen->n_timers = heap->n_entries;
    for (size_t i = 0; wf_is_asked(reader, WEFT_DUMP_TIMERS) && i < heap->n_entries &&
                       i < WF_READER_MAX_ENTRIES && !reader->arena->is_full;
         i++) {
        struct wf_heap_entry entry;
        if (wf_see(reader, WF_ADDRESS(heap->entries + i), &entry, sizeof entry)) {
            see_timer(reader, seeing, &entry);
        }
    }
}

/* ---- what is open -------------------------------------------------------- */

/* A list of the io floor, whose objects become nodes: those that are waited for are nodes anyway.
 */
struct opening {
    struct seeing *seeing;
    enum wf_seen_kind kind;
    size_t link_at;
};

static bool see_open(struct wf_reader *reader, uint64_t link, void *data)
{
    const struct opening *opening = data;
    uint64_t address = link - opening->link_at;
    uint32_t index = wf_node_get(reader, address, opening->kind);

    wf_nodes_expand(reader);
    struct wf_seen_entry *entry =
        index != WF_SEEN_NONE ? add_entry(reader, opening->seeing, WF_SEEN_ENTRY_OPEN, address)
                              : NULL;
    if (entry == NULL) {
        return false;
    }
    const struct wf_seen_node *node = &reader->snapshot->nodes[index];
    entry->text = node->text;
    entry->made = node->made;
    entry->fd = node->fd;
    return true;
}

static void see_opens(struct wf_reader *reader, struct seeing *seeing)
{
    uint64_t io = WF_ADDRESS(seeing->copy.slots[WF_LOOP_SLOT_IO].data);
    const struct {
        enum wf_seen_kind kind;
        size_t head_at;
        size_t link_at;
    } lists[] = {
        { WF_SEEN_SERVER, offsetof(struct wf_io, servers), offsetof(weft_server, link) },
        { WF_SEEN_STREAM, offsetof(struct wf_io, streams), offsetof(weft_stream, link) },
        { WF_SEEN_TRANSPORT, offsetof(struct wf_io, transports), offsetof(weft_transport, link) },
        { WF_SEEN_PROCESS, offsetof(struct wf_io, processes), offsetof(weft_process, link) },
    };

    if (io == 0 || !wf_is_asked(reader, WEFT_DUMP_HANDLES)) {
        return;
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct opening opening = { seeing, lists[i].kind, lists[i].link_at };
        if (!wf_walk(reader, io + lists[i].head_at, WF_READER_MAX_ENTRIES, see_open, &opening)) {
            reader->is_broken = true;
        }
    }
}

/* ---- the loop ----------------------------------------------------------- */

static const char *debug_name(enum weft_debug_level level)
{
    return level == WEFT_DEBUG_OFF ? "off" : level == WEFT_DEBUG_CHEAP ? "cheap" : "full";
}

static enum wf_seen_loop_state loop_state(const weft_loop *loop)
{
    if (loop->is_closed) {
        return WF_SEEN_LOOP_CLOSED;
    }
    if (!loop->is_running) {
        return WF_SEEN_LOOP_NEW;
    }
    if (loop->current != NULL) {
        return WF_SEEN_LOOP_RUNNING;
    }
    return loop->is_stopping ? WF_SEEN_LOOP_STOPPING : WF_SEEN_LOOP_POLLING;
}

/* "<Handle tick() created at main.c:12>"; of a task its description is made later. */
static void see_current(struct wf_reader *reader, struct seeing *seeing)
{
    struct wf_seen_loop *seen = seeing->seen;
    struct wf_work work;
    struct wf_seen_entry entry = { .task = WF_SEEN_NONE };
    uint64_t address = WF_ADDRESS(seeing->copy.current);
    char text[256];

    if (seen->state != WF_SEEN_LOOP_RUNNING || seen->current_task != WF_SEEN_NONE) {
        return;
    }
    seen->current = "work of the library";
    if (!wf_see(reader, address, &work, sizeof work)) {
        return;
    }
    see_work(reader, seeing, address, &work, &entry);
    if (entry.text == NULL) {
        return;
    }
    /* A handle is spent before its callback runs: the loop knows whose that is. */
    if (strcmp(entry.text, "Handle") == 0) {
        entry.made = wf_see_place(reader, WF_ADDRESS(seeing->copy.current_origin));
    }
    snprintf(text, sizeof text, entry.made.file != NULL ? "<%s %s() created at %s:%d>" : "<%s>",
             entry.text, entry.made.what != NULL ? entry.made.what : "callback", entry.made.file,
             entry.made.line);
    seen->current = wf_keep_text(reader, text);
}

static void fill_loop(struct wf_reader *reader, struct seeing *seeing)
{
    struct wf_seen_loop *seen = seeing->seen;
    const weft_loop *loop = &seeing->copy;

    seen->name = wf_see_text(reader, WF_ADDRESS(loop->name), MAX_NAME);
    seen->tid = loop->owner_tid;
    seen->state = loop_state(loop);
    seen->debug = debug_name(loop->debug);
    seen->is_virtual_clock = loop->poller.is_virtual;
    seen->n_turns = loop->n_turns;
    seen->n_run = loop->n_run;
    seen->slow_callback_duration = loop->slow_callback_duration;
    seen->now = loop->poller.is_virtual ? loop->poller.now : 0;
    seen->polled_at = loop->polled_at;
    seen->busy_since = loop->meter.resumed_at;
}

void wf_see_loop(struct wf_reader *reader, struct wf_seen_loop *loop, const struct wf_held *held)
{
    struct seeing seeing = { .seen = loop, .held = held };

    seeing.index = (uint32_t)(loop - reader->snapshot->loops);
    if (!wf_see(reader, loop->address, &seeing.copy, sizeof seeing.copy) ||
        seeing.copy.magic != WF_LOOP_MAGIC) {
        reader->is_broken = true;
        return;
    }
    fill_loop(reader, &seeing);
    if (loop->state == WF_SEEN_LOOP_CLOSED) {
        return;
    }
    see_kinds(reader, &seeing);
    see_tasks(reader, &seeing);
    see_current(reader, &seeing);
    see_queues(reader, &seeing);
    see_timers(reader, &seeing);
    see_opens(reader, &seeing);
    if (wf_is_asked(reader, WEFT_DUMP_STACKS) && reader->options->only_task == 0 &&
        loop->current_task == WF_SEEN_NONE && held != NULL && held->registers.pc != 0) {
        loop->sample = wf_see_stack(reader, &held->registers, 0);
    }
}

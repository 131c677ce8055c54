/*
 * The root, and finding that of another process. See root.h.
 *
 * From outside, every file that is mapped from its beginning is asked for its notes; ours tells how
 * far from itself the root lies, so no symbol is looked up and no file is opened: it works in
 * another mount namespace, after the file was replaced, and for a program that has libweft inside.
 *
 * Thread: any.
 */

#include "inspect/root.h"

#include "bridge/bridge.h"
#include "bridge/threadsafe.h"
#include "coro/context.h"
#include "inspect/memory.h"
#include "io/server.h"
#include "io/stream.h"
#include "loop/loop.h"
#include "task/state.h"
#include "task/sync.h"
#include "task/waits.h"
#include "thread/executor_parts.h"
#include "weft/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the table ---------------------------------------------------------- */

#define SIZEOF(type, member) ((uint32_t)sizeof(((type *)0)->member))
#define FIELD(name, type, member)                                      \
    {                                                                  \
        name "." #member, offsetof(type, member), SIZEOF(type, member) \
    }
#define WHOLE(name, type)               \
    {                                   \
        name, 0, (uint32_t)sizeof(type) \
    }

static const struct wf_inspect_field fields[] = {
    WHOLE("list", struct wf_list),
    FIELD("list", struct wf_list, next),
    FIELD("list", struct wf_list, prev),
    WHOLE("origin", weft_origin),
    FIELD("origin", weft_origin, function),
    FIELD("origin", weft_origin, file),
    FIELD("origin", weft_origin, line),
    FIELD("origin", weft_origin, what),
    WHOLE("work", struct wf_work),
    FIELD("work", struct wf_work, link),
    FIELD("work", struct wf_work, run),
    WHOLE("work_kind", struct wf_work_kind),
    FIELD("work_kind", struct wf_work_kind, run),
    FIELD("work_kind", struct wf_work_kind, what),
    FIELD("work_kind", struct wf_work_kind, origin_at),
    WHOLE("timer", struct wf_timer),
    FIELD("timer", struct wf_timer, node),
    FIELD("timer", struct wf_timer, work),
    WHOLE("heap_entry", struct wf_heap_entry),
    FIELD("heap_entry", struct wf_heap_entry, key),
    FIELD("heap_entry", struct wf_heap_entry, node),
    WHOLE("loop", struct weft_loop),
    FIELD("loop", struct weft_loop, magic),
    FIELD("loop", struct weft_loop, registry_link),
    FIELD("loop", struct weft_loop, owner_tid),
    FIELD("loop", struct weft_loop, forks),
    FIELD("loop", struct weft_loop, is_running),
    FIELD("loop", struct weft_loop, is_closed),
    FIELD("loop", struct weft_loop, is_stopping),
    FIELD("loop", struct weft_loop, ready),
    FIELD("loop", struct weft_loop, batch),
    FIELD("loop", struct weft_loop, timers.entries),
    FIELD("loop", struct weft_loop, timers.n_entries),
    FIELD("loop", struct weft_loop, debug),
    FIELD("loop", struct weft_loop, slow_callback_duration),
    FIELD("loop", struct weft_loop, name),
    FIELD("loop", struct weft_loop, n_turns),
    FIELD("loop", struct weft_loop, n_run),
    FIELD("loop", struct weft_loop, current),
    FIELD("loop", struct weft_loop, current_origin),
    FIELD("loop", struct weft_loop, polled_at),
    FIELD("loop", struct weft_loop, kinds),
    { "loop.tasks", offsetof(struct weft_loop, slots[WF_LOOP_SLOT_TASK].data), sizeof(void *) },
    { "loop.io", offsetof(struct weft_loop, slots[WF_LOOP_SLOT_IO].data), sizeof(void *) },
    WHOLE("task_state", struct wf_task_state),
    FIELD("task_state", struct wf_task_state, tasks),
    WHOLE("task", struct wf_task),
    FIELD("task", struct wf_task, future),
    { "task.stack", offsetof(struct wf_task, fiber.stack), sizeof(void *) },
    { "task.sp", offsetof(struct wf_task, fiber.sp), sizeof(void *) },
    FIELD("task", struct wf_task, step),
    FIELD("task", struct wf_task, link),
    FIELD("task", struct wf_task, wait),
    FIELD("task", struct wf_task, starter),
    FIELD("task", struct wf_task, coro),
    FIELD("task", struct wf_task, fn),
    FIELD("task", struct wf_task, coro_origin),
    FIELD("task", struct wf_task, name),
    FIELD("task", struct wf_task, number),
    FIELD("task", struct wf_task, n_cancels),
    FIELD("task", struct wf_task, must_cancel),
    WHOLE("stack", struct wf_stack),
    FIELD("stack", struct wf_stack, low),
    FIELD("stack", struct wf_stack, high),
    WHOLE("wait", struct wf_wait),
    FIELD("wait", struct wf_wait, what),
    FIELD("wait", struct wf_wait, object),
    FIELD("wait", struct wf_wait, is_woken),
    FIELD("wait", struct wf_wait, kind),
    FIELD("wait", struct wf_wait, since),
    WHOLE("future", struct weft_future),
    FIELD("future", struct weft_future, magic),
    FIELD("future", struct weft_future, state),
    FIELD("future", struct weft_future, code),
    FIELD("future", struct weft_future, loop),
    FIELD("future", struct weft_future, ops),
    FIELD("future", struct weft_future, origin),
    WHOLE("future_ops", struct wf_future_ops),
    FIELD("future_ops", struct wf_future_ops, kind),
    FIELD("future_ops", struct wf_future_ops, tag),
    WHOLE("gather", struct wf_gather),
    FIELD("gather", struct wf_gather, n),
    { "gather.children", offsetof(struct wf_gather, children), 0 },
    WHOLE("gather_child", struct wf_gather_child),
    FIELD("gather_child", struct wf_gather_child, future),
    WHOLE("shield", struct wf_shield),
    FIELD("shield", struct wf_shield, inner),
    WHOLE("several", struct wf_several_wait),
    FIELD("several", struct wf_several_wait, n),
    FIELD("several", struct wf_several_wait, members),
    WHOLE("several_member", struct wf_several_member),
    FIELD("several_member", struct wf_several_member, future),
    WHOLE("group", struct weft_task_group),
    FIELD("group", struct weft_task_group, children),
    WHOLE("group_child", struct wf_group_child),
    FIELD("group_child", struct wf_group_child, link),
    FIELD("group_child", struct wf_group_child, task),
    WHOLE("as_completed", struct weft_as_completed),
    FIELD("as_completed", struct weft_as_completed, n),
    { "as_completed.members", offsetof(struct weft_as_completed, members), 0 },
    WHOLE("as_completed_member", struct wf_as_completed_member),
    FIELD("as_completed_member", struct wf_as_completed_member, future),
    FIELD("as_completed_member", struct wf_as_completed_member, is_to_come),
    WHOLE("line", struct wf_line),
    FIELD("line", struct wf_line, magic),
    FIELD("line", struct wf_line, kind),
    FIELD("line", struct wf_line, holder),
    FIELD("line", struct wf_line, origin),
    WHOLE("shared", struct wf_shared),
    FIELD("shared", struct wf_shared, ops),
    FIELD("shared", struct wf_shared, origin),
    WHOLE("wrapped", struct wf_wrapped),
    FIELD("wrapped", struct wf_wrapped, follower.source),
    WHOLE("remote", struct wf_remote),
    FIELD("remote", struct wf_remote, task),
    FIELD("remote", struct wf_remote, loop),
    WHOLE("concurrent_future", struct weft_concurrent_future),
    FIELD("concurrent_future", struct weft_concurrent_future, magic),
    FIELD("concurrent_future", struct weft_concurrent_future, ops),
    FIELD("concurrent_future", struct weft_concurrent_future, origin),
    WHOLE("cf_ops", struct wf_cf_ops),
    FIELD("cf_ops", struct wf_cf_ops, tag),
    WHOLE("executor", struct weft_executor),
    FIELD("executor", struct weft_executor, magic),
    FIELD("executor", struct weft_executor, forks),
    FIELD("executor", struct weft_executor, registry_link),
    FIELD("executor", struct weft_executor, name),
    FIELD("executor", struct weft_executor, origin),
    FIELD("executor", struct weft_executor, min_threads),
    FIELD("executor", struct weft_executor, max_threads),
    FIELD("executor", struct weft_executor, queue_limit),
    FIELD("executor", struct weft_executor, intake.jobs),
    FIELD("executor", struct weft_executor, queue),
    FIELD("executor", struct weft_executor, slow_lane),
    FIELD("executor", struct weft_executor, high_lane),
    FIELD("executor", struct weft_executor, low_lane),
    FIELD("executor", struct weft_executor, waiting),
    FIELD("executor", struct weft_executor, workers),
    FIELD("executor", struct weft_executor, n_threads),
    FIELD("executor", struct weft_executor, n_running),
    FIELD("executor", struct weft_executor, n_idle),
    WHOLE("worker", struct wf_worker),
    FIELD("worker", struct wf_worker, job),
    FIELD("worker", struct wf_worker, started_at),
    FIELD("worker", struct wf_worker, tid),
    FIELD("worker", struct wf_worker, name),
    WHOLE("job", struct wf_job),
    FIELD("job", struct wf_job, future),
    FIELD("job", struct wf_job, executor),
    FIELD("job", struct wf_job, fn),
    FIELD("job", struct wf_job, link),
    FIELD("job", struct wf_job, submitted_at),
    FIELD("job", struct wf_job, stop),
    WHOLE("io", struct wf_io),
    FIELD("io", struct wf_io, streams),
    FIELD("io", struct wf_io, servers),
    FIELD("io", struct wf_io, transports),
    WHOLE("stream", struct weft_stream),
    FIELD("stream", struct weft_stream, magic),
    FIELD("stream", struct weft_stream, state),
    FIELD("stream", struct weft_stream, fd),
    FIELD("stream", struct weft_stream, link),
    FIELD("stream", struct weft_stream, origin),
    WHOLE("server", struct weft_server),
    FIELD("server", struct weft_server, listeners),
    FIELD("server", struct weft_server, link),
    FIELD("server", struct weft_server, origin),
    WHOLE("context", struct wf_context),
#if defined(__x86_64__)
    FIELD("context", struct wf_context, rip),
    FIELD("context", struct wf_context, rbp),
    FIELD("context", struct wf_context, rbx),
    FIELD("context", struct wf_context, r12),
    FIELD("context", struct wf_context, r13),
    FIELD("context", struct wf_context, r14),
    FIELD("context", struct wf_context, r15),
#elif defined(__aarch64__)
    FIELD("context", struct wf_context, x30),
    FIELD("context", struct wf_context, x29),
    FIELD("context", struct wf_context, x19_to_x28),
    FIELD("context", struct wf_context, d8_to_d15),
#endif
};

#define WAIT_KIND(name)                    \
    {                                      \
        "wait_kind." #name, WF_WAIT_##name \
    }
#define FUTURE_TAG(name)                      \
    {                                         \
        "future_tag." #name, WF_FUTURE_##name \
    }

static const struct wf_inspect_constant constants[] = {
    { "loop.magic", WF_LOOP_MAGIC },
    { "future.magic", WF_FUTURE_MAGIC },
    { "executor.magic", WF_EXECUTOR_MAGIC },
    { "stream.magic", WF_STREAM_MAGIC },
    { "future_state.PENDING", WF_FUTURE_PENDING },
    { "future_state.FINISHED", WF_FUTURE_FINISHED },
    { "future_state.CANCELLED", WF_FUTURE_CANCELLED },
    FUTURE_TAG(PLAIN),
    FUTURE_TAG(TASK),
    FUTURE_TAG(GATHER),
    FUTURE_TAG(SHIELD),
    FUTURE_TAG(WRAPPED),
    { "cf_tag.PLAIN", WF_CF_PLAIN },
    { "cf_tag.JOB", WF_CF_JOB },
    { "cf_tag.REMOTE", WF_CF_REMOTE },
    WAIT_KIND(OTHER),
    WAIT_KIND(FUTURE),
    WAIT_KIND(SEVERAL),
    WAIT_KIND(GROUP),
    WAIT_KIND(AS_COMPLETED),
    WAIT_KIND(LINE),
    WAIT_KIND(SLEEP),
    WAIT_KIND(THREADSAFE),
    WAIT_KIND(EXECUTOR),
    WAIT_KIND(STREAM),
    WAIT_KIND(TRANSPORT),
    WAIT_KIND(DATAGRAM),
    WAIT_KIND(SERVER),
    WAIT_KIND(SOCKET),
    WAIT_KIND(PROCESS),
    { "loop.n_kinds", WF_LOOP_MAX_KINDS },
};

enum {
    N_FIELDS = sizeof fields / sizeof fields[0],
    N_CONSTANTS = sizeof constants / sizeof constants[0]
};

WEFT_API const struct wf_inspect_root weft_inspect_root_v1 = {
    .magic = WF_INSPECT_MAGIC,
    .size = sizeof(struct wf_inspect_root),
    .n_fields = N_FIELDS,
    .n_constants = N_CONSTANTS,
#if defined(__x86_64__)
    .machine = EM_X86_64,
#elif defined(__aarch64__)
    .machine = EM_AARCH64,
#endif
    .version = WEFT_VERSION,
    .fields = fields,
    .constants = constants,
    .loops = &wf_loops,
    .executors = &wf_executors,
    .fork_generation = &wf_fork_generation,
};

/* ---- the note ----------------------------------------------------------- */

/* The same place under a name that no other module can take over. */
extern const struct wf_inspect_root wf_root_here
    __attribute__((alias("weft_inspect_root_v1"), visibility("hidden"), used));

#define NOTE_NAME "weft"
#define NOTE_TYPE 1

/* name, description (8 bytes: from there to the root), type; each part on 4 bytes. */
__asm__(".pushsection .note.weft, \"a\", %note\n"
        "        .p2align 2\n"
        "        .long 5, 8, 1\n"
        "        .asciz \"" NOTE_NAME "\"\n"
        "        .p2align 2\n"
        "0:      .8byte wf_root_here - 0b\n"
        "        .popsection\n");

/* ---- finding it in another process -------------------------------------- */

enum {
    MAX_HEADERS = 64,
    MAX_NOTES = 4096,
    MAX_ROOTS = 8
};

struct finder {
    struct wf_memory *memory;
    uint64_t roots[MAX_ROOTS];
    size_t n_roots;
};

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* The notes of one segment, which lies at <address>. */
static void find_in_notes(struct finder *finder, uint64_t address, size_t size)
{
    char notes[MAX_NOTES];
    size_t at = 0;

    if (size > sizeof notes || wf_memory_read(finder->memory, address, notes, size) < 0) {
        return;
    }
    while (at + sizeof(Elf64_Nhdr) <= size) {
        Elf64_Nhdr header;
        memcpy(&header, notes + at, sizeof header);
        if (header.n_namesz > size || header.n_descsz > size) {
            return;
        }
        size_t name = at + sizeof header;
        size_t description = name + padded(header.n_namesz);
        if (description + header.n_descsz > size) {
            return;
        }
        if (header.n_type == NOTE_TYPE && header.n_namesz == sizeof NOTE_NAME &&
            header.n_descsz == sizeof(int64_t) &&
            memcmp(notes + name, NOTE_NAME, sizeof NOTE_NAME) == 0 && finder->n_roots < MAX_ROOTS) {
            int64_t distance;
            memcpy(&distance, notes + description, sizeof distance);
            finder->roots[finder->n_roots++] = address + description + (uint64_t)distance;
        }
        at = description + padded(header.n_descsz);
    }
}

/* A file is mapped from its beginning at <start>. */
static void find_in_file(struct finder *finder, uint64_t start)
{
    Elf64_Ehdr file;
    Elf64_Phdr headers[MAX_HEADERS];

    if (wf_memory_read(finder->memory, start, &file, sizeof file) < 0 ||
        memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 || file.e_ident[EI_CLASS] != ELFCLASS64 ||
        file.e_phentsize != sizeof headers[0] || file.e_phnum > MAX_HEADERS ||
        wf_memory_read(finder->memory, start + file.e_phoff, headers,
                       file.e_phnum * sizeof headers[0]) < 0) {
        return;
    }
    uint64_t bias = start;
    for (int i = 0; i < file.e_phnum; i++) {
        if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0) {
            bias = start - headers[i].p_vaddr;
        }
    }
    for (int i = 0; i < file.e_phnum; i++) {
        if (headers[i].p_type == PT_NOTE) {
            find_in_notes(finder, bias + headers[i].p_vaddr, headers[i].p_filesz);
        }
    }
}

static int find_all(struct finder *finder)
{
    char path[48];
    char line[512];

    snprintf(path, sizeof path, "/proc/%d/maps", (int)finder->memory->pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) {
        return errno == EACCES ? -EPERM : errno == ENOENT ? -ESRCH : -errno;
    }
    bool is_line_start = true;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long start;
        unsigned long long end;
        unsigned long long offset;
        char rights[8];
        if (is_line_start &&
            sscanf(line, "%llx-%llx %7s %llx", &start, &end, rights, &offset) == 4 &&
            rights[0] == 'r' && offset == 0) {
            find_in_file(finder, start);
        }
        is_line_start = strchr(line, '\n') != NULL;
    }
    int r = ferror(maps) != 0 ? -EPERM : 0; /* the right is asked for at the first read */
    fclose(maps);
    return r;
}

static bool is_root(const struct wf_inspect_root *root)
{
    return memcmp(root->magic, WF_INSPECT_MAGIC, sizeof WF_INSPECT_MAGIC) == 0 &&
           root->size >= sizeof *root;
}

/* A module may bring libweft too, beside that of the program: the one that is in use. */
static bool has_loops(struct wf_memory *memory, const struct wf_inspect_root *root)
{
    struct wf_list head;
    uint64_t address = (uint64_t)(uintptr_t)root->loops;

    return wf_memory_read(memory, address, &head, sizeof head) == 0 &&
           (uint64_t)(uintptr_t)head.next != address;
}

int wf_root_find(struct wf_memory *memory, struct wf_inspect_root *out_root)
{
    struct finder finder = { .memory = memory };
    struct wf_inspect_root root;
    bool is_found = false;

    if (memory->is_own) {
        *out_root = weft_inspect_root_v1;
        return 0;
    }
    int r = find_all(&finder);
    for (size_t i = 0; r == 0 && i < finder.n_roots; i++) {
        if (wf_memory_read(memory, finder.roots[i], &root, sizeof root) < 0 || !is_root(&root)) {
            continue;
        }
        if (!is_found || has_loops(memory, &root)) {
            *out_root = root;
            is_found = true;
        }
    }
    if (r < 0) {
        return weft_fail(r, "process %d cannot be read: %s", (int)memory->pid, weft_strerror(r));
    }
    return is_found ? 0
                    : weft_fail(WEFT_ELOOKUP, "process %d does not use libweft", (int)memory->pid);
}

/* ---- comparing ---------------------------------------------------------- */

/* The first field that is not as ours, or NULL. */
static const char *find_difference(struct wf_memory *memory, const struct wf_inspect_root *theirs)
{
    static const char many[] = "the number of fields";

    if (theirs->machine != weft_inspect_root_v1.machine) {
        return "the machine";
    }
    if (theirs->n_fields != N_FIELDS || theirs->n_constants != N_CONSTANTS) {
        return many;
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        struct wf_inspect_field field;
        uint64_t address = (uint64_t)(uintptr_t)theirs->fields + i * sizeof field;
        if (wf_memory_read(memory, address, &field, sizeof field) < 0 ||
            memcmp(&field, &fields[i], sizeof field) != 0) {
            return fields[i].name;
        }
    }
    for (size_t i = 0; i < N_CONSTANTS; i++) {
        struct wf_inspect_constant constant;
        uint64_t address = (uint64_t)(uintptr_t)theirs->constants + i * sizeof constant;
        if (wf_memory_read(memory, address, &constant, sizeof constant) < 0 ||
            memcmp(&constant, &constants[i], sizeof constant) != 0) {
            return constants[i].name;
        }
    }
    return NULL;
}

int wf_root_compare(struct wf_memory *memory, const struct wf_inspect_root *theirs)
{
    const char *difference = memory->is_own ? NULL : find_difference(memory, theirs);
    char version[sizeof theirs->version];

    if (difference == NULL) {
        return 0;
    }
    snprintf(version, sizeof version, "%.*s", (int)sizeof theirs->version - 1, theirs->version);
    return weft_fail(WEFT_EINVALIDSTATE,
                     "process %d uses libweft %s, which is laid out otherwise than this libweft %s "
                     "(%s differs)",
                     (int)memory->pid, version, WEFT_VERSION, difference);
}

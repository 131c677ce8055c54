/*
 * Stacks: copying them, and having them named (stack.h).
 *
 * libweft-debug is loaded by a thread of its own, and waited for with a limit: a
 * thread that is stuck in a constructor holds the dynamic linker's lock, and that
 * must not stop who wants to see it. Once loaded it stays.
 *
 * One lock is held while a stack is named, since libdw is not for several
 * threads. Nobody may hold threads (hold.h) meanwhile: the lock of malloc could be
 * theirs.
 *
 * Invariant: loader.state only goes from NEW to LOADING to READY or MISSING.
 *
 * Thread: any. A task's stack is too small for libdw, so that a task that asks
 * waits for a thread.
 */

#include "inspect/stack.h"

#include "coro/fiber.h"
#include "inspect/memory.h"
#include "inspect/names.h"
#include "inspect/stack_api.h"
#include "inspect/stack_text.h"
#include "thread/start.h"
#include "weft/error.h"
#include "weft/time.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBRARY "libweft-debug.so.0"

enum {
    PAGE = 4096, /* or a multiple of it: then the parts are smaller than they might be */
    MAX_PARTS = 18,
    LOAD_LIMIT_S = 1
};

/* ---- copying ------------------------------------------------------------- */

/* In parts that end with a page, so that as much is read as there is. */
static size_t read_upward(struct wf_memory *memory, uint64_t from, char *to, size_t n)
{
    struct wf_memory_part parts[MAX_PARTS];
    size_t n_parts = 0;
    size_t n_read = 0;

    for (size_t at = 0; at < n && n_parts < MAX_PARTS; n_parts++) {
        size_t rest = n_parts == MAX_PARTS - 1 ? n - at : PAGE - (from + at) % PAGE;
        size_t size = rest < n - at ? rest : n - at;
        parts[n_parts] = (struct wf_memory_part){ .from = from + at, .to = to + at, .n = size };
        at += size;
    }
    (void)wf_memory_read_many(memory, parts, n_parts); /* each part tells */
    for (size_t i = 0; i < n_parts && parts[i].code == 0; i++) {
        n_read += parts[i].n;
    }
    return n_read;
}

int wf_stack_take(struct wf_memory *memory, const struct wf_registers *registers,
                  uint64_t stack_high, void *bytes, size_t size, struct wf_stack_sample *out_sample)
{
    uint64_t sp = registers->sp;
    uint64_t n = size;

    *out_sample = (struct wf_stack_sample){ .pid = memory->is_own ? 0 : memory->pid,
                                            .registers = *registers,
                                            .low = sp,
                                            .bytes = bytes,
                                            .stack_high = stack_high };
    if (sp == 0 || (stack_high != 0 && sp >= stack_high)) {
        return -EFAULT;
    }
    if (stack_high != 0 && stack_high - sp < n) {
        n = stack_high - sp;
    }
    out_sample->n = read_upward(memory, sp, bytes, n);
    out_sample->is_cut = stack_high != 0 ? out_sample->n < stack_high - sp : out_sample->n == size;
    return out_sample->n > 0 ? 0 : -EFAULT;
}

/* ---- the library that names them ------------------------------------------ */

enum loader_state {
    NEW,
    LOADING,
    READY,
    MISSING
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum loader_state state;        /* guarded by mutex */
    bool is_slow;                   /* the same: nobody waits for it any more */
    const struct wf_debug_api *api; /* the same; READY: static, in the library */
} loader = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* Held while the library runs. */
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

static const struct wf_debug_api *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct wf_debug_api *api = library != NULL ? dlsym(library, WF_DEBUG_API_NAME) : NULL;

    if (api != NULL && api->abi == WF_DEBUG_ABI &&
        api->sample_size == sizeof(struct wf_stack_sample) &&
        api->text_size == sizeof(struct wf_stack_text)) {
        return api;
    }
    if (library != NULL) {
        dlclose(library);
    }
    return NULL;
}

/* Beside us: in the folder of libweft, or of a program that contains it, or in lib beside bin. */
static const struct wf_debug_api *find_library(void)
{
    static const char *const places[] = { "", "/../lib" };
    const char *said = secure_getenv("WEFT_DEBUG_LIBRARY");
    const struct wf_debug_api *api = NULL;
    char folder[PATH_MAX];
    char path[PATH_MAX + 64];

    if (said != NULL) {
        return said[0] != '\0' ? open_library(said) : NULL;
    }
    if (wf_names_own_folder(folder, sizeof folder) == 0) {
        for (size_t i = 0; i < sizeof places / sizeof places[0] && api == NULL; i++) {
            snprintf(path, sizeof path, "%s%s/%s", folder, places[i], LIBRARY);
            api = open_library(path);
        }
    }
    return api != NULL ? api : open_library(LIBRARY);
}

/* On a thread of its own. */
static void *load(void *arg)
{
    const struct wf_debug_api *api = find_library();

    pthread_mutex_lock(&loader.mutex);
    loader.api = api;
    loader.state = api != NULL ? READY : MISSING;
    pthread_cond_broadcast(&loader.changed);
    pthread_mutex_unlock(&loader.mutex);
    return arg;
}

static void start_loading(void)
{
    pthread_t thread;

    if (wf_thread_start(&thread, load, NULL) == 0) {
        pthread_detach(thread);
        loader.state = LOADING;
    }
}

/* Once: who names a thousand stacks does not wait a thousand times. */
static void wait_for_load(void)
{
    struct timespec limit;

    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += LOAD_LIMIT_S;
    while (loader.state == LOADING && !loader.is_slow) {
        loader.is_slow = pthread_cond_clockwait(&loader.changed, &loader.mutex, CLOCK_MONOTONIC,
                                                &limit) == ETIMEDOUT;
    }
}

/* NULL: *out_note says why. */
static const struct wf_debug_api *get_api(const char **out_note)
{
    static const char *const notes[] = {
        [NEW] = "no thread could be started to load " LIBRARY,
        [LOADING] = LIBRARY " cannot be loaded while the dynamic linker is busy",
        [READY] = NULL,
        [MISSING] = LIBRARY " is not there, or of another version: no lines, and few names",
    };

    pthread_mutex_lock(&loader.mutex);
    if (loader.state == NEW) {
        start_loading();
    }
    wait_for_load();
    const struct wf_debug_api *api = loader.api;
    *out_note = notes[loader.state];
    pthread_mutex_unlock(&loader.mutex);
    return api;
}

/* ---- without it ------------------------------------------------------------ */

static bool add_plain_frame(struct wf_stack_text *text, pid_t pid, uint64_t pc, bool is_call)
{
    struct wf_stack_frame *frame = wf_stack_text_add(text, pc);

    if (frame == NULL) {
        return false;
    }
    wf_names_find(pid, frame, is_call, text);
    return true;
}

/* Frame pointers go upward; a fiber's and a thread's first one is 0. */
static void follow_frame_pointers(const struct wf_stack_sample *sample, struct wf_stack_text *text)
{
    const struct wf_registers *registers = &sample->registers;
    uint64_t fp = registers->value[WF_REGISTER_FP];
    uint64_t low = sample->low;
    uint64_t next;
    uint64_t pc;
    bool goes_on = add_plain_frame(text, sample->pid, registers->pc, registers->is_after_a_call) &&
                   (registers->known & (1u << WF_REGISTER_FP)) != 0;

    while (goes_on && fp >= low && fp % sizeof fp == 0 && wf_stack_sample_read(sample, fp, &next) &&
           wf_stack_sample_read(sample, fp + sizeof fp, &pc) && pc != 0) {
        goes_on = add_plain_frame(text, sample->pid, pc, /* is_call = */ true) && next != 0;
        low = fp + 1;
        fp = next;
    }
    text->is_complete = fp == 0;
}

static void name_plainly(void *const *pcs, size_t n, struct wf_stack_text *text)
{
    for (size_t i = 0; i < n; i++) {
        if (!add_plain_frame(text, 0, (uintptr_t)pcs[i], /* is_call = */ true)) {
            break;
        }
    }
}

/* ---- naming ---------------------------------------------------------------- */

/* What is asked for: a sample, or addresses. */
struct question {
    const struct wf_stack_sample *sample;
    void *const *pcs;
    size_t n;
    struct wf_stack_text *text;
};

static void *answer(void *data)
{
    struct question *question = data;
    struct wf_stack_text *text = question->text;
    const char *note;
    const struct wf_debug_api *api = get_api(&note);

    wf_stack_text_init(text);
    pthread_mutex_lock(&naming);
    if (api != NULL && question->sample != NULL) {
        api->symbolize(question->sample, text);
    } else if (api != NULL) {
        api->name(question->pcs, question->n, text);
    }
    pthread_mutex_unlock(&naming);

    if (text->n > 0) {
        return NULL;
    }
    note = text->note != NULL ? text->note : note;
    if (question->sample != NULL) {
        follow_frame_pointers(question->sample, text);
    } else {
        name_plainly(question->pcs, question->n, text);
    }
    text->note = text->note != NULL ? text->note : note;
    return NULL;
}

/*
 * libdw needs more stack than a task has. It also has thread-local variables, in a module that is
 * loaded late, and LeakSanitizer (gcc 12) takes the place of such for something else: there they
 * go with a thread of their own, before it looks.
 */
static bool needs_thread(void)
{
#ifdef WF_SANITIZED
    return true;
#else
    return wf_fiber_running != NULL && wf_fiber_running->stack != NULL;
#endif
}

static int ask(struct question *question)
{
    pthread_t thread;

    if (!needs_thread()) {
        answer(question);
        return 0;
    }
    int r = wf_thread_start_unseen(&thread, answer, question);
    if (r < 0) {
        wf_stack_text_init(question->text);
        question->text->note = "no thread could be started to name it";
        return r;
    }
    pthread_join(thread, NULL);
    return 0;
}

int wf_stack_symbolize(const struct wf_stack_sample *sample, struct wf_stack_text *out_text)
{
    struct question question = { .sample = sample, .text = out_text };

    return ask(&question);
}

int wf_stack_name(void *const *pcs, size_t n, struct wf_stack_text *out_text)
{
    struct question question = { .pcs = pcs, .n = n, .text = out_text };

    return ask(&question);
}

/* One text for it, since it is large. */
int wf_stack_prepare(void)
{
    static struct wf_stack_text text; /* guarded by warming */
    static pthread_mutex_t warming = PTHREAD_MUTEX_INITIALIZER;
    void *const pcs[] = { (char *)(uintptr_t)wf_stack_prepare + 1,
                          (char *)(uintptr_t)clock_gettime + 1 };
    const char *note;

    if (get_api(&note) == NULL) {
        return weft_fail(WEFT_ELOOKUP, "%s", note);
    }
    /* The files of the library and of the C library are read by this, not by the first report. */
    pthread_mutex_lock(&warming);
    int r = wf_stack_name(pcs, sizeof pcs / sizeof pcs[0], &text);
    pthread_mutex_unlock(&warming);
    return r;
}

void wf_stack_forget(void)
{
    const char *note;
    const struct wf_debug_api *api = get_api(&note);

    pthread_mutex_lock(&naming);
    if (api != NULL) {
        api->forget();
    }
    pthread_mutex_unlock(&naming);
}

size_t wf_stack_print(const struct wf_stack_text *text, size_t i, char *line, size_t size)
{
    const struct wf_stack_frame *frame = &text->frames[i];
    const char *mark = frame->is_guessed ? " (guessed)" : frame->is_inlined ? " (inlined)" : "";
    const char *module = frame->module != NULL ? frame->module : "?";
    unsigned long long offset = frame->offset;
    int n;

    if (frame->function != NULL && frame->file != NULL) {
        n = snprintf(line, size, "#%zu %s at %s:%d%s", i, frame->function, frame->file, frame->line,
                     mark);
    } else if (frame->function != NULL) {
        n = snprintf(line, size, "#%zu %s+0x%llx in %s%s", i, frame->function, offset, module,
                     mark);
    } else if (frame->module != NULL) {
        n = snprintf(line, size, "#%zu %s+0x%llx%s", i, module, offset, mark);
    } else {
        n = snprintf(line, size, "#%zu 0x%llx%s", i, (unsigned long long)frame->pc, mark);
    }
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size > 0 ? size - 1 : 0;
}

/*
 * Naming where an object was made (base/creation.h).
 *
 * Reports with stacks are rare and wait for their names, which may come from a
 * thread of their own (inspect/stack.h). Of the frames the library's own are left
 * out, and what called main.
 *
 * Thread: any.
 */

#include "base/creation.h"
#include "base/alloc.h"
#include "base/capture.h"
#include "base/creation_parts.h"
#include "base/text.h"
#include "inspect/stack.h"
#include "loop/loop.h"

#include <string.h>

static __thread weft_duration time_spent __attribute__((tls_model("initial-exec")));

weft_duration wf_creation_time(void)
{
    return time_spent;
}

static bool is_ours(const struct wf_stack_frame *frame)
{
    return frame->module != NULL && strncmp(frame->module, "libweft.so", 10) == 0;
}

/* Where threads begin. */
static bool is_of_libc(const struct wf_stack_frame *frame)
{
    return frame->module != NULL && strncmp(frame->module, "libc.so", 7) == 0;
}

static void add_frame(struct wf_text *text, const struct wf_stack_frame *frame)
{
    if (frame->file != NULL) {
        wf_text_add(text, "\n  File \"%s\", line %d, in %s", frame->file, frame->line,
                    frame->function != NULL ? frame->function : "?");
    } else {
        wf_text_add(
            text, "\n  File \"%s\", in %s+0x%llx", frame->module != NULL ? frame->module : "?",
            frame->function != NULL ? frame->function : "?", (unsigned long long)frame->offset);
    }
}

/* How many frames, the innermost first, are the user's: up to main. */
static size_t count_wanted(const struct wf_stack_text *names)
{
    for (size_t i = 0; i < names->n; i++) {
        const char *function = names->frames[i].function;
        if (function != NULL && strcmp(function, "main") == 0 && !is_ours(&names->frames[i])) {
            return i + 1;
        }
    }
    size_t n = names->n;
    while (n > 0 && is_of_libc(&names->frames[n - 1])) {
        n--;
    }
    return n;
}

static const char *describe(void *const *pcs, size_t n, const char *head, char *room)
{
    struct wf_stack_text *names = wf_alloc(sizeof *names);
    struct wf_text text;

    wf_text_init(&text, room, WF_CREATION_TEXT_SIZE);
    wf_text_add(&text, "%s (most recent call last):", head);
    if (names == NULL) {
        return room;
    }
    weft_time start = weft_clock_now();
    (void)wf_stack_name(pcs, n, names); /* it always has some */
    weft_duration took = weft_clock_now() - start;
    time_spent += took;
    if (wf_loop_running != NULL) {
        wf_loop_watcher.note_report(wf_loop_running, took);
    }
    for (size_t i = count_wanted(names); i > 0; i--) {
        if (!is_ours(&names->frames[i - 1])) {
            add_frame(&text, &names->frames[i - 1]);
        }
    }
    wf_free(names);
    return room;
}

const char *wf_creation_describe(const struct wf_creation *creation, const char *what, char *room)
{
    char head[64];
    struct wf_text text;

    if (creation == NULL) {
        return NULL;
    }
    wf_text_init(&text, head, sizeof head);
    wf_text_add(&text, "%s created at", what);
    return describe(creation->pcs, creation->n, head, room);
}

const char *wf_creation_describe_caller(const char *what, char *room)
{
    void *pcs[WF_CAPTURE_MAX];

    if (wf_fork_generation != 0) {
        return NULL;
    }
    int n = wf_capture_stack(pcs, WF_CAPTURE_MAX);

    return describe(pcs, (size_t)n, what, room);
}

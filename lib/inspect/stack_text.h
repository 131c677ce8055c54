#ifndef WF_INSPECT_STACK_TEXT_H
#define WF_INSPECT_STACK_TEXT_H

/*
 * Filling a struct wf_stack_text: what stack.c and libweft-debug share.
 */

#include "inspect/stack.h"

#include <string.h>

static inline void wf_stack_text_init(struct wf_stack_text *text)
{
    text->n = 0;
    text->is_complete = false;
    text->note = NULL;
    text->n_texts = 0;
}

/* A copy of <string> that lives with the text; NULL for NULL, and when there is no room. */
static inline const char *wf_stack_text_keep(struct wf_stack_text *text, const char *string)
{
    if (string == NULL) {
        return NULL;
    }
    size_t size = strlen(string) + 1;
    if (size > sizeof text->texts - text->n_texts) {
        return NULL;
    }
    char *copy = text->texts + text->n_texts;
    memcpy(copy, string, size);
    text->n_texts += size;
    return copy;
}

/* The same without the folders of a path. */
static inline const char *wf_stack_text_keep_name(struct wf_stack_text *text, const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;

    return wf_stack_text_keep(text, slash != NULL ? slash + 1 : path);
}

/* One more frame, empty but for its pc; NULL when there is no room. */
static inline struct wf_stack_frame *wf_stack_text_add(struct wf_stack_text *text, uint64_t pc)
{
    if (text->n == WF_STACK_MAX_FRAMES) {
        text->note = "the stack is deeper than the frames that are shown";
        return NULL;
    }
    struct wf_stack_frame *frame = &text->frames[text->n++];
    *frame = (struct wf_stack_frame){ .pc = pc };
    return frame;
}

/* The word at <address> of the stack that was copied; false: it is not in the copy. */
static inline bool wf_stack_sample_read(const struct wf_stack_sample *sample, uint64_t address,
                                        uint64_t *out_word)
{
    if (address < sample->low || sample->n < sizeof *out_word ||
        address - sample->low > sample->n - sizeof *out_word) {
        return false;
    }
    memcpy(out_word, sample->bytes + (address - sample->low), sizeof *out_word);
    return true;
}

#endif

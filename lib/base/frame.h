#ifndef WF_BASE_FRAME_H
#define WF_BASE_FRAME_H

/*
 * A frame is where running code leaves its result and its error: one in each
 * task, one in each executor job, one in each plain thread. Higher floors make
 * theirs current around the code they run, so that weft_fail and weft_return
 * mean the same everywhere.
 */

#include "base/error.h"
#include "weft/base.h"

#include <stdbool.h>
#include <stddef.h>

struct wf_vars;

struct wf_frame {
    weft_error *error;    /* ref, or NULL */
    weft_value value;     /* owned until taken */
    struct wf_vars *vars; /* ref: the context variables (context.h); NULL: none is set */
    bool has_value;
};

/* NULL means the thread's own frame. */
extern __thread struct wf_frame *wf_frame_running __attribute__((tls_model("initial-exec")));

struct wf_frame *wf_frame_current(void);

/* The slow half of wf_frame_clear. */
void wf_frame_drop(struct wf_frame *frame);

/* Drop value and error. */
static inline void wf_frame_clear(struct wf_frame *frame)
{
    if (__builtin_expect(frame->has_value || frame->error != NULL, 0)) {
        wf_frame_drop(frame);
    }
}

/* The slow half of wf_frame_fini. */
void wf_frame_end(struct wf_frame *frame);

/* The code that ran in <frame> has ended: drop its context variables too. */
static inline void wf_frame_fini(struct wf_frame *frame)
{
    if (__builtin_expect(frame->has_value || frame->error != NULL || frame->vars != NULL, 0)) {
        wf_frame_end(frame);
    }
}

/* Move the value out; none when nothing was returned. */
weft_value wf_frame_take_value(struct wf_frame *frame);

/* Move out the error if it is <code>, else drop it and return NULL. */
weft_error *wf_frame_take_error(struct wf_frame *frame, int code);

/* Let <error> be current in <frame>; takes a reference of its own. NULL clears. */
void wf_frame_set_error(struct wf_frame *frame, weft_error *error);

#endif

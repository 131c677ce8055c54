/*
 * Frames: the running code's result and error. See frame.h.
 *
 * The frame of a plain thread is thread-local and released when the thread
 * ends: its error may own memory.
 */

#include "base/frame.h"

#include "base/context.h"

#include <pthread.h>
#include <stddef.h>

__thread struct wf_frame *wf_frame_running __attribute__((tls_model("initial-exec")));

static _Thread_local struct wf_frame thread_frame;
static _Thread_local bool is_registered;
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

/* Runs at the end of every thread that used its own frame. */
static void on_thread_exit(void *frame)
{
    is_registered = false; /* a later destructor of this thread may fail once more */
    wf_frame_fini(frame);
}

static void make_exit_key(void)
{
    /* Without a key the frame of an ending thread leaks; there is nobody to tell. */
    (void)pthread_key_create(&exit_key, on_thread_exit);
}

struct wf_frame *wf_frame_current(void)
{
    if (wf_frame_running != NULL) {
        return wf_frame_running;
    }
    if (!is_registered) {
        is_registered = true;
        pthread_once(&exit_key_once, make_exit_key);
        (void)pthread_setspecific(exit_key, &thread_frame); /* as above */
    }
    return &thread_frame;
}

void wf_frame_drop(struct wf_frame *frame)
{
    if (frame->has_value) {
        frame->has_value = false;
        weft_value_clear(&frame->value);
    }
    wf_frame_set_error(frame, NULL);
}

void wf_frame_end(struct wf_frame *frame)
{
    struct wf_vars *vars = frame->vars;

    frame->vars = NULL;
    wf_vars_drop(vars);
    wf_frame_clear(frame); /* last: the destructors of values may leave something */
}

weft_value wf_frame_take_value(struct wf_frame *frame)
{
    if (!frame->has_value) {
        return weft_value_none();
    }
    weft_value value = frame->value;
    frame->has_value = false;
    frame->value = weft_value_none();
    return value;
}

weft_error *wf_frame_take_error(struct wf_frame *frame, int code)
{
    weft_error *error = frame->error;

    if (error != NULL && wf_error_code(error) != code) {
        wf_frame_set_error(frame, NULL);
        return NULL;
    }
    frame->error = NULL;
    return error;
}

void wf_frame_set_error(struct wf_frame *frame, weft_error *error)
{
    weft_error *old = frame->error;

    if (old == error) {
        return;
    }
    frame->error = error != NULL ? wf_error_ref(error) : NULL;
    if (old != NULL) {
        wf_error_unref(old);
    }
}

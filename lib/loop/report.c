/*
 * Reports of a loop: the exception handler, and what happens when it fails.
 *
 * The loop itself raises few: a callback that came back negative, a slow one.
 * The floors above send theirs the same way. A handler runs at the moment of the
 * report, within whatever made it, so its own failure is kept away from the
 * running code's error.
 *
 * Thread: the loop's. A report for a loop that is not this thread's goes to the
 * log instead.
 */

#include "loop/loop.h"

#include "base/context.h"
#include "base/log.h"
#include "base/probe.h"

#include <stdio.h>

const char *wf_origin_name(const weft_origin *origin)
{
    return origin != NULL && origin->what != NULL ? origin->what : "callback";
}

/* The handler failed with <code>: asyncio's last resort. */
static void report_handler(const weft_report *context, int code, const weft_error *error)
{
    weft_report report = WEFT_REPORT_INIT;

    report.kind = WEFT_REPORT_EXCEPTION_HANDLER_ERROR;
    report.message = "Unhandled error in exception handler";
    report.subject = context->subject;
    report.object = context->object;
    report.error = error;
    report.code = code;
    report.origin = context->origin;
    report.source = context->source;
    report.source_traceback = context->source_traceback;
    wf_report(&report);
}

static void call_handler(weft_loop *loop, const weft_report *context)
{
    struct wf_frame *outer = wf_frame_running;
    struct wf_frame frame = { .vars = wf_vars_copy_current() };

    wf_frame_running = &frame;
    int r = loop->exception_handler(loop, context, loop->exception_handler_data);
    if (r < 0) {
        weft_error *error = wf_frame_take_error(&frame, r);
        report_handler(context, r, error);
        wf_error_unref(error);
    }
    wf_frame_fini(&frame);
    wf_frame_running = outer;
}

void wf_loop_report(weft_loop *loop, const weft_report *report)
{
    if (wf_loop_is_mine(loop) && loop->exception_handler != NULL) {
        call_handler(loop, report);
    } else {
        wf_report(report);
    }
}

void wf_loop_report_callback(weft_loop *loop, const weft_origin *origin, int code)
{
    const char *name = wf_origin_name(origin);
    weft_error *error = wf_frame_take_error(wf_frame_current(), code);
    weft_report report = WEFT_REPORT_INIT;
    char message[160];
    char creation[WF_CREATION_TEXT_SIZE];

    snprintf(message, sizeof message, "Exception in callback %.120s()", name);
    report.kind = WEFT_REPORT_CALLBACK_EXCEPTION;
    report.message = message;
    report.subject = name;
    report.error = error;
    report.code = code;
    report.origin = origin;
    report.source_traceback = wf_creation_describe(loop->running_creation, "Handle", creation);
    wf_loop_report(loop, &report);
    wf_error_unref(error);
}

void wf_loop_run_callback_in(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                             void *data, struct wf_vars *vars)
{
    struct wf_vars *before = loop->frame.vars;

    wf_frame_running = &loop->frame;
    loop->frame.vars = vars;
    __atomic_store_n(&loop->current_origin, origin, __ATOMIC_RELAXED);
    WF_PROBE4(handle_start, loop, fn, data, origin);
    int r = fn(data);
    WF_PROBE3(handle_end, loop, origin, r);
    __atomic_store_n(&loop->current_origin, NULL, __ATOMIC_RELAXED);
    if (__builtin_expect(r < 0, 0)) {
        wf_loop_report_callback(loop, origin, r);
    }
    if (__builtin_expect(loop->frame.error != NULL || loop->frame.has_value, 0)) {
        wf_frame_clear(&loop->frame); /* not to be taken for the next callback's */
    }
    vars = loop->frame.vars; /* it may have set some */
    loop->frame.vars = before;
    if (__builtin_expect(vars != NULL, 0)) {
        wf_vars_drop(vars);
    }
}

void wf_loop_run_callback_made(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                               void *data, struct wf_vars *vars, struct wf_creation *creation)
{
    loop->running_creation = creation;
    wf_loop_run_callback_in(loop, origin, fn, data, vars);
    loop->running_creation = NULL;
    wf_creation_free(creation);
}

void wf_loop_run_callback(weft_loop *loop, const weft_origin *origin, weft_callback_fn *fn,
                          void *data)
{
    wf_loop_run_callback_in(loop, origin, fn, data, wf_vars_ref(loop->frame.vars));
}

void wf_work_info_set(struct wf_work_info *info, const char *kind, const weft_origin *origin)
{
    const char *name = wf_origin_name(origin);

    snprintf(info->subject, sizeof info->subject, "%s", name);
    info->origin = origin;
    if (origin == NULL) {
        snprintf(info->object, sizeof info->object, "<%s %s()>", kind, name);
    } else {
        snprintf(info->object, sizeof info->object, "<%s %s() created at %s:%d>", kind, name,
                 origin->file, origin->line);
    }
}

/* ---- the public half ---------------------------------------------------- */

int weft_loop_set_exception_handler(weft_loop *loop, weft_exception_handler_fn *handler, void *data)
{
    int r = wf_loop_resolve(&loop);

    if (r == 0) {
        loop->exception_handler = handler;
        loop->exception_handler_data = data;
    }
    return r;
}

weft_exception_handler_fn *weft_loop_get_exception_handler(weft_loop *loop)
{
    return wf_loop_resolve(&loop) == 0 ? loop->exception_handler : NULL;
}

static int check_context(const weft_report *context)
{
    return context != NULL ? 0
                           : wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "a context is required");
}

void weft_loop_default_exception_handler(weft_loop *loop, const weft_report *context)
{
    (void)loop; /* any loop's reports end in the one log */
    if (check_context(context) == 0) {
        wf_report(context);
    }
}

void weft_loop_call_exception_handler(weft_loop *loop, const weft_report *context)
{
    if (loop == NULL) {
        loop = wf_loop_running;
    }
    /* A closed loop still takes reports, as in asyncio: they come late by nature. */
    if (wf_loop_check(loop) == 0 && check_context(context) == 0) {
        wf_loop_report(loop, context);
    }
}

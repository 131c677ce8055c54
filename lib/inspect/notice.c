/*
 * What the monitor says of loops: see notice.h.
 *
 * Whoever wants to act, as weftd does, listens: a handler hears of each notice, while
 * the log hears of the loud ones only.
 *
 * Thread: any; the listener is changed under a lock of its own, which is not held while it is
 * called.
 */

#include "inspect/notice.h"

#include "base/log.h"
#include "base/text.h"
#include "inspect/live_stack.h"
#include "weft/monitor.h"

#include <pthread.h>

enum {
    TEXT_SIZE = 512
};

/* As weft_set_stall_handler says. */
static struct {
    pthread_mutex_t mu; /* guards the pair */
    weft_stall_fn *handler;
    void *data;
} listener = { .mu = PTHREAD_MUTEX_INITIALIZER };

static double seconds(weft_duration duration)
{
    return (double)duration / 1e9;
}

/* "0.120 on the processor, 0.003 blocked in calls": parts that are next to nothing are left out. */
static void describe_parts(const struct wf_stall_times *times, struct wf_text *text)
{
    weft_duration least = times->took / 20;

    wf_text_add(text, "%.3f on the processor", seconds(times->cpu));
    if (times->blocked > least) {
        wf_text_add(text, ", %.3f blocked in calls", seconds(times->blocked));
    }
    if (times->delay > least) {
        wf_text_add(text, ", %.3f waiting for a processor", seconds(times->delay));
    }
    if (times->missed > least) {
        wf_text_add(text, ", %.3f stopped", seconds(times->missed));
    }
}

void wf_notice_slow(const struct wf_culprit *culprit, const struct wf_stall_times *times)
{
    weft_report report = WEFT_REPORT_INIT;
    char message[TEXT_SIZE];
    struct wf_text text;

    wf_text_init(&text, message, sizeof message);
    wf_text_add(&text, "Executing %s took %.3f seconds (", culprit->info.object,
                seconds(times->took));
    describe_parts(times, &text);
    wf_text_add(&text, ")");
    report.kind = WEFT_REPORT_SLOW_CALLBACK;
    report.message = message;
    report.subject = culprit->info.subject[0] != '\0' ? culprit->info.subject : NULL;
    report.origin = culprit->info.origin;
    report.label = culprit->label[0] != '\0' ? culprit->label : NULL;
    wf_report(&report); /* asyncio logs it too, without asking the exception handler */
}

void wf_notice_turn(const struct wf_notice *notice)
{
    weft_report report = WEFT_REPORT_INIT;
    char message[TEXT_SIZE];
    struct wf_text text;

    wf_text_init(&text, message, sizeof message);
    wf_text_add(&text, "Executing one turn of loop '%s' took %.3f seconds (", notice->loop_name,
                seconds(notice->times.took));
    describe_parts(&notice->times, &text);
    wf_text_add(&text, "): none of its callbacks was slow alone, one was %s",
                notice->culprit.info.object);
    report.kind = WEFT_REPORT_SLOW_CALLBACK;
    report.message = message;
    report.subject = notice->loop_name;
    report.label = notice->culprit.label[0] != '\0' ? notice->culprit.label : NULL;
    wf_report(&report);
}

void wf_notice_starved(const char *loop_name, const struct wf_culprit *culprit,
                       const struct wf_stall_times *times)
{
    bool is_long = times->delay + times->missed >= WF_LONG_STANDSTILL;
    char parts[160];
    struct wf_text text;

    wf_text_init(&text, parts, sizeof parts);
    describe_parts(times, &text);
    weft_log(is_long ? WEFT_LOG_INFO : WEFT_LOG_DEBUG, "weft",
             "loop '%s' was kept from running: %s took %.3f seconds (%s)", loop_name,
             culprit->info.object, seconds(times->took), parts);
}

static enum weft_stall_cause public_cause(enum wf_stall_cause cause)
{
    return cause == WF_STALL_BUSY      ? WEFT_STALL_BUSY
           : cause == WF_STALL_BLOCKED ? WEFT_STALL_BLOCKED
                                       : WEFT_STALL_STARVED;
}

static void describe_notice(const struct wf_notice *notice, char *message, size_t size)
{
    const struct wf_stall_times *times = &notice->times;
    struct wf_text text;

    wf_text_init(&text, message, size);
    if (notice->is_starved) {
        wf_text_add(&text, "loop '%s' gets no processor: ", notice->loop_name);
    } else if (notice->is_turn) {
        wf_text_add(&text, "loop '%s' has not polled for %.3f seconds, now in ", notice->loop_name,
                    seconds(times->took));
    } else {
        wf_text_add(&text, "loop '%s' is %s: ", notice->loop_name,
                    times->cpu >= times->blocked ? "busy" : "blocked");
    }
    wf_text_add(&text, "%s", notice->culprit.info.object);
    if (!notice->is_turn) {
        wf_text_add(&text, " runs for %.3f seconds", seconds(times->took));
    }
    wf_text_add(&text, " (");
    describe_parts(times, &text);
    wf_text_add(&text, ")");
    if (notice->n_kept > 0) {
        wf_text_add(&text, "; %u such reports were left out", notice->n_kept);
    }
}

static void call_listener(const struct wf_notice *notice, const char *message, const char *label,
                          const char *stack)
{
    pthread_mutex_lock(&listener.mu);
    weft_stall_fn *handler = listener.handler;
    void *data = listener.data;
    pthread_mutex_unlock(&listener.mu);
    if (handler == NULL) {
        return;
    }
    weft_stall stall = {
        .size = sizeof stall,
        .loop = notice->loop,
        .loop_name = notice->loop_name,
        .message = message,
        .object = notice->culprit.info.object,
        .subject = notice->culprit.info.subject,
        .label = label,
        .origin = notice->culprit.info.origin,
        .stack = stack,
        .lasts = notice->times.counted,
        .cause = public_cause(notice->times.cause),
        .n = notice->n,
    };
    handler(&stall, data);
}

void wf_notice_send(const struct wf_notice *notice)
{
    const char *label = notice->culprit.label[0] != '\0' ? notice->culprit.label : NULL;
    char message[TEXT_SIZE];
    char stack[WF_LIVE_STACK_TEXT];

    describe_notice(notice, message, sizeof message);
    if (notice->has_stack) {
        wf_live_stack_print(stack, sizeof stack);
    }
    if (notice->is_starved) {
        weft_log(WEFT_LOG_INFO, "weft", "%s", message);
    } else if (notice->is_logged) {
        weft_report report = WEFT_REPORT_INIT;
        report.kind = WEFT_REPORT_BLOCKED_LOOP;
        report.message = message;
        report.subject = notice->culprit.info.subject[0] != '\0' ? notice->culprit.info.subject
                                                                 : notice->loop_name;
        report.origin = notice->culprit.info.origin;
        report.label = label;
        report.stack = notice->has_stack ? stack : NULL;
        wf_report(&report);
    }
    call_listener(notice, message, label, notice->has_stack ? stack : NULL);
}

void wf_notice_standstill(weft_duration missed)
{
    weft_log(WEFT_LOG_INFO, "weft",
             "the process stood still for %.1f seconds: it was stopped, or the machine was",
             seconds(missed));
}

void wf_notice_begin_child(void)
{
    pthread_mutex_init(&listener.mu, NULL);
}

void weft_set_stall_handler(weft_stall_fn *handler, void *data)
{
    pthread_mutex_lock(&listener.mu);
    listener.handler = handler;
    listener.data = data;
    pthread_mutex_unlock(&listener.mu);
}

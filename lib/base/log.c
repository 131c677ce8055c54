/*
 * The log: one sink, any thread, no lock.
 *
 * Sink and data are read as one pair through an atomic pointer, so that a
 * change from another thread is never seen half. A pair is kept until the
 * process ends, since another thread may be inside the sink; one that is set
 * again is found and used again, so they are as many as the program has sinks.
 */

#include "base/log.h"

#include "base/alloc.h"
#include "base/creation.h"
#include "base/frame.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_SIZE = 1024,
    REPORT_SIZE = 8192,
    MAX_CALLS_NAMED = 5 /* a minute */
};

struct sink {
    weft_log_fn *write;
    void *data;
    struct sink *older; /* owned; constant once published */
};

static void write_to_stderr(const weft_log_record *record, void *data);

static struct sink stderr_sink = { write_to_stderr, NULL, NULL };
/* atomic: publishes the pairs, newest first; the last one is stderr's */
static _Atomic(struct sink *) all_sinks = &stderr_sink;
/* atomic: publishes the pair; pairs with the acquire in send_record */
static _Atomic(struct sink *) current_sink = &stderr_sink;
static atomic_int least_level = WEFT_LOG_INFO; /* relaxed: a filter, no data behind it */

const char *weft_log_level_name(enum weft_log_level level)
{
    switch (level) {
    case WEFT_LOG_DEBUG:
        return "DEBUG";
    case WEFT_LOG_INFO:
        return "INFO";
    case WEFT_LOG_WARNING:
        return "WARNING";
    case WEFT_LOG_ERROR:
        return "ERROR";
    case WEFT_LOG_CRITICAL:
        return "CRITICAL";
    }
    return "NOTSET";
}

const char *weft_report_kind_name(enum weft_report_kind kind)
{
    static const char *const names[] = {
#define NAME(name, text, level) [WEFT_REPORT_##name] = (text),
        WEFT_REPORT_MAP(NAME)
#undef NAME
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static enum weft_log_level report_level(enum weft_report_kind kind)
{
    static const enum weft_log_level levels[] = {
#define LEVEL(name, text, level) [WEFT_REPORT_##name] = WEFT_LOG_##level,
        WEFT_REPORT_MAP(LEVEL)
#undef LEVEL
    };
    return (size_t)kind < sizeof levels / sizeof levels[0] ? levels[kind] : WEFT_LOG_ERROR;
}

static void write_to_stderr(const weft_log_record *record, void *data)
{
    char text[REPORT_SIZE];
    int len = snprintf(text, sizeof text, "%s: %s: %s\n", record->logger,
                       weft_log_level_name(record->level), record->message);

    (void)data;
    if (len <= 0) {
        return;
    }
    size_t size = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    text[size - 1] = '\n';
    ssize_t ignored = write(STDERR_FILENO, text, size); /* a lost stderr has no other channel */
    (void)ignored;
}

static void send_record(const weft_log_record *record)
{
    struct sink *sink = atomic_load_explicit(&current_sink, memory_order_acquire);

    sink->write(record, sink->data);
}

static struct sink *find_sink(weft_log_fn *write, void *data)
{
    struct sink *sink = atomic_load_explicit(&all_sinks, memory_order_acquire);

    while (sink != NULL && (sink->write != write || sink->data != data)) {
        sink = sink->older;
    }
    return sink;
}

static struct sink *make_sink(weft_log_fn *write, void *data)
{
    struct sink *sink = wf_new(struct sink);

    if (sink == NULL) {
        return &stderr_sink; /* the one way that is left without memory */
    }
    sink->write = write;
    sink->data = data;
    sink->older = atomic_load_explicit(&all_sinks, memory_order_relaxed);
    /* Publishes the pair; pairs with the acquire in find_sink. */
    while (!atomic_compare_exchange_weak_explicit(&all_sinks, &sink->older, sink,
                                                  memory_order_acq_rel, memory_order_relaxed)) {
    }
    return sink;
}

void weft_log_set_sink(weft_log_fn *write, void *data)
{
    struct sink *sink = &stderr_sink;

    if (write != NULL) {
        sink = find_sink(write, data);
        if (sink == NULL) {
            sink = make_sink(write, data);
        }
    }
    atomic_store_explicit(&current_sink, sink, memory_order_release);
}

void weft_log_set_level(enum weft_log_level level)
{
    atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

enum weft_log_level weft_log_get_level(void)
{
    return (enum weft_log_level)atomic_load_explicit(&least_level, memory_order_relaxed);
}

void weft_log(enum weft_log_level level, const char *logger, const char *format, ...)
{
    if (level < weft_log_get_level()) {
        return;
    }
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format != NULL ? format : "(null)", arguments);
    va_end(arguments);

    weft_log_record record = { sizeof record, level, logger != NULL ? logger : "weft", text, NULL };
    send_record(&record);
}

void wf_log_asked(const char *logger, const char *line)
{
    weft_log_record record = { sizeof record, WEFT_LOG_INFO, logger, line, NULL };

    send_record(&record);
}

/* A program that was built before there was one hands over a smaller report. */
static bool has_source_traceback(const weft_report *report)
{
    return report->size >= sizeof *report && report->source_traceback != NULL;
}

static void format_report(const weft_report *report, char *text, size_t size)
{
    int len = snprintf(text, size, "%s", report->message != NULL ? report->message : "");
    size_t used = len > 0 ? (size_t)len : 0;

    if (report->object != NULL && used < size) {
        len = snprintf(text + used, size - used, "\n  object: %s", report->object);
        used += len > 0 ? (size_t)len : 0;
    }
    if (report->origin != NULL && used < size) {
        len = snprintf(text + used, size - used, "\n  created at: %s (%s:%d)",
                       report->origin->function, report->origin->file, report->origin->line);
        used += len > 0 ? (size_t)len : 0;
    }
    if (report->label != NULL && used < size) {
        len = snprintf(text + used, size - used, "\n  label: %s", report->label);
        used += len > 0 ? (size_t)len : 0;
    }
    if (report->stack != NULL && used < size) {
        len = snprintf(text + used, size - used, "\n%s", report->stack);
        used += len > 0 ? (size_t)len : 0;
        used = used < size ? used : size - 1;
        if (used > 0 && text[used - 1] == '\n') {
            text[--used] = '\0';
        }
    }
    if (has_source_traceback(report) && used < size) {
        len = snprintf(text + used, size - used, "\n%s", report->source_traceback);
        used += len > 0 ? (size_t)len : 0;
    }
    if (report->error != NULL && used + 1 < size) {
        text[used++] = '\n';
        weft_error_format(report->error, text + used, size - used);
        used += strlen(text + used);
        if (used > 0 && text[used - 1] == '\n') {
            text[used - 1] = '\0';
        }
    } else if (report->code != 0 && used < size) {
        snprintf(text + used, size - used, "\n%s: %s", weft_error_name(report->code),
                 weft_strerror(report->code));
    }
}

void wf_report(const weft_report *report)
{
    enum weft_log_level level = report_level(report->kind);

    if (level < weft_log_get_level()) {
        return;
    }
    char text[REPORT_SIZE];
    format_report(report, text, sizeof text);
    weft_log_record record = { sizeof record, level, "weft", text, report };
    send_record(&record);
}

/*
 * Whose call it was, a few times a minute: names take their time, and a mistake in a loop would
 * be told of again and again.
 */
static const char *describe_call(char *room)
{
    static _Atomic(weft_time) minute_start;
    static atomic_int n_in_minute;
    weft_time now = weft_clock_now();

    if (now - atomic_load_explicit(&minute_start, memory_order_relaxed) > WEFT_S(60)) {
        atomic_store_explicit(&minute_start, now, memory_order_relaxed);
        atomic_store_explicit(&n_in_minute, 0, memory_order_relaxed);
    }
    return atomic_fetch_add_explicit(&n_in_minute, 1, memory_order_relaxed) < MAX_CALLS_NAMED
               ? wf_creation_describe_caller("Stack of the call", room)
               : NULL;
}

#ifdef __clang_analyzer__
#undef wf_misuse /* log.h tells it what comes of it */
#endif

int wf_misuse(enum weft_report_kind kind, int code, const char *format, ...)
{
    char message[256];
    char room[WF_CREATION_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    (void)weft_fail_at(NULL, code, "%s", message); /* returned below */
    weft_report report = WEFT_REPORT_INIT;
    report.kind = kind;
    report.message = message;
    report.code = code;
    report.source_traceback = describe_call(room);
    wf_report(&report);

    const char *action = getenv("WEFT_MISUSE");
    if (action != NULL && strcmp(action, "abort") == 0) {
        abort();
    }
    return code;
}

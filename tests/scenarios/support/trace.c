/*
 * What a scenario prints: lines, names of errors, LOG lines.
 *
 * A line is one write, so that lines of several threads do not mix.
 */

#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_SIZE = 4096,
    N_TEXTS = 8,
    TEXT_SIZE = 512
};

void trace(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    printf("%s\n", line);
    fflush(stdout);
}

/* A text that stays valid while the next few are made: for several in one line. */
static char *next_text(void)
{
    static _Thread_local char texts[N_TEXTS][TEXT_SIZE];
    static _Thread_local unsigned turn;

    return texts[turn++ % N_TEXTS];
}

static const char *class_name(int code)
{
    switch (code) {
    case VALUE_ERROR:
        return "ValueError";
    case KEY_ERROR:
        return "KeyError";
    case OS_ERROR:
        return "OSError";
    case CONNECTION_ERROR:
        return "ConnectionError";
    default:
        return weft_error_asyncio_name(code);
    }
}

static size_t append(char *text, size_t used, const char *more)
{
    int n = snprintf(text + used, TEXT_SIZE - used, "%s", more);

    return used + (size_t)n < TEXT_SIZE ? used + (size_t)n : TEXT_SIZE - 1;
}

static size_t append_error(char *text, size_t used, const weft_error *error)
{
    int code = weft_error_get_code(error);

    used = append(text, used, class_name(code));
    if (code != WEFT_EGROUP) {
        return used;
    }
    used = append(text, used, "[");
    for (size_t i = 0; i < weft_error_get_n_children(error); i++) {
        used = append(text, used, i > 0 ? "," : "");
        used = append_error(text, used, weft_error_get_child(error, i));
    }
    return append(text, used, "]");
}

const char *err_of(const weft_error *error)
{
    char *text = next_text();

    append_error(text, 0, error);
    return text;
}

const char *err(int code)
{
    const weft_error *error = weft_current_error();

    if (code == WEFT_EGROUP && error != NULL && weft_error_get_code(error) == code) {
        return err_of(error);
    }
    return code == 0 ? "no error" : class_name(code);
}

const char *message(int code)
{
    return weft_current_message(code);
}

const char *cancel_message(void)
{
    const weft_error *error = weft_current_error();

    if (error == NULL || weft_error_get_code(error) != WEFT_ECANCELED ||
        weft_error_get_message(error)[0] == '\0') {
        return "none";
    }
    return weft_error_get_message(error);
}

const char *show(const void *data, size_t size)
{
    const char *bytes = data;
    char *text = next_text();
    size_t used = 0;

    text[0] = '\0';
    if (size == 0) {
        return "empty";
    }
    for (size_t i = 0; i < size; i++) {
        char plain[2] = { bytes[i], '\0' };
        const char *piece = bytes[i] == '\r' ? "\\r" : bytes[i] == '\n' ? "\\n" : plain;

        used = append(text, used, bytes[i] == '\0' ? "\\0" : piece);
    }
    return text;
}

/* ---- the log ---- */

/* Slow callbacks name the object in the message alone: "Executing <Task ...> took ...". */
static int is_about_task(const weft_report *report)
{
    const char *object = report->object != NULL ? report->object : report->message;

    return object != NULL && strstr(object, "<Task ") != NULL;
}

/* "task=NAME", "callback=NAME" and so on; empty when the line names no object. */
static void format_subject(const weft_report *report, char *text, size_t size)
{
    const char *name = report->subject != NULL ? report->subject : "?";

    text[0] = '\0';
    switch (report->kind) {
    case WEFT_REPORT_NEVER_AWAITED:
        snprintf(text, size, " coroutine=%s", name);
        break;
    case WEFT_REPORT_CALLBACK_EXCEPTION:
        snprintf(text, size, " callback=%s", name);
        break;
    case WEFT_REPORT_SLOW_CALLBACK:
        snprintf(text, size, is_about_task(report) ? " task=%s" : " callback=%s", name);
        break;
    case WEFT_REPORT_EXCEPTION_NEVER_RETRIEVED:
        if (!is_about_task(report)) {
            snprintf(text, size, " future");
            break;
        }
        /* fall through */
    case WEFT_REPORT_PENDING_TASK_DESTROYED:
    case WEFT_REPORT_RUN_SHUTDOWN_EXCEPTION:
        snprintf(text, size, " task=%s", name);
        break;
    case WEFT_REPORT_EXCEPTION_HANDLER_ERROR:
    case WEFT_REPORT_UNCLOSED_TRANSPORT:
    case WEFT_REPORT_UNCLOSED_LOOP:
    case WEFT_REPORT_UNCLOSED_EXECUTOR:
        break;
    case WEFT_REPORT_WRONG_THREAD:
    case WEFT_REPORT_MISUSE:
    case WEFT_REPORT_SHUTDOWN_SURVIVOR:
    case WEFT_REPORT_MESSAGE:
    case WEFT_REPORT_BLOCKED_LOOP:
    case WEFT_REPORT_EXECUTOR_SATURATED:
    case WEFT_REPORT_LONG_JOB:
    case WEFT_REPORT_ABANDONED_JOB:
    case WEFT_REPORT_CANCEL_IGNORED:
    case WEFT_REPORT_LOCK_LEFT_BEHIND:
    case WEFT_REPORT_WAIT_CYCLE:
    case WEFT_REPORT_EXCEPTION_UNREAD:
        snprintf(text, size, " %s", report->message != NULL ? report->message : "?");
        break;
    }
}

/* Called from any thread at the moment of a report. */
static void on_record(const weft_log_record *record, void *data)
{
    const weft_report *report = record->report;
    char subject[TEXT_SIZE];

    (void)data;
    if (report == NULL) {
        trace("LOG message %s", record->message);
        return;
    }
    format_subject(report, subject, sizeof subject);
    trace("LOG %s%s%s%s", weft_report_kind_name(report->kind), subject,
          report->code != 0 ? " " : "", report->code != 0 ? class_name(report->code) : "");
}

void watch_logs_from(enum weft_log_level level)
{
    weft_log_set_level(level);
    weft_log_set_sink(on_record, NULL);
}

void watch_logs(void)
{
    watch_logs_from(WEFT_LOG_WARNING);
}

/* ---- checking ---- */

/* The scenario cannot go on; its trace ends here and differs. */
static _Noreturn void give_up(const char *what, const char *why, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, why);
    fflush(NULL);
    _Exit(1);
}

int must_at(int result, const char *what, const char *file, int line)
{
    if (result < 0) {
        give_up(what, weft_current_message(result), file, line);
    }
    return result;
}

void *must_have_at(void *pointer, const char *what, const char *file, int line)
{
    if (pointer == NULL) {
        give_up(what, "NULL", file, line);
    }
    return pointer;
}

#ifndef WEFT_LOG_H
#define WEFT_LOG_H

/*
 * log.h: the one sink, and the reports that go to it.
 *
 * The library returns failures; it logs nothing but *reports*: the traps of
 * "Develop with asyncio", each once, at its level. A report reaches the loop's
 * exception handler first where asyncio does that (loop.h), then this sink.
 * The default sink writes a line to standard error.
 *
 * The sink may be called from any thread, several at once, never under a lock
 * of the library. It must not block a loop.
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** Python's levels. */
enum weft_log_level {
    WEFT_LOG_DEBUG = 10,
    WEFT_LOG_INFO = 20,
    WEFT_LOG_WARNING = 30,
    WEFT_LOG_ERROR = 40,
    WEFT_LOG_CRITICAL = 50
};

/* kind, the short name that machines match, level */
#define WEFT_REPORT_MAP(X)                                           \
    X(NEVER_AWAITED, "never-awaited", WARNING)                       \
    X(EXCEPTION_NEVER_RETRIEVED, "exception-never-retrieved", ERROR) \
    X(PENDING_TASK_DESTROYED, "pending-task-destroyed", ERROR)       \
    X(SLOW_CALLBACK, "slow-callback", WARNING)                       \
    X(CALLBACK_EXCEPTION, "callback-exception", ERROR)               \
    X(EXCEPTION_HANDLER_ERROR, "exception-handler-error", ERROR)     \
    X(RUN_SHUTDOWN_EXCEPTION, "run-shutdown-exception", ERROR)       \
    X(UNCLOSED_TRANSPORT, "unclosed-transport", WARNING)             \
    X(UNCLOSED_LOOP, "unclosed-loop", WARNING)                       \
    X(WRONG_THREAD, "wrong-thread", ERROR)                           \
    X(MISUSE, "misuse", ERROR)                                       \
    X(SHUTDOWN_SURVIVOR, "shutdown-survivor", WARNING)               \
    X(MESSAGE, "message", ERROR)                                     \
    X(BLOCKED_LOOP, "blocked-loop", WARNING)                         \
    X(EXECUTOR_SATURATED, "executor-saturated", WARNING)             \
    X(LONG_JOB, "long-job", WARNING)                                 \
    X(ABANDONED_JOB, "abandoned-job", WARNING)                       \
    X(CANCEL_IGNORED, "cancel-ignored", WARNING)                     \
    X(LOCK_LEFT_BEHIND, "lock-left-behind", ERROR)                   \
    X(WAIT_CYCLE, "wait-cycle", ERROR)                               \
    X(UNCLOSED_EXECUTOR, "unclosed-executor", WARNING)               \
    X(EXCEPTION_UNREAD, "exception-unread", WARNING)

/** What a report is about. */
enum weft_report_kind {
#define WEFT_REPORT_ENUM(name, text, level) WEFT_REPORT_##name,
    WEFT_REPORT_MAP(WEFT_REPORT_ENUM)
#undef WEFT_REPORT_ENUM
};

/**
 * One report; asyncio's "context" of call_exception_handler. Set <size> by
 * WEFT_REPORT_INIT. Texts are borrowed for the length of the call.
 */
typedef struct weft_report {
    size_t size;
    enum weft_report_kind kind;
    const char *message;       /* asyncio's wording where asyncio has one */
    const char *subject;       /* name of the task, coroutine or callback, or NULL */
    const char *object;        /* one-line description of the object, or NULL */
    const weft_error *error;   /* what went wrong, or NULL */
    int code;                  /* the error's code, 0 when there is none */
    const weft_origin *origin; /* where the object was made, or NULL */
    void *source;              /* the task or future itself; NULL also for callbacks: a
                                  handle is spent when it runs */
    const char *label;         /* whose work it is (weft_set_label), or NULL */
    const char *stack;         /* lines of a C stack, each with its line end, or NULL */
    /* In level full, in lines: "Object created at (most recent call last):", then a line for
     * each caller; else NULL. asyncio's source_traceback and handle_traceback. */
    const char *source_traceback;
} weft_report;

#define WEFT_REPORT_INIT                                                                       \
    {                                                                                          \
        sizeof(weft_report), WEFT_REPORT_MESSAGE, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, \
            NULL, NULL                                                                         \
    }

/** The short name of <kind>: "never-awaited". Thread: any. Owns: static text. */
WEFT_API const char *weft_report_kind_name(enum weft_report_kind kind);

/** What a sink is handed; everything in it is borrowed for the call. */
typedef struct weft_log_record {
    size_t size;
    enum weft_log_level level;
    const char *logger;        /* "weft" for the library */
    const char *message;       /* the whole text, may hold several lines */
    const weft_report *report; /* NULL for plain lines */
} weft_log_record;

/** Takes one record. Called from any thread, several at once. */
typedef void weft_log_fn(const weft_log_record *record, void *data);

/**
 * Send all records to <sink>; NULL restores the default, a line on stderr.
 *
 * Thread: any; records on their way may still reach the old sink.
 * Owns:   <data> must live until the process ends or, after a change, until
 *         no thread of the library can be inside the old sink.
 */
WEFT_API void weft_log_set_sink(weft_log_fn *sink, void *data);

/** Drop what lies below <level>; the default is WEFT_LOG_INFO. Thread: any. Owns: nothing. */
WEFT_API void weft_log_set_level(enum weft_log_level level);
/** The level below which records are dropped. Thread: any. Owns: nothing. */
WEFT_API enum weft_log_level weft_log_get_level(void);
/** "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL". Thread: any. Owns: static text. */
WEFT_API const char *weft_log_level_name(enum weft_log_level level);

/**
 * Log one line of the program's own through the same sink.
 *
 * Thread: any.
 * Owns:   texts are copied or written before it returns. Lines are cut at 1023 bytes.
 */
WEFT_API void weft_log(enum weft_log_level level, const char *logger, const char *format, ...)
    WEFT_PRINTF(3, 4);

WEFT_END_DECLS

#endif

#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

/*
 * error.h: error codes, error traces, and the two macros that write them.
 *
 * A function returns 0 or a negative code. Codes of the system pass through
 * unchanged (-ECONNREFUSED); weft's own begin at -5000; an application's own
 * are WEFT_EUSER(0), WEFT_EUSER(1), ... and weft hands them on untouched.
 *
 * A code says what, an error trace says where and why. `weft_fail` attaches a
 * message and the place to the running task (or executor job, or plain
 * thread); WEFT_TRY adds a breadcrumb on the way out. When the task ends with
 * that code the trace goes with it, to whoever awaits the task or, if nobody
 * does, into the log.
 *
 *     static int load(void *arg)
 *     {
 *         if (arg == NULL) {
 *             return weft_fail(WEFT_EINVAL, "no path given");
 *         }
 *         WEFT_TRY(open_it(arg));
 *         return 0;
 *     }
 *
 * Read result.h next.
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/* code, value, text, the class that asyncio raises there */
#define WEFT_ERROR_MAP(X)                                                                       \
    X(ECANCELED, -5000, "the operation was cancelled", "CancelledError")                        \
    X(ETIMEDOUT, -5001, "the time limit passed", "TimeoutError")                                \
    X(EINVALIDSTATE, -5002, "the object is not in a state for this", "InvalidStateError")       \
    X(EWRONGTHREAD, -5003, "called from a thread that does not own the object", "RuntimeError") \
    X(EINVAL, -5004, "bad argument", "ValueError")                                              \
    X(ENOMEM, -5005, "out of memory", "MemoryError")                                            \
    X(ERUNTIME, -5006, "the call is wrong here and now", "RuntimeError")                        \
    X(ENOLOOP, -5007, "no running event loop", "RuntimeError")                                  \
    X(ECLOSED, -5008, "the object is closed", "RuntimeError")                                   \
    X(ESHUTDOWN, -5009, "the executor is shut down", "RuntimeError")                            \
    X(EDEADLOCK, -5010, "the call would wait for itself", "RuntimeError")                       \
    X(EFORKED, -5011, "weft does not work in a forked child", "RuntimeError")                   \
    X(EGROUP, -5012, "several tasks failed", "ExceptionGroup")                                  \
    X(EQUEUEEMPTY, -5013, "the queue is empty", "QueueEmpty")                                   \
    X(EQUEUEFULL, -5014, "the queue is full", "QueueFull")                                      \
    X(EQUEUESHUTDOWN, -5015, "the queue is shut down", "QueueShutDown")                         \
    X(EINCOMPLETEREAD, -5016, "the stream ended early", "IncompleteReadError")                  \
    X(ELIMITOVERRUN, -5017, "the separator is not within the limit", "LimitOverrunError")       \
    X(EBROKENBARRIER, -5018, "the barrier is broken", "BrokenBarrierError")                     \
    X(EINTERRUPTED, -5019, "interrupted by a signal", "KeyboardInterrupt")                      \
    X(EADDRINFO, -5020, "name resolution failed", "gaierror")                                   \
    X(ENOSTACK, -5021, "no more coroutine stacks", "MemoryError")                               \
    X(ELOOKUP, -5022, "no such value", "LookupError")                                           \
    X(EBROKENPROCESS, -5023, "the worker process died", "BrokenProcessPool")                    \
    X(ELINETOOLONG, -5024, "the line is longer than the limit", "ValueError")

/** weft's own codes: WEFT_ECANCELED, ... */
enum weft_error_code {
#define WEFT_ERROR_ENUM(name, value, text, asyncio) WEFT_##name = (value),
    WEFT_ERROR_MAP(WEFT_ERROR_ENUM)
#undef WEFT_ERROR_ENUM
};

/** Codes for applications: WEFT_EUSER(n) for n from 0 to 89999. */
#define WEFT_EUSER(n) (-10000 - (n))

/** One place that an error passed through. */
typedef struct weft_error_place {
    const char *function;
    const char *file;
    int line;
} weft_error_place;

/** What is known about one failure: code, message, places, causes. */
typedef struct weft_error weft_error;

/**
 * The symbolic name of <code>: "WEFT_ECANCELED", "ECONNREFUSED", "EUSER(3)".
 *
 * Thread: any.
 * Owns:   the text is static or, for application codes, thread-local until
 *         the next call.
 */
WEFT_API const char *weft_error_name(int code);

/**
 * The sentence for <code>.
 *
 * Thread: any.
 * Owns:   as weft_error_name.
 */
WEFT_API const char *weft_strerror(int code);

/**
 * The class that asyncio raises where weft returns <code> ("TimeoutError"),
 * for system codes Python's name ("ConnectionRefusedError"); "Exception" when
 * there is none.
 *
 * Thread: any.
 * Owns:   the text is static.
 */
WEFT_API const char *weft_error_asyncio_name(int code);

/**
 * Attach a message and this place to the running task and return <code>.
 *
 * It replaces what an earlier failure of the same task left. Without memory
 * the message is lost, the code never is. Messages are cut at 255 bytes.
 *
 * Thread: any; it writes to the running task, executor job or plain thread.
 * Owns:   the text is copied.
 * Errors: always returns <code>.
 * See:    WEFT_TRY, weft_current_error.
 */
#define weft_fail(code, ...) weft_fail_at(WEFT_ORIGIN(NULL), (code), __VA_ARGS__)

/**
 * The function under weft_fail.
 *
 * Thread: any.
 * Owns:   <origin> must be static; the text is copied.
 */
WEFT_API int weft_fail_at(const weft_origin *origin, int code, const char *format, ...)
    WEFT_PRINTF(3, 4);

/** Return from the calling function when <expr> is negative, leaving a breadcrumb. */
#define WEFT_TRY(expr)                                          \
    do {                                                        \
        int weft_try_ = (expr);                                 \
        if (weft_try_ < 0) {                                    \
            weft_trace_at(WEFT_ORIGIN(#expr), weft_try_);       \
            return weft_try_; /* the compiler sees: negative */ \
        }                                                       \
    } while (0)

/**
 * Add <origin> to the trace of the running task's error, if that is <code>;
 * the first 16 places are kept.
 *
 * Thread: any.
 * Owns:   <origin> must be static.
 * Errors: always returns <code>.
 */
WEFT_API int weft_trace_at(const weft_origin *origin, int code);

/**
 * The error that the running task (job, plain thread) met last, or NULL.
 *
 * Thread: any.
 * Owns:   borrowed: valid until the next failure or suspension of the caller.
 * See:    weft_error_ref.
 */
WEFT_API const weft_error *weft_current_error(void);

/**
 * The message that goes with <code> in the running task; the table's text
 * when nobody gave one.
 *
 * Thread: any.
 * Owns:   borrowed: valid until the next failure or suspension of the caller.
 */
WEFT_API const char *weft_current_message(int code);

/**
 * The number that goes with <code> in the running task: for WEFT_EADDRINFO the EAI_...
 * number of the resolver, for WEFT_EINCOMPLETEREAD how many bytes were expected (-1:
 * undefined), for WEFT_ELIMITOVERRUN how many were searched; else 0. It travels in the
 * error, as the message does, and is 0 when there was no memory for one.
 *
 * Thread: any.
 * Owns:   nothing.
 */
WEFT_API int64_t weft_current_detail(int code);

/**
 * Let <error> be the current error of the running task, as if it had failed
 * here, and return its code. NULL clears it and returns 0: a code may have
 * travelled alone, as that of a cancel without a message does, so after a
 * cleanup return the code that you kept, not what this returns.
 *
 * Thread: any.
 * Owns:   takes a reference of its own.
 */
WEFT_API int weft_raise(const weft_error *error);

/**
 * Read an error.
 *
 * Thread: any; an error is not changed by a thread that does not own it.
 * Owns:   results are borrowed and live as long as the error.
 */
WEFT_API int weft_error_get_code(const weft_error *error);
/** The message, "" when there is none. Thread: any. Owns: borrowed. */
WEFT_API const char *weft_error_get_message(const weft_error *error);
/** The number that goes with it; see weft_current_detail. Thread: any. Owns: nothing. */
WEFT_API int64_t weft_error_get_detail(const weft_error *error);
/** The number of places. Thread: any. Owns: nothing. */
WEFT_API size_t weft_error_get_n_places(const weft_error *error);
/** Place <i>, the innermost first. Thread: any. Owns: borrowed. */
WEFT_API weft_error_place weft_error_get_place(const weft_error *error, size_t i);
/** The number of errors that a group collected. Thread: any. Owns: nothing. */
WEFT_API size_t weft_error_get_n_children(const weft_error *error);
/** Error <i> of a group, in the order of failing. Thread: any. Owns: borrowed. */
WEFT_API const weft_error *weft_error_get_child(const weft_error *error, size_t i);

/**
 * Write the trace as reports print it, a line a place, into <buffer>.
 *
 * Thread: any.
 * Owns:   nothing.
 * Units:  <size> in bytes; the text is cut and always terminated.
 */
WEFT_API void weft_error_format(const weft_error *error, char *buffer, size_t size);

/**
 * Share an error, so that it outlives the task that met it.
 *
 * Thread: any.
 * Owns:   the caller owns one reference more; NULL is passed through.
 */
WEFT_API const weft_error *weft_error_ref(const weft_error *error);
/** Give a reference back; always returns NULL. Thread: any. Owns: consumes one reference. */
WEFT_API const weft_error *weft_error_unref(const weft_error *error);

WEFT_END_DECLS

#endif

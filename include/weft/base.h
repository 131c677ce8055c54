#ifndef WEFT_BASE_H
#define WEFT_BASE_H

/*
 * base.h: what every other header stands on.
 *
 * Linkage and attribute macros, the record of where a call was made, and the
 * value that a task, a future or an executor's job hands to whoever waits.
 *
 * Calls. The object comes first, and a NULL loop is the running one; then what is to be
 * done, then options (weft_runtime_run, whose options are the runtime, begins with
 * them). Outputs come last, are named out_... and are untouched on failure. Where asyncio
 * has a name, weft has it too; get_, is_ and set_ stand before what is weft's own. A
 * question is answered by not 0 when it is so.
 *
 * A call that makes something returns a code, and gives the thing by its last
 * parameter. Two kinds are returned themselves, NULL without memory: what is made for
 * one scope and goes straight into the next call (coroutine object, timeout scope,
 * task group, runner), which answers NULL with WEFT_ENOMEM, so that nothing need be
 * checked in between; and what only holds values (a loop's future, bytes, contexts and
 * their variables).
 *
 * Words. create and destroy: one owner, who ends it. ref and unref: shared; unref
 * gives NULL. NULL is a no-op to both ends. ..._with: the same with one more choice.
 * ..._threadsafe: from any thread. Options are structs that start with their size,
 * set by an ..._INIT; NULL options are the defaults.
 *
 * Origins. Every call that creates something is a macro over a real exported
 * function whose first parameter is a pointer to one static record: function,
 * file, line and the text of the argument that names the work. It costs one
 * register. A foreign-function interface calls the exported function itself,
 * named ..._at, and passes NULL or a record of its own. (weft_timeout_create_at
 * and weft_loop_call_at are asyncio's names: that is a moment.)
 *
 *     weft_task *t;
 *     int r = weft_create_task(weft_coro_create(fetch, url), &t);
 *
 * Values. A weft_value is a pointer or a 64-bit integer, with an optional
 * destructor. A value with a destructor has one owner; one without is plain
 * data and may be copied freely.
 *
 * Each call says its thread (loop thread: the one of the object's loop; any), who owns
 * what is handed over, the units of numbers, and its errors beside WEFT_EINVAL for what
 * is no such object, WEFT_EWRONGTHREAD and WEFT_EFORKED, which every call may give
 * before it changes anything.
 *
 * Read error.h next.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEFT_BEGIN_DECLS extern "C" {
#define WEFT_END_DECLS   }
#else
#define WEFT_BEGIN_DECLS
#define WEFT_END_DECLS
#endif

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
#define WEFT_VERSION       "0.1.0"

#define WEFT_API             __attribute__((visibility("default")))
#define WEFT_NODISCARD       __attribute__((warn_unused_result))
#define WEFT_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

WEFT_BEGIN_DECLS

/** Where a call was made, and the text of what it was given ("fetch"). */
typedef struct weft_origin {
    const char *function;
    const char *file;
    int line;
    const char *what;
} weft_origin;

/* One static record per place in the source; its address is the argument. */
#define WEFT_ORIGIN(what_)                                                                 \
    __extension__({                                                                        \
        static const weft_origin weft_origin_ = { __func__, __FILE__, __LINE__, (what_) }; \
        &weft_origin_;                                                                     \
    })

/** Releases what <data> points to. */
typedef void weft_destroy_fn(void *data);

/** A pointer or an integer, with an optional destructor. All zero: no value. */
typedef struct weft_value {
    union {
        void *ptr;
        int64_t num;
    } as;
    weft_destroy_fn *destroy; /* NULL: plain data, copied freely */
} weft_value;

/** No value. Thread: any. Owns: nothing. */
static inline weft_value weft_value_none(void)
{
    weft_value v;
    v.as.num = 0;
    v.destroy = NULL;
    return v;
}

/** A number. Thread: any. Owns: nothing. */
static inline weft_value weft_value_int(int64_t number)
{
    weft_value v;
    v.as.num = number;
    v.destroy = NULL;
    return v;
}

/** A pointer with its destructor, NULL for plain data. Thread: any. Owns: the value owns what
 * <pointer> points to, unless <destroy> is NULL. */
static inline weft_value weft_value_ptr(void *pointer, weft_destroy_fn *destroy)
{
    weft_value v;
    v.as.num = 0;
    v.as.ptr = pointer;
    v.destroy = destroy;
    return v;
}

/** Run the destructor of <value>, if it has one, and empty it. Thread: any. Owns: consumes what it
 * holds; the struct is the caller's. */
static inline void weft_value_clear(weft_value *value)
{
    weft_destroy_fn *destroy = value->destroy;
    void *pointer = value->as.ptr;

    *value = weft_value_none();
    if (destroy != NULL) {
        destroy(pointer);
    }
}

/**
 * The version of the library at run time, as "major.minor.patch".
 *
 * Thread: any.
 * Owns:   the text is static.
 */
WEFT_API const char *weft_version(void);

WEFT_END_DECLS

#endif

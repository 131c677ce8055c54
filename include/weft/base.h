#ifndef WEFT_BASE_H
#define WEFT_BASE_H

/*
 * base.h: what every other header stands on.
 *
 * Linkage and attribute macros, the record of where a call was made, and the
 * value that a task, a future or an executor's job hands to whoever waits.
 *
 * Origins. Every call that creates something is a macro over a real exported
 * function whose first parameter is a pointer to one static record: function,
 * file, line and the text of the argument that names the work. It costs one
 * register. A foreign-function interface calls the exported function itself
 * and passes NULL or a record of its own.
 *
 *     weft_task *t;
 *     int r = weft_create_task(weft_coro_create(fetch, url), &t);
 *
 * Values. A weft_value is a pointer or a 64-bit integer, with an optional
 * destructor. A value with a destructor has one owner; one without is plain
 * data and may be copied freely.
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

static inline weft_value weft_value_none(void)
{
    weft_value v;
    v.as.num = 0;
    v.destroy = NULL;
    return v;
}

static inline weft_value weft_value_int(int64_t number)
{
    weft_value v;
    v.as.num = number;
    v.destroy = NULL;
    return v;
}

static inline weft_value weft_value_ptr(void *pointer, weft_destroy_fn *destroy)
{
    weft_value v;
    v.as.num = 0;
    v.as.ptr = pointer;
    v.destroy = destroy;
    return v;
}

/** Run the destructor of <value>, if it has one, and empty it. */
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

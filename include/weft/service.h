#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

/*
 * service.h: the contract between weftd and a service module.
 *
 * A module is a shared object with one WEFT_SERVICE. weftd names it in its
 * config, gives it listeners, and its worker process runs it on every loop:
 * each accepted connection is a task that calls <connected>.
 *
 *     static int upper(weft_service *service, weft_stream *stream)
 *     {
 *         ...
 *     }
 *
 *     WEFT_SERVICE(.name = "upper", .connected = upper);
 *
 * The descriptor is plain data in a section of its own ("weft.service"), with
 * the ABI number and the schema of the settings, so that weftd can check a
 * config against it without running any of the module's code.
 *
 * Life, on every loop of the worker:
 *
 *     start --connections--> stop (drain begins) --last task ends--> gone
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/stream.h"

WEFT_BEGIN_DECLS

/** What a module was compiled for; weftd refuses another. */
#define WEFT_SERVICE_ABI 1

struct weft_executor; /* executor.h */

/** One running service on one loop. */
typedef struct weft_service weft_service;

/** What a setting is. */
enum weft_setting_kind {
    WEFT_SETTING_STRING = 0,
    WEFT_SETTING_INT = 1,
    WEFT_SETTING_BOOL = 2,
    WEFT_SETTING_DURATION = 3, /* nanoseconds */
    WEFT_SETTING_SIZE = 4      /* bytes */
};

/** One setting that a module understands: a row of fixed size, readable from the file. */
typedef struct weft_setting_spec {
    char key[32];
    char fallback[64]; /* the default, written as in the config; "" with <required> */
    char doc[128];
    int32_t kind; /* enum weft_setting_kind */
    int32_t required;
    int64_t min; /* both 0: no bounds; for strings the length */
    int64_t max;
} weft_setting_spec;

/** How many settings a module may have. */
enum {
    WEFT_SERVICE_MAX_SETTINGS = 24
};

/** What a module is. Unset members are zero. */
typedef struct weft_service_descriptor {
    char magic[8]; /* "WEFTSVC" */
    uint32_t abi;  /* WEFT_SERVICE_ABI */
    uint32_t size; /* of this struct */
    char name[32];
    char version[32];
    weft_setting_spec settings[WEFT_SERVICE_MAX_SETTINGS];
    /** Before the first connection, in a task of each loop. May be NULL. Negative: not ready. */
    int (*start)(weft_service *service);
    /** One connection, as a task; the stream is closed and released afterwards. NULL: none. */
    int (*connected)(weft_service *service, weft_stream *stream);
    /** Work without connections, a task per loop that ends when cancelled. May be NULL. */
    int (*run)(weft_service *service);
    /** The drain begins: let long work come to its end. In a task. May be NULL. */
    int (*stop)(weft_service *service);
    /** All of it has ended on this loop: release what <start> made. It must not wait. May be NULL.
     */
    void (*gone)(weft_service *service);
} weft_service_descriptor;

/** Define the module's descriptor. Use it once, at file scope. */
#define WEFT_SERVICE(...)                                                                      \
    __attribute__((section("weft.service"), used, visibility("default")))                      \
    const weft_service_descriptor weft_service_descriptor_v1 = { .magic = "WEFTSVC",           \
                                                                 .abi = WEFT_SERVICE_ABI,      \
                                                                 .size = sizeof(               \
                                                                     weft_service_descriptor), \
                                                                 __VA_ARGS__ }

/**
 * What weftd knows about the service. It is implemented by the worker, which
 * exports these to the module.
 *
 * Thread: the loop's of <service>.
 * Owns:   results are borrowed and live as long as the service.
 */
WEFT_API const char *weft_service_get_name(const weft_service *service);
/** The setting, its default when the config is silent. Thread: loop thread. Owns: borrowed. */
WEFT_API const char *weft_service_get_string(const weft_service *service, const char *key);
/** Integers, booleans (0, 1), durations (ns) and sizes (bytes). Thread: loop thread. Owns:
 * nothing. */
WEFT_API int64_t weft_service_get_int(const weft_service *service, const char *key);
/** The module's own state on this loop. Thread: loop thread. Owns: the module's. */
WEFT_API void *weft_service_get_data(const weft_service *service);
/** Set it, usually in <start>. Thread: loop thread. Owns: the module keeps it. */
WEFT_API void weft_service_set_data(weft_service *service, void *data);
/** Whether the drain has begun. Thread: loop thread. Owns: nothing. */
WEFT_API int weft_service_is_draining(const weft_service *service);
/** The executor named <name> in the config; NULL name: the default. Thread: loop thread. Owns:
 * borrowed; NULL when there is none. */
WEFT_API struct weft_executor *weft_service_get_executor(const weft_service *service,
                                                         const char *name);

WEFT_END_DECLS

#endif

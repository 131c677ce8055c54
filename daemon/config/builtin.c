/*
 * The settings of the built-in modules, so that a config is checked and explained where the
 * modules themselves are not installed. A test holds them and the modules' own tables together.
 */
#include "config/schema.h"

#include <string.h>

#define MS INT64_C(1000000)
#define H  (INT64_C(3600000) * MS)

#define KIB INT64_C(1024)
#define MIB (INT64_C(1024) * KIB)
#define GIB (INT64_C(1024) * MIB)

#define NUMBER(kind_, path_, default_, min_, max_, doc_)                                   \
    {                                                                                      \
        .path = path_, .kind = CONFIG_KIND_##kind_, .default_text = default_, .min = min_, \
        .max = max_, .doc = doc_                                                           \
    }
#define TEXT(path_, default_, doc_)                                                    \
    {                                                                                  \
        .path = path_, .kind = CONFIG_KIND_TEXT, .default_text = default_, .doc = doc_ \
    }

/* What every module has that speaks HTTP. */
#define HTTP_LIMITS                                                                                \
    NUMBER(DURATION, "head_limit", "10s", 1 * MS, 1 * H,                                           \
           "Time for a request's head, from its first byte to the empty line."),                   \
        NUMBER(DURATION, "body_limit", "30s", 1 * MS, 24 * H, "Time for a request's whole body."), \
        NUMBER(DURATION, "idle_limit", "60s", 1 * MS, 24 * H,                                      \
               "How long a connection may be kept open between two requests."),                    \
        NUMBER(DURATION, "total_limit", "60s", 1 * MS, 24 * H,                                     \
               "Time for a request and its answer together."),                                     \
        NUMBER(SIZE, "max_head_size", "16KiB", 256, 1 * MIB,                                       \
               "The largest head of a request; a larger one is answered with 431."),               \
        NUMBER(                                                                                    \
            SIZE, "max_body_size", "1MiB", 0, 1 * GIB,                                             \
            "The largest body of a request; a larger one is answered with 413. 0B: no bodies."),   \
        NUMBER(SIZE, "max_target_length", "8KiB", 64, 1 * MIB,                                     \
               "The longest target (path and query) of a request; a longer one is answered with "  \
               "414."),                                                                            \
        NUMBER(INTEGER, "max_headers", "100", 1, 1000, "Header fields of a request at most."),     \
        NUMBER(INTEGER, "max_requests", "0", 0, 1000000000,                                        \
               "Requests on one connection before it is closed; 0: no limit.")

static const struct config_key http_keys[] = {
    HTTP_LIMITS,
    TEXT("root", "", "The directory whose files are served; without it, some pages of examples."),
    TEXT("index", "index.html", "What a directory is answered with; nothing: 404."),
    NUMBER(DURATION, "max_age", "0s", 0, 8760 * H,
           "How long clients may keep a file without asking; 0s: it is not said."),
};

static const struct config_key proxy_keys[] = {
    TEXT("upstreams", NULL,
         "The servers behind: HOST:PORT or unix:PATH, with commas between them."),
    NUMBER(DURATION, "connect_limit", "5s", 1 * MS, 1 * H, "Time to connect to an upstream."),
    NUMBER(DURATION, "answer_limit", "30s", 1 * MS, 24 * H,
           "Time for the head of its answer, and for each piece of a body; else 504."),
    NUMBER(DURATION, "keep_limit", "30s", 1 * MS, 24 * H,
           "How long a connection to an upstream is kept without use."),
    NUMBER(INTEGER, "max_kept", "32", 1, 10000, "Connections to upstreams that a loop keeps."),
    NUMBER(INTEGER, "fail_after", "3", 1, 1000,
           "After so many failures in a row to reach it an upstream is left out."),
    NUMBER(DURATION, "fail_for", "10s", 1 * MS, 24 * H,
           "For so long; then one request tries it again."),
    HTTP_LIMITS,
};

static const struct config_key echo_keys[] = {
    NUMBER(DURATION, "idle_limit", "5m", 1 * MS, 24 * H,
           "A connection on which nothing comes for so long is closed."),
};

static const struct config_key status_keys[] = {
    NUMBER(INTEGER, "board", "-1", -1, 1000000,
           "The descriptor of the figures, which the supervisor gives."),
};

#define KEYS(keys)                        \
    {                                     \
        keys, sizeof(keys) / sizeof *keys \
    }

static const struct {
    const char *name;
    struct config_module_schema schema;
} modules[] = {
    { "http", KEYS(http_keys) },
    { "proxy", KEYS(proxy_keys) },
    { "echo", KEYS(echo_keys) },
    { "status", KEYS(status_keys) },
};

const struct config_module_schema *config_builtin_module(const char *name)
{
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        if (strcmp(modules[i].name, name) == 0) {
            return &modules[i].schema;
        }
    }
    return NULL;
}

/*
 * The configuration of weftd: a file in (and those it includes), one validated and immutable struct
 * out.
 *
 *      weft.yaml --source--> text --tree--> nodes with places --bind--> struct config
 *                                                   |                       |
 *                                             schema table            cross checks
 *
 * Every key is a row of one table (schema.c). From that row come the check, the default, the
 * text of `weftd --explain KEY`, and what a reload has to do when the value changes. All the
 * mistakes of a file are collected in one run, each with its place:
 *
 *      weft.yaml:7:5: error: unknown key 'restrat' in services.web; did you mean 'restart'?
 *          7 |     restrat: on-failure
 *            |     ^~~~~~~
 *
 * Life: config_load() gives a struct that nobody changes; config_destroy() frees it with all it
 * points to. The worker never reads the file, which may have changed since: the supervisor
 * hands it config_to_json(), and config_from_json() gives back an equal struct.
 *
 *      struct config_errors errors;
 *      struct config *config = NULL;
 *      config_errors_init(&errors);
 *      int rc = config_load("weft.yaml", &config, &errors);
 *      config_errors_print(stderr, &errors);       (warnings too, when rc is 0)
 *      config_errors_fini(&errors);
 *
 * Thread: any; nothing here is shared. A finished struct config may be read by many threads.
 * Units: durations are signed nanoseconds, sizes are bytes.
 */
#ifndef WEFT_DAEMON_CONFIG_H
#define WEFT_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------- words of the file */

/* What a reload has to do when the value of a key changes, weakest first. */
#define CONFIG_APPLY_LIST(X)    \
    X(LIVE, "live")             \
    X(GENERATION, "generation") \
    X(RESTART, "restart")

#define CONFIG_DEBUG_LIST(X) \
    X(OFF, "off")            \
    X(CHEAP, "cheap")        \
    X(FULL, "full")

#define CONFIG_WHEN_FULL_LIST(X) \
    X(REJECT, "reject")          \
    X(WAIT, "wait")

#define CONFIG_SPREAD_LIST(X) \
    X(PER_LOOP, "per-loop")   \
    X(SHARED, "shared")

#define CONFIG_POLICY_LIST(X) \
    X(PERMANENT, "permanent") \
    X(TRANSIENT, "transient") \
    X(TEMPORARY, "temporary")

#define CONFIG_LOG_LEVEL_LIST(X) \
    X(DEBUG, "debug")            \
    X(INFO, "info")              \
    X(WARNING, "warning")        \
    X(ERROR, "error")            \
    X(CRITICAL, "critical")

#define CONFIG_LOG_FORMAT_LIST(X) \
    X(AUTO, "auto")               \
    X(TEXT, "text")               \
    X(JSON, "json")               \
    X(JOURNALD, "journald")

#define X(member, text) CONFIG_APPLY_##member,
enum config_apply {
    CONFIG_APPLY_LIST(X)
};
#undef X
#define X(member, text) CONFIG_DEBUG_##member,
enum config_debug {
    CONFIG_DEBUG_LIST(X)
};
#undef X
#define X(member, text) CONFIG_WHEN_FULL_##member,
enum config_when_full {
    CONFIG_WHEN_FULL_LIST(X)
};
#undef X
#define X(member, text) CONFIG_SPREAD_##member,
enum config_spread {
    CONFIG_SPREAD_LIST(X)
};
#undef X
#define X(member, text) CONFIG_POLICY_##member,
enum config_policy {
    CONFIG_POLICY_LIST(X)
};
#undef X
#define X(member, text) CONFIG_LOG_LEVEL_##member,
enum config_log_level {
    CONFIG_LOG_LEVEL_LIST(X)
};
#undef X
#define X(member, text) CONFIG_LOG_FORMAT_##member,
enum config_log_format {
    CONFIG_LOG_FORMAT_LIST(X)
};
#undef X

/* The word that the file uses for a member: "per-loop", "transient", ... */
const char *config_apply_name(enum config_apply apply);
const char *config_debug_name(enum config_debug debug);
const char *config_when_full_name(enum config_when_full when_full);
const char *config_spread_name(enum config_spread spread);
const char *config_policy_name(enum config_policy policy);
const char *config_log_level_name(enum config_log_level level);
const char *config_log_format_name(enum config_log_format format);

/* ------------------------------------------------------------------------------- values */

/* What a value may look like in the file. The names are also those of a module's own schema. */
#define CONFIG_KIND_LIST(X) \
    X(BOOL, "bool")         \
    X(INTEGER, "integer")   \
    X(DURATION, "duration") \
    X(SIZE, "size")         \
    X(RATE, "rate")         \
    X(CHOICE, "choice")     \
    X(TEXT, "text")         \
    X(MODE, "mode")         \
    X(ADDRESS, "address")   \
    X(NAMES, "names")       \
    X(SECTION, "section")   \
    X(MAP, "map")           \
    X(SETTINGS, "settings")

#define X(member, text) CONFIG_KIND_##member,
enum config_kind {
    CONFIG_KIND_LIST(X)
};
#undef X

const char *config_kind_name(enum config_kind kind);

/* At most <count> events within <period>, written `5 per 1m`. */
struct config_rate {
    int64_t count;
    int64_t period; /* nanoseconds */
};

enum config_family {
    CONFIG_FAMILY_NONE,
    CONFIG_FAMILY_IPV4,
    CONFIG_FAMILY_IPV6,
    CONFIG_FAMILY_UNIX
};

/* Where a listener listens. Port 0 lets the kernel choose. */
struct config_address {
    enum config_family family;
    uint16_t port;
    const char *host; /* numeric, without brackets; NULL for a unix socket */
    const char *path; /* absolute once loaded; NULL for TCP */
};

struct config_names {
    const char **items;
    size_t count;
};

struct config_value {
    enum config_kind kind;
    union {
        bool boolean;
        int64_t number; /* integer, duration (ns), size (bytes), mode, choice (index) */
        struct config_rate rate;
        const char *text; /* text; of a module's setting also the chosen word */
        struct config_address address;
        struct config_names names;
    } as;
};

/**
 * Fill <out> for bind() or connect().
 *
 * Owns:    nothing.
 * Errors:  0 when the address has no family, else the length of the socket address.
 */
socklen_t config_address_sockaddr(const struct config_address *address,
                                  struct sockaddr_storage *out);

/** Write `127.0.0.1:80`, `[::1]:80` or `unix:/path` into <out>, cut if it does not fit. */
void config_address_format(const struct config_address *address, char *out, size_t size);

/* --------------------------------------------------------------------------- the struct */

struct config_loops {
    int64_t count; /* 0: auto, from CPU affinity and cgroup quota */
    bool pin;
    int64_t stack_size;
    enum config_debug debug;
    int64_t slow_callback;
};

struct config_threads {
    int64_t min;
    int64_t max;
};

struct config_executor {
    const char *name; /* first member of every named struct */
    struct config_threads threads;
    int64_t queue;
    enum config_when_full when_full;
    int64_t idle;
};

struct config_listener {
    const char *name;
    struct config_address address;
    int64_t backlog;
    int64_t mode;            /* of a unix socket's file */
    int64_t max_connections; /* 0: unlimited */
    enum config_spread spread;
};

struct config_backoff {
    int64_t first;
    int64_t max;
};

struct config_restart {
    enum config_policy policy; /* of a service; a worker process is always permanent */
    struct config_rate tolerance;
    struct config_backoff backoff;
};

/* One setting of a module, checked against the module's schema. */
struct config_setting {
    const char *key;
    struct config_value value;
};

struct config_settings {
    struct config_setting *items;
    size_t count;
};

struct config_service {
    const char *name;
    const char *module; /* `http`, `echo` or an absolute path */
    struct config_names listeners;
    struct config_settings settings; /* complete: defaults are filled in */
    struct config_restart restart;
    int64_t ready_within;
};

struct config_drain {
    int64_t announce;
    int64_t grace;
};

struct config_control {
    const char *socket; /* absolute once loaded */
    int64_t mode;
};

struct config_status {
    struct config_address address; /* without a family: none */
    int64_t mode;                  /* of a unix socket's file */
};

struct config_log {
    enum config_log_level level;
    enum config_log_format format;
};

struct config_generations {
    int64_t max;
};

struct config_stall {
    int64_t abort_after; /* 0: never */
};

struct config {
    struct config_names include; /* patterns of files that were read besides */
    const char *run_directory;   /* absolute; the loader neither makes nor checks it */
    struct config_loops loops;
    struct config_executor *executors; /* `default` is always among them */
    size_t n_executors;
    struct config_listener *listeners;
    size_t n_listeners;
    struct config_service *services;
    size_t n_services;
    struct config_restart restart; /* of the worker process */
    struct config_drain drain;
    struct config_generations generations;
    struct config_stall stall;
    struct config_control control;
    struct config_status status;
    struct config_log log;
    struct config_private *private_parts; /* owned: memory, text and places */
};

const struct config_executor *config_find_executor(const struct config *config, const char *name);
const struct config_listener *config_find_listener(const struct config *config, const char *name);
const struct config_service *config_find_service(const struct config *config, const char *name);

/* The setting <key> of <service>, or NULL. Every key of the module's schema is there. */
const struct config_value *config_find_setting(const struct config_service *service,
                                               const char *key);

/* ------------------------------------------------------------------------------- errors */

enum config_severity {
    CONFIG_ERROR,
    CONFIG_WARNING,
    CONFIG_NOTE
};

/* One complaint. Notes hang on the error they explain. */
struct config_diagnostic {
    enum config_severity severity;
    const char *file;
    uint32_t line;   /* from 1; 0: the complaint has no place in the file */
    uint32_t column; /* from 1, in characters */
    const char *message;
    const char *excerpt; /* the line, printable; NULL when there is no place */
    const char *caret;   /* what to print below it */
    struct config_diagnostic *notes;
    struct config_diagnostic *next;
};

/* All complaints about one file. Read only; the first hundred or so are kept, all are counted. */
struct config_errors {
    struct config_diagnostic *first; /* sorted by place once config_load() is back */
    size_t n_errors;
    size_t n_warnings;
    size_t n_kept;
    void *memory; /* owned */
};

void config_errors_init(struct config_errors *errors);
void config_errors_fini(struct config_errors *errors);

/** Print every kept complaint in compiler style, then how many were left out. */
void config_errors_print(FILE *stream, const struct config_errors *errors);

/**
 * Complain about a value of a loaded config at its place in the file.
 *
 * For what only shows when the config is used, as an address that is taken. <path> is a key's
 * path such as `listeners.web.address`; one that the file does not give falls back to the
 * section that holds it and at last to the file.
 */
void config_errors_add(struct config_errors *errors, const struct config *config,
                       enum config_severity severity, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* -------------------------------------------------------------------------- the schema */

/*
 * One row: a key of the file, or one setting of a module. A module's own table needs path (the
 * key), kind, default_text and doc; the rest may stay zero.
 */
struct config_key {
    const char *path; /* `services.*.restart.policy`; `*` stands for a name */
    enum config_kind kind;
    const char *default_text; /* as one would write it; NULL: the key must be given */
    int64_t min;              /* bounds of a number; none when both are 0 */
    int64_t max;
    const char *const *choices; /* of a choice, ends with NULL */
    const char *zero_word;      /* word that stands for 0, as `auto` or `unlimited` */
    enum config_apply apply;
    const char *doc;     /* one or two whole sentences */
    size_t offset;       /* of the member in struct config, or in the struct of its map's entry */
    size_t count_offset; /* of a map: the member that counts its entries */
    size_t entry_size;   /* of a map: one entry, which begins with its name */
    const char *implied; /* of a map: an entry that is always there */
};

/* What a module says of its settings. */
struct config_module_schema {
    const struct config_key *keys;
    size_t n_keys;
};

/* The schema of the built-in module <name>, or NULL. */
const struct config_module_schema *config_builtin_module(const char *name);

/**
 * Read a module's schema from its file without running it.
 *
 * Runs:    inside config_load(), once for each service whose module is a path.
 * Owns:    what <out> points to must live until config_load() returns.
 * Errors:  any negative value refuses the module; <why> (256 bytes) then says why.
 */
typedef int config_module_fn(const char *path, struct config_module_schema *out, char *why,
                             void *data);

/** As getenv(): NULL when the variable is not set. */
typedef const char *config_environment_fn(const char *name, void *data);

/* All zero means: as config_load(), but the settings of a module that is a path are unchecked. */
struct config_options {
    const char *text;                   /* read this instead of the file; NULL: the file */
    size_t text_length;                 /* bytes of text */
    config_environment_fn *environment; /* NULL: getenv() */
    void *environment_data;
    config_module_fn *module; /* NULL: a module's settings are taken as text, unchecked */
    void *module_data;
    size_t memory_limit; /* bytes the config and its tree may take; 0: 64 MiB */
};

/* ------------------------------------------------------------------------------- verbs */

/**
 * Read, check and bind the file <path>.
 *
 * A module's own schema is read from its file as data. Nothing is bound, created or loaded besides.
 * <errors> collects everything wrong with the file, and warnings also when the result is good.
 *
 * Thread:  any.
 * Owns:    *out_config belongs to the caller, who calls config_destroy().
 * Errors:  -EINVAL when the content is wrong; -ENOMEM; else the system's code for a file that
 *          cannot be read. On failure *out_config is untouched and <errors> says why.
 */
int config_load(const char *path, struct config **out_config, struct config_errors *errors);

/** The same with options. <name> stands in messages; it is the file when no text is given. */
int config_load_with(const struct config_options *options, const char *name,
                     struct config **out_config, struct config_errors *errors);

/**
 * Write what `run_directory: auto` means here and now into <out>.
 *
 * For who has no config at hand: $RUNTIME_DIRECTORY, which systemd sets; else /run/weft for root;
 * else $XDG_RUNTIME_DIR/weft; else /tmp/weft-UID. Of <options> only the environment is used; NULL
 * means the defaults.
 */
void config_run_directory(const struct config_options *options, char *out, size_t size);

/** Free <config> and all it points to. NULL is allowed. */
void config_destroy(struct config *config);

/**
 * Write <config> as JSON that config_from_json() turns back into an equal struct.
 *
 * Owns:    *out_text is freed by the caller with free().
 * Errors:  -ENOMEM.
 */
int config_to_json(const struct config *config, char **out_text, size_t *out_length);

/** Read what config_to_json() wrote. The environment and the file system are not looked at. */
int config_from_json(const char *text, size_t length, struct config **out_config,
                     struct config_errors *errors);

/* One difference between two configs. An added or removed entry has NULL on one side. */
struct config_change {
    const char *path;
    const char *before;
    const char *after;
    enum config_apply apply;
};

struct config_plan {
    struct config_change *changes;
    size_t count;
    enum config_apply strongest; /* meaningless when count is 0 */
    void *memory;                /* owned */
};

/**
 * What a reload from <before> to <after> changes, and what that takes.
 *
 * Owns:    config_plan_fini() frees what is in *out_plan.
 * Errors:  -ENOMEM.
 */
int config_plan(const struct config *before, const struct config *after,
                struct config_plan *out_plan);
void config_plan_print(FILE *stream, const struct config_plan *plan);
void config_plan_fini(struct config_plan *plan);

/**
 * Print what the key <path> means: its kind, default, bounds and what a change takes.
 *
 * Names are free: `services.web.module` and `services.*.module` are one key. NULL or "" lists
 * all keys. A section lists its keys.
 *
 * Errors:  -ENOENT for an unknown key; what was printed then says which is near.
 */
int config_explain(FILE *stream, const char *path);

#ifdef __cplusplus
}
#endif

#endif

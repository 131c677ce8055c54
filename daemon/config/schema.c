/*
 * The table of all keys. Those of the built-in modules' settings are in builtin.c.
 *
 * This file is the only place that knows a key's name, default, bounds and meaning. The binder,
 * the JSON writer, the plan and the explanations all walk the table, so a new key is one row here
 * and one member in config.h.
 */
#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#define NS INT64_C(1)
#define MS (INT64_C(1000000) * NS)
#define S  (INT64_C(1000) * MS)
#define H  (INT64_C(3600) * S)

#define KIB INT64_C(1024)
#define MIB (INT64_C(1024) * KIB)
#define GIB (INT64_C(1024) * MIB)

#define IN_CONFIG(member)   .offset = offsetof(struct config, member)
#define IN_EXECUTOR(member) .offset = offsetof(struct config_executor, member)
#define IN_LISTENER(member) .offset = offsetof(struct config_listener, member)
#define IN_SERVICE(member)  .offset = offsetof(struct config_service, member)
#define MAP_OF(member, type)                   \
    .offset = offsetof(struct config, member), \
    .count_offset = offsetof(struct config, n_##member), .entry_size = sizeof(struct type)

const struct config_key config_schema[] = {
    {
        .path = "include",
        .kind = CONFIG_KIND_NAMES,
        .default_text = "[]",
        .max = 64,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "More files to read, as `[conf.d/*.yaml]`: paths below this file's directory, of "
               "which the last part may hold * ? and [ ]. They may add keys and entries but repeat "
               "none. What they change is told key by key.",
        IN_CONFIG(include),
    },
    {
        .path = "run_directory",
        .kind = CONFIG_KIND_TEXT,
        .default_text = "auto",
        .apply = CONFIG_APPLY_RESTART,
        .doc = "Directory of the control socket, of unix listeners and of other files that live "
               "as long as the daemon; an absolute path or `auto`. `auto` is the first that "
               "applies: $RUNTIME_DIRECTORY, which systemd sets; /run/weft for root; "
               "$XDG_RUNTIME_DIR/weft; /tmp/weft-UID.",
        IN_CONFIG(run_directory),
    },

    {
        .path = "loops",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The event loops of the worker process, one thread each.",
    },
    {
        .path = "loops.count",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "auto",
        .min = 1,
        .max = 256,
        .zero_word = "auto",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "How many loops. `auto`: as many as the CPU affinity and the control group's quota "
               "allow to run at once.",
        IN_CONFIG(loops.count),
    },
    {
        .path = "loops.pin",
        .kind = CONFIG_KIND_BOOL,
        .default_text = "false",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Whether each loop's thread stays on one CPU.",
        IN_CONFIG(loops.pin),
    },
    {
        .path = "loops.stack_size",
        .kind = CONFIG_KIND_SIZE,
        .default_text = "64KiB",
        .min = 16 * KIB,
        .max = 64 * MIB,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The usable stack of a task that does not ask for another.",
        IN_CONFIG(loops.stack_size),
    },
    {
        .path = "loops.debug",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "cheap",
        .choices = config_debug_words,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "How much the loops watch for mistakes. `cheap` costs nothing that one notices; "
               "`full` times every callback and keeps where each task was made.",
        IN_CONFIG(loops.debug),
    },
    {
        .path = "loops.slow_callback",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "100ms",
        .min = 1 * MS,
        .max = 1 * H,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "A callback or a step of a task that holds its loop for longer is reported.",
        IN_CONFIG(loops.slow_callback),
    },

    {
        .path = "executors",
        .kind = CONFIG_KIND_MAP,
        .max = 64,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Pools of threads for calls that block, by name, shared by all loops. `default` is "
               "always there.",
        .implied = "default",
        MAP_OF(executors, config_executor),
    },
    {
        .path = "executors.*.threads",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "How many threads the pool has.",
    },
    {
        .path = "executors.*.threads.min",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "0",
        .min = 0,
        .max = 1024,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Threads that are made at once and stay.",
        IN_EXECUTOR(threads.min),
    },
    {
        .path = "executors.*.threads.max",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "auto",
        .min = 1,
        .max = 1024,
        .zero_word = "auto",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Threads at most. `auto`: the CPUs that may be used and 4, at most 32.",
        IN_EXECUTOR(threads.max),
    },
    {
        .path = "executors.*.queue",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "1024",
        .min = 1,
        .max = 1000000,
        .zero_word = "unlimited",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Jobs that may wait for a thread.",
        IN_EXECUTOR(queue),
    },
    {
        .path = "executors.*.when_full",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "wait",
        .choices = config_when_full_words,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "What happens to one more job when the queue is full: it is refused with an error, "
               "or the task that submits it waits.",
        IN_EXECUTOR(when_full),
    },
    {
        .path = "executors.*.idle",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "30s",
        .min = 1 * MS,
        .max = 24 * H,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "A thread above `min` ends after so long without work.",
        IN_EXECUTOR(idle),
    },

    {
        .path = "listeners",
        .kind = CONFIG_KIND_MAP,
        .max = 256,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Sockets that connections come in on, by name. The supervisor keeps them open over "
               "every reload.",
        MAP_OF(listeners, config_listener),
    },
    {
        .path = "listeners.*.address",
        .kind = CONFIG_KIND_ADDRESS,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Where to listen: `127.0.0.1:8080`, `'[::1]:8080'` or `unix:PATH`. Port 0 lets the "
               "kernel choose. A relative PATH is below run_directory.",
        IN_LISTENER(address),
    },
    {
        .path = "listeners.*.backlog",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "1024",
        .min = 1,
        .max = 65535,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Connections that may wait to be accepted, per socket; the kernel's "
               "net.core.somaxconn is the upper limit.",
        IN_LISTENER(backlog),
    },
    {
        .path = "listeners.*.mode",
        .kind = CONFIG_KIND_MODE,
        .default_text = "0660",
        .min = 0,
        .max = 0777,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Permissions of a unix socket's file: who may write it may connect.",
        IN_LISTENER(mode),
    },
    {
        .path = "listeners.*.max_connections",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "unlimited",
        .min = 1,
        .max = 10000000,
        .zero_word = "unlimited",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Open connections at most, over all loops; more wait in the backlog.",
        IN_LISTENER(max_connections),
    },
    {
        .path = "listeners.*.spread",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "per-loop",
        .choices = config_spread_words,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "`per-loop`: each loop has a socket of its own and the kernel deals connections "
               "out. `shared`: all loops accept from one socket. A unix socket is always shared.",
        IN_LISTENER(spread),
    },

    {
        .path = "services",
        .kind = CONFIG_KIND_MAP,
        .max = 256,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "What runs in the worker, by name.",
        MAP_OF(services, config_service),
    },
    {
        .path = "services.*.module",
        .kind = CONFIG_KIND_TEXT,
        .min = 1,
        .max = 4000,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The module that serves: a built-in one (" CONFIG_BUILTIN_MODULES
               ") or the absolute path of an .so file.",
        IN_SERVICE(module),
    },
    {
        .path = "services.*.listeners",
        .kind = CONFIG_KIND_NAMES,
        .default_text = "[]",
        .max = 64,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The listeners whose connections the service gets. Each belongs to one service.",
        IN_SERVICE(listeners),
    },
    {
        .path = "services.*.settings",
        .kind = CONFIG_KIND_SETTINGS,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Settings of the module, which says itself what they are.",
        IN_SERVICE(settings),
    },
    {
        .path = "services.*.restart",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "What happens when the service ends inside the worker.",
    },
    {
        .path = "services.*.restart.policy",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "permanent",
        .choices = config_policy_words,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "`permanent`: it is always started again. `transient`: only when it failed. "
               "`temporary`: never.",
        IN_SERVICE(restart.policy),
    },
    {
        .path = "services.*.restart.tolerance",
        .kind = CONFIG_KIND_RATE,
        .default_text = "5 per 1m",
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "Restarts that are borne with; one more within the time and the worker fails.",
        IN_SERVICE(restart.tolerance),
    },
    {
        .path = "services.*.restart.backoff",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "How long to wait before a restart. The wait doubles with each failure.",
    },
    {
        .path = "services.*.restart.backoff.first",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "100ms",
        .min = 1 * MS,
        .max = 1 * H,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The wait after the first failure.",
        IN_SERVICE(restart.backoff.first),
    },
    {
        .path = "services.*.restart.backoff.max",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "30s",
        .min = 1 * MS,
        .max = 24 * H,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "The longest wait.",
        IN_SERVICE(restart.backoff.max),
    },
    {
        .path = "services.*.ready_within",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "10s",
        .min = 1 * MS,
        .max = 1 * H,
        .apply = CONFIG_APPLY_GENERATION,
        .doc = "A service that has not started on every loop by then makes the new generation "
               "fail; the old one serves on.",
        IN_SERVICE(ready_within),
    },

    {
        .path = "restart",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "What happens when the worker process dies. It is always started again.",
    },
    {
        .path = "restart.tolerance",
        .kind = CONFIG_KIND_RATE,
        .default_text = "5 per 1m",
        .apply = CONFIG_APPLY_LIVE,
        .doc = "Deaths that are borne with. After one more within the time the next try comes only "
               "once that time is over, or with a reload; a daemon that never served gives up.",
        IN_CONFIG(restart.tolerance),
    },
    {
        .path = "restart.backoff",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "How long to wait before a restart. The wait doubles with each death.",
    },
    {
        .path = "restart.backoff.first",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "100ms",
        .min = 1 * MS,
        .max = 1 * H,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "The wait after the first death.",
        IN_CONFIG(restart.backoff.first),
    },
    {
        .path = "restart.backoff.max",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "30s",
        .min = 1 * MS,
        .max = 24 * H,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "The longest wait.",
        IN_CONFIG(restart.backoff.max),
    },

    {
        .path = "drain",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "How an old generation, and the daemon itself, comes to its end.",
    },
    {
        .path = "drain.announce",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "0s",
        .min = 0,
        .max = 1 * H,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "When the daemon is told to stop, /readyz says no for so long before the listeners "
               "close, so that balancers send nobody any more. A second order to stop cuts it "
               "short.",
        IN_CONFIG(drain.announce),
    },
    {
        .path = "drain.grace",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "30s",
        .min = 1 * MS,
        .max = 24 * H,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "Connections that are open when the drain begins have so long to finish; then they "
               "are cut.",
        IN_CONFIG(drain.grace),
    },

    {
        .path = "generations",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "The worker processes that a reload leaves side by side: the newest serves, the "
               "others drain.",
    },
    {
        .path = "generations.max",
        .kind = CONFIG_KIND_INTEGER,
        .default_text = "4",
        .min = 2,
        .max = 64,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "Generations that may live at once. At the limit the oldest is ended by force.",
        IN_CONFIG(generations.max),
    },

    {
        .path = "stall",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "What happens when a loop of a worker does not get on. From loops.slow_callback on "
               "it is reported with what holds it up.",
    },
    {
        .path = "stall.abort_after",
        .kind = CONFIG_KIND_DURATION,
        .default_text = "30s",
        .min = 1 * S,
        .max = 24 * H,
        .zero_word = "never",
        .apply = CONFIG_APPLY_LIVE,
        .doc = "A worker with a loop that computes or is blocked in a call for so long, or whose "
               "control thread does not answer, is aborted, which leaves a core where the system "
               "allows one, and replaced as `restart` says. Time in which it was stopped or got no "
               "processor does not count.",
        IN_CONFIG(stall.abort_after),
    },

    {
        .path = "control",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_RESTART,
        .doc = "The socket that weftctl talks to.",
    },
    {
        .path = "control.socket",
        .kind = CONFIG_KIND_TEXT,
        .default_text = "control.sock",
        .min = 1,
        .max = 4000,
        .apply = CONFIG_APPLY_RESTART,
        .doc = "The socket's file. A relative path is below run_directory.",
        IN_CONFIG(control.socket),
    },
    {
        .path = "control.mode",
        .kind = CONFIG_KIND_MODE,
        .default_text = "0600",
        .min = 0,
        .max = 0777,
        .apply = CONFIG_APPLY_RESTART,
        .doc = "Permissions of the socket's file: who may write it may connect.",
        IN_CONFIG(control.mode),
    },

    {
        .path = "status",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "The process that serves /metrics, /livez and /readyz over HTTP. It is apart from "
               "the workers, so it answers while they are stuck.",
    },
    {
        .path = "status.address",
        .kind = CONFIG_KIND_ADDRESS,
        .default_text = "none",
        .zero_word = "none",
        .apply = CONFIG_APPLY_LIVE,
        .doc = "Where it listens, as a listener's address, or `none`: there is no such process. "
               "Whoever can connect can read, so it belongs on the loopback or a network of one's "
               "own.",
        IN_CONFIG(status.address),
    },
    {
        .path = "status.mode",
        .kind = CONFIG_KIND_MODE,
        .default_text = "0660",
        .min = 0,
        .max = 0777,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "Permissions of a unix socket's file: who may write it may connect.",
        IN_CONFIG(status.mode),
    },

    {
        .path = "log",
        .kind = CONFIG_KIND_SECTION,
        .apply = CONFIG_APPLY_RESTART,
        .doc = "What is logged, and how.",
    },
    {
        .path = "log.level",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "info",
        .choices = config_log_level_words,
        .apply = CONFIG_APPLY_LIVE,
        .doc = "What is less severe is not logged.",
        IN_CONFIG(log.level),
    },
    {
        .path = "log.format",
        .kind = CONFIG_KIND_CHOICE,
        .default_text = "auto",
        .choices = config_log_format_words,
        .apply = CONFIG_APPLY_RESTART,
        .doc = "`auto`: journald when the standard error goes there, else text.",
        IN_CONFIG(log.format),
    },
};

const size_t config_schema_count = sizeof config_schema / sizeof config_schema[0];

/* ------------------------------------------------------------------------------- look-up */

const struct config_key *config_schema_next(const char *parent, const struct config_key *row)
{
    size_t length = strlen(parent);
    const struct config_key *end = config_schema + config_schema_count;

    for (row = row == NULL ? config_schema : row + 1; row < end; row++) {
        const char *rest = row->path;
        if (length > 0) {
            if (strncmp(rest, parent, length) != 0 || rest[length] != '.') {
                continue;
            }
            rest += length + 1;
        }
        if (strchr(rest, '.') == NULL) {
            return row;
        }
    }
    return NULL;
}

const struct config_key *config_schema_row(const char *path)
{
    for (size_t i = 0; i < config_schema_count; i++) {
        if (strcmp(config_schema[i].path, path) == 0) {
            return &config_schema[i];
        }
    }
    return NULL;
}

const char *config_key_name(const struct config_key *row)
{
    const char *dot = strrchr(row->path, '.');
    return dot == NULL ? row->path : dot + 1;
}

void config_schema_entry_parent(const struct config_key *map, char *out, size_t size)
{
    (void)snprintf(out, size, "%s.*", map->path);
}

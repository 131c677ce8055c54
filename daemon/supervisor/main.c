/*
 * main.c: the command line of weftd.
 *
 *     weftd [-c FILE]          run
 *     weftd --check FILE       say what is wrong with FILE, bind nothing
 *     weftd --explain KEY      what a key of the configuration means
 *
 * Exit codes are those of sysexits.h: 64 usage, 66 no configuration file, 69 an
 * address is taken or no worker ever started, 78 a wrong configuration.
 */
#include "config/config.h"
#include "log.h"
#include "supervisor/notify.h"
#include "supervisor/supervisor.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_CONFIG WEFT_SYSCONFDIR "/weft/weft.yaml"

const char *argp_program_version = "weftd " WEFT_VERSION_STRING;

enum {
    OPTION_CHECK = 256,
    OPTION_EXPLAIN,
    OPTION_WORKER
};

struct arguments {
    const char *config;
    const char *worker;
    const char *explain; /* NULL: not asked; "": all keys */
    bool is_check;
};

static const struct argp_option options[] = {
    { "config", 'c', "FILE", 0, "The configuration (default: " DEFAULT_CONFIG ")", 0 },
    { "check", OPTION_CHECK, NULL, 0,
      "Check the configuration and exit: 0 good, 78 bad. Nothing is bound or started", 0 },
    { "explain", OPTION_EXPLAIN, "KEY", 0,
      "Say what a key of the configuration means and exit; `all` lists the keys", 0 },
    { "worker", OPTION_WORKER, "FILE", 0,
      "The worker's program (default: weft-worker beside weftd)", 0 },
    { 0 },
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
    case ARGP_KEY_ARG:
        if (arguments->config != NULL) {
            argp_error(state, "two configurations: %s and %s", arguments->config, argument);
        }
        arguments->config = argument;
        return 0;
    case OPTION_CHECK:
        arguments->is_check = true;
        return 0;
    case OPTION_EXPLAIN:
        arguments->explain = strcmp(argument, "all") == 0 ? "" : argument;
        return 0;
    case OPTION_WORKER:
        arguments->worker = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[FILE]",
    .doc = "Run the services of a configuration and keep them running.\v"
           "SIGHUP reloads the configuration without refusing a connection; SIGTERM drains and "
           "ends; a second SIGTERM hastens. See weftctl for status, reload and stop.",
};

/* ---------------------------------------------------------------------------- preparations */

/* Descriptors 0, 1 and 2 are open from here on, so that no socket gets such a number. */
static void open_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* Workers inherit it: a connection is a descriptor. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* what we have must do otherwise */
    }
}

/* Beside our own file; said now, since that may be replaced while we run. */
static const char *find_worker(void)
{
    static char path[PATH_MAX + sizeof "/weft-worker"];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    char *slash;

    if (length <= 0) {
        return NULL;
    }
    path[length] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash + 1 : path, "weft-worker");
    return path;
}

/* An absolute name, for reloads and messages. */
static const char *find_config(const char *given)
{
    static char path[PATH_MAX];

    return realpath(given, path) != NULL ? path : given;
}

static int load(const char *path, struct config **out_config)
{
    struct config_errors errors;
    int rc;

    config_errors_init(&errors);
    rc = config_load(path, out_config, &errors);
    config_errors_print(stderr, &errors);
    config_errors_fini(&errors);
    return rc == 0 ? EX_OK : rc == -ENOENT ? EX_NOINPUT : EX_CONFIG;
}

static int check(const char *path)
{
    struct config *config;
    int code = load(path, &config);

    if (code == EX_OK) {
        printf("%s: good: %zu listeners, %zu services\n", path, config->n_listeners,
               config->n_services);
        config_destroy(config);
    }
    return code;
}

static int run(const struct arguments *arguments, const char *path)
{
    struct supervisor_options run_options = {
        .config_path = path,
        .worker = arguments->worker != NULL ? arguments->worker : find_worker(),
        .is_foreground = !notify_is_managed() && !log_is_journal(),
    };
    int code = load(path, &run_options.config);

    if (code != EX_OK) {
        return code;
    }
    if (run_options.worker == NULL || access(run_options.worker, X_OK) != 0) {
        fprintf(stderr, "weftd: the worker %s cannot be run: %s\n",
                run_options.worker != NULL ? run_options.worker : "weft-worker", strerror(errno));
        config_destroy(run_options.config);
        return EX_UNAVAILABLE;
    }
    raise_descriptor_limit();
    umask(0077);
    (void)signal(SIGPIPE, SIG_IGN);
    log_open("weftd", run_options.config->log.format, run_options.config->log.level);
    return supervisor_run(&run_options);
}

int main(int argc, char **argv)
{
    struct arguments arguments = { 0 };
    const char *path;

    open_standard_streams();
    argp_err_exit_status = EX_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.explain != NULL) {
        return config_explain(stdout, arguments.explain) == 0 ? EX_OK : EX_USAGE;
    }
    path = arguments.config != NULL ? arguments.config : DEFAULT_CONFIG;
    return arguments.is_check ? check(path) : run(&arguments, find_config(path));
}

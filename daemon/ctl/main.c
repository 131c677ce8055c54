/*
 * main.c: the command line of weftctl.
 *
 * The daemon is found by its socket: the one that is named, that of the
 * configuration that is named, or the first of the usual places where one is.
 */
#include "config/config.h"
#include "ctl/verbs.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *argp_program_version = "weftctl " WEFT_VERSION_STRING;

enum {
    OPTION_JSON = 256,
    OPTION_DRY_RUN,
    OPTION_GENERATION,
    OPTION_STACKS,
    OPTION_NO_WAIT
};

struct arguments {
    struct verb_options verb;
    const char *name;
    const char *config;
    enum verb_number number;
};

static const struct argp_option options[] = {
    { "socket", 's', "PATH", 0, "The daemon's control socket", 0 },
    { "config", 'c', "FILE", 0, "The daemon's configuration, which names its socket", 0 },
    { "json", OPTION_JSON, NULL, 0, "Print the daemon's answer as it is", 0 },
    { "dry-run", OPTION_DRY_RUN, NULL, 0, "reload: only say what it would change", 0 },
    { "generation", OPTION_GENERATION, "N", 0, "Look into this worker only", 0 },
    { "stacks", OPTION_STACKS, NULL, 0, "tree, waits, ps, pstree: with C stacks", 0 },
    { "no-wait", OPTION_NO_WAIT, NULL, 0, "stop: do not wait until the daemon is gone", 0 },
    { 0 },
};

static unsigned long long read_number(struct argp_state *state, const char *text)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || number == 0) {
        argp_error(state, "'%s' is no number of a task, process or generation", text);
    }
    return number;
}

static const char *read_level(struct argp_state *state, const char *text)
{
    if (strcmp(text, "off") != 0 && strcmp(text, "cheap") != 0 && strcmp(text, "full") != 0) {
        argp_error(state, "'%s' is none of off, cheap, full", text);
    }
    return text;
}

static void take_verb(struct argp_state *state, struct arguments *arguments, const char *name)
{
    const char *suggestion;

    if (arguments->name != NULL && arguments->number == VERB_NEEDS_LEVEL &&
        arguments->verb.level == NULL) {
        arguments->verb.level = read_level(state, name);
    } else if (arguments->name != NULL && arguments->number != VERB_NO_NUMBER &&
               arguments->number != VERB_NEEDS_LEVEL && arguments->verb.number == 0) {
        arguments->verb.number = read_number(state, name);
    } else if (arguments->name != NULL) {
        argp_error(state, "'%s' after '%s': one verb at a time", name, arguments->name);
    } else if (verbs_find(name, &arguments->number, &suggestion)) {
        arguments->name = name;
    } else if (suggestion != NULL) {
        argp_error(state, "unknown verb '%s'; did you mean '%s'?", name, suggestion);
    } else {
        argp_error(state, "unknown verb '%s'", name);
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 's':
        arguments->verb.socket = argument;
        return 0;
    case 'c':
        arguments->config = argument;
        return 0;
    case OPTION_JSON:
        arguments->verb.is_json = true;
        return 0;
    case OPTION_DRY_RUN:
        arguments->verb.is_dry_run = true;
        return 0;
    case OPTION_GENERATION:
        arguments->verb.generation = read_number(state, argument);
        return 0;
    case OPTION_STACKS:
        arguments->verb.has_stacks = true;
        return 0;
    case OPTION_NO_WAIT:
        arguments->verb.has_no_wait = true;
        return 0;
    case ARGP_KEY_ARG:
        take_verb(state, arguments, argument);
        return 0;
    case ARGP_KEY_END:
        if (arguments->name == NULL) {
            argp_error(state, "a verb is wanted, as status or tasks");
        } else if (arguments->number == VERB_NEEDS_LEVEL && arguments->verb.level == NULL) {
            argp_error(state, "%s wants a level: off, cheap or full", arguments->name);
        } else if (arguments->number == VERB_NEEDS_NUMBER && arguments->verb.number == 0) {
            argp_error(state, "%s wants the number of a process", arguments->name);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "status|metrics|reload|stop\n"
                "debug off|cheap|full\n"
                "tasks|tree|stack [ID]|waits|loops|executors|timers|handles\n"
                "ps|pstree PID",
    .doc = "Ask a running weftd, tell it something, or look inside.\v"
           "status: what it serves, with which processes. metrics: its figures, as Prometheus "
           "reads them. reload: read the configuration anew, wait until it serves, or say why "
           "not. stop: drain and end. debug: how much all loops watch for mistakes, until the next "
           "reload.\n\n"
           "What goes on in the workers, also when their loops are stuck: tasks; tree: which task "
           "waits for which; stack: the C stacks, with an ID all about this task; waits: what is "
           "waited for, who could end it, and the circles; loops, executors, timers, handles. A "
           "worker that does not answer within 2 s is said so, and the others are shown.\n\n"
           "ps, pstree: the tasks of any process that uses libweft, without its help; it may be "
           "stuck or stopped.\n\n"
           "Exit status: 0 done; 1 refused or failed, or not all could be shown; 2 wrong command "
           "line; 3 weftd does not run; 4 not allowed; 5 no proper answer.",
};

/* <config> must outlive the path. */
static const char *socket_of_config(const char *path, struct config **out_config)
{
    struct config_errors errors;
    int rc;

    config_errors_init(&errors);
    rc = config_load(path, out_config, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
    }
    config_errors_fini(&errors);
    return rc == 0 ? (*out_config)->control.socket : NULL;
}

static const char *usual_socket(void)
{
    static char places[3][256];
    const char *session = getenv("XDG_RUNTIME_DIR");
    struct stat status;

    snprintf(places[0], sizeof places[0], "/run/weft/control.sock");
    snprintf(places[1], sizeof places[1], "%s/weft/control.sock", session != NULL ? session : "");
    snprintf(places[2], sizeof places[2], "/tmp/weft-%u/control.sock", geteuid());
    for (size_t i = 0; i < 3; i++) {
        if (stat(places[i], &status) == 0) {
            return places[i];
        }
    }
    return places[0];
}

int main(int argc, char **argv)
{
    struct arguments arguments = { 0 };
    struct config *config = NULL;
    enum verb_exit code;

    argp_err_exit_status = VERB_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.verb.socket == NULL) {
        arguments.verb.socket =
            arguments.config != NULL ? socket_of_config(arguments.config, &config) : usual_socket();
    }
    if (arguments.verb.socket == NULL) {
        fputs("weftctl: the configuration does not tell the socket; name it with --socket\n",
              stderr);
        return VERB_USAGE;
    }
    code = verbs_run(arguments.name, &arguments.verb);
    config_destroy(config);
    return code;
}

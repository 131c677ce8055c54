/*
 * main.c: the command line of weftctl.
 *
 * The daemon is found by its socket: the one that is named, that of the
 * configuration that is named, or the first of the usual places where one is.
 */
#include "config/config.h"
#include "ctl/verbs.h"

#include <argp.h>
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
    OPTION_NO_WAIT
};

struct arguments {
    struct verb_options verb;
    const char *name;
    const char *config;
};

static const struct argp_option options[] = {
    { "socket", 's', "PATH", 0, "The daemon's control socket", 0 },
    { "config", 'c', "FILE", 0, "The daemon's configuration, which names its socket", 0 },
    { "json", OPTION_JSON, NULL, 0, "Print the daemon's answer as it is", 0 },
    { "dry-run", OPTION_DRY_RUN, NULL, 0, "reload: only say what it would change", 0 },
    { "no-wait", OPTION_NO_WAIT, NULL, 0, "stop: do not wait until the daemon is gone", 0 },
    { 0 },
};

static void take_verb(struct argp_state *state, struct arguments *arguments, const char *name)
{
    const char *suggestion;

    if (arguments->name != NULL) {
        argp_error(state, "'%s' after '%s': one verb at a time", name, arguments->name);
    } else if (verbs_find(name, &suggestion)) {
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
    case OPTION_NO_WAIT:
        arguments->verb.has_no_wait = true;
        return 0;
    case ARGP_KEY_ARG:
        take_verb(state, arguments, argument);
        return 0;
    case ARGP_KEY_END:
        if (arguments->name == NULL) {
            argp_error(state, "a verb is wanted: status, reload or stop");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "status|reload|stop",
    .doc = "Ask a running weftd, or tell it.\v"
           "status: what it serves, with which processes. reload: read the configuration anew, "
           "wait until it serves, or say why not. stop: drain and end.\n\n"
           "Exit status: 0 done; 1 refused or failed; 2 wrong command line; 3 weftd does not run; "
           "4 not allowed; 5 no proper answer.",
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

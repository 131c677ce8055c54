/*
 * verbs.c: one request each, and what the answer means for people and scripts.
 *
 * Thread: any.
 */
#include "ctl/verbs.h"

#include "config/suggest.h"
#include "ctl/client.h"
#include "ctl/look.h"
#include "ctl/table.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOK_LIMIT = 10
}; /* seconds for what the daemon can answer at once */

static enum verb_exit exit_of(int rc)
{
    switch (rc) {
    case -ENOENT:
    case -ECONNREFUSED:
        return VERB_NOT_RUNNING;
    case -EACCES:
    case -EPERM:
        return VERB_FORBIDDEN;
    default:
        return VERB_PROTOCOL;
    }
}

enum verb_exit verbs_explain(int rc, const char *why)
{
    enum verb_exit code = exit_of(rc);

    fprintf(stderr, "weftctl: %s%s\n", code == VERB_NOT_RUNNING ? "weftd does not run: " : "", why);
    return code;
}

/* Ask, and take the JSON of the answer. <server> may be NULL. */
static enum verb_exit ask(const struct verb_options *options, const char *method,
                          const char *target, int limit_seconds, json_t **out_root, int *out_status,
                          int *out_server)
{
    struct client_answer answer;
    json_error_t error;
    char why[512];
    int rc = client_ask(options->socket, method, target, limit_seconds, &answer, why, sizeof why);

    if (rc != 0) {
        return verbs_explain(rc, why);
    }
    *out_root = json_loads(answer.body, JSON_REJECT_DUPLICATES, &error);
    *out_status = answer.status;
    *out_server = answer.server;
    if (*out_root == NULL) {
        fprintf(stderr, "weftctl: status %d, and no JSON: %s\n", answer.status, error.text);
    } else if (options->is_json) {
        fputs(answer.body, stdout);
    }
    client_answer_clear(&answer);
    return *out_root != NULL ? VERB_OK : VERB_PROTOCOL;
}

/* An answer that is neither what was asked for nor a reload's outcome. */
static enum verb_exit complain(const json_t *root, int status)
{
    const char *text = json_string_value(json_object_get(root, "error"));

    fprintf(stderr, "weftctl: weftd answers %d: %s\n", status,
            text != NULL ? text : "and does not say why");
    return status == 403 ? VERB_FORBIDDEN : VERB_FAILED;
}

static enum verb_exit run_status(const struct verb_options *options)
{
    json_t *root;
    int status;
    int server;
    enum verb_exit code = ask(options, "GET", "/status", LOOK_LIMIT, &root, &status, &server);

    if (code != VERB_OK) {
        return code;
    }
    if (status != 200) {
        code = complain(root, status);
    } else if (!options->is_json) {
        table_print_status(stdout, root);
    }
    json_decref(root);
    return code;
}

static enum verb_exit report_reload(const struct verb_options *options, const json_t *root)
{
    bool is_ok = json_is_true(json_object_get(root, "ok"));
    bool is_refused = json_is_true(json_object_get(root, "refused"));
    const json_t *generation = json_object_get(root, "generation");
    const char *text = json_string_value(json_object_get(root, "text"));

    if (!options->is_json) {
        fputs(text != NULL ? text : "", is_ok ? stdout : stderr);
    }
    if (is_ok) {
        if (!options->is_json && json_is_integer(generation)) {
            printf("reloaded: generation %lld serves\n", (long long)json_integer_value(generation));
        }
        return VERB_OK;
    }
    if (options->is_dry_run) {
        fputs("weftctl: a reload would be refused\n", stderr);
    } else {
        fprintf(stderr, "weftctl: the reload was %s; generation %lld serves on as before\n",
                is_refused ? "refused" : "tried and failed",
                (long long)json_integer_value(generation));
    }
    return VERB_FAILED;
}

static enum verb_exit run_reload(const struct verb_options *options)
{
    const char *target = options->is_dry_run ? "/reload?dry_run=1" : "/reload";
    json_t *root;
    int status;
    int server;
    /* No limit: how long a start may take is the configuration's matter. */
    enum verb_exit code = ask(options, "POST", target, 0, &root, &status, &server);

    if (code != VERB_OK) {
        return code;
    }
    code = json_is_boolean(json_object_get(root, "ok")) ? report_reload(options, root)
                                                        : complain(root, status);
    json_decref(root);
    return code;
}

static enum verb_exit run_stop(const struct verb_options *options)
{
    json_t *root;
    int status;
    int server;
    enum verb_exit code = ask(options, "POST", "/stop", LOOK_LIMIT, &root, &status, &server);

    if (code != VERB_OK) {
        return code;
    }
    if (status != 202) {
        code = complain(root, status);
    } else if (!options->has_no_wait) {
        client_wait_gone(options->socket, server);
        if (!options->is_json) {
            puts("stopped");
        }
    } else if (!options->is_json) {
        puts("stopping");
    }
    json_decref(root);
    return code;
}

/* Text for Prometheus, which has no other form: --json changes nothing. */
static enum verb_exit run_metrics(const struct verb_options *options)
{
    struct client_answer answer;
    char why[512];
    enum verb_exit code = VERB_OK;
    int rc = client_ask(options->socket, "GET", "/metrics", LOOK_LIMIT, &answer, why, sizeof why);

    if (rc != 0) {
        code = exit_of(rc);
        fprintf(stderr, "weftctl: %s%s\n", code == VERB_NOT_RUNNING ? "weftd does not run: " : "",
                why);
        return code;
    }
    if (answer.status == 200) {
        fputs(answer.body, stdout);
    } else {
        fprintf(stderr, "weftctl: weftd answers %d\n", answer.status);
        code = VERB_FAILED;
    }
    client_answer_clear(&answer);
    return code;
}

static enum verb_exit run_debug(const struct verb_options *options)
{
    char target[64];
    json_t *root;
    int status;
    int server;

    snprintf(target, sizeof target, "/debug?level=%s", options->level);
    enum verb_exit code = ask(options, "POST", target, LOOK_LIMIT, &root, &status, &server);
    if (code != VERB_OK) {
        return code;
    }
    if (status != 200) {
        code = complain(root, status);
    } else if (!options->is_json) {
        printf("debug level %s, until the next reload\n", options->level);
    }
    json_decref(root);
    return code;
}

static const struct {
    const char *name;
    enum verb_exit (*run)(const struct verb_options *options); /* this or look */
    enum verb_exit (*look)(const char *what, const struct verb_options *options);
    enum verb_number number;
} verbs[] = {
    { "status", run_status, NULL, VERB_NO_NUMBER },
    { "metrics", run_metrics, NULL, VERB_NO_NUMBER },
    { "reload", run_reload, NULL, VERB_NO_NUMBER },
    { "stop", run_stop, NULL, VERB_NO_NUMBER },
    { "debug", run_debug, NULL, VERB_NEEDS_LEVEL },
    { "tasks", NULL, look_at_workers, VERB_NO_NUMBER },
    { "tree", NULL, look_at_workers, VERB_NO_NUMBER },
    { "stack", NULL, look_at_workers, VERB_MAY_HAVE_NUMBER },
    { "waits", NULL, look_at_workers, VERB_NO_NUMBER },
    { "loops", NULL, look_at_workers, VERB_NO_NUMBER },
    { "executors", NULL, look_at_workers, VERB_NO_NUMBER },
    { "timers", NULL, look_at_workers, VERB_NO_NUMBER },
    { "handles", NULL, look_at_workers, VERB_NO_NUMBER },
    { "ps", NULL, look_at_process, VERB_NEEDS_NUMBER },
    { "pstree", NULL, look_at_process, VERB_NEEDS_NUMBER },
};

enum {
    N_VERBS = sizeof verbs / sizeof verbs[0]
};

enum verb_exit verbs_run(const char *name, const struct verb_options *options)
{
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return verbs[i].run != NULL ? verbs[i].run(options) : verbs[i].look(name, options);
        }
    }
    return VERB_USAGE;
}

bool verbs_find(const char *name, enum verb_number *out_number, const char **out_suggestion)
{
    struct config_suggestion suggestion;

    config_suggest_init(&suggestion, name);
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            *out_number = verbs[i].number;
            return true;
        }
        config_suggest_add(&suggestion, verbs[i].name);
    }
    *out_suggestion = config_suggest_get(&suggestion);
    return false;
}

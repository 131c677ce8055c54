/*
 * status.c: what there is, as JSON for machines, a line for the service manager
 * and a greeting for a terminal.
 *
 * It reads and never changes. Times are seconds, as people and other programs
 * expect them; the rest are the worker's own counters, with the age of the report.
 *
 * Thread: the loop's.
 */
#include "supervisor/supervisor.h"

#include "log.h"
#include "supervisor/sockets.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *seconds(int64_t duration)
{
    return json_real((double)(duration / 1000000) / 1e3);
}

/* jansson's functions pass NULL on, so a value that could not be made shows once, at the end. */
static void set(json_t *object, const char *key, json_t *value, bool *is_whole)
{
    if (json_object_set_new(object, key, value) != 0) {
        *is_whole = false;
    }
}

static void set_number(json_t *object, const char *key, uint64_t number, bool *is_whole)
{
    set(object, key, json_integer((json_int_t)number), is_whole);
}

static const struct config_service *service_of(const struct config *config, const char *listener)
{
    for (size_t i = 0; i < config->n_services; i++) {
        const struct config_names *names = &config->services[i].listeners;

        for (size_t k = 0; k < names->count; k++) {
            if (strcmp(names->items[k], listener) == 0) {
                return &config->services[i];
            }
        }
    }
    return NULL;
}

static json_t *listeners_to_json(const struct supervisor *supervisor, bool *is_whole)
{
    const struct config *config = supervisor->version.config;
    const struct listeners_view *view = supervisor->version.view;
    json_t *array = json_array();

    for (size_t i = 0; i < view->n_items; i++) {
        const struct config_service *service = service_of(config, view->items[i].name);
        char address[SOCKETS_TEXT_SIZE];
        json_t *object = json_object();

        listeners_describe(view, i, address, sizeof address);
        set(object, "name", json_string(view->items[i].name), is_whole);
        set(object, "address", json_string(address), is_whole);
        set_number(object, "sockets", view->items[i].n_fds, is_whole);
        set(object, "service", service != NULL ? json_string(service->name) : json_null(),
            is_whole);
        if (json_array_append_new(array, object) != 0) {
            *is_whole = false;
        }
    }
    return array;
}

static json_t *services_to_json(const struct config *config, bool *is_whole)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_services; i++) {
        const struct config_service *service = &config->services[i];
        json_t *names = json_array();
        json_t *object = json_object();

        for (size_t k = 0; k < service->listeners.count; k++) {
            if (json_array_append_new(names, json_string(service->listeners.items[k])) != 0) {
                *is_whole = false;
            }
        }
        set(object, "name", json_string(service->name), is_whole);
        set(object, "module", json_string(service->module), is_whole);
        set(object, "listeners", names, is_whole);
        if (json_array_append_new(array, object) != 0) {
            *is_whole = false;
        }
    }
    return array;
}

static json_t *counters_to_json(const struct channel_status *status, bool *is_whole)
{
    json_t *object = json_object();

    set_number(object, "loops", status->n_loops, is_whole);
    set_number(object, "tasks", status->n_tasks, is_whole);
    set_number(object, "connections", status->n_connections, is_whole);
    set_number(object, "accepted", status->n_accepted, is_whole);
    set_number(object, "shed", status->n_shed, is_whole);
    set_number(object, "accept_errors", status->n_accept_errors, is_whole);
    set_number(object, "jobs_queued", status->n_jobs_queued, is_whole);
    set_number(object, "jobs_running", status->n_jobs_running, is_whole);
    set_number(object, "jobs_done", status->n_jobs_done, is_whole);
    set_number(object, "service_restarts", status->n_service_restarts, is_whole);
    return object;
}

static json_t *generation_to_json(const struct supervisor *supervisor,
                                  const struct generation *generation, weft_time now,
                                  bool *is_whole)
{
    const struct policy_generation *known = policy_find(&supervisor->policy, generation->number);
    json_t *object = json_object();

    set_number(object, "number", generation->number, is_whole);
    set(object, "state", json_string(known != NULL ? policy_state_name(known->state) : "ending"),
        is_whole);
    set_number(object, "pid", (uint64_t)generation->pid, is_whole);
    set(object, "age_seconds", seconds(now - generation->started_at), is_whole);
    set_number(object, "stalls", generation->n_stalls, is_whole);
    if (generation->status_at != 0) {
        set(object, "counters", counters_to_json(&generation->status, is_whole), is_whole);
        set(object, "counters_age_seconds", seconds(now - generation->status_at), is_whole);
    } else {
        set(object, "counters", json_null(), is_whole);
    }
    return object;
}

static json_t *generations_to_json(const struct supervisor *supervisor, weft_time now,
                                   bool *is_whole)
{
    json_t *array = json_array();

    for (const struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        if (json_array_append_new(array, generation_to_json(supervisor, i, now, is_whole)) != 0) {
            *is_whole = false;
        }
    }
    return array;
}

static json_t *last_reload_to_json(const struct supervisor *supervisor, weft_time now,
                                   bool *is_whole)
{
    const struct reload_outcome *reload = &supervisor->last_reload;
    json_t *object;

    if (supervisor->last_reload_at == 0) {
        return json_null();
    }
    object = json_object();
    set(object, "ok", json_boolean(reload->is_ok), is_whole);
    set(object, "refused", json_boolean(reload->is_refused), is_whole);
    set(object, "text", json_string(reload->text), is_whole);
    set(object, "age_seconds", seconds(now - supervisor->last_reload_at), is_whole);
    return object;
}

static json_t *status_process_to_json(const struct supervisor *supervisor, bool *is_whole)
{
    char address[SOCKETS_TEXT_SIZE];
    uint64_t n_restarts = 0;
    int pid = 0;
    json_t *object;

    if (!observer_describe(supervisor, &pid, &n_restarts, address, sizeof address)) {
        return json_null();
    }
    object = json_object();
    set(object, "address", json_string(address), is_whole);
    set_number(object, "pid", (uint64_t)pid, is_whole);
    set_number(object, "restarts", n_restarts, is_whole);
    return object;
}

char *status_to_json(const struct supervisor *supervisor)
{
    const struct policy *policy = &supervisor->policy;
    const struct policy_generation *serving = policy_serving(policy);
    weft_time now = weft_loop_time(NULL);
    bool is_whole = true;
    json_t *root = json_object();
    char *text;

    set(root, "version", json_string(WEFT_VERSION_STRING), &is_whole);
    set_number(root, "pid", (uint64_t)getpid(), &is_whole);
    set(root, "config", json_string(supervisor->config_path), &is_whole);
    set(root, "state", json_string(supervisor_state(supervisor)), &is_whole);
    set(root, "uptime_seconds", seconds(now - supervisor->started_at), &is_whole);
    set(root, "generation",
        serving != NULL ? json_integer((json_int_t)serving->number) : json_null(), &is_whole);
    set(root, "log_level",
        json_string(config_log_level_name(supervisor->version.config->log.level)), &is_whole);
    set(root, "listeners", listeners_to_json(supervisor, &is_whole), &is_whole);
    set(root, "services", services_to_json(supervisor->version.config, &is_whole), &is_whole);
    set(root, "generations", generations_to_json(supervisor, now, &is_whole), &is_whole);
    set(root, "status_process", status_process_to_json(supervisor, &is_whole), &is_whole);
    set_number(root, "deaths", supervisor->n_deaths, &is_whole);
    set(root, "last_death",
        supervisor->death[0] != '\0' ? json_string(supervisor->death) : json_null(), &is_whole);
    set(root, "next_try_seconds",
        policy->retry_at != POLICY_NEVER ? seconds(policy->retry_at - now) : json_null(),
        &is_whole);
    set_number(root, "reloads", supervisor->n_reloads, &is_whole);
    set(root, "last_reload", last_reload_to_json(supervisor, now, &is_whole), &is_whole);
    text = is_whole ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(root);
    return text;
}

void status_to_line(const struct supervisor *supervisor, char *out, size_t size)
{
    const struct policy_generation *serving = policy_serving(&supervisor->policy);
    uint64_t n_connections = 0;
    uint64_t n_draining = 0;
    int n = 0;

    for (const struct generation *i = supervisor->generations; i != NULL; i = i->next) {
        if (serving != NULL && i->number == serving->number) {
            n_connections = i->status.n_connections;
        } else {
            n_draining += i->status.n_connections;
            n++;
        }
    }
    if (serving == NULL) {
        snprintf(out, size, "%s", supervisor_state(supervisor));
    } else {
        snprintf(out, size, "%s: generation %" PRIu64 ", %zu listeners, %" PRIu64 " connections",
                 supervisor_state(supervisor), serving->number, supervisor->version.view->n_items,
                 n_connections);
    }
    if (n > 0) {
        size_t length = strlen(out);

        snprintf(out + length, size - length, "; %d older or newer with %" PRIu64 " connections", n,
                 n_draining);
    }
}

/* ------------------------------------------------------------------------------- greeting */

/* A line that a reader can paste, for a listener of one of the built-in modules. */
static bool print_suggestion(const struct config_service *service, const char *address)
{
    bool is_unix = strncmp(address, "unix:", 5) == 0;

    if (strcmp(service->module, "http") == 0) {
        if (is_unix) {
            printf("  curl --unix-socket %s http://weftd/\n", address + 5);
        } else {
            printf("  curl http://%s/\n", address);
        }
        return true;
    }
    if (strcmp(service->module, "echo") == 0 && !is_unix && address[0] != '[') {
        printf("  printf 'hello\\n' | curl -s --max-time 1 telnet://%s\n", address);
        return true;
    }
    return false;
}

static void print_status_process(const struct supervisor *supervisor)
{
    char address[SOCKETS_TEXT_SIZE];
    uint64_t n_restarts;
    int pid;

    if (observer_describe(supervisor, &pid, &n_restarts, address, sizeof address)) {
        if (strncmp(address, "unix:", 5) == 0) {
            printf("  curl --unix-socket %s http://weftd/metrics\n", address + 5);
        } else {
            printf("  curl http://%s/metrics\n", address);
        }
    }
}

void status_print_greeting(const struct supervisor *supervisor)
{
    const struct config *config = supervisor->version.config;
    const struct listeners_view *view = supervisor->version.view;
    bool has_suggestion = false;
    char address[SOCKETS_TEXT_SIZE];

    printf("\nweftd %s serves %s\n", WEFT_VERSION_STRING, supervisor->config_path);
    for (size_t i = 0; i < view->n_items; i++) {
        const struct config_service *service = service_of(config, view->items[i].name);

        listeners_describe(view, i, address, sizeof address);
        printf("  %-12s %-24s %s\n", view->items[i].name, address,
               service != NULL ? service->module : "(no service)");
    }
    printf("\nTry:\n");
    for (size_t i = 0; i < view->n_items && !has_suggestion; i++) {
        const struct config_service *service = service_of(config, view->items[i].name);

        listeners_describe(view, i, address, sizeof address);
        has_suggestion = service != NULL && print_suggestion(service, address);
    }
    print_status_process(supervisor);
    printf("  weftctl --socket %s status\n", config->control.socket);
    printf("  curl --unix-socket %s http://weftd/status\n", config->control.socket);
    printf("Edit %s, then: kill -HUP %d. Ctrl-C ends.\n\n", supervisor->config_path, (int)getpid());
    (void)fflush(stdout); /* a terminal that is gone is no reason to end */
}

/*
 * A user's scenario, loaded once. Its requests have no limit of their own, so
 * a time limit stands around each.
 */

#include "load/client.h"

#include "weft/error.h"
#include "weft/load.h"
#include "weft/timeout.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct scenario_client {
    struct client base;
    const struct weft_load_scenario *scenario;
    void *user;
};

static struct scenario_client *scenario_of(struct client *client)
{
    return (struct scenario_client *)client;
}

/* The scenario of <file>, or NULL after saying why. It stays loaded. */
static const struct weft_load_scenario *load(const char *file)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const struct weft_load_scenario *loaded;
    static bool has_failed;

    pthread_mutex_lock(&lock);
    if (loaded == NULL && !has_failed) {
        void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        const struct weft_load_scenario *found =
            object != NULL ? dlsym(object, "weft_load_scenario") : NULL;
        if (found == NULL) {
            fprintf(stderr, "weft-load: %s\n", dlerror());
        } else if (found->abi != WEFT_LOAD_SCENARIO_ABI) {
            fprintf(stderr,
                    "weft-load: %s is made for scenario ABI %u; this is %d: compile it anew\n",
                    file, found->abi, WEFT_LOAD_SCENARIO_ABI);
        } else {
            loaded = found;
        }
        has_failed = loaded == NULL;
    }
    pthread_mutex_unlock(&lock);
    return loaded;
}

static struct client *scenario_create(const struct options *options)
{
    const struct weft_load_scenario *scenario = load(options->target.module);
    struct scenario_client *client = scenario != NULL ? calloc(1, sizeof(*client)) : NULL;

    if (client == NULL) {
        return NULL;
    }
    client->scenario = scenario;
    if (scenario->create(options->target.path, &client->user) < 0) {
        fprintf(stderr, "weft-load: %s refuses its argument '%s'\n", options->target.module,
                options->target.path);
        free(client);
        return NULL;
    }
    return &client->base;
}

static void scenario_destroy(struct client *client)
{
    struct scenario_client *scenario = scenario_of(client);

    if (scenario->scenario->destroy != NULL) {
        scenario->scenario->destroy(scenario->user);
    }
    free(client);
}

static int within_limit(struct client *client, int (*call)(void *user))
{
    weft_timeout *scope = weft_timeout_create(client->options->timeout);
    int r = weft_timeout_enter(scope);

    if (r == 0) {
        r = weft_timeout_exit(scope, call(scenario_of(client)->user));
    }
    weft_timeout_destroy(scope);
    return r;
}

static int scenario_connect(struct client *client)
{
    int (*connect)(void *user) = scenario_of(client)->scenario->connect;

    return connect != NULL ? within_limit(client, connect) : 0;
}

static int scenario_request(struct client *client)
{
    return within_limit(client, scenario_of(client)->scenario->request);
}

static bool scenario_must_close(const struct client *client)
{
    (void)client;
    return false;
}

static bool scenario_is_over(const struct client *client)
{
    (void)client; /* its connections are its own affair */
    return false;
}

static void scenario_close(struct client *client)
{
    struct scenario_client *scenario = scenario_of(client);

    if (scenario->scenario->close != NULL) {
        scenario->scenario->close(scenario->user);
    }
}

const struct client_kind client_scenario = { scenario_create,     scenario_destroy,
                                             scenario_connect,    scenario_request,
                                             scenario_must_close, scenario_is_over,
                                             scenario_close };

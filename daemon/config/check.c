/*
 * What no single key shows. Paths are made absolute first; then names must lead somewhere, no two
 * things may want the same address, and what cannot have an effect is warned of.
 *
 * A key that somebody has complained about already is left alone, so that one mistake is told
 * once. The maps have at most 256 entries, so comparing all pairs is cheap.
 */
#include "config/bind.h"
#include "config/complain.h"
#include "config/private.h"
#include "config/schema.h"
#include "config/suggest.h"

#include <string.h>
#include <sys/un.h>

enum {
    SOCKET_PATH_LIMIT = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1
};

/* ---------------------------------------------------------------------- places and soundness */

static struct config_place place_in(const struct config_loading *loading, const char *path)
{
    bool is_whole;
    const struct config_node *key = config_tree_find(loading->root, path, &is_whole);

    if (key == NULL) {
        return (struct config_place){ .source = loading->source };
    }
    if (is_whole && key->value != NULL && !config_node_is_empty(key->value)) {
        return key->value->place;
    }
    return key->place;
}

struct config_place config_place_of(const struct config *config, const char *path)
{
    const struct config_private *parts = config->private_parts;
    struct config_loading loading = { .source = &parts->source, .root = parts->root };

    return place_in(&loading, path);
}

static bool is_given(const struct config_loading *loading, const char *path)
{
    bool is_whole;

    (void)config_tree_find(loading->root, path, &is_whole);
    return is_whole;
}

/* Whether nothing on the way to <path> was complained about. */
static bool is_sound(const struct config_loading *loading, const char *path)
{
    char way[CONFIG_PATH_SIZE];
    size_t length = strlen(path);

    for (size_t i = 0; i <= length && i < sizeof way; i++) {
        if (path[i] == '.' || path[i] == '\0') {
            bool is_whole;
            memcpy(way, path, i);
            way[i] = '\0';
            const struct config_node *key = config_tree_find(loading->root, way, &is_whole);
            if (is_whole && (key->is_bad || key->value->is_bad)) {
                return false;
            }
        }
    }
    return true;
}

/* `listeners.web.address` */
struct path {
    char text[CONFIG_PATH_SIZE];
};

static struct path path_to(const char *map, const char *name, const char *key)
{
    struct path path;

    (void)snprintf(path.text, sizeof path.text, "%s.%s%s%s", map, name, key == NULL ? "" : ".",
                   key == NULL ? "" : key);
    return path;
}

/* ------------------------------------------------------------------------- absolute paths */

static void resolve_run_directory(struct config_loading *loading)
{
    struct config *config = loading->config;
    char text[4096];

    if (config->run_directory != NULL && config->run_directory[0] == '/') {
        return;
    }
    bool is_auto = config->run_directory != NULL && strcmp(config->run_directory, "auto") == 0;
    if (loading->is_json || (!is_auto && is_sound(loading, "run_directory"))) {
        struct config_place place = place_in(loading, "run_directory");
        (void)config_complain(loading->errors, CONFIG_ERROR, &place,
                              "run_directory: '%.64s' is neither an absolute path nor 'auto'",
                              config->run_directory == NULL ? "" : config->run_directory);
    }
    if (!loading->is_json) {
        config_run_directory(loading->options, text, sizeof text);
        config->run_directory = config_arena_copy(loading->arena, text, strlen(text));
    }
}

/* <path> itself when it is absolute, else below run_directory. */
static const char *resolve_socket(struct config_loading *loading, const char *key, const char *path)
{
    const char *full = path;

    if (path[0] != '/') {
        full = config_arena_printf(loading->arena, "%s/%s", loading->config->run_directory, path);
    }
    if (full != NULL && strlen(full) > SOCKET_PATH_LIMIT) {
        struct config_place place = place_in(loading, key);
        (void)config_complain(loading->errors, CONFIG_ERROR, &place,
                              "%s: the path has %zu bytes, a socket's has %d at most: '%.128s'",
                              key, strlen(full), (int)SOCKET_PATH_LIMIT, full);
    }
    return full;
}

static void resolve_paths(struct config_loading *loading)
{
    struct config *config = loading->config;

    resolve_run_directory(loading);
    if (config->run_directory == NULL) {
        return;
    }
    if (config->control.socket != NULL) {
        config->control.socket = resolve_socket(loading, "control.socket", config->control.socket);
    }
    if (config->status.address.family == CONFIG_FAMILY_UNIX) {
        config->status.address.path =
            resolve_socket(loading, "status.address", config->status.address.path);
    }
    for (size_t i = 0; i < config->n_listeners; i++) {
        struct config_address *address = &config->listeners[i].address;
        if (address->family == CONFIG_FAMILY_UNIX) {
            struct path path = path_to("listeners", config->listeners[i].name, "address");
            address->path = resolve_socket(loading, path.text, address->path);
        }
    }
}

/* ------------------------------------------------------------------------------ listeners */

static bool is_same_address(const struct config_address *left, const struct config_address *right)
{
    if (left->family != right->family || left->family == CONFIG_FAMILY_NONE) {
        return false;
    }
    if (left->family == CONFIG_FAMILY_UNIX) {
        return left->path != NULL && right->path != NULL && strcmp(left->path, right->path) == 0;
    }
    return left->port != 0 && left->port == right->port && strcmp(left->host, right->host) == 0;
}

static void check_same_address(struct config_loading *loading, size_t index)
{
    const struct config_listener *listener = &loading->config->listeners[index];
    struct path path = path_to("listeners", listener->name, "address");
    char text[192];

    for (size_t i = 0; i < index; i++) {
        const struct config_listener *other = &loading->config->listeners[i];
        if (!is_same_address(&listener->address, &other->address)) {
            continue;
        }
        struct path other_path = path_to("listeners", other->name, "address");
        struct config_place place = place_in(loading, path.text);
        struct config_place other_place = place_in(loading, other_path.text);
        config_address_format(&listener->address, text, sizeof text);
        struct config_diagnostic *on = config_complain(
            loading->errors, CONFIG_ERROR, &place, "%s: %s is the address of listener '%s' already",
            path.text, text, other->name);
        config_complain_note(loading->errors, on, &other_place, "it is given here");
        return;
    }
    const char *control = loading->config->control.socket;
    if (listener->address.family == CONFIG_FAMILY_UNIX && control != NULL &&
        listener->address.path != NULL && strcmp(control, listener->address.path) == 0) {
        struct config_place place = place_in(loading, path.text);
        (void)config_complain(loading->errors, CONFIG_ERROR, &place,
                              "%s: '%.128s' is the control socket", path.text, control);
    }
}

static void check_status(struct config_loading *loading)
{
    static const char path[] = "status.address";
    const struct config *config = loading->config;
    struct config_place place = place_in(loading, path);

    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (is_same_address(&config->status.address, &listener->address)) {
            struct path other = path_to("listeners", listener->name, "address");
            struct config_place other_place = place_in(loading, other.text);
            struct config_diagnostic *on =
                config_complain(loading->errors, CONFIG_ERROR, &place,
                                "%s is the address of listener '%s' already", path, listener->name);
            config_complain_note(loading->errors, on, &other_place, "it is given here");
            return;
        }
    }
    if (config->status.address.family == CONFIG_FAMILY_UNIX && config->control.socket != NULL &&
        config->status.address.path != NULL &&
        strcmp(config->control.socket, config->status.address.path) == 0) {
        (void)config_complain(loading->errors, CONFIG_ERROR, &place,
                              "%s: '%.128s' is the control socket", path, config->control.socket);
    }
}

static void check_useless_keys(struct config_loading *loading,
                               const struct config_listener *listener)
{
    bool is_unix = listener->address.family == CONFIG_FAMILY_UNIX;
    struct path mode = path_to("listeners", listener->name, "mode");
    struct path spread = path_to("listeners", listener->name, "spread");

    if (listener->address.family == CONFIG_FAMILY_NONE) {
        return;
    }
    if (!is_unix && is_given(loading, mode.text) && is_sound(loading, mode.text)) {
        struct config_place place = place_in(loading, mode.text);
        (void)config_complain(loading->errors, CONFIG_WARNING, &place,
                              "%s has no effect: only a unix socket has a file", mode.text);
    }
    if (is_unix && is_given(loading, spread.text) && is_sound(loading, spread.text) &&
        listener->spread == CONFIG_SPREAD_PER_LOOP) {
        struct config_place place = place_in(loading, spread.text);
        (void)config_complain(loading->errors, CONFIG_WARNING, &place,
                              "%s has no effect: a unix socket is always shared", spread.text);
    }
}

/* ------------------------------------------------------------------------------- services */

static size_t index_of_listener(const struct config *config, const char *name)
{
    size_t i = 0;

    while (i < config->n_listeners && strcmp(config->listeners[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void complain_of_listener(struct config_loading *loading, const char *path,
                                 const struct config_node *item)
{
    struct config_suggestion suggestion;

    config_suggest_init(&suggestion, item->text);
    for (size_t i = 0; i < loading->config->n_listeners; i++) {
        config_suggest_add(&suggestion, loading->config->listeners[i].name);
    }
    const char *nearest = config_suggest_get(&suggestion);
    if (nearest != NULL) {
        (void)config_complain(loading->errors, CONFIG_ERROR, &item->place,
                              "%s: there is no listener '%.64s'; did you mean '%s'?", path,
                              item->text, nearest);
    } else {
        (void)config_complain(loading->errors, CONFIG_ERROR, &item->place,
                              "%s: there is no listener '%.64s'", path, item->text);
    }
}

/* Where a service took a listener; NULL: nobody did. */
struct user {
    const struct config_node *item;
};

/* <users> has one for each listener. */
static void check_service_listeners(struct config_loading *loading,
                                    const struct config_service *service, struct user *users)
{
    bool is_whole;
    struct path path = path_to("services", service->name, "listeners");
    const struct config_node *key = config_tree_find(loading->root, path.text, &is_whole);

    if (!is_sound(loading, path.text)) {
        return;
    }
    if (service->listeners.count == 0 && service->module != NULL &&
        config_builtin_module(service->module) != NULL) {
        struct config_place place = place_in(loading, path.text);
        (void)config_complain(loading->errors, CONFIG_WARNING, &place,
                              "services.%s has no listeners: nobody can connect to it",
                              service->name);
    }
    if (!is_whole || key->value->kind != CONFIG_NODE_SEQUENCE) {
        return;
    }
    for (const struct config_node *item = key->value->first; item != NULL; item = item->next) {
        if (item->is_bad) {
            continue;
        }
        size_t index = index_of_listener(loading->config, item->text);
        if (index == loading->config->n_listeners) {
            if (is_sound(loading, "listeners")) {
                complain_of_listener(loading, path.text, item);
            }
        } else if (users[index].item != NULL) {
            struct config_diagnostic *on = config_complain(
                loading->errors, CONFIG_ERROR, &item->place,
                "%s: the listener '%s' belongs to another service already", path.text, item->text);
            config_complain_note(loading->errors, on, &users[index].item->place,
                                 "it is taken here");
        } else {
            users[index].item = item;
        }
    }
}

static void check_listeners_are_used(struct config_loading *loading, const struct user *users)
{
    bool is_whole;

    for (size_t i = 0; i < loading->config->n_listeners; i++) {
        struct path path = path_to("listeners", loading->config->listeners[i].name, NULL);
        const struct config_node *key = config_tree_find(loading->root, path.text, &is_whole);
        if (users[i].item == NULL && is_whole) {
            (void)config_complain(loading->errors, CONFIG_WARNING, &key->place,
                                  "the listener '%s' is used by no service",
                                  loading->config->listeners[i].name);
        }
    }
}

static void check_users(struct config_loading *loading)
{
    struct config *config = loading->config;
    struct user *users = config_arena_array(loading->arena, config->n_listeners + 1, sizeof *users);

    if (users == NULL) {
        return;
    }
    bool are_sound = is_sound(loading, "services");
    for (size_t i = 0; i < config->n_services; i++) {
        struct path path = path_to("services", config->services[i].name, "listeners");
        check_service_listeners(loading, &config->services[i], users);
        are_sound = are_sound && is_sound(loading, path.text);
    }
    /* Whoever misspells a key would else be told about its consequences too. */
    if (are_sound && loading->errors->n_errors == 0) {
        check_listeners_are_used(loading, users);
    }
    if (are_sound && config->n_services == 0) {
        struct config_place file = { .source = loading->source };
        (void)config_complain(loading->errors, CONFIG_WARNING, &file,
                              "there are no services, so nothing will be served");
    }
}

/* --------------------------------------------------------------------------------- ranges */

/* Two keys of which the first must not be above the second. */
static void check_order(struct config_loading *loading, const char *section, const char *low_key,
                        int64_t low, const char *high_key, int64_t high)
{
    char low_path[CONFIG_PATH_SIZE];
    char high_path[CONFIG_PATH_SIZE];

    (void)snprintf(low_path, sizeof low_path, "%s.%s", section, low_key);
    (void)snprintf(high_path, sizeof high_path, "%s.%s", section, high_key);
    if (low <= high || !is_sound(loading, low_path) || !is_sound(loading, high_path)) {
        return;
    }
    struct config_place place =
        place_in(loading, is_given(loading, low_path) ? low_path : high_path);
    (void)config_complain(loading->errors, CONFIG_ERROR, &place, "%s: %s is above %s", section,
                          low_key, high_key);
}

static void check_ranges(struct config_loading *loading)
{
    const struct config *config = loading->config;

    for (size_t i = 0; i < config->n_executors; i++) {
        const struct config_threads *threads = &config->executors[i].threads;
        struct path path = path_to("executors", config->executors[i].name, "threads");
        if (threads->max != 0) {
            check_order(loading, path.text, "min", threads->min, "max", threads->max);
        }
    }
    for (size_t i = 0; i < config->n_services; i++) {
        const struct config_backoff *backoff = &config->services[i].restart.backoff;
        struct path path = path_to("services", config->services[i].name, "restart.backoff");
        check_order(loading, path.text, "first", backoff->first, "max", backoff->max);
    }
    check_order(loading, "restart.backoff", "first", config->restart.backoff.first, "max",
                config->restart.backoff.max);
}

void config_check(struct config_loading *loading)
{
    resolve_paths(loading);
    if (loading->is_json || loading->arena->failed) {
        return;
    }
    for (size_t i = 0; i < loading->config->n_listeners; i++) {
        check_same_address(loading, i);
        check_useless_keys(loading, &loading->config->listeners[i]);
    }
    check_status(loading);
    check_users(loading);
    check_ranges(loading);
}

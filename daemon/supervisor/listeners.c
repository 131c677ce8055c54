/*
 * listeners.c: see listeners.h for what lives how long.
 *
 * The registry is one list of counted sockets; a view is a list of references
 * to them. There are no states: whoever wants a socket to stay open holds it.
 *
 * In the store a socket is called `weft.NUMBER.LISTENER`; the number makes it unique,
 * since the store forgets by name.
 *
 * Costs: preparing compares each listener with each socket; both are few.
 *
 * Thread: the supervisor's only one.
 */
#include "supervisor/listeners.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One socket that listens. */
struct listener {
    struct listener *next;
    size_t n_refs;
    int fd;
    bool is_inherited;
    bool is_restored; /* from the store, and not yet claimed: the registry holds it */
    char *stored_as;  /* owned: its name in the store, or NULL */
    char *name;       /* owned: of the listener it was bound for, or of the hand-over */
    enum config_family family;
    uint16_t wanted_port; /* as the config has it; 0: the kernel chose <port> */
    uint16_t port;
    char *host; /* owned, or NULL */
    char *path; /* owned, or NULL */
    struct stat file;
};

struct listeners {
    struct listener *first;
    const struct listeners_store *store; /* or NULL */
    unsigned long last_number;           /* in the store */
    bool is_leaving;
};

static const char stored_prefix[] = "weft.";

/* A view with what only this file sees. */
struct view {
    struct listeners_view public;
    size_t n_refs;
    struct listeners *owner; /* borrowed: outlives all views */
    struct heritage_listener *items;
    struct listener ***sockets; /* sockets[i][k] is items[i].fds[k] */
};

/* ----------------------------------------------------------------------------- one socket */

static char *copy_text(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static void destroy_socket(struct listener *socket)
{
    if (socket->fd >= 0) {
        /* The file goes first: whoever comes now finds none instead of a dead one. */
        if (socket->path != NULL && !socket->is_inherited) {
            sockets_unlink(socket->path, &socket->file);
        }
        close(socket->fd);
    }
    free(socket->stored_as);
    free(socket->name);
    free(socket->host);
    free(socket->path);
    free(socket);
}

static void store_socket(struct listeners *listeners, struct listener *socket)
{
    if (listeners->store != NULL && asprintf(&socket->stored_as, "%s%lu.%s", stored_prefix,
                                             ++listeners->last_number, socket->name) > 0) {
        listeners->store->keep(socket->stored_as, socket->fd);
    }
}

static void drop_from_store(struct listeners *listeners, struct listener *socket)
{
    /* A unix socket's file goes with it, so nobody could reach it in the next life. */
    bool is_kept = listeners->is_leaving && socket->path == NULL;

    if (listeners->store != NULL && socket->stored_as != NULL && !is_kept) {
        listeners->store->drop(socket->stored_as);
    }
}

static void unref_socket(struct listeners *listeners, struct listener *socket)
{
    if (--socket->n_refs > 0) {
        return;
    }
    drop_from_store(listeners, socket);
    for (struct listener **link = &listeners->first; *link != NULL; link = &(*link)->next) {
        if (*link == socket) {
            *link = socket->next;
            break;
        }
    }
    destroy_socket(socket);
}

/* At the end of the list, so that a listener's sockets keep their order. */
static void append_socket(struct listeners *listeners, struct listener *socket)
{
    struct listener **link = &listeners->first;

    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = socket;
}

static bool is_same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_at(const struct listener *socket, const struct config_address *address)
{
    if (socket->family != address->family) {
        return false;
    }
    if (address->family == CONFIG_FAMILY_UNIX) {
        return is_same_text(socket->path, address->path);
    }
    return socket->wanted_port == address->port && is_same_text(socket->host, address->host);
}

/* Whether <socket> is one of <wanted>. With port 0 every name has a port of its own. */
static bool serves(const struct listener *socket, const struct config_listener *wanted)
{
    const struct config_address *address = &wanted->address;
    bool is_any_port = address->family != CONFIG_FAMILY_UNIX && address->port == 0;

    if (socket->is_inherited) {
        return strcmp(socket->name, wanted->name) == 0 || (!is_any_port && is_at(socket, address));
    }
    if (socket->is_restored && is_any_port) {
        return socket->family == address->family && is_same_text(socket->host, address->host) &&
               strcmp(socket->name, wanted->name) == 0;
    }
    return is_at(socket, address) && (!is_any_port || strcmp(socket->name, wanted->name) == 0);
}

/* ------------------------------------------------------------------------ making sockets */

static int create_socket(struct listeners *listeners, const char *name,
                         const struct config_address *address, struct listener **out_socket)
{
    struct listener *socket = calloc(1, sizeof *socket);

    if (socket == NULL) {
        return -ENOMEM;
    }
    socket->fd = -1;
    socket->family = address->family;
    socket->wanted_port = address->port;
    socket->name = copy_text(name);
    socket->host = copy_text(address->host);
    socket->path = copy_text(address->path);
    if (socket->name == NULL || (address->host != NULL && socket->host == NULL) ||
        (address->path != NULL && socket->path == NULL)) {
        destroy_socket(socket);
        return -ENOMEM;
    }
    socket->n_refs = 1;
    append_socket(listeners, socket);
    *out_socket = socket;
    return 0;
}

/* One more socket for <wanted>; <sibling> is one that it has already, or NULL. */
static int bind_socket(struct listeners *listeners, const struct config_listener *wanted,
                       const struct listener *sibling, struct listener **out_socket, char *why,
                       size_t why_size)
{
    const struct config_address *address = &wanted->address;
    enum config_family family;
    struct listener *socket;
    int rc = create_socket(listeners, wanted->name, address, &socket);

    if (rc != 0) {
        snprintf(why, why_size, "out of memory");
        return rc;
    }
    if (address->family == CONFIG_FAMILY_UNIX) {
        rc = sockets_listen_unix(address->path, (mode_t)wanted->mode, (int)wanted->backlog,
                                 &socket->fd, &socket->file, why, why_size);
    } else {
        rc = sockets_listen_tcp(address, sibling != NULL ? sibling->port : 0, (int)wanted->backlog,
                                sibling == NULL, &socket->fd, why, why_size);
        if (rc == 0) {
            rc = sockets_examine(socket->fd, &family, &socket->port);
        }
    }
    if (rc != 0) {
        unref_socket(listeners, socket);
        return rc;
    }
    store_socket(listeners, socket);
    *out_socket = socket;
    return 0;
}

/* ----------------------------------------------------------------------------------- view */

static int add_to_item(struct view *view, size_t i, struct listener *socket)
{
    struct heritage_listener *item = &view->items[i];
    size_t n = item->n_fds + 1;
    int *fds = realloc(item->fds, n * sizeof *fds);
    struct listener **sockets;

    if (fds == NULL) {
        return -ENOMEM;
    }
    item->fds = fds;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    sockets = realloc(view->sockets[i], n * sizeof *sockets);
    if (sockets == NULL) {
        return -ENOMEM;
    }
    view->sockets[i] = sockets;
    fds[n - 1] = socket->fd;
    sockets[n - 1] = socket;
    item->n_fds = n;
    view->public.n_fds++;
    return 0;
}

static bool has_socket(const struct view *view, const struct listener *socket, size_t *out_item)
{
    for (size_t i = 0; i < view->public.n_items; i++) {
        for (size_t k = 0; k < view->items[i].n_fds; k++) {
            if (view->sockets[i][k] == socket) {
                *out_item = i;
                return true;
            }
        }
    }
    return false;
}

__attribute__((format(printf, 4, 5))) static void complain(struct config_errors *errors,
                                                           const struct config *config,
                                                           const struct config_listener *wanted,
                                                           const char *format, ...)
{
    char path[256];
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof path, "listeners.%s.address", wanted->name);
    config_errors_add(errors, config, CONFIG_ERROR, path, "%s", message);
}

/* The sockets that are there already. Errors: 1 when another listener of <view> has them. */
static int gather(struct view *view, size_t i, const struct config *config,
                  struct config_errors *errors)
{
    const struct config_listener *wanted = &config->listeners[i];

    for (struct listener *socket = view->owner->first; socket != NULL; socket = socket->next) {
        size_t other;
        int rc;

        if (!serves(socket, wanted)) {
            continue;
        }
        if (has_socket(view, socket, &other)) {
            complain(errors, config, wanted, "listener '%s' has the same address",
                     config->listeners[other].name);
            return 1;
        }
        rc = add_to_item(view, i, socket);
        if (rc != 0) {
            return rc;
        }
        socket->n_refs++;
        view->items[i].family = socket->family;
    }
    return 0;
}

static size_t n_wanted(const struct config_listener *wanted, size_t n_loops)
{
    bool is_shared =
        wanted->spread == CONFIG_SPREAD_SHARED || wanted->address.family == CONFIG_FAMILY_UNIX;

    return is_shared ? 1 : n_loops;
}

static int fill_item(struct view *view, size_t i, const struct config *config, size_t n_loops,
                     struct config_errors *errors)
{
    const struct config_listener *wanted = &config->listeners[i];
    struct heritage_listener *item = &view->items[i];
    char address[SOCKETS_TEXT_SIZE];
    char why[256] = "";
    int rc;

    item->name = copy_text(wanted->name);
    item->family = wanted->address.family;
    if (item->name == NULL) {
        return -ENOMEM;
    }
    rc = gather(view, i, config, errors);
    if (rc != 0 || (item->n_fds > 0 && view->sockets[i][0]->is_inherited)) {
        return rc;
    }
    while (item->n_fds < n_wanted(wanted, n_loops)) {
        struct listener *sibling = item->n_fds > 0 ? view->sockets[i][0] : NULL;
        struct listener *socket;

        rc = bind_socket(view->owner, wanted, sibling, &socket, why, sizeof why);
        if (rc != 0) {
            config_address_format(&wanted->address, address, sizeof address);
            complain(errors, config, wanted, "cannot listen on %s: %s", address, why);
            return 1;
        }
        rc = add_to_item(view, i, socket);
        if (rc != 0) {
            unref_socket(view->owner, socket);
            return rc;
        }
    }
    return 0;
}

static void destroy_view(struct view *view)
{
    for (size_t i = 0; i < view->public.n_items; i++) {
        for (size_t k = 0; k < view->items[i].n_fds; k++) {
            unref_socket(view->owner, view->sockets[i][k]);
        }
        free((char *)view->items[i].name);
        free(view->items[i].fds);
        free(view->sockets[i]);
    }
    free(view->items);
    free(view->sockets);
    free(view);
}

static int create_view(struct listeners *listeners, size_t n_items, struct view **out_view)
{
    struct view *view = calloc(1, sizeof *view);

    if (view == NULL) {
        return -ENOMEM;
    }
    view->items = calloc(n_items + 1, sizeof *view->items);
    view->sockets = calloc(n_items + 1, sizeof *view->sockets);
    view->owner = listeners;
    view->n_refs = 1;
    if (view->items == NULL || view->sockets == NULL) {
        destroy_view(view);
        return -ENOMEM;
    }
    view->public.items = view->items;
    view->public.n_items = n_items;
    *out_view = view;
    return 0;
}

static bool is_wanted(const struct listener *socket, const struct config *config)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (serves(socket, &config->listeners[i])) {
            return true;
        }
    }
    return false;
}

/* Before anything is bound: what is not wanted any more may hold an address that is. */
static void drop_unwanted(struct listeners *listeners, const struct config *config)
{
    struct listener *next;

    for (struct listener *socket = listeners->first; socket != NULL; socket = next) {
        next = socket->next;
        if (socket->is_restored && !is_wanted(socket, config)) {
            unref_socket(listeners, socket);
        }
    }
}

/* The view has them now, so the registry lets go. */
static void claim_restored(struct listeners *listeners, const struct config *config)
{
    for (struct listener *socket = listeners->first; socket != NULL; socket = socket->next) {
        for (size_t i = 0; socket->is_restored && i < config->n_listeners; i++) {
            if (serves(socket, &config->listeners[i])) {
                socket->wanted_port = config->listeners[i].address.port;
                socket->is_restored = false;
                socket->n_refs--;
            }
        }
    }
}

/* All listeners are tried, so that one run says all that is wrong. */
int listeners_prepare(struct listeners *listeners, const struct config *config, size_t n_loops,
                      struct config_errors *errors, struct listeners_view **out_view)
{
    struct view *view = NULL;
    int rc = create_view(listeners, config->n_listeners, &view);
    bool is_refused = false;

    drop_unwanted(listeners, config);
    for (size_t i = 0; rc == 0 && i < config->n_listeners; i++) {
        rc = fill_item(view, i, config, n_loops, errors);
        if (rc == 1) {
            is_refused = true;
            rc = 0;
        }
    }
    if (view == NULL) {
        return rc;
    }
    if (rc == 0 && view->public.n_fds > HERITAGE_MAX_FDS / 2) {
        config_errors_add(errors, config, CONFIG_ERROR, "listeners",
                          "%zu sockets for %zu listeners on %zu loops are too many (%d)",
                          view->public.n_fds, config->n_listeners, n_loops, HERITAGE_MAX_FDS / 2);
        is_refused = true;
    }
    if (rc != 0 || is_refused) {
        destroy_view(view);
        return rc != 0 ? rc : -EINVAL;
    }
    claim_restored(listeners, config);
    *out_view = &view->public;
    return 0;
}

void listeners_refresh(const struct listeners_view *public, const struct config *config)
{
    const struct view *view = (const struct view *)public;

    for (size_t i = 0; i < public->n_items && i < config->n_listeners; i++) {
        const struct config_listener *wanted = &config->listeners[i];

        for (size_t k = 0; k < view->items[i].n_fds; k++) {
            const struct listener *socket = view->sockets[i][k];

            if (socket->is_inherited) {
                continue;
            }
            /* Neither can fail in a way that matters: the socket goes on as it was. */
            (void)listen(socket->fd, (int)wanted->backlog);
            if (socket->path != NULL) {
                struct stat now;

                if (lstat(socket->path, &now) == 0 && now.st_ino == socket->file.st_ino &&
                    now.st_dev == socket->file.st_dev) {
                    (void)!chmod(socket->path, (mode_t)wanted->mode);
                }
            }
        }
    }
}

struct listeners_view *listeners_view_ref(struct listeners_view *public)
{
    ((struct view *)public)->n_refs++;
    return public;
}

struct listeners_view *listeners_view_unref(struct listeners_view *public)
{
    struct view *view = (struct view *)public;

    if (view != NULL && --view->n_refs == 0) {
        destroy_view(view);
    }
    return NULL;
}

void listeners_describe(const struct listeners_view *view, size_t i, char *out, size_t size)
{
    sockets_describe(view->items[i].fds[0], out, size);
}

/* -------------------------------------------------------------------------------- registry */

int listeners_create(const struct listeners_store *store, struct listeners **out_listeners)
{
    struct listeners *listeners = calloc(1, sizeof *listeners);

    if (listeners == NULL) {
        return -ENOMEM;
    }
    listeners->store = store;
    *out_listeners = listeners;
    return 0;
}

void listeners_leave(struct listeners *listeners)
{
    if (listeners != NULL) {
        listeners->is_leaving = true;
    }
}

void listeners_destroy(struct listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    while (listeners->first != NULL) {
        struct listener *socket = listeners->first;

        listeners->first = socket->next;
        drop_from_store(listeners, socket);
        destroy_socket(socket);
    }
    free(listeners);
}

/* What a handed-over socket is bound to, so that a listener with its address finds it. */
static void note_address(struct listener *socket)
{
    char text[SOCKETS_TEXT_SIZE];
    char *end;

    sockets_describe(socket->fd, text, sizeof text);
    if (socket->family == CONFIG_FAMILY_UNIX) {
        socket->path = copy_text(text + strlen("unix:"));
        return;
    }
    end = strrchr(text, ':');
    if (end != NULL) {
        *end = '\0';
        if (text[0] == '[') {
            text[strlen(text) - 1] = '\0';
        }
        socket->host = copy_text(text[0] == '[' ? text + 1 : text);
    }
}

/* A socket that listens already, from outside. */
static int take_socket(struct listeners *listeners, const char *name, int fd,
                       struct listener **out_socket)
{
    struct config_address address = { .family = CONFIG_FAMILY_NONE };
    struct listener *socket;
    uint16_t port;
    int rc = sockets_examine(fd, &address.family, &port);

    if (rc == 0) {
        rc = create_socket(listeners, name, &address, &socket);
    }
    if (rc != 0) {
        return rc;
    }
    socket->fd = fd;
    socket->port = port;
    socket->wanted_port = port;
    note_address(socket);
    *out_socket = socket;
    return 0;
}

int listeners_adopt(struct listeners *listeners, const char *name, int fd)
{
    struct listener *socket;
    int rc = take_socket(listeners, name, fd, &socket);

    if (rc == 0) {
        /* The reference of creation is the registry's own: it never lets go of these. */
        socket->is_inherited = true;
    }
    return rc;
}

bool listeners_is_stored_name(const char *name)
{
    return strncmp(name, stored_prefix, strlen(stored_prefix)) == 0;
}

int listeners_restore(struct listeners *listeners, const char *name, int fd)
{
    struct listener *socket;
    char *end;
    unsigned long number = strtoul(name + strlen(stored_prefix), &end, 10);
    int rc = *end == '.' ? take_socket(listeners, end + 1, fd, &socket) : -EINVAL;

    if (rc != 0) {
        return rc;
    }
    socket->stored_as = copy_text(name);
    if (socket->path != NULL && lstat(socket->path, &socket->file) != 0) {
        free(socket->path); /* without its file nobody can reach it: wanted by nobody */
        socket->path = NULL;
    }
    socket->is_restored = true;
    if (number > listeners->last_number) {
        listeners->last_number = number;
    }
    return 0;
}

const char *listeners_unused(const struct listeners *listeners, const struct listeners_view *view,
                             size_t i)
{
    for (const struct listener *socket = listeners->first; socket != NULL; socket = socket->next) {
        size_t item;

        if (socket->is_inherited && !has_socket((const struct view *)view, socket, &item) &&
            i-- == 0) {
            return socket->name;
        }
    }
    return NULL;
}

#ifndef WEFT_DAEMON_SUPERVISOR_LISTENERS_H
#define WEFT_DAEMON_SUPERVISOR_LISTENERS_H

/*
 * The listening sockets, which outlive every generation that accepts on them.
 *
 *     config 1 --prepare--> view 1 --,             generation 1 holds view 1
 *                                    |--> sockets
 *     config 2 --prepare--> view 2 --'             generation 2 holds view 2
 *
 * A view is what one configuration listens on. It is counted: the configuration
 * in force and each living generation hold theirs. A socket is closed when no
 * view has it any more, and by nothing else: closing one resets the connections
 * that wait in it. So a reload that keeps an address keeps its very sockets, also
 * when it wants fewer loops; one that wants more binds the difference; one that
 * drops an address closes it when the last generation that had it is gone.
 *
 * Each socket of ours is also given to a store outside of this process, if there is one
 * (FDSTORE of sd_notify(3)), and taken back from it at the next start. So a supervisor that
 * crashed, or is restarted, finds its sockets with all that waits in them.
 *
 * Sockets that the service manager handed over are never bound, closed or
 * unlinked by us; they are found by the listener's name or by their address.
 */

#include "config/config.h"
#include "heritage.h"
#include "supervisor/sockets.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct listeners;

/* What one configuration listens on. items[i] belongs to the config's listener i. */
struct listeners_view {
    const struct heritage_listener *items; /* owned; descriptors of this process */
    size_t n_items;
    size_t n_fds; /* over all items */
};

/* A place that keeps sockets over our own end, by names that are each one's own. */
struct listeners_store {
    void (*keep)(const char *name, int fd);
    void (*drop)(const char *name);
};

/** <store> is static; NULL: there is none. Errors: -ENOMEM. */
int listeners_create(const struct listeners_store *store, struct listeners **out_listeners);

/** Close everything, remove our unix sockets' files. No view may be left. NULL is a no-op. */
void listeners_destroy(struct listeners *listeners);

/** The end of this life: TCP sockets that are closed from here on stay in the store for the next.
 */
void listeners_leave(struct listeners *listeners);

/** Whether the store gave something this name, and not somebody else. */
bool listeners_is_stored_name(const char *name);

/**
 * Take a socket back that the store kept under <name>. One that the first listeners_prepare()
 * does not want is closed by it.
 *
 * Owns:    takes <fd> on success.
 * Errors:  -EINVAL when it does not listen; -ENOMEM.
 */
int listeners_restore(struct listeners *listeners, const char *name, int fd);

/**
 * Take a listening socket that was handed over under <name>.
 *
 * Owns:    takes <fd> on success.
 * Errors:  -EINVAL when it does not listen; -ENOMEM.
 */
int listeners_adopt(struct listeners *listeners, const char *name, int fd);

/** The names under which something was handed over and that <view> does not use, one a call; NULL
 * ends. */
const char *listeners_unused(const struct listeners *listeners, const struct listeners_view *view,
                             size_t i);

/**
 * The sockets for <config> with <n_loops> loops; those that are missing are bound.
 *
 * Owns:    the caller owns one reference to *out_view. <config> is only read.
 * Errors:  -EINVAL when an address cannot be had: <errors> says which, with its place in the file,
 *          and what was bound for this call is closed again; -ENOMEM.
 */
int listeners_prepare(struct listeners *listeners, const struct config *config, size_t n_loops,
                      struct config_errors *errors, struct listeners_view **out_view);

/** Let what <config> says about sockets that were there before (backlog, mode) hold. */
void listeners_refresh(const struct listeners_view *view, const struct config *config);

struct listeners_view *listeners_view_ref(struct listeners_view *view);
/** Give a reference back; sockets that nobody else has are closed. NULL is a no-op; returns NULL.
 */
struct listeners_view *listeners_view_unref(struct listeners_view *view);

/** The address that item <i> really has, as text. */
void listeners_describe(const struct listeners_view *view, size_t i, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif

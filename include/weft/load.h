#ifndef WEFT_LOAD_H
#define WEFT_LOAD_H

/*
 * load.h: a user's own protocol or sequence of requests for weft-load.
 *
 * A scenario is a shared object that exports one `weft_load_scenario`:
 *
 *     static int request(void *user) { ... weft_stream_write ... readline ... }
 *
 *     const struct weft_load_scenario weft_load_scenario = {
 *         WEFT_LOAD_SCENARIO_ABI, create, connect_it, request, close_it, destroy
 *     };
 *
 *     cc -shared -fPIC $(pkg-config --cflags weft) mine.c -o mine.so
 *     weft-load --rate 1000 module:./mine.so:argument
 *
 * All functions run in a task and may wait as they like; what takes longer
 * than weft-load's --timeout is cancelled and counted as a time-out.
 */

#include "weft/base.h"

WEFT_BEGIN_DECLS

/** What a scenario was compiled for; weft-load refuses another. */
#define WEFT_LOAD_SCENARIO_ABI 1

/** What weft-load calls. Everything runs on one loop's thread, a user always on the same one. */
struct weft_load_scenario {
    uint32_t abi; /* WEFT_LOAD_SCENARIO_ABI */
    /* One user for each connection. 0, or negative to refuse the argument. */
    int (*create)(const char *argument, void **out_user);
    /* 0, or negative: counted as a failure to connect. NULL: there is nothing to connect. */
    int (*connect)(void *user);
    /* One request and its answer: 0, or negative: counted, and the connection is closed. */
    int (*request)(void *user);
    /* The connection is over; may be NULL. */
    void (*close)(void *user);
    /* May be NULL. */
    void (*destroy)(void *user);
};

WEFT_END_DECLS

#endif

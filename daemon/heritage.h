#ifndef WEFT_DAEMON_HERITAGE_H
#define WEFT_DAEMON_HERITAGE_H

/*
 * What a worker inherits from its supervisor: this struct, and nothing by
 * accident.
 *
 * The supervisor writes it as one JSON text into a memfd, gives the child that
 * memfd as descriptor 3 and says so: `weft-worker --heritage 3`. All descriptors
 * named in it are open in the child, everything else is O_CLOEXEC. The worker
 * reads it once, before its first thread, and closes the memfd.
 *
 *     { "version": 1, "generation": 7, "channel": 4, "config": 5, "pid": 4711,
 *       "board": 6, "slot": 1,
 *       "listeners": [ { "name": "web", "family": "ipv4", "fds": [7, 8] } ] }
 *
 * `config` is a memfd with the text of config_to_json: the worker never reads
 * the file, which may have changed since. `board` is where it publishes its figures, in its
 * `slot` (status/board.h); without a slot it may only read them, and both may be missing.
 *
 * A per-loop listener has one SO_REUSEPORT socket per loop: loop i owns the
 * sockets i, i + n_loops, ... A shared one (unix, or handed over by systemd) has
 * one socket on which all loops accept.
 */

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HERITAGE_VERSION = 1,
    HERITAGE_MAX_FDS = 1024
};

struct heritage_listener {
    const char *name; /* of the listener in the config */
    enum config_family family;
    int *fds;
    size_t n_fds;
};

struct heritage {
    uint64_t generation;
    pid_t supervisor; /* the worker ends when this is no longer its parent */
    int channel;      /* SOCK_SEQPACKET, see channel.h */
    int config;       /* memfd */
    int board;        /* memfd; -1: none */
    int slot;         /* BOARD_NO_SLOT: none */
    struct heritage_listener *listeners;
    size_t n_listeners;
};

/** Write <heritage> as JSON into a new memfd. Errors: system codes; -ENOMEM. */
int heritage_write(const struct heritage *heritage, int *out_fd);

/**
 * Read what heritage_write wrote; every descriptor is checked to be open and is
 * made close-on-exec.
 *
 * Owns:    *out_heritage is the caller's: heritage_destroy frees it and leaves
 *          the descriptors open.
 * Errors:  -EPROTO with a sentence in <why> for a text that is not ours; system codes.
 */
int heritage_read(int fd, struct heritage **out_heritage, char *why, size_t why_size);
void heritage_destroy(struct heritage *heritage);
const struct heritage_listener *heritage_find_listener(const struct heritage *heritage,
                                                       const char *name);

#ifdef __cplusplus
}
#endif

#endif

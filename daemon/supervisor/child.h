#ifndef WEFT_DAEMON_SUPERVISOR_CHILD_H
#define WEFT_DAEMON_SUPERVISOR_CHILD_H

/*
 * A worker process as the supervisor sees it: something that is told things,
 * says things, and dies. Only child.c knows how.
 *
 *     spawn --> lives --on_packet, on_packet, ...--> on_exit --> destroy
 *
 * The worker inherits the descriptors of its heritage and the standard three,
 * and nothing else; its environment is ours without what concerns only us or the
 * dynamic linker.
 */

#include "channel.h"
#include "heritage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct child;

enum {
    CHILD_BOARD_FD = 6 /* what the descriptor of the board is in the child */
};

/* One packet that was checked. Runs in a callback of the loop. */
typedef void child_packet_fn(const struct channel_packet *packet, void *data);
/* The answer to child_ask_dump, with a sealed memfd or -1; <fd> is the receiver's. */
typedef void child_dump_fn(const struct channel_packet *packet, int fd, void *data);
/* It will say nothing more, and is alive as far as we know. */
typedef void child_silent_fn(void *data);
/* It is dead, and <how> is the sentence's verb: "was killed by SIGKILL". The child may be destroyed
 * from here on. */
typedef void child_exit_fn(const char *how, void *data);

struct child_options {
    const char *program; /* path of the worker */
    uint64_t generation;
    int config;                                /* descriptor with the configuration's JSON */
    int board;                                 /* descriptor for its figures; 0: none */
    int slot;                                  /* of the board; BOARD_NO_SLOT: it only reads */
    const struct heritage_listener *listeners; /* descriptors of this process */
    size_t n_listeners;
    child_packet_fn *on_packet;
    child_dump_fn *on_dump; /* NULL: dumps are not asked for */
    child_silent_fn *on_silent;
    child_exit_fn *on_exit;
    void *data;
};

/**
 * Start a worker.
 *
 * Thread:  loop thread; the process has no other thread.
 * Owns:    everything in <options> is copied or inherited, but <data>, which must live until the
 *          child is destroyed.
 * Errors:  system codes, with the step that failed in <why>.
 */
int child_spawn(const struct child_options *options, struct child **out_child, char *why,
                size_t why_size);

/** Tell it something. Errors: as channel_send. */
int child_send(struct child *child, enum channel_kind kind, int64_t number);

/**
 * Ask what goes on in it: weft_dump's <flags>, of the task <id> only if that is not 0. The answer
 * carries <number>. Errors: as channel_send.
 */
int child_ask_dump(struct child *child, int64_t number, uint64_t id, unsigned flags);

/** End it by force. What follows is on_exit. */
void child_kill(struct child *child);
/** End it by SIGABRT, which leaves a core where the system allows one. */
void child_abort(struct child *child);
/** Ask its control thread for a PONG. Errors: as child_send. */
int child_ping(struct child *child, int64_t number);
/** Whether it was stopped, by a signal or a debugger: then it cannot answer. */
bool child_is_stopped(const struct child *child);

/** For people: its number in ps(1). */
int child_get_pid(const struct child *child);
/** Packets that were dropped because they were none. */
uint64_t child_get_n_dropped(const struct child *child);

/** Release what we have of it. One that lives goes on without us. NULL is a no-op. */
void child_destroy(struct child *child);

#ifdef __cplusplus
}
#endif

#endif

#ifndef WEFT_DAEMON_SUPERVISOR_DUMPS_H
#define WEFT_DAEMON_SUPERVISOR_DUMPS_H

/*
 * Dumps: what workers tell of what goes on in them (weft/inspect.h).
 *
 *     dump_ask --DUMP--> worker's control thread --DUMPED, memfd--> dump_take_answer
 *        `----------------- dump_wait, at most two seconds ------------------'
 *
 * A worker answers while all its loops are stuck. What it sends is believed as little
 * as all the rest: JSON is checked to be one complete value before it is passed on.
 *
 * Thread: the loop's.
 */

#include "channel.h"

#include <stddef.h>
#include <stdint.h>

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

struct supervisor;
struct generation;

enum {
    DUMP_LIMIT_SECONDS = 2
};

/* One question to one worker, on its asker's stack or in its array. */
struct dump {
    struct dump *next; /* in supervisor->dumps */
    int64_t number;
    uint64_t generation;
    int pid;
    const char *state;   /* static: what the generation did when it was asked */
    weft_future *answer; /* ref */
    int fd;              /* owned: the dump; -1: none */
    size_t size;
    int code;                    /* why there is none; 0 */
    char why[CHANNEL_TEXT_SIZE]; /* the same for people */
};

/** Ask <generation>. What fails is in the dump, too: dump_wait is due in any case, and dump_clear.
 */
void dump_ask(struct supervisor *supervisor, struct generation *generation, uint64_t id,
              unsigned flags, struct dump *dump);
/** Wait until <deadline> of the loop's clock. In a task. Errors: WEFT_ECANCELED; else in the dump.
 */
int dump_wait(struct dump *dump, weft_time deadline);
void dump_clear(struct supervisor *supervisor, struct dump *dump);

/** An answer came; takes <fd>. */
void dump_take_answer(struct supervisor *supervisor, uint64_t generation,
                      const struct channel_packet *packet, int fd);
/** <generation> is dead and will answer no more. */
void dump_forget(struct supervisor *supervisor, uint64_t generation);

/* ---- json_check.c --------------------------------------------------------- */

enum {
    JSON_CHECK_DEPTH = 64
};

/* Reads JSON piece by piece, and keeps nothing but where it stands. */
struct json_check {
    uint64_t nesting; /* a bit per level: 1 an object, 0 an array */
    int depth;
    int state;
    int left;           /* characters of an escape, of UTF-8 or of a literal */
    const char *word;   /* the rest of a literal */
    uint32_t low, high; /* bounds of the next byte of UTF-8 */
};

void json_check_init(struct json_check *check);
/** Errors: -EINVAL: it is none, or nested deeper than JSON_CHECK_DEPTH. */
int json_check_feed(struct json_check *check, const char *text, size_t size);
/** Errors: -EINVAL: something is missing. */
int json_check_end(const struct json_check *check);

#ifdef __cplusplus
}
#endif

#endif

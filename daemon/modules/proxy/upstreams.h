#ifndef WEFT_DAEMON_MODULES_PROXY_UPSTREAMS_H
#define WEFT_DAEMON_MODULES_PROXY_UPSTREAMS_H

/*
 * Which of several servers is asked next.
 *
 * They take turns. One that could not be reached <fail_after> times in a row is
 * left out for <fail_for>; then one request tries it again. When all are left out
 * the one whose time comes first is tried: to answer late is better than not to.
 *
 * Thread: one loop's; each loop finds out by itself.
 */

#include "weft/time.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MAX_UPSTREAMS = 64
};

struct upstream {
    char *origin;        /* in the text of the list */
    unsigned n_failures; /* in a row */
    weft_time out_until; /* 0: it takes its turns */
};

struct upstreams {
    char *text; /* owned */
    struct upstream all[MAX_UPSTREAMS];
    size_t n;
    size_t next;
    unsigned fail_after;
    weft_duration fail_for;
};

/** Read "HOST:PORT, unix:PATH, ...". Errors: WEFT_EINVAL, with a message; WEFT_ENOMEM. */
int upstreams_init(struct upstreams *upstreams, const char *list, unsigned fail_after,
                   weft_duration fail_for);
void upstreams_fini(struct upstreams *upstreams);

/** The next one to be asked at <now>; <tried> are left out. NULL: all were tried. */
struct upstream *upstreams_pick(struct upstreams *upstreams, weft_time now, const bool *tried);
/** <upstream> was reached. */
void upstreams_note_good(struct upstream *upstream);
/** It was not. True: it is left out from now on. */
bool upstreams_note_bad(const struct upstreams *upstreams, struct upstream *upstream,
                        weft_time now);

#endif

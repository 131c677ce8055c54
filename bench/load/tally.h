#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

/*
 * tally.h: what came of the requests of one loop, or, added up, of a run.
 *
 * Response time counts from the moment a request was meant to be sent, service
 * time from the moment it was. The difference is what waits behind a slow
 * server, and what a closed loop never sees.
 *
 * Thread: one; tallies of several loops are added when they have ended.
 */

#include "load/histogram.h"

#include <stddef.h>
#include <stdint.h>

/* How a request failed. */
enum failure {
    FAILED_CONNECT, /* no connection could be made */
    FAILED_TIMEOUT, /* no whole answer within the limit */
    FAILED_RESET,   /* the connection ended before the whole answer had come */
    FAILED_STATUS,  /* an HTTP status of 400 or more */
    FAILED_CONTENT, /* an answer that is not what it has to be */
    FAILED_OTHER,
    N_FAILURES
};

/* The plural, for tables, and the key of it in JSON: "timeouts". */
const char *failure_name(enum failure failure);
enum failure failure_of_code(int code);

/* What an application-level client says of an answer. */
enum client_error {
    CLIENT_BAD_STATUS = -10001, /* WEFT_EUSER(1) */
    CLIENT_BAD_CONTENT = -10002 /* WEFT_EUSER(2) */
};

/* A second of the run, or less at its end. */
struct tally_slot {
    uint64_t n_done, n_failed;
    struct histogram response; /* two digits; made with the first value */
};

struct tally {
    struct histogram response, service, connect, lag;
    uint64_t n_intended; /* that the schedule asked for */
    uint64_t n_sent;
    uint64_t n_done;   /* answered as they have to be */
    uint64_t n_late;   /* sent more than LATE after they were meant to be */
    uint64_t n_missed; /* never sent: the run was over */
    uint64_t failures[N_FAILURES];
    uint64_t n_connects, n_reconnects;
    uint64_t bytes_out, bytes_in;
    size_t n_slots;
    struct tally_slot *slots;
};

#define TALLY_LATE WEFT_MS(1)
#define TALLY_SLOT WEFT_S(1)

/* 0 or WEFT_ENOMEM. */
int tally_init(struct tally *tally, weft_duration duration);
void tally_fini(struct tally *tally);
void tally_add(struct tally *to, const struct tally *from);
uint64_t tally_n_failed(const struct tally *tally);

/* One request: <at> from the start of the measurement; N_FAILURES: it was answered. */
void tally_request(struct tally *tally, weft_duration at, weft_duration response,
                   weft_duration service, enum failure failure);

#endif

#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

/*
 * options.h: what the command line asks for.
 *
 * Thread: read by all, changed by none once parsed.
 */

#include "load/target.h"

#include "weft/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAX_HEADERS = 32
};

struct options {
    struct target target;

    bool is_closed;       /* each connection sends its next request when it has the answer */
    double rate, rate_to; /* requests per second of all loops; a ramp goes from one to the other */
    bool is_poisson;
    int n_connections;
    int n_loops;
    weft_duration duration, warmup, timeout;
    uint64_t seed;
    bool find_knee;

    const char *method, *body;
    const char *headers[MAX_HEADERS];
    size_t n_headers;
    size_t message_size; /* of an echo */

    bool churn; /* a connection for each request */
    int n_idle, n_slow_readers;
    const char *control;                      /* weftd's control socket */
    weft_duration hammer_reload, kill_worker; /* 0: not */

    const char *json, *hgrm, *html;
    const char *compare;
    const char *assertion;
    bool is_quiet;
};

/* 0; 1: help or the version was printed; negative: what is wrong was said. */
int options_parse(struct options *options, int argc, char **argv);

/* "250ms", "1.5s", "2m", "20us"; a bare number is in seconds. false: not a duration. */
bool parse_duration(const char *text, weft_duration *out_duration);

#endif

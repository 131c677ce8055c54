#ifndef WEFT_BENCH_PEER_H
#define WEFT_BENCH_PEER_H

/*
 * weft-peer: weft as one of the programs that are measured side by side. Each
 * command is what a user would write: public headers, default options, one call
 * per message. It prints `key=value` lines; all times are CPU time of the
 * process unless the key says otherwise.
 */

#include "weft/weft.h"

#include <stdint.h>

struct peer_command {
    const char *name;
    const char *arguments;
    int (*run)(int argc, char **argv); /* the exit status */
};

extern const struct peer_command peer_switch;
extern const struct peer_command peer_spawn;
extern const struct peer_command peer_echo;
extern const struct peer_command peer_http;
extern const struct peer_command peer_xthread;
extern const struct peer_command peer_executor;
extern const struct peer_command peer_timers;

/* The number after <name>, or <fallback>. */
int64_t peer_get_number(int argc, char **argv, const char *name, int64_t fallback);
const char *peer_get_text(int argc, char **argv, const char *name, const char *fallback);

/* Nanoseconds. */
int64_t peer_cpu_time(void);
int64_t peer_wall_time(void);
int64_t peer_resident_bytes(void);
/* Pages that had to be made since the program began. */
int64_t peer_page_faults(void);

/* End the program with a message when <code> is negative. */
void peer_require(int code, const char *what);
void *peer_allocate(size_t n, size_t size);

/* Run main(arg) as the one task of a loop. */
void peer_run(weft_coro_fn *main, void *arg);

/* Latencies, in nanoseconds; room for all of them is made at the start. */
struct peer_samples {
    int64_t *values; /* owned */
    size_t n;
    size_t capacity;
};

void peer_samples_init(struct peer_samples *samples, size_t capacity);
void peer_samples_add(struct peer_samples *samples, int64_t value);
/* p50_us and p99_us; frees the values. */
void peer_samples_print(struct peer_samples *samples);

void peer_pin(int cpu);

#endif

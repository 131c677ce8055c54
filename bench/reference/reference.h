#ifndef WEFT_BENCH_REFERENCE_H
#define WEFT_BENCH_REFERENCE_H

#include "../peers/peer.h"

/* On libuv (libuv.c). */
extern const struct peer_command reference_timers;
extern const struct peer_command reference_executor;
extern const struct peer_command reference_xthread;

#endif

#ifndef WEFT_DAEMON_MODULES_ECHO_HANDLER_H
#define WEFT_DAEMON_MODULES_ECHO_HANDLER_H

/*
 * The echo service itself, without the module around it, so that the benchmarks
 * measure the code that weftd runs.
 */

#include "weft/stream.h"

/**
 * Send back what comes over <stream> until it ends or is silent for <idle_limit>.
 *
 * Thread:  loop thread, in a task.
 * Owns:    borrows <stream>.
 * Units:   nanoseconds; WEFT_FOREVER: no limit.
 * Errors:  0 at the end and at the limit; else those of the stream.
 */
int echo_serve(weft_stream *stream, weft_duration idle_limit);

#endif

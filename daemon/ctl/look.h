#ifndef WEFT_DAEMON_CTL_LOOK_H
#define WEFT_DAEMON_CTL_LOOK_H

/*
 * Verbs that look inside: workers by way of the daemon, any process without it.
 */

#include "ctl/verbs.h"

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** tasks, tree, stack [ID], waits, loops, executors, timers, handles: ask the daemon. */
enum verb_exit look_at_workers(const char *what, const struct verb_options *options);
/** ps PID, pstree PID. */
enum verb_exit look_at_process(const char *what, const struct verb_options *options);

/** Print <text> of a dump; with colours when <is_terminal>. */
void look_print_text(FILE *stream, const char *text, bool is_terminal);

#ifdef __cplusplus
}
#endif

#endif

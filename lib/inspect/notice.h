#ifndef WF_INSPECT_NOTICE_H
#define WF_INSPECT_NOTICE_H

/*
 * What the monitor says of loops, as texts and reports.
 *
 * Thread: any, without locks; sending the monitor's only.
 */

#include "inspect/culprit.h"
#include "inspect/stall.h"
#include "loop/loop.h"

#include <stdbool.h>

/* So long a process that stood still is worth a word. */
#define WF_LONG_STANDSTILL WEFT_S(1)

/* What is to be told of a loop while it is held up: put together under the lock, sent without. */
struct wf_notice {
    bool is_due;
    bool is_logged; /* not kept back by the limit */
    bool is_turn;
    bool is_starved;
    bool has_stack;        /* live_stack.h has it */
    const weft_loop *loop; /* compared only */
    char loop_name[64];
    struct wf_culprit culprit;
    struct wf_stall_times times;
    uint64_t n_of_turn; /* pieces of work in it */
    unsigned n;
    unsigned n_kept;
};

/* Log it, and let who listens hear of it (weft_set_stall_handler). */
void wf_notice_send(const struct wf_notice *notice);

/* At the end: "Executing <Task ...> took 0.123 seconds (0.120 on the processor)". */
void wf_notice_slow(const struct wf_culprit *culprit, const struct wf_stall_times *times);
/* The same of a turn that was long for many pieces of work. */
void wf_notice_turn(const struct wf_notice *notice);
/* It was long for want of a processor: a line for whoever wonders, and no report. */
void wf_notice_starved(const char *loop_name, const struct wf_culprit *culprit,
                       const struct wf_stall_times *times);
void wf_notice_standstill(weft_duration missed);

/* In a forked child, before anything else. */
void wf_notice_begin_child(void);

#endif

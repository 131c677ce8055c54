#ifndef WF_INSPECT_STALL_H
#define WF_INSPECT_STALL_H

/*
 * What is known of a loop that somebody looks at now and then, as pure functions of readings:
 *
 *     (track, sample, threshold) -> (track, verdict)
 *
 * A span is a piece of work, or the batch of one turn, that was seen at a look and has not ended
 * at the next ones. It began between two looks: `earliest` and `seen_at`. All judgements go by
 * `seen_at`, so nothing is ever called longer than it was; what is shown adds half of the gap.
 *
 * Not all of a span counts. Taken off are the time its thread waited for a processor (delay), and
 * the time nobody looked because the process, or the machine, stood still (missed). What is left
 * was spent on the processor or blocked in calls: that is what a user's code can be blamed for.
 *
 * Units: nanoseconds of CLOCK_MONOTONIC; cpu and delay are sums since the thread began, or
 * WF_STALL_UNKNOWN.
 */

#include "weft/time.h"

#include <stdbool.h>
#include <stdint.h>

#define WF_STALL_UNKNOWN (-1)

/* Readings of one loop at one look. */
struct wf_stall_sample {
    weft_time now;
    weft_duration missed; /* before this look, as wf_stall_missed says */
    uint64_t n_turns;
    uint64_t n_run;
    bool is_working; /* it runs something: it does not poll */
    weft_duration cpu;
    weft_duration delay; /* waits that have ended: the kernel counts them then */
    bool is_runnable;    /* it is not blocked at this moment: it runs, waits, or is stopped */
};

struct wf_stall_span {
    bool is_open;
    uint64_t number; /* n_run of the work, n_turns of the turn */
    weft_time earliest;
    weft_time seen_at;
    weft_duration missed;    /* since seen_at */
    weft_duration cpu;       /* at seen_at */
    weft_duration delay;     /* the same */
    weft_time waiting_since; /* since then it may have waited for a processor, uncounted */
    weft_duration told;      /* of a turn: parts that were told of by themselves */
    bool is_flagged;
    unsigned n_told;         /* live reports so far */
    weft_duration next_loud; /* what counts then, for the next that is worth a line in the log */
    weft_duration next_told; /* what counts then, for the next live report */
    bool is_starvation_told; /* that it gets no processor */
};

struct wf_stall_track {
    bool has_last;
    struct wf_stall_sample last;
    struct wf_stall_span work;
    struct wf_stall_span turn;
    unsigned n_idle; /* looks in a row that found it polling, and nothing run in between */
};

enum wf_stall_cause {
    WF_STALL_BUSY,       /* on the processor */
    WF_STALL_BLOCKED,    /* in a call that sleeps */
    WF_STALL_DESCHEDULED /* runnable, but others had the processor; or stopped */
};

const char *wf_stall_cause_name(enum wf_stall_cause cause); /* "busy", "blocked", "descheduled" */

/* What a span came to, up to some moment. */
struct wf_stall_times {
    weft_duration took;    /* about, for people; the parts below add up to it */
    weft_duration counted; /* what surely counts: for judgements */
    weft_duration cpu;
    weft_duration blocked;
    weft_duration delay;
    weft_duration missed;
    enum wf_stall_cause cause;
};

struct wf_stall_verdict {
    bool flags_work; /* let the loop take the exact end of its work */
    bool flags_turn;
    const struct wf_stall_span *told; /* to be reported now, while it lasts; or NULL */
    bool is_turn;                     /* of <told>: it is the turn, not the work */
    bool is_loud;                     /* of <told>: the first, or it has lasted twice as long */
    bool is_starved;                  /* of <told>: it would be long, but for want of a processor */
    struct wf_stall_times times;
    weft_time next; /* look again by then; WEFT_FOREVER: no need */
};

/*
 * How long nobody looked: the look was planned for <planned> and came at <now>, of which the
 * looking thread itself waited <own_delay> for a processor. Short delays are none.
 */
weft_duration wf_stall_missed(weft_time planned, weft_time now, weft_duration own_delay);

/* One look. */
void wf_stall_look(struct wf_stall_track *track, const struct wf_stall_sample *sample,
                   weft_duration threshold, struct wf_stall_verdict *out_verdict);

/* What <span> came to at the moment of <sample>, of which missed counts on. */
void wf_stall_measure(const struct wf_stall_span *span, const struct wf_stall_sample *sample,
                      struct wf_stall_times *out_times);

/* The same of a span whose exact length the loop took: <took>, and <cpu> of it. */
void wf_stall_divide(weft_duration took, weft_duration cpu, weft_duration delay,
                     weft_duration missed, struct wf_stall_times *out_times);

/* ---- not too often --------------------------------------------------------- */

enum {
    WF_STALL_PER_PERIOD = 5
};

/* At most 5 in a minute; when those are used up the next period is twice as long, up to an hour. */
struct wf_stall_limit {
    weft_time since; /* the period began then; 0: none has */
    weft_duration period;
    unsigned n;      /* in it */
    unsigned n_kept; /* kept back since the last one that passed */
};

/* May one more pass? Then *out_kept is how many were kept back before it. */
bool wf_stall_may_pass(struct wf_stall_limit *limit, weft_time now, unsigned *out_kept);

#endif

#ifndef WF_LOOP_WATCH_H
#define WF_LOOP_WATCH_H

/*
 * How a loop is watched: what it shows, and what may be asked of it.
 *
 * A loop shows n_turns, n_run and current (loop.h), and current_origin. Somebody with a
 * thread of their own looks at that now and then, and asks for attention: a byte that the loop
 * reads before each piece of work and at the end of a turn, and that is 0 nearly always. So being
 * watched costs two instructions a turn and none a piece of work.
 *
 *     WORK   the piece that runs takes long: come by when it has ended
 *     TURN   the same for the turn
 *     BELL   the watcher sleeps: ring before you run something
 *
 * Who watches is not of this floor: it defines wf_loop_watcher.
 */

#include "base/list.h"
#include "weft/error.h"
#include "weft/time.h"

#include <stdbool.h>
#include <stdint.h>

struct weft_loop;

enum wf_attention {
    WF_ATTENTION_TIMING = 1, /* level full: a clock around each piece of work */
    WF_ATTENTION_WORK = 2,
    WF_ATTENTION_TURN = 4,
    WF_ATTENTION_BELL = 8
};

/* What one piece of work took, as the loop itself measured it (level full). */
struct wf_work_times {
    weft_time start;
    weft_time end;
    weft_duration cpu;
};

struct wf_work_info;

/* All on the loop's thread. */
struct wf_loop_watcher {
    /* It is about to run and is not watched on this thread yet. */
    void (*begin)(struct weft_loop *loop);
    /* Watch it no more: it closes, or its debug level is off. A no-op for one that is not. */
    void (*end)(struct weft_loop *loop);
    void (*ring)(void);
    /* What was to be told of has ended: WF_ATTENTION_WORK or _TURN. */
    void (*note_end)(struct weft_loop *loop, enum wf_attention what);
    /* Level full: <info>'s work took long, by the clock at least. */
    void (*note_slow)(struct weft_loop *loop, const struct wf_work_info *info,
                      const struct wf_work_times *times);
    /* A report of its own has kept the loop for so long: that is nobody's slowness. */
    void (*note_report)(struct weft_loop *loop, weft_duration took);
};

extern const struct wf_loop_watcher wf_loop_watcher;

enum {
    WF_LOOP_TRACK_SIZE = 1024
};

/* In the loop. */
struct wf_loop_watch {
    struct wf_list link; /* guarded by the watcher's lock */
    int offered_on;      /* the thread on which it was last offered; 0: none */
    int tid;             /* guarded by the watcher's lock: of its thread */
    /* atomic, relaxed: limits of weft_loop_set_monitor_limits; 0: the default */
    weft_duration cancel_ignored;
    weft_duration waiting;
    bool is_watched; /* guarded by the watcher's lock; the loop's thread writes it */
    /* the watcher's own; here, so that watching allocates nothing */
    uint64_t track[WF_LOOP_TRACK_SIZE / 8];
};

/* Set bits of attention; any thread. */
void wf_loop_ask_attention(struct weft_loop *loop, unsigned bits);
void wf_loop_clear_attention(struct weft_loop *loop, unsigned bits);
/* Somebody asked: before a piece of work, and at the end of a turn. */
void wf_loop_attend(struct weft_loop *loop);
void wf_loop_attend_end(struct weft_loop *loop);
/* At the start of a run, that is not on offered_on. */
void wf_loop_offer(struct weft_loop *loop);

#endif

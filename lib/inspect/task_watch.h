#ifndef WF_INSPECT_TASK_WATCH_H
#define WF_INSPECT_TASK_WATCH_H

/*
 * Tasks that do not get on, found in snapshots that are taken now and then: those that ignore a
 * cancel, those that wait for each other, locks whose holder has ended.
 *
 *     (watch, snapshot, limits) -> (watch, news)
 *
 * What looks wrong is remembered from one snapshot to the next, and told once when it has looked
 * so for as long as the limit says. What is gone is forgotten.
 */

#include "inspect/snapshot.h"
#include "weft/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WF_TASK_SUSPECTS = 128, /* more at once are not remembered */
    WF_TASK_NEWS = 8        /* told after one snapshot; the rest after the next */
};

struct wf_task_limits {
    weft_duration cancel_ignored;
    weft_duration waiting;
};

struct wf_task_suspect {
    enum weft_report_kind kind;
    uint64_t key;    /* of a task, a lock, a circle */
    weft_time since; /* 0: the place is free */
    bool is_told;
    bool is_there; /* in the snapshot that is judged now */
};

struct wf_task_watch {
    struct wf_task_suspect suspects[WF_TASK_SUSPECTS];
    bool is_pending; /* there are some that are not told yet: look again */
};

/* All texts are complete: the snapshot may go. */
struct wf_task_news {
    enum weft_report_kind kind;
    char message[512];
    char subject[64];
    char object[512];  /* "": none */
    char function[64]; /* of the origin */
    char file[128];    /* "": no origin */
    int line;
};

/* Finds the limits of the loop at <address>; false: it is not watched. */
typedef bool wf_task_limits_fn(uint64_t address, struct wf_task_limits *out_limits);

/* How many news were written. */
size_t wf_task_watch_judge(struct wf_task_watch *watch, const struct wf_snapshot *snapshot,
                           wf_task_limits_fn *limits,
                           struct wf_task_news news[static WF_TASK_NEWS]);

void wf_task_news_report(const struct wf_task_news *news);

#endif

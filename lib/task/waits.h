#ifndef WF_TASK_WAITS_H
#define WF_TASK_WAITS_H

/*
 * The objects that stand between a task and what it waits for: of wait, gather, shield,
 * as_completed, sleep and the task group. Each is its own file's; lib/inspect reads them, to tell
 * who waits for whom.
 *
 * Thread: the loop's.
 */

#include "task/task.h"
#include "weft/as_completed.h"
#include "weft/group.h"

/* ---- wait.c --------------------------------------------------------------- */

struct wf_several_wait;

struct wf_several_member {
    struct wf_future_callback callback;
    struct wf_several_wait *wait;
    weft_future *future; /* borrowed: the caller holds it */
};

struct wf_several_wait {
    struct wf_wait wait; /* of the task */
    struct wf_timer timer;
    weft_loop *loop;
    enum weft_wait_mode mode;
    size_t n_left;
    size_t n;                          /* members that have a callback */
    struct wf_several_member *members; /* owned */
};

/* ---- gather.c ------------------------------------------------------------- */

struct wf_gather;

struct wf_gather_child {
    struct wf_future_callback callback;
    struct wf_gather *gather;
    weft_future *future; /* ref */
    bool is_duplicate;   /* stood earlier in the arguments: no callback of its own */
    bool is_made;        /* a task made here, of a coroutine object */
};

struct wf_gather {
    weft_future outer; /* first: it is a future */
    unsigned flags;
    bool is_cancel_requested;
    size_t n;
    size_t n_different; /* children with a callback */
    size_t n_finished;
    struct wf_gather_child children[];
};

/* ---- shield.c ------------------------------------------------------------- */

struct wf_shield {
    weft_future outer; /* first: it is a future */
    struct wf_future_callback inner_done;
    struct wf_future_callback outer_done;
    weft_future *inner; /* ref; NULL once let go */
};

/* ---- group.c -------------------------------------------------------------- */

struct weft_task_group {
    uint32_t magic;
    bool is_entered;
    bool is_exiting;
    bool is_over;
    bool is_aborting;
    bool has_cancelled_parent; /* its request stands among the parent's */
    struct wf_task *parent;    /* ref, from enter to the end of exit */
    struct wf_list children;   /* of struct wf_group_child.link: not done, or done a moment ago */
    struct wf_wait *leaver;    /* borrowed: the parent waits in exit for the last child */
    weft_error **errors;       /* owned array of refs, in the order of failing */
    size_t n_errors;
    size_t errors_capacity;
    int first_code; /* when there was no memory to keep the errors */
};

struct wf_group_child {
    struct wf_future_callback callback;
    struct wf_list link;
    weft_task_group *group;
    weft_task *task; /* ref */
};

/* ---- as_completed.c ------------------------------------------------------- */

struct wf_as_completed_member {
    struct wf_future_callback callback;
    weft_as_completed *iterator;
    weft_future *future; /* ref; NULL for a duplicate */
    struct wf_list link; /* in the line, once it is done */
    bool is_made;        /* a task made here, of a coroutine object */
    bool is_to_come;     /* has a callback that has not run */
};

struct weft_as_completed {
    uint32_t magic;
    weft_loop *loop; /* held */
    struct wf_timer timer;
    struct wf_list ends;    /* of struct wf_as_completed_member.link */
    struct wf_list getters; /* of struct getter.link */
    size_t n_to_come;
    size_t n_gaps; /* members that the limit has cut off */
    size_t n_left; /* times that somebody may still ask */
    size_t n;
    struct wf_as_completed_member members[];
};

#endif

#ifndef WF_BASE_CREATION_H
#define WF_BASE_CREATION_H

/*
 * Where an object was made, with all callers: debug level full keeps that for each coroutine
 * object, task, future, handle, transport and loop, and the reports about them print it.
 *
 *     object->creation = wf_creation_capture();       -- in level full; else NULL
 *     ...
 *     char room[WF_CREATION_TEXT_SIZE];
 *     report.source_traceback = wf_creation_describe(object->creation, "Object", room);
 *
 * Capturing copies return addresses and no more; they get names when a report is made. The naming
 * belongs to lib/inspect, which defines wf_creation_describe.
 *
 * Thread: any.
 */

#include "weft/time.h"

struct wf_creation;

enum {
    WF_CREATION_TEXT_SIZE = 2048
};

/* The callers of now. NULL without memory: the report goes without. */
struct wf_creation *wf_creation_capture(void);
/* Of another object that may go. NULL of NULL, and without memory. */
struct wf_creation *wf_creation_copy(const struct wf_creation *creation);
/* NULL is fine. */
void wf_creation_free(struct wf_creation *creation);

/*
 * Asyncio's text into <room> of WF_CREATION_TEXT_SIZE:
 *
 *     Object created at (most recent call last):
 *       File "main.c", line 31, in main
 *       File "main.c", line 17, in main_task
 *
 * The library's own frames are left out. Returns <room>, or NULL when <creation> is. It takes
 * milliseconds the first time, and needs 4 KiB of stack.
 */
const char *wf_creation_describe(const struct wf_creation *creation, const char *what, char *room);
/* How long this thread has waited for names: the work that it was in did not take that long. */
weft_duration wf_creation_time(void);
/* The same for the call that is going on, and "<what> (most recent call last):". NULL in a forked
 * child, whose parent's other threads may have been naming something. */
const char *wf_creation_describe_caller(const char *what, char *room);

#endif

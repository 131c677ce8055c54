#ifndef WF_IO_STDIO_H
#define WF_IO_STDIO_H

/*
 * What a loop keeps of the standard streams: the threads that carry bytes from
 * and to files, and what has to be put back at the end.
 *
 * Thread: the loop's.
 */

struct weft_executor;

enum {
    WF_STDIO_N = 3
};

struct wf_stdio {
    struct weft_executor *pumps; /* ref: NULL until used */
    /* Descriptions that were made non-blocking, in that order, and their flags before. */
    struct {
        int fd;
        int flags;
    } shared[WF_STDIO_N];
    int n_shared;
};

/* The loop closes, and all streams are closed: wait until files have what was written. */
void wf_stdio_close(struct wf_stdio *stdio);

#endif

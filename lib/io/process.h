#ifndef WF_IO_PROCESS_H
#define WF_IO_PROCESS_H

/*
 * The inside of a process object, for its files:
 *
 *     process.c              its life: waiting, signals, the exit, the end
 *     process_start.c        options, pipes, and the job that starts the program
 *     process_communicate.c  all input in, all output out
 *     process_protocol.c     the same life as callbacks
 *
 *     STARTING --job done--> RUNNING --pidfd--> EXITED
 *
 * It stands in the slot's list from the first to the last moment. Its memory goes
 * when it has exited and its owner has released it.
 *
 * Thread: the loop's.
 */

#include "io/io.h"
#include "io/stream.h"
#include "task/task.h"
#include "thread/spawn.h"
#include "weft/process.h"

enum wf_process_state {
    WF_PROCESS_STARTING,
    WF_PROCESS_RUNNING,
    WF_PROCESS_EXITED
};

#define WF_PROCESS_MAGIC 0x77665072u

/* Output that communicate has read so far; kept when it is cancelled. */
struct wf_collected {
    weft_bytes *bytes; /* owned; its size grows, its block has room for <capacity> */
    size_t capacity;
};

/* One of the tasks inside communicate. */
struct wf_pump {
    weft_process *process;
    int fd;          /* 0, 1 or 2 */
    weft_task *task; /* ref while communicate runs */
};

struct wf_process_events; /* process_protocol.c */

struct weft_process {
    uint32_t magic;
    uint8_t state;    /* enum wf_process_state */
    bool is_released; /* the owner is done with it, or there is none yet */
    bool is_closing;  /* weft_process_close was called */
    bool kill_group;
    bool kill_on_cancel;
    bool is_beginning; /* the callback form: its creator does not have it yet */
    bool is_communicating;
    weft_loop *loop;  /* held */
    struct wf_io *io; /* borrowed: NULL once the loop is closed */
    struct wf_list link;
    const weft_origin *origin;
    weft_time created_at;
    struct wf_creation *creation; /* owned, or NULL: level full keeps who made it */
    weft_future *starting;        /* ref: of the job, while STARTING */
    struct wf_child child;
    int returncode;
    struct wf_watch watch; /* of the pidfd */
    struct wf_work work;   /* it has exited */
    struct wf_list waiters;
    weft_stream *streams[3]; /* owned; NULL: no pipe */
    size_t output_limit;
    struct wf_collected collected[3];
    struct wf_pump pumps[3];
    struct wf_process_events *events; /* owned; NULL: nobody wants callbacks */
};

/* ---- process.c ---------------------------------------------------------- */

/* The check with which every entry point begins. */
int wf_process_check(const weft_process *process);
int wf_process_check_task(const weft_process *process, const char *what);

/* A process of <io> that is not started yet; nobody owns it. NULL without memory. */
weft_process *wf_process_create(struct wf_io *io, const weft_origin *origin);
/* <child> is its own from now on. Takes it; on failure it is killed and reaped. */
int wf_process_adopt(weft_process *process, struct wf_child *child);
/* It never ran, or its owner lets go: closes its pipes; the memory goes when the time has come. */
void wf_process_release(weft_process *process);
/* SIGKILL, to the group if it was asked for; harmless when it has exited. */
void wf_process_kill_now(weft_process *process);

/* The loop closes. */
void wf_processes_close_all(struct wf_io *io);

/* ---- process_start.c ---------------------------------------------------- */

/* How a process is to be started, checked. */
struct wf_process_plan {
    weft_process_options options;
    weft_stream_options stream;
    struct wf_process_events *events; /* owned; output pipes go there instead of into streams */
};

/* Checks, and defaults. WEFT_EINVAL. */
int wf_process_read_options(const weft_process_options *options, struct wf_process_plan *plan);
/* Start argv in the running task, and wait for it. Consumes the plan's events. */
int wf_process_start(const weft_origin *origin, struct wf_process_plan *plan,
                     const char *const *argv, weft_process **out_process);

/* ---- process_protocol.c ------------------------------------------------- */

/* Our end of the pipe that the child has as <fd>; owned from now on. */
void wf_process_take_raw(struct wf_process_events *events, int fd, int raw);
/* It has exited: tell, if somebody wants to know. */
void wf_process_tell_exit(weft_process *process);
/* Tell nothing any more: what was queued is taken back, the descriptors are closed. */
void wf_process_mute(weft_process *process);
/* Close the pipes that stand there, which is told. */
void wf_process_close_raw(weft_process *process);

#endif

#ifndef WF_BRIDGE_PROCESS_EXECUTOR_H
#define WF_BRIDGE_PROCESS_EXECUTOR_H

/*
 * The inside of a process executor, for its files:
 *
 *     process_executor.c     making, submitting, shutting down, looking inside
 *     process_worker.c       our end of a worker: started, asked, ended
 *     process_worker_main.c  the worker's end
 *
 * It stands on an executor of threads: each of its threads keeps one worker
 * process, and a job of that executor is to ask the thread's own worker and wait
 * for the answer. So queue, room, cancel, shutdown and growth are those of
 * threads, and a thread that ends, ends its worker.
 *
 * The channel is a stream socket; a message is a head and what it announces.
 */

#include "base/list.h"
#include "thread/abandon.h"
#include "thread/spawn.h"
#include "weft/process_executor.h"

#include <pthread.h>

/* ---- the channel -------------------------------------------------------- */

enum {
    WF_WORKER_FD = 3,             /* the channel, in the worker */
    WF_WORKER_MAX_MESSAGE = 1024, /* of a failure's text */
    WF_WORKER_MAX_NAME = 255      /* of a job's name */
};

#define WF_WORKER_MAGIC    0x77665731u
#define WF_WORKER_ARGUMENT "--weft-process-worker"

enum wf_worker_head_kind {
    WF_HEAD_READY = 1, /* from the worker: it is one */
    WF_HEAD_JOB = 2,   /* to it: text is the job's name */
    WF_HEAD_LAST = 3,  /* the same, and then it ends */
    WF_HEAD_RESULT = 4 /* from it: code, text is the message of a failure */
};

struct wf_worker_head {
    uint32_t magic;
    uint32_t kind; /* enum wf_worker_head_kind */
    int32_t code;
    uint32_t text_size;
    uint64_t size; /* of the bytes behind the text */
};

/* ---- the executor ------------------------------------------------------- */

#define WF_PROCESS_EXECUTOR_MAGIC 0x77665078u

struct weft_process_executor {
    uint32_t magic;
    uint32_t n_users;    /* atomic */
    uint32_t n_refs;     /* atomic: one for all users, one for each request and worker */
    char *name;          /* owned */
    char **argv;         /* owned, in one block */
    const char *program; /* borrowed: of the block, or static */
    unsigned max_tasks;  /* 0: no limit */
    bool kill_on_cancel;
    size_t message_limit;
    weft_executor *threads; /* ref; its job is wf_request_serve */

    pthread_mutex_t mu;
    /* All below: guarded by mu. */
    struct wf_list workers; /* of wf_worker_process.link */
    size_t n_workers;
    uint64_t n_started;
    uint64_t n_broken;
    uint64_t n_done;
    unsigned n_warm; /* warming jobs that have come; each waits for all, on a thread of its own */
    unsigned n_to_warm;
    pthread_cond_t warm;
};

void wf_process_executor_ref(weft_process_executor *executor);
void wf_process_executor_release(weft_process_executor *executor);

/* ---- a job -------------------------------------------------------------- */

struct wf_worker_process;

struct wf_request {
    weft_process_executor *executor; /* ref */
    const weft_origin *origin;
    struct wf_abandon_watch watch;
    struct wf_worker_process *worker; /* guarded by the executor's mu: who runs it */
    bool is_unwanted;                 /* the same: kill who runs it */
    weft_time started_at;             /* the same */
    size_t size;
    char *input;                       /* in the same block */
    char name[WF_WORKER_MAX_NAME + 1]; /* constant */
};

/* ---- our end of a worker (process_worker.c) ------------------------------ */

struct wf_worker_process {
    struct wf_list link;             /* in the executor's list; guarded by its mu */
    weft_process_executor *executor; /* ref */
    struct wf_child child;
    int channel;                /* owned */
    unsigned n_tasks;           /* answered */
    struct wf_request *request; /* guarded by mu: what it runs, or NULL */
};

/* On a thread of the executor: the worker of this thread, started if need be. */
int wf_worker_get(weft_process_executor *executor, struct wf_worker_process **out_worker);
/* Ask, and wait for the answer. A worker that breaks is gone afterwards. */
int wf_worker_ask(struct wf_worker_process *worker, struct wf_request *request,
                  weft_bytes **out_output);
/* Under mu: SIGKILL to the worker and its process group. */
void wf_worker_kill(const struct wf_worker_process *worker);

#endif

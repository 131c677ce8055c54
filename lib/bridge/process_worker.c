/*
 * Our end of a worker process: one for each thread of the executor's threads, kept
 * in a thread-specific value, whose destructor ends the worker with the thread.
 *
 *     started -- READY --> idle -- JOB --> busy -- RESULT --> idle
 *        |                  |                `-- death, or nonsense: broken
 *        |                  `-- the channel is closed: it ends
 *        `-- death, silence: it was none
 *
 * The channel does not block: each wait is for the channel and for the death of the
 * worker, whatever comes first, because a grandchild may hold the channel open.
 * What a worker says is not trusted: a head that makes no sense breaks the worker.
 *
 * The worker asks to die with the thread that started it, which is this one.
 *
 * Thread: each worker belongs to the thread that started it, but for what is under mu.
 */

#include "bridge/process_executor.h"

#include "base/alloc.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    START_LIMIT_MS = 30000, /* for a worker to say that it is one */
    END_LIMIT_MS = 2000,    /* for an idle worker to end by itself */
    DEATH_LIMIT_MS = 500    /* for one that has closed the channel: it is dying, or odd */
};

/* A worker is broken: what of it is known is found out by break_worker. */
enum {
    BROKEN = WEFT_EBROKENPROCESS
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* of struct wf_worker_process; made once */
static int key_error;

/* ---- the channel -------------------------------------------------------- */

/* Wait for the channel. 0, BROKEN when the worker has died, WEFT_ETIMEDOUT. */
static int wait_for_channel(const struct wf_worker_process *worker, short events, int limit_ms)
{
    struct pollfd both[] = { { .fd = worker->channel, .events = events },
                             { .fd = worker->child.pidfd, .events = POLLIN } };
    int r;

    do {
        r = poll(both, 2, limit_ms);
    } while (r < 0 && errno == EINTR);
    if (r <= 0) {
        return r == 0 ? WEFT_ETIMEDOUT : -errno;
    }
    return both[0].revents != 0 ? 0 : BROKEN; /* what it said before it died is still there */
}

static int send_all(const struct wf_worker_process *worker, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = send(worker->channel, at, size, MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            size -= (size_t)n;
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        int code = errno == EAGAIN ? wait_for_channel(worker, POLLOUT, -1) : BROKEN;
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

static int receive_all(const struct wf_worker_process *worker, void *data, size_t size,
                       int limit_ms)
{
    char *at = data;

    while (size > 0) {
        ssize_t n = recv(worker->channel, at, size, 0);
        if (n > 0) {
            at += n;
            size -= (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        int code = n < 0 && errno == EAGAIN ? wait_for_channel(worker, POLLIN, limit_ms) : BROKEN;
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

/* ---- the end ------------------------------------------------------------ */

void wf_worker_kill(const struct wf_worker_process *worker)
{
    (void)wf_child_signal(&worker->child, SIGKILL, /* to_group = */ true); /* it may be dead */
}

/* Its exit was taken, or it never ran. */
static void free_worker(struct wf_worker_process *worker)
{
    weft_process_executor *executor = worker->executor;

    if (worker->channel >= 0) {
        (void)close(worker->channel); /* whatever it says, it is gone */
    }
    wf_free(worker);
    wf_process_executor_release(executor);
}

/* From now on nobody else sees it: its exit may be taken. */
static void take_out(struct wf_worker_process *worker)
{
    weft_process_executor *executor = worker->executor;

    pthread_mutex_lock(&executor->mu);
    wf_list_remove(&worker->link);
    executor->n_workers--;
    pthread_mutex_unlock(&executor->mu);
}

/* It is idle: let it end by itself, if it does so soon. */
static void end_worker(void *data)
{
    struct wf_worker_process *worker = data;

    take_out(worker);
    (void)close(worker->channel); /* which it hears */
    worker->channel = -1;
    (void)wf_child_wait(&worker->child, END_LIMIT_MS);          /* else it is killed */
    (void)wf_child_end(&worker->child, /* has_group = */ true); /* what it came to is not asked */
    free_worker(worker);
}

static void describe_exit(int returncode, char *text, size_t size)
{
    char name[32];

    if (returncode == WF_CHILD_LOST) {
        (void)snprintf(text, size, "has ended");
    } else if (returncode < 0) {
        (void)snprintf(text, size, "was killed by %s",
                       wf_signal_name(-returncode, name, sizeof name));
    } else {
        (void)snprintf(text, size, "exited with status %d", returncode);
    }
}

/*
 * The worker is of no use any more: its exit is taken, and what it was about to do fails. One that
 * closed the channel is about to die and gets the time to, so that its exit tells the reason; one
 * that talks nonsense is killed.
 */
static int break_worker(struct wf_worker_process *worker, int code, const char *what)
{
    bool is_dying = code == BROKEN && wf_child_wait(&worker->child, DEATH_LIMIT_MS);
    int pid = (int)worker->child.pid;
    char end[64];

    (void)pthread_setspecific(key, NULL); /* no memory is needed for it */
    take_out(worker);
    int returncode = wf_child_end(&worker->child, /* has_group = */ true);
    if (is_dying) {
        describe_exit(returncode, end, sizeof end);
    } else {
        (void)snprintf(end, sizeof end, "%s",
                       code == WEFT_ETIMEDOUT ? "does not say that it is a worker"
                                              : "talks nonsense, and was killed");
    }
    free_worker(worker);
    return weft_fail(code == WEFT_ETIMEDOUT ? code : WEFT_EBROKENPROCESS,
                     "%s: worker process %d %s", what, pid, end);
}

/* ---- starting ----------------------------------------------------------- */

static void make_key(void)
{
    key_error = pthread_key_create(&key, end_worker);
}

static int plan_spawn(const weft_process_executor *executor, int theirs, struct wf_spawn *spawn)
{
    wf_spawn_init(spawn);
    spawn->has_group = true; /* so that what it starts dies with it, and Ctrl-C is ours alone */
    int code = wf_spawn_set_program(spawn, (const char *const *)executor->argv, NULL);
    if (code == 0) {
        if (executor->program != NULL) {
            spawn->program = executor->program;
        }
        wf_spawn_add_special(spawn, -1, STDIN_FILENO);
        code = wf_spawn_add_fd(spawn, theirs, WF_WORKER_FD, WF_WORKER_FD + 1);
    }
    return code;
}

static int spawn_worker(struct wf_worker_process *worker)
{
    int ends[2];
    struct wf_spawn *spawn;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return weft_fail(-errno, "no channel for a worker: %s", strerror(errno));
    }
    worker->channel = ends[0];
    spawn = wf_new(struct wf_spawn);
    int code = spawn != NULL ? plan_spawn(worker->executor, ends[1], spawn) : WEFT_ENOMEM;
    (void)close(ends[1]); /* the copy is theirs */
    if (code == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        code = -errno;
    }
    if (code == 0) {
        code = wf_spawn_run(spawn, &worker->child);
    }
    if (code == 0 && worker->child.pidfd < 0) {
        code = weft_fail(WEFT_EBROKENPROCESS, "somebody else took the exit of worker process %d",
                         (int)worker->child.pid);
    }
    if (spawn != NULL) {
        wf_spawn_fini(spawn);
    }
    wf_free(spawn);
    return code;
}

static int await_ready(struct wf_worker_process *worker)
{
    struct wf_worker_head head;
    int code = receive_all(worker, &head, sizeof head, START_LIMIT_MS);

    if (code == 0 && (head.magic != WF_WORKER_MAGIC || head.kind != WF_HEAD_READY)) {
        code = -EPROTO;
    }
    return code < 0 ? break_worker(worker, code,
                                   "no worker: does the program's main call "
                                   "weft_process_executor_worker_main?")
                    : 0;
}

static int start_worker(weft_process_executor *executor, struct wf_worker_process **out_worker)
{
    struct wf_worker_process *worker = wf_new(struct wf_worker_process);

    if (worker == NULL) {
        return WEFT_ENOMEM;
    }
    worker->executor = executor;
    worker->child = WF_CHILD_INIT;
    worker->channel = -1;
    wf_list_init(&worker->link);
    wf_process_executor_ref(executor);
    int code = spawn_worker(worker);
    if (code == 0 && pthread_setspecific(key, worker) != 0) {
        code = WEFT_ENOMEM;
    }
    if (code < 0) {
        (void)wf_child_end(&worker->child, /* has_group = */ true); /* nobody saw it */
        free_worker(worker);
        return code;
    }
    pthread_mutex_lock(&executor->mu);
    wf_list_append(&executor->workers, &worker->link);
    executor->n_workers++;
    executor->n_started++;
    pthread_mutex_unlock(&executor->mu);
    code = await_ready(worker);
    if (code == 0) {
        *out_worker = worker;
    }
    return code;
}

/* Whether an idle worker can still be used: it may do more, is alive, and has nothing to say. */
static bool is_usable(const struct wf_worker_process *worker)
{
    unsigned max = worker->executor->max_tasks;

    return (max == 0 || worker->n_tasks < max) &&
           wait_for_channel(worker, POLLIN, 0) == WEFT_ETIMEDOUT;
}

int wf_worker_get(weft_process_executor *executor, struct wf_worker_process **out_worker)
{
    (void)pthread_once(&key_once, make_key); /* always 0 */
    if (key_error != 0) {
        return weft_fail(-key_error, "no place to keep workers: %s", strerror(key_error));
    }
    struct wf_worker_process *worker = pthread_getspecific(key);
    if (worker != NULL && is_usable(worker)) {
        *out_worker = worker;
        return 0;
    }
    if (worker != NULL) {
        (void)pthread_setspecific(key, NULL); /* no memory is needed for it */
        end_worker(worker);
    }
    return start_worker(executor, out_worker);
}

/* ---- asking ------------------------------------------------------------- */

static int send_request(const struct wf_worker_process *worker, const struct wf_request *request)
{
    unsigned max = worker->executor->max_tasks;
    struct wf_worker_head head = {
        .magic = WF_WORKER_MAGIC,
        .kind = max != 0 && worker->n_tasks + 1 >= max ? WF_HEAD_LAST : WF_HEAD_JOB,
        .text_size = (uint32_t)strlen(request->name),
        .size = request->size,
    };
    int code = send_all(worker, &head, sizeof head);

    code = code == 0 ? send_all(worker, request->name, head.text_size) : code;
    return code == 0 ? send_all(worker, request->input, request->size) : code;
}

/* A result: its code with the message, or its bytes. Any other code but BROKEN: nonsense. */
static int receive_result(const struct wf_worker_process *worker, struct wf_worker_head *head,
                          char *text, weft_bytes **out_output)
{
    int code = receive_all(worker, head, sizeof *head, -1);

    if (code < 0) {
        return code;
    }
    if (head->magic != WF_WORKER_MAGIC || head->kind != WF_HEAD_RESULT || head->code > 0 ||
        head->text_size > WF_WORKER_MAX_MESSAGE || head->size > worker->executor->message_limit) {
        return -EPROTO;
    }
    code = receive_all(worker, text, head->text_size, -1);
    text[code == 0 ? head->text_size : 0] = '\0';
    if (code < 0) {
        return code;
    }
    weft_bytes *output = weft_bytes_create(NULL, head->size);
    if (output == NULL) {
        return WEFT_ENOMEM; /* what is on its way cannot be skipped: the worker goes, too */
    }
    code = receive_all(worker, output->data, head->size, -1);
    if (code < 0) {
        weft_bytes_destroy(output);
        return code;
    }
    *out_output = output;
    return 0;
}

/* From now on a cancel kills, and the job is listed. */
static void begin(struct wf_worker_process *worker, struct wf_request *request)
{
    weft_process_executor *executor = worker->executor;

    pthread_mutex_lock(&executor->mu);
    worker->request = request;
    request->worker = worker;
    request->started_at = weft_clock_now();
    if (request->is_unwanted) {
        wf_worker_kill(worker);
    }
    pthread_mutex_unlock(&executor->mu);
}

static void end(struct wf_worker_process *worker, struct wf_request *request, bool is_broken)
{
    weft_process_executor *executor = worker->executor;

    pthread_mutex_lock(&executor->mu);
    worker->request = NULL;
    request->worker = NULL;
    executor->n_broken += is_broken;
    executor->n_done += !is_broken;
    pthread_mutex_unlock(&executor->mu);
}

int wf_worker_ask(struct wf_worker_process *worker, struct wf_request *request,
                  weft_bytes **out_output)
{
    struct wf_worker_head head = { 0 };
    char text[WF_WORKER_MAX_MESSAGE + 1];
    char what[WF_WORKER_MAX_NAME + 16];
    weft_bytes *output = NULL;

    begin(worker, request);
    int code = send_request(worker, request);
    if (code == 0) {
        code = receive_result(worker, &head, text, &output);
    }
    end(worker, request, /* is_broken = */ code < 0);
    if (code == WEFT_ENOMEM) {
        (void)break_worker(worker, -EPROTO, request->name); /* the memory is what is told */
        return weft_fail(code, "no memory for what job '%s' has answered", request->name);
    }
    if (code < 0) {
        (void)snprintf(what, sizeof what, "job '%s'", request->name);
        return break_worker(worker, code, what);
    }
    worker->n_tasks++;
    if (head.code < 0) {
        weft_bytes_destroy(output);
        return head.text_size > 0 ? weft_fail_at(request->origin, head.code, "%s", text)
                                  : head.code;
    }
    *out_output = output;
    return 0;
}

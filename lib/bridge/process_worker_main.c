/*
 * The worker's end of the channel: say that this is a worker, then read jobs,
 * run them and answer, until the other end is closed.
 *
 * The channel is descriptor 3 and blocks. It is close-on-exec from the first moment, so
 * that no program that a job starts can hold it open.
 *
 * Thread: the first one of the process.
 */

#include "bridge/process_executor.h"

#include "base/alloc.h"
#include "weft/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_CAPACITY = 4096
};

/* What came in; the block is used again. */
struct inbox {
    char *data; /* owned */
    size_t capacity;
};

/* 1: all of it; 0: the other end is closed. */
static int receive_all(void *data, size_t size)
{
    char *at = data;

    while (size > 0) {
        ssize_t n = recv(WF_WORKER_FD, at, size, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return 0;
        }
        at += n;
        size -= (size_t)n;
    }
    return 1;
}

static int send_all(const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = send(WF_WORKER_FD, at, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return 0;
        }
        at += n;
        size -= (size_t)n;
    }
    return 1;
}

static int send_result(int code, const char *text, const weft_bytes *output)
{
    struct wf_worker_head head = {
        .magic = WF_WORKER_MAGIC,
        .kind = WF_HEAD_RESULT,
        .code = code,
        .text_size = (uint32_t)strnlen(text, WF_WORKER_MAX_MESSAGE),
        .size = output != NULL ? output->size : 0,
    };

    return send_all(&head, sizeof head) && send_all(text, head.text_size) &&
           (output == NULL || send_all(output->data, output->size));
}

static const weft_process_job *find(const weft_process_job *jobs, size_t n_jobs, const char *name)
{
    for (size_t i = 0; i < n_jobs; i++) {
        if (jobs[i].name != NULL && jobs[i].fn != NULL && strcmp(jobs[i].name, name) == 0) {
            return &jobs[i];
        }
    }
    return NULL;
}

/* Run one job and answer. 0: the other end is closed. */
static int run(const weft_process_job *job, const char *name, const char *input, size_t size)
{
    weft_bytes *output = NULL;

    if (job == NULL) {
        char text[WF_WORKER_MAX_NAME + 64];
        (void)snprintf(text, sizeof text, "the worker knows no job '%s'", name);
        return send_result(WEFT_EINVAL, text, NULL);
    }
    (void)weft_raise(NULL); /* nothing of an earlier job */
    int code = job->fn(input, size, &output);
    const weft_error *error = weft_current_error();
    bool is_told = code < 0 && error != NULL && weft_error_get_code(error) == code;
    int is_sent = send_result(code < 0 ? code : 0, is_told ? weft_error_get_message(error) : "",
                              code < 0 ? NULL : output);
    weft_bytes_destroy(output);
    return is_sent;
}

static int make_room(struct inbox *inbox, uint64_t size)
{
    if (size < inbox->capacity) {
        return 1;
    }
    size_t capacity = size < FIRST_CAPACITY ? FIRST_CAPACITY : size + 1;
    char *data = wf_realloc(inbox->data, capacity);
    if (data == NULL) {
        return 0;
    }
    inbox->data = data;
    inbox->capacity = capacity;
    return 1;
}

/* Without memory for the input: it is read and thrown away, and the job fails. */
static int skip(uint64_t size)
{
    char piece[4096];

    while (size > 0) {
        size_t n = size < sizeof piece ? (size_t)size : sizeof piece;
        if (!receive_all(piece, n)) {
            return 0;
        }
        size -= n;
    }
    return send_result(WEFT_ENOMEM, "no memory for the input in the worker", NULL);
}

/* Read one job, run it and answer. 0: there will be no more. */
static int serve(struct inbox *inbox, const weft_process_job *jobs, size_t n_jobs)
{
    struct wf_worker_head head;
    char name[WF_WORKER_MAX_NAME + 1];

    if (!receive_all(&head, sizeof head) || head.magic != WF_WORKER_MAGIC ||
        (head.kind != WF_HEAD_JOB && head.kind != WF_HEAD_LAST) ||
        head.text_size > WF_WORKER_MAX_NAME || !receive_all(name, head.text_size)) {
        return 0;
    }
    name[head.text_size] = '\0';
    if (!make_room(inbox, head.size)) {
        return skip(head.size) && head.kind == WF_HEAD_JOB;
    }
    if (!receive_all(inbox->data, head.size)) {
        return 0;
    }
    inbox->data[head.size] = '\0';
    return run(find(jobs, n_jobs, name), name, inbox->data, head.size) && head.kind == WF_HEAD_JOB;
}

static int open_channel(void)
{
    int type = 0;
    socklen_t len = sizeof type;

    if (getsockopt(WF_WORKER_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return weft_fail(-errno, "%s is for the executor to say", WF_WORKER_ARGUMENT);
    }
    if (fcntl(WF_WORKER_FD, F_SETFD, FD_CLOEXEC) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) { /* the executor's thread, which keeps us */
        return -errno;
    }
    return 0;
}

int weft_process_executor_worker_main(int argc, char **argv, const weft_process_job *jobs,
                                      size_t n_jobs)
{
    const struct wf_worker_head ready = { .magic = WF_WORKER_MAGIC, .kind = WF_HEAD_READY };
    struct inbox inbox = { NULL, 0 };

    if (argc < 2 || argv == NULL || argv[argc - 1] == NULL ||
        strcmp(argv[argc - 1], WF_WORKER_ARGUMENT) != 0) {
        return 0;
    }
    if (jobs == NULL && n_jobs > 0) {
        return weft_fail(WEFT_EINVAL, "a worker without jobs");
    }
    int code = open_channel();
    if (code < 0) {
        return code;
    }
    if (send_all(&ready, sizeof ready)) { /* fails when the executor died meanwhile */
        while (serve(&inbox, jobs, n_jobs)) {
        }
    }
    wf_free(inbox.data);
    return 1;
}

/*
 * dump.c: the thread that tells the supervisor what goes on in this worker.
 *
 *     control thread --dump_request--> queue --> weft-dump: weft_dump into a memfd --DUMPED-->
 *
 * It is made at the first request. Naming the functions of many stacks takes a while, in which
 * the control thread must answer and take orders; loops are not needed for a dump, so it works
 * when every one of them is stuck. One dump after the other, and few wait: a dump holds the
 * loops for some milliseconds.
 *
 * Thread: as said with each function.
 */

#include "worker.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/inspect.h>

enum {
    MAX_REQUESTS = 8
};

struct request {
    int64_t number;
    uint64_t id;
    unsigned flags;
};

struct dumper {
    const struct heritage *heritage; /* borrowed */
    pthread_mutex_t mu;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread;                       /* control thread and the end only */
    bool is_stopping;                      /* guarded by mu */
    struct request requests[MAX_REQUESTS]; /* guarded by mu: a ring */
    size_t first;
    size_t n;
};

/* ---- answering ---------------------------------------------------------------------------- */

/* Any thread: the channel takes whole packets. */
static void answer(const struct dumper *dumper, int64_t number, int code, const char *why, int fd)
{
    struct channel_packet packet = { .kind = CHANNEL_DUMPED, .number = number, .code = code };

    snprintf(packet.text, sizeof packet.text, "%s", why);
    /* A supervisor that does not read, or is gone, does without. */
    (void)channel_send_with(dumper->heritage->channel, &packet, fd);
}

/* Any length up to the limit; the supervisor reads only what nobody can change any more. */
static int seal(int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (status.st_size > CHANNEL_DUMP_SIZE) {
        return -EFBIG;
    }
    int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    return fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : -errno;
}

static void fulfil(const struct dumper *dumper, const struct request *request)
{
    int fd = memfd_create("weft-dump", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = fd < 0             ? -errno
            : request->id != 0 ? weft_dump_task(fd, request->id, request->flags)
                               : weft_dump(fd, request->flags);

    if (r == 0) {
        r = seal(fd);
    }
    if (r == 0) {
        answer(dumper, request->number, 0, "", fd);
    } else if (r == WEFT_ELOOKUP) {
        char why[64];
        snprintf(why, sizeof why, "no task %llu", (unsigned long long)request->id);
        answer(dumper, request->number, r, why, -1);
    } else {
        answer(dumper, request->number, r, weft_current_message(r), -1);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* Waits for a request; false: the end. */
static bool take_request(struct dumper *dumper, struct request *out_request)
{
    pthread_mutex_lock(&dumper->mu);
    while (dumper->n == 0 && !dumper->is_stopping) {
        pthread_cond_wait(&dumper->changed, &dumper->mu);
    }
    bool has_request = !dumper->is_stopping;
    if (has_request) {
        *out_request = dumper->requests[dumper->first];
        dumper->first = (dumper->first + 1) % MAX_REQUESTS;
        dumper->n--;
    }
    pthread_mutex_unlock(&dumper->mu);
    return has_request;
}

static void *dumper_main(void *data)
{
    struct dumper *dumper = data;
    struct request request;

    (void)pthread_setname_np(pthread_self(), "weft-dump");
    while (take_request(dumper, &request)) {
        fulfil(dumper, &request);
    }
    return NULL;
}

/* Signals of the process are the control thread's; the real-time ones are sent to threads. */
static int start_thread(struct dumper *dumper)
{
    sigset_t blocked;
    sigset_t before;

    sigfillset(&blocked);
    for (int signum = SIGRTMIN; signum <= SIGRTMAX; signum++) {
        sigdelset(&blocked, signum);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
    int r = -pthread_create(&dumper->thread, NULL, dumper_main, dumper);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    dumper->has_thread = r == 0;
    return r;
}

/* ---- for the control thread ------------------------------------------------------------------ */

void dumper_request(struct dumper *dumper, const struct channel_packet *packet)
{
    if (!dumper->has_thread) {
        int r = start_thread(dumper);
        if (r < 0) {
            answer(dumper, packet->number, r, "it has no thread for that", -1);
            return;
        }
    }
    pthread_mutex_lock(&dumper->mu);
    bool is_full = dumper->n == MAX_REQUESTS;
    if (!is_full) {
        dumper->requests[(dumper->first + dumper->n++) % MAX_REQUESTS] = (struct request){
            .number = packet->number,
            .id = packet->id,
            .flags = packet->flags,
        };
        pthread_cond_signal(&dumper->changed);
    }
    pthread_mutex_unlock(&dumper->mu);
    if (is_full) {
        answer(dumper, packet->number, -EBUSY, "too many ask at once", -1);
    }
}

struct dumper *dumper_create(const struct heritage *heritage)
{
    struct dumper *dumper = calloc(1, sizeof *dumper);

    if (dumper != NULL) {
        dumper->heritage = heritage;
        pthread_mutex_init(&dumper->mu, NULL);
        pthread_cond_init(&dumper->changed, NULL);
    }
    return dumper;
}

void dumper_destroy(struct dumper *dumper)
{
    if (dumper == NULL) {
        return;
    }
    pthread_mutex_lock(&dumper->mu);
    dumper->is_stopping = true;
    pthread_cond_signal(&dumper->changed);
    pthread_mutex_unlock(&dumper->mu);
    if (dumper->has_thread) {
        pthread_join(dumper->thread, NULL);
    }
    pthread_cond_destroy(&dumper->changed);
    pthread_mutex_destroy(&dumper->mu);
    free(dumper);
}

/*
 * The beginning of the library's threads, in one place. See start.h.
 *
 * Signals belong to the program's own threads: a thread of the library takes none,
 * but it must not block the ones that a fault in it raises, since those would then
 * end the process without a word, nor the one by which it is held (hold_signal.h).
 *
 * Thread: any.
 */

#include "thread/start.h"

#include "base/alloc.h"
#include "thread/hold_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    NAME_SIZE = 16,
    MOST_CPUS = 1 << 16,
    SLACK = 1000 /* nanoseconds; 0 would mean the default */
};

/* All but those that a fault of the thread itself raises, and the one of inspections. */
static void choose_signals(sigset_t *blocked)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };

    sigfillset(blocked);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(blocked, faults[i]);
    }
    if (wf_hold_signal_claim() == 0) {
        sigdelset(blocked, wf_hold_signal_get());
    }
}

int wf_thread_start(pthread_t *out_thread, void *(*body)(void *arg), void *arg)
{
    return wf_alloc_may_fail_now() ? -EAGAIN : wf_thread_start_unseen(out_thread, body, arg);
}

int wf_thread_start_unseen(pthread_t *out_thread, void *(*body)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    sigset_t blocked;

    choose_signals(&blocked);
    int r = pthread_attr_init(&attributes);
    if (r != 0) {
        return -r;
    }
    r = pthread_attr_setsigmask_np(&attributes, &blocked);
    if (r == 0) {
        r = pthread_create(out_thread, &attributes, body, arg);
    }
    pthread_attr_destroy(&attributes);
    return -r;
}

void wf_thread_set_name(const char *name)
{
    char text[NAME_SIZE];

    snprintf(text, sizeof text, "%s", name);
    (void)pthread_setname_np(pthread_self(), text); /* fails on longer names only */
}

unsigned long wf_thread_be_punctual(void)
{
    int before = prctl(PR_GET_TIMERSLACK);

    (void)prctl(PR_SET_TIMERSLACK, (unsigned long)SLACK); /* refused: timers are a little late */
    return before > 0 ? (unsigned long)before : 0;        /* 0 means the default */
}

void wf_thread_set_slack(unsigned long slack)
{
    (void)prctl(PR_SET_TIMERSLACK, slack); /* as above */
}

/* The kernel refuses a set that is smaller than its own: 1024 is not always enough. */
static int count_by_affinity(wf_get_affinity_fn *get_affinity)
{
    for (int most = CPU_SETSIZE; most <= MOST_CPUS; most *= 4) {
        size_t size = CPU_ALLOC_SIZE(most);
        cpu_set_t *cpus = wf_alloc_zeroed(1, size);
        if (cpus == NULL) {
            return 0;
        }
        int r = get_affinity(0, size, cpus);
        int n = r == 0 ? CPU_COUNT_S(size, cpus) : 0;
        wf_free(cpus);
        if (r == 0 || errno != EINVAL) {
            return n;
        }
    }
    return 0;
}

int wf_thread_count_cpus(wf_get_affinity_fn *get_affinity)
{
    int n = count_by_affinity(get_affinity != NULL ? get_affinity : sched_getaffinity);

    if (n == 0) {
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    }
    return n > 0 ? n : 1;
}

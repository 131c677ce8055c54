#ifndef WF_THREAD_START_H
#define WF_THREAD_START_H

/*
 * Threads of the library: how they begin, and how many there should be.
 */

#include <pthread.h>
#include <sched.h>

/*
 * Run body(arg) on a new thread. All signals are blocked in it from its first
 * instruction, but those that a fault of the thread itself raises and the one of
 * hold_signal.h. 0, or a system code: -EAGAIN when there are too many threads.
 */
int wf_thread_start(pthread_t *out_thread, void *(*body)(void *arg), void *arg);

/* The same for one that a program can do without: planted faults of memory spare it. */
int wf_thread_start_unseen(pthread_t *out_thread, void *(*body)(void *arg), void *arg);

/* The calling thread's name, cut to 15 bytes. */
void wf_thread_set_name(const char *name);

/*
 * Let timers of the calling thread fire when they are due, instead of up to 50 us
 * later, which the kernel uses to save wake-ups. Returns the slack of before, in
 * nanoseconds, for wf_thread_set_slack.
 */
unsigned long wf_thread_be_punctual(void);
void wf_thread_set_slack(unsigned long slack);

/* As sched_getaffinity(2): the seam for tests. */
typedef int wf_get_affinity_fn(pid_t pid, size_t size, cpu_set_t *cpus);

/*
 * The CPUs that the calling thread may use, as <get_affinity> tells it (NULL: the
 * system). When that fails, those that are online. At least 1.
 */
int wf_thread_count_cpus(wf_get_affinity_fn *get_affinity);

#endif

#ifndef WEFT_TESTS_MODELS_EXPLORE_H
#define WEFT_TESTS_MODELS_EXPLORE_H

/*
 * An explorer of interleavings: it runs a few threads as coroutines on one real
 * thread, and at every atomic operation, futex call and ring of a doorbell decides
 * anew who goes on. It tries all decisions with at most <bound> preemptions, one
 * run after the other, until none is left.
 *
 * The code under test is the library's own, compiled with WF_EXPLORE (atomic.h).
 * Explored are sequentially consistent interleavings: weaker orders are the
 * business of the thread sanitizer.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EXPLORE_MAX_THREADS = 5 /* with those that wf_thread_start makes */
};

struct explore_scenario {
    int n_threads;
    int n_spare; /* that the code under test may start itself */
    void (*threads[EXPLORE_MAX_THREADS])(void);
    void (*begin)(void); /* before each run: make the world anew */
    void (*check)(void); /* after each run: explore_expect what must hold */
};

struct explore_result {
    long n_runs;
    bool is_exhausted;   /* all runs were made */
    char failure[256];   /* of the first run that failed; "" when none did */
    char schedule[1024]; /* its threads, in the order in which they ran */
};

/* Stops at the first failure. */
struct explore_result explore(const struct explore_scenario *scenario, int bound);

/* In a thread or a check: the run fails when <holds> is false. */
void explore_expect(bool holds, const char *text);

/* In a thread: until the doorbell rings, which uses the ring up; or until a timer says so. */
void explore_wait_for_bell(bool has_limit);

/* What sched_yield is compiled to. */
int explore_yield(void);

/* What an executor calls of pthreads and of the clock, which stands still. */
int explore_mutex_lock(pthread_mutex_t *mutex);
int explore_mutex_unlock(pthread_mutex_t *mutex);
int explore_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int explore_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *moment);
int explore_cond_broadcast(pthread_cond_t *cond);
int explore_start(pthread_t *out_thread, void *(*body)(void *arg), void *arg);
int explore_join(pthread_t thread, void **out_result);
int explore_detach(pthread_t thread);
pthread_t explore_self(void);
void explore_set_name(const char *name);
int explore_pause(void);
int64_t explore_now(void);
int explore_clock_gettime(clockid_t clock, struct timespec *out_now);

#ifdef __cplusplus
}
#endif

#endif

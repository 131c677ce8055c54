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

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    EXPLORE_MAX_THREADS = 3
};

struct explore_scenario {
    int n_threads;
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

#ifdef __cplusplus
}
#endif

#endif

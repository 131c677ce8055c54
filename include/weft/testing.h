#ifndef WEFT_TESTING_H
#define WEFT_TESTING_H

/*
 * testing.h: for tests, ours and yours.
 *
 * A loop with a virtual clock never sleeps: where it would wait for a timer,
 * its clock jumps to the deadline, unless other threads owe it something. A
 * test of an hour's time-out takes no time and always runs the same.
 *
 *     static int is_done(void *task) { return weft_future_done(task); }
 *
 *     weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
 *     options.virtual_clock = 1;
 *     weft_testing_begin_leak_check();
 *     weft_new_event_loop(&options, &loop);
 *     weft_loop_create_task(loop, weft_coro_create(my_coroutine, NULL), NULL, &task);
 *     assert(weft_testing_run_until(loop, is_done, task, 100) == 0); // a hundred turns at most
 *     assert(weft_future_result(task, NULL) == 0);
 *     weft_future_unref(task);
 *     weft_testing_leaks leaks = WEFT_TESTING_LEAKS_INIT;
 *     weft_testing_close_loop(loop, &leaks); // reports what is pending
 *     assert(leaks.n_tasks == 0 && leaks.n_blocks == 0 && leaks.n_descriptors == 0);
 *
 * To see how it does without memory, run it for n = 0, 1, 2, ... with
 * weft_testing_fail_allocation_after(n) until nothing fails any more. To see whether it
 * depends on an order that nobody promises, run it with WEFT_TEST_SEED=1, 2, 3, ...
 */

#include "weft/base.h"
#include "weft/error.h"
#include "weft/loop.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/**
 * Move the virtual clock of <loop> on, as if the running callback took so long.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Units:  nanoseconds, not negative.
 * Errors: WEFT_EINVALIDSTATE for a loop on the real clock; WEFT_EINVAL.
 */
WEFT_API int weft_testing_advance(weft_loop *loop, weft_duration by);

/**
 * Run turns of a loop that does not run until done(data) is not 0.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Errors: 0; WEFT_ETIMEDOUT after <max_turns>; as weft_loop_run_once.
 */
WEFT_API int weft_testing_run_until(weft_loop *loop, int (*done)(void *data), void *data,
                                    int max_turns);

/**
 * Let all allocations of this thread fail after <n> more; negative: none.
 *
 * Thread: any, for itself.
 * Owns:   nothing.
 */
WEFT_API void weft_testing_fail_allocation_after(long n);
/** Let only the allocation after <n> more fail: does the program go on afterwards? Thread: any, for
 * itself. Owns: nothing. */
WEFT_API void weft_testing_fail_allocation_once_after(long n);
/** Let one allocation of <one_in> fail, by chance; the same <seed> fails the same ones. 0: none.
 * Thread: any, for itself. Owns: nothing. */
WEFT_API void weft_testing_fail_allocations_by_chance(uint64_t seed, unsigned one_in);
/** How many failed since. Thread: any, for itself. Owns: nothing. */
WEFT_API long weft_testing_n_failed_allocations(void);

/** Count the blocks that the library holds from now on (all threads). Thread: any. Owns: nothing.
 */
WEFT_API void weft_testing_count_blocks(int on);
/** Blocks handed out and not given back since. Thread: any. Owns: nothing. */
WEFT_API long weft_testing_n_blocks(void);

/* ---- orders that nobody promises ----------------------------------------- */

/**
 * Permute what asyncio leaves open, by <seed>: the order in which descriptors are handled that one
 * poll found ready, and the order in which a group that fails, or the end of a run, cancels several
 * tasks. Without a seed all of these keep the order in which they came. What asyncio promises,
 * and what weft promises beyond it (equal deadlines), is not touched.
 *
 * The environment variable WEFT_TEST_SEED gives a seed to each loop at its creation, so that a
 * whole program can be tried: WEFT_TEST_SEED=7 ./my-test.
 *
 * Thread: loop thread.
 * Owns:   nothing.
 * Units:  the same seed gives the same orders; 0: none.
 * Errors: WEFT_EWRONGTHREAD, WEFT_ECLOSED.
 */
WEFT_API int weft_testing_set_seed(weft_loop *loop, uint64_t seed);

/* ---- what a loop leaves behind ------------------------------------------- */

/** What was not given back. Start from WEFT_TESTING_LEAKS_INIT. */
typedef struct weft_testing_leaks {
    size_t size;
    size_t n_tasks;    /* pending when the loop was closed; each is reported with its origin */
    long n_blocks;     /* of memory, since weft_testing_begin_leak_check */
    int n_descriptors; /* of the process, likewise */
} weft_testing_leaks;

#define WEFT_TESTING_LEAKS_INIT             \
    {                                       \
        sizeof(weft_testing_leaks), 0, 0, 0 \
    }

/**
 * Remember how much memory and how many descriptors there are now, before the loop is made.
 *
 * Thread: any; one check at a time.
 * Owns:   nothing.
 * Errors: system codes of reading /proc/self/fd.
 */
WEFT_API int weft_testing_begin_leak_check(void);

/**
 * Close <loop>, give its reference back, and say what is left since the beginning of the check.
 * Streams, servers and tasks that were left are reported one by one, with their origins, as
 * weft_loop_close does. Threads of executors that still run keep some memory: shut them down first.
 *
 * Thread: loop thread, while it does not run.
 * Owns:   consumes the reference to <loop>, unless it fails.
 * Errors: WEFT_EINVALIDSTATE without a beginning; as weft_loop_close; WEFT_EINVAL.
 */
WEFT_API int weft_testing_close_loop(weft_loop *loop, weft_testing_leaks *out_leaks);

WEFT_END_DECLS

#endif

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
 *     weft_testing_count_blocks(1);
 *     weft_new_event_loop(&options, &loop);
 *     weft_loop_create_task(loop, weft_coro_create(my_coroutine, NULL), NULL, &task);
 *     assert(weft_testing_run_until(loop, is_done, task, 100) == 0); // a hundred turns at most
 *     assert(weft_future_result(task, NULL) == 0);
 *     weft_future_unref(task);
 *     weft_loop_close(loop); // reports what is pending
 *     weft_loop_unref(loop);
 *     assert(weft_testing_n_blocks() == 0); // and nothing has leaked
 *
 * To see how it does without memory, run it for n = 0, 1, 2, ... with
 * weft_testing_fail_allocation_after(n) until nothing fails any more.
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

WEFT_END_DECLS

#endif

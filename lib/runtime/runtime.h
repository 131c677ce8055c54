#ifndef WF_RUNTIME_RUNTIME_H
#define WF_RUNTIME_RUNTIME_H

/*
 * The inside of the runtime: what a run of one loop and a run of many share.
 *
 * Thread: the loop's, unless it says otherwise.
 */

#include "loop/loop.h"
#include "weft/runtime.h"
#include "weft/task.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- shutdown.c ---------------------------------------------------------- */

/*
 * Cancel all tasks of <loop> that have not ended and run it until they have, or
 * until the moment <deadline> of the loop's clock; report their errors. Returns
 * how many are left behind, each of them named in the log.
 *
 * <meet>(<data>), unless NULL, is called once, when it is clear whom to cancel and
 * before the first cancel: loops that end together wait for each other there, so
 * that none takes a visitor from another's cleanup for a task that is left.
 */
size_t wf_shutdown_tasks(weft_loop *loop, weft_time deadline, void (*meet)(void *data), void *data);

/*
 * Run <loop> until its default executor, if it has one, has ended. 0 or
 * WEFT_ETIMEDOUT, with the jobs that still run named in the log.
 */
int wf_shutdown_executor(weft_loop *loop, weft_duration limit);

/* ---- interrupt.c --------------------------------------------------------- */

/*
 * Let the first SIGINT cancel <task>, whose reference the caller keeps, and the
 * second end the process. False, and nothing is done, when this is not the main
 * thread, when the program has a handler, or when another run watches.
 */
bool wf_interrupt_watch(weft_task *task);
/* The end of it, once a watch began: whether a SIGINT came. */
bool wf_interrupt_unwatch(void);

/* ---- runner.c ------------------------------------------------------------ */

/*
 * Run <coro>, which is consumed, as the main task of <loop>, in <context> (NULL: a copy of the
 * caller's), with or without a watch for SIGINT.
 */
int wf_run_main(const weft_origin *origin, weft_loop *loop, weft_coro *coro, weft_context *context,
                bool handle_sigint, weft_value *out_value);

/* ---- parallelism.c ------------------------------------------------------- */

/*
 * How many CPUs the control groups of this process leave it, rounded up; 0: no
 * limit. <root> stands in front of /proc and of the mount points: "" but in tests.
 */
int wf_cgroup_cpus(const char *root);

#endif

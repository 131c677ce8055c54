#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

/*
 * inspect.h: what is going on in this process, or in another one that uses libweft.
 *
 * A dump lists the loops, their tasks with state, place of making, what each waits for and since
 * when, the await graph over loops and executors with its cycles marked, executors with their
 * jobs, timers, open handles, and the C stacks of tasks, suspended or running. It never needs a
 * loop to make progress: it is complete when every loop is stuck. No loop is held for longer than
 * 50 ms, and a call that blocks somewhere is not disturbed.
 *
 *     weft_dump(STDERR_FILENO, WEFT_DUMP_ALL);                      // everything, for people
 *     weft_dump(fd, WEFT_DUMP_TASKS | WEFT_DUMP_WAITS | WEFT_DUMP_JSON);
 *     weft_dump_process(STDOUT_FILENO, pid, WEFT_DUMP_TREE);        // from outside, also stopped
 *
 * Text:
 *
 *     Task-3 'fetch' waiting 1.204s
 *       <Task pending name='fetch' coro=fetch() at client.c:41 wait_for=<lock held by Task-4
 *        made at pool.c:9> created at main.c:12>
 *
 * The tree shows who waits for whom, from the task for which nobody waits; a task is printed once
 * and referred to by its id after that. What waits in a circle is said in a line of its own:
 *
 *     CYCLE: Task-3 'a' -> lock made at x.c:9 -> Task-4 'b' -> lock made at x.c:10 -> Task-3 'a'
 *
 * JSON: one object, {"weft":"0.1.0","pid":12,"loops":[...],"tasks":[...],"executors":[...], ...},
 * with the parts that were asked for. Times are seconds, addresses are text. Members may be added;
 * a reader ignores those that it does not know.
 *
 * Stacks are unwound and named by libweft-debug.so.0, which links libdw and lies beside libweft
 * (WEFT_DEBUG_LIBRARY=PATH: elsewhere; empty: not at all); without it they are shorter, and say so.
 * A thread that runs is parked for a moment by the signal SIGRTMIN+8, which is never taken from a
 * program that uses it: WEFT_HOLD_SIGNAL=N, =+K for SIGRTMIN+K, or =off. Without it the thread's
 * stack is missing, with the reason; a thread that is blocked in a call needs no signal.
 *
 * Read log.h for what is reported unasked.
 */

#include "weft/base.h"

#include <sys/types.h>

WEFT_BEGIN_DECLS

/** Which parts a dump has, and how it is written. */
enum weft_dump_flags {
    WEFT_DUMP_LOOPS = 1 << 0,     /* each loop: thread, state, what runs now, how much waits */
    WEFT_DUMP_TASKS = 1 << 1,     /* each task that has not ended, in the order of making */
    WEFT_DUMP_TREE = 1 << 2,      /* who waits for whom, as a tree */
    WEFT_DUMP_WAITS = 1 << 3,     /* what is waited for, by whom, who could end it; cycles */
    WEFT_DUMP_EXECUTORS = 1 << 4, /* threads, the jobs that run, the queue */
    WEFT_DUMP_TIMERS = 1 << 5,    /* by deadline */
    WEFT_DUMP_HANDLES = 1 << 6,   /* callbacks that are queued; streams, servers, descriptors */
    WEFT_DUMP_STACKS = 1 << 7,    /* C stacks, with the tasks and jobs that are listed */
    WEFT_DUMP_ALL = 0xff,
    WEFT_DUMP_JSON = 1 << 16 /* one JSON object instead of text */
};

/**
 * Write what goes on in this process to <fd>.
 *
 * It works while loops are stuck, from any thread, a loop's own included. Two dumps at once
 * are written one after the other. In a forked child it tells of what the child made.
 *
 * Thread: any, not in a signal handler. A blocking <fd> blocks the caller.
 * Owns:   <fd> stays the caller's.
 * Errors: WEFT_EINVAL for a bit that is no flag, no part at all, or a bad <fd>; WEFT_ENOMEM; the
 *         system's code when writing or reading fails.
 * See:    weft_dump_process.
 */
WEFT_API int weft_dump(int fd, unsigned flags);

/**
 * Write all about the one task whose id is <id>: its line, who waits for it, the chain of what it
 * waits for down to the end, and its C stack.
 *
 * Thread: any, not in a signal handler.
 * Owns:   <fd> stays the caller's.
 * Units:  <id> is the number that the dump shows: the 3 of "Task-3". Of <flags> only
 *         WEFT_DUMP_JSON matters; with parts the answer is the same.
 * Errors: WEFT_ELOOKUP when there is no such task (any more); else as weft_dump.
 * See:    weft_dump.
 */
WEFT_API int weft_dump_task(int fd, uint64_t id, unsigned flags);

/**
 * As weft_dump, for the process <pid>: read from outside, without its help, also when it is
 * stopped. It needs the rights of a debugger (ptrace(2), access mode ATTACH_REALCREDS).
 *
 * Thread: any, not in a signal handler.
 * Owns:   <fd> stays the caller's.
 * Errors: -ESRCH; -EPERM; WEFT_ELOOKUP when the process does not use libweft;
 *         WEFT_EINVALIDSTATE when it uses a version that is laid out otherwise; else as weft_dump.
 * See:    weft_dump.
 */
WEFT_API int weft_dump_process(int fd, pid_t pid, unsigned flags);

/**
 * Let the signal <signum>, SIGQUIT for example, write weft_dump(WEFT_DUMP_ALL) to the log from now
 * on: `kill -QUIT PID` shows what a program that hangs is at. A thread of its own takes the dump,
 * so no loop is needed; the handler only wakes it. Each line is a record of the logger
 * "weft.dump", of level INFO, and is written whatever the log's level is. Signals that come while
 * a dump is written make one more.
 *
 * One signal of the process does that: another call moves it, 0 ends it, and what the former one
 * did before comes back.
 *
 * Thread: any; some thread must have <signum> unblocked. In a forked child call it again.
 * Owns:   the disposition of <signum>.
 * Errors: WEFT_EINVAL for what is no signal, cannot be caught or tells of a fault; -EBUSY when the
 *         program handles or ignores <signum>; -EAGAIN when no thread can be made. On failure all
 *         is as before.
 * See:    weft_log_set_sink.
 */
WEFT_API int weft_dump_on_signal(int signum);

WEFT_END_DECLS

#endif

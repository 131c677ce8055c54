/*
 * SIGINT: the first one cancels the main task, the second one ends the process.
 *
 * The handler may run on any thread that does not block the signal, also while
 * the loop's own thread stands anywhere in the library. All it does is to ask for
 * a cancel as another thread would: an atomic word, a compare-and-swap into the
 * mailbox, a write to the doorbell, each of them safe in a handler.
 *
 * Invariant: `watched` is set only while a run holds a reference to the task.
 * unwatch clears it and waits for handlers that still use it, which is why they
 * are counted. A forked child inherits handler and words, but not the loop: there
 * SIGINT means death, until the child begins a watch of its own.
 */

#include "runtime/runtime.h"

#include "thread/role.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static weft_task *watched;  /* atomic: the task to cancel, or NULL */
static uint32_t n_handlers; /* atomic: those that run now */
static uint32_t n_signals;  /* atomic: since the watch began */
static uint32_t forks;      /* atomic: the fork generation in which the watch began */
static struct sigaction former;

static void die(int signal_number)
{
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number); /* blocked here: it comes when the handler returns */
}

static void on_sigint(int signal_number)
{
    int saved = errno;

    if (__atomic_load_n(&forks, __ATOMIC_RELAXED) != wf_fork_generation) {
        die(signal_number);
        return;
    }
    /* In one order with unwatch: it sees this handler, or the handler sees no task. */
    __atomic_add_fetch(&n_handlers, 1, __ATOMIC_SEQ_CST);
    weft_task *task = __atomic_load_n(&watched, __ATOMIC_SEQ_CST);
    if (task == NULL || __atomic_fetch_add(&n_signals, 1, __ATOMIC_RELAXED) > 0) {
        die(signal_number);
    } else {
        (void)weft_future_cancel_threadsafe(task); /* fails on a closed loop: nothing to cancel */
    }
    __atomic_sub_fetch(&n_handlers, 1, __ATOMIC_RELEASE);
    errno = saved;
}

/* In a forked child, which has one thread: forget the parent's watch. */
static void forget_parent(void)
{
    struct sigaction now;

    if (forks == wf_fork_generation) {
        return;
    }
    if (watched != NULL && sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_sigint) {
        (void)sigaction(SIGINT, &former, NULL); /* as valid as it was */
    }
    watched = NULL;
    n_handlers = 0;
    __atomic_store_n(&forks, wf_fork_generation, __ATOMIC_RELAXED);
}

bool wf_interrupt_watch(weft_task *task)
{
    weft_task *nobody = NULL;
    struct sigaction action = { .sa_handler = on_sigint, .sa_flags = SA_RESTART | SA_ONSTACK };

    if (gettid() != getpid()) {
        return false;
    }
    forget_parent();
    if (sigaction(SIGINT, NULL, &former) < 0 || (former.sa_flags & SA_SIGINFO) != 0 ||
        former.sa_handler != SIG_DFL) {
        return false;
    }
    if (!__atomic_compare_exchange_n(&watched, &nobody, task, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED)) {
        return false;
    }
    __atomic_store_n(&n_signals, 0, __ATOMIC_RELAXED);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL); /* as valid as the one above */
    return true;
}

bool wf_interrupt_unwatch(void)
{
    struct sigaction now;

    if (__atomic_load_n(&forks, __ATOMIC_RELAXED) != wf_fork_generation) {
        forget_parent();
        return false;
    }
    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_sigint) {
        (void)sigaction(SIGINT, &former, NULL); /* else the program has set its own */
    }
    __atomic_store_n(&watched, NULL, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&n_handlers, __ATOMIC_SEQ_CST) > 0) {
        sched_yield();
    }
    return __atomic_load_n(&n_signals, __ATOMIC_RELAXED) > 0;
}

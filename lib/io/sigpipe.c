/*
 * SIGPIPE comes to the thread that wrote, so that thread alone can block it, and
 * take back its own. One that was pending before stays pending.
 *
 * Thread: the one that makes the call.
 */

#include "io/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void wf_sigpipe_block(struct wf_sigpipe *guard)
{
    sigset_t broken_pipe;
    sigset_t pending;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, &guard->before); /* the set is good */
    guard->was_pending = sigismember(&guard->before, SIGPIPE) && sigpending(&pending) == 0 &&
                         sigismember(&pending, SIGPIPE);
}

void wf_sigpipe_restore(const struct wf_sigpipe *guard, bool is_broken)
{
    const struct timespec at_once = { 0, 0 };
    int error = errno;
    sigset_t broken_pipe;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    if (is_broken && !guard->was_pending) {
        while (sigtimedwait(&broken_pipe, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
    errno = error;
}

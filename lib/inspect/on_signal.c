/*
 * A signal that writes a dump to the log.
 *
 *     handler, on any thread: count, wake --> the thread weft-dump: weft_dump, line by line
 *
 * The handler does nothing else, so it is safe wherever it hits; errno stays. The thread is made
 * with the first signal that is wanted and stays: it sleeps on the counter. A forked child has the
 * handler and no thread; there the handler does nothing until the child wants a signal, too.
 *
 * Thread: any.
 */

#include "weft/inspect.h"

#include "base/log.h"
#include "thread/atomic.h"
#include "thread/futex.h"
#include "thread/role.h"
#include "thread/start.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LINE_SIZE = 4096 /* a longer one goes on in the next record */
};

static const char logger[] = "weft.dump";

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static int wanted;              /* guarded by mu: the signal, 0: none */
static struct sigaction former; /* guarded by mu: of <wanted> */
static bool has_thread;         /* guarded by mu */
static uint32_t forks;          /* written under mu, read by the handler: whose thread it is */
static wf_atomic_u32 n_asked;   /* atomic: how often the signal came */

/* ---- the thread ------------------------------------------------------------ */

/* One record of what is in <line>, which starts anew. */
static void put_line(char *line, size_t *len)
{
    line[*len] = '\0';
    wf_log_asked(logger, line);
    *len = 0;
}

static void log_lines(int fd)
{
    char piece[LINE_SIZE];
    char line[LINE_SIZE];
    size_t len = 0;
    ssize_t n;

    for (off_t at = 0; (n = pread(fd, piece, sizeof piece, at)) > 0; at += n) {
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i] == '\n') {
                put_line(line, &len);
                continue;
            }
            line[len++] = piece[i];
            if (len == sizeof line - 1) {
                put_line(line, &len);
            }
        }
    }
    if (len > 0) {
        put_line(line, &len);
    }
}

static void dump(void)
{
    int fd = memfd_create("weft-dump", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : weft_dump(fd, WEFT_DUMP_ALL);

    if (r < 0) {
        char why[256];
        snprintf(why, sizeof why, "no dump: %s", weft_current_message(r));
        wf_log_asked(logger, why);
    }
    if (fd >= 0) {
        log_lines(fd); /* also what came before a failure */
        close(fd);
    }
}

static void *watch(void *unused)
{
    uint32_t n_seen = 0;

    (void)unused;
    wf_thread_set_name("weft-dump");
    for (;;) {
        uint32_t n = wf_u32_load_acquire(&n_asked);
        if (n == n_seen) {
            (void)wf_futex_wait(&n_asked, n, WF_FUTEX_OUTCOME, WEFT_FOREVER);
            continue;
        }
        n_seen = n;
        dump();
    }
    return NULL;
}

/* ---- the signal ------------------------------------------------------------- */

/* On any thread, at any instruction. */
static void on_signal(int signum)
{
    (void)signum;
    if (__atomic_load_n(&forks, __ATOMIC_RELAXED) == wf_fork_generation) {
        (void)wf_u32_add_release(&n_asked, 1); /* only the change matters */
        wf_futex_wake(&n_asked, INT_MAX, WF_FUTEX_OUTCOME);
    }
}

static bool may_be_caught(int signum)
{
    static const int refused[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
                                   SIGILL,  SIGTRAP, SIGSYS,  SIGABRT };

    if (signum < 1 || signum > SIGRTMAX) {
        return false;
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (signum == refused[i]) {
            return false;
        }
    }
    return true;
}

/* Under mu. */
static int ensure_thread(void)
{
    pthread_t thread;

    wf_watch_forks();
    if (has_thread && forks == wf_fork_generation) {
        return 0;
    }
    wf_u32_store_release(&n_asked, 0);
    int r = wf_thread_start(&thread, watch, NULL);
    if (r == 0) {
        has_thread = true;
        __atomic_store_n(&forks, wf_fork_generation, __ATOMIC_RELAXED);
        (void)pthread_detach(thread); /* it is joinable: it cannot fail */
    }
    return r;
}

/* Under mu: the disposition of before. Somebody else's is left alone. */
static void let_go(void)
{
    struct sigaction now;

    if (wanted != 0 && sigaction(wanted, NULL, &now) == 0 && now.sa_handler == on_signal) {
        (void)sigaction(wanted, &former, NULL); /* it was there before */
    }
    wanted = 0;
}

/* Under mu. */
static int catch_it(int signum)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };
    struct sigaction before;

    if (sigaction(signum, NULL, &before) != 0) {
        return weft_fail(WEFT_EINVAL, "signal %d cannot be caught", signum);
    }
    if ((before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != SIG_DFL) {
        return weft_fail(-EBUSY, "the program handles signal %d itself", signum);
    }
    int r = ensure_thread();
    if (r < 0) {
        return weft_fail(r, "no thread for dumps can be made");
    }
    let_go();
    sigfillset(&action.sa_mask);
    if (sigaction(signum, &action, NULL) != 0) {
        return -errno;
    }
    former = before;
    wanted = signum;
    return 0;
}

int weft_dump_on_signal(int signum)
{
    int r = 0;

    if (signum != 0 && !may_be_caught(signum)) {
        return weft_fail(WEFT_EINVAL, "signal %d cannot be used for dumps", signum);
    }
    pthread_mutex_lock(&mu);
    if (signum == 0) {
        let_go();
    } else if (signum == wanted) {
        r = ensure_thread(); /* a child's; else it is there */
    } else {
        r = catch_it(signum);
    }
    pthread_mutex_unlock(&mu);
    return r;
}

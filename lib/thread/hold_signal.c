/*
 * The signal of inspections: its number, its handler, and whose it is. See
 * hold_signal.h.
 *
 * The handler is installed by the name that the C library has for itself, which
 * no sanitizer intercepts: ThreadSanitizer would keep the signal back until the
 * thread calls something that it knows, which a busy loop never does. So nothing
 * in the handler may be instrumented, and it makes its system calls by itself.
 *
 * Invariant: number is not changed once is_claimed.
 *
 * Thread: any.
 */

#include "thread/hold_signal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    NOT_READ = -1,
    DEFAULT_OFFSET = 8
};

/* glibc's sigaction, past the sanitizers. */
int __sigaction(int signal, const struct sigaction *action, struct sigaction *out_before);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int number = NOT_READ;      /* guarded by mutex; 0: off */
static bool is_claimed;            /* guarded by mutex */
static wf_hold_signal_fn *on_hold; /* atomic */

static bool is_real_time(long signal)
{
    return signal >= SIGRTMIN && signal <= SIGRTMAX;
}

static int read_environment(void)
{
    const char *text = secure_getenv("WEFT_HOLD_SIGNAL");
    char *end;

    if (text == NULL || text[0] == '\0') {
        return SIGRTMIN + DEFAULT_OFFSET;
    }
    long value = strtol(text, &end, 10);
    if (*end != '\0') {
        return 0; /* off, no, or nothing that we know */
    }
    value += text[0] == '+' ? SIGRTMIN : 0;
    return is_real_time(value) ? (int)value : 0;
}

static int get_number(void)
{
    if (number == NOT_READ) {
        number = read_environment();
    }
    return number;
}

/*
 * Not ours: to the process it goes, and no more to this thread. What this thread is to block when
 * the handler returns stands in its context.
 */
WF_NO_SANITIZE static void pass_on(int signal, siginfo_t *info, ucontext_t *context)
{
    unsigned long bit = 1ul << (signal - 1);

    ((unsigned long *)&context->uc_sigmask)[0] |= bit;
    (void)syscall(SYS_rt_sigqueueinfo, getpid(), signal, info); /* full queue: it is lost */
}

/* On any thread, in the middle of anything. */
WF_NO_SANITIZE static void on_signal(int signal, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    wf_hold_signal_fn *function = __atomic_load_n(&on_hold, __ATOMIC_ACQUIRE);

    if (function == NULL || !function(info, context)) {
        pass_on(signal, info, context);
    }
    errno = saved_errno;
}

static int check_handler(int signal)
{
    struct sigaction now;

    if (signal == 0) {
        return -ENOSYS;
    }
    if (__sigaction(signal, NULL, &now) < 0) {
        return -errno;
    }
    return (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_signal ? 0 : -EBUSY;
}

static int claim(int signal)
{
    struct sigaction action = { .sa_sigaction = on_signal,
                                .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
    struct sigaction before;

    if (__sigaction(signal, NULL, &before) < 0) {
        return -errno;
    }
    if ((before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != SIG_DFL) {
        return -EBUSY;
    }
    sigfillset(&action.sa_mask);
    return __sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

int wf_hold_signal_claim(void)
{
    pthread_mutex_lock(&mutex);
    int signal = get_number();
    int r = signal == 0 ? -ENOSYS : 0;
    if (r == 0 && !is_claimed) {
        r = claim(signal);
        is_claimed = r == 0;
    } else if (r == 0) {
        r = check_handler(signal);
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

int wf_hold_signal_check(void)
{
    pthread_mutex_lock(&mutex);
    int r = check_handler(get_number());
    pthread_mutex_unlock(&mutex);
    return r;
}

int wf_hold_signal_get(void)
{
    pthread_mutex_lock(&mutex);
    int signal = get_number();
    pthread_mutex_unlock(&mutex);
    return signal;
}

int wf_hold_signal_set(int signal)
{
    int r = 0;

    pthread_mutex_lock(&mutex);
    if (signal != 0 && !is_real_time(signal)) {
        r = -EINVAL;
    } else if (is_claimed && signal != number) {
        r = -EBUSY;
    } else {
        number = signal;
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

void wf_hold_signal_set_function(wf_hold_signal_fn *function)
{
    __atomic_store_n(&on_hold, function, __ATOMIC_RELEASE);
}

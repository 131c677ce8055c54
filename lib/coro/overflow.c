/*
 * Catching stack overflows (overflow.h).
 *
 * A fault is an overflow if its address is in the guard of the fiber that runs
 * on this thread, or if the stack pointer is below that stack: a frame without
 * probes may step over the guard and meet the next one. After its line the
 * handler puts the default action back and returns, so that the instruction
 * faults once more and the core shows it.
 *
 * Everything below on_fault is async-signal-safe: it reads one thread-local, and
 * formats and writes with its own few lines.
 *
 * Invariant: previous[] is written before the handler that reads it is
 * installed, and never after.
 */

#include "coro/overflow.h"

#include "weft/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Room for the kernel's frame (11 KiB with the widest registers) and a describer. */
#define ALTERNATE_SIZE ((size_t)64 * 1024)
/* An alternate stack that was there before is kept if it has at least this. */
#define ALTERNATE_SIZE_MIN ((size_t)16 * 1024)
/* How far below its stack a stack pointer still means that stack. */
#define REACH ((uintptr_t)64 * 1024 * 1024)

struct line {
    char text[512];
    size_t n;
};

static const int signals[] = { SIGSEGV, SIGBUS };

enum {
    N_SIGNALS = sizeof(signals) / sizeof(signals[0])
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_result;                      /* written by once */
static pthread_key_t alternate_key;          /* the thread's alternate stack, if it is ours */
static struct sigaction previous[N_SIGNALS]; /* written by once */
static _Atomic(wf_overflow_describe_fn *) describer; /* atomic: the pointer only */

static void append(struct line *line, const char *text)
{
    while (*text != '\0' && line->n < sizeof(line->text)) {
        line->text[line->n++] = *text++;
    }
}

static void append_number(struct line *line, uintptr_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    append(line, digits + at);
}

static void report(const struct wf_fiber *fiber)
{
    wf_overflow_describe_fn *describe = atomic_load_explicit(&describer, memory_order_relaxed);
    const struct wf_stack *stack = fiber->stack;
    struct line line = { .n = 0 };
    char name[256] = "a fiber";

    if (describe != NULL) {
        describe(fiber, name, sizeof(name));
        name[sizeof(name) - 1] = '\0';
    }
    append(&line, "weft: stack overflow in ");
    append(&line, name);
    append(&line, " (stack of ");
    append_number(&line, (uintptr_t)(stack->high - stack->low), 10);
    append(&line, " bytes at 0x");
    append_number(&line, (uintptr_t)stack->low, 16);
    append(&line, ")\n");
    /* Nobody is left to tell when it fails. */
    ssize_t written = write(STDERR_FILENO, line.text, line.n);
    (void)written;
}

#if defined(__x86_64__)

static uintptr_t get_stack_pointer(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

#elif defined(__aarch64__)

static uintptr_t get_stack_pointer(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.sp;
}

#endif

static bool is_overflow(const struct wf_fiber *fiber, const siginfo_t *info,
                        const ucontext_t *context)
{
    /* Not by a fault, but by kill(). */
    if (fiber == NULL || fiber->stack == NULL || info->si_code <= 0) {
        return false;
    }
    if (wf_stack_guards(fiber->stack, info->si_addr)) {
        return true;
    }
    uintptr_t low = (uintptr_t)fiber->stack->low;
    uintptr_t at = get_stack_pointer(context);
    return at < low && low - at < REACH;
}

/* The signal will come again, by the fault itself or as sent, and end the process. */
static void restore_default(int signal, const siginfo_t *info)
{
    struct sigaction action = { .sa_handler = SIG_DFL };

    sigaction(signal, &action, NULL);
    if (info->si_code <= 0) {
        raise(signal);
    }
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *action = &previous[signal == signals[0] ? 0 : 1];

    if ((action->sa_flags & SA_SIGINFO) != 0) {
        action->sa_sigaction(signal, info, context);
    } else if (action->sa_handler == SIG_IGN && info->si_code <= 0) {
        return;
    } else if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN) {
        restore_default(signal, info); /* the kernel ignores no fault either */
    } else {
        action->sa_handler(signal);
    }
}

/* At a fault, on the alternate stack of the thread that faulted. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    const struct wf_fiber *fiber = wf_fiber_running;

    if (is_overflow(fiber, info, context)) {
        report(fiber);
        restore_default(signal, info);
    } else {
        pass_on(signal, info, context);
    }
    errno = saved_errno;
}

/* As the thread ends. */
static void drop_alternate(void *memory)
{
    stack_t none = { .ss_flags = SS_DISABLE };

    sigaltstack(&none, NULL);
    munmap(memory, ALTERNATE_SIZE);
}

static void install_process(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    once_result = -pthread_key_create(&alternate_key, drop_alternate);
    if (once_result < 0) {
        return;
    }
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_SIGNALS; i++) {
        sigaction(signals[i], NULL, &previous[i]);
        sigaction(signals[i], &action, NULL);
    }
}

void wf_overflow_set_describer(wf_overflow_describe_fn *describe)
{
    atomic_store_explicit(&describer, describe, memory_order_relaxed);
}

static bool has_alternate(void)
{
    stack_t now;

    return sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0 &&
           now.ss_size >= ALTERNATE_SIZE_MIN;
}

int wf_overflow_install_thread(void)
{
    pthread_once(&once, install_process);
    if (once_result < 0) {
        return weft_fail(once_result, "no handler for stack overflows");
    }
    if (has_alternate()) {
        return 0;
    }

    /* Not of the heap: it stays with the thread, and is nobody's leak. */
    void *memory = mmap(NULL, ALTERNATE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        return WEFT_ENOMEM;
    }
    stack_t alternate = { .ss_sp = memory, .ss_size = ALTERNATE_SIZE };
    int r = -pthread_setspecific(alternate_key, memory);
    if (r == 0 && sigaltstack(&alternate, NULL) < 0) {
        r = -errno;
        (void)pthread_setspecific(alternate_key, NULL);
    }
    if (r < 0) {
        munmap(memory, ALTERNATE_SIZE);
        return weft_fail(r, "no alternate signal stack");
    }
    return 0;
}

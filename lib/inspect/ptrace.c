/*
 * PTRACE_SEIZE and PTRACE_INTERRUPT: a stop that the thread does not see, but for
 * the few system calls that end with EINTR after any stop (epoll_wait is one), so
 * it is for threads that run. When the tracer dies the kernel lets them go.
 *
 * Thread: see ptrace.h; the kernel ties a tracee to the thread that seized it.
 */

#include "inspect/ptrace.h"

#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#define STEP_NS 100000L

/* True: it is stopped. There is no wait for one thread with a limit, so it looks again. */
static bool await_stop(pid_t tid, weft_time limit)
{
    const struct timespec step = { .tv_nsec = STEP_NS };
    int status;

    for (;;) {
        pid_t r = waitpid(tid, &status, __WALL | WNOHANG);
        if (r == tid) {
            return WIFSTOPPED(status);
        }
        if (r < 0 || weft_clock_now() >= limit) {
            return false;
        }
        nanosleep(&step, NULL);
    }
}

#if defined(__x86_64__)

static void convert(struct wf_registers *to, const struct user_regs_struct *from)
{
    const unsigned long long values[WF_N_REGISTERS] = {
        from->rax, from->rdx, from->rcx, from->rbx, from->rsi, from->rdi, from->rbp, from->rsp,
        from->r8,  from->r9,  from->r10, from->r11, from->r12, from->r13, from->r14, from->r15,
    };

    *to = (struct wf_registers){ .pc = from->rip, .sp = from->rsp, .known = 0xffffu };
    for (unsigned i = 0; i < WF_N_REGISTERS; i++) {
        to->value[i] = values[i];
    }
}

#elif defined(__aarch64__)

static void convert(struct wf_registers *to, const struct user_regs_struct *from)
{
    *to = (struct wf_registers){ .pc = from->pc, .sp = from->sp, .known = 0x7fffffffu };
    for (unsigned i = 0; i <= 30; i++) {
        to->value[i] = from->regs[i];
    }
}

#endif

int wf_ptrace_stop(pid_t tid, weft_time limit, struct wf_registers *out_registers)
{
    struct user_regs_struct registers;
    struct iovec place = { .iov_base = &registers, .iov_len = sizeof registers };

    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
        return -errno;
    }
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || !await_stop(tid, limit) ||
        ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) < 0) {
        wf_ptrace_release(tid);
        return -ETIMEDOUT;
    }
    convert(out_registers, &registers);
    return 0;
}

void wf_ptrace_release(pid_t tid)
{
    /* One that did not stop cannot be detached. It is once more given the time to. */
    if (ptrace(PTRACE_DETACH, tid, NULL, NULL) < 0 &&
        await_stop(tid, weft_clock_now() + WEFT_MS(20))) {
        (void)ptrace(PTRACE_DETACH, tid, NULL, NULL); /* it is gone, else it would work */
    }
}

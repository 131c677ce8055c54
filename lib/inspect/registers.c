/*
 * Registers from where they were kept: by a switch, by the kernel for a signal,
 * or not at all.
 *
 * Thread: any; only memory is read and written. The one of a signal runs in the
 * handler, so it calls nothing.
 */

#include "inspect/registers.h"

#include "coro/context.h"
#include "thread/hold_signal.h"

#include <ucontext.h>

void wf_registers_of_call(struct wf_registers *to, uint64_t pc, uint64_t sp)
{
    *to = (struct wf_registers){ .pc = pc, .sp = sp };
}

#if defined(__x86_64__)

void wf_registers_of_context(struct wf_registers *to, const struct wf_context *context,
                             uint64_t address)
{
    *to = (struct wf_registers){ .pc = context->rip,
                                 .sp = address + sizeof *context,
                                 .known = 1u << 3 | 1u << 6 | 0xfu << 12,
                                 .is_after_a_call = true };
    to->value[3] = context->rbx;
    to->value[6] = context->rbp;
    to->value[12] = context->r12;
    to->value[13] = context->r13;
    to->value[14] = context->r14;
    to->value[15] = context->r15;
}

WF_NO_SANITIZE void wf_registers_of_signal(struct wf_registers *to, const void *ucontext)
{
    static const unsigned char places[WF_N_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    };
    const greg_t *from = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

    for (unsigned i = 0; i < WF_N_REGISTERS; i++) {
        to->value[i] = (uint64_t)from[places[i]];
    }
    to->pc = (uint64_t)from[REG_RIP];
    to->sp = (uint64_t)from[REG_RSP];
    to->known = 0xffffu;
    to->is_after_a_call = false;
}

#elif defined(__aarch64__)

void wf_registers_of_context(struct wf_registers *to, const struct wf_context *context,
                             uint64_t address)
{
    *to = (struct wf_registers){ .pc = context->x30,
                                 .sp = address + sizeof *context,
                                 .known = 0x7ffu << 19,
                                 .is_after_a_call = true };
    for (unsigned i = 19; i <= 28; i++) {
        to->value[i] = context->x19_to_x28[i - 19];
    }
    to->value[29] = context->x29;
}

WF_NO_SANITIZE void wf_registers_of_signal(struct wf_registers *to, const void *ucontext)
{
    /* Volatile, so that the copy is no call of memcpy, which a sanitizer would see. */
    const volatile mcontext_t *from = &((const ucontext_t *)ucontext)->uc_mcontext;

    for (unsigned i = 0; i <= 30; i++) {
        to->value[i] = from->regs[i];
    }
    to->pc = from->pc;
    to->sp = from->sp;
    to->known = 0x7fffffffu;
    to->is_after_a_call = false;
}

#endif

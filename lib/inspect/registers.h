#ifndef WF_INSPECT_REGISTERS_H
#define WF_INSPECT_REGISTERS_H

/*
 * The registers of a thread or task that stands still, as far as they are known, under their
 * numbers of DWARF: 0 to 15 of x86-64 (6 is the frame pointer, 7 the stack pointer), 0 to 30 of
 * AArch64 (29 the frame pointer, 30 the return address); pc and sp stand apart.
 *
 * Thread: any; plain data.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wf_context;

#if defined(__x86_64__)
#define WF_REGISTER_FP 6
#define WF_REGISTER_SP 7
#define WF_N_REGISTERS 16
#elif defined(__aarch64__)
#define WF_REGISTER_FP 29
#define WF_REGISTER_LR 30
#define WF_REGISTER_SP 31
#define WF_N_REGISTERS 32
#endif

struct wf_registers {
    uint64_t pc;
    uint64_t sp;
    uint64_t value[WF_N_REGISTERS];
    uint32_t known;       /* bit i: value[i] is; pc and sp always are */
    bool is_after_a_call; /* pc is a return address: a suspended one's; else where it stands */
};

/*
 * Of a task that is suspended: <context> is a copy of what lies at <address>, which is its
 * fiber's sp.
 */
void wf_registers_of_context(struct wf_registers *to, const struct wf_context *context,
                             uint64_t address);

/* Of what a signal interrupted (ucontext_t). Async-signal-safe. */
void wf_registers_of_signal(struct wf_registers *to, const void *ucontext);

/* Only these are known: of a thread that is blocked in a system call. */
void wf_registers_of_call(struct wf_registers *to, uint64_t pc, uint64_t sp);

#endif

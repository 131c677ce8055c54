/* The smallest switches that keep the System V x86-64 ABI: six callee-saved registers and the stack
 * pointer (no FP control words). Two endings: an indirect jump, which the branch predictor learns,
 * and a ret, which always mispredicts against the return stack. The floor for a stackful switch;
 * not a library. */
#ifndef ASMCTX_H
#define ASMCTX_H
#include <stdint.h>
typedef struct {
    void *sp;
} actx_t;
void actx_switch(actx_t *from, actx_t *to);
void actx_switch_ret(actx_t *from, actx_t *to);
#define ACTX_BODY                                                        \
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n" \
    "mov %rsp,(%rdi)\nmov (%rsi),%rsp\n"                                 \
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\n"
__asm__(
    ".text\n.globl actx_switch\n.type actx_switch,@function\n.p2align 4\nactx_switch:\n" ACTX_BODY
    "pop %rcx\njmp *%rcx\n.size actx_switch,.-actx_switch\n"
    ".globl actx_switch_ret\n.type actx_switch_ret,@function\n.p2align "
    "4\nactx_switch_ret:\n" ACTX_BODY "ret\n.size actx_switch_ret,.-actx_switch_ret\n");
static inline void actx_make(actx_t *c, void *stack_top, void (*fn)(void))
{
    uint64_t *s = (uint64_t *)((uintptr_t)stack_top & ~15ull);
    *--s = 0; /* return address of fn: must not return */
    *--s = (uint64_t)(uintptr_t)fn;
    for (int i = 0; i < 6; i++)
        *--s = 0;
    c->sp = s;
}
#endif

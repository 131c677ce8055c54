/*
 * The context switch on x86-64, System V calling convention. The layout of what
 * it pushes is struct wf_context (context.h).
 *
 * It saves what a called function must preserve: six registers, the control
 * word of the x87 and MXCSR. Everything else the compiler holds for lost over
 * the call. No signal mask: that would be a system call.
 *
 * How it ends decides what it costs. The processor guesses where a ret goes from
 * its own stack of calls, which knows nothing of ours. When both sides were
 * suspended at the same place in the code (task to task), a ret is guessed right
 * and keeps that stack in step for the returns that follow: 8 ns for a switch
 * below three frames, against 27 when it ends in a jump. When the places differ
 * (loop to task) a ret would be guessed wrong, and a jump is not: 20 ns against
 * 25. So it looks at the two addresses. `notrack` lets the jump go to the
 * instruction after a call, which is no landing pad, under indirect branch
 * tracking. A shadow stack would refuse the switch, so the note at the end does
 * not claim it.
 */
#if defined(__x86_64__)

    .text

/* void wf_context_switch(void **out_from, void *to) */
    .globl  wf_context_switch
    .hidden wf_context_switch
    .type   wf_context_switch, @function
    .p2align 5
wf_context_switch:
    .cfi_startproc
    endbr64
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    subq    $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movq    56(%rsp), %rdx      /* where we were called */

    /* Both stacks look alike here, so the CFI holds on either side. */
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp

    ldmxcsr (%rsp)
    fldcw   4(%rsp)
    addq    $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    cmpq    (%rsp), %rdx
    jne     1f
    ret
1:
    popq    %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size   wf_context_switch, . - wf_context_switch

/*
 * The bottom frame of every fiber: r12 is the function, r13 its argument. No
 * return address: an unwinder stops here, as it does at the start of a thread.
 */
    .globl  wf_context_enter
    .hidden wf_context_enter
    .type   wf_context_enter, @function
    .p2align 4
wf_context_enter:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    movq    %r13, %rdi
    call    *%r12
    ud2
    .cfi_endproc
    .size   wf_context_enter, . - wf_context_enter

/* int wf_context_has_shadow_stack(void): rdssp changes nothing where there is none. */
    .globl  wf_context_has_shadow_stack
    .hidden wf_context_has_shadow_stack
    .type   wf_context_has_shadow_stack, @function
    .p2align 4
wf_context_has_shadow_stack:
    .cfi_startproc
    endbr64
    xorl    %ecx, %ecx
    xorl    %eax, %eax
    rdsspq  %rcx
    testq   %rcx, %rcx
    setne   %al
    ret
    .cfi_endproc
    .size   wf_context_has_shadow_stack, . - wf_context_has_shadow_stack

/* What this file is compatible with: IBT (bit 0), not SHSTK (bit 1). */
    .section .note.gnu.property, "a", @note
    .p2align 3
    .long   4
    .long   16
    .long   5                   /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000002          /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long   4
    .long   1
    .long   0

#endif

    .section .note.GNU-stack, "", %progbits

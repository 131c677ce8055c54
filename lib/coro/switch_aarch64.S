/*
 * The context switch on AArch64, AAPCS64. The layout of what it pushes is
 * struct wf_context (context.h).
 *
 * It saves what a called function must preserve: x19 to x30, the low halves of
 * v8 to v15, and FPCR, which is written back only when it differs, since the
 * write is slow. x18 is the platform's and not used on Linux.
 *
 * It ends in ret: a br to the instruction after a call would not be allowed
 * under branch target identification, which has no way to except one jump.
 * A guarded control stack would refuse the switch, so the note at the end
 * claims BTI only.
 */
#if defined(__aarch64__)

    .text

/* void wf_context_switch(void **out_from, void *to) */
    .globl  wf_context_switch
    .hidden wf_context_switch
    .type   wf_context_switch, %function
    .p2align 5
wf_context_switch:
    .cfi_startproc
    hint    #34                 /* bti c */
    sub     sp, sp, #176
    .cfi_def_cfa_offset 176
    stp     d8, d9, [sp, #0]
    stp     d10, d11, [sp, #16]
    stp     d12, d13, [sp, #32]
    stp     d14, d15, [sp, #48]
    stp     x19, x20, [sp, #64]
    stp     x21, x22, [sp, #80]
    stp     x23, x24, [sp, #96]
    stp     x25, x26, [sp, #112]
    stp     x27, x28, [sp, #128]
    stp     x29, x30, [sp, #144]
    .cfi_offset x19, -112
    .cfi_offset x20, -104
    .cfi_offset x21, -96
    .cfi_offset x22, -88
    .cfi_offset x23, -80
    .cfi_offset x24, -72
    .cfi_offset x25, -64
    .cfi_offset x26, -56
    .cfi_offset x27, -48
    .cfi_offset x28, -40
    .cfi_offset x29, -32
    .cfi_offset x30, -24
    mrs     x9, fpcr
    str     x9, [sp, #160]

    /* Both stacks look alike here, so the CFI holds on either side. */
    mov     x10, sp
    str     x10, [x0]
    mov     sp, x1

    ldr     x10, [sp, #160]
    cmp     x9, x10
    b.eq    1f
    msr     fpcr, x10
1:
    ldp     d8, d9, [sp, #0]
    ldp     d10, d11, [sp, #16]
    ldp     d12, d13, [sp, #32]
    ldp     d14, d15, [sp, #48]
    ldp     x19, x20, [sp, #64]
    ldp     x21, x22, [sp, #80]
    ldp     x23, x24, [sp, #96]
    ldp     x25, x26, [sp, #112]
    ldp     x27, x28, [sp, #128]
    ldp     x29, x30, [sp, #144]
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    add     sp, sp, #176
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size   wf_context_switch, . - wf_context_switch

/*
 * The bottom frame of every fiber: x19 is the function, x20 its argument. No
 * return address: an unwinder stops here, as it does at the start of a thread.
 */
    .globl  wf_context_enter
    .hidden wf_context_enter
    .type   wf_context_enter, %function
    .p2align 4
wf_context_enter:
    .cfi_startproc
    .cfi_undefined x30
    hint    #34                 /* bti c */
    mov     x0, x20
    blr     x19
    brk     #1
    .cfi_endproc
    .size   wf_context_enter, . - wf_context_enter

/*
 * int wf_context_has_shadow_stack(void): chkfeat clears the bit of a feature
 * that is on, and is no operation where the processor does not know it.
 */
    .globl  wf_context_has_shadow_stack
    .hidden wf_context_has_shadow_stack
    .type   wf_context_has_shadow_stack, %function
    .p2align 4
wf_context_has_shadow_stack:
    .cfi_startproc
    hint    #34                 /* bti c */
    mov     x16, #1
    hint    #40                 /* chkfeat x16 */
    eor     x0, x16, #1
    ret
    .cfi_endproc
    .size   wf_context_has_shadow_stack, . - wf_context_has_shadow_stack

/* What this file is compatible with: BTI (bit 0), neither PAC (1) nor GCS (2). */
    .section .note.gnu.property, "a", %note
    .p2align 3
    .long   4
    .long   16
    .long   5                   /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000000          /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long   4
    .long   1
    .long   0

#endif

    .section .note.GNU-stack, "", %progbits

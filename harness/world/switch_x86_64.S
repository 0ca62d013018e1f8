/* Switching keeps the callee-saved registers on the stack being left, stores its stack pointer in
 * *save, and continues on the stack `load`: pops them there and goes where its word above leads.
 *
 * The processor foresees where a `ret` goes by the calls it has seen. Between two threads that both
 * left by world_switch_back, called at one place, this is right, and so it is for the returns of
 * the functions around that; anywhere else it is always wrong, and a jump is better. */
    .text

    .macro SWITCH name
    .globl \name
    .hidden \name
    .type \name, @function
    .p2align 4
\name:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    .endm

    SWITCH world_switch
    popq %rcx
    jmp *%rcx
    .size world_switch, .-world_switch

    SWITCH world_switch_back
    ret
    .size world_switch_back, .-world_switch_back

    .section .note.GNU-stack, "", @progbits

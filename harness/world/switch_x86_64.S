/* void world_switch(void **save, void *load): keep the callee-saved registers on the stack
 * being left, store its stack pointer in *save, continue on the stack `load`. The jump is
 * not a `ret`, which would always be mispredicted here. */
    .text
    .globl world_switch
    .hidden world_switch
    .type world_switch, @function
    .p2align 4
world_switch:
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
    popq %rcx
    jmp *%rcx
    .size world_switch, .-world_switch
    .section .note.GNU-stack, "", @progbits

/* Accesses that clang compared in place, and that are none of those made before. To the code around
 * the call, no register changes. See instrument_quick.c. */
    .text

    /* void world___tsan_first_NAME(void *memory) */
    .macro first name
    .globl world___tsan_first_\name
    .hidden world___tsan_first_\name
    .type world___tsan_first_\name, @function
    .p2align 4
world___tsan_first_\name:
    .cfi_startproc
    pushq %rdi
    pushq %rsi
    subq $8, %rsp
    .cfi_adjust_cfa_offset 24
    movq 24(%rsp), %rsi
    call instrument_\name
    addq $8, %rsp
    popq %rsi
    popq %rdi
    .cfi_adjust_cfa_offset -24
    ret
    .cfi_endproc
    .size world___tsan_first_\name, .-world___tsan_first_\name
    .endm

    .irp bytes, 1, 2, 4, 8, 16
    first read\bytes
    first write\bytes
    .endr

    /* void world___tsan_assembler_SIZE(uintptr_t address): before an operation of assembler code on
     * 2^SIZE bytes; and behind it. What the processor was told before must stay, too. */
    .macro assembler name, code
    .globl world___tsan_assembler_\name
    .hidden world___tsan_assembler_\name
    .type world___tsan_assembler_\name, @function
    .p2align 4
world___tsan_assembler_\name:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushfq
    pushq %rdi
    pushq %rsi
    pushq %rdx
    movl $\code, %esi
    movq 8(%rbp), %rdx
    cld
    call instrument_apart
    popq %rdx
    popq %rsi
    popq %rdi
    popfq
    popq %rbp
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size world___tsan_assembler_\name, .-world___tsan_assembler_\name
    .endm

    .irp size, 0, 1, 2, 3, 4
    assembler \size, 16+\size
    .endr
    assembler end, 32

    /* void instrument_apart(uintptr_t address, uint32_t code, uintptr_t pc): all other registers,
     * those for numbers and vectors among them, are put aside meanwhile. */
    .globl instrument_apart
    .hidden instrument_apart
    .type instrument_apart, @function
    .p2align 4
instrument_apart:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rbx
    .cfi_offset %rbx, -24
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    pushq %\register
    .endr
    movq %rsp, %rbx

    /* 512 bytes, as fxsave lays them out; a header, which xsave expects to be clear; what AVX
     * adds. */
    subq $832, %rsp
    andq $-64, %rsp
    cmpb $0, instrument_has_avx(%rip)
    je 1f
    movq %rdx, %rcx
    xorl %eax, %eax
    .irp at, 512, 520, 528, 536, 544, 552, 560, 568
    movq %rax, \at(%rsp)
    .endr
    xorl %edx, %edx
    movl $7, %eax
    xsave64 (%rsp)
    movq %rcx, %rdx
    call instrument_slow
    xorl %edx, %edx
    movl $7, %eax
    xrstor64 (%rsp)
    jmp 2f
1:  fxsave64 (%rsp)
    call instrument_slow
    fxrstor64 (%rsp)

2:  movq %rbx, %rsp
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    popq %\register
    .endr
    popq %rbx
    popq %rbp
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size instrument_apart, .-instrument_apart
    .section .note.GNU-stack, "", @progbits

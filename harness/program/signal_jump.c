/* Jumps out of handlers: siglongjmp() brings back the simulated mask, as it was for sigsetjmp().
 *
 * The real functions do the jump. They keep the mask of the harness, which nobody changes, in the
 * first word of the buffer's set; the simulated one lies in the words behind it. */
#include <setjmp.h>

#include "harness/world/world.h"
#include "signals.h"

enum { OWN_MASK = 1 };

_Noreturn void world_longjmp(struct __jmp_buf_tag *buffer, int value);
void signal_jump_save(struct __jmp_buf_tag *buffer, int with_mask);

/* A function that returns twice can only be jumped to: what comes back from it has to find the
 * frame of the program. */
#if defined(__x86_64__)
__asm__(".text\n"
        ".globl world___sigsetjmp\n"
        ".type world___sigsetjmp, @function\n"
        "world___sigsetjmp:\n"
        "    pushq %rdi\n"
        "    pushq %rsi\n"
        "    subq $8, %rsp\n"
        "    call signal_jump_save\n"
        "    addq $8, %rsp\n"
        "    popq %rsi\n"
        "    popq %rdi\n"
        "    jmp __sigsetjmp@PLT\n"
        ".size world___sigsetjmp, .-world___sigsetjmp\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl world___sigsetjmp\n"
        ".type world___sigsetjmp, %function\n"
        "world___sigsetjmp:\n"
        "    stp x29, x30, [sp, #-32]!\n"
        "    stp x0, x1, [sp, #16]\n"
        "    bl signal_jump_save\n"
        "    ldp x0, x1, [sp, #16]\n"
        "    ldp x29, x30, [sp], #32\n"
        "    b __sigsetjmp\n"
        ".size world___sigsetjmp, .-world___sigsetjmp\n");
#else
#error "sigsetjmp() needs a jump to the real one for this processor"
#endif

/* Without a mask the buffer may be a shorter one, that of a cleanup handler. */
void signal_jump_save(struct __jmp_buf_tag *buffer, int with_mask)
{
    if (with_mask) buffer->__saved_mask.__val[OWN_MASK] = *world_signal_mask(world_self());
}

void world_longjmp(struct __jmp_buf_tag *buffer, int value)
{
    signals_left_handlers();
    if (buffer->__mask_was_saved) signal_block(buffer->__saved_mask.__val[OWN_MASK]);
    longjmp(buffer, value);
}

#define SAME(name) \
    __attribute__((alias("world_longjmp"))) _Noreturn void name(struct __jmp_buf_tag *, int)
SAME(world__longjmp);
SAME(world_siglongjmp);
SAME(world___longjmp_chk);

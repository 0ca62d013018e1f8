/* The processor's counter of cycles, which a program may read without a call. As it differs from
 * run to run, reading it is made to trap, and what is read is the virtual time. */
#include "counter.h"

#include "asan.h"

#include <signal.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "internal.h"

/* The address sanitizer reads clocks while it allocates, which a debugger would show as crashes. */
#if defined(__x86_64__) && !defined(WITH_ASAN)

#include <x86intrin.h>

/* So that who waits for cycles to pass does not wait for ever: cycles that one look takes. Each
 * look is slow, so the next one takes twice as many, until a step is made. */
enum { LOOK_CYCLES = 100, LOOK_CYCLES_MAX = 1000000 };

extern const char __executable_start[], etext[];

void world_trap_counter(void)
{
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
}

/* All threads look at one counter, so their looks do not commute. */
static uint64_t virtual_cycles(void)
{
    static uint64_t run, passed, more;
    static const struct world_step *step;
    world_meet(WORLD_MET_FAKES);
    world_looked_outside();
    W.clock_looks++;
    if (run != W.runs) passed = 0;
    if (run != W.runs || step != W.step) more = LOOK_CYCLES;
    else if (more < LOOK_CYCLES_MAX) more *= 2;
    run = W.runs;
    step = W.step;
    passed += more;
    return W.now_ns + passed;
}

static volatile bool is_open;

bool counter_open(void)
{
    return is_open;
}

/* For the system's own clocks, which are read in the same way. */
static uint64_t real_cycles(void)
{
    is_open = true;
    prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
    uint64_t cycles = __rdtsc();
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
    is_open = false;
    return cycles;
}

/* Of the instruction that reads it: rdtsc, rdtscp; 0: it is another one. */
static int length_of(const uint8_t *code)
{
    if (code[0] == 0x0f && code[1] == 0x31) return 2;
    return code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9 ? 3 : 0;
}

bool counter_read(const siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    /* Not of an address that cannot be accessed: then the code itself can be read. */
    if (info->si_signo != SIGSEGV || info->si_code != SI_KERNEL) return false;
    int length = length_of((const uint8_t *)pc);
    if (length == 0) return false;
    bool own = pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
    uint64_t cycles = own ? virtual_cycles() : real_cycles();
    registers[REG_RAX] = (greg_t)(uint32_t)cycles;
    registers[REG_RDX] = (greg_t)(cycles >> 32);
    if (length == 3) registers[REG_RCX] = 0; /* the processor's number */
    registers[REG_RIP] += length;
    return true;
}

#else

void world_trap_counter(void)
{
}

bool counter_read(const siginfo_t *info, void *context)
{
    (void)info, (void)context;
    return false;
}

bool counter_open(void)
{
    return false;
}

#endif

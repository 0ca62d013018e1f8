/* Fatal signals inside an execution become findings; outside they are the harness's own. */
#include "asan.h"
#include "counter.h"
#include "internal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void registers_of(const ucontext_t *context, uintptr_t *pc, uintptr_t *frame)
{
#if defined(__x86_64__)
    *pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    *frame = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
    *pc = context->uc_mcontext.pc;
    *frame = context->uc_mcontext.regs[29];
#else
    *pc = *frame = 0;
    (void)context;
#endif
}

/* gcc gives small functions no frame, whatever it is told, so the innermost caller is not on the
 * chain of frames; the tables for exceptions know where it is. */
struct search {
    uintptr_t pc, caller;
    bool found;
};

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *argument)
{
    struct search *search = argument;
    uintptr_t pc = _Unwind_GetIP(context);
    if (search->found) {
        search->caller = pc;
        return _URC_END_OF_STACK;
    }
    search->found = pc == search->pc;
    return _URC_NO_REASON;
}

/* Of the interrupted function, from inside the signal's handler; 0: unknown. */
static uintptr_t caller_of(uintptr_t pc)
{
    struct search search = {.pc = pc};
    _Unwind_Backtrace(look, &search);
    return search.caller;
}

static const char *describe(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV (invalid memory access)";
    case SIGBUS:
        return "SIGBUS (invalid memory access)";
    case SIGFPE:
        return "SIGFPE (arithmetic fault, such as division by zero)";
    default:
        return "SIGILL (illegal instruction)";
    }
}

/* Libraries that are called as they are have no frames: what lies in between is found by the
 * tables, and only what belongs to the program is kept. */
struct callers {
    struct world_stack *stack;
    bool behind; /* what handles the signal comes first; abort() is not the executable's */
};

static _Unwind_Reason_Code keep_caller(struct _Unwind_Context *context, void *argument)
{
    extern const char __executable_start[], etext[];
    struct callers *callers = argument;
    struct world_stack *stack = callers->stack;
    uintptr_t pc = _Unwind_GetIP(context);
    bool own = pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
    if (!own) callers->behind = true;
    if (!own || !callers->behind) return _URC_NO_REASON;
    if (stack->depth == WORLD_STACK_MAX) return _URC_END_OF_STACK;
    stack->pc[stack->depth++] = pc;
    return _URC_NO_REASON;
}

static _Noreturn void on_abort(void)
{
    struct world_stack *stack = &W.finding.stack;
    stack->depth = 0;
    _Unwind_Backtrace(keep_caller, &(struct callers){.stack = stack});
    uintptr_t pc = stack->depth > 0 ? stack->pc[0] : 0;
    finding_raise(WORLD_FOUND_ABORT, pc, "a library that %s called at {pc:%lx} has called abort()",
                  world_entity_name(W.self->id), (unsigned long)pc);
}

#ifdef WITH_ASAN

/* A sanitizer that has reported something ends the process, with all that it had begun. */
static bool sanitizer_ends;

static void on_report(void)
{
    sanitizer_ends = true;
}

#else
enum { sanitizer_ends = false };
#endif

/* Runs on the alternate stack; leaves the broken execution by switching away from it. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    if (counter_read(info, context)) return;
    if (!W.running || W.self == NULL || sanitizer_ends) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    uintptr_t pc, frame;
    uint16_t entity;
    if (number == SIGABRT) on_abort();
    registers_of(context, &pc, &frame);
    finding_stack_from(pc, caller_of(pc), frame);
    if (number == SIGSEGV && fiber_guard_hit((uintptr_t)info->si_addr, &entity)) {
        finding_raise(WORLD_FOUND_STACK_OVERFLOW, pc, "the stack of %s is used up",
                      world_entity_name(W.self->id));
    }
    finding_raise(WORLD_FOUND_CRASH, pc, "%s in %s", describe(number),
                  world_entity_name(W.self->id));
}

/* --- loops without a scheduling point --- */

static unsigned loop_seconds, loop_ticks;
static const struct world_step *loop_step;
static uint64_t loop_run;

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    if (!W.running || W.self == NULL || W.step != loop_step || W.runs != loop_run) {
        loop_step = W.step;
        loop_run = W.runs;
        loop_ticks = 0;
        return;
    }
    if (++loop_ticks < loop_seconds || counter_open()) return;
    uintptr_t pc, frame;
    registers_of(context, &pc, &frame);
    finding_stack_from(pc, caller_of(pc), frame);
    finding_raise(WORLD_FOUND_ENDLESS_LOOP, pc,
                  "%s computes for ever: no scheduling point in %u s of processor time",
                  world_entity_name(W.self->id), loop_seconds);
}

void world_watch_loops(unsigned seconds)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_tick;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    loop_seconds = seconds;
    struct itimerval every = {{1, 0}, {1, 0}};
    setitimer(ITIMER_VIRTUAL, &every, NULL);
}

/* --- set-up --- */

void crash_init(void)
{
    size_t bytes = 256 << 10;
    void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(stack != MAP_FAILED);
    stack_t alternate = {.ss_sp = stack, .ss_size = bytes};
    sigaltstack(&alternate, NULL);
    world_catch_signals();
#ifdef WITH_ASAN
    __sanitizer_set_death_callback(on_report);
#endif
}

void world_catch_signals(void)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = on_signal;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(signals[i], &action, NULL);
    }
}

/* What the sanitizers shall do when they are linked in; empty otherwise. */

#include "harness/world/asan.h"
#include "harness/world/tsan.h"

#ifdef WITH_ASAN
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* A report ends the worker by a signal, which its parent tells from a fault of the harness: status
 * 4, with the choices that led there. Frames stay on the fibers' stacks, whose addresses are the
 * same in every execution: those of the fake stacks, which tell use after return, are not. */
const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_stack_use_after_return=0";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}
#endif

#ifdef WITH_TSAN
const char *__tsan_default_options(void);

/* The harness has one thread: there is nobody whose report could come while it ends. It is every
 * agent of a live run, too, and a daemon waits for their ends. */
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}
#endif

/* What programs of the Competition on Software Verification (SV-COMP) take for granted: values that
 * may be anything, assumptions, sections that nothing interrupts. */
#include "verifier.h"

#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "harness/world/world.h"
#include "include/harness.h"
#include "reports/symbols.h"

int world_pthread_mutex_lock(pthread_mutex_t *mutex);
int world_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* --- values --- */

/* Of all that there are, those where programs go wrong; the first one by default. */
#define CHOOSE(...)                                                                                \
    do {                                                                                           \
        const long long values[] = {__VA_ARGS__};                                                  \
        return values[harness_choose(sizeof values / sizeof *values)];                             \
    } while (0)

static long long choose_signed(long long least, long long most)
{
    CHOOSE(1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 100, -1, -2, -3, least, most);
}

static long long choose_unsigned(unsigned long long most)
{
    CHOOSE(1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 100, (long long)most);
}

#define SIGNED(word, type, least, most)                                                            \
    type world___VERIFIER_nondet_##word(void)                                                      \
    {                                                                                              \
        return (type)choose_signed(least, most);                                                   \
    }
#define UNSIGNED(word, type, most)                                                                 \
    type world___VERIFIER_nondet_##word(void)                                                      \
    {                                                                                              \
        return (type)choose_unsigned(most);                                                        \
    }
#define FRACTION(word, type)                                                                       \
    type world___VERIFIER_nondet_##word(void)                                                      \
    {                                                                                              \
        static const type values[] = {1, 0, -1, (type)0.5, 2, 100, (type)1e30, (type)-1e30};       \
        return values[harness_choose(sizeof values / sizeof *values)];                             \
    }

SIGNED(char, char, CHAR_MIN, CHAR_MAX)
SIGNED(short, short, SHRT_MIN, SHRT_MAX)
SIGNED(int, int, INT_MIN, INT_MAX)
SIGNED(long, long, LONG_MIN, LONG_MAX)
SIGNED(longlong, long long, LLONG_MIN, LLONG_MAX)
UNSIGNED(uchar, unsigned char, UCHAR_MAX)
UNSIGNED(ushort, unsigned short, USHRT_MAX)
UNSIGNED(uint, unsigned, UINT_MAX)
UNSIGNED(unsigned, unsigned, UINT_MAX)
UNSIGNED(ulong, unsigned long, ULONG_MAX)
UNSIGNED(ulonglong, unsigned long long, ULLONG_MAX)
UNSIGNED(size_t, size_t, SIZE_MAX)
FRACTION(float, float)
FRACTION(double, double)

bool world___VERIFIER_nondet_bool(void)
{
    return harness_choose(2) == 1;
}

void *world___VERIFIER_nondet_pointer(void)
{
    static char somewhere;
    return harness_choose(2) == 1 ? &somewhere : NULL;
}

/* --- conditions --- */

void world___VERIFIER_assume(int condition)
{
    harness_assume(condition != 0);
}

_Noreturn void world___VERIFIER_error(void)
{
    world_fail(WORLD_FOUND_CHECK, "__VERIFIER_error() was reached");
}

/* The place does not change, and naming it takes long. */
bool verifier_assumes(const struct world_finding *finding)
{
    static uintptr_t known;
    static bool assumes;
    struct symbol place;
    if (finding->kind != WORLD_FOUND_ABORT) return false;
    if (finding->stack.pc[0] == known) return assumes;
    known = finding->stack.pc[0];
    assumes = symbols_place(&finding->stack, &place) &&
              strcmp(place.function, "assume_abort_if_not") == 0;
    return assumes;
}

/* --- sections --- */

static pthread_mutex_t section;

void verifier_begin(void)
{
    section = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

/* One at a time: the others wait for it. And in the midst of one there are no places where another
 * thread may go first, but for those where it waits for something itself. */
void world___VERIFIER_atomic_begin(void)
{
    world_pthread_mutex_lock(&section);
    world_apart(true);
}

void world___VERIFIER_atomic_end(void)
{
    world_apart(false);
    world_pthread_mutex_unlock(&section);
}

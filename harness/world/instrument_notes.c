/* What programs that know the thread sanitizer tell it. Locks of their own making are checked here
 * and not believed, for their atomic operations and futexes are seen as they are; nor are races
 * overlooked because a program asks for it. What it says happens before something else does. */
#include <stddef.h>

void world___tsan_acquire(void *memory);
void world___tsan_release(void *memory);
void world___tsan_flush_memory(void);
void world___tsan_mutex_post_lock(void *lock, unsigned flags, int recursion);
int world___tsan_mutex_pre_unlock(void *lock, unsigned flags);

#define SAYS_OF_LOCK(name)                                                                         \
    void world___tsan_mutex_##name(void *lock, unsigned flags);                                    \
    void world___tsan_mutex_##name(void *lock, unsigned flags)                                     \
    {                                                                                              \
        (void)lock, (void)flags;                                                                   \
    }

SAYS_OF_LOCK(create)
SAYS_OF_LOCK(destroy)
SAYS_OF_LOCK(pre_lock)
SAYS_OF_LOCK(post_unlock)
SAYS_OF_LOCK(pre_signal)
SAYS_OF_LOCK(post_signal)
SAYS_OF_LOCK(pre_divert)
SAYS_OF_LOCK(post_divert)

void world___tsan_mutex_post_lock(void *lock, unsigned flags, int recursion)
{
    (void)lock, (void)flags, (void)recursion;
}

/* How often it was held, of which all is given back. */
int world___tsan_mutex_pre_unlock(void *lock, unsigned flags)
{
    (void)lock, (void)flags;
    return 1;
}

void world___tsan_flush_memory(void)
{
}

/* --- the older names --- */

#define ASKS_TO_OVERLOOK(name)                                                                     \
    void world_Annotate##name(const char *file, int line);                                         \
    void world_Annotate##name(const char *file, int line)                                          \
    {                                                                                              \
        (void)file, (void)line;                                                                    \
    }

ASKS_TO_OVERLOOK(IgnoreReadsBegin)
ASKS_TO_OVERLOOK(IgnoreReadsEnd)
ASKS_TO_OVERLOOK(IgnoreWritesBegin)
ASKS_TO_OVERLOOK(IgnoreWritesEnd)
ASKS_TO_OVERLOOK(IgnoreSyncBegin)
ASKS_TO_OVERLOOK(IgnoreSyncEnd)

void world_AnnotateBenignRaceSized(const char *file, int line, const volatile void *memory,
                                   size_t bytes, const char *why);
void world_AnnotateHappensBefore(const char *file, int line, void *memory);
void world_AnnotateHappensAfter(const char *file, int line, void *memory);

void world_AnnotateBenignRaceSized(const char *file, int line, const volatile void *memory,
                                   size_t bytes, const char *why)
{
    (void)file, (void)line, (void)memory, (void)bytes, (void)why;
}

void world_AnnotateHappensBefore(const char *file, int line, void *memory)
{
    (void)file, (void)line;
    world___tsan_release(memory);
}

void world_AnnotateHappensAfter(const char *file, int line, void *memory)
{
    (void)file, (void)line;
    world___tsan_acquire(memory);
}

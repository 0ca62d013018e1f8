/* Stacks of simulated threads, and switching between them.
 *
 * Every stack lies at the same address in every process, so that addresses of locals are
 * the same in every execution. Where a linked image has thread-local variables, each slot
 * also owns a parked OS thread, whose only purpose is its thread-local storage: a switch
 * loads that thread's base register. */
#include "asan.h"
#include "plain.h"

#include <link.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BASE ((char *)STACKS_FROM)
#define GUARD_BYTES ((size_t)64 << 10)
/* Tops of stacks are spread over the cache sets, or equal offsets would evict each other. */
#define COLOUR_BYTES ((size_t)1088)

struct slot {
    bool ready;
    uintptr_t base;       /* thread register of the parked thread */
    void *tls, *tls_image; /* the executable's thread-local block there, and its initial state */
    size_t tls_bytes, tls_image_bytes;
    sem_t parked;
    struct entity *entity; /* who has it */
};

static struct slot slots[WORLD_ENTITIES_MAX];
static void *home;           /* the OS thread's own stack */
static uintptr_t home_base;  /* and its thread register */
static bool have_fsgsbase;
static struct {
    void (*run)(void *); /* NULL: nothing */
    void *argument;
} outside; /* what a fiber asks to be run at home */

#ifdef WITH_ASAN
static void *home_fake;
static const void *home_bottom;
static size_t home_size;
static void *fakes[WORLD_ENTITIES_MAX];
#endif

#ifdef WITH_TSAN
static void *home_fiber, *fibers[WORLD_ENTITIES_MAX];
#endif

static char *stack_low(uint16_t slot)
{
    return STACK_BASE + slot * STACK_BYTES + GUARD_BYTES;
}

static size_t stack_bytes(uint16_t slot)
{
    return STACK_BYTES - GUARD_BYTES - (slot % 48) * COLOUR_BYTES;
}

void fiber_init(void)
{
    void *at = mmap(STACK_BASE, STACKS_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
#if defined(WITH_ASAN) || defined(WITH_TSAN)
    W.switch_hooks = true;
#endif
#ifdef WITH_TSAN
    home_fiber = __tsan_get_current_fiber();
#endif
    if (at != STACK_BASE) world_broken(__FILE__, __LINE__, "the stacks' address range is taken");
#if defined(__x86_64__)
    have_fsgsbase = (getauxval(AT_HWCAP2) & 2) != 0;
#endif
}

/* --- thread registers --- */

static uintptr_t base_read(void)
{
#if defined(__x86_64__)
    return (uintptr_t)pthread_self(); /* glibc: the thread control block is its own address */
#elif defined(__aarch64__)
    uintptr_t base;
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(base));
    return base;
#else
    return 0;
#endif
}

static inline void base_write(uintptr_t base)
{
#if defined(__x86_64__)
    if (LIKELY(have_fsgsbase)) {
        __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
    } else {
        syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, base);
    }
#elif defined(__aarch64__)
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(base) : "memory");
#else
    (void)base;
#endif
}

static int find_tls(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct slot *slot = argument;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_TLS) continue;
        slot->tls = info->dlpi_tls_data;
        slot->tls_bytes = info->dlpi_phdr[i].p_memsz;
        slot->tls_image = (void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        slot->tls_image_bytes = info->dlpi_phdr[i].p_filesz;
    }
    return 1; /* the executable comes first; libraries keep their own */
}

/* The sanitizer finds its idea of the running thread in thread-local storage. So it is told
 * once that the parked thread is on the slot's stack, and has nothing to hear of switches. */
static void claim_stack(uint16_t index)
{
#ifdef WITH_ASAN
    void *fake;
    __sanitizer_start_switch_fiber(&fake, stack_low(index), stack_bytes(index));
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
    (void)index;
#endif
}

static void *park(void *argument)
{
    struct slot *slot = argument;
    slot->base = base_read();
    claim_stack((uint16_t)(slot - slots));
    dl_iterate_phdr(find_tls, slot);
    sem_post(&slot->parked);
    for (;;) pause();
    return NULL;
}

static void slot_make_ready(uint16_t index)
{
    struct slot *slot = &slots[index];
    mprotect(STACK_BASE + index * STACK_BYTES, GUARD_BYTES, PROT_NONE);
    if (W.uses_tls) {
        pthread_t thread;
        pthread_attr_t attributes;
        sem_init(&slot->parked, 0, 0);
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 64 << 10);
        if (pthread_create(&thread, &attributes, park, slot) != 0) {
            world_broken(__FILE__, __LINE__, "no thread for thread-local storage");
        }
        pthread_attr_destroy(&attributes);
        while (sem_wait(&slot->parked) != 0) continue;
    }
    slot->ready = true;
}

/* --- switching --- */

static inline void leave_hook(void **fake, const void *bottom, size_t size)
{
#ifdef WITH_ASAN
    if (!W.uses_tls) __sanitizer_start_switch_fiber(fake, bottom, size);
#else
    (void)fake, (void)bottom, (void)size;
#endif
}

static inline void arrive_hook(uint16_t slot)
{
#ifdef WITH_ASAN
    if (W.uses_tls) return; /* see claim_stack */
    __sanitizer_finish_switch_fiber(slot == WORLD_NOBODY ? home_fake : fakes[slot],
                                    home_bottom ? NULL : &home_bottom,
                                    home_bottom ? NULL : &home_size);
    if (slot != WORLD_NOBODY) fakes[slot] = NULL;
#else
    (void)slot;
#endif
}

/* Nothing is left of who was on that stack before. */
static void renew_fiber(uint16_t slot)
{
#ifdef WITH_TSAN
    if (fibers[slot] != NULL) __tsan_destroy_fiber(fibers[slot]);
    fibers[slot] = __tsan_create_fiber(0);
#else
    (void)slot;
#endif
}

static void first_frame(void)
{
    arrive_hook(W.self->slot);
    thread_main();
}

void fiber_prepare(struct entity *entity)
{
    uint16_t slot = (uint16_t)W.thread_count++;
    entity->slot = slot;
    if (UNLIKELY(!slots[slot].ready)) slot_make_ready(slot);
    slots[slot].entity = entity;
    renew_fiber(slot);
    if (W.uses_tls) {
        memcpy(slots[slot].tls, slots[slot].tls_image, slots[slot].tls_image_bytes);
        memset((char *)slots[slot].tls + slots[slot].tls_image_bytes, 0,
               slots[slot].tls_bytes - slots[slot].tls_image_bytes);
    }
    entity->stack_pointer =
        world_switch_prepare(stack_low(slot), stack_bytes(slot), first_frame);
}

void fiber_switch_hooked(struct entity *from, struct entity *to)
{
    W.self = to;
#ifdef WITH_ASAN
    leave_hook(from->state == ENTITY_LIVE ? &fakes[from->slot] : NULL, stack_low(to->slot),
               stack_bytes(to->slot));
#endif
    if (UNLIKELY(W.uses_tls)) {
        base_write(slots[to->slot].base); /* errno comes with it */
    } else {
        from->saved_errno = *W.errno_at;
        *W.errno_at = to->saved_errno;
    }
    ENTER_FIBER(fibers[to->slot]);
    world_switch(&from->stack_pointer, to->stack_pointer);
    arrive_hook(from->slot);
}

static void leave_home(struct entity *to)
{
    leave_hook(
#ifdef WITH_ASAN
        &home_fake,
#else
        NULL,
#endif
        stack_low(to->slot), stack_bytes(to->slot));
    if (W.uses_tls) {
        home_base = base_read();
        base_write(slots[to->slot].base);
    }
    ENTER_FIBER(fibers[to->slot]);
    world_switch(&home, to->stack_pointer);
    arrive_hook(WORLD_NOBODY);
}

void fiber_start(struct entity *first)
{
    int saved_errno = errno;
    W.self = first;
    leave_home(first);
    while (outside.run) {
        void (*run)(void *) = outside.run;
        outside.run = NULL;
        W.running = false;
        run(outside.argument);
        W.running = true;
        leave_home(W.self);
    }
    errno = saved_errno;
}

void world_outside(void (*run)(void *), void *argument)
{
    struct entity *self = W.self;
    outside.run = run;
    outside.argument = argument;
#ifdef WITH_ASAN
    leave_hook(&fakes[self->slot], home_bottom, home_size);
#endif
    if (W.uses_tls) base_write(home_base);
    ENTER_FIBER(home_fiber);
    world_switch(&self->stack_pointer, home);
    arrive_hook(self->slot);
}

#ifdef WITH_ASAN

/* Threads are abandoned in the middle of their scopes, some of them before the end, and the
 * sanitizer remembers these until somebody tells it. A stack as a whole takes long: only what was
 * in use when it was last left, and below the first frames nothing is in that of a thread that
 * ended. */
static void stacks_clear(char *running)
{
    enum { FIRST_FRAMES = 16 << 10 };
    for (uint16_t at = 0; at < W.thread_count; at++) {
        const struct entity *entity = slots[at].entity;
        char *low = stack_low(at), *high = low + stack_bytes(at), *from = high - FIRST_FRAMES;
        if (entity->slot == at && entity->state != ENTITY_ENDED) {
            char *used = entity == W.self ? running : entity->stack_pointer;
            if (used < low || used > high) used = low; /* on the stack for signals */
            if (used < from) from = used;
        }
        SHOW(from, (size_t)(high - from));
    }
}

#endif

void fiber_leave(void)
{
#ifdef WITH_ASAN
    stacks_clear(__builtin_frame_address(0));
    leave_hook(NULL, home_bottom, home_size);
#endif
    if (W.uses_tls) base_write(home_base);
    ENTER_FIBER(home_fiber);
    world_switch(&W.self->stack_pointer, home); /* leaks are looked for on stacks */
    __builtin_unreachable();
}

bool fiber_guard_hit(uintptr_t address, uint16_t *entity)
{
    uintptr_t base = (uintptr_t)STACK_BASE;
    if (address < base || address >= base + STACK_BYTES * WORLD_ENTITIES_MAX) return false;
    if ((address - base) % STACK_BYTES >= GUARD_BYTES) return false;
    *entity = W.self->id;
    return true;
}

const void *world_locals(uint16_t entity, size_t *bytes)
{
    const struct slot *slot = &slots[entity_of(entity)->slot];
    *bytes = slot->tls_bytes;
    return slot->tls;
}

uintptr_t fiber_stack_used(const struct entity *entity, uintptr_t *high)
{
    uintptr_t low, from = (uintptr_t)entity->stack_pointer;
    fiber_stack_range(entity, &low, high);
    return from < low || from > *high ? low : from;
}

void fiber_stack_range(const struct entity *entity, uintptr_t *low, uintptr_t *high)
{
    *low = *high = 0;
    if (entity->slot == WORLD_NOBODY) return;
    *low = (uintptr_t)stack_low(entity->slot);
    *high = *low + stack_bytes(entity->slot);
}

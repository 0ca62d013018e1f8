/* The allocator: contents, sizes, alignment, refusals. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 6, BYTES = 300 };

/* A size no machine has, kept from the compiler, which would warn of it. */
static size_t too_much(void)
{
    volatile size_t most = PTRDIFF_MAX;

    return most;
}

static void fill(unsigned char *bytes, size_t count, unsigned char seed)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(seed + i);
}

static void expect_filled(const unsigned char *bytes, size_t count, unsigned char seed)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(bytes[i], (unsigned char)(seed + i));
}

/* Blocks are aligned for anything, and do not overlap. */
void posix_memory_blocks_are_apart(void)
{
    static const size_t sizes[BLOCKS] = {1, 7, 16, 33, BYTES, 5000};
    unsigned char *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(sizes[i]);
        CHECK(blocks[i] != NULL);
        CHECK_EQ((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        fill(blocks[i], sizes[i], (unsigned char)(i * 40));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        expect_filled(blocks[i], sizes[i], (unsigned char)(i * 40));
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* Zero also where the memory was used before. */
void posix_memory_calloc_is_zero(void)
{
    for (int round = 0; round < 3; round++) {
        unsigned char *bytes = calloc(BYTES, 2);

        CHECK(bytes != NULL);
        for (size_t i = 0; i < (size_t)BYTES * 2; i++)
            CHECK_EQ(bytes[i], 0);
        memset(bytes, 0xff, (size_t)BYTES * 2);
        free(bytes);
    }
}

void posix_memory_realloc_keeps(void)
{
    unsigned char *bytes = malloc(10);

    fill(bytes, 10, 1);
    bytes = realloc(bytes, BYTES);
    CHECK(bytes != NULL);
    expect_filled(bytes, 10, 1);
    fill(bytes, BYTES, 2);
    bytes = realloc(bytes, 20000);
    CHECK(bytes != NULL);
    expect_filled(bytes, BYTES, 2);
    bytes = realloc(bytes, 5);
    CHECK(bytes != NULL);
    expect_filled(bytes, 5, 2);
    free(bytes);
}

void posix_memory_nothing(void)
{
    unsigned char *bytes = realloc(NULL, 8);
    void *empty = malloc(0);
    void *rest;

    CHECK(bytes != NULL);
    fill(bytes, 8, 3);
    free(NULL);
    /* Either answer to a request for nothing is right; whatever it is can be freed. */
    free(empty);
    rest = realloc(bytes, 0);
    free(rest);
    free(calloc(0, 8));
}

void posix_memory_refused(void)
{
    unsigned char *bytes = malloc(8);

    fill(bytes, 8, 4);
    errno = 0;
    CHECK(malloc(too_much()) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(calloc(too_much(), 4) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(reallocarray(NULL, too_much(), 4) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(realloc(bytes, too_much()) == NULL);
    CHECK_EQ(errno, ENOMEM);
    /* The block that could not grow is still there. */
    expect_filled(bytes, 8, 4);
    free(bytes);
}

void posix_memory_reallocarray(void)
{
    unsigned char *bytes = reallocarray(NULL, 4, 5);

    CHECK(bytes != NULL);
    fill(bytes, 20, 5);
    bytes = reallocarray(bytes, 40, 5);
    CHECK(bytes != NULL);
    expect_filled(bytes, 20, 5);
    free(bytes);
}

void posix_memory_aligned(void)
{
    for (size_t alignment = sizeof(void *); alignment <= 4096; alignment *= 2) {
        unsigned char *bytes = aligned_alloc(alignment, alignment * 2);
        void *other = NULL;

        CHECK(bytes != NULL);
        CHECK_EQ((uintptr_t)bytes % alignment, 0);
        fill(bytes, alignment * 2, 6);
        CHECK_OK(posix_memalign(&other, alignment, 100));
        CHECK(other != NULL);
        CHECK_EQ((uintptr_t)other % alignment, 0);
        fill(other, 100, 7);
        expect_filled(bytes, alignment * 2, 6);
        free(other);
        free(bytes);
    }
}

/* Not a power of two, or no multiple of a pointer's size: refused by value, not by errno. */
void posix_memory_wrongly_aligned(void)
{
    volatile size_t odd = 24;
    volatile size_t small = sizeof(void *) / 2;
    void *block = NULL;

    CHECK_EQ(posix_memalign(&block, odd, 8), EINVAL);
    CHECK_EQ(posix_memalign(&block, small, 8), EINVAL);
}

void posix_memory_strings(void)
{
    char *whole = strdup("session");
    char *part = strndup("session", 4);
    char *all = strndup("session", 40);
    char *empty = strdup("");

    CHECK_OK(strcmp(whole, "session"));
    CHECK_OK(strcmp(part, "sess"));
    CHECK_OK(strcmp(all, "session"));
    CHECK_EQ(empty[0], '\0');
    free(whole);
    free(part);
    free(all);
    free(empty);
}

void posix_memory_usable_size(void)
{
    void *bytes = malloc(BYTES);

    CHECK(malloc_usable_size(bytes) >= BYTES);
    CHECK_EQ(malloc_usable_size(NULL), 0);
    free(bytes);
}

static void *allocate_and_hand_over(void *argument)
{
    unsigned char *bytes = malloc(BYTES);

    fill(bytes, BYTES, 8);
    free(argument);
    return bytes;
}

/* Any thread may free what another allocated. */
void posix_memory_freed_by_another_thread(void)
{
    unsigned char *bytes = posix_finish(posix_start(allocate_and_hand_over, malloc(BYTES)));

    expect_filled(bytes, BYTES, 8);
    free(bytes);
}

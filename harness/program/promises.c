#include "promises.h"

#include <stdio.h>
#include <string.h>

#include "history.h"
#include "include/harness.h"

enum { NAMES_MAX = 256 };

static struct promises *promises;
static bool is_exploring, is_assumed;
static uint64_t reached; /* in this execution: a bit for each condition */

/* Names of points: the world knows them by address. They stay from execution to execution. */
static char names[NAMES_MAX][WORLD_NAME_MAX];
static uint32_t name_count;

void promises_use(struct promises *where, bool exploring)
{
    promises = where;
    is_exploring = exploring;
}

void promises_begin(void)
{
    reached = 0;
    is_assumed = false;
    history_forget();
}

/* What was true on the way to an end that does not count, counts neither. */
void promises_end(enum world_end end)
{
    if (end != WORLD_DONE && end != WORLD_FINDING) return;
    for (uint32_t i = 0; i < promises->count; i++) {
        if (reached >> i & 1) promises->sometimes[i].reached = true;
    }
}

void promises_count(void *context, uint64_t class_hash)
{
    (void)context, (void)class_hash;
    promises->assumed += is_assumed;
}

const char *promises_missing(const struct promises *what)
{
    for (uint32_t i = 0; i < what->count; i++) {
        if (!what->sometimes[i].reached) return what->sometimes[i].name;
    }
    return NULL;
}

/* --- harness.h --- */

bool harness_exploring(void)
{
    return is_exploring;
}

uint32_t harness_choose(uint32_t n)
{
    if (n == 0 || n > UINT16_MAX) {
        world_fail(WORLD_FOUND_CHECK, "harness_choose(%u): there must be 1 to %d values", n,
                   UINT16_MAX);
    }
    if (!is_exploring) return 0;
    promises->used = true;
    return world_choose(n, "harness_choose");
}

void harness_assume(bool condition)
{
    if (is_exploring) promises->used = true;
    if (condition) return;
    if (!is_exploring) {
        world_fail(WORLD_FOUND_ABORT, "harness_assume(false) outside of an exploration");
    }
    is_assumed = true;
    world_cut();
}

void harness_always_at(bool condition, const char *text, const char *file, unsigned line)
{
    if (!condition) world_fail(WORLD_FOUND_CHECK, "%s:%u: not always: %s", file, line, text);
}

void harness_sometimes(bool condition, const char *name)
{
    uint32_t at = 0;
    if (!is_exploring) return;
    while (at < promises->count && strcmp(promises->sometimes[at].name, name) != 0) at++;
    if (at == promises->count) {
        if (at == SOMETIMES_MAX || strlen(name) >= SOMETIMES_NAME_MAX) {
            world_fail(WORLD_FOUND_CHECK,
                       "harness_sometimes(\"%s\"): there may be %d names of at most %d bytes", name,
                       SOMETIMES_MAX, SOMETIMES_NAME_MAX - 1);
        }
        snprintf(promises->sometimes[at].name, SOMETIMES_NAME_MAX, "%s", name);
        promises->count++;
    }
    if (condition) reached |= 1ull << at;
}

static const char *keep_name(const char *name)
{
    uint32_t at = 0;
    while (at < name_count && strcmp(names[at], name) != 0) at++;
    if (at < name_count) return names[at];
    if (at == NAMES_MAX || strlen(name) >= WORLD_NAME_MAX) {
        world_fail(WORLD_FOUND_CHECK,
                   "harness_point(\"%s\"): there may be %d names of at most %d bytes", name,
                   NAMES_MAX, WORLD_NAME_MAX - 1);
    }
    name_count++;
    return memcpy(names[at], name, strlen(name) + 1);
}

void harness_point(const char *name)
{
    if (!is_exploring) return;
    const char *kept = keep_name(name);
    world_pass(kept, WORLD_WRITE);
    world_note(kept, WORLD_WRITE);
}

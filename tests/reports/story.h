/* Executions with hand-written records: what reports are tested on. */
#ifndef TESTS_REPORTS_STORY_H
#define TESTS_REPORTS_STORY_H

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "harness/check/record.h"
#include "harness/scenario/scenario.h"
#include "reports/report.h"

struct image;

/* Prepares the world; call once, before anything else. `image` may be NULL. */
void story_init(const struct image *image);

/* A scenario that must be without errors; its name is that of the path. */
const struct scn_file *story_scenario(const char *path, const char *text);

/* Runs one execution whose threads write records, by default choices. */
struct world_result story_run(const struct scn_file *file, void (*body)(void *));

/* The thread goes on at that virtual time. */
void story_at_ms(uint64_t time_ms);

/* A thread of a core: story_thread("core/jobs", body). */
void story_thread(const char *name, void (*body)(void *));

/* Names of parties by their place in the scenario. */
#define ACTOR(index) ((uint16_t)(PARTY_ACTOR + (index)))
#define CORE ((uint16_t)PARTY_CORE)
#define NOBODY ((uint16_t)PARTY_NOBODY)
#define WORD(text) record_intern(text)

/* Longest line of a text, in bytes. */
size_t story_width(const char *text);
size_t story_height(const char *text);

/* What a function prints. To be freed. */
#define STORY_PRINTED(text, out, statement)                                                        \
    do {                                                                                           \
        size_t story_length;                                                                       \
        FILE *out = open_memstream(&(text), &story_length);                                        \
        assert_non_null(out);                                                                      \
        statement;                                                                                 \
        assert_int_equal(fclose(out), 0);                                                          \
    } while (0)

#endif

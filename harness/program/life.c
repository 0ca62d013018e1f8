#include "life.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "files.h"
#include "harness/check/require.h"
#include "harness/net/net.h"
#include "harness/world/image.h"
#include "leaks.h"
#include "libc.h"
#include "locks.h"
#include "mapping.h"
#include "plugins.h"
#include "promises.h"
#include "scratch.h"
#include "signals.h"
#include "streams.h"
#include "verifier.h"

enum { LEAKED_MAX = 16 };

extern const struct image image_program;
_Noreturn void world_exit(int status);
void world___pthread_register_cancel(__pthread_unwind_buf_t *buffer);
void world___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer);

static struct {
    int count;
    char **words, **environment;
    size_t bytes;       /* of the text of all words */
    char *text, **copy; /* what main gets, and may change */
} arguments;

void life_arguments(int argc, char **argv, char **envp)
{
    arguments.count = argc;
    arguments.words = argv;
    arguments.environment = envp;
    for (int i = 0; i < argc; i++) arguments.bytes += strlen(argv[i]) + 1;
    arguments.text = malloc(arguments.bytes + 1);
    arguments.copy = calloc((size_t)argc + 1, sizeof *arguments.copy);
    REQUIRE(arguments.text != NULL && arguments.copy != NULL);
}

static void copy_arguments(void)
{
    char *end = arguments.text;
    for (int i = 0; i < arguments.count; i++) {
        size_t bytes = strlen(arguments.words[i]) + 1;
        arguments.copy[i] = memcpy(end, arguments.words[i], bytes);
        end += bytes;
    }
    arguments.copy[arguments.count] = NULL;
}

/* --- the body of thread 0 --- */

static void body(void *context)
{
    struct life *life = context;
    int (*program)(int, char **, char **) =
        (int (*)(int, char **, char **))(uintptr_t)image_program.entry;
    __pthread_unwind_buf_t frame;

    /* The outermost handler: pthread_exit() in main ends up here, and the others go on. */
    if (setjmp((struct __jmp_buf_tag *)(void *)&frame) != 0) {
        world_leave_main();
        life->returned = true;
        return;
    }
    world___pthread_register_cancel(&frame);
    int status = 0;
    if (life->function) {
        life->function(life->argument);
    } else {
        status = program(arguments.count, arguments.copy, arguments.environment);
    }
    world___pthread_unregister_cancel(&frame);
    if (status != 0) world_exit(status);
    life->returned = true;
}

static void before(void *context)
{
    struct life *life = context;
    life->returned = false;
    life->status = -1;
    life->bytes_reachable = 0;
    life->descriptors_known = 0;
    life->finding.kind = WORLD_FOUND_NONE;
    life->finding.detail[0] = '\0';
    copy_arguments();
    capture_begin(life->live);
    files_begin();
    scratch_begin();
    mapping_begin();
    locks_begin();
    net_begin();
    streams_begin();
    libc_begin(!life->live);
    plugins_begin();
    signals_begin();
    promises_begin();
    verifier_begin();
    capture_switch(true);
}

/* --- judging --- */

/* Equal texts are the same failure: shrinking must not change one assertion into another. */
static uint32_t text_id(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
    return LIFE_TEXTS + hash % 1000000007u;
}

static int exit_status(const struct world_finding *finding)
{
    const char *at = strrchr(finding->text, ' ');
    return at ? atoi(at) & 255 : 0;
}

/* Why it did. What was said may differ from one failure of this process to the next, so it is no
 * part of what makes them the same. */
static void add_complaint(struct world_finding *finding)
{
    size_t used = strlen(finding->text);
    const char *complaint = capture_complaint();
    if (*complaint == '\0') return;
    snprintf(finding->text + used, sizeof finding->text - used, ": %s", complaint);
}

/* A thread that waits for what it holds itself may have got there by a signal. */
static void add_handlers(struct world_finding *finding)
{
    char lines[WORLD_TEXT_MAX];
    size_t used = strlen(finding->detail);
    signals_tell(finding->entity, lines, sizeof lines);
    if (lines[0] == '\0') return;
    snprintf(finding->detail + used, sizeof finding->detail - used, "%s%s", used ? "\n" : "",
             lines);
}

static uint32_t judge_finding(struct life *life, const struct world_finding *finding)
{
    if (finding->kind == WORLD_FOUND_EXIT) {
        life->status = exit_status(finding);
        if ((uint32_t)life->status == life->status_expected) return EXPLORE_PASSED;
    }
    life->finding = *finding;
    add_handlers(&life->finding);
    if (finding->kind == WORLD_FOUND_ABORT) add_complaint(&life->finding);
    switch (finding->kind) {
    case WORLD_FOUND_ASSERT:
    case WORLD_FOUND_ABORT:
    case WORLD_FOUND_EXIT:
    case WORLD_FOUND_CHECK:
        return text_id(finding->text);
    default:
        return (uint32_t)finding->kind;
    }
}

/* As with memory: what is known to somebody is no leak. */
static uint32_t judge_descriptors(struct life *life)
{
    struct net_open open[LEAKED_MAX];
    uint32_t known, count = leaks_descriptors(&image_program, open, LEAKED_MAX, &known);
    struct world_finding *finding = &life->finding;
    life->descriptors_known = known;
    if (count == 0) return EXPLORE_PASSED;
    finding->kind = WORLD_FOUND_LEAK;
    snprintf(finding->text, sizeof finding->text,
             "%u descriptor%s left open that nobody knows any more", count,
             count == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < count && i < LEAKED_MAX; i++) {
        size_t used = strlen(finding->detail);
        snprintf(finding->detail + used, sizeof finding->detail - used,
                 "%s%s was opened by %s at {pc:%lx}", used ? "\n" : "", open[i].text,
                 world_entity_name(open[i].entity), (unsigned long)open[i].site);
    }
    return LIFE_DESCRIPTORS;
}

static uint32_t judge_end(struct life *life)
{
    life->status = 0;
    if (life->status_expected != 0) {
        life->finding.kind = WORLD_FOUND_EXIT;
        snprintf(life->finding.text, sizeof life->finding.text,
                 "main ended the process with status 0");
        return text_id(life->finding.text);
    }
    if (life->may_leak || (!life->returned && !world_exited())) return EXPLORE_PASSED;
    struct leaks leaks = leaks_find(&image_program);
    life->bytes_reachable = leaks.reachable_bytes;
    if (leaks.count == 0) return judge_descriptors(life);
    life->finding.kind = WORLD_FOUND_LEAK;
    snprintf(life->finding.text, sizeof life->finding.text,
             "%u block%s of memory (%llu bytes) can be reached by nobody any more", leaks.count,
             leaks.count == 1 ? "" : "s", (unsigned long long)leaks.bytes);
    return LIFE_LEAK;
}

static uint32_t judge(void *context, const struct world_result *result)
{
    struct life *life = context;
    capture_switch(false);
    promises_end(result->end);
    switch (result->end) {
    case WORLD_DONE:
        return judge_end(life);
    case WORLD_FINDING:
        if (verifier_assumes(world_finding_get())) return EXPLORE_PASSED;
        return judge_finding(life, world_finding_get());
    case WORLD_STOPPED:
        return LIFE_DIVERGED;
    case WORLD_CUT:
        return EXPLORE_PASSED;
    }
    return EXPLORE_PASSED;
}

void life_init(struct life *life, uint32_t status_expected)
{
    *life = (struct life){.status_expected = status_expected};
    life->subject = (struct explore_subject){life, "main", body, before, judge};
}

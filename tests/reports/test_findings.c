/* What the machine finds, told with functions and lines. */
#include "buggy.h"
#include "story.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "harness/world/image.h"
#include "reports/symbols.h"

extern const struct image image_buggy;

static const struct buggy *buggy;

/* The line of buggy.c that carries this comment. */
static unsigned line_of(const char *comment)
{
    FILE *source = fopen(SOURCE_ROOT "/tests/reports/buggy.c", "r");
    char line[256], wanted[64];
    unsigned number = 1;

    assert_non_null(source);
    snprintf(wanted, sizeof wanted, "/* %s */", comment);
    while (fgets(line, sizeof line, source) != NULL && strstr(line, wanted) == NULL) number++;
    assert_false(feof(source));
    fclose(source);
    return number;
}

static void run_deadlock(void *context)
{
    (void)context;
    buggy->deadlock();
}

static void run_crash(void *context)
{
    (void)context;
    buggy->crash();
}

enum { LEAK_GROUP = 3 };

static void run_leak(void *context)
{
    (void)context;
    world_group_enter(LEAK_GROUP);
    buggy->leak();
    world_fail(WORLD_FOUND_LEAK, "3 blocks were never freed");
}

static char *screen_after(void (*body)(void *), const char *name, bool leak)
{
    struct world_result result = story_run(NULL, body);
    struct report_failure failure = {
        .finding = world_finding_get(),
        .leak = leak,
        .leak_group = LEAK_GROUP,
        .cost = {.of = {[COST_OTHER] = 3}},
    };
    struct report report = {.verdict = REPORT_FAIL, .path = "x/story.scn", .failure = &failure};

    assert_int_equal(result.end, WORLD_FINDING);
    snprintf(failure.violation.name, sizeof failure.violation.name, "%s", name);
    char *screen = report_screen(&report, (struct report_style){false, false});
    assert_true(story_width(screen) <= 100);
    assert_null(strstr(screen, "{pc:"));
    assert_null(strstr(screen, "0x"));
    return screen;
}

static void assert_says(const char *screen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void assert_says(const char *screen, const char *format, ...)
{
    char text[256];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (strstr(screen, text) == NULL) fail_msg("'%s' is not in:\n%s", text, screen);
}

/* Both threads, what each waits for, where, and where its owner took it. */
static void a_deadlock_shows_the_cycle(void **state)
{
    (void)state;
    char *screen = screen_after(run_deadlock, "no_deadlock", false);
    char one_line[4096];
    size_t used = 0;

    /* Lines are broken by width: look at the words. */
    for (const char *at = screen; *at != '\0' && used + 1 < sizeof one_line; at++) {
        bool space = *at == ' ' || *at == '\n';
        if (space && used > 0 && one_line[used - 1] == ' ') continue;
        one_line[used++] = space ? ' ' : *at;
    }
    one_line[used] = '\0';
    assert_says(screen, "FAIL story  no_deadlock (story.scn)\n");
    assert_says(one_line, "core/left waits for mutex ");
    assert_says(one_line, "at tests/reports/buggy.c:%u (take), which core/right acquired at "
                "tests/reports/buggy.c:%u (take)", line_of("waited for"), line_of("acquired"));
    assert_says(one_line, "core/right waits for mutex ");
    assert_says(one_line, "which core/left acquired at ");
    assert_says(screen, "(left)\n"); /* both stacks */
    assert_says(screen, "(right)\n");
    assert_says(screen, "     replayed; 3 choices\n");
    free(screen);
}

static void a_crash_shows_the_stack_innermost_first(void **state)
{
    (void)state;
    char *screen = screen_after(run_crash, "no_crash", false);
    char inner[128], outer[128];

    snprintf(inner, sizeof inner, "tests/reports/buggy.c:%u (dereference)\n", line_of("crash"));
    snprintf(outer, sizeof outer, "tests/reports/buggy.c:%u (middle)\n", line_of("called from"));
    assert_says(screen, "SIGSEGV");
    assert_says(screen, "%s", inner);
    assert_says(screen, "%s", outer);
    assert_says(screen, "(crash)\n");
    assert_true(strstr(screen, inner) < strstr(screen, outer));
    assert_true(strstr(screen, outer) < strstr(screen, "(crash)\n"));
    assert_null(strstr(screen, "harness/"));
    free(screen);
}

/* Blocks of one line are one entry; the oldest comes first. */
static void a_leak_shows_where_it_was_allocated(void **state)
{
    (void)state;
    char *screen = screen_after(run_leak, "no_leaks", true);

    assert_says(screen, "     3 blocks were never freed\n");
    assert_says(screen, "      1 block, 10 bytes, allocated by stage at\n        tests/reports/");
    assert_says(screen, "      1 block, 500 bytes, allocated by stage at\n"
                "        tests/reports/buggy.c:%u (leak)\n", line_of("large"));
    assert_says(screen, "        tests/reports/buggy.c:%u (allocate)\n", line_of("small"));
    assert_null(strstr(screen, "time "));
    free(screen);
}

/* --- symbols --- */

__attribute__((noinline)) static uintptr_t who_called(unsigned *line)
{
    *line = 0;
    return (uintptr_t)__builtin_return_address(0);
}

static void a_known_function_is_named(void **state)
{
    (void)state;
    unsigned line = 0;
    char expected[128], found[256];

    uintptr_t pc = who_called(&line); line += __LINE__;
    symbol_describe(pc, found, sizeof found);
    snprintf(expected, sizeof expected, "tests/reports/test_findings.c:%u "
             "(a_known_function_is_named)", line);
    assert_string_equal(found, expected);
}

static void an_unknown_address_stays_unknown(void **state)
{
    (void)state;
    struct symbol symbols[2];
    char found[64];

    assert_int_equal(symbol_find(16, symbols, 2), 0);
    symbol_describe(16, found, sizeof found);
    assert_string_equal(found, "(no debug info)");

    char *text = symbols_expand("a {pc:10} b {pc:zz} {pc:10");
    assert_string_equal(text, "a (no debug info) b {pc:zz} {pc:10");
    free(text);

    char *printed;
    struct world_stack nothing = {.depth = 1, .pc = {16}};
    STORY_PRINTED(printed, out, symbols_print_stack(out, 2, 12, &nothing));
    assert_string_equal(printed, "  (no debug info)\n");
    free(printed);
}

/* An image that is loaded later: known once what was opened is forgotten. */
static void a_shared_image_is_named_too(void **state)
{
    (void)state;
    char found[256];
    void *library = dlopen(CORES "/reports_shared.so", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) fail_msg("%s", dlerror());
    const struct image *image = dlsym(library, IMAGE_SHARED_SYMBOL);
    assert_non_null(image);
    symbols_close();
    symbol_describe((uintptr_t)((const struct buggy *)image->entry)->crash + 1, found,
                    sizeof found);
    assert_memory_equal(found, "tests/reports/buggy.c:", 22);
    assert_string_equal(strchr(found, ' '), " (crash)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadlock_shows_the_cycle),
        cmocka_unit_test(a_crash_shows_the_stack_innermost_first),
        cmocka_unit_test(a_leak_shows_where_it_was_allocated),
        cmocka_unit_test(a_known_function_is_named),
        cmocka_unit_test(a_shared_image_is_named_too),
        cmocka_unit_test(an_unknown_address_stays_unknown),
    };
    story_init(&image_buggy);
    buggy = image_buggy.entry;
    return cmocka_run_group_tests_name("findings and symbols", tests, NULL, NULL);
}

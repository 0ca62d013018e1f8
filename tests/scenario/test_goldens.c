/* Every diagnostic, as it is printed: golden/NAME.scn is refused with exactly golden/NAME.txt. */
#include "tests/scenario/support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char folder[] = "tests/scenario/golden";

static const char *const names[] = {
    "at_and_within", "backwards",     "block_order",  "conditions",    "cycle",
    "cycle_in_loop", "empty_check", "events", "explore", "fault_shape",
    "label_builtin", "label_twice", "lexis", "loops", "messages",
    "missing_unit", "names_alike", "no_check", "no_title", "not_built", "occurrence",
    "reason", "schedule", "settings", "several_cores", "speaks", "unknown_block",
    "unknown_label", "waits", "which_agent", "wrong_name", "wrong_verb",
};

enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };

static void check_golden(void **state)
{
    const char *name = *state;
    char scenario[80];
    char expected_name[80];
    char *source;
    char *expected;
    char *actual;

    snprintf(scenario, sizeof(scenario), "%s.scn", name);
    snprintf(expected_name, sizeof(expected_name), "%s.txt", name);
    source = support_read(folder, scenario);
    expected = support_read(folder, expected_name);
    actual = support_diagnostics(scenario, source, strlen(source));
    assert_string_equal(actual, expected);
    free(source);
    free(expected);
    free(actual);
}

/* A golden that nobody runs would prove nothing. */
static void test_all_are_listed(void **state)
{
    DIR *directory = opendir(SOURCE_ROOT "/tests/scenario/golden");
    struct dirent *entry;
    size_t scenarios = 0;

    (void)state;
    assert_non_null(directory);
    for (entry = readdir(directory); entry != NULL; entry = readdir(directory))
        if (strstr(entry->d_name, ".scn") != NULL) scenarios++;
    closedir(directory);
    assert_int_equal(scenarios, NAME_COUNT);
}

int main(void)
{
    struct CMUnitTest tests[NAME_COUNT + 1];

    for (size_t i = 0; i < NAME_COUNT; i++) {
        /* cmocka takes the state as a pointer to something that may change; names do not. */
        union { const char *name; char *state; } argument = { .name = names[i] };
        tests[i] = (struct CMUnitTest){ names[i], check_golden, NULL, NULL, argument.state };
    }
    tests[NAME_COUNT] = (struct CMUnitTest)cmocka_unit_test(test_all_are_listed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

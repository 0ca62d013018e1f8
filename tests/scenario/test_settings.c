/* The language's table of settings against the core's own: same names, defaults, limits, words. */
#include "tests/scenario/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "include/session_settings.h"

static const struct scn_rule *find_rule(const char *name)
{
    size_t count;
    const struct scn_rule *rules = scn_core_rules(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0) return &rules[i];
    fail_msg("the scenario language does not know the setting %s", name);
    return NULL;
}

/* The default as the language would read it. */
static uint64_t fallback_of(const struct scn_rule *rule)
{
    char text[200];
    const struct scn_file *file;
    uint64_t value;

    snprintf(text, sizeof(text), "scenario x \"a\"\ncore %s=%s\ncheck\n  on no_deadlock\n",
             rule->name, rule->fallback);
    file = support_parse("x.scn", text);
    value = (uint64_t)scn_core_setting(file, 0, rule->name)->value.low;
    if (rule->takes == SCN_TAKES_WORD)
        value = (uint64_t)scn_core_setting(file, 0, rule->name)->value.word;
    scn_file_free(file);
    return value;
}

static void compare_words(const struct scn_rule *rule, const struct core_setting *setting)
{
    uint32_t count = 0;
    size_t length;

    assert_int_equal(rule->takes, SCN_TAKES_WORD);
    for (; setting->words[count] != NULL; count++)
        assert_int_equal(scn_pipe_find(rule->words, setting->words[count]), count);
    assert_null(scn_pipe_word(rule->words, count, &length));
}

static void compare(const struct core_setting *setting)
{
    const struct scn_rule *rule = find_rule(setting->name);
    char limits[60];

    if (scn_is_built(rule->help)) assert_int_equal(fallback_of(rule), setting->fallback);
    switch (setting->kind) {
    case CORE_SETTING_DURATION:
        assert_int_equal(rule->takes, SCN_TAKES_TIME);
        break;
    case CORE_SETTING_COUNT:
        assert_int_equal(rule->takes, SCN_TAKES_INT);
        snprintf(limits, sizeof(limits), "%llu..%llu", (unsigned long long)setting->smallest,
                 (unsigned long long)setting->largest);
        assert_string_equal(rule->words, limits);
        break;
    case CORE_SETTING_POLICY: compare_words(rule, setting); break;
    }
}

static void test_same_settings(void **state)
{
    size_t core_count;
    size_t language_count;
    const struct core_setting *table = core_settings_table(&core_count);

    (void)state;
    scn_core_rules(&language_count);
    assert_int_equal(language_count, core_count);
    for (size_t i = 0; i < core_count; i++) compare(&table[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_settings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

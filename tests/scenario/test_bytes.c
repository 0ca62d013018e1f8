/* Files that are no scenario at all: each gets a clear answer, quickly and in bounded space. */
#include "tests/scenario/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char good[] = "scenario x \"a test\"\n\ncheck\n  on no_deadlock\n";

static void expect(const char *bytes, size_t size, const char *expected)
{
    char *actual = support_diagnostics("x.scn", bytes, size);

    assert_string_equal(actual, expected);
    free(actual);
}

static void test_good(void **state)
{
    (void)state;
    expect(good, strlen(good), "");
    /* A last line without a line feed is a line all the same. */
    expect(good, strlen(good) - 1, "");
}

static void test_empty(void **state)
{
    (void)state;
    expect("", 0, "x.scn: error: the file is empty\n"
                  "  begin with: scenario NAME \"what it shows\"\n");
    expect("# only a note\n\n", 15, "x.scn: error: the file says nothing\n"
                                    "  begin with: scenario NAME \"what it shows\"\n");
}

static void test_binary(void **state)
{
    (void)state;
    expect("\x7f" "ELF\x02\x01\x01\x00\x00", 9,
           "x.scn: error: this is a binary file: it contains a zero byte\n"
           "  a scenario is text in UTF-8\n");
}

static void test_encoding(void **state)
{
    static const char latin[] = "scenario x \"caf\xe9\"\n\ncheck\n  on no_deadlock\n";
    static const char overlong[] = "# \xc0\xaf\nscenario x \"a\"\ncheck\n  on no_deadlock\n";
    static const char surrogate[] = "# \xed\xa0\x80\nscenario x \"a\"\ncheck\n  on no_deadlock\n";
    static const char right[] = "scenario x \"caf\xc3\xa9 \xe2\x82\xac\"  nonsense\n";

    (void)state;
    expect(latin, strlen(latin), "x.scn:1:16: error: these bytes are not UTF-8\n"
                                 "    scenario x \"caf?\"\n"
                                 "                   ^\n");
    expect(overlong, strlen(overlong), "x.scn:1:3: error: these bytes are not UTF-8\n"
                                       "    # ??\n"
                                       "      ^\n");
    expect(surrogate, strlen(surrogate), "x.scn:1:3: error: these bytes are not UTF-8\n"
                                         "    # ???\n"
                                         "      ^\n");
    /* A character of several bytes is one column. */
    expect(right, strlen(right), "x.scn:1:22: error: the line should end before 'nonsense'\n"
                                 "    scenario x \"caf\xc3\xa9 \xe2\x82\xac\"  nonsense\n"
                                 "                         ^\n"
                                 "  one statement per line\n");
}

static void test_tab(void **state)
{
    static const char text[] = "scenario x \"a test\"\n\ncheck\n\ton no_deadlock\n";

    (void)state;
    expect(text, strlen(text), "x.scn:4:1: error: a tab: its column would lie\n"
                               "     on no_deadlock\n"
                               "    ^\n"
                               "  indent with spaces\n");
}

static void test_control_character(void **state)
{
    static const char text[] = "scenario x \"a test\"\n\ncheck\n  on \x1b[31mno_deadlock\n";

    (void)state;
    expect(text, strlen(text), "x.scn:4:6: error: a control character (byte 0x1b)\n"
                               "      on ?[31mno_deadlock\n"
                               "         ^\n");
}

static void test_carriage_returns(void **state)
{
    static const char text[] = "scenario x \"a\"\r\ncheck\r\n  on no_deadlock\r\n";

    (void)state;
    expect(text, strlen(text),
           "x.scn:1:15: error: the line ends with a carriage return\n"
           "    scenario x \"a\"\n"
           "                  ^\n"
           "  end lines with a line feed alone; every line of the file is meant\n");
}

static void test_byte_order_mark(void **state)
{
    static const char text[] = "\xef\xbb\xbfscenario x \"a\"\ncheck\n  on no_deadlock\n";
    char *actual = support_diagnostics("x.scn", text, strlen(text));

    (void)state;
    assert_non_null(strstr(actual, "x.scn:1:1: error: "));
    free(actual);
}

static void test_long_line(void **state)
{
    char text[200];
    char expected[300];

    (void)state;
    snprintf(text, sizeof(text), "scenario x \"%0*d\"\ncheck\n  on no_deadlock\n", 87, 0);
    expect(text, strlen(text), "");
    snprintf(text, sizeof(text), "scenario x \"%0*d\"\ncheck\n  on no_deadlock\n", 88, 0);
    snprintf(expected, sizeof(expected),
             "x.scn:1:101: error: the line has 101 columns; at most 100 are allowed\n"
             "    scenario x \"%0*d\n    %*s^\n", 88, 0, 100, "");
    expect(text, strlen(text), expected);
}

/* Ten megabytes, as one line and as a file: refused without being read to the end. */
static void test_ten_megabytes(void **state)
{
    size_t size = 10u << 20;
    char path[] = "/tmp/scenario_test_" "XX" "XX" "XX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "wb");
    char *text = malloc(size);
    struct scn_diagnostics diagnostics;

    (void)state;
    assert_non_null(file);
    assert_non_null(text);
    memset(text, 'a', size);
    expect(text, size,
           "x.scn: error: the file is too large: a scenario has at most 1 MiB\n");
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    assert_null(scn_parse(path, NULL, &diagnostics));
    assert_int_equal(diagnostics.total, 1);
    assert_string_equal(diagnostics.items[0].message,
                        "the file is too large: a scenario has at most 1 MiB");
    scn_diagnostics_free(&diagnostics);
    unlink(path);
    free(text);
}

/* One line just within the size: its length is said, and only its beginning is shown. */
static void test_megabyte_line(void **state)
{
    size_t size = 1u << 20;
    char *text = malloc(size);
    char *actual;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    text[0] = '#';
    actual = support_diagnostics("x.scn", text, size);
    assert_non_null(strstr(actual, "x.scn:1:101: error: the line has 1048576 columns; at most 100 "
                                   "are allowed\n"));
    assert_true(strlen(actual) < 600);
    free(actual);
    free(text);
}

/* A file of errors prints fifty of them, and how many more there are. */
static void test_many_errors(void **state)
{
    enum { LINES = 100000 };
    static const char head[] = "scenario x \"a\"\n\ncheck\n";
    size_t used = strlen(head);
    char *text = malloc(used + LINES * 5);
    char *actual;

    (void)state;
    assert_non_null(text);
    memcpy(text, head, used);
    for (int i = 0; i < LINES; i++, used += 5) memcpy(text + used, "  no\n", 5);
    actual = support_diagnostics("x.scn", text, used);
    assert_non_null(strstr(actual, "x.scn:4:3: error: 'no' checks nothing"));
    assert_non_null(strstr(actual, "x.scn: 99950 more lines with errors\n"));
    assert_true(strlen(actual) < 10000);
    free(actual);
    free(text);
}

static void test_unreadable(void **state)
{
    struct scn_diagnostics diagnostics;

    (void)state;
    assert_null(scn_parse("/nowhere/at/all.scn", NULL, &diagnostics));
    assert_string_equal(diagnostics.items[0].message, "cannot read: No such file or directory");
    scn_diagnostics_free(&diagnostics);
    assert_null(scn_parse("/", NULL, &diagnostics));
    assert_string_equal(diagnostics.items[0].message, "cannot read: Is a directory");
    assert_string_equal(diagnostics.items[0].hint, "name the scenarios in it: FOLDER/*.scn");
    scn_diagnostics_free(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_tab),
        cmocka_unit_test(test_control_character),
        cmocka_unit_test(test_carriage_returns),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_ten_megabytes),
        cmocka_unit_test(test_megabyte_line),
        cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

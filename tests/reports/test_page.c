/* The page of a failure: what is in it, and that nothing of the program's becomes markup. */
#include "story.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reports/trail.h"
#include "reports/writers.h"

static const char text[] = "scenario page \"</script><b>bold</b>\"\n"
                           "\n"
                           "tab left session=s1\n"
                           "  open: connect\n"
                           "\n"
                           "check\n"
                           "  never left.disconnected\n";

static const struct scn_file *file;

static void tell(void *argument)
{
    (void)argument;
    uint32_t sent = RECORD(CORE_SEND, ACTOR(0), CORE, ACTOR(0), 0, .conn = 1,
                           .kind = WORD("token"), .seq = 4);
    (void)RECORD(CLIENT_RECV, ACTOR(0), CORE, ACTOR(0), sent, .kind = WORD("token"), .seq = 4);
    story_at_ms(7);
    (void)RECORD(CLIENT_OFFLINE, ACTOR(0), NOBODY, NOBODY, 0, .conn = 1,
                 .why = WORD("<script>alert(1)</script>\xff"));
}

static struct no_return no_return = {.step = 1, .tried = 100, .thread = "main", .what = "sleep"};

static struct report_failure failure = {
    .violation = {.property = CHECK_FILE, .name = "never", .place = {7, 3}, .record = 3,
                  .text = "<!-- <script> \xc3\x28"},
    .cost = {.of = {[COST_OTHER] = 1}},
    .no_return = &no_return,
    .replay = "./harness run page.scn --choices sync:1",
};

static struct report report = {.verdict = REPORT_FAIL, .path = "a/page.scn", .failure = &failure};

static char *page_of_story(void)
{
    char *page;
    trail_watch(NULL);
    trail_begin();
    (void)story_run(file, tell);
    STORY_PRINTED(page, out, html_write(out, &report));
    world_observe(NULL, NULL);
    return page;
}

static json_t *data_of(const char *page)
{
    static const char begin[] = "id=\"data\">\n";
    const char *from = strstr(page, begin);
    assert_non_null(from);
    from += strlen(begin);
    json_t *data = json_loadb(from, (size_t)(strstr(from, "\n</script>") - from), 0, NULL);
    assert_non_null(data);
    return data;
}

static uint32_t count(const char *page, const char *what)
{
    uint32_t n = 0;
    while ((page = strstr(page, what)) != NULL) page += strlen(what), n++;
    return n;
}

/* Two scripts, of which one is data; whatever else would begin or end one is written otherwise. */
static void nothing_becomes_markup(void **state)
{
    (void)state;
    char *page = page_of_story();
    assert_int_equal(count(page, "<script"), 2);
    assert_int_equal(count(page, "</script"), 2);
    assert_null(strstr(page, "<!-- "));
    assert_null(strstr(page, "<b>"));
    assert_non_null(strstr(page, "\\u003cscript>alert(1)\\u003c/script>?"));
    for (const char *at = page; *at != '\0'; at++) {
        /* The script and the style may have characters of their own; the data has none. */
        if (at == strstr(page, "id=\"data\"")) break;
        assert_in_range((unsigned char)*at, 1, 0x7f);
    }
    free(page);
}

/* Nothing is fetched: the page forbids it to itself, and names no other file. */
static void it_is_alone(void **state)
{
    (void)state;
    char *page = page_of_story();
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, "@import"));
    assert_null(strstr(page, "url(http"));
    free(page);
}

/* By hand: the frame is one arrow; 7 ms later the tab is offline, which is guilty. */
static void the_data_is_what_happened(void **state)
{
    (void)state;
    char *page = page_of_story();
    json_t *data = data_of(page);
    const char *name, *place, *sealed, *lane, *kind;
    int guilty, to, record;
    assert_int_equal(json_unpack(data, "{s:s, s:s, s:s, s:[s], s:[{s:s}]}", "name", &name,
                                 "place", &place, "sealed", &sealed, "lanes", &lane, "marks",
                                 "kind", &kind), 0);
    assert_string_equal(name, "page");
    assert_string_equal(place, "page.scn:7");
    assert_string_equal(sealed, "by step 1 at 0ms, main sleep: all 100 continuations break it");
    assert_string_equal(kind, "sealed");
    json_t *rows = json_object_get(data, "rows");
    json_t *row = json_array_get(rows, json_array_size(rows) - 1);
    assert_int_equal(json_unpack(row, "{s:b, s:i, s:i}", "guilty", &guilty, "to", &to, "record",
                                 &record), 0);
    assert_true(guilty);
    assert_int_equal(to, -1);
    assert_int_equal(record, 3);
    assert_int_equal(json_integer_value(json_object_get(row, "time")), 7000000);
    json_t *records = json_object_get(data, "records");
    assert_int_equal(json_array_size(records), 3);
    assert_true(json_array_size(json_object_get(data, "steps")) > 0);
    json_decref(data);
    free(page);
}

static void the_same_execution_gives_the_same_bytes(void **state)
{
    (void)state;
    char *first = page_of_story(), *second = page_of_story();
    assert_string_equal(first, second);
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_becomes_markup),
        cmocka_unit_test(it_is_alone),
        cmocka_unit_test(the_data_is_what_happened),
        cmocka_unit_test(the_same_execution_gives_the_same_bytes),
    };
    story_init(NULL);
    file = story_scenario("scenarios/page.scn", text);
    report.file = file;
    return cmocka_run_group_tests_name("the page", tests, NULL, NULL);
}

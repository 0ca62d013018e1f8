#include "tests/check/stream.h"

#include <stdio.h>
#include <string.h>

#include "harness/scenario/scenario.h"

static struct {
    const struct scn_file *file;
    struct check_set *set;
    struct check_stats before;
    uint32_t number, told;
    uint64_t time_ns;
} stream;

static void listener(void *context, const struct check_violation *violation)
{
    assert_ptr_equal(context, &stream);
    assert_ptr_equal(violation, check_violated(stream.set));
    stream.told++;
}

static void begin(const struct scn_file *file, struct scn_diagnostics *diagnostics)
{
    if (file == NULL) scn_print_diagnostics(stderr, diagnostics);
    scn_diagnostics_free(diagnostics);
    assert_non_null(file);
    stream.file = file;
    record_reset();
    record_scenario(file);
    stream.set = check_set_new(file);
    check_listen(stream.set, listener, &stream);
    stream.told = 0;
    stream_again();
}

void stream_begin(const char *scenario)
{
    struct scn_diagnostics diagnostics;
    char text[8192];

    (void)snprintf(text, sizeof text, "scenario story \"a story\"\n%s", scenario);
    begin(scn_parse_bytes("story.scn", text, strlen(text), NULL, &diagnostics), &diagnostics);
}

void stream_begin_file(const char *name)
{
    struct scn_diagnostics diagnostics;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", SCENARIOS, name);
    begin(scn_parse(path, NULL, &diagnostics), &diagnostics);
}

void stream_again(void)
{
    stream.number = 0;
    stream.time_ns = 0;
    stream.before = *check_stats_of(stream.set);
    check_begin(stream.set);
}

void stream_end(void)
{
    check_set_free(stream.set);
    record_scenario(NULL);
    scn_file_free(stream.file);
}

struct check_set *stream_set(void)
{
    return stream.set;
}

uint32_t stream_told(void)
{
    return stream.told;
}

void stream_at_ms(uint64_t time_ms)
{
    assert_true(time_ms * 1000000 >= stream.time_ns);
    stream.time_ns = time_ms * 1000000;
}

void stream_see(enum record_kind kind, uint16_t subject, uint16_t from, uint16_t to,
                const union record_values *values)
{
    struct record record = { .time_ns = stream.time_ns, .number = ++stream.number,
                             .subject = subject, .from = from, .to = to, .kind = (uint8_t)kind,
                             .values = *values };
    check_record(stream.set, &record);
}

void stream_calm(uint64_t length_ms)
{
    SEE(CALM, PARTY_NOBODY, .length = (int64_t)length_ms * 1000);
    stream_at_ms(stream.time_ns / 1000000 + length_ms);
    SEE(QUIESCE, PARTY_NOBODY, .length = (int64_t)length_ms * 1000);
}

const struct check_violation *stream_verdict(void)
{
    struct world_result result = { .end = WORLD_DONE, .now_ns = stream.time_ns };
    return check_end(stream.set, &result, NULL);
}

const struct check_violation *stream_found(enum world_finding_kind kind, const char *text)
{
    struct world_result result = { .end = WORLD_FINDING, .now_ns = stream.time_ns };
    struct world_finding finding = { .kind = kind };

    (void)snprintf(finding.text, sizeof finding.text, "%s", text);
    return check_end(stream.set, &result, &finding);
}

void stream_violates(uint32_t property, const char *text)
{
    const struct check_violation *violation = stream_verdict();

    assert_non_null(violation);
    assert_string_equal(violation->text, text);
    assert_int_equal(violation->property, property);
    assert_int_equal(stream.told, 1);
    stream_end();
}

void stream_holds(void)
{
    const struct check_violation *violation = stream_verdict();

    assert_string_equal(violation != NULL ? violation->text : "", "");
    assert_int_equal(stream.told, 0);
    stream_end();
}

bool stream_exercised(enum scn_invariant invariant)
{
    return check_stats_of(stream.set)->exercised[invariant] > stream.before.exercised[invariant];
}

void stream_attach(uint16_t tab, int64_t conn, int64_t epoch, int64_t cursor, int64_t head)
{
    int64_t known = cursor > 0 ? epoch : 0;

    SEE(CLIENT_OPEN, tab, .conn = conn, .session = W("s1"));
    SEE(CLIENT_HELLO, tab, .conn = conn, .session = W("s1"), .epoch = known, .cursor = cursor);
    SEE(CLIENT_READY, tab, .conn = conn, .session = W("s1"), .epoch = epoch, .head = head,
        .floor = 1, .gen = conn, .recovered = cursor > 0, .cursor = cursor, .cursor_epoch = known);
    SEE(CLIENT_ONLINE, tab, .conn = conn, .gen = conn);
}

void stream_cut(uint16_t tab, int64_t conn)
{
    SEE(CLIENT_OFFLINE, tab, .conn = conn, .why = W("cut"));
}

void stream_append(int64_t epoch, int64_t seq, int64_t digest)
{
    SEE(PUB_CALL, SECOND, .session = W("s1"), .kind = W("token"), .number = seq, .digest = digest);
    SEE(LOG_APPEND, PARTY_MESSAGES, .session = W("s1"), .kind = W("token"), .epoch = epoch,
        .seq = seq, .digest = digest);
    SEE(PUB_ACK, SECOND, .session = W("s1"), .kind = W("token"), .number = seq, .digest = digest,
        .epoch = epoch, .seq = seq, .code = W("ok"));
}

void stream_apply(uint16_t tab, int64_t epoch, int64_t seq, int64_t digest)
{
    SEE(CLIENT_APPLY, tab, .session = W("s1"), .epoch = epoch, .seq = seq, .digest = digest,
        .kind = W("token"));
}

void stream_begin_session(const char *core)
{
    char story[512];

    (void)snprintf(story, sizeof story,
                   "core start_gate=none %s\n"
                   "tab left user=alice session=s1 reconnect=100ms\n"
                   "  connect\n"
                   "agent bot session=s1\n"
                   "  emit token times 4\n"
                   "tab right user=alice session=s2\n"
                   "  connect\n"
                   "tab eve user=eve\n"
                   "  connect\n"
                   "check\n"
                   "  on no_lost_events\n", core);
    stream_begin(story);
    SEE(CORE_STARTED, PARTY_CORE, .life = 1);
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
    stream_attach(FIRST, 1, 1, 0, 0);
    for (int64_t seq = 1; seq <= 2; seq++) {
        stream_append(1, seq, 100 + seq);
        stream_apply(FIRST, 1, seq, 100 + seq);
    }
}

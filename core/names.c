/* Words and sentences of the public enums, all from the tables in session_types.h. */
#include "core/require.h"
#include "core/trace_points.h"
#include "session_core.h"

static const struct { const char *word, *text; } results[] = {
#define CORE_RESULT_ROW(name, word, text) { word, text },
    CORE_RESULTS(CORE_RESULT_ROW)
};

const char *core_result_word(enum core_result result)
{
    REQUIRE((size_t)result < ARRAY_SIZE(results));
    return results[result].word;
}

const char *core_result_text(enum core_result result)
{
    REQUIRE((size_t)result < ARRAY_SIZE(results));
    return results[result].text;
}

const char *core_close_text(enum core_close_code code)
{
    switch (code) {
#define CORE_CLOSE_CASE(name, number, text) case name: return text;
        CORE_CLOSE_CODES(CORE_CLOSE_CASE)
    }
    UNREACHABLE();
    return "";
}

/* One lookup function for each enum that has words. */
#define WORD_OF(table, row, function, type)                                                        \
    const char *function(enum type value)                                                          \
    {                                                                                              \
        static const char *const words[] = { table(row) };                                         \
        REQUIRE((size_t)value < ARRAY_SIZE(words));                                                \
        return words[value];                                                                       \
    }
#define WORD_ROW(name, word) word,

WORD_OF(RUN_STATES, WORD_ROW, run_state_word, run_state)
WORD_OF(PROMPT_OUTCOMES, WORD_ROW, prompt_outcome_word, prompt_outcome)
WORD_OF(SERVER_STATES, WORD_ROW, server_state_word, server_state)
WORD_OF(APP_TYPES, WORD_ROW, app_type_word, app_type)
WORD_OF(CORE_ALERTS, WORD_ROW, core_alert_word, core_alert_kind)

#define WIRE_MESSAGES(X) WIRE_EVENTS(X) WIRE_CONTROL(X) WIRE_REQUESTS(X)
WORD_OF(WIRE_MESSAGES, WORD_ROW, wire_message_word, wire_message)

bool run_state_is_terminal(enum run_state state)
{
    return state >= RUN_COMPLETED;
}

static const struct trace_point_info trace_points[] = {
#define TRACE_POINT_ROW(constant, name, subject, first, second, third)                             \
    { name, subject, { first, second, third } },
    TRACE_POINTS(TRACE_POINT_ROW)
};

size_t core_trace_point_count(void)
{
    return ARRAY_SIZE(trace_points);
}

const struct trace_point_info *core_trace_point_info(uint32_t point)
{
    REQUIRE(point < ARRAY_SIZE(trace_points));
    return &trace_points[point];
}

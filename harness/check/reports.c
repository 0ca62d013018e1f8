/* What a core tells about itself, beside what is known of it. */
#include "harness/check/internal.h"
#include "session_types.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 32 };

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* The value of such a question: yes or no, the word of a result, or a number. */
static const char *value_in(const char *what, int64_t value, char out[VALUE_MAX])
{
    static const char *const results[] = {
#define RESULT_WORD(name, word, text) word,
        CORE_RESULTS(RESULT_WORD)
#undef RESULT_WORD
    };

    if (begins(what, "whether ") && (value == 0 || value == 1)) return value == 1 ? "yes" : "no";
    if (begins(what, "the answer ") && value >= 0 && value < CORE_RESULT_COUNT)
        return results[value];
    (void)snprintf(out, VALUE_MAX, "%lld", (long long)value);
    return out;
}

void check_reported(struct check_set *set, const struct record *record)
{
    const struct record_values_REPORTED *v = &record->values.REPORTED;
    const char *what = record_text(v->what), *bound = "";
    char told[VALUE_MAX], right[VALUE_MAX];

    check_exercise(set, SCN_INVARIANT_REPORTS_ARE_TRUE);
    if (v->told >= v->least && v->told <= v->most) return;
    bool few = v->told < v->least;
    if (v->least < v->most) bound = few ? "at least " : "at most ";
    check_break(set, SCN_INVARIANT_REPORTS_ARE_TRUE, record,
                "%s tells of itself%s %s: %s; it is %s%s",
                record_party_name(record->subject), begins(what, "whether ") ? "," : ":", what,
                value_in(what, v->told, told), bound,
                value_in(what, few ? v->least : v->most, right));
}

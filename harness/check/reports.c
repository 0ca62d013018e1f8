/* What a core tells about itself, beside what is known of it. */
#include "harness/check/internal.h"

void check_reported(struct check_set *set, const struct record *record)
{
    const struct record_values_REPORTED *v = &record->values.REPORTED;

    check_exercise(set, SCN_INVARIANT_REPORTS_ARE_TRUE);
    if (v->told >= v->least && v->told <= v->most) return;
    check_break(set, SCN_INVARIANT_REPORTS_ARE_TRUE, record,
                "%s tells of itself: %s: %lld; it is at %s %lld",
                record_party_name(record->subject), record_text(v->what), (long long)v->told,
                v->told < v->least ? "least" : "most",
                (long long)(v->told < v->least ? v->least : v->most));
}

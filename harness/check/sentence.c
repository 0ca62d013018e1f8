/* What to say of a check that was not kept. */
#include "harness/check/internal.h"

#include <stdarg.h>
#include <string.h>

static const char *times(int64_t count)
{
    return count == 1 ? "time" : "times";
}

static void say(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends. */
static void say(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

static void say_values(const struct check_set *set, const struct condition *condition, char *out,
                       size_t size)
{
    const struct scn_condition *source = condition->source;

    if (source->relation == SCN_RELATION_BEFORE || source->relation == SCN_RELATION_NONE) return;
    const char *separator = ":";
    if (condition->left >= 0) {
        say(out, size, "%s %s was %lld", separator, source->left.ref.text,
            (long long)set->counters[condition->left].value);
        separator = ",";
    }
    if (condition->right >= 0)
        say(out, size, "%s %s was %lld", separator, source->right.ref.text,
            (long long)set->counters[condition->right].value);
}

static void say_count(const struct check_set *set, const struct property *property, char *out,
                      size_t size)
{
    const struct scn_check *check = property->source;
    long long count = (long long)set->counters[property->counted].value;
    const char *bound = check->kind == SCN_CHECK_EXACTLY ? "exactly"
                      : check->kind == SCN_CHECK_AT_MOST ? "at most" : "at least";

    say(out, size, "%s happened %lld %s; %s %u %s", check->counted.text, count, times(count), bound,
        check->count, count < (long long)check->count ? "was due" : "was allowed");
}

static void say_span(const struct scn_span *span, char *out, size_t size)
{
    static const struct {
        const char *unit;
        uint64_t us;
    } units[] = { { "h", 3600000000 }, { "m", 60000000 }, { "s", 1000000 }, { "ms", 1000 } };
    const uint64_t ends[] = { span->low_us, span->high_us };

    for (int i = 0; i < 2; i++) {
        const char *unit = ends[i] == 0 ? "s" : "us";
        uint64_t number = ends[i];
        for (size_t j = 0; ends[i] != 0 && j < sizeof units / sizeof units[0]; j++) {
            if (ends[i] % units[j].us != 0) continue;
            unit = units[j].unit;
            number = ends[i] / units[j].us;
            break;
        }
        say(out, size, "%s%llu%s", i == 0 ? "" : "..", (unsigned long long)number, unit);
    }
}

static void say_never(const struct property *property, char *out, size_t size)
{
    const struct scn_condition *condition = &property->source->condition;

    if (condition->relation == SCN_RELATION_BEFORE)
        say(out, size, "%s came before %s", condition->left.ref.text, condition->right.ref.text);
    else if (condition->relation == SCN_RELATION_NONE)
        say(out, size, "%s happened", condition->text);
    else
        say(out, size, "%s became true", condition->text);
}

const char *check_say(const struct check_set *set, const struct property *property, char *out,
                      size_t size)
{
    const struct scn_check *check = property->source;

    out[0] = '\0';
    switch (check->kind) {
    case SCN_CHECK_ALWAYS:
        say(out, size, "%s did not hold", check->condition.text);
        say_values(set, &property->condition, out, size);
        break;
    case SCN_CHECK_NEVER:
        say_never(property, out, size);
        if (check->condition.relation != SCN_RELATION_NONE)
            say_values(set, &property->condition, out, size);
        break;
    case SCN_CHECK_EVENTUALLY:
        say(out, size, "%s did not hold within ", check->condition.text);
        say_span(&check->within, out, size);
        say(out, size, " after calm");
        say_values(set, &property->condition, out, size);
        break;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST: say_count(set, property, out, size); break;
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
    case SCN_CHECK_COUNT: REQUIRE(!"a check that a run can violate");
    }
    return out;
}

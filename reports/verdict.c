/* Verdicts: words, exit status, and what follows from the checks. */
#include "report.h"

#include <string.h>

#include "harness/check/require.h"
#include "reports/text.h"

static const struct {
    const char *word;
    int status;
} verdicts[REPORT_VERDICT_COUNT] = {
#define VERDICT(id, word, status, passed) {word, status},
    REPORT_VERDICTS(VERDICT)
#undef VERDICT
};

const char *report_verdict_word(enum report_verdict verdict)
{
    REQUIRE((unsigned)verdict < REPORT_VERDICT_COUNT);
    return verdicts[verdict].word;
}

int report_verdict_status(enum report_verdict verdict)
{
    REQUIRE((unsigned)verdict < REPORT_VERDICT_COUNT);
    return verdicts[verdict].status;
}

static bool has_known_bug(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->check_count; i++) {
        if (file->checks[i].kind == SCN_CHECK_KNOWN_BUG) return true;
    }
    return false;
}

enum report_verdict report_judge(const struct scn_file *file, const struct check_verdict *judged,
                                 const struct check_violation *violation)
{
    switch (judged->outcome) {
    case CHECK_PASSED:
        return has_known_bug(file) ? REPORT_KNOWN : REPORT_PASS;
    case CHECK_INCONCLUSIVE:
        return REPORT_INCONCLUSIVE;
    case CHECK_VIOLATED:
        if (violation != NULL && !violation->known &&
            violation->property == SCN_INVARIANT_NO_CRASH)
            return REPORT_CRASH;
        return REPORT_FAIL;
    }
    REQUIRE(!"an outcome has a verdict");
    return REPORT_FAULT;
}

int report_status(const struct report *reports, uint32_t count)
{
    static const int order[] = {5, 2, 4, 1, 3};

    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (uint32_t i = 0; i < count; i++) {
            if (report_verdict_status(reports[i].verdict) == order[k]) return order[k];
        }
    }
    return 0;
}

void report_name(const struct report *report, char *out, size_t size)
{
    if (report->program != NULL) {
        snprintf(out, size, "%s", report->program->name);
        return;
    }
    if (report->file != NULL) {
        snprintf(out, size, "%s", report->file->name);
        return;
    }
    const char *base = text_base_name(report->path);
    size_t length = strlen(base);
    if (length > 4 && strcmp(base + length - 4, ".scn") == 0) length -= 4;
    snprintf(out, size, "%.*s", (int)length, base);
}

/* Deadlines of connections, as the far end sees them: no earlier than silence allows. */
#include "harness/check/internal.h"
#include "session_types.h"

static struct silence_fact *silence_of(struct check_set *set, uint16_t tab, int64_t conn)
{
    return ledger_get(&set->silences, LEDGER_KEY(tab, conn));
}

void check_core_input(struct check_set *set, const struct record *record)
{
    silence_of(set, record->subject, record->values.CORE_INPUT.conn)->given_us = set->now_us;
}

/* Not before: what comes while the core decides to give the tab up is refused by it. As early as it
 * can have been looked at: the thread that brought it may have been stopped since. */
void check_core_taken(struct check_set *set, const struct record *record)
{
    struct silence_fact *silence =
        silence_of(set, record->subject, record->values.CORE_TAKEN.conn);
    silence->heard_us = silence->given_us;
}

void check_silence_begins(struct check_set *set, const struct record *record)
{
    struct silence_fact *silence =
        silence_of(set, record->subject, record->values.CLIENT_OPEN.conn);
    silence->opened_us = silence->given_us = silence->heard_us = set->now_us;
}

static void judge_silence(struct check_set *set, const struct record *record, uint64_t since_us,
                          uint64_t limit_us, const char *what)
{
    check_exercise(set, SCN_INVARIANT_NO_EARLY_TIMEOUT);
    if (set->now_us - since_us >= limit_us) return;
    check_break(set, SCN_INVARIANT_NO_EARLY_TIMEOUT, record,
                "%s was given up %lldms after %s; the limit is %lldms",
                record_party_name(record->subject),
                (long long)((set->now_us - since_us) / 1000), what, (long long)(limit_us / 1000));
}

void check_core_close(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_CLOSE *v = &record->values.CORE_CLOSE;
    int32_t core = check_core_of(set, record->subject);
    const struct silence_fact *silence = silence_of(set, record->subject, v->conn);

    if (core < 0) return;
    if (v->code == CORE_CLOSE_SILENT)
        judge_silence(set, record, silence->heard_us, set->heartbeat_timeout_us[core],
                      "its last message");
    if (v->code == CORE_CLOSE_HANDSHAKE)
        judge_silence(set, record, silence->opened_us, set->ack_timeout_us[core],
                      "it opened its socket");
}

/* The table of settings, and what must hold between them. */
#include "session_settings.h"

#include "core/require.h"

#include <string.h>

enum { DURATION_LARGEST_DAYS = 365 };
#define DURATION_LARGEST (CORE_MINUTES(60) * 24 * DURATION_LARGEST_DAYS)

/* Each list of policy words once more, as an array that ends with NULL. */
#define POLICY_WORD(name, word) word,
#define NO_DURATION(scope, name, value)
#define NO_COUNT(scope, name, value, smallest, largest)
#define POLICY_ARRAY(scope, name, words, value)                                                    \
    static const char *const name##_words[] = { words(POLICY_WORD) NULL };
CORE_SETTINGS(NO_DURATION, NO_COUNT, POLICY_ARRAY)

#define DURATION_ROW(scope, name, value)                                                           \
    { #name, CORE_SETTING_DURATION, offsetof(struct core_settings, name##_us), value, 0,           \
      DURATION_LARGEST, NULL, CORE_SETTING_OF_##scope },
#define COUNT_ROW(scope, name, value, smallest, largest)                                           \
    { #name, CORE_SETTING_COUNT, offsetof(struct core_settings, name), value, smallest, largest,   \
      NULL, CORE_SETTING_OF_##scope },
#define POLICY_ROW(scope, name, words, value)                                                      \
    { #name, CORE_SETTING_POLICY, offsetof(struct core_settings, name), value, 0,                  \
      ARRAY_SIZE(name##_words) - 2, name##_words, CORE_SETTING_OF_##scope },

static const struct core_setting table[] = { CORE_SETTINGS(DURATION_ROW, COUNT_ROW, POLICY_ROW) };

_Static_assert(sizeof(struct core_settings) == ARRAY_SIZE(table) * sizeof(uint64_t),
               "every field is a 64-bit value with a row");

const struct core_setting *core_settings_table(size_t *count)
{
    *count = ARRAY_SIZE(table);
    return table;
}

const struct core_setting *core_setting_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static void store(struct core_settings *settings, const struct core_setting *setting,
                  uint64_t value)
{
    memcpy((char *)settings + setting->offset, &value, sizeof value);
}

void core_settings_default(struct core_settings *settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        store(settings, &table[i], table[i].fallback);
}

bool core_setting_store(struct core_settings *settings, const struct core_setting *setting,
                        uint64_t value)
{
    if (value < setting->smallest || value > setting->largest)
        return false;
    store(settings, setting, value);
    return true;
}

bool core_setting_word(const struct core_setting *setting, const char *word, uint64_t *value)
{
    if (setting->kind != CORE_SETTING_POLICY)
        return false;
    for (uint64_t i = 0; setting->words[i] != NULL; i++) {
        if (strcmp(setting->words[i], word) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static uint64_t value_of(const struct core_settings *settings, const struct core_setting *setting)
{
    uint64_t value;
    memcpy(&value, (const char *)settings + setting->offset, sizeof value);
    return value;
}

static bool in_range(const struct core_settings *settings, const struct core_setting *setting)
{
    uint64_t value = value_of(settings, setting);
    return value >= setting->smallest && value <= setting->largest;
}

const char *core_settings_problem(const struct core_settings *settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!in_range(settings, &table[i]))
            return "a setting is outside its allowed range";
    }
    if (settings->heartbeat_us == 0)
        return "heartbeat must not be 0";
    if (settings->heartbeat_us >= settings->heartbeat_timeout_us)
        return "heartbeat must be shorter than heartbeat_timeout";
    if (settings->lease_renew_us == 0 || settings->lease_renew_us >= settings->lease_ttl_us)
        return "lease_renew must be shorter than lease_ttl and not 0";
    if (settings->event_max_bytes > settings->history_max_bytes)
        return "event_max_bytes must not exceed history_max_bytes";
    if (settings->store_max_events < settings->history_max_events)
        return "store_max_events must not be below history_max_events";
    if (settings->ack_timeout_us == 0 || settings->send_stall_us == 0)
        return "ack_timeout and send_stall must not be 0";
    if (settings->backoff_base_us == 0 || settings->backoff_base_us > settings->backoff_cap_us)
        return "backoff_base must be at most backoff_cap and not 0";
    return NULL;
}

const char *core_settings_session_problem(const struct core_settings *core,
                                          const struct core_settings *session)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].scope == CORE_SETTING_OF_CORE &&
            value_of(core, &table[i]) != value_of(session, &table[i]))
            return "a setting of the whole core cannot differ for one session";
    }
    return core_settings_problem(session);
}

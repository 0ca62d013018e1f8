/* The text for /settings: every setting of the core by its name, durations in microseconds. */
#include "sessiond/parts.h"

#include <jansson.h>
#include <string.h>

static json_t *value_of(const struct core_settings *settings, const struct core_setting *setting)
{
    uint64_t value;
    memcpy(&value, (const char *)settings + setting->offset, sizeof value);
    if (setting->kind == CORE_SETTING_POLICY) return json_string(setting->words[value]);
    return json_integer((json_int_t)value);
}

char *service_settings(struct service *service, size_t *length)
{
    size_t count;
    const struct core_setting *table = core_settings_table(&count);
    json_t *all = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(all, table[i].name, value_of(&service->options->settings, &table[i]));
    char *text = json_dumps(all, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(all);
    *length = text == NULL ? 0 : strlen(text);
    return text;
}

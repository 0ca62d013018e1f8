/* The files that a daemon is started with. */
#include "harness/live/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Digits of a duration that the daemon reads. */
#define DURATION_MAX_US 999999999999ull

static const char *const setting_names[] = {
#define NAME_DURATION(scope, name, value) #name,
#define NAME_COUNT(scope, name, value, smallest, largest) #name,
#define NAME_POLICY(scope, name, words, value) #name,
    CORE_SETTINGS(NAME_DURATION, NAME_COUNT, NAME_POLICY)};

size_t live_setting_count(void)
{
    return sizeof setting_names / sizeof *setting_names;
}

const char *live_setting_name(size_t number)
{
    return setting_names[number];
}

static void write_duration(FILE *out, const char *name, uint64_t us)
{
    if (us <= DURATION_MAX_US)
        fprintf(out, "%s = %" PRIu64 "us\n", name, us);
    else
        fprintf(out, "%s = %" PRIu64 "ms\n", name, us / 1000);
}

/* No less than what can be told from none. */
static uint64_t scaled_time(uint64_t us, double speed)
{
    uint64_t real_us = (uint64_t)((double)us / speed);
    return us > 0 && real_us == 0 ? 1 : real_us;
}

static uint64_t scaled_rate(uint64_t rate, double speed, uint64_t largest)
{
    double real = (double)rate * speed;
    return real > (double)largest ? largest : (uint64_t)real;
}

static uint64_t scaled(const struct core_setting *setting, uint64_t value, double speed)
{
    if (setting->kind == CORE_SETTING_DURATION) return scaled_time(value, speed);
    if (strcmp(setting->name, "max_message_rate") == 0)
        return scaled_rate(value, speed, setting->largest);
    return value;
}

static void write_setting(FILE *out, const struct core_setting *setting, uint64_t value,
                          const char *word)
{
    if (word != NULL)
        fprintf(out, "%s = %s\n", setting->name, word);
    else if (setting->kind == CORE_SETTING_DURATION)
        write_duration(out, setting->name, value);
    else
        fprintf(out, "%s = %" PRIu64 "\n", setting->name, value);
}

static void write_settings(FILE *out, const struct core_api *api,
                           const struct core_settings *settings, double speed)
{
    for (size_t i = 0; i < live_setting_count(); i++) {
        const struct core_setting *setting = api->setting_find(setting_names[i]);
        uint64_t value;
        memcpy(&value, (const char *)settings + setting->offset, sizeof value);
        const char *word = setting->kind == CORE_SETTING_POLICY ? setting->words[value] : NULL;
        write_setting(out, setting, scaled(setting, value, speed), word);
    }
}

uint64_t live_wanted(const struct scn_file *file, const struct core_setting *setting, double speed,
                     const char **word)
{
    const struct scn_attr *attr = scn_core_setting(file, 0, setting->name);
    uint64_t value = attr == NULL ? setting->fallback : (uint64_t)attr->value.low;
    *word = NULL;
    if (setting->kind != CORE_SETTING_POLICY) return scaled(setting, value, speed);
    *word = attr == NULL ? setting->words[value] : attr->value.text;
    /* There is nobody beside a daemon who would open sessions before they are asked for. */
    if (strcmp(setting->name, "auto_create") == 0) *word = setting->words[AUTO_CREATE_ON_START];
    return 0;
}

void live_write_settings(FILE *out, const struct scn_file *file, const struct core_api *api,
                         double speed)
{
    for (size_t i = 0; i < live_setting_count(); i++) {
        const struct core_setting *setting = api->setting_find(setting_names[i]);
        const char *word;
        uint64_t value = live_wanted(file, setting, speed, &word);
        write_setting(out, setting, value, word);
    }
}

static void write_options(FILE *out, const struct daemon *daemon)
{
    const struct live *live = daemon->live;
    char path[LIVE_PATH_MAX];
    fprintf(out, "listen = 127.0.0.1:0\nname = %s\nlog_level = info\n", daemon->name);
    live_path(live, "events.db", path);
    fprintf(out, "store = %s\nstore_sync = process\n", path);
    live_path(live, "tokens", path);
    fprintf(out, "tokens = %s\n", path);
    agents_path(daemon, path);
    fprintf(out, "agent.* = exec '%s' live-agent '%s'\n", live->options.helper, path);
    /* They end when their scripts do. */
    fprintf(out, "agent_grace = 10m\n");
    fprintf(out, "drain_time = %" PRIu64 "us\n", daemon_drain_us(live));
    if (live->servers == NULL) return;
    live_path(live, "sandboxes", path);
    fprintf(out, "sandboxes = %s\n", path);
    live_path(live, "servers", path);
    fprintf(out, "command_web = exec '%s' live-server '%s' {port}\n", live->options.helper, path);
    fprintf(out, "command_mobile = exec '%s' live-server '%s' {port}\n", live->options.helper,
            path);
}

static FILE *open_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL && fd >= 0) close(fd);
    return out;
}

static bool write_tokens(const struct live *live)
{
    char path[LIVE_PATH_MAX];
    live_path(live, "tokens", path);
    FILE *out = open_private(path);
    if (out == NULL) return false;
    fprintf(out, "user * token-of-user----\n");
    for (uint32_t i = 0; i < live->file->actor_count; i++) {
        const struct scn_attr *user = scn_attrs_find(&live->file->actors[i].attrs, "user");
        if (user != NULL)
            fprintf(out, "%s * token-of-%s----\n", user->value.text, user->value.text);
    }
    return fclose(out) == 0;
}

const char *live_token(void *context, const char *user)
{
    static char token[128];
    const struct live *live = context;
    const char *given = live->elsewhere ? elsewhere_token(live->elsewhere, user) : NULL;
    if (live->elsewhere) return given == NULL ? "" : given;
    (void)snprintf(token, sizeof token, "token-of-%s----", user);
    return token;
}

bool daemon_configure(const struct daemon *daemon, const char *path)
{
    if (!write_tokens(daemon->live)) return false;
    FILE *out = open_private(path);
    if (out == NULL) return false;
    write_options(out, daemon);
    write_settings(out, &daemon->live->api, &daemon->settings, daemon->live->options.speed);
    return fclose(out) == 0;
}

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

static void write_duration(FILE *out, const char *name, uint64_t us)
{
    if (us <= DURATION_MAX_US)
        fprintf(out, "%s = %" PRIu64 "us\n", name, us);
    else
        fprintf(out, "%s = %" PRIu64 "ms\n", name, us / 1000);
}

/* No less than what can be told from none. */
static uint64_t scaled(const struct daemon *daemon, uint64_t us)
{
    uint64_t real_us = loop_real_us(&daemon->live->loop, us);
    return us > 0 && real_us == 0 ? 1 : real_us;
}

static uint64_t scaled_rate(const struct daemon *daemon, uint64_t rate, uint64_t largest)
{
    double real = (double)rate * daemon->live->loop.speed;
    return real > (double)largest ? largest : (uint64_t)real;
}

static void write_setting(FILE *out, const struct daemon *daemon,
                          const struct core_setting *setting)
{
    uint64_t value;
    memcpy(&value, (const char *)&daemon->settings + setting->offset, sizeof value);
    if (setting->kind == CORE_SETTING_DURATION)
        write_duration(out, setting->name, scaled(daemon, value));
    else if (setting->kind == CORE_SETTING_POLICY)
        fprintf(out, "%s = %s\n", setting->name, setting->words[value]);
    else if (strcmp(setting->name, "max_message_rate") == 0)
        fprintf(out, "%s = %" PRIu64 "\n", setting->name,
                scaled_rate(daemon, value, setting->largest));
    else
        fprintf(out, "%s = %" PRIu64 "\n", setting->name, value);
}

static void write_settings(FILE *out, const struct daemon *daemon)
{
    static const char *const names[] = {
#define NAME_DURATION(scope, name, value) #name,
#define NAME_COUNT(scope, name, value, smallest, largest) #name,
#define NAME_POLICY(scope, name, words, value) #name,
        CORE_SETTINGS(NAME_DURATION, NAME_COUNT, NAME_POLICY)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        write_setting(out, daemon, daemon->live->api.setting_find(names[i]));
}

static bool has_sandboxes(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->actor_count; i++) {
        if (file->actors[i].kind == SCN_ACTOR_SANDBOX) return true;
    }
    return false;
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
    if (!has_sandboxes(live->file)) return;
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
    (void)context;
    (void)snprintf(token, sizeof token, "token-of-%s----", user);
    return token;
}

bool daemon_configure(const struct daemon *daemon, const char *path)
{
    if (!write_tokens(daemon->live)) return false;
    FILE *out = open_private(path);
    if (out == NULL) return false;
    write_options(out, daemon);
    write_settings(out, daemon);
    return fclose(out) == 0;
}

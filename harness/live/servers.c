/* Dev servers: processes that the daemon starts in its sandboxes, and that report here what they
 * are and when they listen. Their end is that of their connection. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPORT_MAX = 1024 };

struct server {
    struct servers *servers;
    struct watch *watch;    /* NULL: it has ended */
    char line[REPORT_MAX];
    size_t length;
    const char *sandbox;    /* NULL: it has not said yet */
    uint64_t group;
    uint16_t port, task;    /* the task tells it to listen */
};

struct servers {
    struct live *live;
    struct watch *door;
};

struct servers *servers_new(struct live *live)
{
    struct servers *servers = calloc(1, sizeof *servers);
    if (servers != NULL) servers->live = live;
    return servers;
}

void servers_free(struct servers *servers)
{
    free(servers);
}

/* --- what the record of its sandbox says --- */

static uint64_t look_at_record(const struct live *live, const char *sandbox, enum app_type app)
{
    char name[CORE_NAME_MAX + 32], path[LIVE_PATH_MAX];
    (void)snprintf(name, sizeof name, "sandboxes/%.63s.json", sandbox);
    live_path(live, name, path);
    const json_t *record = json_load_file(path, 0, NULL);
    const char *owner = json_string_value(json_object_get(record, "owner"));
    if (owner == NULL) return 0;
    witness_assigned(live->stage, sandbox, owner,
                     (uint64_t)json_integer_value(json_object_get(record, "token")), app);
    return (uint64_t)json_integer_value(json_array_get(json_object_get(record, "fences"), app));
}

/* --- one server --- */

static void tell_to_listen(void *context)
{
    const struct server *server = context;
    if (server->watch != NULL) (void)!send(server->watch->fd, "listen\n", 7, MSG_NOSIGNAL);
}

static void introduce(struct server *server, const json_t *report)
{
    struct live *live = server->servers->live;
    const char *app_word = json_string_value(json_object_get(report, "app"));
    enum app_type app = strcmp(app_word, "web") == 0 ? APP_WEB : APP_MOBILE;
    char name[WORLD_NAME_MAX];
    server->sandbox = json_string_value(json_object_get(report, "sandbox"));
    server->group = (uint64_t)json_integer_value(json_object_get(report, "group"));
    server->port = (uint16_t)json_integer_value(json_object_get(report, "port"));
    uint64_t fence = look_at_record(live, server->sandbox, app);
    uint64_t boot_us = witness_spawned(live->stage, server->sandbox, app, server->group,
                                       server->port, fence);
    (void)snprintf(name, sizeof name, "server-%llu.listen", (unsigned long long)server->group);
    server->task = world_task(name, WORLD_MESSAGE, tell_to_listen, server);
    world_task_arm(server->task, world_now_ns() + boot_us * 1000);
}

static void take_line(struct server *server, const char *line, size_t length)
{
    struct stage *stage = server->servers->live->stage;
    if (server->sandbox == NULL) {
        introduce(server, json_loadb(line, length, 0, NULL));
        return;
    }
    if (length == 9 && memcmp(line, "listening", 9) == 0)
        witness_listens(stage, server->sandbox, server->group, server->port);
}

static void end(struct server *server)
{
    loop_close(server->watch);
    server->watch = NULL;
    if (server->sandbox == NULL) return;
    world_task_disarm(server->task);
    witness_ended(server->servers->live->stage, server->sandbox, server->group, "ended");
}

static void hear(void *context, short events)
{
    struct server *server = context;
    char *feed;
    (void)events;
    ssize_t count = read(server->watch->fd, server->line + server->length,
                         REPORT_MAX - server->length);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        end(server);
        return;
    }
    server->length += (size_t)count;
    while ((feed = memchr(server->line, '\n', server->length)) != NULL) {
        size_t length = (size_t)(feed - server->line);
        take_line(server, server->line, length);
        server->length -= length + 1;
        memmove(server->line, feed + 1, server->length);
    }
}

static void welcome(void *context, short events)
{
    struct servers *servers = context;
    int fd = door_welcome(servers->live, servers->door->fd);
    (void)events;
    if (fd < 0) return;
    struct server *server = scratch_alloc(sizeof *server);
    server->servers = servers;
    server->watch = loop_watch(&servers->live->loop, fd, POLLIN, hear, server);
}

void servers_open(struct servers *servers)
{
    char path[LIVE_PATH_MAX];
    live_path(servers->live, "servers", path);
    int fd = door_open(path);
    if (fd < 0) live_give_up(servers->live, "%s: %s", path, strerror(errno));
    servers->door = loop_watch(&servers->live->loop, fd, POLLIN, welcome, servers);
}

/* What daemons have stored, read from their file: an event is in it before anybody hears of it.
 * Looked at before anything else that has come from outside is. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS_MAX = SCN_ACTORS_MAX, BUSY_MS = 2000 };

struct seen {
    char name[CORE_NAME_MAX];
    int64_t id, epoch, tenure, head, floor;
};

struct store_watch {
    struct live *live;
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *streams, *events, *begin, *end;
    struct seen seen[STREAMS_MAX];
    uint32_t count;
};

struct store_watch *store_watch_new(struct live *live, const char *path)
{
    struct store_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) return NULL;
    watch->live = live;
    watch->path = strdup(path);
    return watch;
}

void store_watch_free(struct store_watch *watch)
{
    if (watch == NULL) return;
    sqlite3_finalize(watch->streams);
    sqlite3_finalize(watch->events);
    sqlite3_finalize(watch->begin);
    sqlite3_finalize(watch->end);
    sqlite3_close(watch->db);
    free((char *)(uintptr_t)watch->path);
    free(watch);
}

static bool prepare(struct store_watch *watch, const char *sql, sqlite3_stmt **statement)
{
    return *statement != NULL ||
           sqlite3_prepare_v3(watch->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
               SQLITE_OK;
}

/* False: the daemon has not made it yet. */
static bool is_open(struct store_watch *watch)
{
    if (watch->db == NULL) {
        if (access(watch->path, F_OK) != 0) return false;
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(watch->path, &watch->db, flags, NULL) != SQLITE_OK) {
            sqlite3_close(watch->db);
            watch->db = NULL;
            return false;
        }
        (void)sqlite3_busy_timeout(watch->db, BUSY_MS);
    }
    return prepare(watch, "BEGIN", &watch->begin) && prepare(watch, "COMMIT", &watch->end) &&
           prepare(watch, "SELECT id, name, epoch, tenure, head, floor FROM stream ORDER BY id",
                   &watch->streams) &&
           prepare(watch, "SELECT seq, tenure, key, type, payload FROM event"
                          " WHERE stream = ?1 AND seq > ?2 ORDER BY seq", &watch->events);
}

/* --- one stream --- */

static struct seen *find(struct store_watch *watch, int64_t id)
{
    for (uint32_t i = 0; i < watch->count; i++) {
        if (watch->seen[i].id == id) return &watch->seen[i];
    }
    if (watch->count == STREAMS_MAX) return NULL;
    struct seen *seen = &watch->seen[watch->count++];
    *seen = (struct seen){.id = id, .floor = 1};
    return seen;
}

void store_tell_agents(struct live *live, const char *session, const struct store_event *event)
{
    if (strcmp(event->type, "prompt_closed") != 0) return;
    const json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    const char *id = json_string_value(json_object_get(payload, "id"));
    const char *outcome = json_string_value(json_object_get(payload, "outcome"));
    if (id == NULL || outcome == NULL) return;
    agents_settle(live, session,
                  (uint64_t)json_integer_value(json_object_get(payload, "run")), id, outcome);
}

static void read_event(struct store_watch *watch, struct seen *seen)
{
    sqlite3_stmt *row = watch->events;
    const char *type = (const char *)sqlite3_column_text(row, 3);
    size_t length = (size_t)sqlite3_column_bytes(row, 4);
    const char *payload = sqlite3_column_blob(row, 4);
    struct store_event event = {.seq = (uint64_t)sqlite3_column_int64(row, 0),
                                .key = (uint64_t)sqlite3_column_int64(row, 2),
                                .type = scratch_copy(type, strlen(type)),
                                .payload = scratch_copy(payload == NULL ? "" : payload, length),
                                .length = length};
    seen->head = (int64_t)event.seq;
    witness_stored(watch->live->stage, 0, seen->name, (uint64_t)seen->epoch,
                   (uint64_t)sqlite3_column_int64(row, 1), &event);
    store_tell_agents(watch->live, seen->name, &event);
}

static void read_events(struct store_watch *watch, struct seen *seen)
{
    sqlite3_bind_int64(watch->events, 1, seen->id);
    sqlite3_bind_int64(watch->events, 2, seen->head);
    while (sqlite3_step(watch->events) == SQLITE_ROW) read_event(watch, seen);
    sqlite3_reset(watch->events);
}

/* Events of an older tenure were stored before the newer one began: `head` was what it found. */
static void read_stream(struct store_watch *watch, sqlite3_stmt *row)
{
    struct seen *seen = find(watch, sqlite3_column_int64(row, 0));
    if (seen == NULL) return;
    const char *name = (const char *)sqlite3_column_text(row, 1);
    int64_t epoch = sqlite3_column_int64(row, 2), tenure = sqlite3_column_int64(row, 3);
    int64_t head = sqlite3_column_int64(row, 4), floor = sqlite3_column_int64(row, 5);
    if (strlen(name) < sizeof seen->name) memcpy(seen->name, name, strlen(name) + 1);
    if (seen->epoch != epoch) seen->head = 0;
    seen->epoch = epoch;
    if (tenure != seen->tenure)
        witness_opened(watch->live->stage, 0, seen->name, (uint64_t)epoch, (uint64_t)tenure,
                       (uint64_t)seen->head, (uint64_t)seen->floor);
    seen->tenure = tenure;
    if (head > seen->head) read_events(watch, seen);
    if (floor > seen->floor)
        witness_trimmed(watch->live->stage, seen->name, (uint64_t)epoch, (uint64_t)floor);
    seen->floor = floor;
}

void store_look(struct store_watch *watch)
{
    if (!is_open(watch)) return;
    /* One snapshot for all of it. */
    (void)sqlite3_step(watch->begin);
    while (sqlite3_step(watch->streams) == SQLITE_ROW) read_stream(watch, watch->streams);
    sqlite3_reset(watch->streams);
    (void)sqlite3_step(watch->end);
    sqlite3_reset(watch->begin);
    sqlite3_reset(watch->end);
}

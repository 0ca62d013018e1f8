#include "adapters/local/boxes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char record_suffix[] = ".json";

bool local_box_path(const struct local_provider *provider, const char *id, const char *suffix,
                    char path[LOCAL_PATH_MAX])
{
    int length = snprintf(path, LOCAL_PATH_MAX, "%s/%s%s", provider->root, id, suffix);
    return length >= 0 && length < LOCAL_PATH_MAX;
}

/* ---- files ---- */

static bool wipe_below(int folder);

static bool wipe_entry(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM && errno != EACCES) return false;
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* One that was made unreadable on purpose is still its owner's, and so ours. */
    if (inner < 0 && errno == EACCES && fchmodat(folder, name, S_IRWXU, 0) == 0)
        inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inner >= 0 && wipe_below(inner) && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* Takes the descriptor. */
static bool wipe_below(int folder)
{
    bool fine = fchmod(folder, S_IRWXU) == 0;
    DIR *stream = fdopendir(folder);
    if (stream == NULL) {
        close(folder);
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            fine = wipe_entry(folder, entry->d_name) && fine;
    }
    closedir(stream);
    return fine;
}

bool local_box_wipe(const char *path, bool self)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) return errno == ENOENT;
    bool fine = wipe_below(folder);
    return fine && (!self || rmdir(path) == 0);
}

/* ID.json, ID.dev_server_web.log, ...; the folder ID itself comes last. */
void local_box_remove_files(const struct local_provider *provider, const char *id)
{
    char path[LOCAL_PATH_MAX];
    size_t length = strlen(id);
    DIR *stream = opendir(provider->root);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (strncmp(entry->d_name, id, length) == 0 && entry->d_name[length] == '.')
            unlinkat(dirfd(stream), entry->d_name, 0);
    }
    if (stream != NULL) closedir(stream);
    if (local_box_path(provider, id, "", path)) local_box_wipe(path, true);
}

/* ---- records ---- */

static json_t *to_json(const struct box *box)
{
    json_t *fences = json_array();
    for (int app = 0; app < APP_TYPE_COUNT; app++)
        json_array_append_new(fences, json_integer((json_int_t)box->fences[app]));
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "id", box->record.id, "request",
                     box->record.request, "owner", box->record.owner, "app",
                     app_type_word(box->record.app), "token", (json_int_t)box->record.token,
                     "fences", fences);
}

/* A new file in its place, synced before it is: a kill leaves the old one or the new one. */
static bool write_whole(const char *path, const char *text)
{
    char temporary[LOCAL_PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s~", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) return false;
    size_t length = strlen(text);
    bool fine = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    fine = close(fd) == 0 && fine;
    return fine && rename(temporary, path) == 0;
}

bool local_box_save(const struct local_provider *provider, const struct box *box)
{
    char path[LOCAL_PATH_MAX];
    json_t *record = to_json(box);
    char *text = record == NULL ? NULL : json_dumps(record, JSON_INDENT(1));
    bool fine = text != NULL && local_box_path(provider, box->record.id, record_suffix, path) &&
                write_whole(path, text);
    free(text);
    json_decref(record);
    return fine;
}

static bool copy_name(char name[CORE_NAME_MAX], const char *text)
{
    size_t length = strlen(text);
    if (length >= CORE_NAME_MAX) return false;
    memcpy(name, text, length + 1);
    return true;
}

static bool read_app(const char *word, enum app_type *app)
{
    for (int i = 0; i < APP_TYPE_COUNT; i++) {
        if (strcmp(word, app_type_word((enum app_type)i)) == 0) {
            *app = (enum app_type)i;
            return true;
        }
    }
    return false;
}

/* Takes the JSON; NULL if it is no record of this id. */
static struct box *from_json(json_t *record, const char *id)
{
    const char *own, *request, *owner, *app;
    json_t *fences;
    json_int_t token;
    struct box *box = calloc(1, sizeof *box);
    bool fine =
        box != NULL &&
        json_unpack(record, "{s:s, s:s, s:s, s:s, s:I, s:o}", "id", &own, "request", &request,
                    "owner", &owner, "app", &app, "token", &token, "fences", &fences) == 0 &&
        strcmp(own, id) == 0 && copy_name(box->record.id, own) &&
        copy_name(box->record.request, request) && copy_name(box->record.owner, owner) &&
        read_app(app, &box->record.app);
    if (fine) {
        box->record.token = (uint64_t)token;
        box->record.state = SANDBOX_READY;
        for (int i = 0; i < APP_TYPE_COUNT; i++)
            box->fences[i] = (uint64_t)json_integer_value(json_array_get(fences, (size_t)i));
    } else {
        free(box);
        box = NULL;
    }
    json_decref(record);
    return box;
}

void local_box_insert(struct local_provider *provider, struct box *box)
{
    struct box **at = &provider->boxes;
    while (*at != NULL && strcmp((*at)->record.id, box->record.id) < 0) at = &(*at)->next;
    box->next = *at;
    *at = box;
    uint64_t number = strtoull(box->record.id + strcspn(box->record.id, "0123456789"), NULL, 10);
    if (number > provider->last_box) provider->last_box = number;
}

static enum core_result load_one(struct local_provider *provider, const char *name,
                                 char problem[LOCAL_PROBLEM_MAX])
{
    char path[LOCAL_PATH_MAX], id[CORE_NAME_MAX] = "";
    json_error_t error;
    size_t length = strlen(name) - (sizeof record_suffix - 1);
    if (length >= sizeof id || !local_box_path(provider, name, "", path)) {
        snprintf(problem, LOCAL_PROBLEM_MAX, "%s: a name too long", name);
        return CORE_INVALID;
    }
    memcpy(id, name, length);
    json_t *record = json_load_file(path, 0, &error);
    struct box *box = record == NULL ? NULL : from_json(record, id);
    if (box == NULL) {
        snprintf(problem, LOCAL_PROBLEM_MAX,
                 "%.200s is no record of a sandbox: %.200s; move it away", path,
                 record == NULL ? error.text : "a field is missing or wrong");
        return CORE_INVALID;
    }
    local_box_insert(provider, box);
    return CORE_OK;
}

enum core_result local_boxes_load(struct local_provider *provider, char problem[LOCAL_PROBLEM_MAX])
{
    enum core_result rc = CORE_OK;
    const struct dirent *entry;
    DIR *stream = opendir(provider->root);
    if (stream == NULL) {
        snprintf(problem, LOCAL_PROBLEM_MAX, "%.300s: %s", provider->root, strerror(errno));
        return CORE_UNAVAILABLE;
    }
    while (rc == CORE_OK && (entry = readdir(stream)) != NULL) {
        size_t length = strlen(entry->d_name), suffix = sizeof record_suffix - 1;
        if (length > suffix && strcmp(entry->d_name + length - suffix, record_suffix) == 0)
            rc = load_one(provider, entry->d_name, problem);
    }
    closedir(stream);
    return rc;
}

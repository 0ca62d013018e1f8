#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

enum { BLANKS = 6, TRIES = 100000 };

int world_open(const char *path, int flags, ...);
int world_mkdir(const char *path, mode_t mode);
int world_unlink(const char *path);
FILE *world_fdopen(int descriptor, const char *mode);
DIR *world_opendir(const char *path);
struct dirent *world_readdir(DIR *stream);
int world_closedir(DIR *stream);
void *world_malloc(size_t bytes);
void *world_realloc(void *block, size_t bytes);
void world_free(void *block);

static uint32_t next_name; /* of this execution */

void scratch_begin(void)
{
    next_name = 0;
}

static bool fill(char *blanks)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    uint32_t number = next_name++;
    for (int i = BLANKS; i-- > 0; number /= 26) blanks[i] = letters[number % 26];
    return next_name < TRIES;
}

/* NULL, and errno: the name has no room for another one. */
static char *find_blanks(char *name, int behind)
{
    size_t length = strlen(name);
    char *blanks = name + length - behind - BLANKS;
    bool good = behind >= 0 && length >= (size_t)behind + BLANKS &&
                strspn(blanks, "X") >= BLANKS;
    if (good) return blanks;
    errno = EINVAL;
    return NULL;
}

int world_mkostemps(char *name, int behind, int flags)
{
    char *blanks = find_blanks(name, behind);
    while (blanks && fill(blanks)) {
        int number = world_open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
        if (number >= 0 || errno != EEXIST) return number;
    }
    return -1;
}

int world_mkostemp(char *name, int flags)
{
    return world_mkostemps(name, 0, flags);
}

int world_mkstemps(char *name, int behind)
{
    return world_mkostemps(name, behind, 0);
}

int world_mkstemp(char *name)
{
    return world_mkostemps(name, 0, 0);
}

char *world_mkdtemp(char *name)
{
    char *blanks = find_blanks(name, 0);
    while (blanks && fill(blanks)) {
        if (world_mkdir(name, 0700) == 0) return name;
        if (errno != EEXIST) return NULL;
    }
    return NULL;
}

FILE *world_tmpfile(void)
{
    char name[] = "/tmp/......";
    memset(strchr(name, '.'), 'X', BLANKS);
    int number = world_mkstemp(name);
    if (number < 0) return NULL;
    world_unlink(name);
    return world_fdopen(number, "w+");
}

/* --- scandir --- */

typedef int selector(const struct dirent *entry);
typedef int comparer(const struct dirent **a, const struct dirent **b);

static void give_back(struct dirent **names, int count)
{
    while (count > 0) world_free(names[--count]);
    world_free(names);
}

/* False: there is no memory for it. */
static bool append(struct dirent ***names, int *count, const struct dirent *entry)
{
    struct dirent **more = world_realloc(*names, ((size_t)*count + 1) * sizeof *more);
    if (more == NULL) return false;
    *names = more;
    more[*count] = world_malloc(sizeof *entry);
    if (more[*count] == NULL) return false;
    memcpy(more[(*count)++], entry, sizeof *entry);
    return true;
}

int world_scandir(const char *path, struct dirent ***out, selector *select, comparer *compare)
{
    struct dirent **names = NULL;
    const struct dirent *entry;
    int count = 0;
    bool good = true;
    DIR *stream = world_opendir(path);
    if (stream == NULL) return -1;
    while (good && (entry = world_readdir(stream)) != NULL) {
        if (select == NULL || select(entry)) good = append(&names, &count, entry);
    }
    world_closedir(stream);
    if (!good) {
        give_back(names, count);
        errno = ENOMEM;
        return -1;
    }
    if (count > 1 && compare) {
        qsort(names, (size_t)count, sizeof *names, (int (*)(const void *, const void *))compare);
    }
    *out = names;
    return count;
}

__attribute__((alias("world_scandir"))) int world_scandir64(const char *path, struct dirent ***out,
                                                            selector *select, comparer *compare);
__attribute__((alias("world_tmpfile"))) FILE *world_tmpfile64(void);
__attribute__((alias("world_mkstemp"))) int world_mkstemp64(char *name);
__attribute__((alias("world_mkostemp"))) int world_mkostemp64(char *name, int flags);

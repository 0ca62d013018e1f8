#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* Where relative paths of an image begin. */
static bool find_root(const char *image, char *root, size_t size)
{
    char own[PATH_BYTES];
    ssize_t length = image != NULL ? snprintf(own, sizeof own, "%s", image)
                                   : readlink("/proc/self/exe", own, sizeof own - 1);

    if (length <= 0 || (size_t)length >= sizeof own) return false;
    own[length] = '\0';
    char *name = strrchr(own, '/');
    if (name == NULL) return false;
    *name++ = '\0';
    int used = image == NULL ? snprintf(root, size, "%s/..", own)
                             : snprintf(root, size, "%s/../obj/mutants/%.*s", own,
                                        (int)strcspn(name, "."), name);
    return used > 0 && (size_t)used < size;
}

static FILE *open_source(const char *image, const char *path)
{
    char root[PATH_BYTES], full[2 * PATH_BYTES];

    if (path[0] == '/') return fopen(path, "re");
    if (!find_root(image, root, sizeof root)) return NULL;
    snprintf(full, sizeof full, "%s/%s", root, path);
    return fopen(full, "re");
}

static bool is_newer(FILE *file, const char *image)
{
    struct stat source, built;

    if (fstat(fileno(file), &source) != 0 ||
        stat(image != NULL ? image : "/proc/self/exe", &built) != 0)
        return true;
    if (source.st_mtim.tv_sec != built.st_mtim.tv_sec)
        return source.st_mtim.tv_sec > built.st_mtim.tv_sec;
    return source.st_mtim.tv_nsec > built.st_mtim.tv_nsec;
}

/* One space for each run of white space; what no terminal should see is a question mark. */
static void put_words(const char *text, char *out, size_t size)
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < size; text++) {
        unsigned char letter = (unsigned char)*text;
        bool space = isspace(letter) != 0;
        if (space && (used == 0 || out[used - 1] == ' ')) continue;
        out[used++] = space ? ' ' : letter < ' ' || letter > '~' ? '?' : (char)letter;
    }
    while (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
}

bool source_line(const char *image, const char *path, uint32_t line, char *out, size_t size)
{
    char *text = NULL;
    size_t room = 0;

    out[0] = '\0';
    if (path[0] == '\0' || line == 0) return false;
    FILE *file = open_source(image, path);
    if (file == NULL) return false;
    bool found = !is_newer(file, image);
    for (uint32_t i = 0; found && i < line; i++) found = getline(&text, &room, file) >= 0;
    if (found) put_words(text, out, size);
    free(text);
    fclose(file);
    return out[0] != '\0';
}

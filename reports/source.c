#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *open_source(const char *path)
{
    char full[4096], own[3072];

    if (path[0] == '/') return fopen(path, "re");
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length <= 0) return NULL;
    own[length] = '\0';
    *strrchr(own, '/') = '\0';
    snprintf(full, sizeof full, "%s/../%s", own, path);
    return fopen(full, "re");
}

static bool is_newer(FILE *file)
{
    struct stat source, executable;

    if (fstat(fileno(file), &source) != 0 || stat("/proc/self/exe", &executable) != 0) return true;
    if (source.st_mtim.tv_sec != executable.st_mtim.tv_sec)
        return source.st_mtim.tv_sec > executable.st_mtim.tv_sec;
    return source.st_mtim.tv_nsec > executable.st_mtim.tv_nsec;
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

bool source_line(const char *path, uint32_t line, char *out, size_t size)
{
    char *text = NULL;
    size_t room = 0;

    out[0] = '\0';
    if (path[0] == '\0' || line == 0) return false;
    FILE *file = open_source(path);
    if (file == NULL) return false;
    bool found = !is_newer(file);
    for (uint32_t i = 0; found && i < line; i++) found = getline(&text, &room, file) >= 0;
    if (found) put_words(text, out, size);
    free(text);
    fclose(file);
    return out[0] != '\0';
}

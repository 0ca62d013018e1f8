#include "sessiond/journal.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_words[] = {
#define LOG_LEVEL_WORD(name, word) word,
    LOG_LEVELS(LOG_LEVEL_WORD)
#undef LOG_LEVEL_WORD
};

struct journal {
    int fd;
    enum journal_level level;
    pthread_mutex_t lock; /* keeps lines apart */
};

bool journal_level_of(const char *word, enum journal_level *level)
{
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (strcmp(level_words[i], word) == 0) {
            *level = (enum journal_level)i;
            return true;
        }
    }
    return false;
}

struct journal *journal_new(int fd, enum journal_level level)
{
    struct journal *log = malloc(sizeof *log);
    if (log == NULL) return NULL;
    *log = (struct journal){.fd = fd, .level = level};
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void journal_free(struct journal *log)
{
    if (log == NULL) return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 1 && leap);
}

/* Not by gmtime_r(): glibc looks at time zones there, under a lock that a sanitizer of threads does
 * not know, and libwebsockets does so, too. */
static void set_time(json_t *line)
{
    struct timespec now;
    int year = 1970, month = 0;
    char text[80];
    clock_gettime(CLOCK_REALTIME, &now);
    long day = (long)(now.tv_sec / 86400), second = (long)(now.tv_sec % 86400);
    while (day >= days_of_month(year, month)) {
        day -= days_of_month(year, month);
        month = (month + 1) % 12;
        year += month == 0;
    }
    snprintf(text, sizeof text, "%04d-%02d-%02ldT%02ld:%02ld:%02ld.%03ldZ", year, month + 1,
             day + 1, second / 3600, second / 60 % 60, second % 60, now.tv_nsec / 1000000);
    json_object_set_new(line, "time", json_string(text));
}

static void write_line(struct journal *log, const char *text, size_t length)
{
    pthread_mutex_lock(&log->lock);
    while (length > 0) {
        ssize_t written = write(log->fd, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text += written;
        length -= (size_t)written;
    }
    pthread_mutex_unlock(&log->lock);
}

void journal_tell(struct journal *log, enum journal_level level, const char *event,
                  const char *format, ...)
{
    if (log == NULL || level > log->level) return;
    json_t *line = json_object();
    set_time(line);
    json_object_set_new(line, "level", json_string(level_words[level]));
    json_object_set_new(line, "event", json_string(event));
    if (format != NULL) {
        json_error_t error;
        va_list arguments;
        va_start(arguments, format);
        json_t *fields = json_vpack_ex(&error, 0, format, arguments);
        va_end(arguments);
        if (fields == NULL) fields = json_pack("{s:s}", "unwritable", error.text);
        json_object_update(line, fields);
        json_decref(fields);
    }
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    size_t length = text == NULL ? 0 : strlen(text);
    if (length > 0) {
        text[length] = '\n'; /* in place of its zero */
        write_line(log, text, length + 1);
    }
    free(text);
}

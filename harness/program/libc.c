/* What else of the C library keeps state, ends the program, or looks at the machine. */
#include "libc.h"

#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/world/world.h"

extern FILE *world_stderr;
int world_fprintf(FILE *face, const char *format, ...) __attribute__((format(printf, 2, 3)));
int world_vfprintf(FILE *face, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));
_Noreturn void world_exit(int status);

static char *token_next;

/* Names of the program, which it may replace. */
static void names_begin(void)
{
    static char *full, *last;
    if (full == NULL) {
        full = program_invocation_name;
        last = program_invocation_short_name;
    }
    program_invocation_name = full;
    program_invocation_short_name = last;
}

void libc_look(void (*look)(const char *from, const char *to))
{
    const char *known[] = {program_invocation_name, program_invocation_short_name, optarg,
                           token_next};
    look((const char *)known, (const char *)(known + sizeof known / sizeof *known));
}

void libc_begin(bool quiet)
{
    static char name[] = "", *none[] = {name, NULL};
    names_begin();
    token_next = NULL;
    environment_begin();
    /* Zero makes getopt() forget where it was, which it does when it is called next. */
    optind = 0;
    getopt(1, none, "");
    optind = 1;
    opterr = !quiet;
    optarg = NULL;
    errno = 0;
}

/* An idle machine. */
int world_getloadavg(double *out, int count)
{
    for (int i = 0; i < count && i < 3; i++) out[i] = 0;
    return count < 3 ? count : 3;
}

char *world_strtok(char *text, const char *delimiters)
{
    return strtok_r(text, delimiters, &token_next);
}

/* Only the locale in which every machine agrees. */
char *world_setlocale(int category, const char *name)
{
    static char only[] = "C";
    (void)category;
    if (name == NULL || *name == '\0' || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0) {
        return only;
    }
    return NULL;
}

/* What C++ makes its facets from. */
locale_t world___newlocale(int categories, const char *name, locale_t base)
{
    if (world_setlocale(LC_ALL, name)) return newlocale(categories, "C", base);
    errno = ENOENT;
    return (locale_t)0;
}

locale_t world_newlocale(int categories, const char *name, locale_t base)
{
    return world___newlocale(categories, name, base);
}

int world_getpagesize(void)
{
    return 4096;
}

/* --- err.h --- */

__attribute__((format(printf, 1, 0)))
static void complain(const char *format, va_list list, const char *reason)
{
    world_fprintf(world_stderr, "%s: ", program_invocation_short_name);
    if (format) world_vfprintf(world_stderr, format, list);
    world_fprintf(world_stderr, "%s%s\n", format && reason ? ": " : "", reason ? reason : "");
}

__attribute__((format(printf, 1, 0))) void world_vwarn(const char *format, va_list list)
{
    complain(format, list, strerror(errno));
}

__attribute__((format(printf, 1, 0))) void world_vwarnx(const char *format, va_list list)
{
    complain(format, list, NULL);
}

__attribute__((format(printf, 2, 0)))
_Noreturn void world_verr(int status, const char *format, va_list list)
{
    world_vwarn(format, list);
    world_exit(status);
}

__attribute__((format(printf, 2, 0)))
_Noreturn void world_verrx(int status, const char *format, va_list list)
{
    world_vwarnx(format, list);
    world_exit(status);
}

__attribute__((format(printf, 1, 2))) void world_warn(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    world_vwarn(format, list);
    va_end(list);
}

__attribute__((format(printf, 1, 2))) void world_warnx(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    world_vwarnx(format, list);
    va_end(list);
}

__attribute__((format(printf, 2, 3))) _Noreturn void world_err(int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    world_verr(status, format, list);
}

__attribute__((format(printf, 2, 3)))
_Noreturn void world_errx(int status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    world_verrx(status, format, list);
}

/* --- error.h --- */

/* As the C library has it: the place where there is one, the message, the reason. */
__attribute__((format(printf, 5, 0)))
static void tell_error(int status, int error, const char *file, unsigned line, const char *format,
                       va_list list)
{
    world_fprintf(world_stderr, "%s:", program_invocation_name);
    if (file) world_fprintf(world_stderr, "%s:%u:", file, line);
    world_fprintf(world_stderr, " ");
    world_vfprintf(world_stderr, format, list);
    world_fprintf(world_stderr, "%s%s\n", error ? ": " : "", error ? strerror(error) : "");
    if (status != 0) world_exit(status);
}

__attribute__((format(printf, 3, 4)))
void world_error(int status, int error, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell_error(status, error, NULL, 0, format, list);
    va_end(list);
}

__attribute__((format(printf, 5, 6)))
void world_error_at_line(int status, int error, const char *file, unsigned line,
                         const char *format, ...)
{
    va_list list;
    va_start(list, format);
    tell_error(status, error, file, line, format, list);
    va_end(list);
}

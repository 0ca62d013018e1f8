/* A folder of its own for a test, and what cmocka needs before it. */
#ifndef TESTS_ADAPTERS_FOLDER_H
#define TESTS_ADAPTERS_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FOLDER_MAX = 64, FILE_MAX = FOLDER_MAX + 64 };

static inline void folder_make(char folder[FOLDER_MAX])
{
    snprintf(folder, FOLDER_MAX, "/tmp/adapters-" "XX" "XX" "XX");
    assert_non_null(mkdtemp(folder));
}

static inline void folder_remove(const char *folder)
{
    char command[FILE_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static inline void folder_file(const char *folder, const char *name, char path[FILE_MAX])
{
    snprintf(path, FILE_MAX, "%s/%s", folder, name);
}

#endif

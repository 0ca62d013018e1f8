/* The cases as a table: what a runner reaches of an image that holds them. */
#include "posix_list.h"

struct posix_case {
    const char *name;
    void (*run)(void);
};

extern const struct posix_case posix_table[];

#define ROW(name, where) {#name, name},
const struct posix_case posix_table[] = {POSIX_CASES(ROW)};

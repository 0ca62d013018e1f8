/* The programs with a defect as a table: what a runner reaches of an image that holds them. */
#include "misuse_list.h"

struct misuse_case {
    const char *name;
    void (*run)(void);
    const char *finding;
    enum misuse_when when;
};

extern const struct misuse_case misuse_table[];

#define ROW(name, finding, when) {#name, name, #finding, when},
const struct misuse_case misuse_table[] = {MISUSES(ROW)};

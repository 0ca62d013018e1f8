/* Files that a report writes: folders made as needed, errors told with path and reason. */
#ifndef REPORTS_OUTPUT_H
#define REPORTS_OUTPUT_H

#include "reports/report.h"

enum { OUTPUT_PATH_MAX = 4096 };

struct output {
    FILE *file;
    char path[OUTPUT_PATH_MAX];
};

/* Opens `folder`/`name` for writing, or the path `name` when folder is NULL; makes the folders
 * that lead to it. False: *problem says why not. */
bool output_open(struct output *output, const char *folder, const char *name,
                 struct report_problem *problem);

/* Closes it. False if anything that was written is not in the file. */
bool output_close(struct output *output, struct report_problem *problem);

#endif

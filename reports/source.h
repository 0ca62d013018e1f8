/* Lines of source files, where these lie where they were compiled. */
#ifndef REPORTS_SOURCE_H
#define REPORTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* That line without its indentation. A path is absolute, or relative to the folder above that of
 * the executable, where a build in the tree has its sources. False: the file is not there, is newer
 * than the executable (then its lines may be others), or has nothing in that line. */
bool source_line(const char *path, uint32_t line, char *out, size_t size);

#endif

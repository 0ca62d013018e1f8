/* Lines of source files, where these lie where they were compiled. */
#ifndef REPORTS_SOURCE_H
#define REPORTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* That line without its indentation. A path is absolute, or relative to where the sources of
 * `image` are: NULL is the executable, whose build lies in the tree; a shared image
 * FOLDER/cores/NAME.so is made of a patched copy, FOLDER/obj/mutants/NAME. False: the file is not
 * there, is newer than the image (then its lines may be others), or has nothing in that line. */
bool source_line(const char *image, const char *path, uint32_t line, char *out, size_t size);

#endif

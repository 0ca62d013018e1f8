/* Files that were packed by gzip (RFC 1952), unpacked while they are read. Internal to
 * harness/capture. */
#ifndef HARNESS_CAPTURE_GZIP_H
#define HARNESS_CAPTURE_GZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Looks at the first bytes, at most 4, of a file that has not been read; gives how many there
 * are. */
size_t gzip_peek(FILE *file, uint8_t bytes[4]);

/* The same file if it is not packed by gzip; otherwise another one that gives what it holds, and
 * closes it in the end. Where what is packed is damaged or ends too early, reading it is an
 * error (ferror, EBADMSG). NULL, and the file is closed: no memory. */
FILE *gzip_open(FILE *file);

#endif

/* Small texts: durations, and names that somebody may have meant. */
#ifndef SESSIOND_WORDS_H
#define SESSIOND_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DURATION_TEXT_MAX = 32 };

/* "250ms", "30s", "10m", "24h", "1d", "5us", or "0". */
bool duration_read(const char *text, uint64_t *us);

/* The shortest of these texts. */
void duration_write(uint64_t us, char text[DURATION_TEXT_MAX]);

enum { PLACE_ADDRESS_MAX = 64 };

/* Where to listen: ADDRESS:PORT, [ADDRESS]:PORT, or *:PORT, which gives the address "". */
bool place_read(const char *text, char address[PLACE_ADDRESS_MAX], uint16_t *port);

/* How many letters have to be changed, added or left out; at most `limit` + 1 is told. */
size_t words_distance(const char *left, const char *right, size_t limit);

/* Are these the same bytes? Takes as long for any two of one length. */
bool words_same_secret(const char *left, const char *right);

#endif

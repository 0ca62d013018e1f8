/* The decisive pair in words. */
#ifndef REPORTS_DECIDED_H
#define REPORTS_DECIDED_H

#include <stdio.h>

#include "harness/explore/decisive.h"

/* Lines that name the two steps, each with its stack; or one that says that there is no such pair.
 * */
void decided_print(FILE *out, const struct decisive *decisive);

#endif

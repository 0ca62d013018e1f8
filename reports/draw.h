/* Draws a diagram as text, at most 100 columns wide. */
#ifndef REPORTS_DRAW_H
#define REPORTS_DRAW_H

#include <stdio.h>

#include "reports/diagram.h"

enum { DRAW_WIDTH = 100 };

/* A line of names, then one line for each row; a text that does not fit takes a second one.
 * Guilty rows end in "<<". */
void draw_diagram(FILE *out, const struct diagram *diagram, bool colour);

#endif

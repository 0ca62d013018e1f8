/* The formats of the report's files. Each writes one whole document. */
#ifndef REPORTS_WRITERS_H
#define REPORTS_WRITERS_H

#include <stdio.h>

#include <jansson.h>

#include "reports/diagram.h"
#include "reports/report.h"

/* trace.jsonl: a header, then one line per record of the execution (docs/TRACE.md). */
void jsonl_write(FILE *out, const struct report *report, const struct record *records,
                 uint32_t count);

/* One such line, as an object. */
json_t *jsonl_record(const struct record *record);

/* index.html: all of it, to be read in a browser. */
void html_write(FILE *out, const struct report *report);

/* sequence.mmd: a Mermaid sequence diagram. */
void mermaid_write(FILE *out, const char *title, const struct diagram *diagram);

#endif

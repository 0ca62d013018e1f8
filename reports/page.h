/* The page of a failure: one HTML file with everything in it, which asks no network.
 *
 * This side gathers what happened, as one JSON object; reports/page/ holds the style and the
 * script that draw it in the browser. Texts of the program under test are data there, never markup.
 */
#ifndef REPORTS_PAGE_H
#define REPORTS_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "harness/explore/decisive.h"
#include "reports/no_return.h"
#include "reports/trail.h"

struct page;

/* Never NULL. Free with page_free(). */
struct page *page_new(void);
void page_free(struct page *page);

/* A member of the head: "verdict", "name", "promise", "place", "text", "origin". NULL: left out. */
void page_head(struct page *page, const char *name, const char *text);

/* A text below the diagram, with a button that copies it. NULL or "": left out. */
void page_block(struct page *page, const char *title, const char *text);

void page_lane(struct page *page, const char *name);

/* All that was kept in reports/trail.h, named by the function: its index, and where to write. */
void page_steps(struct page *page, void (*describe)(uint32_t index, char *out, size_t size));

/* The two steps whose order decides, marked where the execution made them; NULL or one that was
 * not found: nothing. To be called after page_steps(), as the next one. */
void page_decisive(struct page *page, const struct decisive *decisive);
/* The two accesses of a data race as rows; any other finding: nothing. After page_steps(). */
void page_accesses(struct page *page, const struct world_finding *finding);
/* NULL: nothing. */
void page_no_return(struct page *page, const struct no_return *no_return);

/* A row of the diagram; takes the object. Rows of records have "step", "time", "at", "to", "label",
 * ...; rows of a program have "index", of the step that they show. Both have "shown": false hides
 * it until all are wanted. */
void page_row(struct page *page, json_t *row);
/* A record that rows refer to by its number; takes it. */
void page_record(struct page *page, json_t *record);

/* Writes the whole file. */
void page_write(FILE *out, const struct page *page);

#endif

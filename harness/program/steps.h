/* The steps of one execution with their places in the program, drawn as a column per thread. */
#ifndef HARNESS_PROGRAM_STEPS_H
#define HARNESS_PROGRAM_STEPS_H

#include <stdint.h>
#include <stdio.h>

struct page;
struct world_finding;

/* Draws what reports/trail.h has kept. At most `rows` rows (0: all), with those near a deviation
 * from the default, and the last ones. `choices` are the execution's. The two accesses of a data
 * race, which are no steps, are drawn where they were made. */
void steps_draw(FILE *out, const struct world_finding *finding, const uint16_t *choices,
                uint32_t choice_count, uint32_t rows);

/* One sentence for each thing that this failure needs besides an order of threads: a delayed
 * thread, a wait that ends without a signal. */
void steps_needs(FILE *out, int indent);

/* Adds the threads as lanes and the steps as rows to a page (reports/page.h); those that
 * steps_draw() would draw are shown at first. */
void steps_page(struct page *page, const struct world_finding *finding, const uint16_t *choices,
                uint32_t choice_count, uint32_t rows);

#endif

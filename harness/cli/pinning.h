/* Between the `schedule` block of the scenario language and the explorer's pins. */
#ifndef HARNESS_CLI_PINNING_H
#define HARNESS_CLI_PINNING_H

#include "harness/explore/pins.h"
#include "harness/scenario/ast.h"

/* The pins of the file's block: at most PINS_MAX. Returns how many. */
uint32_t pinning_read(const struct scn_file *file, struct pin *pins);

/* A follower that also sees the scenario's own points (labels of steps and faults); `rest` as
 * for strategy_pins. */
struct strategy *pinning_strategy(const struct scn_file *file, const struct pin *pins,
                                  uint32_t count, struct strategy *rest);

/* The block as text, header included, malloc'ed; NULL when out of memory. */
char *pinning_text(const struct scn_file *file, const struct pin *pins, uint32_t count);

/* The scenario's text with that block instead of its own schedule, under the name `name`; of the
 * explore block only what a single run needs is left. `transport` is that of every core, NULL: as
 * the text says. malloc'ed. */
char *pinning_scenario(const struct scn_file *file, const char *source, const char *name,
                       const char *schedule, const char *transport);

#endif

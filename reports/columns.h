/* Which parties get a column, and in which order. Shared by the files of the diagram only. */
#ifndef REPORTS_COLUMNS_H
#define REPORTS_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "reports/diagram.h"

enum { COLUMNS_PARTIES = PARTY_THREAD + WORLD_ENTITIES_MAX };

struct columns {
    uint32_t count;
    bool folded;                        /* the threads of a core share its column */
    bool others;                        /* the last column is for all who have none */
    uint16_t parties[DIAGRAM_COLUMNS_MAX];
};

/* The parties at which one of the records is drawn; *to is PARTY_NOBODY unless there is an arrow. A
 * core that acts through one of its threads is that thread. What is sent has no arrow: its arrival
 * has one. */
void columns_ends(const struct record *records, const struct record *record, uint16_t *at,
                  uint16_t *to);

/* Columns for the records whose flag is set. */
void columns_find(const struct record *records, uint32_t count, const bool *flags,
                  struct columns *columns);

/* The column of a party. */
uint8_t columns_of(const struct columns *columns, uint16_t party);

const char *columns_name(const struct columns *columns, uint32_t column);

#endif

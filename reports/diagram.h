/* The rows and columns of an interleaving: which records are worth showing, and where.
 *
 * A column is a party: a tab, an agent, a thread of a core, a store, a sandbox. A row is a record,
 * or several that happened in one instant along one arrow. The terminal and the sequence diagram
 * draw the same rows.
 */
#ifndef REPORTS_DIAGRAM_H
#define REPORTS_DIAGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check/check.h"
#include "reports/labels.h"

enum {
    DIAGRAM_COLUMNS_MAX = 8,
    DIAGRAM_NAME_MAX = 40,
    DIAGRAM_NOWHERE = 255,      /* no column */
};

struct diagram_row {
    uint64_t time_ns;
    uint32_t record;            /* number of its first record */
    uint32_t last;              /* number of the last record that joined it */
    uint32_t elided;            /* 0; otherwise this row stands for that many */
    uint8_t at;                 /* column of the label, where an arrow begins */
    uint8_t to;                 /* column where the arrow ends, or DIAGRAM_NOWHERE */
    bool under_way;             /* a message leaves; it arrives in a later row or never */
    bool fault;
    bool key;                   /* counts for what was violated: elided last */
    bool guilty;
    char label[LABEL_MAX];
    char effect[LABEL_MAX];     /* said at `to` */
};

struct diagram {
    uint32_t column_count;
    char columns[DIAGRAM_COLUMNS_MAX][DIAGRAM_NAME_MAX];
    uint32_t row_count;
    struct diagram_row *rows;
};

struct diagram_options {
    const struct check_set *set;    /* NULL: every record concerns */
    uint32_t property;              /* that was violated */
    uint32_t guilty;                /* number of the record that shows it, or 0 */
    const char *schedule;           /* points and steps that it names are shown; may be NULL */
    bool full;                      /* everything */
    uint32_t rows_max;              /* elide the middle beyond that; 0: never */
};

/* Draws these records. Free with diagram_free(). */
struct diagram *diagram_new(const struct record *records, uint32_t count,
                            const struct diagram_options *options);
void diagram_free(struct diagram *diagram);

/* Which of the records are shown: flags[0..count). */
void diagram_select(const struct record *records, uint32_t count,
                    const struct diagram_options *options, bool *flags);

#endif

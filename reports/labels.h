/* What a record says in a diagram: one short phrase, and how it is drawn. */
#ifndef REPORTS_LABELS_H
#define REPORTS_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/check/record.h"

/* How a kind takes part in a row. Arrows need both ends; without them all are like AT. */
enum label_shape {
    LABEL_AT,       /* something that one party does or learns */
    LABEL_CALL,     /* an arrow from one party to another, in one instant */
    LABEL_SEND,     /* a message leaves; its arrival is a record of its own */
    LABEL_ARRIVE,   /* the arrow of a message, from departure to arrival */
    LABEL_EFFECT,   /* what a call did at its far end: joins the arrow of the call */
    LABEL_ATTEMPT,  /* as EFFECT, but says nothing that the call has not said */
    LABEL_REPLY,    /* an arrow back; says nothing when it comes at once and well */
};

enum { LABEL_MAX = 160 };

enum label_shape label_shape_of(enum record_kind kind);

/* True for what went wrong on purpose: drawn with an exclamation mark. */
bool label_is_fault(enum record_kind kind);

/* True for what is always worth a row, whatever was violated: faults, lives of cores, and what a
 * user did. */
bool label_is_landmark(const struct record *record);

/* True for what is only worth a row when somebody asked for it: steps, points, calm. */
bool label_is_noise(enum record_kind kind);

/* Writes the phrase, without the exclamation mark. */
void label_write(const struct record *record, char *out, size_t size);

#endif

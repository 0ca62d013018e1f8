#ifndef EXTERNAL_COUNTER_H
#define EXTERNAL_COUNTER_H

/* Count one; any thread. */
void counter_add(void);
int counter_value(void);

#endif

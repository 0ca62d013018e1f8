/* SIGHUP, SIGINT and SIGTERM, for who has something to put away first. */
#ifndef HARNESS_CLI_INTERRUPT_H
#define HARNESS_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on they are only noted; those that are ignored stay so. To be called by one thread, and
 * not twice without interrupt_forget. */
void interrupt_catch(void);
/* Whether one has come since. */
bool interrupt_came(void);
/* Everything is as it was before; also to be called in a child. */
void interrupt_forget(void);
/* Ends the process by the signal that had come, if any did. After interrupt_forget. */
void interrupt_obey(void);

#endif

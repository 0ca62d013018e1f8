/* SIGHUP, SIGINT and SIGTERM, for who has something to put away first. */
#ifndef HARNESS_CLI_INTERRUPT_H
#define HARNESS_CLI_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* From here on they are only noted; those that are ignored stay so. To be called by one thread, and
 * not twice without interrupt_forget. */
void interrupt_catch(void);
/* Whether one has come since. */
bool interrupt_came(void);
/* Everything is as it was before; also to be called in a child. */
void interrupt_forget(void);
/* From here on whoever interrupts this process reads on standard error how far it was: `before`,
 * the number that *runs is then (which has to stay), `behind`. It still ends by the signal, and so
 * do the processes that it has started. `before` NULL: no more. */
void interrupt_tell(const char *before, const uint64_t *runs, const char *behind);
/* Ends the process by the signal that had come, if any did. After interrupt_forget. */
void interrupt_obey(void);

#endif

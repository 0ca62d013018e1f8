/* Shared libraries that a program asks for while it runs. */
#ifndef HARNESS_PROGRAM_PLUGINS_H
#define HARNESS_PROGRAM_PLUGINS_H

/* An execution begins. */
void plugins_begin(void);

#endif

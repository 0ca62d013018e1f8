/* Memory by the page: anonymous, or of files. Protection is not enforced, and pages lie where
 * other memory does. What is mapped for all to see is the file's own content. */
#ifndef HARNESS_PROGRAM_MAPPING_H
#define HARNESS_PROGRAM_MAPPING_H

/* Before every execution: nothing is mapped. */
void mapping_begin(void);

/* What is kept here of the program's memory. */
void mapping_look(void (*look)(const char *from, const char *to));

#endif

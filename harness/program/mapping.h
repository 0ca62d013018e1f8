/* Memory that a program maps. */
#ifndef HARNESS_PROGRAM_MAPPING_H
#define HARNESS_PROGRAM_MAPPING_H

/* Before every execution: nothing is mapped. */
void mapping_begin(void);

#endif

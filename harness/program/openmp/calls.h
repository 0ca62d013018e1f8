/* What gcc calls (libgomp's interface), as far as there is no header that declares it. */
#ifndef HARNESS_PROGRAM_OPENMP_CALLS_H
#define HARNESS_PROGRAM_OPENMP_CALLS_H

#include <stdbool.h>

typedef void openmp_body(void *data);

void GOMP_parallel(openmp_body *body, void *data, unsigned threads, unsigned flags);
bool GOMP_cancel(int which, bool really);
bool GOMP_cancellation_point(int which);
void GOMP_barrier(void);
bool GOMP_barrier_cancel(void);
bool GOMP_single_start(void);
void *GOMP_single_copy_start(void);
void GOMP_single_copy_end(void *copy);
void GOMP_critical_start(void);
void GOMP_critical_end(void);
void GOMP_critical_name_start(void **name);
void GOMP_critical_name_end(void **name);
void GOMP_atomic_start(void);
void GOMP_atomic_end(void);

void GOMP_loop_end(void);
bool GOMP_loop_end_cancel(void);
void GOMP_loop_end_nowait(void);
void GOMP_ordered_start(void);
void GOMP_ordered_end(void);
unsigned GOMP_sections_start(unsigned count);
unsigned GOMP_sections_next(void);
void GOMP_sections_end(void);
bool GOMP_sections_end_cancel(void);
void GOMP_sections_end_nowait(void);
void GOMP_parallel_sections(openmp_body *body, void *data, unsigned threads, unsigned count,
                            unsigned flags);

void GOMP_task(openmp_body *body, void *data, void (*copy)(void *, void *), long bytes,
               long alignment, bool deferred, unsigned flags, void **depends, int priority);
void GOMP_taskwait(void);
void GOMP_taskwait_depend(void **depends);
void GOMP_taskyield(void);
void GOMP_taskgroup_start(void);
void GOMP_taskgroup_end(void);
void GOMP_taskloop(openmp_body *body, void *data, void (*copy)(void *, void *), long bytes,
                   long alignment, unsigned flags, unsigned long tasks, int priority, long start,
                   long end, long step);

#endif

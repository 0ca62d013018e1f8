/* The functions of omp.h, with gcc's layout of locks. They are declared again here as the compiler
 * that builds the harness need not be the one that programs are compiled by. */
#ifndef HARNESS_PROGRAM_OPENMP_USER_H
#define HARNESS_PROGRAM_OPENMP_USER_H

#include <stdint.h>

/* The beginning of omp_nest_lock_t; omp_lock_t is only the number. */
struct nest_lock {
    uint32_t number, depth;
};

int omp_get_num_procs(void);
int omp_get_max_threads(void);
int omp_get_max_active_levels(void);
void omp_set_schedule(int kind, int chunk);
void omp_get_schedule(int *kind, int *chunk);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
int omp_in_final(void);
int omp_get_level(void);
int omp_get_active_level(void);
int omp_get_ancestor_thread_num(int level);
int omp_get_team_size(int level);
void omp_set_num_threads(int count);
int omp_get_thread_limit(void);
void omp_set_max_active_levels(int levels);
int omp_get_supported_active_levels(void);
void omp_set_nested(int nested);
int omp_get_nested(void);
void omp_set_dynamic(int set);
int omp_get_dynamic(void);
int omp_get_cancellation(void);
int omp_get_proc_bind(void);
int omp_get_num_devices(void);
int omp_is_initial_device(void);
int omp_get_num_teams(void);
int omp_get_team_num(void);
double omp_get_wtime(void);
double omp_get_wtick(void);

void omp_init_lock(uint32_t *lock);
void omp_init_lock_with_hint(uint32_t *lock, int hint);
void omp_destroy_lock(uint32_t *lock);
void omp_set_lock(uint32_t *lock);
void omp_unset_lock(uint32_t *lock);
int omp_test_lock(uint32_t *lock);
void omp_init_nest_lock(struct nest_lock *lock);
void omp_init_nest_lock_with_hint(struct nest_lock *lock, int hint);
void omp_destroy_nest_lock(struct nest_lock *lock);
void omp_set_nest_lock(struct nest_lock *lock);
void omp_unset_nest_lock(struct nest_lock *lock);
int omp_test_nest_lock(struct nest_lock *lock);

#endif

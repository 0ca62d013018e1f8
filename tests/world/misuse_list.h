/* Programs with one defect each, and the word of the finding that the world must raise. */
#ifndef TESTS_WORLD_MISUSE_LIST_H
#define TESTS_WORLD_MISUSE_LIST_H

/* When the finding comes: in every schedule; in some, while others pass or show what follows
 * from the defect; or only where every access to memory is instrumented. */
enum misuse_when { ALWAYS, SOMETIMES, AT_MEMORY_LEVEL };

/* X(program, finding, when); the words are those of the world's table of findings. */
#define MISUSES(X) \
    X(misuse_mutex_unlocked_by_another, unlock_not_owner, ALWAYS) \
    X(misuse_mutex_unlocked_twice, unlock_not_owner, ALWAYS) \
    X(misuse_mutex_never_locked, unlock_not_owner, ALWAYS) \
    X(misuse_mutex_locked_twice, relock, ALWAYS) \
    X(misuse_mutex_destroyed_by_holder, destroy_busy, ALWAYS) \
    X(misuse_mutex_destroyed_while_another_holds, destroy_busy, ALWAYS) \
    X(misuse_mutex_locked_after_destroy, use_destroyed, ALWAYS) \
    X(misuse_mutex_destroyed_twice, use_destroyed, ALWAYS) \
    X(misuse_mutex_copied, uninitialised_object, ALWAYS) \
    X(misuse_mutex_never_initialised, uninitialised_object, ALWAYS) \
    X(misuse_mutex_held_at_thread_end, exit_holding_lock, ALWAYS) \
    X(misuse_mutex_held_by_cancelled_waiter, exit_holding_lock, ALWAYS) \
    X(misuse_spin_unlocked_by_another, unlock_not_owner, ALWAYS) \
    X(misuse_spin_locked_twice, relock, ALWAYS) \
    X(misuse_cond_wait_without_mutex, cond_mutex_not_held, ALWAYS) \
    X(misuse_cond_wait_with_foreign_mutex, cond_mutex_not_held, ALWAYS) \
    X(misuse_cond_two_mutexes, cond_two_mutexes, ALWAYS) \
    X(misuse_cond_destroyed_with_waiter, destroy_busy, SOMETIMES) \
    X(misuse_cond_signalled_after_destroy, use_destroyed, ALWAYS) \
    X(misuse_cond_never_initialised, uninitialised_object, ALWAYS) \
    X(misuse_cond_never_signalled, stuck_waiter, SOMETIMES) \
    X(misuse_cond_signal_before_wait, stuck_waiter, SOMETIMES) \
    X(misuse_cond_signal_for_broadcast, stuck_waiter, SOMETIMES) \
    X(misuse_join_twice, join_invalid, ALWAYS) \
    X(misuse_join_detached, join_invalid, ALWAYS) \
    X(misuse_join_self, join_invalid, ALWAYS) \
    X(misuse_join_by_two, join_invalid, ALWAYS) \
    X(misuse_rwlock_write_lock_released_by_another, unlock_not_owner, ALWAYS) \
    X(misuse_rwlock_read_lock_released_by_another, unlock_not_owner, ALWAYS) \
    X(misuse_rwlock_never_locked, unlock_not_owner, ALWAYS) \
    X(misuse_rwlock_destroyed_while_read, destroy_busy, ALWAYS) \
    X(misuse_rwlock_locked_after_destroy, use_destroyed, ALWAYS) \
    X(misuse_sem_posted_too_often, overflow, ALWAYS) \
    X(misuse_sem_never_initialised, uninitialised_object, ALWAYS) \
    X(misuse_sem_posted_after_destroy, use_destroyed, ALWAYS) \
    X(misuse_sem_never_posted, stuck_waiter, ALWAYS) \
    X(misuse_barrier_destroyed_with_waiter, destroy_busy, SOMETIMES) \
    X(misuse_barrier_one_too_few, stuck_waiter, ALWAYS) \
    X(misuse_barrier_never_initialised, uninitialised_object, ALWAYS) \
    X(misuse_gone_sem_destroyed_before_try, use_destroyed, SOMETIMES) \
    X(misuse_gone_sem_destroyed_before_expired_wait, use_destroyed, SOMETIMES) \
    X(misuse_gone_sem_destroyed_before_look, use_destroyed, SOMETIMES) \
    X(misuse_gone_barrier_destroyed_before_wait, use_destroyed, SOMETIMES) \
    X(misuse_gone_rwlock_destroyed_before_try, use_destroyed, SOMETIMES) \
    X(misuse_gone_mutex_destroyed_before_try, use_destroyed, SOMETIMES) \
    X(misuse_gone_sem_freed_before_wait, use_after_free, SOMETIMES) \
    X(misuse_gone_barrier_freed_before_wait, use_after_free, SOMETIMES) \
    X(misuse_gone_rwlock_freed_before_lock, use_after_free, SOMETIMES) \
    X(misuse_gone_mutex_freed_before_lock, use_after_free, SOMETIMES) \
    X(misuse_gone_mutex_freed_before_unlock, use_after_free, SOMETIMES) \
    X(misuse_memory_freed_twice, double_free, ALWAYS) \
    X(misuse_memory_freed_by_two_threads, double_free, ALWAYS) \
    X(misuse_memory_interior_pointer_freed, invalid_free, ALWAYS) \
    X(misuse_memory_stack_freed, invalid_free, ALWAYS) \
    X(misuse_memory_global_freed, invalid_free, ALWAYS) \
    X(misuse_memory_written_after_free, use_after_free, ALWAYS) \
    X(misuse_memory_read_after_free, use_after_free, AT_MEMORY_LEVEL) \
    X(misuse_memory_written_after_realloc, use_after_free, ALWAYS) \
    X(misuse_memory_one_beyond_the_end, heap_overflow, ALWAYS) \
    X(misuse_memory_one_beyond_an_odd_end, heap_overflow, ALWAYS) \
    X(misuse_memory_never_freed, leak, ALWAYS) \
    X(misuse_memory_result_never_freed, leak, ALWAYS) \
    X(misuse_deadlock_opposite_orders, deadlock, SOMETIMES) \
    X(misuse_deadlock_join_with_lock_held, deadlock, ALWAYS) \
    X(misuse_deadlock_of_three_with_join, deadlock, ALWAYS) \
    X(misuse_deadlock_of_philosophers, deadlock, SOMETIMES) \
    X(misuse_order_by_sleeping, assert, SOMETIMES) \
    X(misuse_order_by_hope, assert, SOMETIMES) \
    X(misuse_fatal_null_pointer, crash, ALWAYS) \
    X(misuse_fatal_null_pointer_in_thread, crash, ALWAYS) \
    X(misuse_fatal_null_call, crash, ALWAYS) \
    X(misuse_fatal_recursion, stack_overflow, ALWAYS) \
    X(misuse_fatal_recursion_in_thread, stack_overflow, ALWAYS) \
    X(misuse_fatal_abort, abort, ALWAYS) \
    X(misuse_fatal_abort_in_thread, abort, ALWAYS) \
    X(misuse_fatal_assertion, assert, ALWAYS) \
    X(misuse_fatal_endless_loop, endless_loop, ALWAYS)

#define MISUSE_DECLARE(name, finding, when) void name(void);
MISUSES(MISUSE_DECLARE)
#undef MISUSE_DECLARE

#endif

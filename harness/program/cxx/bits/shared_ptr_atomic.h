/* Before the header of that name of libstdc++: std::atomic<std::shared_ptr> unlocks what a load has
 * read with relaxed order, which is a data race by the letter of the standard, in the library, and
 * none that a program could avoid. Here it releases. */
#ifndef HARNESS_SHARED_PTR_ATOMIC_H
#define HARNESS_SHARED_PTR_ATOMIC_H

/* What that header includes itself, which is not to be touched. */
#include <bits/atomic_base.h>

#define fetch_sub(value, order) fetch_sub(value, std::memory_order_acq_rel)
#include_next <bits/shared_ptr_atomic.h>
#undef fetch_sub

#endif

/* Before the header of that name of libstdc++: the semaphores of GCC 11 and 12 compare the count,
 * when they go to sleep, with one that they read before they looked for the last time, and so can
 * sleep for ever (https://gcc.gnu.org/PR104928). That is no mistake of the program. Here they sleep
 * only while it is 0. */
#ifndef HARNESS_SEMAPHORE_BASE_H
#define HARNESS_SEMAPHORE_BASE_H

#include <bits/c++config.h>

#if _GLIBCXX_RELEASE <= 12 && __cplusplus > 201703L
#include <bits/atomic_base.h>
#include <bits/atomic_timed_wait.h>

namespace std {

template <typename Taken>
void harness_wait(const __detail::__platform_wait_t *count, Taken taken) noexcept
{
    while (!taken()) __detail::__platform_wait(count, 0);
}

template <typename Taken, typename Clock, typename Duration>
bool harness_wait_until(const __detail::__platform_wait_t *count, Taken taken,
                        const chrono::time_point<Clock, Duration> &end) noexcept
{
    while (!taken()) {
        if (__detail::__platform_wait_until(count, 0, end)) continue;
        if (taken()) return true;
        if (Clock::now() >= end) return false;
    }
    return true;
}

template <typename Taken, typename Rep, typename Period>
bool harness_wait_for(const __detail::__platform_wait_t *count, Taken taken,
                      const chrono::duration<Rep, Period> &time) noexcept
{
    using clock = chrono::steady_clock;
    return harness_wait_until(count, taken, clock::now() + chrono::ceil<clock::duration>(time));
}

}

#define __atomic_wait_address_bare harness_wait
#define __atomic_wait_address_until_bare harness_wait_until
#define __atomic_wait_address_for_bare harness_wait_for
#include_next <bits/semaphore_base.h>
#undef __atomic_wait_address_bare
#undef __atomic_wait_address_until_bare
#undef __atomic_wait_address_for_bare
#else
#include_next <bits/semaphore_base.h>
#endif

#endif

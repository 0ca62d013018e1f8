/* Behind the header of that name of libstdc++: who waits for an atomic variable looks at it sixteen
 * times before it sleeps, so that it would hardly ever sleep here, and a forgotten notify_one()
 * would never be missed. Here it looks once. */
#include_next <bits/atomic_wait.h>

#ifndef HARNESS_ATOMIC_WAIT_H
#define HARNESS_ATOMIC_WAIT_H

#if __cplusplus > 201703L && defined __cpp_lib_atomic_wait
namespace std {
namespace __detail {

/* Preferred to the library's, which asks for nothing; found where templates of the library, of
 * which this one knows nothing yet, are used. */
template <typename Look, typename Spin>
    requires true
bool __atomic_spin(Look &look, Spin) noexcept
{
    return look();
}

}
}
#endif

#endif

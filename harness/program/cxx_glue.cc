// What stands in for parts of the C++ runtime, in every C++ program: those that wait, allocate or
// end the process behind the program's back, or ask the machine for chance. cxx_* are bound to
// harness/world/cxx.c.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <random>
#include <string>
#include <typeinfo>

extern "C" {
int cxx_guard_acquire(uint64_t *guard);
void cxx_guard_release(uint64_t *guard);
void cxx_guard_abort(uint64_t *guard);
void *cxx_new(size_t bytes, size_t alignment, const void *site);
void cxx_delete(void *block, const void *site);
void *cxx_exception_new(size_t bytes);
void cxx_exception_free(void *block);
void cxx_exception_left(void *exception);
[[noreturn]] void cxx_terminate(const char *text);
uint32_t arc4random(void);
}

// --- local statics ---

namespace __cxxabiv1 {

extern "C" int __cxa_guard_acquire(__guard *guard) noexcept
{
    return cxx_guard_acquire(reinterpret_cast<uint64_t *>(guard));
}

extern "C" void __cxa_guard_release(__guard *guard) noexcept
{
    cxx_guard_release(reinterpret_cast<uint64_t *>(guard));
}

extern "C" void __cxa_guard_abort(__guard *guard) noexcept
{
    cxx_guard_abort(reinterpret_cast<uint64_t *>(guard));
}

} // namespace __cxxabiv1

// --- new and delete: weak, as programs may have their own ---

#define SITE __builtin_return_address(0)
#define WEAK __attribute__((weak))

static void *get(std::size_t bytes, std::size_t alignment, const void *site)
{
    for (;;) {
        if (void *block = cxx_new(bytes, alignment, site)) return block;
        std::new_handler handler = std::get_new_handler();
        if (!handler) throw std::bad_alloc();
        handler();
    }
}

static void *try_get(std::size_t bytes, std::size_t alignment, const void *site) noexcept
{
    try {
        return get(bytes, alignment, site);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

enum { USUAL = __STDCPP_DEFAULT_NEW_ALIGNMENT__ };

#define OPERATORS(kind)                                                                            \
    WEAK void *operator new kind(std::size_t bytes) { return get(bytes, USUAL, SITE); }            \
    WEAK void *operator new kind(std::size_t bytes, std::align_val_t alignment)                    \
    {                                                                                              \
        return get(bytes, static_cast<std::size_t>(alignment), SITE);                              \
    }                                                                                              \
    WEAK void *operator new kind(std::size_t bytes, const std::nothrow_t &) noexcept               \
    {                                                                                              \
        return try_get(bytes, USUAL, SITE);                                                        \
    }                                                                                              \
    WEAK void *operator new kind(std::size_t bytes, std::align_val_t alignment,                    \
                                 const std::nothrow_t &) noexcept                                  \
    {                                                                                              \
        return try_get(bytes, static_cast<std::size_t>(alignment), SITE);                          \
    }                                                                                              \
    WEAK void operator delete kind(void *block) noexcept { cxx_delete(block, SITE); }              \
    WEAK void operator delete kind(void *block, std::size_t) noexcept { cxx_delete(block, SITE); } \
    WEAK void operator delete kind(void *block, std::align_val_t) noexcept                         \
    {                                                                                              \
        cxx_delete(block, SITE);                                                                   \
    }                                                                                              \
    WEAK void operator delete kind(void *block, std::size_t, std::align_val_t) noexcept            \
    {                                                                                              \
        cxx_delete(block, SITE);                                                                   \
    }                                                                                              \
    WEAK void operator delete kind(void *block, const std::nothrow_t &) noexcept                   \
    {                                                                                              \
        cxx_delete(block, SITE);                                                                   \
    }                                                                                              \
    WEAK void operator delete kind(void *block, std::align_val_t, const std::nothrow_t &) noexcept \
    {                                                                                              \
        cxx_delete(block, SITE);                                                                   \
    }

OPERATORS()
OPERATORS([])

namespace __cxxabiv1 {

// --- memory of exceptions: without a reserve for when there is none ---

// What the library keeps before an exception, and for one that is thrown again elsewhere: the ABI's,
// and its own count, rounded up.
enum { HEAD_BYTES = 128, DEPENDENT_BYTES = 128 };

extern "C" void *__cxa_allocate_exception(std::size_t bytes) noexcept
{
    return static_cast<char *>(cxx_exception_new(HEAD_BYTES + bytes)) + HEAD_BYTES;
}

extern "C" void __cxa_free_exception(void *exception) noexcept
{
    cxx_exception_free(static_cast<char *>(exception) - HEAD_BYTES);
}

extern "C" __cxa_dependent_exception *__cxa_allocate_dependent_exception() noexcept
{
    return static_cast<__cxa_dependent_exception *>(cxx_exception_new(DEPENDENT_BYTES));
}

extern "C" void __cxa_free_dependent_exception(__cxa_dependent_exception *exception) noexcept
{
    cxx_exception_free(exception);
}

} // namespace __cxxabiv1

// --- exceptions that threads share: who gives one up does so before it is destroyed ---
//
// The library counts users by atomic operations of its own, which are not seen. harness-cc has it call
// these instead (--wrap).

#define RELEASE(prefix) prefix##_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv

extern "C" {
void __real___cxa_end_catch();
void __wrap___cxa_end_catch();
void RELEASE(__real_)(void **pointer);
void RELEASE(__wrap_)(void **pointer);
}

void __wrap___cxa_end_catch()
{
    // Its copy of the pointer gives it up, by the function below.
    static_cast<void>(std::current_exception());
    __real___cxa_end_catch();
}

void RELEASE(__wrap_)(void **pointer)
{
    cxx_exception_left(*pointer);
    RELEASE(__real_)(pointer);
}

// --- the end by std::terminate() ---

enum { TEXT_BYTES = 512 };

static void add_what(char *text, std::size_t used)
{
    try {
        throw;
    } catch (const std::exception &exception) {
        std::snprintf(text + used, TEXT_BYTES - used, ", what(): %s", exception.what());
    } catch (...) {
    }
}

static void describe_exception(const std::type_info &type, char *text)
{
    int status = -1;
    char *readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::snprintf(text, TEXT_BYTES, "terminate called after throwing an instance of '%s'",
                  status == 0 ? readable : type.name());
    std::free(readable);
    add_what(text, std::strlen(text));
}

namespace __gnu_cxx {

void __verbose_terminate_handler()
{
    char text[TEXT_BYTES] = "terminate called without an active exception";
    const std::type_info *type = abi::__cxa_current_exception_type();
    if (type) describe_exception(*type, text);
    cxx_terminate(text);
}

} // namespace __gnu_cxx

// Tables of the library refer to it weakly, which would leave it out.
[[gnu::used]] static void (*const pure_virtual)() = abi::__cxa_pure_virtual;

// --- chance: every device is the world's ---

namespace std {

void random_device::_M_init(const std::string &) {}
void random_device::_M_init(const char *, size_t) {}
void random_device::_M_init_pretr1(const std::string &) {}
void random_device::_M_fini() {}
double random_device::_M_getentropy() const noexcept { return 32; }
random_device::result_type random_device::_M_getval() { return arc4random(); }
random_device::result_type random_device::_M_getval_pretr1() { return arc4random(); }

} // namespace std

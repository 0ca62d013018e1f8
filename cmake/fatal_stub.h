/*
 * Stands in for a function that a prebuilt library refers to and that must never be reached. Weak:
 * an image that needs it for another of its libraries has its own.
 */
#ifndef CMAKE_FATAL_STUB_H
#define CMAKE_FATAL_STUB_H

#include "harness/world/image.h"

#define FATAL_STUB(symbol)                                                                         \
    __attribute__((weak)) void stub_##symbol(void) __asm__(#symbol);                               \
    void stub_##symbol(void)                                                                       \
    {                                                                                              \
        world_uncontrolled(#symbol, __builtin_return_address(0));                                  \
    }

#endif

/* Accesses of the program, as the functions see them that are called for each. */
#ifndef HARNESS_WORLD_INSTRUMENT_H
#define HARNESS_WORLD_INSTRUMENT_H

#include "race.h"

#pragma GCC visibility push(hidden)

/* The running thread is about to access so many bytes, by the call that returns to `pc`: a
 * scheduling point and a step at level points, and looked at for races. */
void instrument_touch(const void *memory, size_t bytes, uint32_t flags, uintptr_t pc);
/* As that, for an aligned access of 2^size bytes that is not known to be repeated. */
void instrument_first(const void *memory, uint32_t size, uint32_t flags, uintptr_t pc);
/* The same of each size, where nothing is known of the registers: instrument_first.c. */
#define INSTRUMENT_FIRST(bytes)                                                                    \
    void instrument_first_read##bytes(uintptr_t address, uintptr_t pc);                            \
    void instrument_first_write##bytes(uintptr_t address, uintptr_t pc);
INSTRUMENT_FIRST(1)
INSTRUMENT_FIRST(2)
INSTRUMENT_FIRST(4)
INSTRUMENT_FIRST(8)
INSTRUMENT_FIRST(16)
/* The same of a volatile variable. Who looks again and again without setting any waits for
 * somebody, who goes first from time to time, and after that for as long as he can. */
void instrument_look(const void *memory, size_t bytes, uintptr_t pc);
void instrument_set(const void *memory, size_t bytes, uintptr_t pc);

/* --- assembler code: instrument_assembler.c --- */

/* Around an atomic operation on so many bytes, at most 16: a scheduling point before it, a step
 * behind it. */
void instrument_assembler_begin(uintptr_t address, uint32_t bytes, uintptr_t pc);
void instrument_assembler_end(void);
/* Whether there was one on those bytes before; if so, what a plain access to them orders is. */
bool instrument_ordered(uintptr_t address, size_t bytes, uint32_t flags);

/* --- accesses that clang compared in place: instrument_quick.c --- */

/* As instrument_first(): `code` is log2 of the size, and whether it writes. */
enum { INSTRUMENT_SIZE = 7, INSTRUMENT_WRITE = 8 };
/* Or what assembler code does, in apart_x86_64.S, too. */
enum { INSTRUMENT_BEGIN = 16, INSTRUMENT_END = 32 };
void instrument_slow(uintptr_t address, uint32_t code, uintptr_t pc);

/* Whether the processor has registers that fxsave does not keep. */
extern uint8_t instrument_has_avx;

/* Once, before anything else. */
void instrument_init(void);

#pragma GCC visibility pop

#endif

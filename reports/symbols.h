/* Names for code addresses of this process: function, file and line from the debug information of
 * the executable and of the shared images that it has loaded.
 *
 * An address is never printed: it would differ from run to run. What has no name is
 * "(no debug info)".
 */
#ifndef REPORTS_SYMBOLS_H
#define REPORTS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/world/world.h"

enum { SYMBOL_NAME_MAX = 96, SYMBOL_FILE_MAX = 160, SYMBOL_PATH_MAX = 512, SYMBOL_INLINE_MAX = 24 };

/* One function at one place; file is "" and line 0 when only the function is known. */
struct symbol {
    char function[SYMBOL_NAME_MAX];
    char file[SYMBOL_FILE_MAX];     /* as in the debug information: "core/conn.c" */
    char path[SYMBOL_PATH_MAX];     /* the whole; absolute unless the compiler was told not to */
    uint32_t line;
    bool system;                    /* of the library of C++, or in a header of the system */
};

/* Names the call that returns to `pc`: the function it is in and, if that was inlined, its
 * callers, innermost first. Writes at most `max` and returns how many; 0: nothing is known. */
uint32_t symbol_find(uintptr_t pc, struct symbol *out, uint32_t max);

/* Names what lies at that address in a static variable: "lock", "queue.not_empty", "forks[2]"; or
 * "queue+40" when only the variable is known. False if there is none. */
bool symbol_of_data(const void *address, char *out, size_t size);

/* What a symbol of C++ is called in the sources: "_ZNSt6thread4joinEv" is "std::thread::join".
 * False if it is none, or a long one. */
bool symbol_readable(const char *symbol, char *out, size_t size);

/* What this process has loaded; NULL: unknown. Stays until symbols_close(). */
struct Dwfl *symbols_process(void);

/* Forgets what was opened; shared images that were loaded since are then found, too. */
void symbols_close(void);

/* "core/conn.c:120 (conn_input)", "memcpy (no debug info)" or "(no debug info)". */
void symbol_describe(uintptr_t pc, char *out, size_t size);

/* Copies text with every {pc:HEX} replaced by its description, every {data:HEX} by the name of what
 * lies there. malloc'ed. */
char *symbols_expand(const char *text);

/* The innermost place outside of the simulated machine. False if there is none with a line. */
bool symbols_place(const struct world_stack *stack, struct symbol *place);

/* A line for each function at that frame, with its code behind a tab where that can be read; none
 * for those of the simulated machine. */
void symbols_print_frame(FILE *out, uintptr_t pc);

/* At most `lines_max` lines, one for each frame, innermost first, indented by so many columns, and
 * one that counts the others; beside them the code, where it can be read (reports/source.h). Frames
 * of the simulated machine and of libraries are left out. */
void symbols_print_stack(FILE *out, int indent, uint32_t lines_max,
                         const struct world_stack *stack);

#endif

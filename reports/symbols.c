#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "reports/source.h"
#include "reports/text.h"

static Dwfl *opened;

/* Debug information lies in the files themselves; looking elsewhere might ask a server. */
static int find_no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                             const char *file, const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc;
    (void)found;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = find_no_debuginfo,
};

Dwfl *symbols_process(void)
{
    if (opened != NULL) return opened;
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl == NULL) return NULL;
    if (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0) {
        dwfl_end(dwfl);
        return NULL;
    }
    return opened = dwfl;
}

void symbols_close(void)
{
    if (opened != NULL) dwfl_end(opened);
    opened = NULL;
}

/* Paths of the project are relative; of any other only the name is the same on every machine. */
static void set_file(struct symbol *symbol, const char *path)
{
    if (path == NULL) return;
    while (strncmp(path, "./", 2) == 0) path += 2;
    snprintf(symbol->path, sizeof symbol->path, "%s", path);
    symbol->system = strncmp(path, "/usr/", 5) == 0;
    if (path[0] == '/' || strncmp(path, "../", 3) == 0) path = strrchr(path, '/') + 1;
    snprintf(symbol->file, sizeof symbol->file, "%s", path);
}

static void set_function(struct symbol *symbol, const char *name)
{
    snprintf(symbol->function, sizeof symbol->function, "%s", name == NULL ? "" : name);
}

/* Where the inlined function was called: the place in the function around it. */
static void set_call_site(struct symbol *symbol, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Files *files;
    size_t file_count;

    symbol->file[0] = symbol->path[0] = '\0';
    symbol->line = 0;
    symbol->system = false;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &value) == 0)
        symbol->line = (uint32_t)value;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &value) == 0 &&
        dwarf_getsrcfiles(unit, &files, &file_count) == 0 && value < file_count)
        set_file(symbol, dwarf_filesrc(files, value, NULL, NULL));
}

/* The functions around an address, the outermost first. */
struct scopes {
    Dwarf_Addr address;
    Dwarf_Die functions[SYMBOL_INLINE_MAX];
    uint32_t count;
};

/* libdw looks for functions neither in namespaces nor in other functions, where C++ has some. Of
 * those that do not hold the address, only the second search looks inside. */
static bool find_scopes(Dwarf_Die *parent, bool everywhere, struct scopes *scopes)
{
    Dwarf_Die child;
    if (dwarf_child(parent, &child) != 0) return false;
    do {
        int tag = dwarf_tag(&child);
        bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
        bool holds = (is_function || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
                      tag == DW_TAG_catch_block) &&
                     dwarf_haspc(&child, scopes->address) == 1;
        bool may_hold = tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
                        tag == DW_TAG_class_type || (everywhere && tag == DW_TAG_subprogram);
        if (holds && is_function && scopes->count < SYMBOL_INLINE_MAX)
            scopes->functions[scopes->count++] = child;
        if ((holds || may_hold) && find_scopes(&child, everywhere, scopes)) return true;
        if (holds) return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

static uint32_t walk_scopes(Dwarf_Die *unit, struct scopes *scopes, struct symbol *out,
                            uint32_t max)
{
    uint32_t count = 0;

    for (uint32_t i = scopes->count; i-- > 0 && count < max;) {
        set_function(&out[count++], dwarf_diename(&scopes->functions[i]));
        if (dwarf_tag(&scopes->functions[i]) == DW_TAG_subprogram) break;
        if (count < max) set_call_site(&out[count], unit, &scopes->functions[i]);
    }
    return count;
}

/* The compilation unit of an address. Every unit is asked: not all compilers write an index. */
static Dwarf_Die *find_unit(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = NULL;

    while ((unit = dwfl_module_nextcu(module, unit, bias)) != NULL) {
        if (dwarf_haspc(unit, address - *bias) == 1) return unit;
    }
    return NULL;
}

/* Code that a compiler made of several lines has none. The best line for it is the last one before
 * in that function, or else the next one. */
static Dwarf_Line *find_near(Dwarf_Die *unit, Dwarf_Die *function, Dwarf_Addr wanted)
{
    Dwarf_Lines *lines;
    Dwarf_Line *before = NULL;
    size_t count;

    if (dwarf_getsrclines(unit, &lines, &count) != 0) return NULL;
    for (size_t i = 0; i < count; i++) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i);
        Dwarf_Addr address;
        int number;
        if (dwarf_lineno(line, &number) != 0 || number == 0 ||
            dwarf_lineaddr(line, &address) != 0 || dwarf_haspc(function, address) != 1)
            continue;
        if (address > wanted) return before ? before : line;
        before = line;
    }
    return before;
}

static bool set_line(struct symbol *symbol, Dwarf_Line *line)
{
    int number;
    if (line == NULL || dwarf_lineno(line, &number) != 0 || number == 0) return false;
    set_file(symbol, dwarf_linesrc(line, NULL, NULL));
    symbol->line = (uint32_t)number;
    return true;
}

/* Where the function begins, if there is no better line. */
static void set_line_near(struct symbol *symbol, Dwarf_Die *unit, struct scopes *scopes)
{
    int number;
    if (scopes->count == 0) return;
    Dwarf_Die *function = &scopes->functions[scopes->count - 1];
    if (set_line(symbol, find_near(unit, function, scopes->address)) ||
        dwarf_decl_line(function, &number) != 0)
        return;
    set_file(symbol, dwarf_decl_file(function));
    symbol->line = (uint32_t)number;
}

static uint32_t find_in_unit(Dwarf_Die *unit, Dwarf_Addr address, struct symbol *out, uint32_t max)
{
    struct scopes scopes = {.address = address};

    if (!find_scopes(unit, false, &scopes)) find_scopes(unit, true, &scopes);
    if (!set_line(&out[0], dwarf_getsrc_die(unit, address))) set_line_near(&out[0], unit, &scopes);
    return walk_scopes(unit, &scopes, out, max);
}

/* Without tables that say more. Only the library of C++ has none. */
static void set_name(struct symbol *symbol, const char *name)
{
    char readable[SYMBOL_NAME_MAX];
    bool cxx = name != NULL && strncmp(name, "_Z", 2) == 0;
    if (symbol->line == 0 && name != NULL) {
        symbol->system = cxx || strncmp(name, "__cxa_", 6) == 0 ||
                         strcmp(name, "execute_native_thread_routine") == 0;
    }
    if (cxx && symbol_readable(name, readable, sizeof readable)) {
        set_function(symbol, readable);
    } else {
        set_function(symbol, name);
    }
}

uint32_t symbol_find(uintptr_t pc, struct symbol *out, uint32_t max)
{
    REQUIRE(max > 0);
    memset(out, 0, max * sizeof *out);
    Dwfl *dwfl = symbols_process();
    if (dwfl == NULL || pc == 0) return 0;

    Dwarf_Addr address = pc - 1, bias = 0;  /* the call, not what comes after it */
    Dwfl_Module *module = dwfl_addrmodule(dwfl, address);
    if (module == NULL) return 0;

    Dwarf_Die *unit = find_unit(module, address, &bias);
    uint32_t count = unit == NULL ? 0 : find_in_unit(unit, address - bias, out, max);
    if (count > 0) return count;
    set_name(&out[0], dwfl_module_addrname(module, address));
    return out[0].function[0] != '\0';
}

static void describe(const struct symbol *symbol, char *out, size_t size)
{
    if (symbol->line == 0 || symbol->file[0] == '\0')
        snprintf(out, size, "%.*s (no debug info)", SYMBOL_NAME_MAX - 1, symbol->function);
    else
        snprintf(out, size, "%.*s:%u (%.*s)", SYMBOL_FILE_MAX - 1, symbol->file, symbol->line,
                 SYMBOL_NAME_MAX - 1, symbol->function);
}

void symbol_describe(uintptr_t pc, char *out, size_t size)
{
    struct symbol symbols[SYMBOL_INLINE_MAX];
    uint32_t count = symbol_find(pc, symbols, SYMBOL_INLINE_MAX), at = 0;

    while (at + 1 < count && symbols[at].system) at++;
    if (count == 0)
        snprintf(out, size, "(no debug info)");
    else
        describe(&symbols[at], out, size);
}

static void describe_data(uintptr_t address, char *out, size_t size)
{
    if (!symbol_of_data((const void *)address, out, size)) snprintf(out, size, "(unnamed memory)");
}

/* The end of the mark that text begins with, and what it stands for; NULL: there is none. */
static const char *replace(const char *text, char *out, size_t size)
{
    static const struct {
        const char *start;
        void (*describe)(uintptr_t address, char *out, size_t size);
    } marks[] = {{"{pc:", symbol_describe}, {"{data:", describe_data}};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t length = strlen(marks[i].start);
        char *end;
        if (strncmp(text, marks[i].start, length) != 0) continue;
        uintptr_t address = strtoul(text + length, &end, 16);
        if (*end != '}') continue;
        marks[i].describe(address, out, size);
        return end + 1;
    }
    return NULL;
}

char *symbols_expand(const char *text)
{
    char *copy = NULL;
    size_t length;
    FILE *out = open_memstream(&copy, &length);
    REQUIRE(out != NULL);

    while (*text != '\0') {
        char place[SYMBOL_FILE_MAX + SYMBOL_NAME_MAX + 16];
        const char *end = replace(text, place, sizeof place);
        if (end == NULL) {
            fputc(*text++, out);
        } else {
            fputs(place, out);
            text = end;
        }
    }
    REQUIRE(fclose(out) == 0);
    return copy;
}

/* --- stacks --- */

/* What this file is linked with is the harness, but for the program under test. */
static bool is_harness(uintptr_t pc)
{
    Dwfl *dwfl = symbols_process();
    return dwfl != NULL && !world_is_program(pc - 1) &&
           dwfl_addrmodule(dwfl, pc - 1) == dwfl_addrmodule(dwfl, (uintptr_t)is_harness);
}

/* The functions at a frame, innermost first, without those of the harness and of the library of
 * C++, inlined or linked. */
static uint32_t find_own(uintptr_t pc, struct symbol *own)
{
    uint32_t count = is_harness(pc) ? 0 : symbol_find(pc, own, SYMBOL_INLINE_MAX), kept = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (!own[k].system) own[kept++] = own[k];
    }
    return kept;
}

bool symbols_place(const struct world_stack *stack, struct symbol *place)
{
    for (uint32_t i = 0; i < stack->depth; i++) {
        struct symbol symbols[SYMBOL_INLINE_MAX];
        uint32_t count = find_own(stack->pc[i], symbols);
        for (uint32_t k = 0; k < count; k++) {
            if (symbols[k].line == 0) continue;
            *place = symbols[k];
            return true;
        }
    }
    return false;
}

/* The code stands beside the places. */
enum { CODE_MAX = 120, CODE_COLUMN_MAX = 46, CODE_LEAST = 20 };

struct stack_line {
    char place[SYMBOL_FILE_MAX + SYMBOL_NAME_MAX + 16], code[CODE_MAX];
};

/* The file that the code was loaded from; NULL: the executable. */
static const char *image_of(uintptr_t pc)
{
    const char *file = NULL;
    Dwfl *dwfl = symbols_process();
    Dwfl_Module *module = dwfl_addrmodule(dwfl, pc - 1);

    if (module == dwfl_addrmodule(dwfl, (uintptr_t)is_harness)) return NULL;
    dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &file, NULL);
    return file != NULL ? file : "";
}

/* Place and code. */
static void describe_line(uintptr_t pc, const struct symbol *symbol, struct stack_line *line)
{
    line->code[0] = '\0';
    describe(symbol, line->place, sizeof line->place);
    source_line(image_of(pc), symbol->path, symbol->line, line->code, sizeof line->code);
}

void symbols_print_frame(FILE *out, uintptr_t pc)
{
    struct symbol symbols[SYMBOL_INLINE_MAX];
    uint32_t count = find_own(pc, symbols);

    for (uint32_t k = 0; k < count; k++) {
        struct stack_line line;
        describe_line(pc, &symbols[k], &line);
        fprintf(out, "%s%s%s\n", line.place, line.code[0] ? "\t" : "", line.code);
    }
}

static void print_line(FILE *out, int indent, int column, const struct stack_line *line)
{
    int room = TEXT_WIDTH - indent - column, width = (int)strlen(line->code);

    fprintf(out, "%*s%s", indent, "", line->place);
    if (width > 0 && room >= CODE_LEAST && (int)strlen(line->place) < column) {
        bool cut = width > room;
        fprintf(out, "%*s%.*s%s", column - (int)strlen(line->place), "", cut ? room - 2 : width,
                line->code, cut ? ".." : "");
    }
    fputc('\n', out);
}

void symbols_print_stack(FILE *out, int indent, uint32_t lines_max,
                         const struct world_stack *stack)
{
    struct stack_line *lines = calloc(lines_max, sizeof *lines);
    uint32_t printed = 0, left_out = 0;
    int column = 0;

    REQUIRE(lines != NULL);
    for (uint32_t i = 0; i < stack->depth; i++) {
        struct symbol symbols[SYMBOL_INLINE_MAX];
        uint32_t count = find_own(stack->pc[i], symbols);
        for (uint32_t k = 0; k < count; k++) {
            if (printed == lines_max) {
                left_out++;
                continue;
            }
            struct stack_line *line = &lines[printed++];
            describe_line(stack->pc[i], &symbols[k], line);
            int width = (int)strlen(line->place) + 2;
            if (width > column && width <= CODE_COLUMN_MAX) column = width;
        }
    }
    for (uint32_t i = 0; i < printed; i++) print_line(out, indent, column, &lines[i]);
    if (left_out > 0) fprintf(out, "%*s... %u more\n", indent, "", left_out);
    if (printed == 0) fprintf(out, "%*s(no debug info)\n", indent, "");
    free(lines);
}

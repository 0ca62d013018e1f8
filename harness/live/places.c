#include "harness/live/places.h"

#include "harness/live/hold.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct found {
    Dwarf_Addr from, to;
};

struct search {
    const struct place_line *wanted;
    struct found found[HOLD_RANGES_MAX];
    uint32_t count;
};

static bool is_wanted(const struct search *search, Dwarf_Line *line)
{
    int number;
    const char *file = dwarf_linesrc(line, NULL, NULL);
    size_t length, wanted = strlen(search->wanted->file);
    if (file == NULL || dwarf_lineno(line, &number) != 0) return false;
    if (number != (int)search->wanted->line) return false;
    length = strlen(file);
    if (length < wanted || strcmp(file + length - wanted, search->wanted->file) != 0) return false;
    return length == wanted || file[length - wanted - 1] == '/';
}

/* A row of the table holds up to the next one. */
static void search_unit(struct search *search, Dwarf_Die *unit)
{
    Dwarf_Lines *lines;
    size_t count;
    if (dwarf_getsrclines(unit, &lines, &count) != 0) return;
    for (size_t i = 0; i + 1 < count && search->count < HOLD_RANGES_MAX; i++) {
        struct found found;
        if (!is_wanted(search, dwarf_onesrcline(lines, i))) continue;
        if (dwarf_lineaddr(dwarf_onesrcline(lines, i), &found.from) != 0) continue;
        if (dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &found.to) != 0) continue;
        if (found.to > found.from) search->found[search->count++] = found;
    }
}

static void search_all(Dwfl *dwfl, struct search *search)
{
    Dwarf_Addr bias;
    for (Dwarf_Die *unit = NULL; (unit = dwfl_nextcu(dwfl, unit, &bias)) != NULL;)
        search_unit(search, unit);
}

static const char *write_line(Dwfl *dwfl, const struct place_line *line, bool first, char *out,
                              size_t size)
{
    static char problem[256];
    struct search search = {.wanted = line};
    size_t used = strlen(out);
    search_all(dwfl, &search);
    if (search.count == 0) {
        (void)snprintf(problem, sizeof problem, "it has no code for %.150s:%u", line->file,
                       line->line);
        return problem;
    }
    for (uint32_t i = 0; i < search.count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%llx-%llx",
                                 i > 0 ? "," : first ? "" : "|",
                                 (unsigned long long)search.found[i].from,
                                 (unsigned long long)search.found[i].to);
    return NULL;
}

const char *places_write(const char *executable, const struct place_line *lines, uint32_t count,
                         char *out, size_t size)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_standard_find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    const char *problem = NULL;
    Dwfl *dwfl = dwfl_begin(&callbacks);
    out[0] = '\0';
    if (dwfl == NULL || dwfl_report_offline(dwfl, "", executable, -1) == NULL ||
        dwfl_report_end(dwfl, NULL, NULL) != 0)
        problem = "its debug information cannot be read";
    for (uint32_t i = 0; i < count && problem == NULL; i++)
        problem = write_line(dwfl, &lines[i], i == 0, out, size);
    if (dwfl != NULL) dwfl_end(dwfl);
    return problem;
}

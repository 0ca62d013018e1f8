/* Names of static variables and of what lies in them. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdarg.h>
#include <string.h>

#include "reports/symbols.h"

enum { DEPTH_MAX = 8 };

struct place {
    char *out;
    size_t size, used;
    Dwarf_Addr address;
};

__attribute__((format(printf, 2, 3)))
static void append(struct place *place, const char *format, ...)
{
    va_list list;
    if (place->used >= place->size) return;
    va_start(list, format);
    int length = vsnprintf(place->out + place->used, place->size - place->used, format, list);
    va_end(list);
    if (length > 0) place->used += (size_t)length;
}

/* --- types --- */

/* The type behind all names and qualifiers. */
static bool find_type(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Attribute attribute;
    Dwarf_Die from = *die;
    for (int i = 0; i < DEPTH_MAX; i++) {
        if (dwarf_formref_die(dwarf_attr_integrate(&from, DW_AT_type, &attribute), type) == NULL)
            return false;
        int tag = dwarf_tag(type);
        if (tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type &&
            tag != DW_TAG_atomic_type)
            return true;
        from = *type;
    }
    return false;
}

/* Goes into the member that holds the offset. */
static bool enter_member(struct place *place, Dwarf_Die *type, Dwarf_Word *offset)
{
    Dwarf_Die member, inner;
    if (dwarf_child(type, &member) != 0) return false;
    do {
        Dwarf_Attribute attribute;
        Dwarf_Word at = 0, size;
        dwarf_formudata(dwarf_attr(&member, DW_AT_data_member_location, &attribute), &at);
        if (dwarf_tag(&member) != DW_TAG_member || dwarf_hasattr(&member, DW_AT_external) ||
            !find_type(&member, &inner) ||
            dwarf_aggregate_size(&inner, &size) != 0 || *offset < at || *offset - at >= size)
            continue;
        const char *name = dwarf_diename(&member);
        if (name != NULL && strncmp(name, "_M_", 3) == 0) { /* inside of the C++ library */
            *offset = 0;
            return false;
        }
        append(place, ".%s", name == NULL ? "(unnamed)" : name);
        *type = inner;
        *offset -= at;
        return true;
    } while (dwarf_siblingof(&member, &member) == 0);
    return false;
}

static bool enter_element(struct place *place, Dwarf_Die *type, Dwarf_Word *offset)
{
    Dwarf_Die inner;
    Dwarf_Word size;
    if (!find_type(type, &inner) || dwarf_aggregate_size(&inner, &size) != 0 || size == 0)
        return false;
    append(place, "[%llu]", (unsigned long long)(*offset / size));
    *type = inner;
    *offset %= size;
    return true;
}

/* Through structures and arrays. Locks are unions of the C library, which mean nothing inside. */
static void describe_inside(struct place *place, Dwarf_Die *variable, Dwarf_Word offset)
{
    Dwarf_Die type;
    bool deeper = find_type(variable, &type);
    for (int i = 0; i < DEPTH_MAX && deeper; i++) {
        int tag = dwarf_tag(&type);
        bool has_members = tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
        deeper = has_members                ? enter_member(place, &type, &offset)
                 : tag == DW_TAG_array_type ? enter_element(place, &type, &offset)
                                            : false;
        if (!deeper && tag == DW_TAG_union_type) offset = 0;
    }
    if (offset > 0) append(place, "+%llu", (unsigned long long)offset);
}

/* --- variables --- */

/* Where it lies, if that is one address. */
static bool find_address(Dwarf_Die *variable, Dwarf_Addr *address)
{
    Dwarf_Attribute attribute, value;
    Dwarf_Op *op;
    size_t count;
    if (dwarf_attr(variable, DW_AT_location, &attribute) == NULL ||
        dwarf_getlocation(&attribute, &op, &count) != 0 || count != 1)
        return false;
    if (op->atom == DW_OP_addr) {
        *address = op->number;
        return true;
    }
    return op->atom == DW_OP_addrx && dwarf_getlocation_attr(&attribute, op, &value) == 0 &&
           dwarf_formaddr(&value, address) == 0;
}

/* In C++, what is declared in one place is defined in another. */
static const char *name_of(Dwarf_Die *variable)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(variable, DW_AT_name, &attribute));
    return name == NULL ? "(unnamed)" : name;
}

static bool find_in(struct place *place, Dwarf_Die *parent, Dwarf_Addr bias, bool functions);

/* Static variables of functions are only looked for in the second search, which takes longer. */
static bool find_deeper(struct place *place, Dwarf_Die *child, Dwarf_Addr bias, bool functions)
{
    int tag = dwarf_tag(child);
    if (tag == DW_TAG_namespace || (functions && tag == DW_TAG_lexical_block))
        return find_in(place, child, bias, functions);
    if (!functions || tag != DW_TAG_subprogram || !find_in(place, child, bias, functions))
        return false;
    const char *function = dwarf_diename(child);
    if (function != NULL) append(place, " (in %s)", function);
    return true;
}

/* In a unit, or in a namespace or a function of it. */
static bool find_in(struct place *place, Dwarf_Die *parent, Dwarf_Addr bias, bool functions)
{
    Dwarf_Die child, type;
    if (dwarf_child(parent, &child) != 0) return false;
    do {
        Dwarf_Addr start;
        Dwarf_Word size;
        if (find_deeper(place, &child, bias, functions)) return true;
        if (dwarf_tag(&child) != DW_TAG_variable || !find_address(&child, &start)) continue;
        start += bias;
        if (!find_type(&child, &type) || dwarf_aggregate_size(&type, &size) != 0) continue;
        if (place->address < start || place->address - start >= size) continue;
        append(place, "%s", name_of(&child));
        describe_inside(place, &child, place->address - start);
        return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

static bool find_variable(struct place *place, Dwfl_Module *module, bool functions)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = NULL;
    while ((unit = dwfl_module_nextcu(module, unit, &bias)) != NULL) {
        if (find_in(place, unit, bias, functions)) return true;
    }
    return false;
}

/* Without debug information: by the symbol table. All of it is looked
 * through, because labels without a type may lie at the same place. */
static bool find_symbol(struct place *place, Dwfl_Module *module)
{
    int count = dwfl_module_getsymtab(module);
    for (int i = 0; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr start;
        const char *name = dwfl_module_getsym_info(module, i, &symbol, &start, NULL, NULL, NULL);
        if (name == NULL || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT ||
            place->address - start >= symbol.st_size)
            continue;
        char readable[SYMBOL_NAME_MAX];
        if (symbol_readable(name, readable, sizeof readable)) {
            append(place, "%s", readable);
            return true;
        }
        append(place, "%s", name);
        if (place->address > start)
            append(place, "+%llu", (unsigned long long)(place->address - start));
        return true;
    }
    return false;
}

bool symbol_of_data(const void *address, char *out, size_t size)
{
    struct place place = {out, size, 0, (uintptr_t)address};
    Dwfl *dwfl = symbols_process();
    if (dwfl == NULL) return false;
    Dwfl_Module *module = dwfl_addrmodule(dwfl, place.address);
    /* Zeroed variables lie behind what is mapped from the file: those of the executable. */
    if (module == NULL) module = dwfl_addrmodule(dwfl, (uintptr_t)symbol_of_data);
    if (module == NULL) return false;
    return find_variable(&place, module, false) ||
           (world_is_data(address) && find_variable(&place, module, true)) ||
           find_symbol(&place, module);
}

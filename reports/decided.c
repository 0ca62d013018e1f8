#include "decided.h"

#include "reports/symbols.h"

enum { STACK_LINES = 3, STACK_INDENT = 12, NAME_BYTES = 64 };

static void print_step(FILE *out, const char *label, const struct decisive_step *step)
{
    char variable[NAME_BYTES];
    struct symbol place;
    const char *object = step->kind;
    if (step->object && symbol_of_data(step->object, variable, sizeof variable)) object = variable;
    fprintf(out, "  %-8s%s%s%s%s%s%s\n", label, step->thread, step->thread[0] ? "  " : "", step->op,
            object[0] ? " " : "", object, step->never ? " (which it never comes to)" : "");
    /* A message that is delivered, or an actor's step, has no place in the code. */
    if (symbols_place(&step->stack, &place)) {
        symbols_print_stack(out, STACK_INDENT, STACK_LINES, &step->stack);
    }
}

void decided_print(FILE *out, const struct decisive *decisive)
{
    if (decisive->ended_after > 0) {
        fprintf(out, "  whether two steps decide by their order alone is not known: "
                "%u executions were tried\n", decisive->ended_after);
        return;
    }
    if (!decisive->found) {
        fprintf(out, "  no two steps decide by their order alone\n");
        return;
    }
    fprintf(out, "  the order of two steps decides; the other way round nothing is broken\n");
    print_step(out, "first", &decisive->first);
    print_step(out, "then", &decisive->second);
}

#include "accesses.h"

#include <stdio.h>
#include <string.h>

uint32_t accesses_find(const struct world_finding *finding, uint32_t step_count,
                       struct access accesses[2])
{
    if (finding->kind != WORLD_FOUND_DATA_RACE || finding->stack.depth == 0) return 0;
    accesses[0] = (struct access){finding->other_step, finding->other, &finding->other_stack, ""};
    accesses[1] = (struct access){step_count, finding->entity, &finding->stack, ""};
    const char *line = finding->detail;
    for (int i = 1; i >= 0; i--) {
        const char *words = strchr(line, ' ');
        if (words == NULL) return 0;
        int length = (int)strcspn(words + 1, ",\n");
        snprintf(accesses[i].text, sizeof accesses[i].text, "%.*s", length, words + 1);
        line += strcspn(line, "\n");
        if (*line == '\n') line++;
    }
    return 2;
}

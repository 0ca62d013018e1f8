#include "core/reserve.h"

#include "core/core.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Many times what a turn owes at most; the allocator gives it back in one piece. */
enum { RESERVE_BYTES = 16 * 1024 };

enum core_result reserve_create(struct core *core)
{
    reserve_refill(core);
    return atomic_load(&core->reserve) != NULL ? CORE_OK : CORE_NO_MEMORY;
}

void reserve_destroy(struct core *core)
{
    free(atomic_exchange(&core->reserve, NULL));
}

bool reserve_spend(struct core *core)
{
    void *block = atomic_exchange(&core->reserve, NULL);
    free(block);
    return block != NULL;
}

void reserve_refill(struct core *core)
{
    if (atomic_load(&core->reserve) != NULL)
        return;
    void *none = NULL, *block = malloc(RESERVE_BYTES);
    /* Somebody else may have been faster. */
    if (block != NULL && !atomic_compare_exchange_strong(&core->reserve, &none, block))
        free(block);
}

void *memory_owed(struct core *core, void *block, size_t size)
{
    void *result = realloc(block, size);
    if (result == NULL && reserve_spend(core)) {
        result = realloc(block, size);
        reserve_refill(core);
    }
    REQUIRE(result != NULL);
    return result;
}

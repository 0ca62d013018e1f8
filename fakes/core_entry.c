/* Part of every core image, so that its functions can be called by table. */
#include "fakes/core_api.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

/* Memory that the simulated world does not count where it refuses some. */
static void *take(size_t size)
{
    return memalign(16, size);
}

static void spare_json(void)
{
    json_set_alloc_funcs(take, free);
}

#define ENTRY(name, function) .name = function,
const struct core_api core_api = { CORE_API(ENTRY) .spare_json = spare_json };

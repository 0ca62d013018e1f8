/* Part of every core image, so that its functions can be called by table. */
#include "fakes/core_api.h"

#define ENTRY(name, function) .name = function,
const struct core_api core_api = { CORE_API(ENTRY) };

#include "core/module.h"

#include "core/devserver.h"
#include "core/health.h"
#include "core/lease.h"
#include "core/sandbox.h"

/* Rows in order of creation: each uses those above it. */
const struct core_module *const core_modules[] = { &lease_module, &sandbox_module,
                                                   &devserver_module, &health_module, NULL };

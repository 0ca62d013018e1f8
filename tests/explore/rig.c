#include "rig.h"

#include "generated.h"
#include "harness/world/image.h"

#include <string.h>

extern const struct image image_explore_image;

struct rig_orders rig_orders;
const struct explore_programs *rig_programs;

static char order[ORDER_MAX];
static uint32_t entered;

void section_entered(char who)
{
    if (entered + 1 < ORDER_MAX) order[entered++] = who;
}

/* Only the test of the reduced search has generated programs. */
__attribute__((weak)) const struct generated_program *generated_now(void)
{
    return NULL;
}

__attribute__((weak)) void generated_tell(uint64_t outcome)
{
    (void)outcome;
}

static void before(void *context)
{
    (void)context;
    memset(order, 0, sizeof order);
    entered = 0;
}

static void body(void *context)
{
    void (**program)(void) = context;
    (*program)();
}

static void keep_order(void)
{
    if (rig_orders.count > ORDERS_MAX) return; /* too many to be listed */
    for (uint32_t i = 0; i < rig_orders.count; i++) {
        if (i == ORDERS_MAX || strcmp(rig_orders.of[i], order) != 0) continue;
        rig_orders.times[i]++;
        return;
    }
    if (rig_orders.count < ORDERS_MAX) {
        memcpy(rig_orders.of[rig_orders.count], order, sizeof order);
        rig_orders.times[rig_orders.count] = 1;
    }
    rig_orders.count++;
}

static uint32_t judge(void *context, const struct world_result *result)
{
    (void)context;
    keep_order();
    return result->end == WORLD_FINDING ? (uint32_t)world_finding_get()->kind : EXPLORE_PASSED;
}

int rig_begin(void **state)
{
    (void)state;
    world_init();
    world_catch_signals(); /* from CMocka */
    world_image_add(&image_explore_image);
    world_limits_set(&(struct world_limits){
        .steps_max = 1000, .time_max_ns = WORLD_NEVER, .seed = 1, .check_memory = true});
    explore_log_set(NULL);
    rig_programs = (const struct explore_programs *)image_explore_image.entry;
    return 0;
}

struct explore_subject rig_subject(void (*program)(void))
{
    static void (*chosen)(void);
    chosen = program;
    rig_orders.count = 0;
    return (struct explore_subject){&chosen, "main", body, before, judge};
}

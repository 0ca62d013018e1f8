/* Runs scenarios of a test on the stage, with choices made by the simplest choosers. */
#ifndef TESTS_FAKES_RIG_H
#define TESTS_FAKES_RIG_H

#include "fakes/stage.h"
#include "harness/check/record.h"
#include "harness/scenario/scenario.h"
#include "harness/world/world.h"

/* Opens one scenario; ends the test program with a message when it does not parse. */
struct rig {
    const struct scn_file *file;
    struct stage *stage;
    struct world_result result;
    char broken[200];       /* name of the expectation that was not fulfilled, or "" */
};

void rig_open(struct rig *rig, const char *path);
/* How tabs and cores talk in what is opened from here on, instead of what files say. */
void rig_transport(enum stage_transport transport);
void rig_open_text(struct rig *rig, const char *name, const char *text);
void rig_close(struct rig *rig);

/* One execution where every choice is 0. */
void rig_run_default(struct rig *rig);
/* One execution with choices from this seed; optional faults and spurious things are rare. */
void rig_run_random(struct rig *rig, uint64_t seed);

/* How many records of that kind the execution wrote; name NULL: any, otherwise the one whose
 * field `field` has that word. */
uint32_t rig_count(enum record_kind kind, const char *field, const char *name);
/* Prints the whole trace, for the eyes. */
void rig_dump(void);
/* "done", or what was found. */
const char *rig_end(const struct rig *rig);

#endif

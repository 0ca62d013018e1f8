/* The page of a program's failure: the steps of its threads, a lane for each. */
#ifndef HARNESS_PROGRAM_HTML_H
#define HARNESS_PROGRAM_HTML_H

#include "reports/report.h"
#include "tell.h"

/* Writes index.html in tell->folder, which is made. Needs the execution, kept by trail_watch().
 * False: *problem says why it could not be written. */
bool html_write_program(const struct tell *tell, struct report_problem *problem);

#endif

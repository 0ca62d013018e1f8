/* The configuration file and the command line. */
#ifndef SESSIOND_CONFIG_H
#define SESSIOND_CONFIG_H

#include "sessiond/options.h"

/* What the command line asks for beside options. */
enum config_request { CONFIG_RUN, CONFIG_CHECK, CONFIG_HELP, CONFIG_VERSION };

/*
 * Reads a file of lines `name = value`; empty lines and those that begin with # are nothing. False,
 * with "FILE:LINE: sentence" in `problem`, if a line makes no sense, or names what an earlier one
 * has named.
 */
bool config_read_file(struct options *options, const char *path,
                      char problem[OPTION_PROBLEM_MAX]);

/*
 * Reads --name value and --name=value in any order, after the file that --config names: a flag
 * counts more than a line. False, with a sentence, if that is not possible.
 */
bool config_read_command_line(struct options *options, int count, char *const *words,
                              enum config_request *request, char problem[OPTION_PROBLEM_MAX]);

#endif

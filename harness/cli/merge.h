/* What merging the shards of scenarios and of a program have in common. */
#ifndef HARNESS_CLI_MERGE_H
#define HARNESS_CLI_MERGE_H

#include "reports/report.h"
#include "reports/shard.h"

struct cli_options;

/* A file that was read. */
struct piece {
    const char *path;
    json_t *root, *scenarios;
    json_t *programs; /* NULL: it has none */
};

/* What a failing report points to. */
struct merged_end {
    struct report_failure failure;
    struct no_return no_return;
};

/* Prints the error with its file; returns the exit status. */
int merge_complain(const char *path, const char *what);

/* A member; NULL or 0 where there is none. Texts stay as long as the object. */
const char *merge_text(const json_t *object, const char *name);
uint64_t merge_number(const json_t *object, const char *name);
enum report_verdict merge_verdict(const json_t *subject);

/* Whether what a shard saw ends the exploration; it then ends as that object tells. */
bool merge_ends(const json_t *subject);
void merge_end(const json_t *subject, struct report *report, struct merged_end *end);

/* 0 if `next` is the shard that is due of the same exploration; otherwise the exit status. */
int merge_check(const char *path, const char *subject, const struct report_shard *next,
                struct shard due, const char *key);

/* merge_program.c: the shards of one program, in order. Returns the exit status. */
int merge_program(const struct piece *pieces, uint32_t count, const struct cli_options *options);

#endif

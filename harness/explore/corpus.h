/* The corpus: a folder of failing executions, one small text file for each program or scenario
 * and each promise that it breaks. They are replayed before anything else is explored.
 *
 *   # comments, from a '#' at the begin of a line
 *   check     no_lost_events
 *   reason    the tab never saw token 3
 *   settings  stalls=1 spurious=0
 *   choices   sync:z23.1.z6.1 */
#ifndef HARNESS_EXPLORE_CORPUS_H
#define HARNESS_EXPLORE_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORPUS_BYTES_MAX = 1 << 20, CORPUS_FILES_MAX = 1024 };

struct corpus_entry {
    char check[96], reason[512];
    char settings[128];  /* what else the choices depend on; the caller's words. "": nothing */
    char *choices;       /* a token; malloc'ed */
};

struct corpus_problem {
    uint32_t line;       /* 0: the whole file */
    char text[256];      /* one sentence, with what to do */
};

/* False: *problem says why, and there is nothing to free. */
bool corpus_parse(const char *text, size_t bytes, struct corpus_entry *entry,
                  struct corpus_problem *problem);
void corpus_entry_free(struct corpus_entry *entry);

/* Reads a file. False: the problem was printed to stderr, with its place. */
bool corpus_read(const char *path, struct corpus_entry *entry);

/* The files of that subject, as paths in the order of their names, to be freed by the caller
 * (each, and the list); their count in *count. No folder is an empty one. NULL: the folder cannot
 * be read, and stderr says so. */
char **corpus_files(const char *folder, const char *subject, uint32_t *count);

/* Sets the reason: the text as one line, cut where there is no room. */
void corpus_reason(struct corpus_entry *entry, const char *text);

/* Writes FOLDER/SUBJECT.CHECK.txt, in place of what it was; makes the folder. False: stderr says
 * why not. */
bool corpus_keep(const char *folder, const char *subject, const struct corpus_entry *entry);

/* Removes the file of an entry that does not fail any more, and says so on stderr. */
void corpus_drop(const char *path);

#endif

/* Any bytes at all as a file of a corpus: it is an entry, or there is one sentence about it. */
#include "harness/explore/corpus.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct corpus_entry entry;
    struct corpus_problem problem = {.line = 0};
    bool good = corpus_parse((const char *)data, size, &entry, &problem);

    require(good == (problem.text[0] == '\0'));
    if (!good) return 0;
    require(entry.check[0] != '\0' && entry.choices[0] != '\0');
    require(strlen(entry.choices) <= size);
    corpus_entry_free(&entry);
    return 0;
}

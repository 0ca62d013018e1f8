#include "topics.h"

#include <cstdio>
#include <cstring>

static bool run(const topic *topics, const char *word)
{
    for (; topics->word; topics++) {
        if (std::strcmp(topics->word, word) != 0) continue;
        topics->body();
        return true;
    }
    return false;
}

static void print(const topic *topics)
{
    for (; topics->word; topics++) std::puts(topics->word);
}

int main(int argc, char **argv)
{
    const topic *const lists[] = {library_topics, language_topics, later_topics};
    for (const topic *topics : lists) {
        if (argc < 2) print(topics);
        if (argc >= 2 && run(topics, argv[1])) return 0;
    }
    return argc < 2 ? 0 : 3;
}

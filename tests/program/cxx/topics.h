/* A program with a word for each topic, which runs the one that it is given. */
#ifndef TESTS_PROGRAM_CXX_TOPICS_H
#define TESTS_PROGRAM_CXX_TOPICS_H

struct topic {
    const char *word;
    void (*body)(void);
};

extern const struct topic library_topics[], language_topics[], later_topics[];

#endif

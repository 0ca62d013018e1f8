/* "Did you mean": the closest of the words that could stand there, by edit distance. */
#include "harness/scenario/internal.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 63, FAR = 1000 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn one into the other. */
static unsigned edit_distance(const char *left, const char *right)
{
    size_t left_length = strlen(left);
    size_t right_length = strlen(right);
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *previous = rows[1], *current = rows[2];

    if (left_length > WORD_MAX || right_length > WORD_MAX) return FAR;
    for (size_t j = 0; j <= right_length; j++) previous[j] = (unsigned)j;
    for (size_t i = 1; i <= left_length; i++) {
        unsigned *oldest = before;
        current[0] = (unsigned)i;
        for (size_t j = 1; j <= right_length; j++) {
            unsigned cost = left[i - 1] != right[j - 1];
            current[j] = least(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                current[j] = least(current[j], current[j], before[j - 2] + 1);
        }
        before = previous;
        previous = current;
        current = oldest;
    }
    return previous[right_length];
}

void scn_near_begin(struct scn_near *near, const char *wrong)
{
    near->wrong = wrong;
    near->best[0] = '\0';
    near->distance = FAR;
    near->offered[0] = '\0';
    near->too_many = false;
}

static void list(struct scn_near *near, const char *word)
{
    size_t used = strlen(near->offered);
    size_t room = sizeof(near->offered) - used;

    near->too_many |= snprintf(near->offered + used, room, "%s%s", used > 0 ? ", " : "", word) >=
                      (int)room;
}

void scn_near_offer(struct scn_near *near, const char *word)
{
    unsigned distance = edit_distance(near->wrong, word);
    size_t length = strlen(word);
    unsigned most = length <= 4 ? 1 : length <= 7 ? 2 : 3;

    list(near, word);
    /* The first of equally close words wins: tables have a fixed order. */
    if (distance > most || distance >= near->distance || distance >= length) return;
    near->distance = distance;
    memcpy(near->best, word, length + 1);
}

void scn_near_offer_table(struct scn_near *near, const struct scn_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) scn_near_offer(near, table->words[i].word);
}

void scn_near_offer_pipe(struct scn_near *near, const char *words)
{
    char word[WORD_MAX + 1];
    const char *found;
    size_t length;

    for (uint32_t i = 0; (found = scn_pipe_word(words, i, &length)) != NULL; i++) {
        REQUIRE(length <= WORD_MAX);
        memcpy(word, found, length);
        word[length] = '\0';
        scn_near_offer(near, word);
    }
}

const char *scn_nearest(const char *wrong, const char *const *words, uint32_t count)
{
    struct scn_near near;
    const char *best = NULL;

    scn_near_begin(&near, wrong);
    for (uint32_t i = 0; i < count; i++) {
        unsigned before = near.distance;
        scn_near_offer(&near, words[i]);
        if (near.distance < before) best = words[i];
    }
    return best;
}

const char *scn_near_hint(const struct scn_near *near, struct scn_arena *arena)
{
    if (near->distance != FAR) return scn_arena_format(arena, "did you mean '%s'?", near->best);
    if (near->too_many) return "'harness words' prints all there are";
    if (near->offered[0] == '\0') return NULL;
    if (strchr(near->offered, ',') == NULL)
        return scn_arena_format(arena, "there is only '%s'", near->offered);
    return scn_arena_format(arena, "one of: %s", near->offered);
}

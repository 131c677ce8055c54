/*
 * Distance of words: insertions, deletions, replacements and swaps of neighbours (the restricted
 * Damerau-Levenshtein distance), with three rows of the table. Words longer than LONGEST are
 * never near anything.
 */
#include "config/suggest.h"

#include <string.h>

enum {
    LONGEST = 64
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance_between(const char *left, size_t n_left, const char *right, size_t n_right)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *now = rows[2];

    for (size_t k = 0; k <= n_right; k++) {
        last[k] = k;
        before[k] = k;
    }
    for (size_t i = 1; i <= n_left; i++) {
        now[0] = i;
        for (size_t k = 1; k <= n_right; k++) {
            size_t differs = left[i - 1] == right[k - 1] ? 0 : 1;
            now[k] = least(least(last[k] + 1, now[k - 1] + 1), last[k - 1] + differs);
            if (i > 1 && k > 1 && left[i - 1] == right[k - 2] && left[i - 2] == right[k - 1]) {
                now[k] = least(now[k], before[k - 2] + 1);
            }
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[n_right];
}

void config_suggest_init(struct config_suggestion *suggestion, const char *wanted)
{
    *suggestion = (struct config_suggestion){ .wanted = wanted };
}

void config_suggest_add(struct config_suggestion *suggestion, const char *word)
{
    size_t n_wanted = strlen(suggestion->wanted);
    size_t n_word = strlen(word);

    if (n_wanted > LONGEST || n_word > LONGEST) {
        return;
    }
    size_t longer = n_wanted > n_word ? n_wanted : n_word;
    size_t limit = longer <= 2 ? 0 : longer <= 4 ? 1 : longer <= 8 ? 2 : 3;
    size_t distance = distance_between(suggestion->wanted, n_wanted, word, n_word);
    /* Whoever leaves the end of a word off means it, however long the end is. */
    if (n_wanted >= 3 && n_wanted < n_word && memcmp(suggestion->wanted, word, n_wanted) == 0) {
        distance = least(distance, limit);
    }
    if (distance <= limit && (suggestion->nearest == NULL || distance < suggestion->distance)) {
        suggestion->nearest = word;
        suggestion->distance = distance;
    }
}

const char *config_suggest_get(const struct config_suggestion *suggestion)
{
    return suggestion->nearest;
}

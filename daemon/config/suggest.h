/*
 * "Did you mean": the nearest of some words to one that is unknown.
 *
 * A word is near when few letters differ for its length; two neighbours swapped count once. When
 * nothing is near there is no suggestion, for a wrong one is worse than none.
 */
#ifndef WEFT_DAEMON_CONFIG_SUGGEST_H
#define WEFT_DAEMON_CONFIG_SUGGEST_H

#include <stddef.h>

struct config_suggestion {
    const char *wanted;  /* borrowed: as long as the suggestion is used */
    const char *nearest; /* borrowed, or NULL */
    size_t distance;
};

void config_suggest_init(struct config_suggestion *suggestion, const char *wanted);
void config_suggest_add(struct config_suggestion *suggestion, const char *word);

/** The nearest word, or NULL. Of equally near ones the first that was added. */
const char *config_suggest_get(const struct config_suggestion *suggestion);

#endif

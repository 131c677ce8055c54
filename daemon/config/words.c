/* The words of the enums, all from the lists in config.h. */
#include "config/schema.h"

#include <stddef.h>

static const char *word_at(const char *const *words, size_t count, unsigned index)
{
    return index < count ? words[index] : "?";
}

#define X(member, text) text,
#define WORDS(list, type, name)                                                            \
    const char *const config_##name##_words[] = { list(X) NULL };                          \
    const char *config_##name##_name(enum config_##type member)                            \
    {                                                                                      \
        size_t count = sizeof config_##name##_words / sizeof config_##name##_words[0] - 1; \
        return word_at(config_##name##_words, count, (unsigned)member);                    \
    }

WORDS(CONFIG_APPLY_LIST, apply, apply)
WORDS(CONFIG_DEBUG_LIST, debug, debug)
WORDS(CONFIG_WHEN_FULL_LIST, when_full, when_full)
WORDS(CONFIG_SPREAD_LIST, spread, spread)
WORDS(CONFIG_POLICY_LIST, policy, policy)
WORDS(CONFIG_LOG_LEVEL_LIST, log_level, log_level)
WORDS(CONFIG_LOG_FORMAT_LIST, log_format, log_format)
WORDS(CONFIG_KIND_LIST, kind, kind)

#ifndef WEFT_TESTS_SUPPORT_SEED_HPP
#define WEFT_TESTS_SUPPORT_SEED_HPP

#include <cstdlib>

/* The seed of a stress test: always the same, unless WEFT_SEED asks for another. */
inline unsigned stress_seed()
{
    const char *text = std::getenv("WEFT_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 0)) : 1;
}

/* How much a stress test does: <size>, or <nightly> when WEFT_STRESS says "nightly". */
inline long stress_size(long size, long nightly)
{
    const char *text = std::getenv("WEFT_STRESS");
    return text != nullptr && text[0] == 'n' ? nightly : size;
}

/* Under a sanitizer: fewer rounds do. */
inline bool is_slow_build()
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

#endif

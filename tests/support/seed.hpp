#ifndef WEFT_TESTS_SUPPORT_SEED_HPP
#define WEFT_TESTS_SUPPORT_SEED_HPP

#include <cstdlib>

/* The seed of a stress test: always the same, unless WEFT_SEED asks for another. */
inline unsigned stress_seed()
{
    const char *text = std::getenv("WEFT_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 0)) : 1;
}

#endif

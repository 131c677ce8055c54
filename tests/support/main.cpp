/*
 * The one main() of all Catch2 test programs. Catch's own signal handlers are
 * left out: they bring an alternate stack that would hide weft's report of a
 * coroutine's stack overflow.
 */
#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>

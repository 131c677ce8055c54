/*
 * The one main() of all Catch2 test programs. Catch's own signal handlers are
 * left out: they bring an alternate stack that would hide weft's report of a
 * coroutine's stack overflow.
 *
 * A program whose tests start it once more in another role defines
 * weft_test_other_main, which is asked first.
 */
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>

/* Whether it was such a role; *out_status is the status to end with. */
extern "C" __attribute__((weak)) bool weft_test_other_main(int argc, char **argv, int *out_status);

int main(int argc, char **argv)
{
    int status = 0;

    if (weft_test_other_main != nullptr && weft_test_other_main(argc, argv, &status)) {
        return status;
    }
    return Catch::Session().run(argc, argv);
}

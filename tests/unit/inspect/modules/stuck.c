/* A module whose constructor waits: its loader holds the dynamic linker's lock meanwhile. */

#include <stdlib.h>
#include <unistd.h>

static volatile int n_steps;

__attribute__((constructor)) static void stuck_constructor(void)
{
    const char *descriptor = getenv("STUCK_DESCRIPTOR");
    char byte;

    if (descriptor != NULL) {
        n_steps += read(atoi(descriptor), &byte, 1) == 1;
    }
}

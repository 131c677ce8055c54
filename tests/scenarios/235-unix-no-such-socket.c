/*
 * 235-unix-no-such-socket: Connecting to a missing path fails with FileNotFoundError.
 */
#include "support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int story(void *arg)
{
    (void)arg;
    char folder[] = "/tmp/weft-scenario-XXXXXX";
    char path[64];
    weft_stream *stream;

    MUST_HAVE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/none", folder);
    int r = weft_open_unix_connection(path, NULL, &stream);
    if (r < 0) {
        trace("%s", err(r));
    }
    rmdir(folder);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

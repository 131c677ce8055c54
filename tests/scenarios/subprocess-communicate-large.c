/*
 * subprocess-communicate-large: communicate moves a megabyte both ways at once without a deadlock.
 */
#include "support/scenario.h"

#include <string.h>

static char data[1 << 20];

static int story(void *arg)
{
    (void)arg;
    weft_process *proc = start_program("cat", NULL, PIPE_IN | PIPE_OUT);
    weft_bytes *out;
    weft_bytes *errors;

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)(i * 7 % 251);
    }
    WEFT_TRY(weft_process_communicate(proc, data, sizeof data, &out, &errors));
    trace("same %s bytes %zu",
          yes_or_no(out->size == sizeof data && memcmp(out->data, data, sizeof data) == 0),
          out->size);
    trace("errors %s", errors == NULL ? "None" : "some");
    trace("returncode %d", weft_process_get_returncode(proc));
    weft_bytes_destroy(out);
    weft_process_destroy(proc);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

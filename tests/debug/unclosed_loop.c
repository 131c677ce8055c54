/* A loop's last reference is given back, and it was never closed; another loop is forgotten. */
#include <weft/weft.h>

int main(void)
{
    weft_loop_options options = WEFT_LOOP_OPTIONS_INIT;
    weft_loop *first, *second;

    options.name = "first";
    if (weft_new_event_loop(&options, &first) < 0) {
        return 1;
    }
    options.name = "second";
    if (weft_new_event_loop(&options, &second) < 0) {
        return 1;
    }
    weft_loop_unref(first);
    return 0;
}

/*
 * The value half of a function's outcome; the error half is weft_fail. Both
 * live in the running frame (frame.h).
 */

#include "weft/result.h"

#include "base/frame.h"

int weft_return(weft_value value)
{
    struct wf_frame *frame = wf_frame_current();
    weft_value old = wf_frame_take_value(frame);

    frame->value = value;
    frame->has_value = true;
    weft_value_clear(&old);
    return 0;
}

int weft_return_int(int64_t number)
{
    return weft_return(weft_value_int(number));
}

int weft_return_ptr(void *pointer, weft_destroy_fn *destroy)
{
    return weft_return(weft_value_ptr(pointer, destroy));
}

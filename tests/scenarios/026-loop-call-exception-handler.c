/*
 * 026-loop-call-exception-handler: call_exception_handler reports a message straight away, with
 * or without an error; a handler may delegate to the default one.
 */
#include "support/scenario.h"

static int handler(weft_loop *loop, const weft_report *context, void *data)
{
    (void)data;
    trace("custom saw: %s", context->message);
    weft_loop_default_exception_handler(loop, context);
    return 0;
}

int main(void)
{
    watch_logs();
    weft_loop *loop = make_loop();
    weft_report report = WEFT_REPORT_INIT;

    report.message = "disk is full";
    weft_loop_call_exception_handler(loop, &report);
    MUST(weft_loop_set_exception_handler(loop, handler, NULL));
    report.message = "disk is on fire";
    report.code = OS_ERROR;
    weft_loop_call_exception_handler(loop, &report);
    end_loop(loop);
    return 0;
}

/*
 * 263-context-callbacks-keep-their-context: call_soon and done callbacks run with the task-local
 * values in force when they were added.
 */
#include "support/scenario.h"

static weft_context_var *var;

static void set(const char *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr((void *)text, NULL), NULL));
}

static int tell(void *who)
{
    weft_value value;

    MUST(weft_context_var_get(var, &value));
    trace("%s sees %s", (const char *)who, text_of(value));
    return 0;
}

static int on_done(weft_future *future, void *who)
{
    (void)future;
    return tell(who);
}

static int story(void *arg)
{
    weft_future *future = make_future();
    (void)arg;

    set("one");
    MUST(weft_loop_call_soon(NULL, tell, "call_soon", NULL));
    MUST(weft_future_add_done_callback(future, on_done, "done callback"));
    MUST(weft_loop_call_later(NULL, WEFT_MS(10), tell, "timer", NULL));
    set("two");
    MUST(weft_future_set_result(future, weft_value_none()));
    WEFT_TRY(weft_sleep(WEFT_MS(50)));
    tell("main");
    weft_future_unref(future);
    return 0;
}

int main(void)
{
    var = MUST_HAVE(weft_context_var_create("var"));
    int status = scenario_main(story);
    weft_context_var_unref(var);
    return status;
}

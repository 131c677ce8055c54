/*
 * transport-context: Callbacks see the context variables of whoever made the transport; what
 * data_received sets stays for the next data, what connection_made sets does not.
 */
#include "support/scenario.h"
#include "support/tracer.h"

#include <stdint.h>
#include <unistd.h>

static weft_context_var *var;

static const char *get_var(void)
{
    weft_value value;

    MUST(weft_context_var_get(var, &value));
    return value.as.ptr;
}

static void set_var(const char *text)
{
    MUST(weft_context_var_set(var, weft_value_ptr((void *)(uintptr_t)text, NULL), NULL));
}

static int note(struct tracer *a)
{
    trace("%s var %s", a->name, get_var());
    return 0;
}

static int note_and_set_made(struct tracer *a)
{
    note(a);
    set_var("made");
    return 0;
}

static int note_and_set_data(struct tracer *a)
{
    note(a);
    set_var("data");
    return 0;
}

static int story(void *arg)
{
    (void)arg;
    struct tracer a = { .name = "a",
                        .made = note_and_set_made,
                        .data = note_and_set_data,
                        .eof = note,
                        .lost_hook = note };

    var = MUST_HAVE(weft_context_var_create_with("var", weft_value_ptr("none", NULL)));
    set_var("maker");
    int peer = connect_tracer(&a);
    trace("maker sees %s", get_var());
    set_var("later");
    peer_send(peer, "one");
    WEFT_TRY(turns(3));
    peer_send(peer, "two");
    WEFT_TRY(turns(3));
    close(peer);
    WEFT_TRY(turns(4));
    trace("maker sees %s", get_var());
    weft_context_var_unref(var);
    tracer_end(&a);
    return 0;
}

int main(void)
{
    return scenario_main_real(story);
}

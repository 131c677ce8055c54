#ifndef WEFT_CONTEXT_H
#define WEFT_CONTEXT_H

/*
 * context.h: values that travel with the running code: Python's contextvars.
 *
 * A context variable has one value per task, not per thread. A task starts with a
 * copy of what its maker sees; so does a callback (call_soon, call_later,
 * add_reader, add_done_callback, signal handlers), a job of weft_to_thread, and a
 * coroutine handed to another loop. What it sets stays its own. A plain call
 * shares its caller's values.
 *
 *     weft_context_var *request = weft_context_var_create("request");
 *
 *     weft_context_var_set(request, weft_value_int(42), NULL);
 *     weft_create_task(weft_coro_create(handle, NULL), NULL); // sees 42
 *
 * Copying costs one reference, and nothing while no variable is set; setting one
 * copies the list of the values that are set.
 *
 * A weft_context is such a copy as an object: tasks and callbacks may be told to
 * run in it, and then they share it.
 *
 * Values with a destructor are shared by all copies and destroyed when the last of
 * them goes, on whichever thread that is.
 *
 * From: docs.python.org/3.13/library/contextvars.html.
 */

#include "weft/base.h"
#include "weft/error.h"

WEFT_BEGIN_DECLS

/** A context variable. */
typedef struct weft_context_var weft_context_var;
/** What a set has replaced; takes it back once. */
typedef struct weft_context_token weft_context_token;
/** The values of variables, as an object. */
typedef struct weft_context weft_context;
/** Runs in a context; a coroutine function is one. */
typedef int weft_context_fn(void *arg);

/* ---- variables ---------------------------------------------------------- */

/**
 * Make a variable without a default.
 *
 * Thread: any.
 * Owns:   the caller owns one reference; contexts in which it is set hold their own. The name is
 *         copied.
 * Errors: NULL without memory and without a name.
 */
WEFT_API WEFT_NODISCARD weft_context_var *weft_context_var_create(const char *name);
/** The same with a value for wherever it is not set. Thread: any. Owns: takes <value> on success.
 */
WEFT_API WEFT_NODISCARD weft_context_var *weft_context_var_create_with(const char *name,
                                                                       weft_value value);
/** Share. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_context_var *weft_context_var_ref(weft_context_var *var);
/** Give a reference back; always returns NULL. Thread: any. Owns: consumes one; NULL is a no-op. */
WEFT_API weft_context_var *weft_context_var_unref(weft_context_var *var);
/** Its name; "" for anything else. Thread: any. Owns: borrowed, lives as long as the variable. */
WEFT_API const char *weft_context_var_get_name(const weft_context_var *var);

/**
 * The value that the running code sees, else the default.
 *
 * Thread: any.
 * Owns:   *out_value is borrowed (it has no destructor): valid until the variable is set or reset
 *         here, or the running code ends.
 * Errors: WEFT_ELOOKUP when it is not set and has no default, and *out_value is untouched: what
 *         stood there is the default of this call. WEFT_EINVAL.
 */
WEFT_API int weft_context_var_get(const weft_context_var *var, weft_value *out_value);

/**
 * Set it for the running code and for what it makes from now on.
 *
 * Thread: any.
 * Owns:   takes <value> on success; on failure it stays the caller's. The caller destroys
 *         *out_token; NULL: it will not be taken back.
 * Errors: WEFT_ENOMEM, WEFT_EINVAL.
 */
WEFT_API int weft_context_var_set(weft_context_var *var, weft_value value,
                                  weft_context_token **out_token);

/**
 * Bring back what was there before the set that gave <token>.
 *
 * Thread: any, in the context of that set.
 * Owns:   borrows; the token is used up, but is the caller's still.
 * Errors: WEFT_ERUNTIME for a token that was used; WEFT_EINVAL for one of another variable or
 *         another context; WEFT_ENOMEM.
 */
WEFT_API int weft_context_var_reset(weft_context_var *var, weft_context_token *token);

/** The variable that was set. Thread: any. Owns: borrowed, lives as long as the token. */
WEFT_API weft_context_var *weft_context_token_get_var(const weft_context_token *token);
/** What it was before. Errors: WEFT_ELOOKUP when it was not set (Token.MISSING). Thread: any. Owns:
 * *out_value is borrowed and lives as long as the token. */
WEFT_API int weft_context_token_get_old_value(const weft_context_token *token,
                                              weft_value *out_value);
/** Release it, used or not. Thread: any. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_context_token_destroy(weft_context_token *token);

/* ---- labels ------------------------------------------------------------- */

/**
 * Say whose work the running code does from now on, as "web": reports of blocked loops and dumps
 * tell it. It is a context variable of the library's, so whatever this code makes has the label
 * too, over all tasks and callbacks. NULL takes it away.
 *
 * Thread: any.
 * Owns:   copied; cut at 63 bytes.
 * Errors: WEFT_ENOMEM.
 */
WEFT_API int weft_set_label(const char *label);
/** The label of the running code, or NULL. Thread: any. Owns: borrowed until it is set anew here.
 */
WEFT_API const char *weft_get_label(void);

/* ---- contexts ----------------------------------------------------------- */

/** A context in which nothing is set. Errors: NULL without memory. Thread: any. Owns: the caller
 * owns one reference. */
WEFT_API WEFT_NODISCARD weft_context *weft_context_create(void);
/** A copy of what the running code sees. Errors: NULL without memory. Thread: any. Owns: the caller
 * owns one reference. */
WEFT_API WEFT_NODISCARD weft_context *weft_copy_context(void);
/** A copy of <context>. Errors: NULL without memory. Thread: the one that uses <context>. Owns: the
 * caller owns one reference. */
WEFT_API WEFT_NODISCARD weft_context *weft_context_copy(const weft_context *context);
/** Share. Thread: any. Owns: the caller owns one reference more. */
WEFT_API weft_context *weft_context_ref(weft_context *context);
/** Give a reference back; always returns NULL. Thread: any. Owns: consumes one; NULL is a no-op. */
WEFT_API weft_context *weft_context_unref(weft_context *context);

/**
 * Call fn(arg) in <context>: what it sets stays there. In a task it may wait.
 *
 * Thread: any, but one at a time.
 * Owns:   borrows.
 * Errors: what <fn> returns; WEFT_ERUNTIME when the context is entered already; WEFT_EINVAL.
 */
WEFT_API int weft_context_run(weft_context *context, weft_context_fn *fn, void *arg);

/** The value of <var> in <context>. Errors: WEFT_ELOOKUP when it is not set there; WEFT_EINVAL.
 * Thread: the one that uses <context>. Owns: *out_value is borrowed until the variable is set
 * there anew. */
WEFT_API int weft_context_get(const weft_context *context, const weft_context_var *var,
                              weft_value *out_value);
/** How many variables are set in it. Thread: the one that uses <context>. Owns: nothing. */
WEFT_API size_t weft_context_get_n(const weft_context *context);
/** Variable <i> of those, in no particular order, and its value; either output may be NULL. Errors:
 * WEFT_ELOOKUP when there are not so many. Thread: the one that uses <context>. Owns: both are
 * borrowed until something is set there. */
WEFT_API int weft_context_get_item(const weft_context *context, size_t i,
                                   weft_context_var **out_var, weft_value *out_value);

WEFT_END_DECLS

#endif

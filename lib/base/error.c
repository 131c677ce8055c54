/*
 * Errors: the table of codes, and the traces that travel with them.
 *
 * A trace is a small block with a message and up to 16 places. Everything here
 * degrades to the bare code when there is no memory: the code is the contract,
 * the trace is help.
 *
 * Linear in the number of places and children; both are small.
 */

#include "base/error.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/frame.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_PLACES = 16,
    MESSAGE_SIZE = 256,   /* of one failure */
    COMBINED_SIZE = 4096, /* of one that lists others */
    USER_FIRST = -10000,
    USER_LAST = -99999
};

struct weft_error {
    atomic_int n_refs; /* atomic: errors cross threads */
    int code;
    int64_t detail;
    size_t n_places;
    const weft_origin *places[MAX_PLACES]; /* borrowed: static records */
    size_t n_children;
    weft_error **children; /* owned array of refs */
    char message[];
};

/* ---- the table ---------------------------------------------------------- */

struct row {
    int code;
    const char *name;
    const char *text;
    const char *asyncio;
};

static const struct row rows[] = {
#define ROW(name, value, text, asyncio) { (value), "WEFT_" #name, (text), (asyncio) },
    WEFT_ERROR_MAP(ROW)
#undef ROW
};

static const struct row *find_row(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The system's number, or 0 when <code> cannot be one. */
static int system_number(int code)
{
    return code < 0 && code > INT_MIN ? -code : 0;
}

static bool is_user_code(int code)
{
    return code <= USER_FIRST && code >= USER_LAST;
}

const char *weft_error_name(int code)
{
    static _Thread_local char text[32];
    const struct row *row = find_row(code);

    if (row != NULL) {
        return row->name;
    }
    if (code == 0) {
        return "0";
    }
    if (is_user_code(code)) {
        snprintf(text, sizeof text, "EUSER(%d)", USER_FIRST - code);
        return text;
    }
    int number = system_number(code);
    const char *name = number != 0 ? strerrorname_np(number) : NULL;
    if (name != NULL) {
        return name;
    }
    snprintf(text, sizeof text, "error %d", code);
    return text;
}

const char *weft_strerror(int code)
{
    static _Thread_local char text[64];
    const struct row *row = find_row(code);

    if (row != NULL) {
        return row->text;
    }
    if (code == 0) {
        return "success";
    }
    if (is_user_code(code)) {
        snprintf(text, sizeof text, "application error %d", USER_FIRST - code);
        return text;
    }
    int number = system_number(code);
    const char *description = number != 0 ? strerrordesc_np(number) : NULL;
    if (description != NULL) {
        return description;
    }
    snprintf(text, sizeof text, "unknown error %d", code);
    return text;
}

const char *weft_error_asyncio_name(int code)
{
    const struct row *row = find_row(code);

    if (row != NULL) {
        return row->asyncio;
    }
    int number = system_number(code);
    switch (number) {
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS:
        return "BlockingIOError";
    case EPIPE:
    case ESHUTDOWN:
        return "BrokenPipeError";
    case ECONNABORTED:
        return "ConnectionAbortedError";
    case ECONNREFUSED:
        return "ConnectionRefusedError";
    case ECONNRESET:
        return "ConnectionResetError";
    case EEXIST:
        return "FileExistsError";
    case ENOENT:
        return "FileNotFoundError";
    case EINTR:
        return "InterruptedError";
    case EISDIR:
        return "IsADirectoryError";
    case ENOTDIR:
        return "NotADirectoryError";
    case EACCES:
    case EPERM:
        return "PermissionError";
    case ESRCH:
        return "ProcessLookupError";
    case ECHILD:
        return "ChildProcessError";
    case ETIMEDOUT:
        return "TimeoutError";
    default:
        break;
    }
    return number != 0 && strerrorname_np(number) != NULL ? "OSError" : "Exception";
}

/* ---- the object --------------------------------------------------------- */

weft_error *wf_error_create(int code, const weft_origin *origin, const char *message)
{
    size_t len = strnlen(message, COMBINED_SIZE - 1);
    weft_error *error = wf_alloc(sizeof *error + len + 1);

    if (error == NULL) {
        return NULL;
    }
    memset(error, 0, sizeof *error);
    atomic_init(&error->n_refs, 1);
    error->code = code;
    memcpy(error->message, message, len);
    error->message[len] = '\0';
    if (origin != NULL) {
        error->places[error->n_places++] = origin;
    }
    return error;
}

weft_error *wf_error_create_combined(int code, const weft_origin *origin, const char *message,
                                     weft_error *const *children, size_t n)
{
    weft_error *error = wf_error_create(code, origin, message);

    if (error == NULL || n == 0) {
        return error;
    }
    error->children = wf_new_array(weft_error *, n);
    if (error->children == NULL) {
        wf_error_unref(error);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        error->children[i] = wf_error_ref(children[i]);
    }
    error->n_children = n;
    return error;
}

weft_error *wf_error_create_group(int code, weft_error *const *children, size_t n)
{
    char message[64];

    snprintf(message, sizeof message, "%zu sub-error%s", n, n == 1 ? "" : "s");
    return wf_error_create_combined(code, NULL, message, children, n);
}

weft_error *wf_error_copy(const weft_error *error)
{
    weft_error *copy = wf_error_create(error->code, NULL, error->message);

    if (copy == NULL) {
        return NULL;
    }
    copy->detail = error->detail;
    memcpy(copy->places, error->places, sizeof copy->places);
    copy->n_places = error->n_places;
    if (error->n_children == 0) {
        return copy;
    }
    copy->children = wf_new_array(weft_error *, error->n_children);
    if (copy->children == NULL) {
        wf_error_unref(copy);
        return NULL;
    }
    for (size_t i = 0; i < error->n_children; i++) {
        copy->children[i] = wf_error_copy(error->children[i]);
        if (copy->children[i] == NULL) {
            wf_error_unref(copy);
            return NULL;
        }
        copy->n_children++;
    }
    return copy;
}

weft_error *wf_error_ref(weft_error *error)
{
    atomic_fetch_add_explicit(&error->n_refs, 1, memory_order_relaxed);
    return error;
}

void wf_error_unref(weft_error *error)
{
    /* The release pairs with the acquire of whoever drops the last reference. */
    if (error == NULL || atomic_fetch_sub_explicit(&error->n_refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < error->n_children; i++) {
        wf_error_unref(error->children[i]);
    }
    wf_free(error->children);
    wf_free(error);
}

int wf_error_code(const weft_error *error)
{
    return error->code;
}

int wf_fail_detail(int code, int64_t detail)
{
    weft_error *error = wf_frame_current()->error;

    if (error != NULL && error->code == code) {
        error->detail = detail;
    }
    return code;
}

/* ---- the public face ---------------------------------------------------- */

int weft_fail_at(const weft_origin *origin, int code, const char *format, ...)
{
    struct wf_frame *frame = wf_frame_current();
    char message[MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format != NULL ? format : "(null)", arguments);
    va_end(arguments);

    weft_error *error = wf_error_create(code, origin, message);
    wf_frame_set_error(frame, error);
    if (error != NULL) {
        wf_error_unref(error);
    }
    return code;
}

int weft_trace_at(const weft_origin *origin, int code)
{
    struct wf_frame *frame = wf_frame_current();
    weft_error *error = frame->error;

    if (error == NULL || error->code != code) {
        error = wf_error_create(code, origin, "");
        wf_frame_set_error(frame, error);
        if (error != NULL) {
            wf_error_unref(error);
        }
        return code;
    }
    if (origin != NULL && error->n_places < MAX_PLACES) {
        error->places[error->n_places++] = origin;
    }
    return code;
}

const weft_error *weft_current_error(void)
{
    return wf_frame_current()->error;
}

const char *weft_current_message(int code)
{
    const weft_error *error = wf_frame_current()->error;

    if (error != NULL && error->code == code && error->message[0] != '\0') {
        return error->message;
    }
    return weft_strerror(code);
}

int weft_raise(const weft_error *error)
{
    wf_frame_set_error(wf_frame_current(), (weft_error *)error);
    return error != NULL ? error->code : 0;
}

int weft_error_get_code(const weft_error *error)
{
    return error != NULL ? error->code : 0;
}

const char *weft_error_get_message(const weft_error *error)
{
    return error != NULL ? error->message : "";
}

int64_t weft_error_get_detail(const weft_error *error)
{
    return error != NULL ? error->detail : 0;
}

int64_t weft_current_detail(int code)
{
    const weft_error *error = wf_frame_current()->error;

    return error != NULL && error->code == code ? error->detail : 0;
}

size_t weft_error_get_n_places(const weft_error *error)
{
    return error != NULL ? error->n_places : 0;
}

weft_error_place weft_error_get_place(const weft_error *error, size_t i)
{
    weft_error_place place = { "?", "?", 0 };

    if (error != NULL && i < error->n_places) {
        place.function = error->places[i]->function;
        place.file = error->places[i]->file;
        place.line = error->places[i]->line;
    }
    return place;
}

size_t weft_error_get_n_children(const weft_error *error)
{
    return error != NULL ? error->n_children : 0;
}

const weft_error *weft_error_get_child(const weft_error *error, size_t i)
{
    return error != NULL && i < error->n_children ? error->children[i] : NULL;
}

static size_t append(char *buffer, size_t size, size_t used, const char *format, ...)
    WEFT_PRINTF(4, 5);

static size_t append(char *buffer, size_t size, size_t used, const char *format, ...)
{
    va_list arguments;

    if (used + 1 >= size) {
        return used;
    }
    va_start(arguments, format);
    int len = vsnprintf(buffer + used, size - used, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return used;
    }
    return used + (size_t)len < size ? used + (size_t)len : size - 1;
}

static size_t format_error(const weft_error *error, char *buffer, size_t size, size_t used,
                           int indent)
{
    used = append(buffer, size, used, "%*s%s: %s\n", indent, "", weft_error_name(error->code),
                  error->message[0] != '\0' ? error->message : weft_strerror(error->code));
    for (size_t i = 0; i < error->n_places; i++) {
        const weft_origin *place = error->places[i];
        used = append(buffer, size, used, "%*s  at %s (%s:%d)\n", indent, "", place->function,
                      place->file, place->line);
    }
    for (size_t i = 0; i < error->n_children; i++) {
        used = format_error(error->children[i], buffer, size, used, indent + 2);
    }
    return used;
}

void weft_error_format(const weft_error *error, char *buffer, size_t size)
{
    if (size == 0) {
        return;
    }
    buffer[0] = '\0';
    if (error != NULL) {
        (void)format_error(error, buffer, size, 0, 0); /* the length is not needed */
    }
}

const weft_error *weft_error_ref(const weft_error *error)
{
    return error != NULL ? wf_error_ref((weft_error *)error) : NULL;
}

const weft_error *weft_error_unref(const weft_error *error)
{
    if (error != NULL) {
        wf_error_unref((weft_error *)error);
    }
    return NULL;
}

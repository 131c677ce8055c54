/*
 * Reading options by their size. See options.h for what other versions get.
 *
 * The size is the caller's word: a struct that nobody initialised says anything.
 * None of ours has anywhere near MAX_SIZE bytes, so a larger one is refused
 * before its memory is looked at.
 *
 * Thread: any.
 */

#include "base/options.h"

#include "base/log.h"
#include "weft/error.h"

#include <stdbool.h>
#include <string.h>

enum {
    MAX_SIZE = 4096
};

static size_t size_of(const void *given)
{
    size_t size;

    memcpy(&size, given, sizeof size);
    return size;
}

static bool is_plausible(size_t size)
{
    return size >= sizeof size && size <= MAX_SIZE;
}

static bool is_zero(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

int wf_options_read(const char *what, const void *given, void *options, size_t size)
{
    if (given == NULL) {
        return 0;
    }
    size_t theirs = size_of(given);
    if (!is_plausible(theirs)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s with a size of %zu, not %zu", what,
                         theirs, size);
    }
    if (theirs > size && !is_zero((const char *)given + size, theirs - size)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s that this version does not know",
                         what);
    }
    memcpy(options, given, theirs < size ? theirs : size);
    memcpy(options, &size, sizeof size);
    return 0;
}

int wf_stats_write(const char *what, void *out, const void *stats, size_t size)
{
    size_t theirs = out != NULL ? size_of(out) : 0;

    if (!is_plausible(theirs)) {
        return wf_misuse(WEFT_REPORT_MISUSE, WEFT_EINVAL, "%s without a size", what);
    }
    memcpy(out, stats, theirs < size ? theirs : size);
    memcpy(out, &theirs, sizeof theirs);
    if (theirs > size) {
        memset((char *)out + size, 0, theirs - size);
    }
    return 0;
}

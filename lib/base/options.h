#ifndef WF_BASE_OPTIONS_H
#define WF_BASE_OPTIONS_H

/*
 * Structs that cross the library's border and begin with their own size: options
 * that are read, statistics that are filled in.
 *
 * The caller may have been compiled against another version. One that knows
 * fewer fields gets the defaults for the rest. One that knows more may leave
 * them zero, which is the default everywhere; asking for something that this
 * version does not have is refused, not ignored.
 */

#include <stddef.h>

/*
 * Read <given> (NULL: nothing) over the defaults that <options>, of <size> bytes, holds. <what>
 * names the struct: "stream options". WEFT_EINVAL, reported, and <options> untouched, when
 * its size is none or it asks for what is unknown here.
 */
int wf_options_read(const char *what, const void *given, void *options, size_t size);

/*
 * Fill <out>, whose size the caller has set, from <stats>, of <size> bytes. The size in <out> stays
 * and what lies behind <size> is zeroed. WEFT_EINVAL, reported, when it is NULL or has no size.
 */
int wf_stats_write(const char *what, void *out, const void *stats, size_t size);

#endif

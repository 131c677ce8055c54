#ifndef WEFT_HTTP_FILES_H
#define WEFT_HTTP_FILES_H

/*
 * http_files.h: the files below one directory, over HTTP; part of libweft-http.
 *
 *     static int handle(weft_http_request *request, weft_http_response *response, void *data)
 *     {
 *         return weft_http_files_answer(data, NULL, request, response);
 *     }
 *
 * GET and HEAD, one range, and the conditions of RFC 9110 section 13 by date and
 * by entity tag. Nothing outside the directory is reached: not by `..`, in
 * whatever encoding, and not by a symbolic link, which may lead about inside. Of
 * names that begin with a dot only `.well-known` is served. A directory is asked
 * for with a slash behind it, and answered with its index.
 *
 * Files are looked up by an executor, and what of a file is not in memory yet is
 * fetched by it too, so that a slow disk holds up its own clients only. The
 * directory is opened anew each time: a deployment may exchange it as a whole.
 */

#include "weft/base.h"
#include "weft/executor.h"
#include "weft/http.h"
#include "weft/time.h"

WEFT_BEGIN_DECLS

/** A directory that is served. */
typedef struct weft_http_files weft_http_files;

/** All zero is the default. Start from WEFT_HTTP_FILES_OPTIONS_INIT. */
typedef struct weft_http_files_options {
    size_t size;
    const char *index;       /* of a directory; NULL: "index.html"; "": none, 404 */
    weft_executor *executor; /* NULL: the loop's default */
    weft_duration max_age;   /* for `Cache-Control: max-age`, in whole seconds; 0: no such header */
} weft_http_files_options;

#define WEFT_HTTP_FILES_OPTIONS_INIT                   \
    {                                                  \
        sizeof(weft_http_files_options), NULL, NULL, 0 \
    }

/**
 * Serve what is below <root>.
 *
 * Thread: any; it looks at the directory, which may block.
 * Owns:   the texts are copied, the executor is referenced; the caller owns *out_files.
 * Errors: system codes (-ENOENT, -ENOTDIR, -EACCES); -ENOSYS where the kernel is older than 5.6;
 *         WEFT_EINVAL; WEFT_ENOMEM.
 */
WEFT_API int weft_http_files_create(const char *root, const weft_http_files_options *options,
                                    weft_http_files **out_files);

/** Release it; answers that are under way must have ended. Thread: any. Owns: consumes; NULL is a
 * no-op. */
WEFT_API void weft_http_files_destroy(weft_http_files *files);

/**
 * Answer <request> with the file at <path>, as it was sent and not decoded; NULL
 * is the request's own path. It begins with a slash.
 *
 *     200, 206            the file or a part of it
 *     304, 412, 416       by the conditions and the range
 *     301                 to a directory without its slash
 *     403, 404, 405, 503  not readable, not there, not GET or HEAD, no descriptors or no thread
 *
 * Thread: loop thread, in the handler's task.
 * Owns:   borrows all until it returns.
 * Errors: 0 when it was answered, with whatever status; what weft_http_response_send_file and
 *         weft_loop_run_in_executor say; WEFT_EINVAL; WEFT_ECANCELED.
 * See:    RFC 9110 sections 13 and 14.
 */
WEFT_API int weft_http_files_answer(weft_http_files *files, const char *path,
                                    weft_http_request *request, weft_http_response *response);

/**
 * Send <size> bytes of the open regular file <fd> from <offset> on, as a piece
 * like those of weft_http_response_send, by the kernel from its page cache; an
 * executor fetches what is not there.
 *
 * Thread: loop thread, in the handler's task.
 * Owns:   <fd> is the caller's and must stay open until it returns.
 * Units:  bytes.
 * Errors: as weft_http_response_send; WEFT_ETIMEDOUT for a client that takes less than 256 KiB
 *         within idle_limit; WEFT_EINCOMPLETEREAD when the file became shorter: the connection will
 *         be cut.
 */
WEFT_API int weft_http_response_send_file(weft_http_response *response, int fd, int64_t offset,
                                          uint64_t size);

/**
 * The media type for a name, by its ending: "text/html; charset=utf-8"; else
 * "application/octet-stream".
 *
 * Thread: any.
 * Owns:   static text.
 */
WEFT_API const char *weft_http_media_type(const char *name);

WEFT_END_DECLS

#endif

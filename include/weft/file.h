#ifndef WEFT_FILE_H
#define WEFT_FILE_H

/*
 * file.h: files and folders, without ever holding up the loop.
 *
 * The kernel has no readiness for files: each call here runs on a thread of the loop's
 * own small executor for files ("files": four threads), and the task waits for it.
 *
 *     weft_file *file;
 *     char text[100];
 *     size_t n;
 *     WEFT_TRY(weft_file_open("/etc/hostname", O_RDONLY, 0, &file));
 *     int code = weft_file_read(file, text, sizeof text, &n);
 *     weft_file_close(file);
 *     weft_file_destroy(file);
 *
 * Cancelling. A call that runs cannot be stopped: a cancelled task leaves at once, and the job
 * goes on by itself. Nothing of the caller's is touched after that, since the job has buffers and
 * paths of its own; a descriptor that it opens is closed. What a cancelled call was
 * to change (a write, a rename) may happen or not.
 *
 * Positions. A file that can be positioned keeps its position here, in the object:
 * read and write go on from there and move it by what they returned, so a cancelled read
 * loses nothing. Pipes, terminals and files open for appending use the kernel's.
 * pread and pwrite move nothing, and any number of tasks may use them at a time.
 *
 * Errors of all that wait: codes of the system (-ENOENT, -EACCES, -ENOSPC, -EIO);
 * WEFT_ECANCELED; WEFT_ERUNTIME outside a task; WEFT_ENOMEM; WEFT_ECLOSED for a file
 * that was closed.
 *
 * From: nothing in asyncio, which has no files; Python's os and pathlib.
 */

#include "weft/base.h"
#include "weft/bytes.h"
#include "weft/error.h"
#include "weft/loop.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

/* ---- a file ------------------------------------------------------------- */

/** An open file. */
typedef struct weft_file weft_file;

/**
 * Open <path>. <flags> and <mode> are those of open(2); O_CLOEXEC is added.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller owns *out_file: weft_file_close, then weft_file_destroy.
 * Errors: system codes; WEFT_EINVAL, WEFT_ENOMEM, WEFT_ECANCELED (what it opens is closed).
 */
#define weft_file_open(path, flags, mode, out_file) \
    weft_file_open_at(WEFT_ORIGIN(NULL), (path), (flags), (mode), (out_file))
/** The function under it. Thread: loop thread, in a task. Owns: as above. */
WEFT_API int weft_file_open_at(const weft_origin *origin, const char *path, int flags, mode_t mode,
                               weft_file **out_file);

/**
 * Close the file: close(2), after the calls that still run on it.
 *
 * Thread: loop thread, in a task.
 * Owns:   nothing; destroy it afterwards. The descriptor goes, also on failure and when cancelled.
 * Errors: what close says (-EIO, -ENOSPC); WEFT_ECANCELED. Closing twice is harmless.
 */
WEFT_API int weft_file_close(weft_file *file);
/** Release the file. One that was not closed is reported as "unclosed file" and closed. Thread:
 * loop thread; no task may be inside a call on it. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_file_destroy(weft_file *file);

/**
 * Read at most <size> bytes at the position, and move that.
 *
 * Thread: loop thread, in a task.
 * Owns:   <buffer> is the caller's, written when the call succeeds.
 * Units:  *out_n may be less than <size> long before the end; 0 is the end.
 * Errors: system codes; WEFT_ECANCELED; WEFT_ECLOSED; WEFT_ERUNTIME while another task uses the
 *         position.
 */
WEFT_API int weft_file_read(weft_file *file, void *buffer, size_t size, size_t *out_n);
/** The same at <offset>; the position stays. Thread: loop thread, in a task. Owns: as
 * weft_file_read. Units: bytes from the beginning, 0 or more. */
WEFT_API int weft_file_pread(weft_file *file, void *buffer, size_t size, int64_t offset,
                             size_t *out_n);

/**
 * Write all of <data> at the position, and move that.
 *
 * Thread: loop thread, in a task.
 * Owns:   <data> is copied; it may be reused when the call returns.
 * Units:  *out_n is less than <size> when an error stopped it in the middle (a full disk): the
 *         next write tells which. With <out_n> NULL, that error is returned at once.
 * Errors: system codes (-ENOSPC, -EDQUOT); WEFT_ECANCELED (some, all or nothing is written);
 *         WEFT_ECLOSED; WEFT_ERUNTIME while another task uses the position; WEFT_ENOMEM.
 */
WEFT_API int weft_file_write(weft_file *file, const void *data, size_t size, size_t *out_n);
/** The same at <offset>; the position stays. Thread: loop thread, in a task. Owns: as
 * weft_file_write. Units: bytes from the beginning, 0 or more. */
WEFT_API int weft_file_pwrite(weft_file *file, const void *data, size_t size, int64_t offset,
                              size_t *out_n);

/** Set the position. Errors: WEFT_EINVAL when it is negative; -ESPIPE when the file has none here.
 * Thread: loop thread. Owns: nothing. Units: bytes from the beginning. */
WEFT_API int weft_file_seek(weft_file *file, int64_t position);
/** The position, or a code as weft_file_seek. Thread: loop thread. Owns: nothing. */
WEFT_API int64_t weft_file_tell(const weft_file *file);

/** fsync(2): wait until all is on the disk. Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_file_fsync(weft_file *file);
/** fdatasync(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_file_fdatasync(weft_file *file);
/** ftruncate(2): cut or extend it to <size> bytes. Thread: loop thread, in a task. Owns: nothing.
 */
WEFT_API int weft_file_truncate(weft_file *file, int64_t size);
/** fstat(2). Thread: loop thread, in a task. Owns: copied. */
WEFT_API int weft_file_stat(weft_file *file, struct stat *out_stat);
/** The descriptor; -1 once it is closed. Thread: loop thread. Owns: the file's. */
WEFT_API int weft_file_get_fd(const weft_file *file);

/* ---- paths -------------------------------------------------------------- */

/** stat(2) of <path>. Errors: system codes, WEFT_ECANCELED. Thread: loop thread, in a task. Owns:
 * copied. */
WEFT_API int weft_fs_stat(const char *path, struct stat *out_stat);
/** lstat(2): of a symbolic link itself. Thread: loop thread, in a task. Owns: copied. */
WEFT_API int weft_fs_lstat(const char *path, struct stat *out_stat);
/** rename(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_fs_rename(const char *from, const char *to);
/** unlink(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_fs_unlink(const char *path);
/** mkdir(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_fs_mkdir(const char *path, mode_t mode);
/** rmdir(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_fs_rmdir(const char *path);
/** truncate(2). Thread: loop thread, in a task. Owns: nothing. */
WEFT_API int weft_fs_truncate(const char *path, int64_t size);

/**
 * Read all of a file.
 *
 * Thread: loop thread, in a task.
 * Owns:   the caller destroys *out_bytes (weft_bytes_destroy).
 * Units:  <limit> in bytes; 0: none.
 * Errors: -EFBIG when it is longer than <limit>; -EISDIR; else as weft_file_open.
 */
WEFT_API int weft_fs_read_file(const char *path, size_t limit, weft_bytes **out_bytes);

/**
 * Put <data> in place of a file, at once or not at all: into a temporary file in the same folder,
 * which is synced, then renamed, and the folder synced. A symbolic link is replaced itself.
 *
 * Thread: loop thread, in a task.
 * Owns:   <data> is copied.
 * Units:  <mode> as of open(2); when the file exists, its own is kept.
 * Errors: system codes; the old file is then what it was. WEFT_ECANCELED: it is the old or the new.
 */
WEFT_API int weft_fs_write_file(const char *path, const void *data, size_t size, mode_t mode);

/* ---- folders ------------------------------------------------------------ */

/** All the entries of a folder, but for "." and "..", sorted by name. */
typedef struct weft_folder weft_folder;

/** One entry. <type>: DT_REG, DT_DIR, DT_LNK, ... of <dirent.h>; DT_UNKNOWN where the file system
 * does not say. */
typedef struct weft_folder_entry {
    const char *name;
    unsigned char type;
    uint64_t inode;
} weft_folder_entry;

/** List a folder. Errors: system codes (-ENOTDIR), WEFT_ENOMEM, WEFT_ECANCELED. Thread: loop
 * thread, in a task. Owns: the caller destroys *out_folder. */
WEFT_API int weft_fs_readdir(const char *path, weft_folder **out_folder);
/** How many entries; 0 for NULL. Thread: any, one at a time. Owns: nothing. */
WEFT_API size_t weft_folder_get_n(const weft_folder *folder);
/** Entry <i>; NULL past the end. Thread: any, one at a time. Owns: borrowed from <folder>. */
WEFT_API const weft_folder_entry *weft_folder_get(const weft_folder *folder, size_t i);
/** Release it. Thread: any, one at a time. Owns: consumes; NULL is a no-op. */
WEFT_API void weft_folder_destroy(weft_folder *folder);

/* ---- watching ----------------------------------------------------------- */

/** What happened to a file or in a folder. */
enum weft_file_event_kind {
    WEFT_FILE_CREATED = 1,   /* an entry is new, or was moved in from elsewhere */
    WEFT_FILE_MODIFIED = 2,  /* bytes were written, or it was truncated */
    WEFT_FILE_DELETED = 4,   /* an entry is gone, or was moved out; or the path itself */
    WEFT_FILE_MOVED = 8,     /* renamed within the folder; or the path itself, with no names */
    WEFT_FILE_WRITTEN = 16,  /* closed by somebody who could write */
    WEFT_FILE_CHANGED = 32,  /* mode, owner, times, links */
    WEFT_FILE_OVERFLOW = 64, /* events were lost: look at everything anew */
    WEFT_FILE_GONE = 128     /* the path is not watched any more: deleted, unmounted, removed */
};

/** The short name: "created". Thread: any. Owns: static text. */
WEFT_API const char *weft_file_event_kind_name(enum weft_file_event_kind kind);

/** One event. The names are entries of a watched folder, "" for the watched path itself; they are
 * valid until the next call on the watch. */
typedef struct weft_file_event {
    enum weft_file_event_kind kind;
    const char *name;
    const char *old_name; /* of WEFT_FILE_MOVED */
    int is_folder;        /* what it happened to is a folder */
    int id;               /* of the path, from weft_file_watch_add; -1 at an overflow */
} weft_file_event;

/** A set of watched paths, and the events that have come: one inotify(7) instance. */
typedef struct weft_file_watch weft_file_watch;

/**
 * Make one, without paths.
 *
 * Thread: loop thread.
 * Owns:   the caller destroys *out_watch.
 * Errors: -EMFILE: the user has too many (fs.inotify.max_user_instances); WEFT_ENOMEM.
 */
#define weft_file_watch_create(out_watch) weft_file_watch_create_at(WEFT_ORIGIN(NULL), (out_watch))
/** The function under it. Thread: loop thread. Owns: as above. */
WEFT_API int weft_file_watch_create_at(const weft_origin *origin, weft_file_watch **out_watch);

/**
 * Watch <path> too: a file, or a folder with its entries but not what is below them.
 *
 * Thread: loop thread, in a task.
 * Owns:   copied; <out_id> may be NULL.
 * Units:  <kinds>: a sum of kinds; 0: created, modified, deleted and moved. Overflow and gone come
 *         always, and half a move as created or deleted. The same file again: its kinds are
 *         replaced and its id is given again.
 * Errors: system codes (-ENOENT; -ENOSPC: too many watches of this user); WEFT_ECANCELED (it
 *         may be watched or not); WEFT_ECLOSED.
 */
WEFT_API int weft_file_watch_add(weft_file_watch *watch, const char *path, int kinds, int *out_id);
/** Do not watch <id> any more: a last WEFT_FILE_GONE comes for it. Errors: WEFT_EINVAL. Thread:
 * loop thread. Owns: nothing. */
WEFT_API int weft_file_watch_remove(weft_file_watch *watch, int id);

/**
 * Wait for the next event.
 *
 * Equal events that follow one another unread are one. The two halves of a rename are
 * one event when the kernel gives them together; else DELETED and CREATED.
 *
 * Thread: loop thread, in a task.
 * Owns:   the names are borrowed, see above.
 * Errors: WEFT_ECANCELED (nothing was lost); WEFT_ECLOSED; WEFT_ERUNTIME while another task waits;
 *         system codes of read(2).
 */
WEFT_API int weft_file_watch_next(weft_file_watch *watch, weft_file_event *out_event);

/** Release it. A task that waits is woken with WEFT_ECLOSED. Thread: loop thread. Owns: consumes;
 * NULL is a no-op. */
WEFT_API void weft_file_watch_destroy(weft_file_watch *watch);

WEFT_END_DECLS

#endif

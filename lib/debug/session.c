/*
 * Sessions: which modules a process has mapped, and the files that tell of them.
 *
 * There is one session for this process, kept for good and brought up to date
 * when modules came or went (the dynamic linker counts both), and one for
 * whichever other process was asked for last.
 *
 * Only local files are read: the modules' own, and the debug files that packages
 * install by build id. No debuginfod: a server must not fetch from the network
 * because one of its loops is stuck. The C library's functions go by the names that it
 * exports: its debug file takes 40 ms and 20 MB to read, for lines that nobody wants.
 *
 * Thread: see session.h.
 */

#include "debug/session.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_ID = 64 /* bytes of a build id */
};

static struct wf_debug_session own;
static struct wf_debug_session other;
static pid_t pid_of_report; /* for find_elf, which is told of no process */

static int count_changes(struct dl_phdr_info *info, size_t size, void *data)
{
    unsigned long long *count = data;

    (void)size;
    *count = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

/* Takes the linker's lock of its list, which is held for a change only, not for constructors. */
static unsigned long long get_n_module_changes(void)
{
    unsigned long long count = 0;

    dl_iterate_phdr(count_changes, &count);
    return count;
}

/* The program itself can be opened also when it was deleted, or replaced by an upgrade. */
static int open_deleted(const char *name)
{
    char exe[64];
    char target[4096];

    snprintf(exe, sizeof exe, "/proc/%d/exe", (int)pid_of_report);
    ssize_t n = readlink(exe, target, sizeof target - 1);
    if (n < 0) {
        return -1;
    }
    target[n] = '\0';
    return strcmp(target, name) == 0 ? open(exe, O_RDONLY | O_CLOEXEC) : -1;
}

/* In memory as a whole, so that no descriptor stays open. */
static Elf *map_file(const char *name)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(name);
    size_t end = sizeof deleted - 1;
    bool is_deleted = length > end && strcmp(name + length - end, deleted) == 0;
    int fd = is_deleted ? open_deleted(name) : open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return NULL;
    }
    (void)elf_version(EV_CURRENT); /* libelf's own way to begin */
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf != NULL) {
        (void)elf_cntl(elf, ELF_C_FDREAD); /* what it could not map it reads */
    }
    close(fd);
    return elf;
}

static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
                    char **out_file_name, Elf **out_elf)
{
    if (name[0] != '/') { /* "[vdso: PID]" is read from memory */
        return dwfl_linux_proc_find_elf(module, userdata, name, base, out_file_name, out_elf);
    }
    *out_elf = map_file(name);
    return -1; /* no descriptor */
}

static bool is_of_libc(const char *name)
{
    static const char *const names[] = { "libc.so", "libm.so", "ld-linux", "libpthread.so" };
    const char *slash = strrchr(name, '/');
    const char *file = slash != NULL ? slash + 1 : name;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(file, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The debug file that a package installed, by build id. */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
                          const char *file_name, const char *debug_link, GElf_Word crc,
                          char **out_file_name)
{
    const unsigned char *id = NULL;
    GElf_Addr address = 0;
    char path[PATH_MAX] = "/usr/lib/debug/.build-id/";
    size_t at = strlen(path);
    int n = is_of_libc(name) ? 0 : dwfl_module_build_id(module, &id, &address);

    (void)userdata;
    (void)base;
    (void)file_name;
    (void)debug_link;
    (void)crc;
    (void)out_file_name;
    if (n < 2 || n > MAX_ID) {
        return -1;
    }
    for (int i = 0; i < n; i++) {
        at += (size_t)snprintf(path + at, sizeof path - at, i == 0 ? "%02x/" : "%02x", id[i]);
    }
    snprintf(path + at, sizeof path - at, ".debug");
    return open(path, O_RDONLY | O_CLOEXEC);
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = find_debuginfo,
};

static void close_session(struct wf_debug_session *session)
{
    wf_debug_forget_names();
    if (session->dwfl != NULL) {
        dwfl_end(session->dwfl);
    }
    (void)elf_end(session->header); /* it counts users; NULL is none */
    *session = (struct wf_debug_session){ .pid = 0 };
}

/* Modules that are still there keep what was read of them. */
static bool report(struct wf_debug_session *session)
{
    wf_debug_forget_names();
    pid_of_report = session->pid;
    dwfl_report_begin(session->dwfl);
    int r = dwfl_linux_proc_report(session->dwfl, session->pid);
    return dwfl_report_end(session->dwfl, NULL, NULL) == 0 && r == 0;
}

static bool open_session(struct wf_debug_session *session, pid_t pid)
{
    *session = (struct wf_debug_session){ .pid = pid };
    session->dwfl = dwfl_begin(&callbacks);
    if (session->dwfl == NULL || !report(session)) {
        close_session(session);
        return false;
    }
    return true;
}

static struct wf_debug_session *get_own(void)
{
    unsigned long long n_changes = get_n_module_changes();
    bool ok = true;

    if (own.pid != getpid()) { /* the first, or a forked child's first */
        close_session(&own);
        ok = open_session(&own, getpid());
    } else if (own.n_module_changes != n_changes) {
        ok = report(&own);
    }
    own.n_module_changes = n_changes;
    return ok ? &own : NULL;
}

static struct wf_debug_session *get_other(pid_t pid)
{
    if (other.pid != pid) {
        close_session(&other);
        if (!open_session(&other, pid)) {
            return NULL;
        }
    }
    return &other;
}

struct wf_debug_session *wf_debug_session_get(pid_t pid, const char **out_note)
{
    struct wf_debug_session *session = pid == 0 || pid == getpid() ? get_own() : get_other(pid);

    if (session == NULL) {
        *out_note = "the modules of the process could not be read from /proc/PID/maps";
    } else {
        pid_of_report = session->pid;
    }
    return session;
}

void wf_debug_session_forget(void)
{
    close_session(&own);
    close_session(&other);
}

/*
 * How many threads can really run: the smaller of the CPUs that this thread may
 * use and of the quota of its control groups, of version 1 and 2.
 *
 * A quota counts on each level from our group up to the root, and the least one
 * rules. Where a file is missing or strange there is no limit: a guess too high
 * costs some throttling, one too low costs CPUs.
 *
 * Thread: any.
 */

#include "runtime/runtime.h"

#include "thread/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Small enough for the stack of a task; who goes deeper than that has no limit here. */
    LINE_SIZE = 2048,
    PATH_SIZE = 1024,
    FILE_SIZE = 2 * PATH_SIZE + 32
};

/* ---- files --------------------------------------------------------------- */

static FILE *open_file(const char *root, const char *path)
{
    char name[FILE_SIZE + PATH_SIZE];

    if (snprintf(name, sizeof name, "%s%s", root, path) >= (int)sizeof name) {
        return NULL;
    }
    return fopen(name, "re");
}

/* The first line of a file, without its end; false when there is none. */
static bool read_line(const char *root, const char *path, char *line, int size)
{
    FILE *file = open_file(root, path);

    if (file == NULL) {
        return false;
    }
    bool has_line = fgets(line, size, file) != NULL;
    fclose(file);
    if (has_line) {
        line[strcspn(line, "\n")] = '\0';
    }
    return has_line;
}

/* Is <word> one of the words of <list>, which commas divide? */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len) {
        bool begins = at == list || at[-1] == ',';
        bool ends = at[len] == '\0' || at[len] == ',';
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

/* ---- where our group is -------------------------------------------------- */

struct place {
    char mount[PATH_SIZE]; /* where the hierarchy is mounted */
    char path[PATH_SIZE];  /* our group below that, "" for its root */
};

/* Our group as /proc/self/cgroup tells it: "0::/a/b", or "4:cpu,cpuacct:/a/b". */
static bool find_group(const char *root, bool is_v2, char *group, size_t size)
{
    char line[LINE_SIZE];
    FILE *file = open_file(root, "/proc/self/cgroup");
    bool is_found = false;

    while (file != NULL && !is_found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL) {
            continue;
        }
        *controllers++ = '\0';
        *path++ = '\0';
        is_found =
            is_v2 ? strcmp(line, "0") == 0 && *controllers == '\0' : has_word(controllers, "cpu");
        if (is_found) {
            is_found = snprintf(group, size, "%s", path) < (int)size;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return is_found;
}

/*
 * One line of /proc/self/mountinfo:
 * "31 23 0:27 /ROOT /MOUNT rw,... shared:9 - cgroup2 cgroup2 rw,OPTIONS".
 */
static bool read_mount(char *line, bool is_v2, char **out_root, char **out_mount)
{
    char *tail = strstr(line, " - ");
    char *save = NULL;

    if (tail == NULL) {
        return false;
    }
    *tail = '\0';
    char *type = strtok_r(tail + 3, " ", &save);
    char *source = strtok_r(NULL, " ", &save);
    char *options = strtok_r(NULL, " \n", &save);
    if (type == NULL || source == NULL || options == NULL) {
        return false;
    }
    if (is_v2 ? strcmp(type, "cgroup2") != 0
              : strcmp(type, "cgroup") != 0 || !has_word(options, "cpu")) {
        return false;
    }
    char *field = strtok_r(line, " ", &save);
    for (int i = 0; i < 3 && field != NULL; i++) {
        field = strtok_r(NULL, " ", &save);
    }
    *out_root = field;
    *out_mount = strtok_r(NULL, " ", &save);
    return *out_root != NULL && *out_mount != NULL;
}

/* Our group as seen below the mount: what the mount's root stands for is cut off. */
static bool resolve(struct place *place, const char *group, const char *mount_root,
                    const char *mount)
{
    size_t len = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);

    if (strncmp(group, mount_root, len) != 0) {
        len = strlen(group); /* seen from inside another namespace: the mount's root it is */
    }
    const char *path = strcmp(group + len, "/") == 0 ? "" : group + len;
    return snprintf(place->mount, sizeof place->mount, "%s", mount) < PATH_SIZE &&
           snprintf(place->path, sizeof place->path, "%s", path) < PATH_SIZE;
}

static bool find_place(const char *root, bool is_v2, struct place *place)
{
    char group[PATH_SIZE];
    char line[LINE_SIZE];
    bool is_found = false;

    if (!find_group(root, is_v2, group, sizeof group)) {
        return false;
    }
    FILE *file = open_file(root, "/proc/self/mountinfo");
    while (file != NULL && !is_found && fgets(line, sizeof line, file) != NULL) {
        char *mount_root;
        char *mount;
        is_found = read_mount(line, is_v2, &mount_root, &mount) &&
                   resolve(place, group, mount_root, mount);
    }
    if (file != NULL) {
        fclose(file);
    }
    return is_found;
}

/* ---- the quota ----------------------------------------------------------- */

static int round_up(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    long long n = (quota + period - 1) / period;
    return n < 100000 ? (int)n : 0;
}

/* "max 100000" or "150000 100000". */
static int read_v2(const char *root, const char *directory)
{
    char path[FILE_SIZE];
    char line[128];
    long long quota;
    long long period;

    snprintf(path, sizeof path, "%s/cpu.max", directory);
    if (!read_line(root, path, line, sizeof line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2) {
        return 0;
    }
    return round_up(quota, period);
}

static long long read_number(const char *root, const char *directory, const char *name)
{
    char path[FILE_SIZE];
    char line[128];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return read_line(root, path, line, sizeof line) ? strtoll(line, NULL, 10) : 0;
}

static int read_v1(const char *root, const char *directory)
{
    return round_up(read_number(root, directory, "cpu.cfs_quota_us"),
                    read_number(root, directory, "cpu.cfs_period_us"));
}

static int least(int a, int b)
{
    if (a == 0 || b == 0) {
        return a != 0 ? a : b;
    }
    return a < b ? a : b;
}

/* The least quota from our group up to the mount. */
static int read_quota(const char *root, bool is_v2)
{
    struct place place;
    char directory[2 * PATH_SIZE];
    int n = 0;

    if (!find_place(root, is_v2, &place)) {
        return 0;
    }
    for (;;) {
        snprintf(directory, sizeof directory, "%s%s", place.mount, place.path);
        n = least(n, is_v2 ? read_v2(root, directory) : read_v1(root, directory));
        char *slash = strrchr(place.path, '/');
        if (slash == NULL) {
            return n;
        }
        *slash = '\0';
    }
}

int wf_cgroup_cpus(const char *root)
{
    return least(read_quota(root, /* is_v2 = */ true), read_quota(root, /* is_v2 = */ false));
}

int weft_available_parallelism(void)
{
    return least(wf_thread_count_cpus(NULL), wf_cgroup_cpus(""));
}

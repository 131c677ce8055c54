/*
 * Loading a module: find the file, open and check it (config/module_schema.h),
 * read its descriptor without running anything, load it by /proc/self/fd/N,
 * and see that the loaded descriptor is the one that was read.
 *
 * Thread: the main one, before the loops run.
 */

#include "module.h"

#include "config/module_schema.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where built-in modules may be, best first. */
static int builtin_path(int i, const char *name, char *path, size_t size)
{
    if (i == 0) {
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        if (n <= 0) {
            return -ENOENT;
        }
        self[n] = '\0';
        /* .../bin/weft-worker and .../lib/weft/NAME.so, as in the build tree */
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(self, '/');
            if (slash == NULL) {
                return -ENOENT;
            }
            *slash = '\0';
        }
        int len = snprintf(path, size, "%s/lib/weft/%s.so", self, name);
        return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
    }
    int len = snprintf(path, size, "%s/%s.so", WEFT_MODULE_DIR, name);
    return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

static int find_module(const char *name, char *path, size_t size, char *why)
{
    enum {
        N_PLACES = 2
    };

    if (name[0] == '/') {
        int len = snprintf(path, size, "%s", name);
        return len > 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
    }
    if (strchr(name, '/') != NULL || name[0] == '.') {
        snprintf(why, MODULE_WHY_SIZE, "'%s' is neither an absolute path nor a built-in module",
                 name);
        return -EINVAL;
    }
    for (int i = 0; i < N_PLACES; i++) {
        if (builtin_path(i, name, path, size) == 0 && access(path, F_OK) == 0) {
            return 0;
        }
    }
    snprintf(why, MODULE_WHY_SIZE, "there is no built-in module '%s' in ../lib/weft or %s", name,
             WEFT_MODULE_DIR);
    return -ENOENT;
}

/* The descriptor of a loaded module, if it is the one that its file promised. */
static const weft_service_descriptor *find_descriptor(void *library,
                                                      const weft_service_descriptor *promised)
{
    const weft_service_descriptor *loaded = dlsym(library, "weft_service_descriptor_v1");

    if (loaded == NULL || memcmp(loaded->magic, promised->magic, sizeof loaded->magic) != 0 ||
        loaded->abi != promised->abi || loaded->size != promised->size ||
        memcmp(loaded->settings, promised->settings, sizeof loaded->settings) != 0) {
        return NULL;
    }
    return loaded;
}

static int load_from(int fd, const weft_service_descriptor **out_descriptor, char *why)
{
    weft_service_descriptor promised;
    char link[64];
    int r = config_module_read(fd, &promised, why);

    if (r < 0) {
        return r;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    void *library = dlopen(link, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(why, MODULE_WHY_SIZE, "%s", dlerror());
        return -ELIBBAD;
    }
    const weft_service_descriptor *loaded = find_descriptor(library, &promised);
    if (loaded == NULL) {
        snprintf(why, MODULE_WHY_SIZE, "the loaded module is not what its file says");
        return -ELIBBAD;
    }
    *out_descriptor = loaded;
    return 0;
}

int module_load(const char *name, const weft_service_descriptor **out_descriptor, char *why)
{
    char path[PATH_MAX];
    int r = find_module(name, path, sizeof path, why);

    if (r < 0) {
        return r;
    }
    int fd = config_module_open(path, why);
    if (fd < 0) {
        return fd;
    }
    r = load_from(fd, out_descriptor, why);
    if (r < 0) {
        close(fd);
    }
    /*
     * A loaded module keeps its descriptor: the loader knows it by the name
     * /proc/self/fd/N, and would take the next module of the same N for this one.
     */
    return r;
}

/*
 * The reader of modules: trust first, then as much of ELF as it takes to find one section.
 *
 * The file may be anything, and may change while it is read. So it is read by pread() into memory
 * of our own, never mapped (a file cut short would be a SIGBUS); each offset from the file is
 * checked before it is used, by the reads themselves, which fail beyond the end; loops are bounded
 * by 16-bit counts. The strings of a descriptor are arrays inside it, so no relocation is needed.
 */
#include "config/module_schema.h"

#include "config/value.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_NAME "weft.service"
#define MAGIC        "WEFTSVC"

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "unknown machine: say which e_machine its modules have"
#endif

/* ---------------------------------------------------------------------------------- trust */

static int check_owner(const struct stat *status, const char *what, char *why)
{
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "%s belongs to user %u, neither to root nor to user %u who runs weftd", what,
                       (unsigned)status->st_uid, (unsigned)geteuid());
        return -EACCES;
    }
    return 0;
}

/*
 * One directory on the way. In a sticky one others can add files but not replace ours, and theirs
 * are found out by their owner; so can the owner of a directory that is not ours. A link has to be
 * of somebody we trust.
 */
static int check_directory(const char *path, char *why)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
        char what[128];
        (void)snprintf(what, sizeof what, "the link '%.100s'", path);
        int rc = check_owner(&status, what, why);
        if (rc != 0) {
            return rc;
        }
    }
    if (stat(path, &status) != 0) {
        int error = errno;
        (void)snprintf(why, CONFIG_WHY_SIZE, "the directory '%.100s' cannot be looked at: %s", path,
                       strerror(error));
        return -error;
    }
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "everybody may write the directory '%.100s'", path);
        return -EACCES;
    }
    return 0;
}

/* Every directory above the last part of <path>, from the root on. */
static int check_directories(const char *path, char *why)
{
    char part[PATH_MAX];
    int rc = check_directory("/", why);

    for (size_t i = 1; rc == 0 && path[i] != '\0'; i++) {
        if (path[i] == '/' && path[i - 1] != '/') {
            memcpy(part, path, i);
            part[i] = '\0';
            rc = check_directory(part, why);
        }
    }
    return rc;
}

/* The path as it is written and, where links lead elsewhere, the one that is meant. */
static int check_way(const char *path, char *why)
{
    char real[PATH_MAX];
    int rc = check_directories(path, why);

    if (rc == 0 && realpath(path, real) == NULL) {
        rc = -errno;
        (void)snprintf(why, CONFIG_WHY_SIZE, "cannot be found: %s", strerror(-rc));
    }
    return rc == 0 ? check_directories(real, why) : rc;
}

static int check_file(const struct stat *status, char *why)
{
    if (!S_ISREG(status->st_mode)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "it is not a regular file");
        return -EINVAL;
    }
    int rc = check_owner(status, "it", why);
    if (rc != 0) {
        return rc;
    }
    if ((status->st_mode & S_IWOTH) != 0) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "everybody may write it; run chmod o-w");
        return -EACCES;
    }
    return 0;
}

int config_module_open(const char *path, char *why)
{
    struct stat status;

    if (path[0] != '/' || strlen(path) >= PATH_MAX) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "an absolute path is expected");
        return -EINVAL;
    }
    int rc = check_way(path, why);
    if (rc != 0) {
        return rc;
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int error = errno;
        if (error == ELOOP) {
            (void)snprintf(why, CONFIG_WHY_SIZE, "it is a symbolic link; name the file itself");
        } else {
            (void)snprintf(why, CONFIG_WHY_SIZE, "cannot be opened: %s", strerror(error));
        }
        return -error;
    }
    if (fstat(fd, &status) != 0) {
        rc = -errno;
        (void)snprintf(why, CONFIG_WHY_SIZE, "cannot be looked at: %s", strerror(-rc));
    } else {
        rc = check_file(&status, why);
    }
    if (rc != 0) {
        (void)close(fd);
        return rc;
    }
    return fd;
}

/* ------------------------------------------------------------------------------------ ELF */

static int no_module(char *why, const char *reason)
{
    (void)snprintf(why, CONFIG_WHY_SIZE, "it is no module of weft: %s", reason);
    return -EINVAL;
}

/* All of <size> bytes at <offset>, or false: the file ends there or cannot be read. */
static bool read_at(int fd, uint64_t offset, void *out, size_t size)
{
    char *at = out;

    if (offset > INT64_MAX - size) {
        return false;
    }
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

static int check_header(const Elf64_Ehdr *header, char *why)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return no_module(why, "it is no ELF file");
    }
    unsigned order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != order ||
        header->e_machine != OUR_MACHINE) {
        return no_module(why, "it is built for another kind of machine");
    }
    if (header->e_type != ET_DYN) {
        return no_module(why, "it is no shared object");
    }
    if (header->e_shoff == 0 || header->e_shnum == 0 || header->e_shentsize != sizeof(Elf64_Shdr) ||
        header->e_shstrndx >= header->e_shnum) {
        return no_module(why, "its section headers are missing or wrong");
    }
    return 0;
}

static bool read_section(int fd, const Elf64_Ehdr *header, unsigned index, Elf64_Shdr *out_section)
{
    uint64_t offset;

    return !__builtin_add_overflow(header->e_shoff, (uint64_t)index * sizeof *out_section,
                                   &offset) &&
           read_at(fd, offset, out_section, sizeof *out_section);
}

/* Whether the name at <index> of the table of names is ours, with its end. */
static bool is_our_name(int fd, const Elf64_Shdr *names, uint32_t index)
{
    char name[sizeof SECTION_NAME];
    uint64_t offset;

    if (index >= names->sh_size || names->sh_size - index < sizeof name ||
        __builtin_add_overflow(names->sh_offset, (uint64_t)index, &offset)) {
        return false;
    }
    return read_at(fd, offset, name, sizeof name) && memcmp(name, SECTION_NAME, sizeof name) == 0;
}

static int find_section(int fd, Elf64_Shdr *out_section, char *why)
{
    Elf64_Ehdr header;
    Elf64_Shdr names;
    Elf64_Shdr section;

    if (!read_at(fd, 0, &header, sizeof header)) {
        return no_module(why, "it is no ELF file");
    }
    int rc = check_header(&header, why);
    if (rc != 0) {
        return rc;
    }
    if (!read_section(fd, &header, header.e_shstrndx, &names)) {
        return no_module(why, "its section headers are missing or wrong");
    }
    for (unsigned i = 1; i < header.e_shnum; i++) {
        if (!read_section(fd, &header, i, &section)) {
            return no_module(why, "its section headers are missing or wrong");
        }
        if (section.sh_type == SHT_PROGBITS && is_our_name(fd, &names, section.sh_name)) {
            *out_section = section;
            return 0;
        }
    }
    return no_module(why, "it has no section " SECTION_NAME "; WEFT_SERVICE makes it");
}

/* ----------------------------------------------------------------------------- descriptor */

static bool is_ended(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_word(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool is_same_key_before(const weft_service_descriptor *descriptor, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(descriptor->settings[i].key, descriptor->settings[index].key) == 0) {
            return true;
        }
    }
    return false;
}

static int check_setting(const weft_service_descriptor *descriptor, size_t index, char *why)
{
    const weft_setting_spec *spec = &descriptor->settings[index];
    const char *reason = NULL;

    if (!is_ended(spec->key, sizeof spec->key) || !is_word(spec->key)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "the name of its setting number %zu is no word",
                       index + 1);
        return -EINVAL;
    }
    if (!is_ended(spec->fallback, sizeof spec->fallback) ||
        !is_ended(spec->doc, sizeof spec->doc)) {
        reason = "a text of it has no end";
    } else if (spec->kind < WEFT_SETTING_STRING || spec->kind > WEFT_SETTING_SIZE) {
        reason = "its kind is unknown";
    } else if (spec->min > spec->max) {
        reason = "its bounds exclude everything";
    } else if (is_same_key_before(descriptor, index)) {
        reason = "it is there twice";
    }
    if (reason != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "its setting '%s' is wrong: %s", spec->key, reason);
        return -EINVAL;
    }
    return 0;
}

static int check_descriptor(const weft_service_descriptor *descriptor, char *why)
{
    if (!is_ended(descriptor->name, sizeof descriptor->name) || !is_word(descriptor->name) ||
        !is_ended(descriptor->version, sizeof descriptor->version)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "its name or version is no word");
        return -EINVAL;
    }
    for (size_t i = 0; i < WEFT_SERVICE_MAX_SETTINGS; i++) {
        if (descriptor->settings[i].key[0] == '\0') {
            break;
        }
        int rc = check_setting(descriptor, i, why);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* Magic, ABI and size come first: behind them a struct of another age may mean anything. */
static int check_age(const weft_service_descriptor *descriptor, uint64_t section_size, char *why)
{
    if (memcmp(descriptor->magic, MAGIC, sizeof MAGIC) != 0) {
        return no_module(why, "its descriptor has no magic");
    }
    if (descriptor->abi != WEFT_SERVICE_ABI) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "it is built for version %u of the module interface, this weftd has %u",
                       (unsigned)descriptor->abi, (unsigned)WEFT_SERVICE_ABI);
        return -EINVAL;
    }
    if (descriptor->size != sizeof *descriptor || section_size < sizeof *descriptor) {
        (void)snprintf(why, CONFIG_WHY_SIZE,
                       "its descriptor has %u bytes, %zu are expected: build it again",
                       (unsigned)descriptor->size, sizeof *descriptor);
        return -EINVAL;
    }
    return 0;
}

int config_module_read(int fd, weft_service_descriptor *out_descriptor, char *why)
{
    Elf64_Shdr section;
    weft_service_descriptor descriptor;
    const size_t head = offsetof(weft_service_descriptor, name);

    int rc = find_section(fd, &section, why);
    if (rc != 0) {
        return rc;
    }
    memset(&descriptor, 0, sizeof descriptor);
    size_t size = section.sh_size < sizeof descriptor ? (size_t)section.sh_size : sizeof descriptor;
    if (size < head || !read_at(fd, section.sh_offset, &descriptor, size)) {
        return no_module(why, "its descriptor is cut off");
    }
    rc = check_age(&descriptor, section.sh_size, why);
    if (rc == 0) {
        rc = check_descriptor(&descriptor, why);
    }
    if (rc == 0) {
        descriptor.start = NULL;
        descriptor.connected = NULL;
        descriptor.run = NULL;
        descriptor.stop = NULL;
        *out_descriptor = descriptor;
    }
    return rc;
}

/* --------------------------------------------------------------------------------- schema */

void config_module_cache_init(struct config_module_cache *cache)
{
    config_arena_init(&cache->arena, 16 * 1024 * 1024);
}

void config_module_cache_fini(struct config_module_cache *cache)
{
    config_arena_fini(&cache->arena);
}

static enum config_kind kind_of(int32_t kind)
{
    switch (kind) {
    case WEFT_SETTING_INT:
        return CONFIG_KIND_INTEGER;
    case WEFT_SETTING_BOOL:
        return CONFIG_KIND_BOOL;
    case WEFT_SETTING_DURATION:
        return CONFIG_KIND_DURATION;
    case WEFT_SETTING_SIZE:
        return CONFIG_KIND_SIZE;
    default:
        return CONFIG_KIND_TEXT;
    }
}

static int make_schema(const weft_service_descriptor *descriptor, struct config_arena *arena,
                       struct config_module_schema *out)
{
    weft_service_descriptor *kept = config_arena_alloc(arena, sizeof *kept);
    struct config_key *keys = config_arena_array(arena, WEFT_SERVICE_MAX_SETTINGS, sizeof *keys);
    size_t count = 0;

    if (kept == NULL || keys == NULL) {
        return -ENOMEM;
    }
    *kept = *descriptor;
    while (count < WEFT_SERVICE_MAX_SETTINGS && kept->settings[count].key[0] != '\0') {
        const weft_setting_spec *spec = &kept->settings[count];
        keys[count] = (struct config_key){
            .path = spec->key,
            .kind = kind_of(spec->kind),
            .default_text = spec->required != 0 ? NULL : spec->fallback,
            .min = spec->min,
            .max = spec->max,
            .apply = CONFIG_APPLY_GENERATION,
            .doc = spec->doc,
        };
        count++;
    }
    *out = (struct config_module_schema){ .keys = keys, .n_keys = count };
    return 0;
}

int config_module_read_schema(const char *path, struct config_module_schema *out, char *why,
                              void *data)
{
    struct config_module_cache *cache = data;
    weft_service_descriptor descriptor;

    int fd = config_module_open(path, why);
    if (fd < 0) {
        return fd;
    }
    int rc = config_module_read(fd, &descriptor, why);
    (void)close(fd);
    if (rc == 0) {
        rc = make_schema(&descriptor, &cache->arena, out);
        if (rc != 0) {
            (void)snprintf(why, CONFIG_WHY_SIZE, "there is no memory for its settings");
        }
    }
    return rc;
}

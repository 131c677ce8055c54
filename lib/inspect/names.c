/*
 * Names from what is in memory anyway (names.h).
 *
 * dladdr would do, but it takes the dynamic linker's big lock, which a thread
 * holds while it runs the constructors of what it loads: a program that is stuck
 * there could not be looked into. dl_iterate_phdr takes only the lock of the
 * list, held for the moment of a change; a module cannot go while it runs.
 *
 * A symbol counts when it has a size and the address is within. The search is
 * linear; it is for a few frames now and then.
 *
 * Thread: any.
 */

#include "inspect/names.h"

#include "inspect/stack_text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

/* ---- this process: the tables of its modules ------------------------------- */

struct search {
    uint64_t address;
    struct wf_stack_frame *frame;
    struct wf_stack_text *text;
    char *folder; /* or: where to put the path */
    size_t size;
    bool is_found;
};

struct tables {
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
};

static bool contains(const struct dl_phdr_info *info, uint64_t address)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD &&
            address - info->dlpi_addr - header->p_vaddr < header->p_memsz) {
            return true;
        }
    }
    return false;
}

/* The linker has added the base to these, but for modules whose table is read-only. */
static const void *resolve(const struct dl_phdr_info *info, const ElfW(Dyn) * entry)
{
    uint64_t address = entry->d_un.d_ptr;

    return (const void *)(uintptr_t)(address < info->dlpi_addr ? address + info->dlpi_addr
                                                               : address);
}

static void find_tables(const struct dl_phdr_info *info, struct tables *out_tables)
{
    const ElfW(Dyn) *entry = NULL;

    *out_tables = (struct tables){ .symbols = NULL };
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC) {
            entry = (const ElfW(Dyn) *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        }
    }
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB) {
            out_tables->symbols = resolve(info, entry);
        } else if (entry->d_tag == DT_STRTAB) {
            out_tables->strings = resolve(info, entry);
        } else if (entry->d_tag == DT_GNU_HASH) {
            out_tables->gnu_hash = resolve(info, entry);
        } else if (entry->d_tag == DT_HASH) {
            out_tables->hash = resolve(info, entry);
        }
    }
}

/* No table says how many symbols there are; the hash tables imply it. */
static size_t count_symbols(const struct tables *tables)
{
    if (tables->hash != NULL) {
        return tables->hash[1];
    }
    if (tables->gnu_hash == NULL) {
        return 0;
    }
    uint32_t n_buckets = tables->gnu_hash[0];
    uint32_t first = tables->gnu_hash[1];
    uint32_t n_words = tables->gnu_hash[2];
    const uint32_t *buckets = tables->gnu_hash + 4 + n_words * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chains = buckets + n_buckets;
    uint32_t last = 0;

    for (uint32_t i = 0; i < n_buckets; i++) {
        last = buckets[i] > last ? buckets[i] : last;
    }
    if (last < first) {
        return first; /* nothing is exported */
    }
    while ((chains[last - first] & 1) == 0) {
        last++;
    }
    return (size_t)last + 1;
}

static void find_symbol(const struct dl_phdr_info *info, struct search *search)
{
    uint64_t address = search->address - info->dlpi_addr;
    struct tables tables;

    find_tables(info, &tables);
    if (tables.symbols == NULL || tables.strings == NULL) {
        return;
    }
    size_t n = count_symbols(&tables);
    for (size_t i = 0; i < n; i++) {
        const ElfW(Sym) *symbol = &tables.symbols[i];
        unsigned type = symbol->st_info & 0xf;
        if (symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC) &&
            address - symbol->st_value < symbol->st_size) {
            search->frame->function =
                wf_stack_text_keep(search->text, tables.strings + symbol->st_name);
            search->frame->offset = search->frame->pc - info->dlpi_addr - symbol->st_value;
            return;
        }
    }
}

/* The program itself has no name in the linker's list. */
static const char *get_path(const struct dl_phdr_info *info, char *buffer, size_t size)
{
    ssize_t n;

    if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0') {
        return info->dlpi_name;
    }
    n = readlink("/proc/self/exe", buffer, size - 1);
    buffer[n < 0 ? 0 : n] = '\0';
    return buffer;
}

static int on_module(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    char buffer[PATH_MAX];

    (void)size;
    if (!contains(info, search->address)) {
        return 0;
    }
    search->is_found = true;
    const char *path = get_path(info, buffer, sizeof buffer);
    if (search->folder != NULL) {
        snprintf(search->folder, search->size, "%s", path);
        return 1;
    }
    search->frame->module = wf_stack_text_keep_name(search->text, path);
    search->frame->offset = search->frame->pc - info->dlpi_addr;
    find_symbol(info, search);
    return 1;
}

int wf_names_own_folder(char *to, size_t size)
{
    static const char inside;
    struct search search = { .address = (uintptr_t)&inside, .folder = to, .size = size };

    to[0] = '\0';
    dl_iterate_phdr(on_module, &search);
    char *slash = strrchr(to, '/');
    if (slash == NULL) {
        return -ENOENT;
    }
    *slash = '\0';
    return 0;
}

/* ---- another process: its mappings ------------------------------------------ */

/* One line of maps(5): "start-end perms offset dev inode path". */
struct mapping {
    uint64_t start;
    uint64_t end;
    char path[256];
};

static bool parse_mapping(const char *line, struct mapping *out_mapping)
{
    int at = 0;

    out_mapping->path[0] = '\0';
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &out_mapping->start,
               &out_mapping->end, &at) < 2) {
        return false;
    }
    snprintf(out_mapping->path, sizeof out_mapping->path, "%s", at > 0 ? line + at : "");
    out_mapping->path[strcspn(out_mapping->path, "\n")] = '\0';
    return true;
}

static void find_mapping(FILE *maps, uint64_t address, struct wf_stack_frame *frame,
                         struct wf_stack_text *text)
{
    struct mapping mapping;
    struct mapping first = { .start = 0 };
    char line[512];

    while (fgets(line, sizeof line, maps) != NULL) {
        if (!parse_mapping(line, &mapping)) {
            continue;
        }
        if (strcmp(mapping.path, first.path) != 0) {
            first = mapping;
        }
        if (address >= mapping.start && address < mapping.end) {
            frame->module = wf_stack_text_keep_name(text, first.path);
            frame->offset = frame->pc - first.start;
            return;
        }
    }
}

static void find_in_other(pid_t pid, uint64_t address, struct wf_stack_frame *frame,
                          struct wf_stack_text *text)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps != NULL) {
        find_mapping(maps, address, frame, text);
        (void)fclose(maps); /* it was read only */
    }
}

void wf_names_find(pid_t pid, struct wf_stack_frame *frame, bool is_call,
                   struct wf_stack_text *text)
{
    uint64_t address = is_call ? frame->pc - 1 : frame->pc;
    struct search search = { .address = address, .frame = frame, .text = text };

    if (pid == 0 || pid == getpid()) {
        dl_iterate_phdr(on_module, &search);
    } else {
        find_in_other(pid, address, frame, text);
    }
}

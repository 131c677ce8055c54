/*
 * Reading a file that might be anything, and finding lines in it.
 *
 * A path may lead to a FIFO, a device, a directory or a file that somebody else may change, so
 * it is opened without waiting and without following a last symbolic link, and only then looked
 * at. What a line is follows YAML 1.1 and thereby libyaml's marks: LF, CR, CR LF, and also
 * U+0085, U+2028 and U+2029.
 */
#include "config/source.h"

#include "config/complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WHY_SIZE = 256
};

static const char *kind_of_file(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    case S_IFCHR:
    case S_IFBLK:
        return "a device";
    default:
        return "something else";
    }
}

/* Who may change the file decides what weftd runs, so it must be us or root. */
static int check_trust(const struct stat *status, char *why)
{
    uid_t self = geteuid();

    if (status->st_uid != 0 && status->st_uid != self) {
        (void)snprintf(why, WHY_SIZE,
                       "it belongs to user %u, neither to root nor to user %u who runs weftd",
                       (unsigned)status->st_uid, (unsigned)self);
        return -EACCES;
    }
    if ((status->st_mode & S_IWOTH) != 0) {
        (void)snprintf(why, WHY_SIZE, "everybody may write it; run chmod o-w");
        return -EACCES;
    }
    /* A user's own group is commonly a group of one; root's files have no such excuse. */
    if ((status->st_mode & S_IWGRP) != 0 && self == 0 && status->st_gid != 0) {
        (void)snprintf(why, WHY_SIZE, "its group may write it; run chmod g-w");
        return -EACCES;
    }
    return 0;
}

int config_source_open(int at, const char *path, struct stat *out_status, char *why)
{
    struct stat status;
    int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        int error = errno;
        if (error == ELOOP) {
            (void)snprintf(why, WHY_SIZE, "it is a symbolic link; name the file itself");
        } else if (error == ENXIO) {
            (void)snprintf(why, WHY_SIZE, "it is not a regular file");
        } else {
            (void)snprintf(why, WHY_SIZE, "cannot be opened: %s", strerror(error));
        }
        return -error;
    }

    int rc = 0;
    if (fstat(fd, &status) != 0) {
        rc = -errno;
        (void)snprintf(why, WHY_SIZE, "cannot be looked at: %s", strerror(-rc));
    } else if (!S_ISREG(status.st_mode)) {
        rc = S_ISDIR(status.st_mode) ? -EISDIR : -ENOTSUP;
        (void)snprintf(why, WHY_SIZE, "it is %s, not a regular file", kind_of_file(status.st_mode));
    } else {
        rc = check_trust(&status, why);
    }
    if (rc != 0) {
        (void)close(fd);
        return rc;
    }
    *out_status = status;
    return fd;
}

static int too_large(char *why)
{
    (void)snprintf(why, WHY_SIZE, "it is larger than %d KiB", CONFIG_SOURCE_LIMIT / 1024);
    return -EFBIG;
}

static int out_of_memory(char *why)
{
    (void)snprintf(why, WHY_SIZE, "there is no memory for it");
    return -ENOMEM;
}

/* Read to the end, at most <room> bytes. Gives how many, or a negative code. */
static ssize_t read_all(int fd, char *text, size_t room, char *why)
{
    size_t length = 0;

    while (length < room) {
        ssize_t got = read(fd, text + length, room - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int error = errno;
            (void)snprintf(why, WHY_SIZE, "cannot be read: %s", strerror(error));
            return -error;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/*
 * A file's size may be told wrong (0 in /proc) and may change, so room is made for the limit and
 * one byte more, which tells that there is more, and only what came is kept.
 */
int config_source_read(int fd, struct config_arena *arena, struct config_source *source, char *why)
{
    const size_t room = CONFIG_SOURCE_LIMIT + 1;
    char *text = malloc(room);

    if (text == NULL) {
        arena->failed = true;
        return out_of_memory(why);
    }
    ssize_t length = read_all(fd, text, room, why);
    int rc = length < 0
                 ? (int)length
                 : config_source_set(source, arena, text, (size_t)length, CONFIG_SOURCE_LIMIT, why);
    free(text);
    return rc;
}

int config_source_set(struct config_source *source, struct config_arena *arena, const char *text,
                      size_t length, size_t limit, char *why)
{
    if (length > limit) {
        return too_large(why);
    }
    source->text = config_arena_copy(arena, text, length);
    source->length = length;
    return source->text == NULL ? out_of_memory(why) : 0;
}

size_t config_utf8_decode(const char *text, size_t length, uint32_t *out_character)
{
    const unsigned char *bytes = (const unsigned char *)text;
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (length == 0) {
        return 0;
    }
    unsigned char first = bytes[0];
    size_t size = first < 0x80             ? 1
                  : (first & 0xe0) == 0xc0 ? 2
                  : (first & 0xf0) == 0xe0 ? 3
                  : (first & 0xf8) == 0xf0 ? 4
                                           : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    uint32_t character = size == 1 ? first : first & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (bytes[i] & 0x3fu);
    }
    if (character < smallest[size] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff)) {
        return 0;
    }
    *out_character = character;
    return size;
}

/* The length of a line's end at <text>, or 0. */
static size_t line_end(const char *text, size_t length)
{
    if (text[0] == '\n') {
        return 1;
    }
    if (text[0] == '\r') {
        return length > 1 && text[1] == '\n' ? 2 : 1;
    }
    if (length > 1 && memcmp(text, "\xc2\x85", 2) == 0) {
        return 2;
    }
    if (length > 2 &&
        (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0)) {
        return 3;
    }
    return 0;
}

const char *config_source_line(const struct config_source *source, uint32_t line,
                               size_t *out_length)
{
    const char *text = source->text;
    size_t left = source->length;
    uint32_t number = 1;

    while (number < line && left > 0) {
        size_t end = line_end(text, left);
        if (end > 0) {
            number++;
        } else {
            end = 1;
        }
        text += end;
        left -= end;
    }
    size_t length = 0;
    while (number == line && length < left && line_end(text + length, left - length) == 0) {
        length++;
    }
    *out_length = length;
    return text;
}

/* What libyaml's reader takes for a character of a stream. */
static bool is_allowed(uint32_t character)
{
    return character == '\t' || character == '\n' || character == '\r' || character == 0x85 ||
           (character >= 0x20 && character < 0x7f) ||
           (character >= 0xa0 && character < 0xfffe && character != 0xfeff) || character >= 0x10000;
}

static int complain_of_bytes(struct config_errors *errors, const struct config_source *source,
                             const struct config_place *place, size_t offset)
{
    const unsigned char *byte = (const unsigned char *)source->text + offset;
    uint32_t character;

    if (offset == 0 && source->length > 1 &&
        (memcmp(byte, "\xff\xfe", 2) == 0 || memcmp(byte, "\xfe\xff", 2) == 0)) {
        (void)config_complain(errors, CONFIG_ERROR, place,
                              "the file is in UTF-16; save it as UTF-8");
    } else if (config_utf8_decode((const char *)byte, source->length - offset, &character) > 0) {
        (void)config_complain(errors, CONFIG_ERROR, place,
                              "the character U+%04X is not allowed here", (unsigned)character);
    } else {
        (void)config_complain(errors, CONFIG_ERROR, place,
                              "the byte 0x%02x is no UTF-8; save the file as UTF-8", *byte);
    }
    return -EINVAL;
}

int config_source_check(struct config_source *source, struct config_errors *errors)
{
    struct config_place place = { .source = source, .line = 1, .column = 1, .length = 1 };
    size_t offset = 0;

    /* A byte order mark says nothing about UTF-8 and would shift the first line's columns. */
    if (source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0) {
        source->text += 3;
        source->length -= 3;
    }
    while (offset < source->length) {
        uint32_t character = 0;
        size_t left = source->length - offset;
        size_t size = config_utf8_decode(source->text + offset, left, &character);
        if (size == 0 || !is_allowed(character)) {
            return complain_of_bytes(errors, source, &place, offset);
        }
        size_t end = line_end(source->text + offset, left);
        if (end > 0) {
            place.line++;
            place.column = 1;
            offset += end;
        } else {
            place.column++;
            offset += size;
        }
    }
    return 0;
}

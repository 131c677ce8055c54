/*
 * log.c: one record, one write.
 *
 * A record is formatted on the stack and handed to the kernel whole, so that
 * lines of several threads and processes do not mix and no lock is needed. What
 * the descriptor does not take at once is lost: a log never holds a loop up.
 *
 * Thread: any, after log_open.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RECORD_SIZE = 8192
};

/* Written by log_open before others log, then only read. */
static struct {
    const char *program;
    enum config_log_format format;
} settings = { "weftd", CONFIG_LOG_FORMAT_TEXT };

/* Text that grows into the caller's memory and is cut at its end. */
struct text {
    char *start;
    size_t length;
    size_t size; /* without the room for the last line feed and zero */
};

static void put_char(struct text *text, char c)
{
    if (text->length < text->size) {
        text->start[text->length++] = c;
    }
}

static void put(struct text *text, const char *string)
{
    while (*string != '\0') {
        put_char(text, *string++);
    }
}

__attribute__((format(printf, 2, 3))) static void put_format(struct text *text, const char *format,
                                                             ...)
{
    char piece[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    put(text, piece);
}

static void put_time(struct text *text, const char *format, const char *end)
{
    struct timespec now;
    struct tm parts;
    char piece[64];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(piece, sizeof piece, format, &parts);
    put_format(text, "%s.%03ld%s", piece, now.tv_nsec / 1000000, end);
}

/* The message with what could be mistaken for a record's begin, or steer a terminal, defused. */
static void put_message(struct text *text, const char *message, const char *indent)
{
    size_t length = strlen(message);

    while (length > 0 && message[length - 1] == '\n') {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)message[i];

        if (c == '\n') {
            put_char(text, '\n');
            put(text, indent);
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            put_format(text, "\\x%02x", c);
        } else {
            put_char(text, (char)c);
        }
    }
}

/* How many bytes at <s> are one well-formed character of UTF-8; 0: none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] > 0xf4 || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static void put_json_string(struct text *text, const char *string)
{
    const unsigned char *s = (const unsigned char *)string;

    put_char(text, '"');
    while (*s != '\0' && text->length + 16 < text->size) {
        size_t n = utf8_length(s);

        if (n == 0) {
            put(text, "\\ufffd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            put_format(text, "\\%c", *s);
        } else if (*s == '\n') {
            put(text, "\\n");
        } else if (*s < 0x20 || *s == 0x7f) {
            put_format(text, "\\u%04x", *s);
        } else {
            for (size_t i = 0; i < n; i++) {
                put_char(text, (char)s[i]);
            }
        }
        s += n;
    }
    put_char(text, '"');
}

static void put_json(struct text *text, const char *program, const weft_log_record *record)
{
    size_t whole = text->size;

    put(text, "{\"time\":\"");
    put_time(text, "%Y-%m-%dT%H:%M:%S", "Z\"");
    put_format(text, ",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"logger\":",
               weft_log_level_name(record->level), program, (int)getpid());
    put_json_string(text, record->logger);
    if (record->report != NULL) {
        put_format(text, ",\"report\":\"%s\"", weft_report_kind_name(record->report->kind));
    }
    put(text, ",\"message\":");
    text->size = whole - 2; /* room for the end, also when the message is cut */
    put_json_string(text, record->message);
    text->size = whole;
    put_char(text, '}');
}

static int syslog_priority(enum weft_log_level level)
{
    return level >= WEFT_LOG_CRITICAL  ? 2
           : level >= WEFT_LOG_ERROR   ? 3
           : level >= WEFT_LOG_WARNING ? 4
           : level >= WEFT_LOG_INFO    ? 6
                                       : 7;
}

size_t log_format_record(enum config_log_format format, const char *program,
                         const weft_log_record *record, char *out, size_t size)
{
    struct text text = { .start = out, .size = size - 2 };
    char indent[16];

    switch (format) {
    case CONFIG_LOG_FORMAT_JSON:
        put_json(&text, program, record);
        break;
    case CONFIG_LOG_FORMAT_JOURNALD:
        /* The journal takes each line for a record, so each has the priority. */
        snprintf(indent, sizeof indent, "<%d>  ", syslog_priority(record->level));
        put_format(&text, "<%d>", syslog_priority(record->level));
        put_message(&text, record->message, indent);
        break;
    case CONFIG_LOG_FORMAT_AUTO:
    case CONFIG_LOG_FORMAT_TEXT:
        put_time(&text, "%Y-%m-%d %H:%M:%S", "");
        put_format(&text, " %-8s %s[%d]: ", weft_log_level_name(record->level), program,
                   (int)getpid());
        put_message(&text, record->message, "    ");
        break;
    }
    out[text.length] = '\n';
    out[text.length + 1] = '\0';
    return text.length + 1;
}

bool log_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device;
    unsigned long long inode;
    struct stat status;

    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

enum weft_log_level log_level_of(enum config_log_level level)
{
    static const enum weft_log_level levels[] = {
        [CONFIG_LOG_LEVEL_DEBUG] = WEFT_LOG_DEBUG,       [CONFIG_LOG_LEVEL_INFO] = WEFT_LOG_INFO,
        [CONFIG_LOG_LEVEL_WARNING] = WEFT_LOG_WARNING,   [CONFIG_LOG_LEVEL_ERROR] = WEFT_LOG_ERROR,
        [CONFIG_LOG_LEVEL_CRITICAL] = WEFT_LOG_CRITICAL,
    };

    return levels[level];
}

/* The sink. Any thread, several at once. */
static void write_record(const weft_log_record *record, void *data)
{
    char buffer[RECORD_SIZE];
    size_t length =
        log_format_record(settings.format, settings.program, record, buffer, sizeof buffer);
    ssize_t n;

    (void)data;
    do {
        n = write(STDERR_FILENO, buffer, length);
    } while (n < 0 && errno == EINTR);
}

void log_open(const char *program, enum config_log_format format, enum config_log_level level)
{
    if (format == CONFIG_LOG_FORMAT_AUTO) {
        format = log_is_journal() ? CONFIG_LOG_FORMAT_JOURNALD : CONFIG_LOG_FORMAT_TEXT;
    }
    settings.program = program;
    settings.format = format;
    weft_log_set_level(log_level_of(level));
    weft_log_set_sink(write_record, NULL);
}

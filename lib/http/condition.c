/*
 * Conditions by date and by entity tag, and one range of bytes. What cannot be
 * understood is ignored, as RFC 9110 asks: then the whole of it is sent.
 */

#include "condition.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* ---- dates ----------------------------------------------------------------------- */

void wf_http_date_format(time_t time, char text[WF_HTTP_DATE_SIZE])
{
    struct tm tm;

    if (gmtime_r(&time, &tm) == NULL) {
        memset(&tm, 0, sizeof tm);
    }
    /* Not strftime: the names must not follow the locale. */
    snprintf(text, WF_HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             days[(unsigned)tm.tm_wday % 7], (unsigned)tm.tm_mday % 100,
             months[(unsigned)tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

static int month_of(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (strcmp(name, months[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* Of two digits: the year that is at most 50 years ahead. */
static int full_year(int year)
{
    time_t now = time(NULL);
    struct tm tm;
    int this_year = gmtime_r(&now, &tm) == NULL ? 2000 : tm.tm_year + 1900;

    year += this_year / 100 * 100;
    return year > this_year + 50 ? year - 100 : year;
}

int wf_http_date_parse(const char *text, time_t *out_time)
{
    struct tm tm = { 0 };
    char month[4] = "";
    int year = 0;
    int end = 0;

    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
        end > 0) {
        /* IMF-fixdate */
    } else if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
                      &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
               end > 0) {
        year = full_year(year); /* RFC 850 */
    } else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday,
                      &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year, &end) == 6 &&
               end > 0) {
        /* asctime */
    } else {
        return -EINVAL;
    }
    tm.tm_mon = month_of(month);
    tm.tm_year = year - 1900;
    bool is_good = text[end] == '\0' && tm.tm_mon >= 0 && tm.tm_mday >= 1 && tm.tm_mday <= 31 &&
                   tm.tm_hour <= 23 && tm.tm_min <= 59 && tm.tm_sec <= 60 && year >= 1900;
    if (!is_good) {
        return -EINVAL;
    }
    *out_time = timegm(&tm);
    return 0;
}

/* ---- entity tags ------------------------------------------------------------------ */

/* Whether the list <tags> names <tag>, or is "*". A weak one counts if <is_weak>. */
static bool names_tag(const char *tags, const char *tag, bool is_weak)
{
    size_t len = strlen(tag);

    if (strcmp(tags, "*") == 0) {
        return true;
    }
    while (*tags != '\0') {
        tags += strspn(tags, " \t,");
        bool is_this_weak = strncmp(tags, "W/", 2) == 0;
        tags += is_this_weak ? 2 : 0;
        if (strncmp(tags, tag, len) == 0 && strchr(" \t,", tags[len]) != NULL) {
            return is_weak || !is_this_weak;
        }
        /* To the end of this one: a comma may stand inside the quotes. */
        const char *close = *tags == '"' ? strchr(tags + 1, '"') : NULL;
        tags = close != NULL ? close + 1 : tags + strcspn(tags, ",");
    }
    return false;
}

/* ---- ranges ------------------------------------------------------------------------ */

static bool get_number(const char **text, uint64_t *out)
{
    char *end;

    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(*text, &end, 10); /* too large: UINT64_MAX, which is as good */
    *text = end;
    return true;
}

/* 200: no range that we serve; 206; 416. */
static int check_range(const char *text, uint64_t size, struct wf_http_part *part)
{
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;

    if (strncasecmp(text, "bytes=", 6) != 0) {
        return 200;
    }
    text += 6;
    bool has_first = get_number(&text, &first);
    if (*text++ != '-') {
        return 200;
    }
    bool has_last = get_number(&text, &last);
    if (*text != '\0' || (!has_first && !has_last) || (has_first && has_last && last < first)) {
        return 200; /* Not well formed, or several of them. */
    }
    if (!has_first) { /* the last so many */
        first = last < size ? size - last : 0;
        if (last == 0) {
            return 416;
        }
        last = UINT64_MAX;
    }
    if (first >= size) {
        return 416;
    }
    part->at = first;
    part->size = (last < size ? last + 1 : size) - first;
    return 206;
}

/* ---- all of it ----------------------------------------------------------------------- */

/* Whether the header <name> holds a date, and <version> is not younger than it. */
static int compare_date(const char *text, const struct wf_http_version *version, bool *out_is_newer)
{
    time_t date;

    if (text == NULL || wf_http_date_parse(text, &date) < 0) {
        return -EINVAL;
    }
    *out_is_newer = version->modified > date;
    return 0;
}

static bool fulfils_if_range(const char *text, const struct wf_http_version *version)
{
    time_t date;

    if (text == NULL) {
        return true;
    }
    if (text[0] == '"') {
        return strcmp(text, version->tag) == 0;
    }
    return wf_http_date_parse(text, &date) == 0 && date == version->modified;
}

int wf_http_condition_check(const weft_http_request *request, const struct wf_http_version *version,
                            struct wf_http_part *out_part)
{
    const char *match = weft_http_request_get_header(request, "If-Match");
    const char *none = weft_http_request_get_header(request, "If-None-Match");
    const char *range = weft_http_request_get_header(request, "Range");
    bool is_newer;

    *out_part = (struct wf_http_part){ 0, version->size };
    if (match != NULL) {
        if (!names_tag(match, version->tag, /* is_weak = */ false)) {
            return 412;
        }
    } else if (compare_date(weft_http_request_get_header(request, "If-Unmodified-Since"), version,
                            &is_newer) == 0 &&
               is_newer) {
        return 412;
    }
    if (none != NULL) {
        if (names_tag(none, version->tag, /* is_weak = */ true)) {
            return 304;
        }
    } else if (compare_date(weft_http_request_get_header(request, "If-Modified-Since"), version,
                            &is_newer) == 0 &&
               !is_newer) {
        return 304;
    }
    bool is_get = strcmp(weft_http_request_get_method(request), "GET") == 0;
    if (range != NULL && is_get &&
        fulfils_if_range(weft_http_request_get_header(request, "If-Range"), version)) {
        return check_range(range, version->size, out_part);
    }
    return 200;
}

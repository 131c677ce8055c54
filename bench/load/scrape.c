/*
 * Reading weftd's metrics, a line at a time:
 *
 *     weft_loop_turn_seconds_bucket{loop="0",le="0.001"} 17
 *
 * Thread: any.
 */

#include "load/scrape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LINE = 512
};

/* What follows the name of <line>, if that is <name>. */
static const char *after_name(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncmp(line, name, length) == 0 && (line[length] == '{' || line[length] == ' ')
               ? line + length
               : NULL;
}

static double value_of(const char *line)
{
    const char *space = strrchr(line, ' ');

    return space != NULL ? strtod(space + 1, NULL) : 0;
}

/* The buckets of all loops have the same limits, in the same order. */
static void add_bucket(struct scrape_histogram *histogram, const char *labels, double count)
{
    const char *limit = strstr(labels, "le=\"");
    size_t i = 0;

    if (limit == NULL) {
        return;
    }
    double seconds = strtod(limit + 4, NULL); /* knows +Inf */
    while (i < histogram->n && histogram->limits[i] < seconds) {
        i++;
    }
    if (i == histogram->n) {
        if (histogram->n == SCRAPE_MAX_LIMITS) {
            return;
        }
        histogram->limits[histogram->n++] = seconds;
        histogram->counts[i] = 0;
    }
    histogram->counts[i] += count;
}

static void add_histogram(struct scrape_histogram *histogram, const char *line, const char *name)
{
    char part[64];
    const char *rest;

    snprintf(part, sizeof part, "%s_bucket", name);
    rest = after_name(line, part);
    if (rest != NULL) {
        add_bucket(histogram, rest, value_of(line));
        return;
    }
    snprintf(part, sizeof part, "%s_sum", name);
    if (after_name(line, part) != NULL) {
        histogram->sum += value_of(line);
    }
}

static void read_line(const char *line, struct scrape *out)
{
    if (after_name(line, "weft_loop_turns_total") != NULL) {
        out->n_loops++;
    } else if (after_name(line, "weft_executor_queue_age_seconds") != NULL) {
        out->queue_age = fmax(out->queue_age, value_of(line));
    } else {
        add_histogram(&out->turn, line, "weft_loop_turn_seconds");
        add_histogram(&out->lag, line, "weft_loop_lag_seconds");
    }
}

void scrape_read(const char *text, size_t length, struct scrape *out)
{
    const char *end = text + length;

    memset(out, 0, sizeof *out);
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((line_end != NULL ? line_end : end) - text);
        char line[MAX_LINE];
        if (n < sizeof line && text[0] != '#') {
            memcpy(line, text, n);
            line[n] = '\0';
            read_line(line, out);
        }
        text += n + 1;
    }
}

double scrape_quantile(const struct scrape_histogram *before, const struct scrape_histogram *after,
                       double share)
{
    if (after->n < 2 || before->n != after->n) {
        return 0;
    }
    size_t last = after->n - 1;
    double n = after->counts[last] - before->counts[last];
    if (n <= 0) {
        return 0;
    }
    for (size_t i = 0; i < last; i++) {
        if (after->counts[i] - before->counts[i] >= share * n) {
            return after->limits[i];
        }
    }
    return after->limits[last - 1];
}

/*
 * One file for a browser, without anything from elsewhere: tables and plots as
 * SVG. A plot is a frame, an x axis and a y axis that may both be logarithmic,
 * and lines.
 */

#include "load/report.h"

#include "weft/error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 760,
    HEIGHT = 260,
    LEFT = 70,
    BOTTOM = 30,
    TOP = 12,
    RIGHT = 12
};

struct axis {
    double from, to;
    bool is_log;
};

struct line {
    const char *name, *colour;
    size_t n;
    const double *x, *y; /* NAN: a gap */
};

struct plot {
    const char *title, *x_unit, *y_unit;
    struct axis x, y;
};

static void escape(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

/* ---- a plot -------------------------------------------------------------------- */

static double place(const struct axis *axis, double value)
{
    if (axis->is_log) {
        value = value > axis->from ? value : axis->from;
        return (log10(value) - log10(axis->from)) / (log10(axis->to) - log10(axis->from));
    }
    return (value - axis->from) / (axis->to - axis->from);
}

static double x_of(const struct plot *plot, double value)
{
    return LEFT + place(&plot->x, value) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct plot *plot, double value)
{
    return HEIGHT - BOTTOM - place(&plot->y, value) * (HEIGHT - TOP - BOTTOM);
}

/* A step of 1, 2 or 5 times a power of ten that cuts <range> into about five. */
static double nice_step(double range)
{
    double raw = range / 5;
    double power = pow(10, floor(log10(raw)));
    double factor = raw / power;

    return power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
}

typedef void tick_fn(FILE *out, const struct plot *plot, double value);

static void x_tick(FILE *out, const struct plot *plot, double value)
{
    fprintf(out, "<text class='t' x='%.1f' y='%d' text-anchor='middle'>%g</text>",
            x_of(plot, value), HEIGHT - BOTTOM + 16, value);
}

static void percentile_tick(FILE *out, const struct plot *plot, double value)
{
    double percent = 100 - 100 / value;

    fprintf(out, "<text class='t' x='%.1f' y='%d' text-anchor='middle'>%.6g %%</text>",
            x_of(plot, value), HEIGHT - BOTTOM + 16, percent);
}

static void y_tick(FILE *out, const struct plot *plot, double value)
{
    double y = y_of(plot, value);

    fprintf(out,
            "<line class='g' x1='%d' x2='%d' y1='%.1f' y2='%.1f'/>"
            "<text class='t' x='%d' y='%.1f' text-anchor='end'>%g</text>",
            LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, value);
}

static void print_ticks(FILE *out, const struct plot *plot, const struct axis *axis, tick_fn *tick)
{
    if (axis->is_log) {
        for (double value = pow(10, ceil(log10(axis->from) - 1e-9)); value <= axis->to * 1.0001;
             value *= 10) {
            tick(out, plot, value);
        }
        return;
    }
    double step = nice_step(axis->to - axis->from);
    for (double value = ceil(axis->from / step) * step; value <= axis->to + step / 1000;
         value += step) {
        tick(out, plot, fabs(value) < step / 1000 ? 0 : value);
    }
}

static void print_line(FILE *out, const struct plot *plot, const struct line *line,
                       int place_in_legend)
{
    bool is_open = false;

    for (size_t i = 0; i < line->n; i++) {
        if (isnan(line->y[i])) {
            fputs(is_open ? "'/>" : "", out);
            is_open = false;
            continue;
        }
        if (!is_open) {
            fprintf(out, "<polyline fill='none' stroke-width='1.5' stroke='%s' points='",
                    line->colour);
            is_open = true;
        }
        fprintf(out, "%.1f,%.1f ", x_of(plot, line->x[i]), y_of(plot, line->y[i]));
    }
    fputs(is_open ? "'/>" : "", out);
    fprintf(out, "<text class='t' x='%d' y='%d' fill='%s' style='fill:%s'>%s</text>",
            LEFT + 10 + place_in_legend * 110, TOP + 12, line->colour, line->colour, line->name);
}

static void print_plot(FILE *out, const struct plot *plot, const struct line *lines, int n,
                       tick_fn *tick)
{
    fprintf(out, "<h2>%s</h2><svg viewBox='0 0 %d %d' width='%d'>", plot->title, WIDTH, HEIGHT,
            WIDTH);
    print_ticks(out, plot, &plot->y, y_tick);
    print_ticks(out, plot, &plot->x, tick);
    fprintf(out, "<rect class='f' x='%d' y='%d' width='%d' height='%d'/>", LEFT, TOP,
            WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    for (int i = 0; i < n; i++) {
        print_line(out, plot, &lines[i], i);
    }
    fprintf(out,
            "<text class='t' x='%d' y='%d' text-anchor='end'>%s</text>"
            "<text class='t' x='4' y='%d'>%s</text></svg>\n",
            WIDTH - RIGHT, HEIGHT - 2, plot->x_unit, TOP + 2, plot->y_unit);
}

static double largest(const struct line *lines, int n, double at_least)
{
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < lines[i].n; k++) {
            at_least = lines[i].y[k] > at_least ? lines[i].y[k] : at_least;
        }
    }
    return at_least;
}

static double smallest(const struct line *lines, int n, double at_most)
{
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < lines[i].n; k++) {
            at_most = lines[i].y[k] > 0 && lines[i].y[k] < at_most ? lines[i].y[k] : at_most;
        }
    }
    return at_most;
}

/* ---- the plots of a run ---------------------------------------------------------- */

static struct axis log_axis(const struct line *lines, int n)
{
    double from = pow(10, floor(log10(smallest(lines, n, 1e9))));
    double to = pow(10, ceil(log10(largest(lines, n, from * 10))));

    return (struct axis){ from, to, true };
}

/* Response and service time by percentile; x is 1 / (1 - p), so that each nine is as wide. */
static int plot_percentiles(FILE *out, const struct run *run)
{
    enum {
        N = 200
    };
    double *values = malloc(3 * N * sizeof(*values));

    if (values == NULL) {
        return WEFT_ENOMEM;
    }
    double most = log10(run->tally.response.n > 10 ? (double)run->tally.response.n : 10);
    for (int i = 0; i < N; i++) {
        values[i] = pow(10, most * i / (N - 1));
        double percent = 100 - 100 / values[i];
        values[N + i] = (double)histogram_percentile(&run->tally.response, percent) / 1e6;
        values[2 * N + i] = (double)histogram_percentile(&run->tally.service, percent) / 1e6;
    }
    struct line lines[] = { { "response", "#c33", N, values, values + N },
                            { "service", "#36c", N, values, values + 2 * N } };
    struct plot plot = {
        "Latency by percentile", "", "ms", { 1, pow(10, most), true }, log_axis(lines, 2)
    };
    print_plot(out, &plot, lines, 2, percentile_tick);
    free(values);
    return 0;
}

static int plot_timeline(FILE *out, const struct run *run)
{
    const struct tally *tally = &run->tally;
    size_t n = tally->n_slots;
    double *values = malloc((6 * n + 1) * sizeof(*values));

    if (values == NULL) {
        return WEFT_ENOMEM;
    }
    double *x = values, *done = x + n, *failed = done + n, *p50 = failed + n, *p99 = p50 + n,
           *max = p99 + n;
    for (size_t i = 0; i < n; i++) {
        const struct histogram *response = &tally->slots[i].response;
        bool is_empty = response->n == 0;
        x[i] = (double)i;
        done[i] = (double)tally->slots[i].n_done;
        failed[i] = (double)tally->slots[i].n_failed;
        p50[i] = is_empty ? NAN : (double)histogram_percentile(response, 50) / 1e6;
        p99[i] = is_empty ? NAN : (double)histogram_percentile(response, 99) / 1e6;
        max[i] = is_empty ? NAN : (double)response->max / 1e6;
    }
    struct line rates[] = { { "answers/s", "#393", n, x, done },
                            { "failed/s", "#c33", n, x, failed } };
    struct line latencies[] = { { "p50", "#36c", n, x, p50 },
                                { "p99", "#c80", n, x, p99 },
                                { "max", "#c33", n, x, max } };
    struct axis time = { 0, n > 1 ? (double)(n - 1) : 1, false };
    struct plot rate = {
        "Throughput over time", "s", "1/s", time, { 0, largest(rates, 2, 1) * 1.1, false }
    };
    struct plot latency = { "Response time over time", "s", "ms", time, log_axis(latencies, 3) };
    print_plot(out, &rate, rates, 2, x_tick);
    print_plot(out, &latency, latencies, 3, x_tick);
    free(values);
    return 0;
}

/* A gap in the line where nothing was measured. */
static double some_ms(double seconds)
{
    return seconds > 0 ? seconds * 1e3 : NAN;
}

static int plot_server(FILE *out, const struct run *run)
{
    const struct server_view *server = &run->server;
    size_t n = server->n;

    if (n < 2) {
        return 0;
    }
    double *values = malloc(9 * n * sizeof(*values));
    if (values == NULL) {
        return WEFT_ENOMEM;
    }
    double *x = values, *cpu = x + n, *rss = cpu + n, *connections = rss + n,
           *jobs = connections + n, *busy = jobs + n, *turn = busy + n, *lag = turn + n,
           *queue = lag + n;
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)server->samples[i].at / 1e9;
        cpu[i] = server->samples[i].cpu * 100;
        rss[i] = (double)server->samples[i].rss / 1048576.0;
        connections[i] = (double)server->samples[i].connections;
        jobs[i] = (double)server->samples[i].jobs_queued;
        busy[i] = server->samples[i].loops_busy * 100;
        turn[i] = some_ms(server->samples[i].turn_p99);
        lag[i] = some_ms(server->samples[i].lag_p99);
        queue[i] = some_ms(server->samples[i].queue_age);
    }
    struct axis time = { 0, x[n - 1] > 1 ? x[n - 1] : 1, false };
    struct line load[] = { { "CPU %", "#c33", n, x, cpu },
                           { "MiB", "#36c", n, x, rss },
                           { "loops busy %", "#393", n, x, busy } };
    struct line times[] = { { "turn p99", "#36c", n, x, turn },
                            { "timer lag p99", "#c80", n, x, lag },
                            { "job waits", "#c33", n, x, queue } };
    struct line work[] = { { "connections", "#393", n, x, connections },
                           { "jobs queued", "#c80", n, x, jobs } };
    struct plot of_load = {
        "weftd: processor and memory", "s", "", time, { 0, largest(load, 3, 1) * 1.2, false }
    };
    struct plot of_work = {
        "weftd: work in hand", "s", "", time, { 0, largest(work, 2, 1) * 1.2, false }
    };
    struct plot of_times = { "weftd: times of its loops", "s", "ms", time, log_axis(times, 3) };
    print_plot(out, &of_load, load, 3, x_tick);
    if (largest(times, 3, 0) > 0) {
        print_plot(out, &of_times, times, 3, x_tick);
    }
    print_plot(out, &of_work, work, 2, x_tick);
    free(values);
    return 0;
}

/* ---- the page --------------------------------------------------------------------- */

static const char STYLE[] =
    "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2em auto;padding:0 1em}"
    "h1{font-size:1.4em}h2{font-size:1.05em;margin:1.5em 0 .3em}svg{max-width:100%}"
    "pre{overflow-x:auto;background:#8881;padding:1em}.t{font-size:11px;fill:#777}"
    ".g{stroke:#8883}.f{fill:none;stroke:#888}@media(prefers-color-scheme:dark)"
    "{body{background:#181818;color:#ddd}}</style>";

static int print_page(FILE *out, const struct run *run)
{
    char *table = NULL;
    size_t size;
    FILE *text = open_memstream(&table, &size);

    if (text == NULL) {
        return WEFT_ENOMEM;
    }
    report_text(run, text);
    if (fclose(text) != 0) {
        free(table);
        return WEFT_ENOMEM;
    }
    fprintf(out,
            "<!doctype html><html lang='en'><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width'><title>weft-load</title>%s"
            "<h1>Load test of ",
            STYLE);
    escape(out, run->options->target.url);
    fputs("</h1><pre>", out);
    escape(out, table);
    fputs("</pre>\n", out);
    free(table);
    if (run->tally.response.n > 0) {
        WEFT_TRY(plot_percentiles(out, run));
        WEFT_TRY(plot_timeline(out, run));
    }
    return plot_server(out, run);
}

int report_write_html(const struct run *run, const char *path)
{
    FILE *out = fopen(path, "we");

    if (out == NULL) {
        fprintf(stderr, "weft-load: %s: %s\n", path, strerror(errno));
        return WEFT_EINVAL;
    }
    int r = print_page(out, run);
    bool is_bad = ferror(out) != 0;
    if (fclose(out) != 0 || is_bad || r < 0) {
        fprintf(stderr, "weft-load: %s could not be written\n", path);
        return WEFT_EINVAL;
    }
    return 0;
}

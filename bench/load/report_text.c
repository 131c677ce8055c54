/* The table on the terminal. Times in milliseconds, so that columns compare. */

#include "load/report.h"

#include "weft/error.h"

#include <inttypes.h>

const double REPORT_PERCENTILES[N_REPORT_PERCENTILES] = { 50, 75, 90, 99, 99.9, 99.99 };
const char *const REPORT_PERCENTILE_NAMES[N_REPORT_PERCENTILES] = { "p50", "p75",   "p90",
                                                                    "p99", "p99.9", "p99.99" };

void report_title(const struct run *run, char *buffer, size_t size)
{
    const struct options *options = run->options;
    double seconds = (double)options->duration / 1e9;
    int n;

    if (options->is_closed) {
        n = snprintf(buffer, size, "CLOSED loop: %d connections send as fast as they are answered",
                     options->n_connections);
    } else if (options->rate != options->rate_to) {
        n = snprintf(buffer, size, "OPEN loop: %g to %g requests/s (%s), at most %d connections",
                     options->rate, options->rate_to, options->is_poisson ? "poisson" : "constant",
                     options->n_connections);
    } else {
        n = snprintf(buffer, size, "OPEN loop: %g requests/s (%s), at most %d connections",
                     options->rate, options->is_poisson ? "poisson" : "constant",
                     options->n_connections);
    }
    if (n > 0 && (size_t)n < size) {
        snprintf(buffer + n, size - (size_t)n, ", %d %s, %g s", run->n_loops,
                 run->n_loops == 1 ? "loop" : "loops", seconds);
    }
}

static void print_row(const char *name, const struct histogram *histogram, FILE *out)
{
    if (histogram->n == 0) {
        return;
    }
    fprintf(out, "%-10s", name);
    for (int i = 0; i < N_REPORT_PERCENTILES; i++) {
        fprintf(out, " %9.3f",
                (double)histogram_percentile(histogram, REPORT_PERCENTILES[i]) / 1e6);
    }
    fprintf(out, " %9.3f %9.3f\n", (double)histogram->max / 1e6, histogram_mean(histogram) / 1e6);
}

static void print_latencies(const struct run *run, FILE *out)
{
    fprintf(out, "\n%-10s", "ms");
    for (int i = 0; i < N_REPORT_PERCENTILES; i++) {
        fprintf(out, " %9s", REPORT_PERCENTILE_NAMES[i]);
    }
    fprintf(out, " %9s %9s\n", "max", "mean");
    if (!run->options->is_closed) {
        print_row("response", &run->tally.response, out);
    }
    print_row("service", &run->tally.service, out);
    print_row("connect", &run->tally.connect, out);
}

static void print_failures(const struct tally *tally, FILE *out)
{
    fprintf(out, "failed     %" PRIu64, tally_n_failed(tally));
    for (int i = 0; i < N_FAILURES; i++) {
        if (tally->failures[i] > 0) {
            fprintf(out, ", %s %" PRIu64, failure_name(i), tally->failures[i]);
        }
    }
    fputs("\n", out);
}

/* The worst second of weftd's loops, by its own metrics. */
static void print_loops(const struct server_view *server, FILE *out)
{
    double busy = 0;
    double turn = 0;
    double lag = 0;

    for (size_t i = 0; i < server->n; i++) {
        const struct server_sample *sample = &server->samples[i];
        busy = sample->loops_busy > busy ? sample->loops_busy : busy;
        turn = sample->turn_p99 > turn ? sample->turn_p99 : turn;
        lag = sample->lag_p99 > lag ? sample->lag_p99 : lag;
    }
    if (turn > 0) {
        fprintf(out,
                "its loops  in their worst second %.0f %% busy, 99 %% of turns within %.3g ms, "
                "timers late by %.3g ms\n",
                busy * 100, turn * 1e3, lag * 1e3);
    }
}

static void print_server(const struct run *run, FILE *out)
{
    const struct server_view *server = &run->server;

    if (run->options->control != NULL && server->n == 0) {
        fprintf(out, "weftd      did not answer on %s\n", run->options->control);
        return;
    }
    if (server->n > 0) {
        const struct server_sample *last = &server->samples[server->n - 1];
        fprintf(out,
                "weftd      generation %" PRIu64 ", %.1f MiB resident, %.0f %% of a processor; "
                "shed %" PRIu64 "\n",
                last->generation, (double)last->rss / 1048576.0, last->cpu * 100, last->shed);
        print_loops(server, out);
    }
    if (run->options->hammer_reload > 0) {
        fprintf(out, "reloads    %" PRIu64 ", failed %" PRIu64 "\n", server->n_reloads,
                server->n_failed_reloads);
    }
    if (run->options->kill_worker > 0) {
        fprintf(out, "kills      %" PRIu64 "\n", server->n_kills);
    }
}

static void print_background(const struct run *run, FILE *out)
{
    const struct background *background = &run->background;

    if (run->options->n_idle + run->options->n_slow_readers > 0) {
        fprintf(out,
                "background %d stood to the end, %d were ended by the server, %d not made%s%s\n",
                background->n_open, background->n_lost, background->n_failed,
                background->first_error < 0 ? ": " : "",
                background->first_error < 0 ? weft_strerror(background->first_error) : "");
    }
}

void report_trouble(const struct run *run, FILE *out)
{
    if (run->is_saturated) {
        fprintf(out,
                "weft-load was the bottleneck: %s.\n"
                "The figures are its own as much as the server's. Give it more processors, "
                "or ask for less.\n",
                run->why_saturated);
    } else if (run->tally.n_done == 0) {
        fprintf(out, "weft-load: nothing was answered\n");
    }
}

void report_text(const struct run *run, FILE *out)
{
    const struct tally *tally = &run->tally;
    char title[256];
    double busiest = 0;

    report_title(run, title, sizeof(title));
    fprintf(out, "%s\n%s\n", title, run->options->target.url);
    print_latencies(run, out);
    for (int i = 0; i < run->n_loops; i++) {
        busiest = run->busy[i] > busiest ? run->busy[i] : busiest;
    }
    fprintf(out, "\nanswers    %" PRIu64 " of %" PRIu64 ", %.1f/s, %.2f MB/s in, %.2f MB/s out\n",
            tally->n_done, tally->n_intended, run_rate(run),
            (double)tally->bytes_in / 1e6 / run->seconds,
            (double)tally->bytes_out / 1e6 / run->seconds);
    print_failures(tally, out);
    if (!run->options->is_closed) {
        fprintf(out,
                "late       %" PRIu64 " sent over 1 ms after their moment, %" PRIu64
                " never sent\n",
                tally->n_late, tally->n_missed);
    }
    fprintf(out, "connects   %" PRIu64 ", again %" PRIu64 "\n", tally->n_connects,
            tally->n_reconnects);
    print_background(run, out);
    print_server(run, out);
    fprintf(out, "generator  %.0f %% busy, its clock %.3f ms late (p99)\n", busiest * 100,
            (double)histogram_percentile(&tally->lag, 99) / 1e6);
    if (run->is_saturated) {
        fputs("\n", out);
        report_trouble(run, out);
    }
}

/*
 * All figures, for programs. Times are nanoseconds. The keys are stable: what
 * --compare reads is what this file writes.
 */

#include "load/report.h"

#include "weft/error.h"

#include <errno.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value); /* it fails only without memory: checked at the end */
}

static void set_count(json_t *object, const char *key, uint64_t number)
{
    set(object, key, json_integer((json_int_t)number));
}

static json_t *histogram_to_json(const struct histogram *histogram)
{
    json_t *object = json_object();

    set_count(object, "count", histogram->n);
    for (int i = 0; i < N_REPORT_PERCENTILES; i++) {
        set_count(object, REPORT_PERCENTILE_NAMES[i],
                  (uint64_t)histogram_percentile(histogram, REPORT_PERCENTILES[i]));
    }
    set_count(object, "min", (uint64_t)histogram->min);
    set_count(object, "max", (uint64_t)histogram->max);
    set(object, "mean", json_real(histogram_mean(histogram)));
    set(object, "stddev", json_real(histogram_stddev(histogram)));
    return object;
}

static json_t *slots_to_json(const struct tally *tally)
{
    json_t *array = json_array();

    for (size_t i = 0; i < tally->n_slots; i++) {
        const struct tally_slot *slot = &tally->slots[i];
        json_t *object = json_object();
        set_count(object, "done", slot->n_done);
        set_count(object, "failed", slot->n_failed);
        if (slot->response.n > 0) {
            set_count(object, "p50", (uint64_t)histogram_percentile(&slot->response, 50));
            set_count(object, "p99", (uint64_t)histogram_percentile(&slot->response, 99));
            set_count(object, "max", (uint64_t)slot->response.max);
        }
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *failures_to_json(const struct tally *tally)
{
    json_t *object = json_object();

    for (int i = 0; i < N_FAILURES; i++) {
        set_count(object, failure_name(i), tally->failures[i]);
    }
    return object;
}

static json_t *server_to_json(const struct server_view *server)
{
    json_t *object = json_object();
    json_t *samples = json_array();

    set_count(object, "reloads", server->n_reloads);
    set_count(object, "failed_reloads", server->n_failed_reloads);
    set_count(object, "kills", server->n_kills);
    for (size_t i = 0; i < server->n; i++) {
        const struct server_sample *sample = &server->samples[i];
        json_t *one = json_object();
        set(one, "at", json_integer(sample->at));
        set_count(one, "connections", sample->connections);
        set_count(one, "tasks", sample->tasks);
        set_count(one, "accepted", sample->accepted);
        set_count(one, "shed", sample->shed);
        set_count(one, "jobs_queued", sample->jobs_queued);
        set_count(one, "rss", sample->rss);
        set(one, "cpu", json_real(sample->cpu));
        set_count(one, "generation", sample->generation);
        set(one, "loops_busy", json_real(sample->loops_busy));
        set(one, "turn_p99_seconds", json_real(sample->turn_p99));
        set(one, "lag_p99_seconds", json_real(sample->lag_p99));
        set(one, "queue_age_seconds", json_real(sample->queue_age));
        json_array_append_new(samples, one);
    }
    set(object, "samples", samples);
    return object;
}

static json_t *generator_to_json(const struct run *run)
{
    json_t *object = json_object();
    json_t *busy = json_array();

    for (int i = 0; i < run->n_loops; i++) {
        json_array_append_new(busy, json_real(run->busy[i]));
    }
    set(object, "busy", busy);
    set(object, "lag", histogram_to_json(&run->tally.lag));
    set(object, "is_saturated", json_boolean(run->is_saturated));
    set(object, "why", json_string(run->why_saturated));
    return object;
}

json_t *report_to_json(const struct run *run)
{
    const struct options *options = run->options;
    const struct tally *tally = &run->tally;
    char title[256];
    json_t *root = json_object();

    report_title(run, title, sizeof(title));
    set(root, "version", json_string(WEFT_VERSION));
    set(root, "title", json_string(title));
    set(root, "target", json_string(options->target.url));
    set(root, "closed", json_boolean(options->is_closed));
    set(root, "connections", json_integer(options->n_connections));
    set(root, "seed", json_integer((json_int_t)options->seed));
    set(root, "seconds", json_real(run->seconds));
    set(root, "rate_wanted", options->is_closed ? json_null() : json_real(options->rate));
    set(root, "rate", json_real(run_rate(run)));
    set_count(root, "intended", tally->n_intended);
    set_count(root, "done", tally->n_done);
    set_count(root, "errors", tally_n_failed(tally));
    set(root, "failures", failures_to_json(tally));
    set_count(root, "late", tally->n_late);
    set_count(root, "missed", tally->n_missed);
    set_count(root, "connects", tally->n_connects);
    set_count(root, "reconnects", tally->n_reconnects);
    set_count(root, "bytes_in", tally->bytes_in);
    set_count(root, "bytes_out", tally->bytes_out);
    set(root, "response", histogram_to_json(&tally->response));
    set(root, "service", histogram_to_json(&tally->service));
    set(root, "connect", histogram_to_json(&tally->connect));
    set(root, "timeline", slots_to_json(tally));
    set(root, "generator", generator_to_json(run));
    if (options->control != NULL) {
        set(root, "weftd", server_to_json(&run->server));
    }
    return root;
}

static int said(const char *path)
{
    fprintf(stderr, "weft-load: %s: %s\n", path, strerror(errno));
    return WEFT_EINVAL;
}

int report_write_json(const struct run *run, const char *path)
{
    json_t *root = report_to_json(run);
    int r = root != NULL ? json_dump_file(root, path, JSON_INDENT(1)) : -1;

    json_decref(root);
    return r == 0 ? 0 : said(path);
}

int report_write_hgrm(const struct run *run, const char *path)
{
    FILE *out = fopen(path, "we");

    if (out == NULL) {
        return said(path);
    }
    histogram_print_hgrm(&run->tally.response, out);
    bool is_bad = ferror(out) != 0;
    return fclose(out) != 0 || is_bad ? said(path) : 0;
}

/*
 * Assertions are NAME OPERATOR VALUE, with times in units and the rest as plain numbers.
 *
 * A comparison asks whether the difference is beyond the noise. The seconds of
 * each run are its samples: Welch's t over throughput and percentiles. A
 * difference counts when t is beyond 3 (by chance about once in 400) and more
 * than 2 % of the value, for noise is not all that varies between runs.
 */

#include "load/verdict.h"
#include "load/report.h"

#include "weft/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- assertions ------------------------------------------------------------------- */

struct quantity {
    const char *name;
    bool is_time;
    double (*value)(const struct run *run);
};

static double errors(const struct run *run)
{
    return (double)tally_n_failed(&run->tally);
}

static double error_share(const struct run *run)
{
    double n = (double)run->tally.n_done + errors(run);

    return n > 0 ? errors(run) / n * 100 : 0;
}

static double late(const struct run *run)
{
    return (double)run->tally.n_late;
}

static double missed(const struct run *run)
{
    return (double)run->tally.n_missed;
}

static double answers(const struct run *run)
{
    return (double)run->tally.n_done;
}

static double mean(const struct run *run)
{
    return histogram_mean(&run->tally.response);
}

static double max(const struct run *run)
{
    return (double)run->tally.response.max;
}

static double reconnects(const struct run *run)
{
    return (double)run->tally.n_reconnects;
}

static double lost_idle(const struct run *run)
{
    return run->background.n_lost_idle + run->background.n_failed;
}

static const struct quantity QUANTITIES[] = {
    { "errors", false, errors },
    { "error%", false, error_share },
    { "late", false, late },
    { "missed", false, missed },
    { "answers", false, answers },
    { "rate", false, run_rate },
    { "mean", true, mean },
    { "max", true, max },
    { "reconnects", false, reconnects },
    { "lost", false, lost_idle },
};

struct assertion {
    char name[32];
    const struct quantity *quantity; /* NULL: a percentile */
    double percent;
    char operator[3];
    double value;
};

/* p50, p99, p99.9; a time of the response. */
static bool is_percentile(const char *name, double *out_percent)
{
    char *end;

    if (name[0] != 'p') {
        return false;
    }
    *out_percent = strtod(name + 1, &end);
    return end != name + 1 && *end == '\0' && *out_percent >= 0 && *out_percent <= 100;
}

static const struct quantity *find_quantity(const char *name)
{
    for (size_t i = 0; i < sizeof(QUANTITIES) / sizeof(QUANTITIES[0]); i++) {
        if (strcmp(QUANTITIES[i].name, name) == 0) {
            return &QUANTITIES[i];
        }
    }
    return NULL;
}

static bool parse_value(struct assertion *assertion, const char *text)
{
    weft_duration duration;
    char *end;

    if (assertion->quantity == NULL || assertion->quantity->is_time) {
        bool is_time = parse_duration(text, &duration);
        assertion->value = (double)duration;
        return is_time;
    }
    assertion->value = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool is_operator(const char *text)
{
    static const char *const operators[] = { "<", "<=", ">", ">=", "==", "!=" };

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (strcmp(operators[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* One, from <text>; what is wrong is said. */
static bool parse_one(struct assertion *assertion, const char *text)
{
    size_t n = strcspn(text, "<>=!");
    size_t n_operator = strspn(text + n, "<>=!");

    if (n == 0 || n >= sizeof(assertion->name) || n_operator == 0 || n_operator > 2) {
        fprintf(stderr, "weft-load: --assert '%s': write NAME<VALUE, as p99<5ms or errors==0\n",
                text);
        return false;
    }
    snprintf(assertion->name, sizeof(assertion->name), "%.*s", (int)n, text);
    snprintf(assertion->operator, sizeof(assertion->operator), "%.*s", (int)n_operator, text + n);
    assertion->quantity = find_quantity(assertion->name);
    if (assertion->quantity == NULL && !is_percentile(assertion->name, &assertion->percent)) {
        fprintf(stderr,
                "weft-load: --assert '%s': no '%s'; there are pNN, mean, max, errors, error%%, "
                "late, missed, answers, rate, reconnects and lost\n",
                text, assertion->name);
        return false;
    }
    if (!is_operator(assertion->operator)) {
        fprintf(stderr, "weft-load: --assert '%s': there are < <= > >= == and !=\n", text);
        return false;
    }
    if (!parse_value(assertion, text + n + n_operator)) {
        fprintf(stderr, "weft-load: --assert '%s': '%s' is not a %s\n", text, text + n + n_operator,
                assertion->quantity == NULL || assertion->quantity->is_time ? "time" : "number");
        return false;
    }
    return true;
}

static bool holds(const struct assertion *assertion, double value)
{
    const char *operator= assertion->operator;

    switch (operator[0]) {
    case '<':
        return operator[1] == '=' ? value <= assertion->value : value<assertion->value;
    case '>':
        return operator[1] == '=' ? value >= assertion->value : value> assertion->value;
    case '=':
        return value == assertion->value;
    default:
        return value != assertion->value;
    }
}

static bool judge(const struct run *run, const struct assertion *assertion, const char *text,
                  FILE *out)
{
    bool is_time = assertion->quantity == NULL || assertion->quantity->is_time;
    double value = assertion->quantity != NULL
                       ? assertion->quantity->value(run)
                       : (double)histogram_percentile(&run->tally.response, assertion->percent);
    bool is_good = holds(assertion, value);

    if (is_time) {
        fprintf(out, "%s  %s (it is %.3f ms)\n", is_good ? "holds" : "FAILS", text, value / 1e6);
    } else {
        fprintf(out, "%s  %s (it is %.10g)\n", is_good ? "holds" : "FAILS", text, value);
    }
    return is_good;
}

/* Each assertion of the list; <run> NULL: only whether it can be understood. */
static enum verdict each_assertion(const struct run *run, const char *assertions, FILE *out)
{
    enum verdict verdict = VERDICT_HOLDS;
    char *copy = strdup(assertions);
    char *rest = NULL;

    if (copy == NULL) {
        return VERDICT_UNUSABLE;
    }
    for (char *text = strtok_r(copy, ", ", &rest); text != NULL;
         text = strtok_r(NULL, ", ", &rest)) {
        struct assertion assertion = { .name = "" };
        if (!parse_one(&assertion, text)) {
            verdict = VERDICT_UNUSABLE;
            break;
        }
        if (run != NULL && !judge(run, &assertion, text, out)) {
            verdict = VERDICT_FAILS;
        }
    }
    free(copy);
    return verdict;
}

bool verdict_is_assertion(const char *assertions)
{
    return each_assertion(NULL, assertions, NULL) == VERDICT_HOLDS;
}

enum verdict verdict_assert(const struct run *run, const char *assertions, FILE *out)
{
    return each_assertion(run, assertions, out);
}

/* ---- comparison ------------------------------------------------------------------- */

struct sample {
    size_t n;
    double mean, variance;
};

/* <key> of each second; the last one, which may be cut, is left out when there are others. */
static struct sample sample_of(const json_t *root, const char *key)
{
    const json_t *timeline = json_object_get(root, "timeline");
    size_t n = json_array_size(timeline);
    struct sample sample = { 0, 0, 0 };
    double sum = 0, squares = 0;

    n = n > 2 ? n - 1 : n;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(json_array_get(timeline, i), key);
        if (value != NULL) {
            double number = json_number_value(value);
            sum += number;
            squares += number * number;
            sample.n++;
        }
    }
    if (sample.n > 0) {
        sample.mean = sum / (double)sample.n;
    }
    if (sample.n > 1) {
        sample.variance = (squares - sum * sample.mean) / (double)(sample.n - 1);
        sample.variance = sample.variance > 0 ? sample.variance : 0;
    }
    return sample;
}

/* One row; whether it is worse beyond the noise. */
static bool compare_one(const char *name, struct sample old, struct sample new, double unit,
                        bool more_is_better, FILE *out)
{
    double change = old.mean > 0 ? (new.mean - old.mean) / old.mean * 100 : 0;
    bool has_enough = old.n >= 3 && new.n >= 3;
    double error =
        has_enough ? sqrt(old.variance / (double)old.n + new.variance / (double)new.n) : INFINITY;
    double t = error > 0 ? fabs(new.mean - old.mean) / error : INFINITY;
    bool is_real = has_enough && t > 3 && fabs(change) > 2;
    bool is_worse = is_real && (change > 0) != more_is_better;

    fprintf(out, "%-12s %14.3f %14.3f %+9.1f %%  %s\n", name, old.mean / unit, new.mean / unit,
            change,
            !has_enough ? "too few seconds to tell"
            : !is_real  ? "within the noise"
            : is_worse  ? "WORSE"
                        : "better");
    return is_worse;
}

enum verdict verdict_compare(const struct run *run, const char *path, FILE *out)
{
    json_error_t error;
    json_t *old = json_load_file(path, 0, &error);
    json_t *new = report_to_json(run);

    if (old == NULL || new == NULL || !json_is_array(json_object_get(old, "timeline"))) {
        fprintf(stderr, "weft-load: %s: %s\n", path,
                old == NULL ? error.text : "this is not the JSON of a run of weft-load");
        json_decref(old);
        json_decref(new);
        return VERDICT_UNUSABLE;
    }
    fprintf(out, "\n%-12s %14s %14s\n", "a second", "before", "now");
    bool is_worse =
        compare_one("answers", sample_of(old, "done"), sample_of(new, "done"), 1, true, out);
    is_worse |=
        compare_one("failed", sample_of(old, "failed"), sample_of(new, "failed"), 1, false, out);
    is_worse |=
        compare_one("p50 ms", sample_of(old, "p50"), sample_of(new, "p50"), 1e6, false, out);
    is_worse |=
        compare_one("p99 ms", sample_of(old, "p99"), sample_of(new, "p99"), 1e6, false, out);
    const char *was = json_string_value(json_object_get(old, "title"));
    char title[256];
    report_title(run, title, sizeof(title));
    if (was != NULL && strcmp(was, title) != 0) {
        fprintf(out, "note: the load was another one: %s\n", was);
    }
    json_decref(old);
    json_decref(new);
    return is_worse ? VERDICT_FAILS : VERDICT_HOLDS;
}

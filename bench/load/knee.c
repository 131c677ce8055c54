/* Doubling, then halving the gap. Each step is a run of its own, of the wanted duration. */

#include "load/knee.h"

#include "weft/error.h"

enum {
    MAX_DOUBLINGS = 20,
    HALVINGS = 6
};

struct search {
    struct options options; /* of the next step */
    struct run best;
    double best_rate;
    bool has_best;
    weft_duration p99_limit; /* 0: not known yet */
    FILE *out;
    bool was_saturated;
};

static const char *why_bad(const struct search *search, const struct run *run)
{
    const struct tally *tally = &run->tally;

    if (run->is_saturated) {
        return "weft-load is the bottleneck";
    }
    if ((double)tally->n_done < 0.99 * (double)tally->n_intended) {
        return "not all is answered";
    }
    if (search->p99_limit > 0 && histogram_percentile(&tally->response, 99) > search->p99_limit) {
        return "p99 bends";
    }
    return NULL;
}

/* One run at <rate>: 1 when it is served well, 0 when not. */
static int step(struct search *search, double rate)
{
    struct run run;

    search->options.rate = search->options.rate_to = rate;
    int r = run_load(&run, &search->options);
    if (r < 0) {
        run_fini(&run);
        return r;
    }
    weft_duration p99 = histogram_percentile(&run.tally.response, 99);
    const char *why = why_bad(search, &run);
    fprintf(search->out, "%12.0f %12.1f %12.3f %12.3f  %s\n", rate, run_rate(&run),
            (double)histogram_percentile(&run.tally.response, 50) / 1e6, (double)p99 / 1e6,
            why == NULL ? "" : why);
    fflush(search->out);
    search->was_saturated = run.is_saturated;
    if (search->p99_limit == 0) {
        search->p99_limit = p99 * 10 > WEFT_MS(10) ? p99 * 10 : WEFT_MS(10);
    }
    if (why != NULL) {
        run_fini(&run);
        return 0;
    }
    if (search->has_best) {
        run_fini(&search->best);
    }
    search->best = run;
    search->best_rate = rate;
    search->has_best = true;
    return 1;
}

static int look(struct search *search, double rate)
{
    double good = 0, bad = 0;

    for (int i = 0; i < MAX_DOUBLINGS && bad == 0; i++) {
        int is_good = step(search, rate);
        WEFT_TRY(is_good);
        *(is_good ? &good : &bad) = rate;
        rate *= 2;
    }
    for (int i = 0; i < HALVINGS && good > 0 && bad > 0; i++) {
        double middle = (good + bad) / 2;
        int is_good = step(search, middle);
        WEFT_TRY(is_good);
        *(is_good ? &good : &bad) = middle;
    }
    return 0;
}

int knee_find(struct run *run, struct options *options, FILE *out)
{
    struct search search = { .options = *options, .out = out };

    fprintf(out, "%12s %12s %12s %12s\n", "requests/s", "answers/s", "p50 ms", "p99 ms");
    search.options.is_quiet = true;
    int r = look(&search, options->rate);
    *run = search.best;
    run->options = options;
    options->rate = options->rate_to = search.has_best ? search.best_rate : options->rate;
    if (r == 0 && !search.has_best) {
        fprintf(stderr,
                "weft-load: even %g requests/s are not served well: begin with a lower "
                "--rate\n",
                options->rate);
        r = WEFT_ERUNTIME;
    }
    if (r == 0) {
        fprintf(out, "\nthe knee is at %.1f answers/s%s\n\n", run_rate(run),
                search.was_saturated ? ", or above: weft-load itself could not do more" : "");
    }
    return r;
}

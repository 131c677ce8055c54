/* weft-load: load tests that tell the truth; --help and docs/load-testing.md say how. */

#include "load/knee.h"
#include "load/options.h"
#include "load/report.h"
#include "load/run.h"
#include "load/verdict.h"

#include <signal.h>

enum exit_status {
    EXIT_WELL = 0,
    EXIT_NOT_GOOD_ENOUGH = 1,
    EXIT_USAGE = 2,
    EXIT_GENERATOR = 3,
    EXIT_NO_FIGURES = 4
};

static int write_files(const struct run *run)
{
    const struct options *options = run->options;
    int r = 0;

    if (options->json != NULL) {
        r |= report_write_json(run, options->json);
    }
    if (options->hgrm != NULL) {
        r |= report_write_hgrm(run, options->hgrm);
    }
    if (options->html != NULL) {
        r |= report_write_html(run, options->html);
    }
    return r;
}

static enum exit_status judge(const struct run *run)
{
    const struct options *options = run->options;
    enum verdict verdict = VERDICT_HOLDS;

    if (options->compare != NULL) {
        verdict = verdict_compare(run, options->compare, stdout);
    }
    if (options->assertion != NULL && verdict != VERDICT_UNUSABLE) {
        enum verdict other = verdict_assert(run, options->assertion, stdout);
        verdict = other > verdict ? other : verdict;
    }
    if (verdict == VERDICT_UNUSABLE) {
        return EXIT_USAGE;
    }
    if (run->is_saturated) {
        return EXIT_GENERATOR; /* whatever the figures say, they are not the server's */
    }
    if (run->tally.n_done == 0) {
        return EXIT_NO_FIGURES;
    }
    return verdict == VERDICT_FAILS ? EXIT_NOT_GOOD_ENOUGH : EXIT_WELL;
}

int main(int argc, char **argv)
{
    struct options options;
    struct run run;
    int r = options_parse(&options, argc, argv);

    if (r != 0) {
        return r > 0 ? EXIT_WELL : EXIT_USAGE;
    }
    if (options.assertion != NULL && !verdict_is_assertion(options.assertion)) {
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    r = options.find_knee ? knee_find(&run, &options, stdout) : run_load(&run, &options);
    int status = EXIT_NO_FIGURES;
    if (r == 0) {
        if (!options.is_quiet) {
            report_text(&run, stdout);
        } else {
            report_trouble(&run, stderr);
        }
        status = write_files(&run) < 0 ? EXIT_USAGE : (int)judge(&run);
    }
    run_fini(&run);
    return status;
}

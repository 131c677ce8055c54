#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

/* report.h: a run for people, for programs and for a browser. */

#include "load/run.h"

#include <jansson.h>
#include <stdio.h>

void report_text(const struct run *run, FILE *out);
/* Only why the figures are not the server's, where they are not. */
void report_trouble(const struct run *run, FILE *out);

/* The caller owns it; NULL without memory. */
json_t *report_to_json(const struct run *run);

/* 0, or negative after saying why. */
int report_write_json(const struct run *run, const char *path);
int report_write_hgrm(const struct run *run, const char *path);
int report_write_html(const struct run *run, const char *path);

/* What kind of load it is, in a line: "OPEN loop, 2000 requests/s (poisson), ...". */
void report_title(const struct run *run, char *buffer, size_t size);

/* The percentiles that all reports show. */
enum {
    N_REPORT_PERCENTILES = 6
};
extern const double REPORT_PERCENTILES[N_REPORT_PERCENTILES];
extern const char *const REPORT_PERCENTILE_NAMES[N_REPORT_PERCENTILES];

#endif

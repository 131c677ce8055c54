/* The command line. Each mistake is said with what would be right; exit status 2. */

#include "load/options.h"

#include "weft/error.h"
#include "weft/runtime.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char USAGE[] =
    "usage: weft-load [OPTION]... TARGET\n"
    "\n"
    "TARGET: http://HOST[:PORT][/PATH]  http+unix:SOCKET[:/PATH]  tcp://HOST:PORT  unix:SOCKET\n"
    "        module:FILE.so[:ARGUMENT]\n"
    "\n"
    "How much (open loop: requests go out by the clock, latency counts from the intended moment):\n"
    "  -R, --rate N            requests per second, all together (default 1000)\n"
    "      --arrivals KIND     constant (default) or poisson\n"
    "      --ramp FROM:TO      a rate that changes evenly over the duration\n"
    "      --find-knee         the highest rate that is served well\n"
    "      --closed            closed loop: each connection sends when it has its answer\n"
    "  -c, --connections N     at most so many (default 64)\n"
    "  -d, --duration TIME     that is measured (default 10s)\n"
    "      --warmup TIME       before that (default 1s)\n"
    "      --timeout TIME      for an answer (default 10s)\n"
    "  -t, --threads N         loops (default: one per processor)\n"
    "      --seed N            of all that is random (default 1)\n"
    "\n"
    "What is sent:\n"
    "  -X, --method METHOD     of HTTP (default GET)\n"
    "  -H, --header 'N: V'     may be repeated\n"
    "      --body TEXT         of HTTP\n"
    "      --size BYTES        of an echo's message (default 64)\n"
    "\n"
    "What else happens meanwhile:\n"
    "      --churn             a new connection for each request\n"
    "      --idle N            N connections that only stand there\n"
    "      --slow-reader N     N connections that ask for much and take it byte by byte\n"
    "      --control SOCKET    watch weftd by its control socket, once a second\n"
    "      --hammer-reload T   reload weftd every T\n"
    "      --kill-worker T     kill weftd's worker every T (SIGKILL)\n"
    "\n"
    "What comes out:\n"
    "      --json FILE         all figures\n"
    "      --hgrm FILE         the response times, for HdrHistogram's plotter\n"
    "      --html FILE         a report with plots, in one file\n"
    "      --compare OLD.json  is the difference beyond the noise? Exit status 1 when worse\n"
    "      --assert 'p99<5ms,errors==0'  exit status 1 when one does not hold\n"
    "  -q, --quiet             only what is wrong\n"
    "\n"
    "Exit status: 0 well; 1 an assertion failed, or worse than before; 2 usage;\n"
    "3 weft-load itself was the bottleneck; 4 nothing could be measured.\n";

enum {
    OPT_ARRIVALS = 256,
    OPT_RAMP,
    OPT_FIND_KNEE,
    OPT_CLOSED,
    OPT_WARMUP,
    OPT_TIMEOUT,
    OPT_SEED,
    OPT_BODY,
    OPT_SIZE,
    OPT_CHURN,
    OPT_IDLE,
    OPT_SLOW_READER,
    OPT_CONTROL,
    OPT_HAMMER_RELOAD,
    OPT_KILL_WORKER,
    OPT_JSON,
    OPT_HGRM,
    OPT_HTML,
    OPT_COMPARE,
    OPT_ASSERT,
    OPT_VERSION
};

enum {
    OWN_FILES = 64 /* descriptors that are no connection */
};

static const struct option LONG_OPTIONS[] = {
    { "rate", required_argument, NULL, 'R' },
    { "arrivals", required_argument, NULL, OPT_ARRIVALS },
    { "ramp", required_argument, NULL, OPT_RAMP },
    { "find-knee", no_argument, NULL, OPT_FIND_KNEE },
    { "closed", no_argument, NULL, OPT_CLOSED },
    { "connections", required_argument, NULL, 'c' },
    { "duration", required_argument, NULL, 'd' },
    { "warmup", required_argument, NULL, OPT_WARMUP },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "threads", required_argument, NULL, 't' },
    { "seed", required_argument, NULL, OPT_SEED },
    { "method", required_argument, NULL, 'X' },
    { "header", required_argument, NULL, 'H' },
    { "body", required_argument, NULL, OPT_BODY },
    { "size", required_argument, NULL, OPT_SIZE },
    { "churn", no_argument, NULL, OPT_CHURN },
    { "idle", required_argument, NULL, OPT_IDLE },
    { "slow-reader", required_argument, NULL, OPT_SLOW_READER },
    { "control", required_argument, NULL, OPT_CONTROL },
    { "hammer-reload", required_argument, NULL, OPT_HAMMER_RELOAD },
    { "kill-worker", required_argument, NULL, OPT_KILL_WORKER },
    { "json", required_argument, NULL, OPT_JSON },
    { "hgrm", required_argument, NULL, OPT_HGRM },
    { "html", required_argument, NULL, OPT_HTML },
    { "compare", required_argument, NULL, OPT_COMPARE },
    { "assert", required_argument, NULL, OPT_ASSERT },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

WEFT_PRINTF(1, 2) static int complain(const char *format, ...)
{
    va_list arguments;

    fputs("weft-load: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\n", stderr);
    return WEFT_EINVAL;
}

bool parse_duration(const char *text, weft_duration *out_duration)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = { { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 }, { "s", 1e9 },
                  { "m", 60e9 }, { "h", 3600e9 }, { "", 1e9 } };
    char *end;
    double number = strtod(text, &end);

    if (end == text || !(number >= 0)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && number * units[i].ns < 9e18) {
            *out_duration = (weft_duration)(number * units[i].ns);
            return true;
        }
    }
    return false;
}

static int take_duration(const char *name, const char *text, weft_duration *out)
{
    return parse_duration(text, out)
               ? 0
               : complain("--%s '%s': not a time; write 250ms, 1.5s or 2m", name, text);
}

static int take_rate(const char *name, const char *text, double *out)
{
    char *end;
    double rate = strtod(text, &end);

    if (end == text || *end != '\0' || !(rate > 0) || rate > 1e9) {
        return complain("--%s '%s': not a rate; write requests per second, as 2000", name, text);
    }
    *out = rate;
    return 0;
}

static int take_int(const char *name, const char *text, int from, int to, int *out)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < from || number > to) {
        return complain("--%s '%s': not a number from %d to %d", name, text, from, to);
    }
    *out = (int)number;
    return 0;
}

static int take_ramp(struct options *options, char *text)
{
    char *colon = strchr(text, ':');

    if (colon == NULL) {
        return complain("--ramp '%s': write FROM:TO, as 100:5000", text);
    }
    *colon = '\0';
    WEFT_TRY(take_rate("ramp", text, &options->rate));
    return take_rate("ramp", colon + 1, &options->rate_to);
}

static int take_arrivals(struct options *options, const char *text)
{
    if (strcmp(text, "constant") != 0 && strcmp(text, "poisson") != 0) {
        return complain("--arrivals '%s': there are constant and poisson", text);
    }
    options->is_poisson = text[0] == 'p';
    return 0;
}

static int take_header(struct options *options, const char *text)
{
    if (strchr(text, ':') == NULL || strpbrk(text, "\r\n") != NULL) {
        return complain("--header '%s': write 'Name: value'", text);
    }
    if (options->n_headers == MAX_HEADERS) {
        return complain("--header: at most %d", MAX_HEADERS);
    }
    options->headers[options->n_headers++] = text;
    return 0;
}

static int take_size(struct options *options, const char *text)
{
    int size;

    WEFT_TRY(take_int("size", text, 1, 64 * 1024 * 1024, &size));
    options->message_size = (size_t)size;
    return 0;
}

static int take_seed(struct options *options, const char *text)
{
    char *end;

    options->seed = strtoull(text, &end, 0);
    return end == text || *end != '\0' ? complain("--seed '%s': not a number", text) : 0;
}

/* One option; 1: nothing is left to do. */
static int take(struct options *options, int option, char *text)
{
    switch (option) {
    case 'R':
        WEFT_TRY(take_rate("rate", text, &options->rate));
        options->rate_to = options->rate;
        return 0;
    case OPT_ARRIVALS:
        return take_arrivals(options, text);
    case OPT_RAMP:
        return take_ramp(options, text);
    case OPT_FIND_KNEE:
        options->find_knee = true;
        return 0;
    case OPT_CLOSED:
        options->is_closed = true;
        return 0;
    case 'c':
        return take_int("connections", text, 1, 1000000, &options->n_connections);
    case 'd':
        return take_duration("duration", text, &options->duration);
    case OPT_WARMUP:
        return take_duration("warmup", text, &options->warmup);
    case OPT_TIMEOUT:
        return take_duration("timeout", text, &options->timeout);
    case 't':
        return take_int("threads", text, 1, 256, &options->n_loops);
    case OPT_SEED:
        return take_seed(options, text);
    case 'X':
        options->method = text;
        return 0;
    case 'H':
        return take_header(options, text);
    case OPT_BODY:
        options->body = text;
        return 0;
    case OPT_SIZE:
        return take_size(options, text);
    case OPT_CHURN:
        options->churn = true;
        return 0;
    case OPT_IDLE:
        return take_int("idle", text, 1, 1000000, &options->n_idle);
    case OPT_SLOW_READER:
        return take_int("slow-reader", text, 1, 1000000, &options->n_slow_readers);
    case OPT_CONTROL:
        options->control = text;
        return 0;
    case OPT_HAMMER_RELOAD:
        return take_duration("hammer-reload", text, &options->hammer_reload);
    case OPT_KILL_WORKER:
        return take_duration("kill-worker", text, &options->kill_worker);
    case OPT_JSON:
        options->json = text;
        return 0;
    case OPT_HGRM:
        options->hgrm = text;
        return 0;
    case OPT_HTML:
        options->html = text;
        return 0;
    case OPT_COMPARE:
        options->compare = text;
        return 0;
    case OPT_ASSERT:
        options->assertion = text;
        return 0;
    case 'q':
        options->is_quiet = true;
        return 0;
    case 'h':
        fputs(USAGE, stdout);
        return 1;
    case OPT_VERSION:
        printf("weft-load %s\n", WEFT_VERSION);
        return 1;
    default:
        fputs("weft-load --help lists the options\n", stderr);
        return WEFT_EINVAL;
    }
}

/* A connection is a descriptor; better said now than after half of them. */
static int check_descriptors(const struct options *options)
{
    long n = (long)options->n_idle + options->n_slow_readers + options->n_connections + OWN_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY &&
        (rlim_t)n > limit.rlim_max) {
        return complain("so many connections need %ld descriptors, and %lu is the limit: raise it "
                        "(ulimit -Hn, for weftd too), or ask for less",
                        n, (unsigned long)limit.rlim_max);
    }
    return 0;
}

static int check(struct options *options)
{
    bool acts = options->hammer_reload > 0 || options->kill_worker > 0;

    if (options->duration < WEFT_MS(1)) {
        return complain("--duration: at least 1ms");
    }
    if (options->timeout < WEFT_MS(1)) {
        return complain("--timeout: at least 1ms");
    }
    if (options->is_closed && (options->find_knee || options->rate_to != options->rate)) {
        return complain("--closed has no rate: leave out --ramp and --find-knee");
    }
    if (acts && options->control == NULL) {
        return complain("--hammer-reload and --kill-worker need --control SOCKET");
    }
    if (options->n_idle + options->n_slow_readers > 0 && options->target.kind == TARGET_MODULE) {
        return complain("--idle and --slow-reader are for http, tcp and unix targets");
    }
    if (options->n_loops > options->n_connections) {
        options->n_loops = options->n_connections;
    }
    return check_descriptors(options);
}

int options_parse(struct options *options, int argc, char **argv)
{
    const char *why;
    int option;

    *options = (struct options){
        .rate = 1000,
        .rate_to = 1000,
        .n_connections = 64,
        .n_loops = weft_available_parallelism(),
        .duration = WEFT_S(10),
        .warmup = WEFT_S(1),
        .timeout = WEFT_S(10),
        .seed = 1,
        .method = "GET",
        .message_size = 64,
    };
    while ((option = getopt_long(argc, argv, "R:c:d:t:X:H:qh", LONG_OPTIONS, NULL)) != -1) {
        int r = take(options, option, optarg);
        if (r != 0) {
            return r;
        }
    }
    if (optind + 1 != argc) {
        return complain(optind == argc ? "what shall be loaded? weft-load --help"
                                       : "one target, not more; weft-load --help");
    }
    if (target_parse(&options->target, argv[optind], &why) < 0) {
        return complain("target '%s': %s", argv[optind], why);
    }
    return check(options);
}

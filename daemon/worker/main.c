/*
 * weft-worker: started by weftd, never by hand.
 *
 *     weft-worker --heritage FD
 *
 * Everything it needs comes by its heritage (heritage.h). It never reads the
 * config file, makes no sockets and knows no paths but those of its modules.
 *
 * Thread: the main one, before there are others.
 */

#include "log.h"
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/inspect.h>

enum {
    EXIT_USAGE = 64,
    EXIT_BAD_CONFIG = 78,
    CONFIG_LIMIT = 64 * 1024 * 1024
};

static int parse_arguments(int argc, char **argv)
{
    char *end;

    if (argc != 3 || strcmp(argv[1], "--heritage") != 0) {
        return -EINVAL;
    }
    errno = 0;
    long fd = strtol(argv[2], &end, 10);
    return errno != 0 || *end != '\0' || end == argv[2] || fd < 3 || fd > 1 << 20 ? -EINVAL
                                                                                  : (int)fd;
}

/*
 * All signals that are sent to the process are blocked from here on, in all
 * threads to come; the control thread takes them, SIGQUIT among them, which writes
 * a dump to the log. Those that a thread brings
 * upon itself and the real-time ones, which are sent to single threads, are not.
 */
static void set_up_signals(void)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF };
    static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT };
    sigset_t blocked;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        sigdelset(&blocked, own[i]);
    }
    for (int signum = SIGRTMIN; signum <= SIGRTMAX; signum++) {
        sigdelset(&blocked, signum);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

/* The text in the memfd <fd>, which is closed. */
static char *read_text(int fd, size_t *out_len)
{
    struct stat status;
    char *text = NULL;

    if (fstat(fd, &status) == 0 && status.st_size >= 0 && status.st_size <= CONFIG_LIMIT) {
        size_t len = (size_t)status.st_size;
        text = malloc(len + 1);
        if (text != NULL && pread(fd, text, len, 0) == (ssize_t)len) {
            text[len] = '\0';
            *out_len = len;
        } else {
            free(text);
            text = NULL;
        }
    }
    close(fd);
    return text;
}

static int read_config(const struct heritage *heritage, struct config **out_config)
{
    struct config_errors errors;
    size_t len = 0;
    char *text = read_text(heritage->config, &len);

    if (text == NULL) {
        fprintf(stderr, "weft-worker: the configuration cannot be read\n");
        return -EIO;
    }
    config_errors_init(&errors);
    int r = config_from_json(text, len, out_config, &errors);
    if (r < 0) {
        config_errors_print(stderr, &errors);
    }
    config_errors_fini(&errors);
    free(text);
    return r;
}

/* A supervisor that died before the kernel knew that we want to hear of it. */
static int is_orphan(const struct heritage *heritage)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    return getppid() != heritage->supervisor;
}

int main(int argc, char **argv)
{
    struct heritage *heritage = NULL;
    struct config *config = NULL;
    char why[256] = "";
    int fd = parse_arguments(argc, argv);

    if (fd < 0) {
        fprintf(stderr, "usage: weft-worker --heritage FD (weftd starts it)\n");
        return EXIT_USAGE;
    }
    set_up_signals();
    int r = heritage_read(fd, &heritage, why, sizeof why);
    close(fd);
    if (r < 0) {
        fprintf(stderr, "weft-worker: the heritage cannot be read: %s\n",
                why[0] != '\0' ? why : strerror(-r));
        return EXIT_BAD_CONFIG;
    }
    if (is_orphan(heritage)) {
        fprintf(stderr, "weft-worker: the supervisor is gone\n");
        heritage_destroy(heritage);
        return EXIT_FAILURE;
    }
    r = read_config(heritage, &config);
    if (r < 0) {
        control_say(heritage, CHANNEL_FAILED, "the configuration cannot be read");
        heritage_destroy(heritage);
        return EXIT_BAD_CONFIG;
    }

    log_open(heritage->board >= 0 && heritage->slot < 0 ? "weft-status" : "weft-worker",
             config->log.format, config->log.level);
    r = weft_dump_on_signal(SIGQUIT);
    if (r < 0) {
        log_warning("SIGQUIT will write no dump: %s", weft_current_message(r));
    }
    r = worker_run(heritage, config);
    config_destroy(config);
    heritage_destroy(heritage);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

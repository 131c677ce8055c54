/*
 * control.c: HTTP/1.1 and JSON on a unix socket, so `curl --unix-socket` is a
 * client as good as weftctl.
 *
 *     GET  /status            all there is
 *     POST /reload            the file anew; answers when the outcome is known
 *     POST /reload?dry_run=1  what that would change
 *     POST /stop              drain and end; answers at once
 *     POST /debug?level=L     off, cheap or full for all loops, until the next reload
 *     GET  /tasks, /tree, ... what goes on in the workers (inspect.c)
 *
 * Who may do what: the kernel lets connect who may write the socket's file, whose
 * mode is right from its first moment (sockets.c). Here SO_PEERCRED is asked
 * besides: root, our own user, and the file's group if the mode has its write
 * bit, may do everything; others only look. What changes something is logged
 * with user and process, and so is what was refused.
 *
 * A table of fixed paths, no bodies, small heads, short idle limits: whoever
 * connects and says nothing costs a descriptor for some seconds.
 *
 * Thread: the loop's; each connection is a task.
 */
#include "supervisor/supervisor.h"

#include "log.h"
#include "status/text.h"
#include "supervisor/sockets.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/http.h>
#include <weft/server.h>
#include <weft/timeout.h>

enum {
    BACKLOG = 512,
    MAX_GROUPS = 256,
    MAX_CONNECTIONS = 2048,
    PLAN_SIZE = 32 * 1024
};

#define IDLE_LIMIT  WEFT_S(10)
#define HEAD_LIMIT  WEFT_S(5)
#define CLOSE_LIMIT WEFT_S(1) /* for answers under way when the daemon ends */

struct control {
    struct supervisor *supervisor; /* borrowed: outlives us */
    const char *path;              /* owned */
    int fd;
    struct stat file;
    mode_t mode;
    weft_server *server;
    weft_http_server *http;
};

/* Who asks. */
struct peer {
    uint32_t uid;
    int64_t pid;
    bool may_change;
};

/* --------------------------------------------------------------------------------- answers */

static int answer_json(weft_http_response *response, int status, const char *text)
{
    WEFT_TRY(weft_http_response_set_status(response, status));
    WEFT_TRY(weft_http_response_add_header(response, "Content-Type", "application/json"));
    WEFT_TRY(weft_http_response_write(response, text, strlen(text)));
    return weft_http_response_write(response, "\n", 1);
}

/* Takes <root>. */
static int answer_object(weft_http_response *response, int status, json_t *root)
{
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    int rc;

    json_decref(root);
    if (text == NULL) {
        return WEFT_ENOMEM;
    }
    rc = answer_json(response, status, text);
    free(text);
    return rc;
}

static int answer_error(weft_http_response *response, int status, const char *message)
{
    return answer_object(response, status, json_pack("{s:s}", "error", message));
}

/* ----------------------------------------------------------------------------------- rights */

static bool is_in_group(int fd, uint32_t gid, uint32_t wanted)
{
    gid_t groups[MAX_GROUPS];
    socklen_t length = sizeof groups;

    if (gid == wanted) {
        return true;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0) {
        return false;
    }
    for (size_t i = 0; i < length / sizeof groups[0]; i++) {
        if (groups[i] == wanted) {
            return true;
        }
    }
    return false;
}

static int examine_peer(const struct control *control, weft_stream *stream, struct peer *out_peer)
{
    weft_peer_credentials credentials;

    WEFT_TRY(weft_stream_get_peer_credentials(stream, &credentials));
    out_peer->uid = credentials.uid;
    out_peer->pid = credentials.pid;
    out_peer->may_change =
        credentials.uid == 0 || credentials.uid == geteuid() ||
        ((control->mode & 0020) != 0 &&
         is_in_group(weft_stream_get_fd(stream), credentials.gid, control->file.st_gid));
    return 0;
}

static void audit(const struct peer *peer, const char *verb, const char *result)
{
    log_info("control: %s by uid %u (pid %lld): %s", verb, peer->uid, (long long)peer->pid, result);
}

/* -------------------------------------------------------------------------------- the verbs */

static int get_status(struct control *control, const struct peer *peer, weft_http_request *request,
                      weft_http_response *response)
{
    char *text = status_to_json(control->supervisor);
    int rc = text != NULL ? answer_json(response, 200, text) : WEFT_ENOMEM;

    (void)peer;
    (void)request;
    free(text);
    return rc;
}

static int get_metrics(struct control *control, const struct peer *peer, weft_http_request *request,
                       weft_http_response *response)
{
    char *text = NULL;
    size_t length = 0;
    int rc = observer_get_metrics(control->supervisor, &text, &length);

    (void)peer;
    (void)request;
    if (rc != 0) {
        return WEFT_ENOMEM;
    }
    rc = weft_http_response_add_header(response, "Content-Type", METRICS_CONTENT_TYPE);
    if (rc == 0) {
        rc = weft_http_response_write(response, text, length);
    }
    free(text);
    return rc;
}

static int answer_plan(struct control *control, weft_http_response *response)
{
    char *text = calloc(1, PLAN_SIZE);
    int rc;

    if (text == NULL) {
        return WEFT_ENOMEM;
    }
    rc = reload_plan(control->supervisor, text, PLAN_SIZE);
    rc = answer_object(response, rc == 0 ? 200 : 422,
                       json_pack("{s:b, s:b, s:s}", "ok", rc == 0, "dry_run", 1, "text", text));
    free(text);
    return rc;
}

static int post_reload(struct control *control, const struct peer *peer, weft_http_request *request,
                       weft_http_response *response)
{
    struct reload_outcome *outcome;
    int64_t is_dry = 0;
    int rc;

    rc = weft_http_request_get_query_int(request, "dry_run", &is_dry);
    if (rc < 0 && rc != -ENOENT) {
        return answer_error(response, 400, "dry_run is 0 or 1");
    }
    if (is_dry != 0) {
        return answer_plan(control, response);
    }
    audit(peer, "reload", "begins");
    rc = reload_run(control->supervisor, &outcome);
    if (rc < 0) {
        audit(peer, "reload", weft_strerror(rc));
        return rc;
    }
    audit(peer, "reload", outcome->is_ok ? "done" : outcome->is_refused ? "refused" : "failed");
    rc = answer_object(response,
                       outcome->is_ok        ? 200
                       : outcome->is_refused ? 422
                                             : 503,
                       json_pack("{s:b, s:b, s:I, s:s}", "ok", outcome->is_ok, "refused",
                                 outcome->is_refused, "generation", (json_int_t)outcome->generation,
                                 "text", outcome->text));
    free(outcome);
    return rc;
}

static int post_stop(struct control *control, const struct peer *peer, weft_http_request *request,
                     weft_http_response *response)
{
    (void)request;
    audit(peer, "stop", "begins");
    supervisor_stop(control->supervisor);
    return answer_object(
        response, 202,
        json_pack("{s:b, s:s}", "ok", 1, "state", supervisor_state(control->supervisor)));
}

static int post_debug(struct control *control, const struct peer *peer, weft_http_request *request,
                      weft_http_response *response)
{
    static const char *const words[] = { "off", "cheap", "full" }; /* as WEFT_DEBUG_... */
    char level[8] = "";
    int rc = weft_http_request_get_query(request, "level", level, sizeof level);

    for (int i = 0; rc >= 0 && i < 3; i++) {
        if (strcmp(level, words[i]) == 0) {
            audit(peer, "debug", words[i]);
            supervisor_set_debug(control->supervisor, (enum weft_debug_level)i);
            return answer_object(response, 200,
                                 json_pack("{s:b, s:s}", "ok", 1, "level", words[i]));
        }
    }
    return answer_error(response, 400, "level is off, cheap or full");
}

typedef int verb_fn(struct control *control, const struct peer *peer, weft_http_request *request,
                    weft_http_response *response);

static const struct verb {
    const char *method;
    const char *path;
    bool is_change;
    verb_fn *run;
} verbs[] = {
    { "GET", "/status", false, get_status },  { "GET", "/metrics", false, get_metrics },
    { "POST", "/reload", true, post_reload }, { "POST", "/stop", true, post_stop },
    { "POST", "/debug", true, post_debug },
};

enum {
    N_VERBS = sizeof verbs / sizeof verbs[0]
};

/* One request, in the task of its connection. */
static int on_request(weft_http_request *request, weft_http_response *response, void *data)
{
    struct control *control = data;
    const char *method = weft_http_request_get_method(request);
    const char *path = weft_http_request_get_path(request);
    struct peer peer = { 0 };

    WEFT_TRY(examine_peer(control, weft_http_request_get_stream(request), &peer));
    for (size_t i = 0; i < N_VERBS; i++) {
        const struct verb *verb = &verbs[i];

        if (strcmp(path, verb->path) != 0) {
            continue;
        }
        if (strcmp(method, verb->method) != 0) {
            WEFT_TRY(weft_http_response_add_header(response, "Allow", verb->method));
            return answer_error(response, 405, "another method is wanted here");
        }
        if (verb->is_change && !peer.may_change) {
            audit(&peer, verb->path + 1, "forbidden");
            return answer_error(response, 403, "this user may look and not touch");
        }
        return verb->run(control, &peer, request, response);
    }
    if (inspect_is_path(path)) {
        if (strcmp(method, "GET") == 0) {
            return inspect_answer(control->supervisor, request, response);
        }
        WEFT_TRY(weft_http_response_add_header(response, "Allow", "GET"));
        return answer_error(response, 405, "another method is wanted here");
    }
    return answer_error(
        response, 404,
        "there are GET /status, /metrics, /tasks, /tree, /stack, /stack/ID, /waits, /loops, "
        "/executors, /timers and /handles, POST /reload, POST /debug and POST /stop");
}

static int on_connected(weft_stream *stream, void *data)
{
    struct control *control = data;

    return weft_http_server_serve(control->http, stream);
}

/* ------------------------------------------------------------------------------------- life */

/* Idle connections must not eat the descriptors that workers and reloads need. */
static size_t connection_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur / 4 > MAX_CONNECTIONS) {
        return MAX_CONNECTIONS;
    }
    return limit.rlim_cur / 4 > 8 ? (size_t)limit.rlim_cur / 4 : 8;
}

static int start_serving(struct control *control)
{
    weft_http_options http_options = WEFT_HTTP_OPTIONS_INIT;
    weft_server_options options = WEFT_SERVER_OPTIONS_INIT;

    http_options.max_head_size = 8 * 1024;
    http_options.max_target_length = 1024;
    http_options.max_body_size = SIZE_MAX; /* no verb takes one */
    http_options.head_limit = HEAD_LIMIT;
    http_options.body_limit = HEAD_LIMIT;
    http_options.idle_limit = IDLE_LIMIT;
    options.max_connections = connection_limit();
    WEFT_TRY(weft_http_server_create(on_request, control, &http_options, &control->http));
    return weft_start_server_fds(on_connected, control, &control->fd, 1, &options,
                                 &control->server);
}

int control_open(struct supervisor *supervisor, const struct config_control *config,
                 struct control **out_control, char *why, size_t why_size)
{
    struct control *control = calloc(1, sizeof *control);
    int rc;

    if (control == NULL || (control->path = strdup(config->socket)) == NULL) {
        free(control);
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    control->supervisor = supervisor;
    control->mode = (mode_t)config->mode;
    control->fd = -1;
    rc = sockets_listen_unix(control->path, control->mode, BACKLOG, &control->fd, &control->file,
                             why, why_size);
    if (rc == 0) {
        rc = start_serving(control);
        if (rc < 0) {
            snprintf(why, why_size, "%s", weft_strerror(rc));
        }
    }
    if (rc < 0) {
        control_close(control);
        return rc;
    }
    *out_control = control;
    return 0;
}

void control_close(struct control *control)
{
    if (control == NULL) {
        return;
    }
    if (control->fd >= 0) {
        sockets_unlink(control->path, &control->file);
    }
    if (control->server != NULL) {
        weft_timeout *limit = weft_timeout_create(CLOSE_LIMIT);
        int rc = weft_timeout_enter(limit);

        (void)weft_server_close(control->server);
        (void)weft_http_server_drain(control->http, 0);
        if (rc == 0) {
            (void)weft_timeout_exit(limit, weft_server_wait_closed(control->server));
        }
        weft_timeout_destroy(limit);
        weft_server_destroy(control->server);
    }
    weft_http_server_destroy(control->http);
    if (control->fd >= 0) {
        close(control->fd);
    }
    free((char *)control->path);
    free(control);
}

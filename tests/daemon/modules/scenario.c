/* A scenario for weft-load: an echo of one byte, to the port that its argument names. */
#include <stdlib.h>
#include <weft/load.h>
#include <weft/weft.h>

struct user {
    int port;
    weft_stream *stream;
};

static int create(const char *argument, void **out_user)
{
    struct user *user = calloc(1, sizeof(*user));

    if (user == NULL) {
        return WEFT_ENOMEM;
    }
    user->port = atoi(argument);
    if (user->port == 0) {
        free(user);
        return WEFT_EINVAL;
    }
    *out_user = user;
    return 0;
}

static int connect_user(void *arg)
{
    struct user *user = arg;

    return weft_open_connection("127.0.0.1", user->port, NULL, &user->stream);
}

static int request(void *arg)
{
    struct user *user = arg;
    char answer;
    size_t n;

    WEFT_TRY(weft_stream_write(user->stream, "x", 1));
    WEFT_TRY(weft_stream_readexactly(user->stream, &answer, 1, &n));
    return answer == 'x' ? 0 : WEFT_EUSER(7);
}

static void close_user(void *arg)
{
    struct user *user = arg;

    weft_stream_close(user->stream);
    weft_stream_destroy(user->stream);
}

__attribute__((visibility("default"))) const struct weft_load_scenario weft_load_scenario = {
    WEFT_LOAD_SCENARIO_ABI, create, connect_user, request, close_user, free
};

/* A chat: each line goes to everybody else. Two guests come, talk and leave. */
#include <stdio.h>
#include <weft/weft.h>

enum {
    MAX_GUESTS = 100,
    MAX_BEHIND = 256 * 1024
};

/* Only tasks of one loop touch it: no lock. */
static weft_stream *guests[MAX_GUESTS];

static int serve_guest(weft_stream *guest, void *data)
{
    size_t seat = 0;
    char *line;
    size_t n;

    (void)data;
    while (seat < MAX_GUESTS && guests[seat] != NULL) {
        seat++;
    }
    if (seat == MAX_GUESTS) {
        return weft_stream_write(guest, "full\n", 5);
    }
    guests[seat] = guest;
    int r = weft_stream_write(guest, "welcome\n", 8);
    while (r == 0 && (r = weft_stream_readline(guest, &line, &n)) == 0 && n > 0) {
        for (size_t i = 0; i < MAX_GUESTS; i++) {
            if (guests[i] == NULL || i == seat) {
                continue;
            }
            weft_stream_write(guests[i], line, n); /* never waits ... */
            if (weft_stream_get_write_buffer_size(guests[i]) > MAX_BEHIND) {
                weft_stream_abort(guests[i]); /* ... so who does not read has to go */
            }
        }
    }
    guests[seat] = NULL;
    return r;
}

static int hear(weft_stream *guest)
{
    char *line;
    size_t n;

    WEFT_TRY(weft_stream_readline(guest, &line, &n));
    printf("%.*s", (int)n, line);
    return 0;
}

static int talk(weft_stream *ann, weft_stream *bob)
{
    WEFT_TRY(hear(ann)); /* both are seated */
    WEFT_TRY(hear(bob));
    WEFT_TRY(weft_stream_write(ann, "ann: is anybody here?\n", 22));
    WEFT_TRY(hear(bob));
    WEFT_TRY(weft_stream_write(bob, "bob: I am.\n", 11));
    return hear(ann);
}

static int demo(int port)
{
    weft_stream *ann, *bob;

    WEFT_TRY(weft_open_connection("127.0.0.1", port, NULL, &ann));
    WEFT_TRY(weft_open_connection("127.0.0.1", port, NULL, &bob));
    int r = talk(ann, bob);
    weft_stream_close(ann);
    weft_stream_destroy(ann);
    weft_stream_close(bob);
    weft_stream_destroy(bob);
    return r;
}

static int chat(void *arg)
{
    weft_server *server;

    (void)arg;
    WEFT_TRY(weft_start_server(serve_guest, NULL, "127.0.0.1", 0, NULL, &server));
    int r = demo(weft_server_get_port(server)); /* a service: weft_server_serve_forever(server) */
    weft_server_destroy(server);
    return r;
}

int main(void)
{
    return weft_run(chat, NULL) == 0 ? 0 : 1;
}

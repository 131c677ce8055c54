/* Many downloads, three at a time: twenty pages from a server of its own. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

enum {
    N_PAGES = 20,
    AT_ONCE = 3
};

static weft_semaphore *limit;
static int port, n_open, most_open, n_bytes;

/* The server: a line in, a page out, after a while. */
static int serve(weft_stream *client, void *data)
{
    char *line;
    size_t n;

    (void)data;
    WEFT_TRY(weft_stream_readline(client, &line, &n));
    n_open++;
    most_open = n_open > most_open ? n_open : most_open;
    int r = weft_sleep(WEFT_MS(2));
    n_open--;
    WEFT_TRY(r);
    return weft_stream_write(client, "a page of 20 bytes.\n", 20);
}

static int fetch(void)
{
    weft_stream *stream;
    char *page;
    size_t n;

    WEFT_TRY(weft_open_connection("127.0.0.1", port, NULL, &stream));
    int r = weft_stream_write(stream, "please\n", 7);
    if (r == 0) {
        r = weft_stream_readline(stream, &page, &n);
    }
    n_bytes += r == 0 ? (int)n : 0;
    weft_stream_close(stream);
    weft_stream_destroy(stream);
    return r;
}

static int download(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_semaphore_acquire(limit));
    int r = fetch();
    weft_semaphore_release(limit); /* also when it failed or was cancelled */
    return r;
}

static int download_all(void *arg)
{
    weft_server *server;
    weft_task_group *group = weft_task_group_create();

    (void)arg;
    WEFT_TRY(weft_semaphore_create(AT_ONCE, &limit));
    WEFT_TRY(weft_start_server(serve, NULL, "127.0.0.1", 0, NULL, &server));
    port = weft_server_get_port(server);
    WEFT_TRY(weft_task_group_enter(group));
    for (int i = 0; i < N_PAGES; i++) {
        weft_task_group_create_task(group, weft_coro_create(download, NULL), NULL);
    }
    int r = weft_task_group_exit(group, 0); /* one that fails cancels the others */
    weft_task_group_destroy(group);
    weft_server_destroy(server);
    weft_semaphore_destroy(limit);
    printf("%d bytes of %d pages, %d at once\n", n_bytes, N_PAGES, most_open);
    return r;
}

int main(void)
{
    return weft_run(download_all, NULL) == 0 ? 0 : 1;
}

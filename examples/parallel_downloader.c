/* Many downloads, a few at a time: `parallel_downloader` fetches twenty pages from a server of
 * its own, at most three at once, and checks both. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

enum {
    N_PAGES = 20,
    AT_ONCE = 3
};

struct page {
    struct downloads *all;
    int number;
    char body[64];
    size_t size;
};

struct downloads {
    weft_semaphore *limit;
    int port, n_open, most_open; /* as the server sees it */
    struct page pages[N_PAGES];
};

/* The server: "7\n" in, the page out, after a while. */
static int serve(weft_stream *client, void *data)
{
    struct downloads *all = data;
    char *line, body[64];
    size_t n;

    WEFT_TRY(weft_stream_readline(client, &line, &n));
    int len = snprintf(body, sizeof body, "page %.*s", (int)n, line);
    all->n_open++;
    all->most_open = all->n_open > all->most_open ? all->n_open : all->most_open;
    int r = weft_sleep(WEFT_MS(2));
    all->n_open--;
    WEFT_TRY(r);
    WEFT_TRY(weft_stream_write(client, body, (size_t)len));
    return weft_stream_write_eof(client);
}

static int fetch(struct page *page)
{
    weft_stream *stream;
    char ask[16], *line;
    size_t n;
    int len = snprintf(ask, sizeof ask, "%d\n", page->number);

    WEFT_TRY(weft_open_connection("127.0.0.1", page->all->port, NULL, &stream));
    int r = weft_stream_write(stream, ask, (size_t)len);
    if (r == 0) {
        r = weft_stream_readline(stream, &line, &n);
    }
    if (r == 0) {
        page->size = n < sizeof page->body ? n : sizeof page->body;
        memcpy(page->body, line, page->size);
    }
    weft_stream_close(stream);
    weft_stream_destroy(stream);
    return r;
}

static int download(void *arg)
{
    struct page *page = arg;

    WEFT_TRY(weft_semaphore_acquire(page->all->limit));
    int r = fetch(page);
    weft_semaphore_release(page->all->limit); /* also when it failed or was cancelled */
    return r;
}

static int download_all(void *arg)
{
    struct downloads *all = arg;
    weft_server *server;

    WEFT_TRY(weft_start_server(serve, all, "127.0.0.1", 0, NULL, &server));
    all->port = weft_server_get_port(server);
    weft_task_group *group = weft_task_group_create();
    int r = weft_task_group_enter(group);
    if (r == 0) {
        for (int i = 0; i < N_PAGES; i++) {
            all->pages[i] = (struct page){ .all = all, .number = i };
            weft_task_group_create_task(group, weft_coro_create(download, &all->pages[i]), NULL);
        }
        r = weft_task_group_exit(group, 0); /* one that fails cancels the others */
    }
    weft_task_group_destroy(group);
    weft_server_destroy(server);
    return r;
}

int main(void)
{
    struct downloads all = { 0 };
    int n_right = 0;

    if (weft_semaphore_create(AT_ONCE, &all.limit) < 0 || weft_run(download_all, &all) < 0) {
        return 1;
    }
    for (int i = 0; i < N_PAGES; i++) {
        char wanted[32];
        int len = snprintf(wanted, sizeof wanted, "page %d\n", i);
        n_right +=
            all.pages[i].size == (size_t)len && memcmp(all.pages[i].body, wanted, (size_t)len) == 0;
    }
    printf("%d pages, %d right, %d at once\n", N_PAGES, n_right, all.most_open);
    weft_semaphore_destroy(all.limit);
    return n_right == N_PAGES && all.most_open <= AT_ONCE ? 0 : 1;
}

/* libuv callbacks: echo and HTTP (http_parser). --port N --threads N --http 0|1 --write 0|1
 * --write 0: uv_try_write first, uv_write only for what is left (the strong form).
 * --write 1: uv_write for every answer with a malloc'd request and buffer (the form most programs
 * use). */
#include "net.h"
#include <http_parser.h>
#include <pthread.h>
#include <signal.h>
#include <uv.h>

static int port, http, use_write;
static const char RESP[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
#define RL  (sizeof RESP - 1)
#define BUF 262144
typedef struct {
    uv_write_t r;
    char d[];
} wr_t;
typedef struct {
    uv_tcp_t t;
    http_parser p;
    int nreq;
} conn_t;
typedef struct {
    char *buf, *out;
} loop_bufs;
static http_parser_settings hs;

static void on_close(uv_handle_t *h)
{
    free(h);
}
static void on_written(uv_write_t *r, int st)
{
    (void)st;
    free(r);
}
static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b)
{
    (void)n;
    loop_bufs *l = h->loop->data;
    *b = uv_buf_init(l->buf, BUF);
}
static int on_msg(http_parser *p)
{
    ((conn_t *)p->data)->nreq++;
    return 0;
}
static void answer(uv_stream_t *s, const char *p, size_t n)
{
    if (!use_write) {
        uv_buf_t b = uv_buf_init((char *)p, (unsigned)n);
        int w = uv_try_write(s, &b, 1);
        if (w == (int)n)
            return;
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        } else if (w != UV_EAGAIN) {
            uv_close((uv_handle_t *)s, on_close);
            return;
        }
    }
    wr_t *r = malloc(sizeof *r + n);
    memcpy(r->d, p, n);
    uv_buf_t b = uv_buf_init(r->d, (unsigned)n);
    uv_write(&r->r, s, &b, 1, on_written);
}
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    if (n == 0)
        return;
    if (n < 0) {
        if (!uv_is_closing((uv_handle_t *)s))
            uv_close((uv_handle_t *)s, on_close);
        return;
    }
    if (!http) {
        answer(s, b->base, (size_t)n);
        return;
    }
    conn_t *c = (conn_t *)s;
    loop_bufs *l = s->loop->data;
    c->nreq = 0;
    http_parser_execute(&c->p, &hs, b->base, (size_t)n);
    if (c->p.http_errno) {
        uv_close((uv_handle_t *)s, on_close);
        return;
    }
    for (int i = 0; i < c->nreq; i++)
        memcpy(l->out + (size_t)i * RL, RESP, RL);
    if (c->nreq)
        answer(s, l->out, (size_t)c->nreq * RL);
}
static void on_conn(uv_stream_t *ls, int st)
{
    if (st)
        return;
    conn_t *c = malloc(sizeof *c);
    uv_tcp_init(ls->loop, &c->t);
    if (uv_accept(ls, (uv_stream_t *)&c->t)) {
        uv_close((uv_handle_t *)&c->t, on_close);
        return;
    }
    uv_tcp_nodelay(&c->t, 1);
    if (http) {
        http_parser_init(&c->p, HTTP_REQUEST);
        c->p.data = c;
    }
    uv_read_start((uv_stream_t *)&c->t, on_alloc, on_read);
}
static void *serve(void *arg)
{
    (void)arg;
    uv_loop_t loop;
    uv_loop_init(&loop);
    loop_bufs lb = { malloc(BUF), malloc(RL * (BUF / 16)) };
    loop.data = &lb;
    uv_tcp_t ls;
    uv_tcp_init(&loop, &ls);
    uv_tcp_open(&ls, tcp_socket_reuseport(port)); /* 1.44 has no UV_TCP_REUSEPORT */
    if (uv_listen((uv_stream_t *)&ls, 4096, on_conn))
        die("uv_listen");
    uv_run(&loop, UV_RUN_DEFAULT);
    return NULL;
}
int main(int argc, char **argv)
{
    port = (int)optl(argc, argv, "--port", 9000);
    http = (int)optl(argc, argv, "--http", 0);
    use_write = (int)optl(argc, argv, "--write", 0);
    int nt = (int)optl(argc, argv, "--threads", 1);
    hs.on_message_complete = on_msg;
    signal(SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
    pthread_t t;
    for (int i = 1; i < nt; i++)
        pthread_create(&t, NULL, serve, NULL);
    serve(NULL);
}

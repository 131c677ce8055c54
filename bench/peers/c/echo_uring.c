/* Raw io_uring TCP echo: multishot accept and recv into a provided-buffer ring, one submit-and-wait
 * per batch. Not in the brief's peer list; shows what is below epoll's floor where a system call is
 * dear. --port N --threads N */
#include "net.h"
#include <liburing.h>
#include <pthread.h>
#include <sys/mman.h>

#define NB 1024
#define BS 16384
enum {
    ACC = 1,
    RCV = 2,
    SND = 3
};
static int port;

static inline uint64_t ud(int op, int fd, int bid)
{
    return ((uint64_t)op << 56) | ((uint64_t)(unsigned)bid << 32) | (uint32_t)fd;
}

static struct io_uring_sqe *sqe(struct io_uring *r)
{
    struct io_uring_sqe *s;
    while (!(s = io_uring_get_sqe(r)))
        io_uring_submit(r);
    return s;
}
static void arm_recv(struct io_uring *r, int fd)
{
    struct io_uring_sqe *s = sqe(r);
    io_uring_prep_recv_multishot(s, fd, NULL, 0, 0);
    s->flags |= IOSQE_BUFFER_SELECT;
    s->buf_group = 1;
    io_uring_sqe_set_data64(s, ud(RCV, fd, 0));
}
typedef struct sub {
    int fd, bid, off, len;
    struct sub *next;
} sub_t;

static void *serve(void *arg)
{
    (void)arg;
    struct io_uring r;
    struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                                          IORING_SETUP_DEFER_TASKRUN,
                                 .cq_entries = 16384 };
    if (io_uring_queue_init_params(4096, &r, &p) < 0)
        die("io_uring");
    struct io_uring_buf_ring *br = mmap(NULL, NB * sizeof(struct io_uring_buf),
                                        PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)br, .ring_entries = NB, .bgid = 1 };
    if (io_uring_register_buf_ring(&r, &reg, 0))
        die("buf_ring");
    io_uring_buf_ring_init(br);
    char *bufs = malloc((size_t)NB * BS);
    for (int i = 0; i < NB; i++)
        io_uring_buf_ring_add(br, bufs + (size_t)i * BS, BS, (uint16_t)i, NB - 1, i);
    io_uring_buf_ring_advance(br, NB);
    int ls = tcp_listen(port);
    struct io_uring_sqe *s = sqe(&r);
    io_uring_prep_multishot_accept(s, ls, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(s, ud(ACC, ls, 0));
    /* sends of one connection must stay in order: one in flight per fd, the rest queued by fd */
    sub_t **qh = calloc(65536, sizeof *qh), **qt = calloc(65536, sizeof *qt);
    sub_t *cur = calloc(NB, sizeof *cur); /* by buffer id */
    for (;;) {
        io_uring_submit_and_wait(&r, 1);
        struct io_uring_cqe *c;
        unsigned head, cnt = 0;
        io_uring_for_each_cqe(&r, head, c)
        {
            cnt++;
            int op = (int)(c->user_data >> 56), fd = (int)(uint32_t)c->user_data,
                bid = (int)((c->user_data >> 32) & 0xffffff);
            if (op == ACC) {
                if (c->res >= 0) {
                    nodelay(c->res);
                    arm_recv(&r, c->res);
                }
                if (!(c->flags & IORING_CQE_F_MORE)) {
                    s = sqe(&r);
                    io_uring_prep_multishot_accept(s, ls, NULL, NULL, SOCK_CLOEXEC);
                    io_uring_sqe_set_data64(s, ud(ACC, ls, 0));
                }
            } else if (op == RCV) {
                if (c->res > 0) {
                    int b = (int)(c->flags >> IORING_CQE_BUFFER_SHIFT);
                    cur[b] = (sub_t){ .fd = fd, .bid = b, .len = c->res };
                    if (qh[fd]) {
                        qt[fd]->next = &cur[b];
                        qt[fd] = &cur[b];
                    } else {
                        qh[fd] = qt[fd] = &cur[b];
                        s = sqe(&r);
                        io_uring_prep_send(s, fd, bufs + (size_t)b * BS, (size_t)c->res,
                                           MSG_NOSIGNAL | MSG_WAITALL);
                        io_uring_sqe_set_data64(s, ud(SND, fd, b));
                    }
                    if (!(c->flags & IORING_CQE_F_MORE))
                        arm_recv(&r, fd);
                } else if (c->res == -ENOBUFS)
                    arm_recv(&r, fd);
                else if (!qh[fd])
                    close(fd);
            } else {
                sub_t *q = &cur[bid];
                if (c->res > 0 && q->off + c->res < q->len) { /* short send */
                    q->off += c->res;
                    s = sqe(&r);
                    io_uring_prep_send(s, fd, bufs + (size_t)bid * BS + q->off,
                                       (size_t)(q->len - q->off), MSG_NOSIGNAL | MSG_WAITALL);
                    io_uring_sqe_set_data64(s, ud(SND, fd, bid));
                    continue;
                }
                qh[fd] = q->next;
                q->next = NULL;
                io_uring_buf_ring_add(br, bufs + (size_t)bid * BS, BS, (uint16_t)bid, NB - 1, 0);
                io_uring_buf_ring_advance(br, 1);
                if (qh[fd]) {
                    q = qh[fd];
                    s = sqe(&r);
                    io_uring_prep_send(s, fd, bufs + (size_t)q->bid * BS, (size_t)q->len,
                                       MSG_NOSIGNAL | MSG_WAITALL);
                    io_uring_sqe_set_data64(s, ud(SND, fd, q->bid));
                }
            }
        }
        io_uring_cq_advance(&r, cnt);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    port = (int)optl(argc, argv, "--port", 9000);
    int nt = (int)optl(argc, argv, "--threads", 1);
    pthread_t t;
    for (int i = 1; i < nt; i++)
        pthread_create(&t, NULL, serve, NULL);
    serve(NULL);
}

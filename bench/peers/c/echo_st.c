/* State Threads echo: one stackful coroutine per connection, over poll() (Debian builds it without
 * epoll). --port N --buf N --stack N */
#include "net.h"
#include <signal.h>
#include <st.h>

static size_t bufsz, stack;
static void *conn(void *arg)
{
    st_netfd_t fd = arg;
    char *b = malloc(bufsz);
    for (;;) {
        ssize_t r = st_read(fd, b, bufsz, ST_UTIME_NO_TIMEOUT);
        if (r <= 0)
            break;
        if (st_write(fd, b, (size_t)r, ST_UTIME_NO_TIMEOUT) != r)
            break;
    }
    free(b);
    st_netfd_close(fd);
    return NULL;
}
int main(int argc, char **argv)
{
    int port = (int)optl(argc, argv, "--port", 9000);
    bufsz = (size_t)optl(argc, argv, "--buf", 4096);
    stack = (size_t)optl(argc, argv, "--stack", 16384);
    signal(SIGPIPE, SIG_IGN);
    st_set_eventsys(ST_EVENTSYS_POLL); /* Debian builds it without epoll; select is its default */
    if (st_init())
        die("st_init");
    st_netfd_t ls = st_netfd_open_socket(tcp_listen(port));
    for (;;) {
        st_netfd_t c = st_accept(ls, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (!c)
            continue;
        nodelay(st_netfd_fileno(c));
        if (!st_thread_create(conn, c, 0, (int)stack))
            st_netfd_close(c);
    }
}

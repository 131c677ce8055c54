#ifndef WEFT_TESTS_UNIT_IO_LOOPBACK_HPP
#define WEFT_TESTS_UNIT_IO_LOOPBACK_HPP

/*
 * Plain sockets on loopback that answer, refuse or say nothing, and names whose
 * addresses a test chooses.
 */

#include "support/io_world.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "io/io.h"
}

/* A plain listening socket on loopback; nobody accepts. */
class plain_listener
{
  public:
    explicit plain_listener(int backlog = 8, const char *host = "127.0.0.1")
    {
        sockaddr_in address = {};
        socklen_t len = sizeof address;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_family = AF_INET;
        inet_pton(AF_INET, host, &address.sin_addr);
        REQUIRE(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
        if (backlog >= 0) {
            REQUIRE(listen(fd, backlog) == 0);
        }
        REQUIRE(getsockname(fd, reinterpret_cast<sockaddr *>(&address), &len) == 0);
        port = ntohs(address.sin_port);
    }
    ~plain_listener()
    {
        ::close(fd);
    }
    int fd;
    int port;
};

/* One whose queue is full: further SYNs are dropped, nothing ever answers. */
class black_hole : public plain_listener
{
  public:
    explicit black_hole(const char *host = "127.0.0.1") : plain_listener(0, host)
    {
        sockaddr_in address = {};
        filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        inet_pton(AF_INET, host, &address.sin_addr);
        REQUIRE(connect(filler, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    }
    ~black_hole()
    {
        ::close(filler);
    }

  private:
    int filler;
};

/* Where a name leads: numeric hosts and their ports. */
using destinations = std::vector<std::pair<std::string, int>>;

/* Let every look-up of the running loop give <where>, in this order. One at a time. */
class fake_resolver
{
  public:
    explicit fake_resolver(destinations where)
    {
        wf_io *io = nullptr;
        current() = std::move(where);
        if (wf_io_get(weft_get_running_loop(), &io) == 0) {
            io->resolve = resolve;
        }
    }

  private:
    static destinations &current()
    {
        static destinations where;
        return where;
    }
    /* On a thread of the executor. Lists of the system, chained: it can free them. */
    static int resolve(const char *, const char *, const addrinfo *hints, addrinfo **out_list)
    {
        addrinfo **end = out_list;
        for (const auto &one : current()) {
            addrinfo wanted = {};
            wanted.ai_socktype = hints->ai_socktype;
            wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
            int code =
                getaddrinfo(one.first.c_str(), std::to_string(one.second).c_str(), &wanted, end);
            if (code != 0) {
                return code;
            }
            while (*end != nullptr) {
                end = &(*end)->ai_next;
            }
        }
        return current().empty() ? EAI_NONAME : 0;
    }
};

inline int n_threads()
{
    int n = 0;
    DIR *folder = opendir("/proc/self/task");

    while (folder != nullptr && readdir(folder) != nullptr) {
        n++;
    }
    closedir(folder);
    return n;
}

/*
 * Look-ups are not waited for when their loop closes. Here they are, before the
 * next test counts blocks of memory.
 */
class no_threads_left
{
  public:
    ~no_threads_left()
    {
        for (int i = 0; i < 10000 && n_threads() > before; i++) {
            usleep(1000);
        }
    }

  private:
    int before = n_threads();
};

#endif

/* Servers on loopback: taking clients, closing, what handlers come to. */
#include "world.hpp"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <vector>

namespace
{

int echo(weft_stream *stream, void *)
{
    char *data;
    size_t n;

    while (weft_stream_read_view(stream, &data, &n) == 0 && n > 0) {
        WEFT_TRY(weft_stream_write(stream, data, n));
        WEFT_TRY(weft_stream_drain(stream));
    }
    return 0;
}

weft_stream *connect_to(weft_server *server)
{
    weft_stream *stream = nullptr;
    weft_open_connection("127.0.0.1", weft_server_get_port(server), nullptr, &stream);
    return stream;
}

int end(weft_stream *stream)
{
    weft_stream_close(stream);
    int code = weft_stream_wait_closed(stream);
    weft_stream_destroy(stream);
    return code;
}

int end(weft_server *server)
{
    weft_server_close(server);
    int code = weft_server_wait_closed(server);
    weft_server_destroy(server);
    return code;
}

} // namespace

TEST_CASE("server: echoes to one client after the other", "[server]")
{
    world w;
    std::vector<std::string> got;
    weft_server_stats stats = { sizeof stats, 0, 0, 0, 0 };

    int code = w.run([&] {
        weft_server *server;
        WEFT_TRY(weft_start_server(echo, nullptr, "127.0.0.1", 0, nullptr, &server));
        for (int i = 0; i < 3; i++) {
            weft_stream *client = connect_to(server);
            WEFT_TRY(weft_stream_write(client, "hello", 5));
            got.push_back(read_text(client));
            end(client);
        }
        weft_server_get_stats(server, &stats);
        return end(server);
    });
    CHECK(code == 0);
    CHECK(got == std::vector<std::string>{ "hello", "hello", "hello" });
    CHECK(stats.accepted == 3);
    CHECK(stats.shed == 0);
}

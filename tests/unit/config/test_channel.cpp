// The packets between supervisor and worker: what arrives, and what is refused.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

extern "C" {
#include "channel.h"
}

namespace
{

struct pair_of_ends {
    int supervisor = -1;
    int worker = -1;

    pair_of_ends()
    {
        REQUIRE(channel_pair(&supervisor, &worker) == 0);
    }
    ~pair_of_ends()
    {
        close_end(supervisor);
        close_end(worker);
    }
    static void close_end(int &fd)
    {
        if (fd >= 0) {
            close(fd);
        }
        fd = -1;
    }
};

channel_packet make_packet(channel_kind kind)
{
    channel_packet packet;
    memset(&packet, 0, sizeof packet);
    packet.version = CHANNEL_VERSION;
    packet.kind = kind;
    return packet;
}

void send_raw(int fd, const void *data, size_t size)
{
    REQUIRE(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

} // namespace

TEST_CASE("channel: every kind arrives as it was sent", "[channel]")
{
    pair_of_ends ends;

    for (int kind = 0; kind < CHANNEL_N_KINDS; kind++) {
        channel_packet sent = make_packet((channel_kind)kind);
        channel_packet got;

        sent.version = 99; // the sender does not have to know
        sent.index = 3;
        sent.number = -7;
        sent.status.n_accepted = UINT64_MAX;
        sent.status.n_loops = 4;
        strcpy(sent.text, "loop 3: busy in f at x.c:12");
        REQUIRE(channel_send(ends.worker, &sent) == 0);
        REQUIRE(channel_receive(ends.supervisor, &got) == 0);
        CHECK(got.version == CHANNEL_VERSION);
        CHECK(got.kind == kind);
        CHECK(got.index == 3);
        CHECK(got.number == -7);
        CHECK(got.status.n_accepted == UINT64_MAX);
        CHECK(got.status.n_loops == 4);
        CHECK(std::string(got.text) == sent.text);
        CHECK(std::string(channel_kind_name((channel_kind)kind)) != "unknown");
    }
    CHECK(std::string(channel_kind_name(CHANNEL_N_KINDS)) == "unknown");
}

TEST_CASE("channel: an empty channel, a full one and a closed one differ", "[channel]")
{
    pair_of_ends ends;
    channel_packet packet = make_packet(CHANNEL_STATUS);

    REQUIRE(channel_receive(ends.supervisor, &packet) == -EAGAIN);

    packet = make_packet(CHANNEL_STATUS);
    int sent = 0;
    int rc = 0;
    while (sent < 100000 && (rc = channel_send(ends.worker, &packet)) == 0) {
        sent++;
    }
    REQUIRE(rc == -EAGAIN);

    pair_of_ends::close_end(ends.worker);
    for (int i = 0; i < sent; i++) {
        REQUIRE(channel_receive(ends.supervisor, &packet) == 0);
    }
    REQUIRE(channel_receive(ends.supervisor, &packet) == 1);
    REQUIRE(channel_send(ends.supervisor, &packet) == -EPIPE);
}

TEST_CASE("channel: the last words of a peer that left ours unread arrive", "[channel]")
{
    pair_of_ends ends;
    channel_packet packet = make_packet(CHANNEL_LOG_LEVEL);

    REQUIRE(channel_send(ends.supervisor, &packet) == 0);
    packet = make_packet(CHANNEL_FAILED);
    strcpy(packet.text, "no module");
    REQUIRE(channel_send(ends.worker, &packet) == 0);
    pair_of_ends::close_end(ends.worker);

    REQUIRE(channel_receive(ends.supervisor, &packet) == 0);
    CHECK(std::string(packet.text) == "no module");
    CHECK(channel_receive(ends.supervisor, &packet) == 1);
}

TEST_CASE("channel: a packet of another size, version or kind is refused", "[channel]")
{
    pair_of_ends ends;
    channel_packet packet = make_packet(CHANNEL_READY);
    channel_packet got = make_packet(CHANNEL_PONG);
    std::vector<char> big(sizeof packet + 1);

    SECTION("one byte short")
    {
        send_raw(ends.worker, &packet, sizeof packet - 1);
    }
    SECTION("one byte long")
    {
        memcpy(big.data(), &packet, sizeof packet);
        send_raw(ends.worker, big.data(), big.size());
    }
    SECTION("one byte")
    {
        send_raw(ends.worker, "x", 1);
    }
    SECTION("empty, which is not the end of the channel")
    {
        send_raw(ends.worker, "", 0);
    }
    SECTION("empty and then closed with a packet in between")
    {
        send_raw(ends.worker, "", 0);
        REQUIRE(channel_send(ends.worker, &packet) == 0);
        pair_of_ends::close_end(ends.worker);
        REQUIRE(channel_receive(ends.supervisor, &got) == -EPROTO);
        REQUIRE(channel_receive(ends.supervisor, &got) == 0);
        REQUIRE(channel_receive(ends.supervisor, &got) == 1);
        return;
    }
    SECTION("another version")
    {
        packet.version = CHANNEL_VERSION + 1;
        send_raw(ends.worker, &packet, sizeof packet);
    }
    SECTION("an unknown kind")
    {
        packet.kind = CHANNEL_N_KINDS;
        send_raw(ends.worker, &packet, sizeof packet);
    }
    REQUIRE(channel_receive(ends.supervisor, &got) == -EPROTO);
    CHECK(got.kind == CHANNEL_PONG); // untouched
    REQUIRE(channel_receive(ends.supervisor, &got) == -EAGAIN);
}

TEST_CASE("channel: a text is cut, terminated and printable", "[channel]")
{
    pair_of_ends ends;
    channel_packet packet = make_packet(CHANNEL_FAILED);
    channel_packet got;

    memset(packet.text, 'a', sizeof packet.text);
    send_raw(ends.worker, &packet, sizeof packet);
    REQUIRE(channel_receive(ends.supervisor, &got) == 0);
    CHECK(strlen(got.text) == CHANNEL_TEXT_SIZE - 1);

    memcpy(packet.text, "\x1b[31mred\nline\xc3\xa4", 15);
    packet.text[14] = '\0';
    send_raw(ends.worker, &packet, sizeof packet);
    REQUIRE(channel_receive(ends.supervisor, &got) == 0);
    CHECK(std::string(got.text) == "?[31mred line?");
}

TEST_CASE("channel: descriptors that somebody attaches do not arrive", "[channel]")
{
    pair_of_ends ends;
    channel_packet packet = make_packet(CHANNEL_READY);
    iovec piece = { &packet, sizeof packet };
    char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    int before = dup(0);

    close(before);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &ends.worker, sizeof(int));
    REQUIRE(sendmsg(ends.worker, &message, 0) == (ssize_t)sizeof packet);
    (void)channel_receive(ends.supervisor, &packet);

    int after = dup(0);
    close(after);
    CHECK(after == before);
}

TEST_CASE("channel: no random packet breaks the reader", "[channel]")
{
    const unsigned seed = 20240229;
    std::mt19937 random(seed);
    pair_of_ends ends;
    int accepted = 0;

    for (int round = 0; round < 20000; round++) {
        std::vector<unsigned char> bytes(sizeof(channel_packet) + 64);
        size_t size = random() % 4 == 0 ? random() % bytes.size() : sizeof(channel_packet);
        channel_packet got;

        for (unsigned char &byte : bytes) {
            byte = (unsigned char)random();
        }
        if (random() % 2 == 0) {
            uint16_t head[2] = { CHANNEL_VERSION, (uint16_t)(random() % (CHANNEL_N_KINDS + 2)) };
            memcpy(bytes.data(), head, sizeof head);
        }
        send_raw(ends.worker, bytes.data(), size);

        int rc = channel_receive(ends.supervisor, &got);
        if (rc == 0) {
            accepted++;
            bool harmless = got.kind < CHANNEL_N_KINDS && got.text[CHANNEL_TEXT_SIZE - 1] == '\0';
            for (const char *c = got.text; harmless && *c != '\0'; c++) {
                harmless = *c >= 0x20 && *c <= 0x7e;
            }
            INFO("seed " << seed << " round " << round);
            REQUIRE(harmless);
        } else {
            INFO("seed " << seed << " round " << round);
            REQUIRE(rc == -EPROTO);
        }
    }
    CHECK(accepted > 1000);
}

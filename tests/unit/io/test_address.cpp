/* Addresses and their text forms. */
#include <catch2/catch.hpp>

#include <string>

extern "C" {
#include "io/address.h"
#include "weft/error.h"
}

namespace
{

std::string format(const wf_address &address)
{
    char text[160];
    wf_address_format(&address, text, sizeof text);
    return text;
}

std::string there_and_back(const char *host, int port)
{
    wf_address address;
    int code = wf_address_parse(host, port, &address);
    return code < 0 ? weft_error_name(code) : format(address);
}

std::string there_and_back(const std::string &path)
{
    wf_address address;
    int code = wf_address_parse_unix(path.c_str(), &address);
    return code < 0 ? weft_error_name(code) : format(address);
}

} // namespace

TEST_CASE("address: numeric hosts come back as text", "[address]")
{
    CHECK(there_and_back("127.0.0.1", 80) == "127.0.0.1:80");
    CHECK(there_and_back("::1", 65535) == "[::1]:65535");
    CHECK(there_and_back("2001:DB8::8", 0) == "[2001:db8::8]:0");
    CHECK(there_and_back("fe80::1%lo", 1) == "[fe80::1]:1");
}

TEST_CASE("address: names, bad numbers and bad ports are refused", "[address]")
{
    for (const char *host : { "localhost", "256.0.0.1", "1.2.3", "", ":::", "fe80::1%nothing-here",
                              "1.2.3.4 ", "0x7f.1" }) {
        CHECK(there_and_back(host, 80) == "WEFT_EINVAL");
    }
    CHECK(there_and_back("127.0.0.1", -1) == "WEFT_EINVAL");
    CHECK(there_and_back("127.0.0.1", 65536) == "WEFT_EINVAL");
}

TEST_CASE("address: unix paths and abstract names come back as text", "[address]")
{
    CHECK(there_and_back("/run/weft.sock") == "unix:/run/weft.sock");
    CHECK(there_and_back("@weft") == "unix:@weft");
    CHECK(there_and_back(std::string(107, 'x')) == "unix:" + std::string(107, 'x'));
    CHECK(there_and_back(std::string(108, 'x')) == "WEFT_EINVAL");
    CHECK(there_and_back(std::string()) == "WEFT_EINVAL");

    wf_address address;
    REQUIRE(wf_address_parse_unix("@weft", &address) == 0);
    CHECK(address.as.un.sun_path[0] == '\0');
    CHECK(address.len == offsetof(sockaddr_un, sun_path) + 5);
}

TEST_CASE("address: a text that does not fit is cut and terminated", "[address]")
{
    wf_address address;
    char text[8];

    REQUIRE(wf_address_parse("127.0.0.1", 80, &address) == 0);
    wf_address_format(&address, text, sizeof text);
    CHECK(std::string(text) == "127.0.0");

    wf_peer peer;
    wf_peer_set(&peer, &address);
    wf_peer_format(&peer, text, sizeof text);
    CHECK(std::string(text) == "127.0.0");
}

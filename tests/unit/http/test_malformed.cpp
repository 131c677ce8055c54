#include "talk.h"

#include <catch2/catch.hpp>

/*
 * Requests that must be refused, each with the status that says why. Whatever
 * is behind the bad part must not be answered: it may be another one's.
 */

namespace
{

struct bad {
    const char *name;
    std::string input;
    int status;
};

#define H       "Host: a\r\n"
#define S(text) std::string(text, sizeof(text) - 1)

std::string with(const std::string &headers)
{
    return "GET / HTTP/1.1\r\n" H + headers + "\r\n";
}

std::string chunks(const std::string &body)
{
    return "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n" + body;
}

std::string many_headers(size_t n)
{
    std::string headers;
    for (size_t i = 0; i < n; i++) {
        headers += "X:\r\n";
    }
    return headers;
}

const std::vector<bad> &table()
{
    static const std::vector<bad> cases = {
        { "binary", S("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
        { "zero bytes", std::string(64, '\0'), 400 },
        { "a lone line feed", "\nGET / HTTP/1.1\r\n" H "\r\n", 400 },
        { "a lone carriage return", "\rGET / HTTP/1.1\r\n" H "\r\n", 400 },
        { "leading space", " GET / HTTP/1.1\r\n" H "\r\n", 400 },
        { "lower case method", "get / HTTP/1.1\r\n" H "\r\n", 501 },
        { "unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", 501 },
        { "method too long", "GETX / HTTP/1.1\r\n" H "\r\n", 501 },
        { "method of RTSP", "SETUP / HTTP/1.1\r\n" H "\r\n", 501 },
        { "CONNECT", "CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 501 },
        { "SOURCE", "SOURCE / HTTP/1.1\r\n" H "\r\n", 501 },
        { "method with a zero", S("G\0T / HTTP/1.1\r\n" H "\r\n"), 400 },
        { "tab behind the method", "GET\t/ HTTP/1.1\r\n" H "\r\n", 400 },
        { "no target", "GET HTTP/1.1\r\n" H "\r\n", 400 },
        { "empty target", "GET  HTTP/1.1\r\n" H "\r\n", 400 },
        { "two spaces before the target", "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
        { "two spaces behind the target", "GET /  HTTP/1.1\r\n" H "\r\n", 400 },
        { "tab behind the target", "GET /\tHTTP/1.1\r\n" H "\r\n", 400 },
        { "space in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 400 },
        { "fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", 400 },
        { "target with a zero", S("GET /\0 HTTP/1.1\r\n" H "\r\n"), 400 },
        { "target with an escape sequence", "GET /\x1b[2J HTTP/1.1\r\n" H "\r\n", 400 },
        { "target above ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400 },
        { "relative target", "GET a/b HTTP/1.1\r\n" H "\r\n", 400 },
        { "asterisk without OPTIONS", "GET * HTTP/1.1\r\n" H "\r\n", 400 },
        { "address without host", "GET http:///a HTTP/1.1\r\n" H "\r\n", 400 },
        { "address of another scheme", "GET ftp://a/ HTTP/1.1\r\n" H "\r\n", 400 },
        { "half an escape", "GET /%4 HTTP/1.1\r\n" H "\r\n", 400 },
        { "no escape", "GET /%zz HTTP/1.1\r\n" H "\r\n", 400 },
        { "encoded zero", "GET /%00 HTTP/1.1\r\n" H "\r\n", 400 },
        { "target too long", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" H "\r\n", 414 },
        { "no version", "GET /\r\n" H "\r\n", 400 },
        { "version in lower case", "GET / http/1.1\r\n" H "\r\n", 400 },
        { "version without number", "GET / HTTP/\r\n" H "\r\n", 400 },
        { "version without minor", "GET / HTTP/1\r\n" H "\r\n", 400 },
        { "version with letters", "GET / HTTP/x.y\r\n" H "\r\n", 400 },
        { "version of two digits", "GET / HTTP/1.10\r\n" H "\r\n", 400 },
        { "space behind the version", "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
        { "HTTP/0.9", "GET / HTTP/0.9\r\n" H "\r\n", 505 },
        { "HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505 },
        { "HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n", 505 },
        { "HTTP/9.9", "GET / HTTP/9.9\r\n" H "\r\n", 505 },
        { "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
        { "RTSP", "GET / RTSP/1.0\r\n" H "\r\n", 400 },
        { "ICE", "GET / ICE/1.0\r\n" H "\r\n", 400 },
        { "line feeds only", "GET / HTTP/1.1\nHost: a\n\n", 400 },
        { "a bare line feed in the headers", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400 },
        { "a bare line feed at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400 },
        { "a bare carriage return in a value", with("X: a\rb\r\n"), 400 },
        { "a carriage return for a line end", "GET / HTTP/1.1\rHost: a\r\r", 400 },
        { "no Host", "GET / HTTP/1.1\r\n\r\n", 400 },
        { "two Hosts", with(H), 400 },
        { "Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
        { "Host with a slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
        { "Host with a list", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400 },
        { "space before the colon", with("X : b\r\n"), 400 },
        { "space in a name", with("X Y: b\r\n"), 400 },
        { "name with a zero", with(S("X\0: b\r\n")), 400 },
        { "no colon", with("X\r\n"), 400 },
        { "no name", with(": b\r\n"), 400 },
        { "value with a zero", with(S("X: a\0b\r\n")), 400 },
        { "value with an escape sequence", with("X: \x1b[2J\r\n"), 400 },
        { "value with DEL", with("X: \x7f\r\n"), 400 },
        { "folded header", with("X: a\r\n b\r\n"), 400 },
        { "folded by a tab", with("X: a\r\n\tb\r\n"), 400 },
        { "a length hidden in a fold", with("X: a\r\n Content-Length: 5\r\n"), 400 },
        { "a first header that begins with a space",
          "GET / HTTP/1.1\r\n Content-Length: 5\r\n" H "\r\n", 400 },
        { "too many headers", with(many_headers(100)), 431 },
        { "head too large", with("X: " + std::string(17000, 'a') + "\r\n"), 431 },
        { "too many empty headers", with(many_headers(4000)), 431 },
        { "empty Content-Length", with("Content-Length:\r\n"), 400 },
        { "negative Content-Length", with("Content-Length: -1\r\n"), 400 },
        { "signed Content-Length", with("Content-Length: +1\r\n"), 400 },
        { "hexadecimal Content-Length", with("Content-Length: 0x1\r\n"), 400 },
        { "fractional Content-Length", with("Content-Length: 1.0\r\n"), 400 },
        { "list of Content-Lengths", with("Content-Length: 1, 1\r\n"), 400 },
        { "two Content-Lengths", with("Content-Length: 1\r\nContent-Length: 2\r\n") + "ab", 400 },
        { "the same Content-Length twice", with("Content-Length: 1\r\nContent-Length: 1\r\n") + "a",
          400 },
        { "overflowing Content-Length", with("Content-Length: 18446744073709551617\r\n"), 400 },
        { "Content-Length with a space", with("Content-Length: 1 1\r\n"), 400 },
        { "Content-Length above the limit", with("Content-Length: 1048577\r\n"), 413 },
        { "both lengths", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400 },
        { "both lengths, turned round", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
          400 },
        { "Transfer-Encoding: gzip, chunked", with("Transfer-Encoding: gzip, chunked\r\n"), 501 },
        { "Transfer-Encoding: identity", with("Transfer-Encoding: identity\r\n"), 501 },
        { "Transfer-Encoding: xchunked", with("Transfer-Encoding: xchunked\r\n"), 501 },
        { "chunked twice", with("Transfer-Encoding: chunked, chunked\r\n"), 400 },
        { "two Transfer-Encodings",
          with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400 },
        { "chunked is not last", with("Transfer-Encoding: chunked, gzip\r\n"), 400 },
        { "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          400 },
        { "unknown expectation", with("Expect: 200-ok\r\n"), 417 },
        { "chunk size of letters", chunks("g\r\n"), 400 },
        { "chunk size with a sign", chunks("-1\r\n"), 400 },
        { "chunk size with 0x", chunks("0x1\r\na\r\n0\r\n\r\n"), 400 },
        { "chunk size with a space before", chunks(" 1\r\na\r\n0\r\n\r\n"), 400 },
        { "chunk size with a space behind", chunks("1 \r\na\r\n0\r\n\r\n"), 400 },
        { "no chunk size", chunks("\r\n"), 400 },
        { "overflowing chunk size", chunks("fffffffffffffffff\r\n"), 400 },
        { "chunk above the limit", chunks("100001\r\n"), 413 },
        { "chunk longer than it says", chunks("3\r\nabcd\r\n0\r\n\r\n"), 400 },
        { "chunk shorter than it says", chunks("3\r\nab\r\n0\r\n\r\n"), 400 },
        { "line feed behind the chunk size", chunks("3\nabc\r\n0\r\n\r\n"), 400 },
        { "line feed behind the chunk", chunks("3\r\nabc\n0\r\n\r\n"), 400 },
        { "carriage return in a chunk extension", chunks("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400 },
        { "line feed in a chunk extension", chunks("3;a\nb\r\nabc\r\n0\r\n\r\n"), 400 },
        { "line feed for the end of the trailers", chunks("0\r\n\n"), 400 },
        { "line feed behind a trailer", chunks("0\r\nX: y\n\r\n"), 400 },
        { "line feed behind all trailers", chunks("0\r\nX: y\r\n\n"), 400 },
        { "folded trailer", chunks("0\r\nX: y\r\n z\r\n\r\n"), 400 },
        { "trailer that begins with a space", chunks("0\r\n X: y\r\n\r\n"), 400 },
        { "trailer without colon", chunks("0\r\nX\r\n\r\n"), 400 },
    };
    return cases;
}

} // namespace

TEST_CASE("http: every malformed request is refused with its status", "[http][malformed]")
{
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\n" H "\r\n";
    std::vector<conversation> conversations;

    for (const bad &one : table()) {
        conversation c;
        c.pieces = { one.input + smuggled };
        conversations.push_back(c);
    }
    REQUIRE(conversations.size() >= 66);
    REQUIRE(talk(conversations) == 0);
    for (size_t i = 0; i < conversations.size(); i++) {
        INFO(table()[i].name << ": " << conversations[i].answer);
        CHECK(statuses(conversations[i].answer) == std::vector<int>{ table()[i].status });
        CHECK(conversations[i].answer.find("Connection: close\r\n") != std::string::npos);
        CHECK(conversations[i].answer.find("smuggled") == std::string::npos);
        CHECK(conversations[i].result == 0);
    }
}

TEST_CASE("http: a refusal does not depend on how the input is cut", "[http][malformed]")
{
    std::vector<conversation> conversations;
    std::vector<size_t> which;

    for (size_t i = 0; i < table().size(); i++) {
        const std::string &input = table()[i].input;
        size_t stride = input.size() > 400 ? 997 : 1;
        for (size_t cut = 1; cut < input.size(); cut += stride) {
            conversation c;
            c.pieces = { input.substr(0, cut), input.substr(cut) };
            conversations.push_back(c);
            which.push_back(i);
        }
    }
    REQUIRE(talk(conversations) == 0);
    for (size_t i = 0; i < conversations.size(); i++) {
        const bad &one = table()[which[i]];
        if (statuses(conversations[i].answer) != std::vector<int>{ one.status }) {
            INFO(one.name << ", cut at " << conversations[i].pieces[0].size() << ": "
                          << conversations[i].answer);
            CHECK(statuses(conversations[i].answer) == std::vector<int>{ one.status });
        }
    }
}

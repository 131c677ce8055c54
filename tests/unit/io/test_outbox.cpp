/* The queue of bytes to be sent, as a model says: in order, and in little more memory. */
#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

extern "C" {
#include "io/outbox.h"
}

namespace
{

std::string content(const wf_outbox &outbox)
{
    iovec pieces[1024];
    size_t total;
    std::string found;
    size_t n = wf_outbox_peek(&outbox, pieces, 1024, &total);
    for (size_t i = 0; i < n; i++) {
        found.append(static_cast<const char *>(pieces[i].iov_base), pieces[i].iov_len);
    }
    CHECK(found.size() == total);
    return found;
}

int append(wf_outbox *outbox, const std::string &text, size_t skip = 0)
{
    /* In three buffers, one of them empty. */
    size_t half = text.size() / 2;
    weft_buffer buffers[] = { { const_cast<char *>(text.data()), half },
                              { nullptr, 0 },
                              { const_cast<char *>(text.data()) + half, text.size() - half } };
    return wf_outbox_append(outbox, buffers, 3, text.size(), skip);
}

} // namespace

TEST_CASE("outbox: bytes come out as they went in, whatever the sizes", "[io]")
{
    std::mt19937 random(7);
    wf_outbox outbox = {};
    std::string model;
    for (int i = 0; i < 400; i++) {
        std::string text(1 + random() % (i % 7 == 0 ? 60000 : 5000), '\0');
        for (char &c : text) {
            c = char(random());
        }
        size_t skip = random() % text.size();
        REQUIRE(append(&outbox, text, skip) == 0);
        model += text.substr(skip);
        REQUIRE(outbox.size == model.size());
        size_t sent = random() % (model.size() + 1);
        if (i % 3 == 0) {
            wf_outbox_consume(&outbox, sent);
            model.erase(0, sent);
        }
        if (i % 16 == 0) {
            REQUIRE(content(outbox) == model);
        }
    }
    wf_outbox_consume(&outbox, model.size());
    CHECK(wf_outbox_is_empty(&outbox));
    CHECK(content(outbox).empty());
    wf_outbox_clear(&outbox);
}

TEST_CASE("outbox: 64 KiB in writes of 4 KiB fill each chunk but the last", "[io][R24]")
{
    wf_outbox outbox = {};
    for (int i = 0; i < 16; i++) {
        REQUIRE(append(&outbox, std::string(4096, 'x')) == 0);
    }
    iovec pieces[32];
    size_t total;
    CHECK(wf_outbox_peek(&outbox, pieces, 32, &total) == 9);
    CHECK(total == 65536);
    wf_outbox_clear(&outbox);
}

/* Bytes that are handed over whole. */
#include <catch2/catch.hpp>

#include <cstring>

#include "support/sweep.hpp"
#include "weft/bytes.h"

TEST_CASE("bytes: a copy with a zero behind it, or zeros", "[bytes]")
{
    weft_bytes *text = weft_bytes_create("abc", 2);
    weft_bytes *zeros = weft_bytes_create(nullptr, 3);
    weft_bytes *none = weft_bytes_create("", 0);

    REQUIRE(text->size == 2);
    REQUIRE(strcmp(text->data, "ab") == 0);
    REQUIRE(zeros->size == 3);
    REQUIRE(memcmp(zeros->data, "\0\0\0\0", 4) == 0);
    REQUIRE(none->size == 0);
    REQUIRE(none->data[0] == '\0');
    weft_bytes_destroy(text);
    weft_bytes_destroy(zeros);
    weft_bytes_destroy(none);
    weft_bytes_destroy(nullptr);
}

TEST_CASE("bytes: no memory, or a size that cannot be, is NULL", "[bytes][oom]")
{
    sweep_out_of_memory([] {
        weft_bytes *bytes = weft_bytes_create("abc", 3);
        weft_bytes_destroy(bytes);
        return bytes != nullptr ? 0 : WEFT_ENOMEM;
    });
    REQUIRE(weft_bytes_create(nullptr, SIZE_MAX) == nullptr);
}

/* Scalars: what is read, to the unit, and what is refused, to the word. */
#include "support.hpp"

extern "C" {
#include "config/schema.h"
#include "config/value.h"
}

namespace
{

struct parsed {
    int rc;
    config_value value;
    std::string why;
};

parsed parse(const config_key &row, const std::string &text)
{
    char why[CONFIG_WHY_SIZE] = "";
    config_arena arena;
    parsed result = {};
    config_arena_init(&arena, 1 << 20);
    result.rc = config_value_parse(&row, text.c_str(), text.size(), &arena, &result.value, why);
    result.why = why;
    config_arena_fini(&arena);
    return result;
}

config_key row_of(config_kind kind, int64_t min = 0, int64_t max = 0, const char *zero = nullptr)
{
    config_key row = {};
    row.kind = kind;
    row.min = min;
    row.max = max;
    row.zero_word = zero;
    return row;
}

int64_t number(config_kind kind, const std::string &text)
{
    parsed result = parse(row_of(kind), text);
    INFO(text << ": " << result.why);
    REQUIRE(result.rc == 0);
    return result.value.as.number;
}

std::string why(config_kind kind, const std::string &text)
{
    parsed result = parse(row_of(kind), text);
    INFO(text);
    REQUIRE(result.rc == -EINVAL);
    return result.why;
}

const int64_t second = 1000000000;

} // namespace

TEST_CASE("values: durations are exact in every unit", "[config][values]")
{
    CHECK(number(CONFIG_KIND_DURATION, "7ns") == 7);
    CHECK(number(CONFIG_KIND_DURATION, "7us") == 7000);
    CHECK(number(CONFIG_KIND_DURATION, "250ms") == 250000000);
    CHECK(number(CONFIG_KIND_DURATION, "10s") == 10 * second);
    CHECK(number(CONFIG_KIND_DURATION, "5m") == 300 * second);
    CHECK(number(CONFIG_KIND_DURATION, "2h") == 7200 * second);
    CHECK(number(CONFIG_KIND_DURATION, "1d") == 86400 * second);
    CHECK(number(CONFIG_KIND_DURATION, "0s") == 0);
    CHECK(number(CONFIG_KIND_DURATION, "1.5s") == 1500000000);
    CHECK(number(CONFIG_KIND_DURATION, "0.001ms") == 1000);
    CHECK(number(CONFIG_KIND_DURATION, "0.5m") == 30 * second);
    CHECK(number(CONFIG_KIND_DURATION, "9223372036s") == 9223372036 * second);
}

TEST_CASE("values: what is no duration is told how to be one", "[config][values]")
{
    CHECK(why(CONFIG_KIND_DURATION, "10") == "'10' has no unit; write 10s");
    CHECK(why(CONFIG_KIND_DURATION, "10sec") == "'10sec' has no known unit; write 10s");
    CHECK(why(CONFIG_KIND_DURATION, "1.5min") == "'1.5min' has no known unit; write 1.5m");
    CHECK(why(CONFIG_KIND_DURATION, "10sekunds") ==
          "'10sekunds' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "10KiB") ==
          "'10KiB' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "-1s") ==
          "'-1s' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "1 s") ==
          "'1 s' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "s") ==
          "'s' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "1.s") ==
          "'1.s' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "1.5.5s") ==
          "'1.5.5s' is no duration (write it like 250ms, 10s, 5m or 2h)");
    CHECK(why(CONFIG_KIND_DURATION, "010s") == "'010s' begins with a zero; write it without");
    CHECK(why(CONFIG_KIND_DURATION, "0.5ns") == "'0.5ns' is too large or too fine a number");
    CHECK(why(CONFIG_KIND_DURATION, "9223372037s") ==
          "'9223372037s' is too large or too fine a number");
    CHECK(why(CONFIG_KIND_DURATION, "99999999999999999999s") ==
          "'99999999999999999999s' is too large or too fine a number");
    CHECK(why(CONFIG_KIND_DURATION, "0.99999999999999999999s") ==
          "'0.99999999999999999999s' is too large or too fine a number");
    CHECK(why(CONFIG_KIND_DURATION, "") == "the value is missing");
}

TEST_CASE("values: sizes are binary and say so", "[config][values]")
{
    CHECK(number(CONFIG_KIND_SIZE, "1B") == 1);
    CHECK(number(CONFIG_KIND_SIZE, "64KiB") == 65536);
    CHECK(number(CONFIG_KIND_SIZE, "1.5MiB") == 1572864);
    CHECK(number(CONFIG_KIND_SIZE, "3GiB") == INT64_C(3221225472));
    CHECK(why(CONFIG_KIND_SIZE, "64k") == "'64k' has no known unit; write 64KiB");
    CHECK(why(CONFIG_KIND_SIZE, "64KB") == "'64KB' has no known unit; write 64KiB");
    CHECK(why(CONFIG_KIND_SIZE, "64M") == "'64M' has no known unit; write 64MiB");
    CHECK(why(CONFIG_KIND_SIZE, "64") == "'64' has no unit; write 64B");
    CHECK(why(CONFIG_KIND_SIZE, "64s") == "'64s' is no size (write it like 512B, 64KiB or 1MiB)");
    CHECK(why(CONFIG_KIND_SIZE, "0.3B") == "'0.3B' is too large or too fine a number");
}

TEST_CASE("values: whole numbers have no surprises", "[config][values]")
{
    CHECK(number(CONFIG_KIND_INTEGER, "0") == 0);
    CHECK(number(CONFIG_KIND_INTEGER, "-5") == -5);
    CHECK(number(CONFIG_KIND_INTEGER, "9223372036854775807") == INT64_MAX);
    CHECK(why(CONFIG_KIND_INTEGER, "9223372036854775808") == "9223372036854775808 is too large");
    CHECK(why(CONFIG_KIND_INTEGER, "64k") == "'64k' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "1.0") == "'1.0' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "0x10") == "'0x10' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "1_000") == "'1_000' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "+1") == "'+1' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "-") == "'-' is no whole number");
    CHECK(why(CONFIG_KIND_INTEGER, "010") == "'010' begins with a zero; write it without");
}

TEST_CASE("values: bounds are told in the key's own units", "[config][values]")
{
    auto size = row_of(CONFIG_KIND_SIZE, 16384, 1 << 20);
    CHECK(parse(size, "16KiB").rc == 0);
    CHECK(parse(size, "1MiB").rc == 0);
    CHECK(parse(size, "1B").why == "1B is outside 16KiB..1MiB");
    CHECK(parse(size, "2MiB").why == "2MiB is outside 16KiB..1MiB");
    auto count = row_of(CONFIG_KIND_INTEGER, 1, 256, "auto");
    CHECK(parse(count, "auto").value.as.number == 0);
    CHECK(parse(count, "0").why == "0 is outside 1..256 and is not 'auto'");
    CHECK(parse(count, "99999999999999999999").why ==
          "99999999999999999999 is outside 1..256 and is not 'auto'");
    CHECK(parse(count, "atuo").why == "'atuo' is no whole number; did you mean 'auto'?");
    CHECK(parse(count, "many").why == "'many' is no whole number and is not 'auto'");
    auto mode = row_of(CONFIG_KIND_MODE, 0, 0777);
    CHECK(parse(mode, "1777").why == "1777 is outside 0000..0777");
}

TEST_CASE("values: file modes are octal, with and without the zero", "[config][values]")
{
    CHECK(number(CONFIG_KIND_MODE, "0660") == 0660);
    CHECK(number(CONFIG_KIND_MODE, "660") == 0660);
    CHECK(why(CONFIG_KIND_MODE, "0698") == "'0698' is no file mode (write it like 0660)");
    CHECK(why(CONFIG_KIND_MODE, "rw-rw----") == "'rw-rw----' is no file mode (write it like 0660)");
    CHECK(why(CONFIG_KIND_MODE, "6") == "'6' is no file mode (write it like 0660)");
}

TEST_CASE("values: a rate is a count per a duration", "[config][values]")
{
    parsed result = parse(row_of(CONFIG_KIND_RATE), "5 per 1m");
    REQUIRE(result.rc == 0);
    CHECK(result.value.as.rate.count == 5);
    CHECK(result.value.as.rate.period == 60 * second);
    CHECK(parse(row_of(CONFIG_KIND_RATE), "0  per  2s").rc == 0);
    for (const char *text :
         { "5", "5/1m", "5per 1m", "5 per", "per 1m", "five per 1m", "-5 per 1m" }) {
        CHECK(why(CONFIG_KIND_RATE, text) ==
              "'" + std::string(text) + "' is no rate (write it like 5 per 1m)");
    }
    CHECK(why(CONFIG_KIND_RATE, "5 per 10") == "'10' has no unit; write 10s");
    CHECK(why(CONFIG_KIND_RATE, "5 per 0s") == "0s is outside 1ms..1d");
}

TEST_CASE("values: booleans are words, and no others", "[config][values]")
{
    for (const char *text : { "true", "yes", "on" }) {
        CHECK(parse(row_of(CONFIG_KIND_BOOL), text).value.as.boolean);
    }
    for (const char *text : { "false", "no", "off" }) {
        parsed result = parse(row_of(CONFIG_KIND_BOOL), text);
        CHECK(result.rc == 0);
        CHECK_FALSE(result.value.as.boolean);
    }
    CHECK(why(CONFIG_KIND_BOOL, "1") == "'1' is neither true nor false");
    CHECK(why(CONFIG_KIND_BOOL, "True") == "'True' is neither true nor false");
}

TEST_CASE("values: a choice names its words and the nearest", "[config][values]")
{
    auto row = row_of(CONFIG_KIND_CHOICE);
    row.choices = config_policy_words;
    CHECK(parse(row, "temporary").value.as.number == CONFIG_POLICY_TEMPORARY);
    CHECK(parse(row, "tempary").why ==
          "'tempary' is none of permanent, transient, temporary; did you mean 'temporary'?");
    CHECK(parse(row, "trans").why ==
          "'trans' is none of permanent, transient, temporary; did you mean 'transient'?");
    CHECK(parse(row, "always").why == "'always' is none of permanent, transient, temporary");
}

TEST_CASE("values: addresses are numeric or a path", "[config][values]")
{
    config_arena arena;
    config_address address = {};
    char why_text[CONFIG_WHY_SIZE];
    char out[128];
    config_arena_init(&arena, 1 << 20);
    auto canonical = [&](const char *text) -> std::string {
        int rc = config_address_parse(text, &arena, &address, why_text);
        if (rc != 0) {
            return why_text;
        }
        config_address_format(&address, out, sizeof out);
        return out;
    };

    CHECK(canonical("127.0.0.1:8080") == "127.0.0.1:8080");
    CHECK(canonical("0.0.0.0:0") == "0.0.0.0:0");
    CHECK(canonical("[0:0::1]:65535") == "[::1]:65535");
    CHECK(address.family == CONFIG_FAMILY_IPV6);
    CHECK(canonical("unix:/run/x.sock") == "unix:/run/x.sock");
    CHECK(canonical("unix:x.sock") == "unix:x.sock");

    const std::string like = "; write it like 127.0.0.1:8080, '[::1]:8080' or unix:PATH";
    CHECK(canonical("localhost:80") == "'localhost:80' is no address" + like);
    CHECK(canonical("8080") == "'8080' is no address" + like);
    CHECK(canonical("127.0.0.1:65536") ==
          "'127.0.0.1:65536' is no address: a port from 0 to 65535 is expected behind the last "
          "colon");
    CHECK(canonical("127.0.0.1:") ==
          "'127.0.0.1:' is no address: a port from 0 to 65535 is expected behind the last colon");
    CHECK(canonical("::1:80") ==
          "'::1:80' is no address: an IPv6 address stands in brackets, as in '[::1]:8080'");
    CHECK(canonical("[127.0.0.1]:80") ==
          "'[127.0.0.1]:80' is no address: between the brackets an IPv6 address is expected");
    CHECK(canonical(":80") ==
          "':80' is no address; for every interface write 0.0.0.0 or [::] before the port");
    CHECK(canonical("*:80") ==
          "'*:80' is no address; for every interface write 0.0.0.0 or [::] before the port");
    CHECK(canonical("unix:") == "'unix:' is no address: the path is missing");
    config_arena_fini(&arena);
}

TEST_CASE("values: an address becomes what bind() takes", "[config][values]")
{
    sockaddr_storage storage;
    config_address address = {};
    CHECK(config_address_sockaddr(&address, &storage) == 0);
    address.family = CONFIG_FAMILY_IPV4;
    address.host = "127.0.0.1";
    address.port = 80;
    CHECK(config_address_sockaddr(&address, &storage) == 16);
    CHECK(storage.ss_family == AF_INET);
    address.family = CONFIG_FAMILY_IPV6;
    address.host = "::1";
    CHECK(config_address_sockaddr(&address, &storage) == 28);
    address.family = CONFIG_FAMILY_UNIX;
    std::string path(107, 'x');
    address.path = path.c_str();
    CHECK(config_address_sockaddr(&address, &storage) == 110);
    path += 'x';
    address.path = path.c_str();
    CHECK(config_address_sockaddr(&address, &storage) == 0);
}

TEST_CASE("values: what is written is read as the same", "[config][values]")
{
    config_arena arena;
    char why_text[CONFIG_WHY_SIZE];
    config_arena_init(&arena, 1 << 24);
    auto again = [&](config_kind kind, int64_t number) {
        auto row = row_of(kind);
        config_value value = {};
        config_value copy = {};
        value.kind = kind;
        value.as.number = number;
        const char *text = config_value_format(&row, &value, &arena);
        INFO(text);
        REQUIRE(config_value_parse(&row, text, strlen(text), &arena, &copy, why_text) == 0);
        CHECK(copy.as.number == number);
    };
    for (int64_t each :
         { INT64_C(0), INT64_C(1), INT64_C(999), INT64_C(1500000000), INT64_C(60000000000),
           INT64_C(86400000000000), INT64_MAX, INT64_C(1024), INT64_C(1536), INT64_C(1) << 40 }) {
        again(CONFIG_KIND_DURATION, each);
        again(CONFIG_KIND_SIZE, each);
        again(CONFIG_KIND_INTEGER, each);
    }
    for (int64_t mode = 0; mode <= 0777; mode++) {
        again(CONFIG_KIND_MODE, mode);
    }
    config_arena_fini(&arena);
}

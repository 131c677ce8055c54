// Log-linear buckets: the error stays within the digits, and merging loses nothing.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "support/seed.hpp"

extern "C" {
#include "load/histogram.h"
}

namespace
{

struct counted {
    struct histogram value = {};

    explicit counted(enum histogram_digits digits = HISTOGRAM_THREE_DIGITS)
    {
        REQUIRE(histogram_init(&value, digits) == 0);
    }
    ~counted()
    {
        histogram_fini(&value);
    }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
};

} // namespace

TEST_CASE("an empty histogram answers 0 to everything")
{
    counted h;

    CHECK(histogram_percentile(&h.value, 50) == 0);
    CHECK(histogram_percentile(&h.value, 100) == 0);
    CHECK(histogram_mean(&h.value) == 0);
    CHECK(histogram_stddev(&h.value) == 0);
}

TEST_CASE("a value comes back within one part in a thousand, wherever it lies")
{
    for (weft_duration value :
         { WEFT_NS(1), WEFT_NS(1023), WEFT_NS(1024), WEFT_NS(1025), WEFT_US(1), WEFT_US(37),
           WEFT_MS(1), WEFT_MS(999), WEFT_S(1), WEFT_S(3599) }) {
        counted h;
        histogram_record(&h.value, value);
        histogram_record(&h.value, WEFT_S(3600)); // so that the maximum does not cut it
        weft_duration back = histogram_percentile(&h.value, 50);
        CAPTURE(value, back);
        CHECK(back >= value);
        CHECK(double(back - value) <= double(value) / 1000.0);
    }
}

TEST_CASE("percentiles are those of the sorted values, within the digits")
{
    std::mt19937_64 random(stress_seed());
    std::vector<weft_duration> values;
    counted h;

    for (int i = 0; i < 20000; i++) {
        auto value = weft_duration(std::exp(std::uniform_real_distribution<>(5, 24)(random)));
        values.push_back(value);
        histogram_record(&h.value, value);
    }
    std::sort(values.begin(), values.end());
    for (double percent : { 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0 }) {
        size_t i = size_t(std::ceil(percent / 100 * double(values.size()))) - 1;
        double wanted = double(values[i]);
        double found = double(histogram_percentile(&h.value, percent));
        CAPTURE(percent, wanted, found);
        CHECK(found >= wanted);
        CHECK(found <= wanted * 1.001 + 1);
    }
}

TEST_CASE("two histograms added are one with the values of both")
{
    counted left, right, both;

    for (int i = 1; i <= 1000; i++) {
        histogram_record(&(i % 3 == 0 ? left : right).value, WEFT_US(i * i));
        histogram_record(&both.value, WEFT_US(i * i));
    }
    histogram_add(&left.value, &right.value);
    CHECK(left.value.n == both.value.n);
    CHECK(left.value.min == both.value.min);
    CHECK(left.value.max == both.value.max);
    CHECK(histogram_mean(&left.value) == Approx(histogram_mean(&both.value)));
    for (double percent : { 5.0, 50.0, 99.0 }) {
        CHECK(histogram_percentile(&left.value, percent) ==
              histogram_percentile(&both.value, percent));
    }
}

TEST_CASE("what is out of range counts at its edge")
{
    counted h;

    histogram_record(&h.value, -5);
    histogram_record(&h.value, WEFT_S(7200));
    CHECK(h.value.min == 0);
    CHECK(h.value.max == WEFT_S(3600));
    CHECK(h.value.n == 2);
}

TEST_CASE("the hgrm text ends at 100 % with all values counted")
{
    counted h(HISTOGRAM_TWO_DIGITS);
    char *text = nullptr;
    size_t size = 0;

    for (int i = 1; i <= 500; i++) {
        histogram_record(&h.value, WEFT_MS(i));
    }
    FILE *out = open_memstream(&text, &size);
    histogram_print_hgrm(&h.value, out);
    fclose(out);
    std::string hgrm(text, size);
    free(text);
    CHECK(hgrm.find("1.000000000000        500") != std::string::npos);
    CHECK(hgrm.find("Total count    =          500") != std::string::npos);
}

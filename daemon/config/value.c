/*
 * One parser and one writer per kind of scalar.
 *
 * Nothing is guessed: a number that needs a unit has one, trailing letters are an error, a number
 * with leading zeros is refused where YAML 1.1 would read octal. Arithmetic is on 64-bit integers
 * and checked, also for `1.5s`, so that what is written comes out exactly.
 */
#include "config/value.h"

#include "config/suggest.h"

#include <errno.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Smallest first: the writer takes the last one that divides. */
static const struct unit duration_units[] = {
    { "ns", 1 },
    { "us", 1000 },
    { "ms", 1000000 },
    { "s", 1000000000 },
    { "m", INT64_C(60000000000) },
    { "h", INT64_C(3600000000000) },
    { "d", INT64_C(86400000000000) },
    { NULL, 0 },
};
static const struct unit size_units[] = {
    { "B", 1 },
    { "KiB", INT64_C(1) << 10 },
    { "MiB", INT64_C(1) << 20 },
    { "GiB", INT64_C(1) << 30 },
    { NULL, 0 },
};

static int out_of_memory(char *why)
{
    (void)snprintf(why, CONFIG_WHY_SIZE, "there is no memory for it");
    return -ENOMEM;
}

/* -------------------------------------------------------------------------------- numbers */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read digits at *at; false when the number does not fit. */
static bool read_digits(const char **at, int64_t *out_number)
{
    int64_t number = 0;

    for (; is_digit(**at); (*at)++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **at - '0', &number)) {
            return false;
        }
    }
    *out_number = number;
    return true;
}

static bool is_octal_trap(const char *text)
{
    return text[0] == '0' && is_digit(text[1]);
}

static void format_number(const struct config_key *row, int64_t number, char *out, size_t size);

static int check_bounds(const struct config_key *row, const char *text, int64_t number, char *why)
{
    char min[40];
    char max[40];

    if ((row->min == 0 && row->max == 0) || (number >= row->min && number <= row->max)) {
        return 0;
    }
    struct config_key plain = *row;
    plain.zero_word = NULL;
    format_number(&plain, row->min, min, sizeof min);
    format_number(&plain, row->max, max, sizeof max);
    if (row->zero_word != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "%.64s is outside %s..%s and is not '%s'", text, min,
                       max, row->zero_word);
    } else {
        (void)snprintf(why, CONFIG_WHY_SIZE, "%.64s is outside %s..%s", text, min, max);
    }
    return -EINVAL;
}

static bool is_zero_word(const struct config_key *row, const char *text)
{
    return row->zero_word != NULL && strcmp(row->zero_word, text) == 0;
}

static int refuse_number(const struct config_key *row, const char *text, const char *is_no,
                         char *why)
{
    const char *nearest = NULL;

    if (row->zero_word != NULL) {
        struct config_suggestion suggestion;
        config_suggest_init(&suggestion, text);
        config_suggest_add(&suggestion, row->zero_word);
        nearest = config_suggest_get(&suggestion);
    }
    if (nearest != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no %s; did you mean '%s'?", text, is_no,
                       nearest);
    } else if (row->zero_word != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no %s and is not '%s'", text, is_no,
                       row->zero_word);
    } else {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no %s", text, is_no);
    }
    return -EINVAL;
}

static int parse_integer(const struct config_key *row, const char *text, int64_t *out_number,
                         char *why)
{
    bool is_negative = text[0] == '-';
    const char *at = text + is_negative;
    int64_t number;

    if (!is_digit(*at) || at[strspn(at, "0123456789")] != '\0') {
        return refuse_number(row, text, "whole number", why);
    }
    if (is_octal_trap(at)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' begins with a zero; write it without", text);
        return -EINVAL;
    }
    if (!read_digits(&at, &number)) {
        number = INT64_MAX;
        if (row->min == 0 && row->max == 0) {
            (void)snprintf(why, CONFIG_WHY_SIZE, "%.64s is too large", text);
            return -EINVAL;
        }
    }
    number = is_negative ? -number : number;
    int rc = check_bounds(row, text, number, why);
    if (rc == 0) {
        *out_number = number;
    }
    return rc;
}

/* --------------------------------------------------------------- numbers with a unit */

static const struct unit *find_unit(const struct unit *units, const char *name)
{
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (strcmp(unit->name, name) == 0) {
            return unit;
        }
    }
    return NULL;
}

/* <whole> * factor + 0.<fraction> * factor, exactly; false when it is too large or not whole. */
static bool scale(int64_t whole, const char *fraction, int64_t factor, int64_t *out_number)
{
    int64_t number;

    if (__builtin_mul_overflow(whole, factor, &number)) {
        return false;
    }
    /* A tenth of the factor per digit may not be whole, so multiply first and divide last. */
    int64_t numerator = 0;
    int64_t denominator = 1;
    for (; is_digit(*fraction); fraction++) {
        if (__builtin_mul_overflow(numerator, 10, &numerator) ||
            __builtin_mul_overflow(denominator, 10, &denominator)) {
            return false;
        }
        numerator += *fraction - '0';
    }
    int64_t part;
    if (__builtin_mul_overflow(numerator, factor, &part) || part % denominator != 0) {
        return false;
    }
    return !__builtin_add_overflow(number, part / denominator, out_number);
}

struct quantity {
    const char *name;    /* "duration" */
    const char *example; /* how to write one */
    const char *smallest;
    const struct unit *units;
};

static const struct quantity durations = { "duration", "250ms, 10s, 5m or 2h", "s",
                                           duration_units };
static const struct quantity sizes = { "size", "512B, 64KiB or 1MiB", "B", size_units };

/* What people write elsewhere, and what it is called here. */
static const char *translate_unit(const char *name)
{
    static const char *const pairs[][2] = {
        { "sec", "s" },   { "secs", "s" },  { "second", "s" }, { "seconds", "s" }, { "S", "s" },
        { "min", "m" },   { "mins", "m" },  { "minute", "m" }, { "minutes", "m" }, { "M", "MiB" },
        { "hour", "h" },  { "hours", "h" }, { "H", "h" },      { "day", "d" },     { "days", "d" },
        { "msec", "ms" }, { "usec", "us" }, { "b", "B" },      { "bytes", "B" },   { "k", "KiB" },
        { "K", "KiB" },   { "kb", "KiB" },  { "kB", "KiB" },   { "KB", "KiB" },    { "kib", "KiB" },
        { "Ki", "KiB" },  { "mb", "MiB" },  { "MB", "MiB" },   { "mib", "MiB" },   { "Mi", "MiB" },
        { "G", "GiB" },   { "g", "GiB" },   { "gb", "GiB" },   { "GB", "GiB" },    { "gib", "GiB" },
        { "Gi", "GiB" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (strcmp(pairs[i][0], name) == 0) {
            return pairs[i][1];
        }
    }
    return NULL;
}

static int refuse_quantity(const struct config_key *row, const struct quantity *quantity,
                           const char *text, size_t digits, char *why)
{
    const char *unit = text + digits;
    const char *known = translate_unit(unit);

    if (digits > 0 && unit[0] == '\0') {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' has no unit; write %.64s%s", text, text,
                       quantity->smallest);
    } else if (digits > 0 && known != NULL && find_unit(quantity->units, known) != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' has no known unit; write %.*s%s", text,
                       (int)digits, text, known);
    } else if (row->zero_word != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no %s (write it like %s) and is not '%s'",
                       text, quantity->name, quantity->example, row->zero_word);
    } else {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no %s (write it like %s)", text,
                       quantity->name, quantity->example);
    }
    return -EINVAL;
}

static int parse_quantity(const struct config_key *row, const struct quantity *quantity,
                          const char *text, int64_t *out_number, char *why)
{
    const char *at = text;
    const char *fraction = "";
    int64_t whole = 0;
    int64_t number = 0;

    bool fits = read_digits(&at, &whole);
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && text[digits] == '.' && is_digit(text[digits + 1])) {
        fraction = text + digits + 1;
        digits += 1 + strspn(fraction, "0123456789");
    }
    const struct unit *unit = digits == 0 ? NULL : find_unit(quantity->units, text + digits);
    if (unit == NULL) {
        return refuse_quantity(row, quantity, text, digits, why);
    }
    if (is_octal_trap(text)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' begins with a zero; write it without", text);
        return -EINVAL;
    }
    if (!fits || !scale(whole, fraction, unit->factor, &number)) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is too large or too fine a number", text);
        return -EINVAL;
    }
    int rc = check_bounds(row, text, number, why);
    if (rc == 0) {
        *out_number = number;
    }
    return rc;
}

static int parse_mode(const struct config_key *row, const char *text, int64_t *out_number,
                      char *why)
{
    size_t length = strlen(text);
    int64_t mode = 0;

    if (length < 3 || length > 5 || strspn(text, "01234567") != length) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no file mode (write it like 0660)", text);
        return -EINVAL;
    }
    for (size_t i = 0; i < length; i++) {
        mode = mode * 8 + (text[i] - '0');
    }
    int rc = check_bounds(row, text, mode, why);
    if (rc == 0) {
        *out_number = mode;
    }
    return rc;
}

/* `5 per 1m`. Spaces around `per` are free but must be there. */
static int parse_rate(const char *text, struct config_rate *out_rate, char *why)
{
    static const struct config_key count_row = { .min = 0, .max = 1000000 };
    static const struct config_key period_row = { .kind = CONFIG_KIND_DURATION,
                                                  .min = 1000000,
                                                  .max = INT64_C(86400000000000) };
    char count[32];
    struct config_rate rate;
    size_t digits = strspn(text, "0123456789");
    const char *per = text + digits + strspn(text + digits, " ");

    if (digits == 0 || digits >= sizeof count || text[digits] != ' ' ||
        strncmp(per, "per ", 4) != 0) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is no rate (write it like 5 per 1m)", text);
        return -EINVAL;
    }
    memcpy(count, text, digits);
    count[digits] = '\0';
    per += 4;
    per += strspn(per, " ");
    int rc = parse_integer(&count_row, count, &rate.count, why);
    if (rc == 0) {
        rc = parse_quantity(&period_row, &durations, per, &rate.period, why);
    }
    if (rc == 0) {
        *out_rate = rate;
    }
    return rc;
}

/* --------------------------------------------------------------------------------- words */

static int parse_bool(const char *text, bool *out_boolean, char *why)
{
    static const char *const yes[] = { "true", "yes", "on" };
    static const char *const no[] = { "false", "no", "off" };

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out_boolean = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is neither true nor false", text);
    return -EINVAL;
}

static int parse_choice(const struct config_key *row, const char *text, int64_t *out_index,
                        char *why)
{
    char list[128] = "";
    size_t used = 0;
    struct config_suggestion suggestion;

    config_suggest_init(&suggestion, text);
    for (int64_t i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *out_index = i;
            return 0;
        }
        config_suggest_add(&suggestion, row->choices[i]);
        int wrote = snprintf(list + used, sizeof list - used, "%s%s", used == 0 ? "" : ", ",
                             row->choices[i]);
        used += wrote < 0 ? 0 : (size_t)wrote;
        used = used < sizeof list ? used : sizeof list - 1;
    }
    const char *nearest = config_suggest_get(&suggestion);
    if (nearest != NULL) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.40s' is none of %s; did you mean '%.32s'?", text,
                       list, nearest);
    } else {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.40s' is none of %s", text, list);
    }
    return -EINVAL;
}

static int parse_text(const struct config_key *row, const char *text, size_t length,
                      struct config_arena *arena, const char **out_text, char *why)
{
    bool has_bounds = row->min != 0 || row->max != 0;

    if (has_bounds && length == 0 && row->min > 0) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "the value is missing");
        return -EINVAL;
    }
    if (has_bounds && (int64_t)length < row->min) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is shorter than %lld bytes", text,
                       (long long)row->min);
        return -EINVAL;
    }
    if (has_bounds && (int64_t)length > row->max) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "the text is longer than %lld bytes",
                       (long long)row->max);
        return -EINVAL;
    }
    *out_text = config_arena_copy(arena, text, length);
    return *out_text == NULL ? out_of_memory(why) : 0;
}

int config_value_parse(const struct config_key *row, const char *text, size_t length,
                       struct config_arena *arena, struct config_value *out_value, char *why)
{
    struct config_value value = { .kind = row->kind };
    int rc = -EINVAL;

    why[0] = '\0';
    if (length == 0 && row->kind != CONFIG_KIND_TEXT) {
        (void)snprintf(why, CONFIG_WHY_SIZE, "the value is missing");
        return -EINVAL;
    }
    if (is_zero_word(row, text)) {
        *out_value = value;
        return 0;
    }
    switch (row->kind) {
    case CONFIG_KIND_BOOL:
        rc = parse_bool(text, &value.as.boolean, why);
        break;
    case CONFIG_KIND_INTEGER:
        rc = parse_integer(row, text, &value.as.number, why);
        break;
    case CONFIG_KIND_DURATION:
        rc = parse_quantity(row, &durations, text, &value.as.number, why);
        break;
    case CONFIG_KIND_SIZE:
        rc = parse_quantity(row, &sizes, text, &value.as.number, why);
        break;
    case CONFIG_KIND_RATE:
        rc = parse_rate(text, &value.as.rate, why);
        break;
    case CONFIG_KIND_CHOICE:
        rc = parse_choice(row, text, &value.as.number, why);
        break;
    case CONFIG_KIND_TEXT:
        rc = parse_text(row, text, length, arena, &value.as.text, why);
        break;
    case CONFIG_KIND_MODE:
        rc = parse_mode(row, text, &value.as.number, why);
        break;
    case CONFIG_KIND_ADDRESS:
        rc = row->zero_word != NULL && strcmp(text, row->zero_word) == 0
                 ? 0
                 : config_address_parse(text, arena, &value.as.address, why);
        break;
    case CONFIG_KIND_NAMES:
    case CONFIG_KIND_SECTION:
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_SETTINGS:
        (void)snprintf(why, CONFIG_WHY_SIZE, "'%.64s' is a single value", text);
        break;
    }
    if (rc == 0) {
        *out_value = value;
    }
    return rc;
}

/* -------------------------------------------------------------------- into and out of structs */

void config_value_store(const struct config_key *row, const struct config_value *value, void *base)
{
    char *member = (char *)base + row->offset;

    switch (row->kind) {
    case CONFIG_KIND_BOOL:
        memcpy(member, &value->as.boolean, sizeof value->as.boolean);
        break;
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_DURATION:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_MODE:
        memcpy(member, &value->as.number, sizeof value->as.number);
        break;
    case CONFIG_KIND_CHOICE: {
        /* The members are enums without negative values: as large as an unsigned. */
        unsigned index = (unsigned)value->as.number;
        _Static_assert(sizeof index == sizeof(enum config_policy), "an enum is an unsigned");
        memcpy(member, &index, sizeof index);
        break;
    }
    case CONFIG_KIND_RATE:
        memcpy(member, &value->as.rate, sizeof value->as.rate);
        break;
    case CONFIG_KIND_TEXT:
        memcpy(member, &value->as.text, sizeof value->as.text);
        break;
    case CONFIG_KIND_ADDRESS:
        memcpy(member, &value->as.address, sizeof value->as.address);
        break;
    case CONFIG_KIND_NAMES:
        memcpy(member, &value->as.names, sizeof value->as.names);
        break;
    case CONFIG_KIND_SECTION:
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_SETTINGS:
        break;
    }
}

struct config_value config_value_load(const struct config_key *row, const void *base)
{
    const char *member = (const char *)base + row->offset;
    struct config_value value = { .kind = row->kind };

    switch (row->kind) {
    case CONFIG_KIND_BOOL:
        memcpy(&value.as.boolean, member, sizeof value.as.boolean);
        break;
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_DURATION:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_MODE:
        memcpy(&value.as.number, member, sizeof value.as.number);
        break;
    case CONFIG_KIND_CHOICE: {
        unsigned index;
        memcpy(&index, member, sizeof index);
        value.as.number = index;
        break;
    }
    case CONFIG_KIND_RATE:
        memcpy(&value.as.rate, member, sizeof value.as.rate);
        break;
    case CONFIG_KIND_TEXT:
        memcpy(&value.as.text, member, sizeof value.as.text);
        break;
    case CONFIG_KIND_ADDRESS:
        memcpy(&value.as.address, member, sizeof value.as.address);
        break;
    case CONFIG_KIND_NAMES:
        memcpy(&value.as.names, member, sizeof value.as.names);
        break;
    case CONFIG_KIND_SECTION:
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_SETTINGS:
        break;
    }
    return value;
}

/* ------------------------------------------------------------------------------- writing */

static void format_quantity(const struct unit *units, int64_t number, char *out, size_t size)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; number != 0 && unit->name != NULL; unit++) {
        if (number % unit->factor == 0) {
            best = unit;
        }
    }
    if (number == 0 && units == duration_units) {
        best = find_unit(units, "s");
    }
    (void)snprintf(out, size, "%lld%s", (long long)(number / best->factor), best->name);
}

static void format_number(const struct config_key *row, int64_t number, char *out, size_t size)
{
    if (number == 0 && row->zero_word != NULL) {
        (void)snprintf(out, size, "%s", row->zero_word);
        return;
    }
    switch (row->kind) {
    case CONFIG_KIND_DURATION:
        format_quantity(duration_units, number, out, size);
        break;
    case CONFIG_KIND_SIZE:
        format_quantity(size_units, number, out, size);
        break;
    case CONFIG_KIND_MODE:
        (void)snprintf(out, size, "%04llo", (unsigned long long)number);
        break;
    case CONFIG_KIND_BOOL:
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_RATE:
    case CONFIG_KIND_CHOICE:
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_ADDRESS:
    case CONFIG_KIND_NAMES:
    case CONFIG_KIND_SECTION:
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_SETTINGS:
        (void)snprintf(out, size, "%lld", (long long)number);
        break;
    }
}

static char *format_names(const struct config_names *names, struct config_arena *arena)
{
    size_t length = 3;

    for (size_t i = 0; i < names->count; i++) {
        length += strlen(names->items[i]) + 2;
    }
    char *text = config_arena_alloc(arena, length);
    if (text == NULL) {
        return NULL;
    }
    char *at = text;
    *at++ = '[';
    for (size_t i = 0; i < names->count; i++) {
        at = stpcpy(at, i == 0 ? "" : ", ");
        at = stpcpy(at, names->items[i]);
    }
    (void)stpcpy(at, "]");
    return text;
}

char *config_value_format(const struct config_key *row, const struct config_value *value,
                          struct config_arena *arena)
{
    char text[64];

    switch (row->kind) {
    case CONFIG_KIND_BOOL:
        return config_arena_printf(arena, "%s", value->as.boolean ? "true" : "false");
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_DURATION:
    case CONFIG_KIND_SIZE:
    case CONFIG_KIND_MODE:
        format_number(row, value->as.number, text, sizeof text);
        return config_arena_printf(arena, "%s", text);
    case CONFIG_KIND_CHOICE:
        return config_arena_printf(arena, "%s", row->choices[value->as.number]);
    case CONFIG_KIND_RATE:
        format_quantity(duration_units, value->as.rate.period, text, sizeof text);
        return config_arena_printf(arena, "%lld per %s", (long long)value->as.rate.count, text);
    case CONFIG_KIND_TEXT:
        return config_arena_printf(arena, "%s", value->as.text);
    case CONFIG_KIND_ADDRESS: {
        if (value->as.address.family == CONFIG_FAMILY_NONE && row->zero_word != NULL) {
            return config_arena_printf(arena, "%s", row->zero_word);
        }
        size_t size = 64 + (value->as.address.path == NULL ? 0 : strlen(value->as.address.path));
        char *out = config_arena_alloc(arena, size);
        if (out != NULL) {
            config_address_format(&value->as.address, out, size);
        }
        return out;
    }
    case CONFIG_KIND_NAMES:
        return format_names(&value->as.names, arena);
    case CONFIG_KIND_SECTION:
    case CONFIG_KIND_MAP:
    case CONFIG_KIND_SETTINGS:
        break;
    }
    return config_arena_printf(arena, "%s", "");
}

/*
 * json_check.c: whether a text is one complete value of JSON (RFC 8259), read piece
 * by piece without building anything.
 *
 * What a worker says is passed on inside an answer of ours; half a string or a brace
 * too many would make that answer unreadable, or another one. Parsing it for that
 * would take memory and time in proportion, and stack in proportion to its nesting;
 * this takes a few words, and the nesting has a limit.
 *
 * Texts are well-formed UTF-8; a surrogate in an escape is not looked at.
 *
 * Thread: any.
 */
#include "supervisor/dumps.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum state {
    VALUE,       /* one must come */
    FIRST_VALUE, /* one, or the end of the array */
    FIRST_KEY,   /* one, or the end of the object */
    KEY,         /* one must come */
    COLON,       /* behind a key */
    AFTER,       /* a value is complete */
    KEY_TEXT,    /* inside a key */
    TEXT,        /* inside a text; as KEY_TEXT with all that belongs to it */
    KEY_ESCAPE,  /* behind a backslash */
    ESCAPE,
    KEY_HEX, /* <left> digits of an escape are to come */
    HEX,
    KEY_UTF8, /* <left> bytes of a character are to come */
    UTF8,
    LITERAL, /* <word> is to come */
    MINUS,   /* a digit must come */
    ZERO,
    INTEGER,
    POINT, /* a digit must come */
    FRACTION,
    EXPONENT,      /* a sign or a digit must come */
    EXPONENT_SIGN, /* a digit must come */
    EXPONENT_DIGITS
};

void json_check_init(struct json_check *check)
{
    *check = (struct json_check){ .state = VALUE };
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_object(const struct json_check *check)
{
    return (check->nesting & 1) != 0;
}

static bool open_nest(struct json_check *check, bool is_obj)
{
    if (check->depth == JSON_CHECK_DEPTH) {
        return false;
    }
    check->depth++;
    check->nesting = check->nesting << 1 | (is_obj ? 1 : 0);
    check->state = is_obj ? FIRST_KEY : FIRST_VALUE;
    return true;
}

/* The level in which a complete value stands ends by <c>; what it was in is a complete value. */
static bool close_nest(struct json_check *check, unsigned char c)
{
    if (check->depth == 0 || c != (is_object(check) ? '}' : ']')) {
        return false;
    }
    check->depth--;
    check->nesting >>= 1;
    check->state = AFTER;
    return true;
}

static bool begin_literal(struct json_check *check, const char *rest)
{
    check->state = LITERAL;
    check->word = rest;
    return true;
}

static bool begin_value(struct json_check *check, unsigned char c)
{
    switch (c) {
    case '{':
    case '[':
        return open_nest(check, c == '{');
    case '"':
        check->state = TEXT;
        return true;
    case 't':
        return begin_literal(check, "rue");
    case 'f':
        return begin_literal(check, "alse");
    case 'n':
        return begin_literal(check, "ull");
    case '-':
        check->state = MINUS;
        return true;
    default:
        check->state = c == '0' ? ZERO : INTEGER;
        return is_digit(c);
    }
}

/* Between tokens; spaces are skipped before. */
static bool take_token(struct json_check *check, unsigned char c)
{
    switch (check->state) {
    case FIRST_VALUE:
        return c == ']' ? close_nest(check, c) : begin_value(check, c);
    case FIRST_KEY:
    case KEY:
        if (c == '}' && check->state == FIRST_KEY) {
            return close_nest(check, c);
        }
        check->state = KEY_TEXT;
        return c == '"';
    case COLON:
        check->state = VALUE;
        return c == ':';
    case AFTER:
        if (c == ',' && check->depth > 0) {
            check->state = is_object(check) ? KEY : VALUE;
            return true;
        }
        return close_nest(check, c);
    default:
        return begin_value(check, c);
    }
}

/* The first byte of a character of several (the table of well-formed ones in Unicode, 3-7). */
static bool begin_character(struct json_check *check, unsigned char c, int state)
{
    check->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    check->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    check->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    check->state = state;
    return c >= 0xc2 && c <= 0xf4;
}

/* <is_key> stands for the column of states; the text goes on in <text>. */
static bool take_text(struct json_check *check, unsigned char c, bool is_key)
{
    int text = is_key ? KEY_TEXT : TEXT;

    switch (check->state) {
    case KEY_ESCAPE:
    case ESCAPE:
        check->state = c == 'u' ? (is_key ? KEY_HEX : HEX) : text;
        check->left = 4;
        return c == 'u' || (c != '\0' && strchr("\"\\/bfnrt", c) != NULL);
    case KEY_HEX:
    case HEX:
        check->state = --check->left > 0 ? check->state : text;
        return is_hex(c);
    case KEY_UTF8:
    case UTF8:
        if (c < check->low || c > check->high) {
            return false;
        }
        check->low = 0x80;
        check->high = 0xbf;
        check->state = --check->left > 0 ? check->state : text;
        return true;
    default:
        break;
    }
    if (c == '"') {
        check->state = is_key ? COLON : AFTER;
    } else if (c == '\\') {
        check->state = is_key ? KEY_ESCAPE : ESCAPE;
    } else if (c >= 0x80) {
        return begin_character(check, c, is_key ? KEY_UTF8 : UTF8);
    }
    return c >= 0x20;
}

static bool take_literal(struct json_check *check, unsigned char c)
{
    if (c != (unsigned char)*check->word) {
        return false;
    }
    if (*++check->word == '\0') {
        check->state = AFTER;
    }
    return true;
}

/* What a number goes on with after <c>; -1: <c> is none of it. */
static int next_in_number(int state, unsigned char c)
{
    bool has_exponent = c == 'e' || c == 'E';

    switch (state) {
    case MINUS:
        return c == '0' ? ZERO : is_digit(c) ? INTEGER : -1;
    case ZERO:
        return c == '.' ? POINT : has_exponent ? EXPONENT : -1;
    case INTEGER:
        return is_digit(c) ? INTEGER : c == '.' ? POINT : has_exponent ? EXPONENT : -1;
    case POINT:
        return is_digit(c) ? FRACTION : -1;
    case FRACTION:
        return is_digit(c) ? FRACTION : has_exponent ? EXPONENT : -1;
    case EXPONENT:
        return c == '+' || c == '-' ? EXPONENT_SIGN : is_digit(c) ? EXPONENT_DIGITS : -1;
    default:
        return is_digit(c) ? EXPONENT_DIGITS : -1;
    }
}

static bool is_whole_number(int state)
{
    return state == ZERO || state == INTEGER || state == FRACTION || state == EXPONENT_DIGITS;
}

static bool take(struct json_check *check, unsigned char c)
{
    if (check->state >= MINUS) {
        int next = next_in_number(check->state, c);
        if (next >= 0) {
            check->state = next;
            return true;
        }
        if (!is_whole_number(check->state)) {
            return false;
        }
        check->state = AFTER; /* a number ends with what follows it */
    }
    if (check->state == LITERAL) {
        return take_literal(check, c);
    }
    if (check->state >= KEY_TEXT) {
        return take_text(check, c, (check->state - KEY_TEXT) % 2 == 0);
    }
    return is_space(c) || take_token(check, c);
}

int json_check_feed(struct json_check *check, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!take(check, (unsigned char)text[i])) {
            return -EINVAL;
        }
    }
    return 0;
}

int json_check_end(const struct json_check *check)
{
    bool is_whole = check->state == AFTER || is_whole_number(check->state);

    return is_whole && check->depth == 0 ? 0 : -EINVAL;
}

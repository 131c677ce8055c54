/*
 * An echo: a message of the wanted size goes out and has to come back. Its
 * first bytes are a number of its own, so that an answer that belongs to
 * another request is noticed; a line feed ends it, for servers that echo lines.
 */

#include "load/client.h"

#include "weft/error.h"
#include "weft/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_LENGTH = 16
};

struct echo {
    struct client base;
    weft_stream *stream;
    uint64_t n;
    size_t size;
    char *message, *answer;
};

static struct echo *echo_of(struct client *client)
{
    return (struct echo *)client;
}

static void echo_destroy(struct client *client)
{
    struct echo *echo = echo_of(client);

    free(echo->message);
    free(echo->answer);
    free(echo);
}

static struct client *echo_create(const struct options *options)
{
    struct echo *echo = calloc(1, sizeof(*echo));

    if (echo == NULL) {
        return NULL;
    }
    echo->size = options->message_size;
    echo->message = malloc(echo->size + NUMBER_LENGTH + 2);
    echo->answer = malloc(echo->size);
    if (echo->message == NULL || echo->answer == NULL) {
        echo_destroy(&echo->base);
        return NULL;
    }
    memset(echo->message, 'w', echo->size);
    echo->message[echo->size - 1] = '\n';
    return &echo->base;
}

static int echo_connect(struct client *client)
{
    return client_open_stream(client->options, &echo_of(client)->stream);
}

static void put_number(struct echo *echo)
{
    char number[NUMBER_LENGTH + 1];
    size_t n = echo->size - 1 < NUMBER_LENGTH ? echo->size - 1 : NUMBER_LENGTH;

    snprintf(number, sizeof(number), "%016" PRIx64, ++echo->n);
    memcpy(echo->message, number + NUMBER_LENGTH - n, n);
}

static int echo_request(struct client *client)
{
    struct echo *echo = echo_of(client);
    size_t n;

    put_number(echo);
    WEFT_TRY(weft_stream_write(echo->stream, echo->message, echo->size));
    client->tally->bytes_out += echo->size;
    WEFT_TRY(weft_stream_readexactly(echo->stream, echo->answer, echo->size, &n));
    client->tally->bytes_in += n;
    return memcmp(echo->message, echo->answer, echo->size) == 0 ? 0 : CLIENT_BAD_CONTENT;
}

static bool echo_must_close(const struct client *client)
{
    (void)client;
    return false;
}

static bool echo_is_over(const struct client *client)
{
    return client_stream_is_over(((const struct echo *)client)->stream);
}

static void echo_close(struct client *client)
{
    struct echo *echo = echo_of(client);

    if (echo->stream != NULL) {
        weft_stream_close(echo->stream);
        weft_stream_destroy(echo->stream);
        echo->stream = NULL;
    }
}

const struct client_kind client_echo = { echo_create,     echo_destroy, echo_connect, echo_request,
                                         echo_must_close, echo_is_over, echo_close };

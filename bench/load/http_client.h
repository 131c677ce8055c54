#ifndef LOAD_HTTP_CLIENT_H
#define LOAD_HTTP_CLIENT_H

/* http_client.h: one request to a server on a unix socket, for weftd's control. In a task. */

#include "weft/time.h"

#include <stddef.h>

/* 0 with the body, for the caller to free; CLIENT_BAD_STATUS from 400 on. */
int http_ask_unix(const char *socket, const char *method, const char *path, weft_duration limit,
                  char **out_body, size_t *out_size);

#endif

#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

/*
 * weft.h: all of the library. The headers explain it when they are read in this order:
 *
 *     what all stands on   base.h error.h result.h time.h
 *     one loop             coro.h loop.h future.h task.h context.h
 *     several tasks        timeout.h group.h as_completed.h sync.h queue.h
 *     threads              executor.h concurrent_future.h bridge.h threadsafe.h histogram.h
 *     connections          address.h dns.h connect.h bytes.h stream.h server.h transport.h
 *                          datagram.h pipe.h socket.h
 *     the system           file.h signal.h process.h process_executor.h
 *     a program            runtime.h log.h alloc.h
 *     looking inside       inspect.h monitor.h
 *
 * Included on their own: testing.h (virtual time, failing memory), http.h, http_client.h and
 * http_files.h (libweft-http), service.h (modules of weftd), load.h (scenarios of weft-load).
 */

#include "weft/address.h"
#include "weft/alloc.h"
#include "weft/as_completed.h"
#include "weft/base.h"
#include "weft/bridge.h"
#include "weft/bytes.h"
#include "weft/concurrent_future.h"
#include "weft/connect.h"
#include "weft/context.h"
#include "weft/coro.h"
#include "weft/datagram.h"
#include "weft/dns.h"
#include "weft/error.h"
#include "weft/executor.h"
#include "weft/file.h"
#include "weft/future.h"
#include "weft/group.h"
#include "weft/histogram.h"
#include "weft/inspect.h"
#include "weft/log.h"
#include "weft/loop.h"
#include "weft/monitor.h"
#include "weft/pipe.h"
#include "weft/process.h"
#include "weft/process_executor.h"
#include "weft/queue.h"
#include "weft/result.h"
#include "weft/runtime.h"
#include "weft/server.h"
#include "weft/signal.h"
#include "weft/socket.h"
#include "weft/stream.h"
#include "weft/sync.h"
#include "weft/task.h"
#include "weft/threadsafe.h"
#include "weft/time.h"
#include "weft/timeout.h"
#include "weft/transport.h"

#endif

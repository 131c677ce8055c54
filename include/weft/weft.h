#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

/*
 * weft.h: all of the library. Reading order: error, coro, context, loop, future, task, timeout,
 * group, as_completed, sync, queue, executor, concurrent_future, bridge, threadsafe, connect,
 * dns, socket, stream, server, transport, process, process_executor, address, datagram, pipe,
 * file, signal, runtime. service.h (modules of weftd), load.h (scenarios of weft-load), http.h
 * and testing.h are included on their own.
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
#include "weft/log.h"
#include "weft/loop.h"
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

# area: executor
# behaviour: Every crossing refuses a closed loop with the same text.
import asyncio
import threading


async def body():
    print("never")


def attempt(name, call):
    try:
        call()
    except RuntimeError as e:
        print("%s: %s" % (name, e))


def from_thread(loop):
    attempt("call_soon_threadsafe", lambda: loop.call_soon_threadsafe(print))
    coro = body()
    attempt("run_coroutine_threadsafe", lambda: asyncio.run_coroutine_threadsafe(coro, loop))
    coro.close()


loop = asyncio.new_event_loop()
loop.close()
attempt("run_in_executor", lambda: loop.run_in_executor(None, int))
attempt("call_soon_threadsafe", lambda: loop.call_soon_threadsafe(print))
thread = threading.Thread(target=from_thread, args=(loop,))
thread.start()
thread.join()

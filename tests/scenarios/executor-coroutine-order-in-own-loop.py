# area: executor
# behaviour: run_coroutine_threadsafe on the loop's own thread keeps its place among other calls.
import asyncio


async def body():
    print("body starts")
    await asyncio.sleep(0)
    return 7


async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(print, "before")
    future = asyncio.run_coroutine_threadsafe(body(), loop)
    loop.call_soon(print, "after")
    for i in range(5):
        await asyncio.sleep(0)
        print("turn %d done=%d" % (i + 1, future.done()))
    print("result %d" % future.result())


asyncio.run(main())

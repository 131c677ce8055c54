# area: executor
# behaviour: A coroutine handed over and cancelled at once still runs up to its first wait.
import asyncio


async def body():
    print("body starts")
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        print("body cancelled")
        raise


async def main():
    loop = asyncio.get_running_loop()
    future = asyncio.run_coroutine_threadsafe(body(), loop)
    print("cancel=%d cancelled=%d" % (future.cancel(), future.cancelled()))
    for i in range(4):
        await asyncio.sleep(0)
        print("turn %d" % (i + 1))


asyncio.run(main())

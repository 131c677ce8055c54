# area: executor
# behaviour: A cancel after the body has returned but before the future knows of it still cancels the future.
import asyncio


async def body():
    print("body runs")
    return 1


async def main():
    loop = asyncio.get_running_loop()
    future = asyncio.run_coroutine_threadsafe(body(), loop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("running=%d done=%d" % (future.running(), future.done()))
    print("cancel=%d cancelled=%d" % (future.cancel(), future.cancelled()))
    for i in range(3):
        await asyncio.sleep(0)
    print("cancelled=%d" % future.cancelled())
    future = asyncio.run_coroutine_threadsafe(body(), loop)
    for i in range(4):
        await asyncio.sleep(0)
    print("done=%d cancel=%d result %d" % (future.done(), future.cancel(), future.result()))


asyncio.run(main())

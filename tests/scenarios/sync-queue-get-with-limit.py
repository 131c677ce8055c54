# Time limits around get and put: what is late changes nothing.
import asyncio


async def main():
    q = asyncio.Queue(1)
    loop = asyncio.get_running_loop()
    for what, call in (("get", q.get), ("put", lambda: q.put("late"))):
        if what == "put":
            q.put_nowait("first")
        try:
            async with asyncio.timeout(1):
                await call()
        except TimeoutError:
            print(what, "TimeoutError size", q.qsize())
    print("got", q.get_nowait())
    loop.call_later(0.5, q.put_nowait, "in time")
    async with asyncio.timeout(1):
        print("got", await q.get())
    try:
        await asyncio.wait_for(q.get(), 0)
    except TimeoutError:
        print("zero TimeoutError")
    q.put_nowait("there")
    print("got", await asyncio.wait_for(q.get(), 5), "size", q.qsize())


asyncio.run(main())

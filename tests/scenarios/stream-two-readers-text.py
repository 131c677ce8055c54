import asyncio
from tracelib import err, show


async def main():
    r = asyncio.StreamReader()
    task = asyncio.create_task(r.readexactly(2))
    await asyncio.sleep(0)
    for name, call in (("read", lambda: r.read(1)), ("readline", r.readline),
                       ("readuntil", r.readuntil), ("readexactly", lambda: r.readexactly(1))):
        try:
            await call()
        except RuntimeError as e:
            print(name, err(e))
    r.feed_data(b"ab")
    print("first", show(await task))


asyncio.run(main())

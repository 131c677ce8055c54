import asyncio
from tracelib import err, show


async def wait_for_it(r):
    try:
        await r.readexactly(6)
    except asyncio.CancelledError as e:
        print("reader", err(e))
        raise


async def main():
    r = asyncio.StreamReader()
    r.feed_data(b"abc")
    task = asyncio.create_task(wait_for_it(r))
    await asyncio.sleep(0)
    r.feed_data(b"d")
    task.cancel()
    await asyncio.wait([task])
    r.feed_data(b"ef")
    print("read", show(await r.readexactly(6)))


asyncio.run(main())

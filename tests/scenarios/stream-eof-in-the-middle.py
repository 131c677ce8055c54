import asyncio
from tracelib import err, show


async def main():
    r = asyncio.StreamReader()
    r.feed_data(b"abc")
    task = asyncio.create_task(r.readexactly(5))
    await asyncio.sleep(0)
    r.feed_data(b"d")
    await asyncio.sleep(0)
    r.feed_eof()
    try:
        await task
    except asyncio.IncompleteReadError as e:
        print(err(e), "partial", show(e.partial), "expected", e.expected)
    print("at eof %d" % r.at_eof())
    print("line", show(await r.readline()))
    print("exactly 0", show(await r.readexactly(0)))
    try:
        await r.readexactly(1)
    except asyncio.IncompleteReadError as e:
        print(err(e), "partial", show(e.partial), "expected", e.expected)


asyncio.run(main())

import asyncio
from tracelib import err, show


async def line(r):
    try:
        print("line", show(await r.readline()))
    except ValueError as e:
        print(err(e), str(e))


async def main():
    r = asyncio.StreamReader(limit=4)
    r.feed_data(b"1234")
    task = asyncio.create_task(line(r))
    await asyncio.sleep(0)
    r.feed_data(b"567")
    await task
    r.feed_data(b"rest\nok\n")
    r.feed_eof()
    await line(r)
    await line(r)
    await line(r)


asyncio.run(main())

import asyncio
from tracelib import err, show


async def until(limit, data):
    r = asyncio.StreamReader(limit=limit)
    r.feed_data(data)
    r.feed_eof()
    try:
        print("got", show(await r.readuntil(b"\r\n")))
    except asyncio.LimitOverrunError as e:
        print(err(e), "consumed", e.consumed)
    except asyncio.IncompleteReadError as e:
        print(err(e), "partial", show(e.partial))
    print("left", show(await r.read()))


async def main():
    await until(4, b"1234\r\nx")
    await until(4, b"12345\r\nx")
    await until(4, b"12345")
    await until(4, b"123456")
    await until(4, b"12345\r")
    await until(4, b"123456\r")


asyncio.run(main())
